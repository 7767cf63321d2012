"""The nodes of one run in the order of time, and what computed numbers that are met again.

Left out: which arguments of an operation are nodes, and arrays that are written into (`trace.py`).
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from math import frexp, inf, isfinite, ldexp, trunc
from types import CodeType, FrameType
from typing import Any

import numpy as np

from conformance.tracing.frames import Frame, subject_calls, subject_sites
from conformance.tracing.node import FEW, Node, nodes_in, operation_key, uses_of_nodes
from reference.step import Array

Places = tuple[tuple[Frame, ...], tuple[int, ...]]
"""Lines of the subject, the innermost first, and the numbers of the calls that they belong to."""

_RESUMED = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR  # a call that several may go on with

MANY_BITS = 30  # a float with so many significant bits is known again by its bits
FEW_BITS = 20  # the same of a narrower one


class EnoughError(BaseException):
    """A program has run long enough; it is none of its own errors."""


class Recorder:
    """What notes each operation of one run as a node.

    Attributes:
        nodes: in the order of time.
        lines: whether the lines of the subject are noted.
        known_operations: those of which another one with the same inputs is no node of its own;
            None if each is one.
        learning: whether new operations join them.
        targets: the nodes of the targets as bits: an error that is computed again is a node of its
            own, as it is where the way backwards begins.
        ended: how many nodes there were when the program was over; infinity before.
        handed: the nodes that each call of a function was handed as its arguments, themselves or
            in a tuple, and not in a list, by the number of the call.
    """

    def __init__(self, *, lines: bool = True, sites: bool = False, most: int | None = None) -> None:
        """Start with none.

        Args:
            lines: whether to note the lines of the subject.
            sites: whether to note the place in the line too.
            most: the number of nodes after which the program is stopped, once.
        """
        self.most, self.ended, self.stopped = most, float(inf), False
        self.known_operations: dict[Any, Node] | None = None
        self.learning, self.targets = False, 0
        self.nodes: list[Node] = []
        self.lines, self.sites = lines, sites
        self._by_bytes: dict[bytes, Node | None] = {}
        self._unsorted: list[Node] = []  # those whose bytes nobody has asked for yet
        self._constants: dict[tuple[Any, ...], Node] = {}
        self.accurate: Any = None  # what `backward/accurate.py` knows of the values
        self.lists: Any = None  # what `lists.py` knows of the program's lists of numbers
        self.derived: dict[Any, Any] = {}  # what `backward` knows of derivatives, and of costs
        self.handed: list[frozenset[int]] = []
        self._called: set[CodeType] = set()
        self._literals: set[float] = set()  # in the source of these
        self._calls: dict[FrameType, int] = {}  # keeps them: no other is taken for one
        self._above: dict[FrameType, Places] = {}

    def end(self) -> None:
        """Let the calls of the program go, which is over; what is computed from it has no limit."""
        self._calls.clear()
        self._above.clear()
        self.most, self.ended = None, len(self.nodes)

    def cut(self, last: Iterable[Node]) -> None:
        """Let go what was computed after some nodes, also what was known by their numbers."""
        count = max(each.number for each in last) + 1
        del self.nodes[count:]
        for each in self.nodes:
            each.consumers = [user for user in each.consumers if user.number < count]
        self._by_bytes = {k: e for k, e in self._by_bytes.items() if e is None or e.number < count}
        self._constants = {k: e for k, e in self._constants.items() if e.number < count}
        self.accurate, self.derived = None, {}

    def postpone(self, until: Mapping[Node, Node]) -> None:
        """Let each of some nodes be computed just before the only one that is computed from it.

        Left out: those after which no other operand of it is computed, which stay.
        """
        late = {
            node.number: user.number
            for node, user in until.items()
            if any(each.number > node.number for each in user.inputs)
        }
        if not late:
            return
        before = {each: each.uses for each in self.nodes}
        self.nodes.sort(key=lambda each: (late.get(each.number, each.number), each.number))
        places = {each.number: i for i, each in enumerate(self.nodes)}
        for node in self.nodes:
            beside = before[node] & ~(1 << node.number)  # of the entries of a list
            for each in node.inputs:
                beside &= ~before[each]
            node.number = places[node.number]
            node.uses = 1 << node.number | uses_of_nodes(node.inputs) | _at(beside, places)
        self.handed = [frozenset(places.get(n, n) for n in each) for each in self.handed]
        self.targets = _at(self.targets, places)
        self.accurate, self.derived = None, {}

    def let_go(self) -> None:
        """Forget what was computed from each node: else only a search for garbage frees them."""
        for node in self.nodes:
            node.consumers.clear()

    def where(self) -> Places:
        """The lines of the subject that lead here, and the calls that they belong to.

        As long as a call lasts, what has called it stays where it is.
        """
        if not self.lines:
            return (), ()
        known, above = self._calls, self._above
        found, last = subject_calls(sys._getframe(1), above)  # noqa: SLF001 - the way to the caller's line
        for _, call in found:
            if call not in known:
                self._note_call(call)
        frames, calls = ((), ()) if last is None else above[last]
        for line, call in reversed(found):
            if not call.f_code.co_flags & _RESUMED:
                above[call] = frames, calls
            frames, calls = (line, *frames), (known[call], *calls)
        return frames, calls

    def _note_call(self, call: FrameType) -> None:
        """Number a call whose first operation is noted."""
        number = self._calls[call] = len(self.handed)
        self.handed.append(frozenset())
        self.handed[number] = frozenset(self.arguments_of(call))
        if call.f_code not in self._called:
            self._called.add(call.f_code)
            self._literals.update(_literals(call.f_code))

    def arguments_of(self, _call: FrameType) -> Iterable[int]:
        """The numbers of the nodes among the arguments of a call; a trace knows them."""
        return ()

    def has(self, node: Node) -> bool:
        """Whether a node is one of these: the first ones may have been forgotten."""
        return node.number < len(self.nodes) and self.nodes[node.number] is node

    def uses_of(self, numbers: Iterable[int]) -> int:
        """What some nodes were computed from, and themselves, as bits."""
        return uses_of_nodes(self.nodes[number] for number in numbers)

    def end_if_enough(self) -> None:
        """Raise an EnoughError once, where there are as many nodes as there may be."""
        if self.most is not None and len(self.nodes) >= self.most:
            self.most = None  # so that the program's last values can still be asked for
            self.stopped = True
            raise EnoughError

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
            EnoughError: there are as many as there may be, and it is an operation.
        """
        value = as_floats_of_objects(value) if isinstance(value, np.ndarray) else value
        if function is not None:
            self.end_if_enough()
        known = None if function is None else self.known_operations
        key = None if known is None else operation_key(operation, args, kwargs)
        same = None if known is None or key is None else known.get(key)
        anew = same is None or (not self.learning and same.uses & self.targets)
        if same is not None and not anew and _equal(same.value, value):
            return same
        inputs = nodes_in(args, kwargs)
        frames, calls = self.where()
        made = Node(len(self.nodes), operation, function, args, kwargs, value, frames, inputs)
        made.calls, made.sites = calls, subject_sites() if self.sites else ()
        made.uses = 1 << made.number
        for each in inputs:
            made.uses |= each.uses
            each.consumers.append(made)
        self.nodes.append(made)
        if known is not None and key is not None and self.learning:
            known[key] = made
        if isinstance(value, np.ndarray | np.generic):
            self._unsorted.append(made)
        return made

    def constant(self, value: Any) -> Node:
        """A node of numbers that came in untraced, or what is known to have computed them."""
        array = as_floats_of_objects(np.array(value))
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
        """What computed these very numbers, if they are such as none meets by chance.

        One that the source states may be any.
        """
        if array.dtype.kind != "f" or not telling(array):
            return None
        if array.size == 1 and array.item() in self._literals:
            return None
        self._sort()
        key = array.tobytes()
        if array.size == 1:  # one that came in before it was computed is a constant
            self._by_bytes.setdefault(key, None)
        found = self._by_bytes.get(key)
        if found is None or found.value.shape == array.shape:
            return found
        return self.node("reshape", np.reshape, (found, array.shape), {}, array)

    def _sort(self) -> None:
        """Know the bytes of all that was computed."""
        for node in self._unsorted:
            value = np.asarray(node.value)
            if value.dtype.kind == "f" and value.size and node.operation != "constant":
                self._by_bytes.setdefault(value.tobytes(), node)
        self._unsorted.clear()


