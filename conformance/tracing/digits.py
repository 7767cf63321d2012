"""Where digits go: the recorded operation at which a right formula loses them.

The operations on the way to an entry are done again on floats, with the results of the first ones
put right: replaced by the rounded exact ones. The operation that brings the digits back when it is
put right too is where they went. If it was fed an infinity or a 0 that exact arithmetic does not
have, the operation that overflowed or underflowed is named.

Left out: which quantity lacks digits (`verdict/on_balls.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from conformance.arithmetic.formats import format_of
from conformance.tracing.ancestors import walk
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node, recomputed
from conformance.tracing.replay import Replay
from conformance.tracing.rewrites import Instead, Rewriting, relative_error
from reference.step import Array

CANCELLED, OVERFLOW, UNDERFLOW = "cancelled", "lost by overflow", "lost by underflow"
NARROWED, OTHERWISE = "lost in float32", "lost"
LEAST = 0.7  # of its digits that one operation must give back to be named: a factor of 5
Named = Callable[[Node], str]
SMALL = 1 / 16  # of the operands: a difference below has cancelled


@dataclass(frozen=True)
class Loss:
    """An operation that loses digits.

    Attributes:
        name: the quantity that lacks them.
        how: in words: cancelled, lost by overflow, …
        operation: NumPy's name of it.
        operands: its one or two numbers, in their order; none if it has more.
        result: the float that it gave.
        right: the float that it should have given.
        digits: how many the quantity gets back when this one result is put right.
        of: how many a float of the case has.
        frames: the lines of the subject's code, the innermost first.
        instead: what to write to keep them, if that is known.
    """

    name: str
    how: str
    operation: str
    operands: tuple[float, ...]
    result: float
    right: float
    digits: int
    of: int
    frames: tuple[Frame, ...]
    instead: Instead | None = None


@dataclass(frozen=True)
class Spot:
    """The entry that lacks digits.

    Attributes:
        name: of the quantity.
        node: that holds it.
        entry: its place in the flat array; None for the one that is furthest off.
        dtype: of the case.
        granted: the numbers of the nodes that hold what its equation is given.
    """

    name: str
    node: Node
    entry: int | None
    dtype: str
    granted: frozenset[int] = frozenset()


def locate(replay: Replay, spot: Spot, named: Named | None = None) -> Loss | None:
    """The operation at which a quantity loses its digits; None if no single one is seen to.

    Args:
        replay: of the run, on balls that are narrow enough, at the precision in force.
        spot: where digits are missing.
        named: gives the name of a value in the program, so that it can be said what to write.
    """
    with np.errstate(all="ignore"):
        return _Search(replay, spot, named).found()


class _Rerun(NamedTuple):
    """The operations done again, with the first of them put right."""

    until: int  # how many of them are put right
    values: dict[int, Array]
    error: float  # of the entry that is followed


class _Search:
    """The reruns in which more and more results are put right."""

    def __init__(self, replay: Replay, spot: Spot, named: Named | None) -> None:
        self.replay, self.spot, self.named = replay, spot, named
        self.format = format_of(spot.dtype)
        replay.value(spot.node)
        self.path = _path(spot)
        self.size = spot.node.value.size
        self.entry = (
            self._furthest(spot.node, spot.node.value) if spot.entry is None else spot.entry
        )

    def found(self) -> Loss | None:
        """The operation whose result gives most digits back; None if it does not give enough.

        Found by halving: the half of the operations that gives more digits back is halved again.
        """
        low, high = self._again(0), self._again(len(self.path))
        while high.until - low.until > 1:
            middle = self._again((low.until + high.until) // 2)
            if low.error / middle.error >= middle.error / high.error:
                high = middle
            else:
                low = middle
        gain = float(np.log10(low.error / high.error))
        return self._loss(self.path[high.until - 1], low, gain) if gain >= LEAST else None

    def _again(self, count: int) -> _Rerun:
        """The operations done again, the first so many of them put right."""
        right = {node.number for node in self.path[:count]} | self.spot.granted
        exact = (node for node in self.path if node.number in right and self._is_exact(node))
        values = recomputed({node.number: self._right(node) for node in exact}, self.path) or {}
        end = self.spot.node
        return _Rerun(count, values, self._off(end, values.get(end.number, end.value), self.entry))

    def _is_exact(self, node: Node) -> bool:
        return _is_floats(node) and node.number not in self.replay.inexact

    def _right(self, node: Node) -> Array:
        """The exact result of an operation, rounded."""
        balls = np.asarray(self.replay.value(node))
        floats = np.array([float(each.ball.mid()) for each in balls.flat])
        return self.format.rounded(floats.reshape(balls.shape))

    def _off(self, node: Node, value: Array, entry: int) -> float:
        """The relative error of an entry; see `relative_error`."""
        return relative_error(float(value.reshape(-1)[entry]), self._ball(node, entry), self.format)

    def _ball(self, node: Node, entry: int) -> Any:
        return np.asarray(self.replay.value(node)).reshape(-1)[entry].ball

    def _furthest(self, node: Node, value: Array) -> int:
        return int(np.argmax([self._off(node, value, i) for i in range(value.size)]))

    def _loss(self, node: Node, low: _Rerun, gain: float) -> Loss | None:
        """What is said of an operation whose result, put right, gives digits back."""
        blamed, (node, how) = node, self._origin(node, low.values)
        if not node.frames:
            return None  # not done by the subject
        value = low.values.get(node.number, node.value)
        entry = self._entry_of(node, value)
        operands, result = _operands(node, low.values, entry), float(value.reshape(-1)[entry])
        of = self.format.digits
        if not how and value.dtype.itemsize < self.format.container.itemsize:
            how = NARROWED
        elif not how and _cancelled(node.operation, operands, result):
            how = CANCELLED
        right = float(self._right(node).reshape(-1)[entry])
        numbers = node.operation, operands, result, right, min(max(round(gain), 1), of), of
        return Loss(
            self.spot.name, how or OTHERWISE, *numbers, node.frames, self._instead(node, blamed)
        )

    def _entry_of(self, node: Node, value: Array) -> int:
        """The entry that is followed, if it is off at the same place; else the furthest one."""
        same = value.size == self.size and self._off(node, value, self.entry) > 2 * self.format.unit
        return self.entry if same else self._furthest(node, value)

    def _instead(self, *nodes: Node) -> Instead | None:
        """What to write instead of one of some operations, that which gains most."""
        if self.named is None:
            return None
        rewriting = Rewriting(self.replay, self.format, self.named)
        found = (rewriting.best(each, self.spot.node) for each in dict.fromkeys(nodes))
        known = [each for each in found if each is not None]
        return max(known, key=lambda each: each.digits, default=None)

    def _origin(self, node: Node, values: dict[int, Array]) -> tuple[Node, str]:
        """The operation that overflowed or underflowed before this one, or this one itself."""

        def overflowed(each: Node) -> bool:
            return any(np.isinf(got) and b.is_finite() for got, b in self._pairs(each, values))

        def vanished(each: Node) -> bool:
            return any(got == 0 and b != 0 for got, b in self._pairs(each, values))

        for how, bad in ((OVERFLOW, overflowed), (UNDERFLOW, vanished)):
            found = node
            while source := next((each for each in found.inputs if bad(each)), None):
                found = source
            if found is not node or (how is OVERFLOW and bad(node)):
                return found, how
        return node, ""

    def _pairs(self, node: Node, values: dict[int, Array]) -> Iterator[tuple[float, Any]]:
        """The floats and the balls of the entries that matter."""
        if not self._is_exact(node):
            return
        value = values.get(node.number, node.value)
        for i in [self.entry] if value.size == self.size else range(value.size):
            yield float(value.reshape(-1)[i]), self._ball(node, i)


def _path(spot: Spot) -> list[Node]:
    """The operations between what an equation is given and its result, in the order of time."""

    def before(node: Node) -> tuple[Node, ...]:
        return () if node.number in spot.granted else node.inputs

    return [each for each in walk([spot.node], before) if each.function is not None][::-1]


def _is_floats(node: Node) -> bool:
    return isinstance(node.value, np.ndarray) and node.value.dtype.kind == "f"


def _operands(node: Node, values: dict[int, Array], entry: int) -> tuple[float, ...]:
    """The numbers that an operation on entries was given, in their order."""
    operation = getattr(np, node.operation, None)
    numbers = []
    for each in node.args:
        array = np.asarray(values.get(each.number, each.value) if type(each) is Node else each)
        if array.dtype.kind not in "fiu" or array.size not in (1, node.value.size):
            return ()
        numbers.append(float(array.reshape(-1)[entry % array.size]))
    fits = isinstance(operation, np.ufunc) and len(numbers) == operation.nin
    return tuple(numbers) if fits else ()


def _cancelled(operation: str, operands: Sequence[float], result: float) -> bool:
    largest = max(map(abs, operands), default=0.0)
    return operation in ("add", "subtract") and abs(result) <= SMALL * largest
