"""A trace: every operation of one run in floats, with its arguments, in the order of time.

A node holds the function, its arguments (other nodes in the place of their values), a copy of the
result and the line. So the run can be evaluated again from the same inputs in another arithmetic
(`replay.py`). Arrays that share memory are told apart by their place in it: what is written through
one view is read through another.

Left out: catching the operations (`arrays.py`, `substitute.py`, `tensors.py`).
"""

import sys
from bisect import bisect, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from math import frexp, isfinite, ldexp, trunc
from operator import or_
from types import CodeType, FrameType
from typing import Any, ClassVar

import numpy as np

from conformance.tracing.frames import Frame, subject_calls, subject_sites
from reference.step import Array

FILLED = "filled"
"""The operation of an array that was written into."""

UNTRACED = frozenset((int, bool, str, slice, type(None)))
"""Types of arguments that nothing computed."""

MANY_BITS = 30  # a float with so many significant bits is known again by its bits
FEW_BITS = 20  # the same of a narrower one


Write = tuple[Array | None, Any, tuple[Frame, ...], tuple[int, ...]]
"""Indices into a flattened array, or None for all of it; what was written; the lines, the calls."""


@dataclass(eq=False, repr=False)
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

    @property
    def site(self) -> tuple[CodeType, int] | None:
        """The innermost of its sites."""
        return self.sites[0] if self.sites else None

    @property
    def given(self) -> bool:
        """Whether the subject was handed it."""
        return self.operation.startswith("given ")

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
        return self.function(*args, **kwargs)

    def depends_on(self, other: "Node") -> bool:
        """Whether it is the other node, or was computed from it."""
        return bool(self.uses >> other.number & 1)


@dataclass(eq=False)
class Memory:
    """The numbers that several arrays share, and what was written into them.

    Attributes:
        owner: the array that holds them all.
        state: what computed them, as an array of the owner's shape.
        writes: what was written since.
        version: the number of writes so far.
        views: what computed the numbers of a view, by its place, and the version then.
    """

    owner: Array
    state: Node | None = None
    writes: list[Write] = field(default_factory=list)
    version: int = 0
    views: dict[Any, tuple[int, Node]] = field(default_factory=dict)


class EnoughError(BaseException):
    """A program has run long enough; it is none of its own errors."""