def _at(bits: int, places: Mapping[int, int]) -> int:
    """Some numbers as bits, each replaced by another."""
    made = 0
    while bits:
        made |= 1 << places[bits.bit_length() - 1]
        bits ^= 1 << bits.bit_length() - 1
    return made


def _literals(code: CodeType) -> Iterator[float]:
    """The numbers that some code states, and what is defined in it."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _literals(each)
        elif isinstance(each, float):
            yield each


def _equal(first: Any, second: Any) -> bool:
    """Whether two results are the same numbers."""
    if isinstance(first, tuple | list) or isinstance(second, tuple | list):
        return False
    first, second = np.asarray(first), np.asarray(second)
    same = first.shape == second.shape and first.dtype == second.dtype
    return same and not first.dtype.hasobject and first.tobytes() == second.tobytes()


def as_floats_of_objects(value: Array) -> Array:
    """Numbers among objects, as `np.vectorize` makes them, as floats if one of them is a float."""
    if not value.dtype.hasobject:
        return value
    kinds = {type(each) for each in value.flat}
    numbers = all(issubclass(each, float | np.floating | int | np.integer) for each in kinds)
    floats = any(issubclass(each, float | np.floating) for each in kinds)
    return value.astype(np.float64) if numbers and (floats or not kinds) else value


def is_telling(number: Any, bits: int = MANY_BITS) -> bool:
    """The same of a single number, before an array is made of it."""
    scaled = ldexp(frexp(number)[0], FEW_BITS if type(number) is np.float32 else bits)
    return isfinite(scaled) and scaled != trunc(scaled)


def telling(array: Array) -> bool:
    """Whether one of the first numbers has so many bits that it is met nowhere by chance."""
    bits = MANY_BITS if array.dtype.itemsize > 4 else FEW_BITS  # noqa: PLR2004
    return any(is_telling(each, bits) for each in array.ravel()[:64].astype(np.float64).tolist())
