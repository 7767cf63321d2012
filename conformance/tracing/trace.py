"""A trace: every operation of one run in floats, with its arguments, in the order of time.

A node holds the function, its arguments (other nodes in the place of their values), a copy of the
result and the line. So the run can be evaluated again from the same inputs in another arithmetic
(`replay.py`). Arrays that share memory are told apart by their place in it: what is written through
one view is read through another.

Left out: catching the operations (`operations.py`, `substitute.py`, `tensors.py`).
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from math import frexp, isfinite, ldexp, trunc
from types import FrameType
from typing import Any, ClassVar

import numpy as np

from conformance.tracing.frames import Frame, subject_calls, subject_sites
from conformance.tracing.memory import Memories, Memory, address, place
from conformance.tracing.node import (
    FEW,
    FILLED,
    Node,
    filled,
    flat,
    nodes_in,
    operation_key,
    part_of,
    taken,
    uses_of_nodes,
)
from reference.step import Array

UNTRACED = frozenset((int, bool, str, slice, type(None)))
"""Types of arguments that nothing computed."""

MANY_BITS = 30  # a float with so many significant bits is known again by its bits
FEW_BITS = 20  # the same of a narrower one


class EnoughError(BaseException):
    """A program has run long enough; it is none of its own errors."""


class Trace:
    """The nodes of one run.

    Attributes:
        nodes: in the order of time.
        memories: of the arrays that were met.
        lines: whether the lines of the subject are noted.
        recording: whether operations are noted.
        known_operations: those of which another one with the same inputs is no node of its own;
            None if each is one.
        learning: whether new operations join them.
        autograd: whether torch was asked for gradients.
        foreign: gives the node of an argument that is no array, or the argument itself.
        handed: the nodes that each call of a function was handed as its arguments, themselves or
            in a tuple, and not in a list, by the number of the call.
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
        self.recording, self.autograd = True, False
        self.foreign: Callable[[Any], Any] | None = None
        self.memories = Memories()
        self._by_bytes: dict[bytes, Node | None] = {}
        self._constants: dict[tuple[Any, ...], Node] = {}
        self.handed: list[frozenset[int]] = []
        self._calls: dict[
            FrameType, int
        ] = {}  # which keeps them, so that no other is taken for one

    @classmethod
    def of(cls, nodes: list[Node]) -> "Trace":
        """A trace of operations that are known."""
        made = cls()
        made.nodes = nodes
        return made

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
            given: Any = held.get(name)
            for value in given if type(given) is tuple else (given,):
                if isinstance(value, self.array_type):
                    yield self.node_of(value).number
                elif type(value) in self.numbers:
                    yield value.node.number

    def uses_of(self, numbers: Iterable[int]) -> int:
        """What some nodes were computed from, and themselves, as bits."""
        return uses_of_nodes(self.nodes[number] for number in numbers)

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
        memory = self.memories.of(result)
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

    def node_of(self, array: Any, memory: Memory | None = None) -> Node:
        """What computed the present numbers of an array that shares a known memory."""
        memory = memory or self.memories.of(array)
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

    def write(self, array: Any, value: Any) -> None:
        """Note that a traced array was written into; the value holds nodes already."""
        memory = self.memories.of(array)
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
        memory = self.memories.of(array)
        self.write_at(memory, place(array, memory.owner), node)

    def before_write(self, array: Any) -> Memory:
        """The memory of an array that is about to be written into, its numbers known."""
        memory = self.memories.of(array)
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
        key = array.tobytes()
        if array.size == 1:  # one that came in before it was computed is a constant
            self._by_bytes.setdefault(key, None)
        found = self._by_bytes.get(key)
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
            return self.node_of(value) if self.memories.knows(value) else self.constant(value)
        if kind is float or kind is np.float64 or kind is np.float32:
            found = self.find(np.asarray(value)) if _is_telling(value) else None
            return value if found is None else found
        return value if self.foreign is None else self.foreign(value)

    def _remember(self, node: Node) -> None:
        value = np.asarray(node.value)
        if value.dtype.kind == "f" and value.size and node.operation != "constant":
            self._by_bytes.setdefault(value.tobytes(), node)


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


def _holds(array: Array, node: Node) -> bool:
    """Whether a plain array has the numbers of a node; a traced one has: it notes each write."""
    return hasattr(array, "version") or array.tobytes() == node.value.tobytes()


def _whole(array: Array, memory: Memory) -> bool:
    return place(array, memory.owner) is None
