"""A node of a trace: one operation, its arguments and what they were computed from.

Left out: recording them (`trace.py`), computing them again (`replay.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from types import CodeType
from typing import Any

import numpy as np

from conformance.tracing.frames import Frame
from reference.step import Array

FILLED = "filled"
"""The operation of an array that was written into."""

FEW = 512  # entries of an array of indices or labels that is compared

Write = tuple[Array | None, Any, tuple[Frame, ...], tuple[int, ...]]
"""Indices into a flattened array, or None for all of it; what was written; the lines, the calls."""


@dataclass(eq=False, repr=False, slots=True, weakref_slot=True)
class Node:
    """One operation.

    Attributes:
        number: its place in the trace.
        operation: its name, as NumPy has it; `given NAME` for what the subject was handed,
            `constant` for numbers that came in untraced.
        function: what computes it; None where nothing does.
        args: its arguments, nodes in the place of what they computed, in lists and tuples too.
        kwargs: the same by their names.
        value: a copy of the result.
        frames: the lines of the subject that led to it, the innermost first.
        inputs: the nodes among its arguments.
        uses: the numbers of all nodes that it was computed from, and its own, as bits.
        consumers: the nodes that were computed from it at once.
        writes: of an array that was written into, what was written where.
        calls: the numbers of the calls of functions that the frames belong to.
        sites: the code of the subject that led to it, the innermost first, each with the
            instruction that ran; where the trace notes them.
        replaces: what computed the numbers that it has overwritten; where the trace notes sites.
    """

    number: int
    operation: str
    function: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Array
    frames: tuple[Frame, ...]
    inputs: tuple["Node", ...] = ()
    uses: int = 0
    consumers: list["Node"] = field(default_factory=list)
    writes: tuple["Write", ...] = ()
    calls: tuple[int, ...] = ()
    sites: tuple[tuple[CodeType, int], ...] = ()
    replaces: "Node | None" = None
    moves: bool = False

    @property
    def site(self) -> tuple[CodeType, int] | None:
        """The innermost of its sites."""
        return self.sites[0] if self.sites else None

    @property
    def given(self) -> bool:
        """Whether the subject was handed it."""
        return self.function is None and self.operation.startswith("given ")

    @property
    def constant(self) -> bool:
        """Whether it was neither handed to the subject nor computed of anything."""
        return self.function is None and not self.given

    def __repr__(self) -> str:
        """Its number and operation: its inputs would lead far."""
        return f"Node({self.number}, {self.operation})"

    def again(self, value: Callable[["Node"], Any]) -> Any:
        """The result of the operation with other values in the place of its inputs."""
        assert self.function is not None  # noqa: S101 - constants are never computed again
        args, kwargs = substituted(self.args, value), substituted(self.kwargs, value)
        return joined(self.function(*args, **kwargs))

    def depends_on(self, other: "Node") -> bool:
        """Whether it is the other node, or was computed from it."""
        return other.number <= self.number and bool(self.uses >> other.number & 1)


def operation_key(operation: str, args: Any, kwargs: Any) -> Any:
    """What two operations have in common that give the same; None if it cannot be told."""
    try:
        return operation, _key(args), _key(kwargs)
    except TypeError:
        return None


def _key(value: Any) -> Any:
    kind = type(value)
    if kind is Node:
        return Node, value.number
    if kind in (list, tuple):
        return kind, tuple(map(_key, value))
    if kind is dict:
        return kind, tuple((name, _key(each)) for name, each in value.items())
    if kind is slice:
        return kind, value.start, value.stop, value.step
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject or value.size > FEW:
            raise TypeError("too large to be compared")
        return kind, value.shape, value.dtype.str, value.tobytes()
    hash(value)
    return kind, value


def nodes_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Node, ...]:
    """The nodes among the arguments of an operation, each once, within lists and dicts too."""
    found: dict[Node, None] = {}
    _collect(args, found)
    if kwargs:
        _collect(kwargs.values(), found)
    return tuple(found)


def _collect(values: Iterable[Any], found: dict[Node, None]) -> None:
    for each in values:
        kind = type(each)
        if kind is Node:
            found[each] = None
        elif kind is list or kind is tuple:
            _collect(each, found)
        elif kind is dict:
            _collect(each.values(), found)


def is_followed(result: Any) -> bool:
    """Whether an operation's result is noted: numbers, in an array with NumPy's own operators.

    What computes with matrices of which `*` is the product does so plain.
    """
    if isinstance(result, np.ndarray):
        return type(result).__mul__ is np.ndarray.__mul__
    return isinstance(result, np.generic | float)


def flat(value: Any) -> Iterator[Any]:
    """The values within lists, tuples and dicts one by one."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from flat(each)
    elif isinstance(value, dict):
        yield from flat(list(value.values()))
    else:
        yield value


def substituted(value: Any, lookup: Callable[[Node], Any]) -> Any:
    """An argument with each node replaced by what `lookup` gives for it."""
    kind = type(value)
    if kind is Node:
        return lookup(value)
    if kind in (list, tuple):
        return kind(substituted(each, lookup) for each in value)
    if kind is dict:
        return {key: substituted(each, lookup) for key, each in value.items()}
    return value


