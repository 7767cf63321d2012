"""Which array moved a parameter: the sum or mean of the samples' gradients, or what else it was.

Left out: the update itself (`update.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from conformance.corpus.case import Case
from conformance.watching.events import Event
from conformance.watching.nearness import CLOSE, alike, approximate, exact_or_not, nearest
from conformance.watching.recording import Recording
from reference.step import Array

Taken = tuple[Event, int]
"""An array that moved a parameter, and what divides it to make it a mean over the mini-batch."""

SCALING = ("multiply", "divide", "negative")
"""Operations whose result is a multiple of their array, if the rest are plain numbers."""


@dataclass(frozen=True)
class Moves:
    """What is known of the update of one parameter array.

    Attributes:
        case: for its rates and dtype.
        parts: the gradients of the single samples, laid out as the network lays them out.
        recording: of the update.
        moved: the event that made the parameter.
        earlier: the events of the steps before, if the whole run is watched.
    """

    case: Case
    parts: Sequence[Array]
    recording: Recording
    moved: Event
    earlier: Sequence[Event] = ()

    @property
    def m(self) -> int:
        """The size of the mini-batch."""
        return len(self.parts)

    @property
    def close(self) -> float:
        """How near is near enough."""
        return CLOSE[self.case.dtype]

    @cached_property
    def total(self) -> Array:
        """The sum of the samples' gradients."""
        return np.asarray(np.sum([exact_or_not(np.asarray(part)) for part in self.parts], axis=0))

    def taken(self) -> Taken | None:
        """The array that moved the parameter."""
        taken = self._scaled()
        if taken is not None and (self._kept(taken) or self._of_parts(taken[0])):
            return taken
        return self._expected() or taken

    def mixed(self, other: "Moves") -> Taken | None:
        """The sum where the other has the mean, or the mean where it has the sum; else None.

        Both are then divided by the same, which is right for the other.
        """
        handed, rightly = self.handed(), other.handed()
        if self.m == 1 or handed is None or rightly is None or handed[1] != rightly[1]:
            return None
        event, divisor = handed
        mean = approximate(self.total) * divisor / self.m
        wrong = (mean * self.m, mean / self.m)
        mixed = mean.any() and any(alike(event.value, each, self.close) for each in wrong)
        return handed if mixed and other.is_mean(rightly) else None

    def is_mean(self, taken: Taken) -> bool:
        """Whether it is the mean over the mini-batch."""
        event, divisor = taken
        return alike(event.value, approximate(self.total) * divisor / self.m, self.close)

    def handed(self) -> Taken | None:
        """What the update was given: the latest multiple that another line computed."""
        for ways in map(list, self._ways()):
            lines = {self.moved.frames[:1]}
            for event, factor in ways:
                apart = event is ways[-1][0] or event.frames[:1] not in lines
                taken = self._divided(event, factor) if apart else None
                if taken is not None:
                    return taken
                lines.add(event.frames[:1])
        return None

    def _expected(self) -> Taken | None:
        """The array on the way that is the sum or the mean of the samples' gradients.

        Zeros are like any others: by them nothing is known.
        """
        if not approximate(self.total).any():
            return None
        way = [e for e in self.recording.events if not e.given and self.moved.uses(e)]
        for divisor, right in ((self.m, self.total), (1, self.total / self.m)):
            event = nearest(way, right, self.close)
            if event is not None:
                return event, divisor
        return None

    def _of_parts(self, taken: Event) -> bool:
        """Whether it is made of the samples' gradients alone, and is neither their sum nor mean."""
        right = approximate(self.total)
        if any(alike(taken.value, each, self.close) for each in (right, right / self.m)):
            return False
        parts = [approximate(part) for part in self.parts]
        waiting, seen = [taken], set[int]()
        while waiting:
            event = waiting.pop()
            if event.number in seen or any(alike(event.value, p, self.close) for p in parts):
                continue
            seen.add(event.number)
            if event.given or not (event.inputs or event.constants):
                return False
            waiting.extend(event.inputs)
        return True

    def _kept(self, taken: Taken) -> bool:
        """Whether an array of an earlier step is added to the samples' gradients."""
        event, divisor = taken
        value, right = approximate(event.value), approximate(self.total) * divisor / self.m
        value = value if value.shape == right.shape else value.T
        if not self.earlier or value.shape != right.shape:
            return False
        rest = value - right
        if alike(right + rest, right, self.close):
            return False
        return nearest(self.earlier, rest, self.close) is not None

    def _scaled(self) -> Taken | None:
        """The array that was multiplied by η/m (or η) and then taken from the parameter."""
        for ways in map(list, self._ways()):
            taken = self._divided(*ways[-1])
            if taken is not None:
                return taken
        return None

    def _divided(self, scaled: Event, factor: float) -> Taken | None:
        """An array and what divides it, if it was taken so many times from the parameter."""
        eta, moved = self.case.eta, self.moved
        for divisor, full in ((self.m, eta / self.m), (1, eta)):
            fits = scaled.value.size == moved.value.size and not scaled.given
            # A product by 1 may be nothing to be seen; what is added is no such product.
            unseen = scaled in moved.inputs and (full != 1 or moved.operation != "subtract")
            if fits and not unseen and np.isclose(abs(factor), full):
                return scaled, divisor
        return None

    def _ways(self) -> Iterator[Iterator[tuple[Event, float]]]:
        """For each array that the parameter was made of: what that is a multiple of."""
        for event in self.moved.inputs:
            value = approximate(event.value)
            same = alike(value, self.moved.value, self.close)
            if not (same and (value.any() or event.operation == self.moved.operation)):
                yield _multiples(event)  # else it is what moved, seen through another view


def _multiples(event: Event) -> Iterator[tuple[Event, float]]:
    """An event and what it is a multiple of, each with the factor."""
    factor = 1.0
    yield event, factor
    while _scales(event):
        constant = -1.0 if event.operation == "negative" else float(np.prod(event.constants))
        by = np.divide(1.0, constant) if event.operation == "divide" else constant
        factor *= float(by)
        # It may be of an array that the subject made of nothing.
        event = event.inputs[0] if event.inputs else replace(event, value=event.value / by)
        yield event, factor
        if not event.inputs:
            return


def _scales(event: Event) -> bool:
    """Whether it is a multiple of one array, or of none that is known."""
    known = bool(event.constants) or event.operation == "negative"
    return known and event.operation in SCALING and len(event.inputs) <= 1 and not event.given
