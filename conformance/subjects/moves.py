"""Which array moved a parameter: the sum or mean of the samples' gradients, or what else it was.

Left out: the update itself (`update.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from conformance.corpus.case import Case
from conformance.watching.recording import Event, Recording
from conformance.watching.sighting import CLOSE, alike, approximate, exact_or_not, nearest
from reference.step import Array

Taken = tuple[Event, int]
"""An array that moved a parameter, and what divides it to make it a mean over the mini-batch."""


@dataclass(frozen=True)
class Moves:
    """What is known of the update of one parameter array.

    Attributes:
        case: for its rates and dtype.
        parts: the gradients of the single samples, laid out as the network lays them out.
        recording: of the update.
        earlier: the events of the steps before, if the whole run is watched.
    """

    case: Case
    parts: Sequence[Array]
    recording: Recording
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

    def by(self, moved: Event) -> Taken | None:
        """The array that moved a parameter, by the event that made the parameter."""
        taken = self._scaled(moved)
        if taken is not None and (self._kept(taken) or self._of_parts(taken[0])):
            return taken
        return self._expected(moved) or taken

    def _expected(self, moved: Event) -> Taken | None:
        """The array on the way that is the sum or the mean of the samples' gradients."""
        way = [e for e in self.recording.events if not e.given and moved.uses(e)]
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
        if not self.earlier:
            return False
        event, divisor = taken
        value, right = approximate(event.value), approximate(self.total) * divisor / self.m
        rest = (value if value.shape == right.shape else value.T) - right
        if alike(right + rest, right, self.close):
            return False
        return nearest(self.earlier, rest, self.close) is not None

    def _scaled(self, moved: Event) -> Taken | None:
        """The array that was multiplied by η/m (or η) and then taken from the parameter."""
        eta, size = self.case.eta, moved.value.size
        for event in moved.inputs:
            if alike(event.value, moved.value, self.close):
                continue  # it is what moved, seen through another view
            scaled, factor = _unscaled(event)
            for divisor, full in ((self.m, eta / self.m), (1, eta)):
                fits = scaled.value.size == size and not scaled.given
                # A product by 1 may be nothing to be seen; what is added is no such product.
                unseen = scaled is event and (full != 1 or moved.operation != "subtract")
                if fits and not unseen and np.isclose(abs(factor), full):
                    return scaled, divisor
        return None


def _unscaled(event: Event) -> tuple[Event, float]:
    """What an event is a multiple of, and the factor."""
    factor, scaled = 1.0, event
    while len(scaled.inputs) <= 1 and scaled.constants and not scaled.given:
        constant = float(np.prod(scaled.constants))
        factor *= 1 / constant if "divide" in scaled.operation else constant
        if not scaled.inputs:  # of an array that the subject made of nothing
            return replace(scaled, value=scaled.value / factor), factor
        scaled = scaled.inputs[0]
    return scaled, factor