class Trace:
    """The nodes of one run.

    Attributes:
        nodes: in the order of time.
        lines: whether the lines of the subject are noted.
        recording: whether operations are noted.
        known_operations: those of which another one with the same inputs is no node of its own;
            None if each is one.
        learning: whether new operations join them.
        foreign: gives the node of an argument that is no array, or the argument itself.
        handed: the nodes that each call of a function was handed as its arguments, themselves and
            not in a list, by the number of the call.
        array_type: of traced arrays; `arrays.py` sets it, and the following.
        number_types: of traced numbers, by those of plain ones.
        numbers: the types of traced numbers.
    """

    array_type: ClassVar[Any]
    number_types: ClassVar[dict[type, Any]]
    numbers: ClassVar[frozenset[type]]

    def __init__(self, *, lines: bool = True, sites: bool = False, most: int | None = None) -> None:
        """Start with none.

        Args:
            lines: whether to note the lines of the subject.
            sites: whether to note the place in the line too.
            most: the number of nodes after which the program is stopped, once.
        """
        self.most = most
        self.known_operations: dict[Any, Node] | None = None
        self.learning = False
        self.nodes: list[Node] = []
        self.lines, self.sites = lines, sites
        self.recording = True
        self.foreign: Callable[[Any], Any] | None = None
        self._memories: dict[int, Memory] = {}
        self._new: list[Memory] = []  # those that are not among the addresses yet
        self._addresses: list[int] = []
        self._at: dict[int, Memory] = {}
        self._by_bytes: dict[bytes, Node] = {}
        self._constants: dict[tuple[Any, ...], Node] = {}
        self.handed: list[frozenset[int]] = []
        self._calls: dict[
            FrameType, int
        ] = {}  # which keeps them, so that no other is taken for one

    def forget_calls(self) -> None:
        """Let the calls of the program go, which is over."""
        self._calls.clear()

    def _where(self) -> tuple[tuple[Frame, ...], tuple[int, ...]]:
        """The lines of the subject that lead here, and the calls that they belong to."""
        if not self.lines:
            return (), ()
        found = subject_calls(sys._getframe(1))  # noqa: SLF001 - the way to the caller's line
        known = self._calls
        for _, call in found:
            if call not in known:
                self._note_call(call)
        return tuple([line for line, _ in found]), tuple([known[call] for _, call in found])

    def _note_call(self, call: FrameType) -> None:
        """Number a call whose first operation is noted."""
        number = self._calls[call] = len(self.handed)
        self.handed.append(frozenset())
        self.handed[number] = frozenset(self._arguments(call))

    def _arguments(self, call: FrameType) -> Iterator[int]:
        """The numbers of the nodes among the arguments of a call."""
        code, held = call.f_code, call.f_locals
        for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            value: Any = held.get(name)
            if isinstance(value, self.array_type):
                yield self.node_of(value).number
            elif type(value) in self.numbers:
                yield value.node.number

    def uses_of(self, numbers: Iterable[int]) -> int:
        """What some nodes were computed from, and themselves, as bits."""
        return reduce(or_, (self.nodes[number].uses for number in numbers), 0)

    def given(self, array: Array, name: str) -> Any:
        """A traced copy of an array that the subject is handed."""
        node = self.node(f"given {name}", None, (), {}, np.array(array))
        return self.traced(np.array(array), node)

    def node(
        self,
        operation: str,
        function: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        value: Any,
    ) -> Node:
        """A new node; the value is kept as it is, the arguments hold nodes already.

        Raises:
            EnoughError: there are as many as there may be.
        """
        if self.most is not None and len(self.nodes) >= self.most:
            self.most = None  # so that the program's last values can still be asked for
            raise EnoughError
        known = self.known_operations
        key = None if known is None or function is None else operation_key(operation, args, kwargs)
        if key is not None and known is not None:
            same = known.get(key)
            if same is not None and _equal(same.value, value):
                return same
        inputs = nodes_in(args, kwargs)
        frames, calls = self._where()
        made = Node(len(self.nodes), operation, function, args, kwargs, value, frames, inputs)
        made.calls = calls
        made.sites = subject_sites() if self.sites else ()
        made.uses = 1 << made.number
        for each in inputs:
            made.uses |= each.uses
            each.consumers.append(made)
        self.nodes.append(made)
        if key is not None and known is not None and self.learning:
            known[key] = made
        if isinstance(value, np.ndarray | np.generic):
            self._remember(made)
        return made

    def record(
        self,
        operation: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> Any:
        """The result of an operation, traced; the arguments hold nodes already."""
        if isinstance(result, tuple | list):
            if not any(isinstance(each, np.ndarray | np.generic) for each in flat(result)):
                return result  # a shape
            whole = self.node(operation, function, args, kwargs, result)
            parts = (
                self.record("part", part_of, (whole, i), {}, each) for i, each in enumerate(result)
            )
            return type(result)(parts) if type(result) in (tuple, list) else tuple(parts)
        if not isinstance(result, np.ndarray | np.generic) and type(result) is not float:
            return result
        made = self.node(operation, function, args, kwargs, _floats(self.kept(result)))
        return self.traced(result, made)

    def kept(self, value: Any) -> Array:
        """The numbers of a value as they are now, whatever is written into it later."""
        return np.array(value)

    def traced(self, result: Any, node: Node) -> Any:
        """An array or a number as what a node computed."""
        if not isinstance(result, np.ndarray):
            return self.number(result, node)
        array = result.view(self.array_type)
        memory = self.memory(result)
        if memory.state is None and (memory.owner is result or _whole(result, memory)):
            memory.state = node
        array.tracer, array.node, array.memory, array.version = self, node, memory, memory.version
        return array

    def number(self, value: Any, node: Node) -> Any:
        """A number as what a node computed; integers and truth values stay plain."""
        kind = self.number_types.get(type(value))
        if kind is None:
            return value
        made = kind(value)
        made.tracer, made.node, made.plain = self, node, value
        return made

    def memory(self, array: Array) -> Memory:
        """The memory of an array."""
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        found = self._memories.get(id(owner))
        if found is None and owner.base is not None:
            found = self.memory_at(address(owner))  # it is another's memory, such as a tensor's
        if found is None:
            found = self.keep(owner)
        return found

    def keep(self, owner: Array) -> Memory:
        """A new memory, of all the numbers of an array."""
        made = self._memories[id(owner)] = Memory(owner)  # which keeps it, and so its id
        self._new.append(made)
        return made

    def memory_at(self, start: int) -> Memory | None:
        """The memory that holds an address; None if it is not known."""
        for each in self._new:
            if each.owner.nbytes:
                insort(self._addresses, address(each.owner))
                self._at[address(each.owner)] = each
        self._new.clear()
        before = bisect(self._addresses, start)
        if not before:
            return None
        found = self._at[self._addresses[before - 1]]
        return found if start < address(found.owner) + found.owner.nbytes else None

    def node_of(self, array: Any, memory: Memory | None = None) -> Node:
        """What computed the present numbers of an array that shares a known memory."""
        memory = memory or self.memory(array)
        cached = getattr(array, "node", None)
        if cached is not None and array.version == memory.version:
            return cached  # type: ignore[no-any-return]
        key = address(array), array.shape, array.strides
        version, known = memory.views.get(key, (-1, None))
        if known is not None and version == memory.version and _holds(array, known):
            return known
        state = self._state(memory)
        index = place(array, memory.owner)
        if index is None:
            found = state
        else:
            numbers = np.array(array.view(np.ndarray))
            found = self.node("getitem", taken, (state, index), {}, numbers)
        if not _holds(array, found):  # it was written into unseen, as a plain array
            memory.writes.clear()
            memory.version += 1
            memory.state = self.constant(np.array(memory.owner))
            return self.node_of(array, memory)
        memory.views[key] = memory.version, found
        if hasattr(array, "version"):
            array.node, array.memory, array.version = found, memory, memory.version
        return found

    def knows(self, array: Array) -> bool:
        """Whether something is known of the memory of a plain array."""
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if owner.base is not None and self.memory_at(address(owner)) is not None:
            return True
        return id(owner) in self._memories

    def write(self, array: Any, value: Any) -> None:
        """Note that a traced array was written into; the value holds nodes already."""
        memory = self.memory(array)
        index = place(array, memory.owner)
        self.write_at(memory, index, value)

    def write_at(self, memory: Memory, index: Array | None, value: Any) -> None:
        """Note what was written at some places of a memory."""
        if index is None:
            memory.writes.clear()
        memory.writes.append((index, value, *self._where()))
        memory.version += 1

    def overwritten(self, array: Array, node: Node) -> None:
        """Note that an array, perhaps a plain one, was filled with what a node computed."""
        memory = self.memory(array)
        self.write_at(memory, place(array, memory.owner), node)

    def before_write(self, array: Any) -> Memory:
        """The memory of an array that is about to be written into, its numbers known."""
        memory = self.memory(array)
        if memory.state is None and not memory.writes:
            memory.state = self.constant(np.array(memory.owner))
        return memory

    def _state(self, memory: Memory) -> Node:
        """What computed all numbers of a memory."""
        if memory.writes:
            writes, memory.writes = memory.writes, []
            *_, (index, value, frames, calls) = writes
            fits = type(value) is Node and value.value.shape == memory.owner.shape
            if index is None and fits and value.value.dtype == memory.owner.dtype:
                memory.state = value
            else:
                before = memory.state or self.constant(np.array(memory.owner))
                pairs = tuple((index, value) for index, value, *_ in writes)
                memory.state = self.node(
                    FILLED, filled, (before, pairs), {}, np.array(memory.owner)
                )
                if frames:
                    memory.state.frames, memory.state.calls = frames, calls
                memory.state.writes, memory.state.sites = tuple(writes), ()
                memory.state.replaces = before
        if memory.state is None:
            memory.state = self._copied(memory.owner) or self.constant(np.array(memory.owner))
        return memory.state

    def _copied(self, owner: Any) -> Node | None:
        """What computed the numbers that NumPy copied as objects, as `np.vectorize` has it do."""
        original = getattr(owner, "original", None)
        if original is None:
            return None
        found = self.node_of(original)
        return found if _floats(np.array(owner)).tobytes() == found.value.tobytes() else None

    def constant(self, value: Any) -> Node:
        """A node of numbers that came in untraced, or what is known to have computed them."""
        array = _floats(np.array(value))
        found = self.find(array)
        if found is not None:
            return found
        most = 9 if self.known_operations is None else FEW
        key = (array.shape, array.dtype.str, array.tobytes()) if array.size < most else None
        if key is not None and not array.dtype.hasobject and key in self._constants:
            return self._constants[key]
        made = self.node("constant", None, (), {}, array)
        if key is not None and not array.dtype.hasobject:
            self._constants[key] = made
        return made

    def find(self, array: Array) -> Node | None:
        """What computed these very numbers, if they are such as none meets by chance."""
        if array.dtype.kind != "f" or not telling(array):
            return None
        found = self._by_bytes.get(array.tobytes())
        if found is None or found.value.shape == array.shape:
            return found
        return self.node("reshape", np.reshape, (found, array.shape), {}, array)

    def argument(self, value: Any) -> Any:  # noqa: PLR0911 - a return a kind of value
        """An argument with nodes in the place of traced arrays and numbers."""
        kind = type(value)
        if kind is self.array_type:
            return self.node_of(value)
        if kind in UNTRACED:
            return value
        if kind in self.numbers:
            return value.node
        if kind is list or kind is tuple:
            return kind(map(self.argument, value))
        if kind is dict:
            return {key: self.argument(each) for key, each in value.items()}
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return self.node_of(value) if self.knows(value) else self.constant(value)
        if kind is float or kind is np.float64 or kind is np.float32:
            found = self.find(np.asarray(value)) if _is_telling(value) else None
            return value if found is None else found
        return value if self.foreign is None else self.foreign(value)

    def _remember(self, node: Node) -> None:
        value = np.asarray(node.value)
        if value.dtype.kind == "f" and value.size and node.operation != "constant":
            self._by_bytes.setdefault(value.tobytes(), node)


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


FEW = 512  # entries of an array of indices or labels


def _equal(first: Any, second: Any) -> bool:
    """Whether two results are the same numbers."""
    if isinstance(first, tuple | list) or isinstance(second, tuple | list):
        return False
    first, second = np.asarray(first), np.asarray(second)
    same = first.shape == second.shape and first.dtype == second.dtype
    return same and not first.dtype.hasobject and first.tobytes() == second.tobytes()


def _floats(value: Array) -> Array:
    """Floats among objects, as `np.vectorize` makes them, as floats."""
    if value.dtype.hasobject and all(isinstance(e, float | np.floating) for e in value.flat):
        return value.astype(np.float64)
    return value


def _is_telling(number: Any) -> bool:
    """The same of a single number, before an array is made of it."""
    scaled = ldexp(frexp(number)[0], MANY_BITS if type(number) is not np.float32 else FEW_BITS)
    return isfinite(scaled) and scaled != trunc(scaled)


def telling(array: Array) -> bool:
    """Whether one of the first numbers has so many bits that it is met nowhere by chance."""
    numbers = np.asarray(array, np.float64).ravel()[:64]
    with np.errstate(all="ignore"):
        mantissa, _ = np.frexp(numbers)
        scaled = np.ldexp(mantissa, MANY_BITS if array.dtype.itemsize > 4 else FEW_BITS)  # noqa: PLR2004
        return bool(np.any((scaled != np.trunc(scaled)) & np.isfinite(scaled)))


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


def part_of(whole: Any, i: int) -> Any:
    """One of the results of an operation that has several."""
    return whole[i]


def taken(state: Array, index: Array) -> Array:
    """The numbers at some places of a flattened array."""
    return np.asarray(state).reshape(-1)[index]


def filled(before: Array, writes: Iterable[tuple[Array | None, Any]]) -> Array:
    """An array after some writes into it."""
    writes = list(writes)
    objects = any(_has_objects(value) for _, value in writes)
    after = np.array(before, dtype=object) if objects else np.array(before)
    numbers = after.reshape(-1)
    for index, value in writes:
        if index is None:
            after[...] = value
        else:
            numbers[index] = value
    return after


def _has_objects(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_objects, value))
    if isinstance(value, np.ndarray):
        return bool(value.dtype.hasobject)
    return not isinstance(value, int | float | np.generic)


