"""The line to blame: where a wrong value first parts from what the equation is made of.

The book's equation is evaluated on the program's own inputs, which gives every value that may
rightly appear on the way, on balls. The culprit is the first operation that computes something else
from right operands. Two mistakes are not in the operation: a quantity that is itself a right value
on the way, such as a − y for δ, was taken too early, and an operand that is right elsewhere, such
as σ(z) where σ′(z) belongs, was taken in another's place. Then the line that took it is to blame,
or the line that made it for this alone; never a helper that is right when others call it.

Left out: whether the value is wrong (`verdict/compare.py`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np

from conformance.tracing.frames import Frame, ignores_a_parameter
from conformance.tracing.index import as_floats
from conformance.tracing.replay import ROUNDINGS, Replay
from conformance.tracing.trace import FILLED, Node, Trace
from reference.step import Array

ARRANGING = {
    "append", "array", "asarray", "block", "column_stack", "concatenate", "copy", "copyto",
    "flatten", "getitem", "hstack", "insert", "pad", "ravel", "repeat", "reshape", "row_stack",
    "squeeze", "stack", "swapaxes", "transpose", "vstack", FILLED,
}  # fmt: skip
"""Operations that put arrays together or take them apart."""

PRODUCTS = {"multiply", "matmul", "dot", "einsum", "outer", "inner", "tensordot", "vdot", "kron"}

MOST_MULTIPLES = 400
"""Entries of the largest array of which multiples are kept too."""


class Known:
    """Arrays of exact numbers, found again in any layout and with a factor of the program."""

    def __init__(self, arrays: Iterable[Array], factors: Sequence[Any] = (1,)) -> None:
        self._sets: dict[tuple[float, ...], list[Array]] = defaultdict(list)
        for array in arrays:
            few = factors if array.size <= MOST_MULTIPLES else factors[:1]
            for factor in few:
                self.add(array if factor is few[0] else array * factor)

    def add(self, array: Array) -> None:
        """Know another array."""
        self._sets[_numbers(array)].append(array)

    def __contains__(self, array: Array) -> bool:
        """Whether its numbers are those of an array that is known, in any order."""
        return array.size > 0 and _numbers(array) in self._sets


def _numbers(array: Array) -> tuple[float, ...]:
    return tuple(sorted(as_floats(array).ravel().tolist()))


@dataclass(frozen=True)
class Step:
    """An operation of an equation: its name, its operands and its result, exact."""

    operation: str
    operands: tuple[Array, ...]
    result: Array


def evaluated(equation: Callable[..., Any], operands: Sequence[Any]) -> list[Step]:
    """The operations of an equation on exact operands, in the order of time."""
    trace = Trace(lines=False)
    given = [trace.given(as_floats(each), "") if _is_array(each) else each for each in operands]
    equation(*given)
    exact = {
        each.node.number: operand
        for each, operand in zip(given, operands, strict=True)
        if _is_array(operand)
    }
    replay = Replay(trace, exact)
    return [
        Step(node.operation, tuple(replay.value(each) for each in node.inputs), replay.value(node))
        for node in trace.nodes
        if node.function is not None
    ]


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


@dataclass(frozen=True)
class Way:
    """What the book computes on its way to a value.

    Attributes:
        right: all that may rightly appear.
        own: the program's own quantities before it, right or wrong: they are judged for themselves.
        last: the operations of the value's own equation, the last one first.
    """

    right: Known
    own: Known
    last: Sequence[Step] = field(default_factory=tuple)

    def knows(self, value: Array) -> bool:
        """Whether a value may appear without being wrong itself."""
        return value in self.right or value in self.own


class Blame:
    """The search for a line in one run."""

    def __init__(self, replay: Replay) -> None:
        self.replay, self.nodes = replay, replay.trace.nodes

    def frames(self, node: Node, way: Way) -> tuple[Frame, ...]:
        """The frames of the operation to blame for a wrong value, the one to blame first.

        Args:
            node: what computed the wrong value.
            way: what may rightly appear before it.
        """
        node = self._arranged_last(node)
        if way.knows(self._value(node)):  # right in itself, and taken for something else
            rounding = self._rounding(node)
            if rounding is not None:
                return rounding.frames
            return self._taker(node)
        path = self._path(node, way)
        unknown = [each for each in path if each.frames and not way.knows(self._value(each))]
        computed = (each for each in unknown if not self._arranged(each, way))
        wrong = next(computed, unknown[0] if unknown else None)
        if wrong is None:
            return node.frames
        taken = self._taken(wrong, way)
        if taken is None or not taken.frames:
            return self._guilty(wrong, way)
        handed = self._handed(wrong, taken)
        if handed and way.knows(self._value(taken)):
            return wrong.frames[handed:]
        if len(taken.consumers) == 1 and not set(taken.frames) & set(wrong.frames):
            return (*taken.frames[::-1], *self._guilty(wrong, way))  # made for this alone
        return self._guilty(wrong, way)

    def _value(self, node: Node) -> Array:
        return np.asarray(self.replay.value(node))

    def _taker(self, node: Node) -> tuple[Frame, ...]:
        """The frames of a right value from the function on that took it for something else.

        That is the one that goes on with it; or, before it, a function that gave it and does not
        look at all that it was handed: it stopped too early.
        """
        frames = node.frames
        goes_on = {frame.function for each in node.consumers for frame in each.frames}
        for depth, frame in enumerate(frames):
            if frame.function in goes_on or ignores_a_parameter(frame):
                return frames[depth:]
        return frames

    def _rounding(self, node: Node) -> Node | None:
        """The first operation that rounded on purpose what a node was computed of, if one did."""
        seen, waiting, found = set[int](), [node], list[Node]()
        while waiting:
            each = waiting.pop()
            if each.number in seen or each.number not in self.replay.rounded:
                continue
            seen.add(each.number)
            found += [each] if each.operation in ROUNDINGS else []
            waiting.extend(each.inputs)
        return min(found, key=lambda each: each.number, default=None)

    def _arranged_last(self, node: Node) -> Node:
        """What was copied or turned last, and not computed."""
        while node.operation in ARRANGING and len(node.inputs) == 1 and not node.inputs[0].given:
            before = node.inputs[0]
            if before.constant or before.value.size != node.value.size:
                break
            node = before
        return node

    def _path(self, node: Node, way: Way) -> list[Node]:
        """The node and what it was computed from, back to right values, in the order of time."""
        seen: dict[int, Node] = {}
        waiting = [node]
        while waiting:
            each = waiting.pop()
            if each.number in seen or each.given or each.constant:
                continue
            seen[each.number] = each
            if not (_exact(self._value(each)) and way.knows(self._value(each))):
                waiting.extend(each.inputs)
        exact = (seen[n] for n in sorted(seen) if _exact(self._value(seen[n])))
        return [each for each in exact if self.replay.exact(each)]

    def _arranged(self, node: Node, way: Way) -> bool:
        """Whether right arrays were put together, or taken apart, and nothing was computed."""
        return (
            node.operation in ARRANGING
            and len(set(node.inputs)) == len(node.inputs)
            and all(
                each.constant
                or each.given
                or way.knows(self._value(each))
                or self._arranged(each, way)
                for each in node.inputs
                if _exact(self._value(each))
            )
        )

    def _taken(self, wrong: Node, way: Way) -> Node | None:
        """The operand that stands where the equation has another; None if it is not that."""
        if len(wrong.inputs) != 2:  # noqa: PLR2004 - of two operands one is right
            return None
        for book in way.last:
            if _kind(book.operation) != _kind(wrong.operation) or len(book.operands) != 2:  # noqa: PLR2004
                continue
            for one, other in permutations(wrong.inputs):
                for place, meant in permutations(book.operands):
                    straight = (one is wrong.inputs[0]) == (place is book.operands[0])
                    turns = _kind(wrong.operation) in ("add", "product")
                    if (
                        (straight or turns)
                        and self._same(one, place)
                        and not self._same(other, meant)
                    ):
                        return other
        return None

    def _same(self, node: Node, array: Array) -> bool:
        return _exact(self._value(node)) and self._value(node) in Known([array])

    @staticmethod
    def _handed(wrong: Node, taken: Node) -> int:
        """How many functions an operand was handed down to the operation that took it."""
        makers = {frame.function for frame in taken.frames}
        for depth, frame in enumerate(wrong.frames):
            if frame.function in makers:
                return depth
            if ignores_a_parameter(frame):
                break
        return 0

    def _guilty(self, wrong: Node, way: Way) -> tuple[Frame, ...]:
        """The frames, without the inner ones whose line computes something right elsewhere.

        A helper that works when others call it is not to blame for what it is given.
        """
        for depth in range(len(wrong.frames) - 1):
            inner, outer = wrong.frames[: depth + 1], wrong.frames[depth + 1 :]
            elsewhere = (
                other
                for other in self.nodes
                if other.operation == wrong.operation
                and other.frames[: depth + 1] == inner
                and other.frames[depth + 1 :] != outer
            )
            values = (self._value(other) for other in elsewhere)
            if not any(_exact(value) and value in way.right for value in values):
                return wrong.frames[depth:]
        return wrong.frames[-1:]


def _exact(value: Array) -> bool:
    return value.dtype.hasobject and value.size > 0


def _kind(operation: str) -> str:
    return "product" if operation in PRODUCTS else operation
