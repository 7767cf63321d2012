"""A trace: every operation of one run in floats, with its arguments, in the order of time.

A node holds the function, its arguments (other nodes in the place of their values), a copy of the
result and the line. So the run can be evaluated again from the same inputs in another arithmetic
(`replay.py`). Arrays that share memory are told apart by their place in it: what is written through
one view is read through another. Left out: catching the operations (`operations.py`,
`substitute.py`, `tensors.py`).
"""

from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any, ClassVar

import numpy as np

from conformance.tracing.memory import Memories, Memory, address, place
from conformance.tracing.node import (
    FILLED,
    Node,
    filled,
    flat,
    is_followed,
    joined,
    part_of,
    taken,
    touched,
)
from conformance.tracing.recorder import Recorder, as_floats_of_objects, is_telling
from reference.step import Array

UNTRACED = frozenset((int, bool, str, slice, type(None)))
"""Types of arguments that nothing computed."""


class Trace(Recorder):
    """The nodes of one run.

    Attributes:
        memories: of the arrays that were met.
        recording: whether operations are noted.
        autograd: whether torch was asked for gradients.
        foreign: gives the node of an argument that is no array, or the argument itself.
        array_type: of traced arrays; `arrays.py` sets it, and the following.
        number_types: of traced numbers, by those of plain ones.
        numbers: the types of traced numbers.
        whole_type: of a whole number that is followed where it is an operand, and no index.
    """

    array_type: ClassVar[Any]
    number_types: ClassVar[dict[type, Any]]
    numbers: ClassVar[frozenset[type]]
    whole_type: ClassVar[Any]

    def __init__(self, *, lines: bool = True, sites: bool = False, most: int | None = None) -> None:
        """Start with none; see the base."""
        super().__init__(lines=lines, sites=sites, most=most)
        self.recording, self.autograd = True, False
        self.foreign: Callable[[Any], Any] | None = None
        self.memories = Memories()

    @classmethod
    def of(cls, nodes: list[Node]) -> "Trace":
        """A trace of operations that are known."""
        made = cls()
        made.nodes = nodes
        return made

    def arguments_of(self, call: FrameType) -> Iterator[int]:
        """The numbers of the nodes among the arguments of a call, and what these hold."""
        code, held = call.f_code, call.f_locals
        for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            given: Any = held.get(name)
            inside = getattr(given, "__dict__", None)
            parts = tuple(inside.values()) if type(inside) is dict else (given,)
            for value in given if isinstance(given, tuple) else (given, *parts):
                if isinstance(value, self.array_type):
                    yield self.node_of(value).number
                elif type(value) in self.numbers:
                    yield value.node.number

    def cut(self, last: Iterable[Node]) -> None:
        """Let go what was computed after some nodes."""
        super().cut(last)
        self.memories.cut(len(self.nodes))

    def given(self, array: Array, name: str) -> Any:
        """A traced copy of an array that the subject is handed."""
        node = self.node(f"given {name}", None, (), {}, np.array(array))
        return self.traced(np.array(array), node)

    def record(
        self,
        operation: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> Any:
        """The result of an operation, traced; the arguments hold nodes already."""
        if isinstance(result, (tuple, list)):
            if not any(isinstance(each, np.ndarray | np.generic) for each in flat(result)):
                return result  # a shape
            whole = self.node(operation, function, args, kwargs, joined(result))
            parts = (
                self.record("part", part_of, (whole, i), {}, each) for i, each in enumerate(result)
            )
            named = getattr(result, "_make", None)  # such as what `np.linalg.slogdet` gives
            return (named or (list if type(result) is list else tuple))(parts)
        if not is_followed(result):
            return result
        made = self.node(operation, function, args, kwargs, self.kept(result))
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
        if memory.state is None and (memory.owner is result or place(result, memory.owner) is None):
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
        if cached is not None and array.version == memory.version and _holds(array, cached):
            return cached  # type: ignore[no-any-return]
        key = address(array), array.shape, array.strides
        version, known = memory.views.get(key, (-1, None))
        if known is not None and version == memory.version and _holds(array, known):
            return known
        known = cached if known is None else known
        state = self._state(memory)
        index = place(array, memory.owner)
        found = state if index is None else self._part(array, touched(state, index), index, known)
        if not _holds(array, found):  # it was written into unseen, as a plain array
            within = index is not None and state.operation == "constant"  # perhaps once an entry
            if within or array.dtype != memory.owner.dtype:
                return self.constant(np.array(array.view(np.ndarray)))
            self.write_at(memory, None, self.constant(np.array(memory.owner)))
            return self.node_of(array, memory)
        memory.views[key] = memory.version, found
        if hasattr(array, "version"):
            array.node, array.memory, array.version = found, memory, memory.version
        return found

    def _part(self, array: Any, state: Node, index: Array, known: Node | None) -> Node:
        """What computed the numbers of a view, of which the last that were written are in a state.

        It is what was written, if that was written into all of the view and nowhere else.
        """
        if known is not None and known.operation == "getitem" and known.args[0] is state:
            return known
        at, value = state.args[1][-1] if state.operation == FILLED else ((), None)
        if type(value) is Node:
            alike = value.value.dtype == array.dtype and value.value.shape == array.shape
            if alike and np.array_equal(at, index):
                return value
        return self.node("getitem", taken, (state, index), {}, taken(state.value, index))

    def write(self, array: Any, value: Any) -> None:
        """Note that a traced array was written into; the value holds nodes already."""
        memory = self.memories.of(array)
        index = place(array, memory.owner)
        self.write_at(memory, index, value)

    def write_at(self, memory: Memory, index: Array | None, value: Any) -> None:
        """Note what was written at some places of a memory."""
        if index is None:
            memory.writes.clear()
        memory.writes.append((index, value, *self.where()))
        memory.version += 1

    def before_write(self, array: Any) -> Memory:
        """The memory of an array that is about to be written into, its numbers known."""
        self.where()  # it reads what a call was handed, which must not be amid the write
        memory = self.memories.of(array)
        if memory.state is None and not memory.writes:
            memory.state = self.constant(np.array(memory.owner))
        return memory

    def _state(self, memory: Memory) -> Node:
        """What computed all numbers of a memory."""
        if memory.writes:
            self.where()  # it reads what a call was handed, which must not be amid the writes
        if memory.writes:
            writes, memory.writes = memory.writes, []
            *_, (index, value, frames, calls) = writes
            fits = type(value) is Node and value.value.shape == memory.owner.shape
            kind = as_floats_of_objects(memory.owner).dtype
            if index is None and fits and value.value.dtype == kind:
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
        same = as_floats_of_objects(np.array(owner)).tobytes() == found.value.tobytes()
        return found if same else None

    def argument(self, value: Any) -> Any:  # noqa: PLR0911 - a return a kind of value
        """An argument with nodes in the place of traced arrays and numbers."""
        kind = type(value)
        if kind is self.array_type:
            memory = value.memory
            known = memory is not None and value.version == memory.version
            known = known and _holds(value, value.node)  # else it was written into unseen
            return value.node if known else self.node_of(value)
        if kind in UNTRACED:
            return value
        if kind in self.numbers:
            return value.node
        if kind is list or kind is tuple:
            return kind(map(self.argument, value))
        if kind is dict:
            return {key: self.argument(each) for key, each in value.items()}
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError("masked arrays of `numpy.ma` are not followed")
        if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
            return self.node_of(value) if value.ndim else self.constant(value)
        if kind is float or kind is np.float64 or kind is np.float32:
            found = self.find(np.asarray(value)) if is_telling(value) else None
            return value if found is None else found
        return value if self.foreign is None else self.foreign(value)

    def operand(self, value: Any) -> Any:
        """As `argument`, of what is added or multiplied."""
        return value.node if type(value) is self.whole_type else self.argument(value)


def _holds(array: Array, node: Node) -> bool:
    """Whether an array has the numbers of a node, for some writes are not seen: `np.nditer`."""
    return array.dtype.hasobject or array.tobytes() == node.value.tobytes()


def plain(value: Any) -> Any:
    """The value with every traced array and number in it made plain, sharing its memory."""
    kind = type(value)
    if kind is Trace.array_type:
        return value.view(np.ndarray)
    if kind in Trace.numbers or kind is Trace.whole_type:
        return value.plain
    if kind is list or kind is tuple:
        return kind(map(plain, value))
    if kind is dict:
        return {key: plain(each) for key, each in value.items()}
    return value.view(np.ndarray) if isinstance(value, Trace.array_type) else value


def trace_of_call(args: Any, kwargs: dict[str, Any]) -> Trace | None:
    """The trace of the first argument that has one."""
    for each in args:
        if isinstance(each, Trace.array_type) and each.tracer is not None:
            found: Trace = each.tracer
            return found
    return trace_of((args, kwargs))


def trace_of(values: Any) -> Trace | None:
    """The trace of the first of some values, in lists too, that has one."""
    for each in flat(values):
        if (
            isinstance(each, Trace.array_type) or is_traced_number(each)
        ) and each.tracer is not None:
            found: Trace = each.tracer
            return found
    return None


def is_traced_number(value: Any) -> bool:
    """Whether it is a number that notes what is done with it."""
    return type(value) in Trace.numbers