def _holds(array: Array, node: Node) -> bool:
    """Whether a plain array has the numbers of a node; a traced one has: it notes each write."""
    return hasattr(array, "version") or array.tobytes() == node.value.tobytes()


def address(array: Array) -> int:
    """Where in memory the first entry of an array is."""
    return int(array.__array_interface__["data"][0])


def _whole(array: Array, memory: Memory) -> bool:
    return place(array, memory.owner) is None


def place(array: Array, owner: Array) -> Array | None:
    """Where in its flattened owner the entries of a view are; None if it is the whole of it.

    Indices count the owner's entries in the order of its rows, whatever its layout in memory is.
    """
    size = owner.itemsize or 1
    start = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    if array.shape == owner.shape and array.strides == owner.strides and start == 0:
        return None
    offsets = np.full(array.shape, start // size, dtype=np.int64)
    for axis, (length, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        along = [1] * array.ndim
        along[axis] = length
        offsets = offsets + (np.arange(length, dtype=np.int64) * (stride // size)).reshape(along)
    if owner.flags.c_contiguous:
        return offsets
    own = np.zeros(owner.shape, dtype=np.int64)
    for axis, (length, stride) in enumerate(zip(owner.shape, owner.strides, strict=True)):
        along = [1] * owner.ndim
        along[axis] = length
        own = own + (np.arange(length, dtype=np.int64) * (stride // size)).reshape(along)
    order = np.argsort(own, axis=None)
    return order[np.searchsorted(own.ravel()[order], offsets)]