def recomputed(given: Mapping[int, Any], path: Iterable[Node]) -> dict[int, Any] | None:
    """The values of what depends on some nodes, in floats, if these had other values.

    Args:
        given: the other values, by the numbers of the nodes.
        path: the operations that are done again, in their order.

    Returns:
        The values by number, those that were given among them; None if an operation does not fit.
    """
    values: dict[int, Any] = dict(given)
    changed = reduce(or_, (1 << number for number in given), 0)

    def operand(node: Node) -> Any:
        value = values.get(node.number, node.value)
        return value[()] if isinstance(value, np.ndarray) and not value.ndim else value

    with np.errstate(all="ignore"):
        for node in path:
            if node.number in values or not node.uses & changed or node.function is None:
                continue
            try:
                result = node.again(operand)
            except (ValueError, TypeError, IndexError, ArithmeticError):
                return None
            values[node.number] = np.asarray(result) if np.isscalar(result) else result
    return values


def lengths(args: Any) -> Any:
    """Arguments whose whole numbers are plain, even those of a list: places, axes and lengths."""
    return tuple(
        getattr(each, "plain", each)
        if isinstance(each, int)
        else (lengths(each) if type(each) is tuple else each)
        for each in args
    )


def holds_records(value: Any) -> bool:
    """Whether an array is a structured one: its entries are records and no numbers."""
    return bool(np.asarray(value).dtype.names)


def joined(result: Any) -> Any:
    """Several results, as of `np.broadcast_arrays`, as one array of them; a single one as it is."""
    if not isinstance(result, list | tuple):
        return result
    several = np.empty(len(result), dtype=object)
    several[:] = [*result]
    return several


def part_of(whole: Any, i: int) -> Any:
    """One of the results of an operation that has several."""
    return whole[i]


def taken(state: Array, index: Array) -> Array:
    """The numbers at some places of a flattened array."""
    return np.asarray(state).reshape(-1)[index]


def is_part(node: Node) -> bool:
    """Whether a value is taken out of an array."""
    return node.operation == "getitem" or node.function is taken


def states_of(node: Node) -> list[Node]:
    """A value, and what it was before each write into it, the latest first."""
    found = [node]
    while found[-1].operation == FILLED and type(found[-1].args[0]) is Node:
        found.append(found[-1].args[0])
    return found


def touched(state: Node, index: Array, most: int = 16) -> Node:
    """The state of an array in which something was last written at some places.

    Args:
        state: what the array is now.
        index: the places.
        most: states that are followed back.
    """
    for _ in range(most):
        if state.operation != FILLED or any(
            at is None or np.isin(at, index).any() for at, _ in state.args[1]
        ):
            break
        state = state.args[0]
    return state


def filled(before: Array, writes: Iterable[tuple[Array | None, Any]]) -> Array:
    """An array after some writes into it."""
    writes = list(writes)
    objects = any(_has_objects(value) for _, value in writes)
    after = np.array(before, dtype=object if objects else None, order="C")
    numbers = after.reshape(-1)
    for index, value in writes:
        if index is None:
            after[...] = value
        else:
            places = np.atleast_1d(index)  # else an array of one object becomes an entry
            same = isinstance(value, np.ndarray) and value.size == places.size
            numbers[places] = value.reshape(places.shape) if same else value
    return after


def _has_objects(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_objects, value))
    if isinstance(value, np.ndarray):
        return bool(value.dtype.hasobject)
    return not isinstance(value, int | float | np.generic)


def bits_of_nodes(nodes: Iterable[Node]) -> int:
    """The numbers of some nodes, as bits."""
    return reduce(or_, (1 << each.number for each in nodes), 0)


def uses_of_nodes(nodes: Iterable[Node]) -> int:
    """The numbers of all that some nodes were computed from, and their own, as bits."""
    return reduce(or_, (each.uses for each in nodes), 0)


def hold(nodes: Iterable[Node], is_held: Callable[[Node], bool]) -> None:
    """Let some of the nodes of a trace be constants, each asked as the ones before it are then."""
    exchange(nodes, lambda node: () if is_held(node) else None)


def exchange(nodes: Iterable[Node], of: Callable[[Node], tuple[Node, ...] | None]) -> None:
    """Let some of the nodes of a trace be constants, or copies of other nodes.

    Args:
        nodes: of the trace.
        of: gives nothing for a constant, the node that another one copies, and None for all else;
            each is asked as the ones before it are then.
    """
    changed = 0
    for node in nodes:
        copied = of(node)
        if copied is not None:
            for each in node.inputs:
                each.consumers[:] = [user for user in each.consumers if user is not node]
            node.operation = "copy" if copied else "constant"
            node.function = np.copy if copied else None
            node.args, node.kwargs, node.inputs, node.writes = copied, {}, copied, ()
            for each in copied:
                each.consumers.append(node)
            changed |= 1 << node.number
        if node.uses & changed:
            node.uses = 1 << node.number | uses_of_nodes(node.inputs)
