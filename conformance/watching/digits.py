"""Where digits go: the operation of the subject's code at which a right formula loses them.

The code runs twice on the same sample, on floats and on balls, which gives the float and the exact
result of each operation. Then it runs on floats with the results of its first operations put right:
replaced by the rounded exact ones. The operation that brings the digits back when it is put right
too is where they went. If it was fed an infinity or a 0 that exact arithmetic does not have, the
operation that overflowed or underflowed is named.

Left out: which quantity is wrong (`verdict/compare.py`), and code that does other operations on
balls than on floats: it is followed to where they part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, NamedTuple, cast

import flint
import numpy as np

from conformance.tracing.frames import Frame
from conformance.watching.both import PutRight, Run, both
from conformance.watching.events import Event
from conformance.watching.nearness import approximate
from reference.step import Array

CANCELLED, OVERFLOW, UNDERFLOW = "cancelled", "lost by overflow", "lost by underflow"
NARROWED, OTHERWISE = "lost in float32", "lost"
DIGITS = {"float64": 16, "float32": 7}
LEAST = 0.7  # of its digits that one operation must give back to be named: a factor of 5
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


@dataclass(frozen=True)
class Spot:
    """The entry that lacks digits.

    Attributes:
        name: of the quantity.
        number: of the event that computed it, in a run on floats.
        entry: its place in the flat array; None for the one that is furthest off.
        dtype: of the case.
        granted: the numbers of the events that computed what its equation is given.
    """

    name: str
    number: int
    entry: int | None
    dtype: str
    granted: frozenset[int] = frozenset()


def locate(run: Run, spot: Spot) -> Loss | None:
    """The operation at which a quantity loses its digits; None if no single one is seen to.

    Args:
        run: the subject's code; does the same each time.
        spot: where digits are missing.

    Raises:
        ArithmeticError, TypeError: the code does not run on balls.
    """
    events, balls = both(run)
    if spot.number >= len(balls) or balls[spot.number] is None:
        return None
    return _Search(run, spot, events, balls).found()


class _Rerun(NamedTuple):
    """A run in which some results were put right."""

    until: int  # the number of the last of them
    events: Sequence[Event]
    error: float  # of the entry that is followed


class _Search:
    """The runs in which more and more results are put right."""

    def __init__(
        self, run: Run, spot: Spot, events: Sequence[Event], balls: Sequence[Array | None]
    ) -> None:
        self.run, self.spot, self.balls = run, spot, balls
        self.unit, self.tiny = (float(getattr(np.finfo(spot.dtype), x)) for x in ("eps", "tiny"))
        self.operations = [event.operation for event in events[: spot.number + 1]]
        with np.errstate(all="ignore"):
            rounded = [None if each is None else approximate(each) for each in balls]
            self.right = [None if r is None else r.astype(spot.dtype) for r in rounded]
        self.size = events[spot.number].value.size
        self.entry = self._furthest(events[spot.number]) if spot.entry is None else spot.entry

    def found(self) -> Loss | None:
        """The operation whose result gives most digits back; None if it does not give enough.

        Found by halving: the half of the operations that gives more digits back is halved again.
        """
        low, high = self._again(-1), self._again(self.spot.number)
        while low is not None and high is not None and high.until - low.until > 1:
            middle = self._again((low.until + high.until) // 2)
            if middle is None:
                return None
            if low.error / middle.error >= middle.error / high.error:
                high = middle
            else:
                low = middle
        if low is None or high is None or (gain := np.log10(low.error / high.error)) < LEAST:
            return None
        return self._loss(low.events[high.until], float(gain))

    def _again(self, until: int) -> _Rerun | None:
        """A run in which all results up to this one are put right; None if it goes another way."""
        recording = PutRight(self.right, until, self.spot.granted)
        self.run(recording, np.array)
        events = recording.events[: self.spot.number + 1]
        if [event.operation for event in events] != self.operations:
            return None
        return _Rerun(until, events, self._error(events[-1], self.entry))

    def _error(self, event: Event, entry: int) -> float:
        """The relative error of an entry, between one unit and 1.

        Relative to the smallest normal float at least: what underflows rightly has lost nothing.
        """
        got, ball = float(event.value.ravel()[entry]), self._ball(event, entry)
        if not (np.isfinite(got) and ball.is_finite()):
            return 1.0
        apart = abs(flint.arb(got) - ball) / flint.arb.max(abs(ball), flint.arb(self.tiny))
        return min(max(float(apart.mid()), self.unit), 1.0)

    def _ball(self, event: Event, entry: int) -> Any:
        return cast("Array", self.balls[event.number]).ravel()[entry]

    def _furthest(self, event: Event) -> int:
        return int(np.argmax([self._error(event, i) for i in range(event.value.size)]))

    def _entry(self, event: Event) -> int:
        """The entry of an event that matters: the one in the same place, or that furthest off."""
        return self.entry if event.value.size == self.size else self._furthest(event)

    def _loss(self, event: Event, gain: float) -> Loss | None:
        """What is said of an operation whose result, put right, gives digits back."""
        event, how = self._origin(event)
        if not event.frames:
            return None  # not done by the subject
        entry = self._entry(event)
        operands, result = _operands(event, entry), float(event.value.ravel()[entry])
        of = DIGITS[self.spot.dtype]
        if not how and event.value.dtype != self.spot.dtype:
            how = NARROWED
        elif not how and _cancelled(event.operation, operands, result):
            how = CANCELLED
        right = float(cast("Array", self.right[event.number]).ravel()[entry])
        numbers = event.operation, operands, result, right, min(max(round(gain), 1), of), of
        return Loss(self.spot.name, how or OTHERWISE, *numbers, event.frames)

    def _origin(self, event: Event) -> tuple[Event, str]:
        """The operation that overflowed or underflowed before this one, or this one itself."""
        for how, bad in ((OVERFLOW, self._overflowed), (UNDERFLOW, self._vanished)):
            found = event
            while source := next((each for each in found.inputs if bad(each)), None):
                found = source
            if found is not event or (how is OVERFLOW and bad(event)):
                return found, how
        return event, ""

    def _overflowed(self, event: Event) -> bool:
        return any(np.isinf(got) and ball.is_finite() for got, ball in self._pairs(event))

    def _vanished(self, event: Event) -> bool:
        return any(got == 0 and ball != 0 for got, ball in self._pairs(event))

    def _pairs(self, event: Event) -> Iterator[tuple[float, Any]]:
        """The floats and the balls of the entries that matter."""
        if self.balls[event.number] is None:
            return
        same = event.value.size == self.size
        for i in [self.entry] if same else range(event.value.size):
            yield float(event.value.ravel()[i]), self._ball(event, i)


def _operands(event: Event, entry: int) -> tuple[float, ...]:
    """The numbers that an operation on entries was given, in their order."""
    operation = getattr(np, event.operation, None)
    sizes = {each.value.size for each in event.inputs}
    if not isinstance(operation, np.ufunc) or not sizes <= {1, event.value.size}:
        return ()
    numbers = [float(each.value.ravel()[entry % each.value.size]) for each in event.inputs]
    numbers += event.constants
    if len(numbers) != operation.nin:
        return ()
    result = float(event.value.ravel()[entry])
    with np.errstate(all="ignore"):
        orders = [p for p in permutations(numbers) if _about(operation(*p), result)]
    return tuple(orders[0] if orders else numbers)


def _about(number: float, other: float) -> bool:
    return bool(np.isclose(number, other, rtol=1e-6, atol=0, equal_nan=True))


def _cancelled(operation: str, operands: Sequence[float], result: float) -> bool:
    largest = max(map(abs, operands), default=0.0)
    return operation in ("add", "subtract") and abs(result) <= SMALL * largest
