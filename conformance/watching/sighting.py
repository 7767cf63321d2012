"""Finding z and a of one sample among the recorded operations of a subject that hides them.

A right one equals what the equation gives from what was found below it. A wrong one is known by
its use: z is what σ is taken of, a is what meets the next layer's weights. Looking is generous,
since what is found is judged with the derived tolerances afterwards. Left out: δ and ∇, which the
subject returns, and which line is to blame (`culprit.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.arithmetic.exact import to_balls
from conformance.watching.recording import Event, Recording
from reference.equations import activation, weighted_input
from reference.step import Array, Parameters

CLOSE = {"float64": 1e-7, "float32": 1e-3}  # of the largest entry; for looking, not for judging


@dataclass(frozen=True)
class Sight:
    """The events that computed z^l and a^l for l = 2 … L, where they were found."""

    z: tuple[Event | None, ...]
    a: tuple[Event | None, ...]


def alike(array: Array, other: Array, close: float) -> bool:
    """Whether two arrays hold about the same numbers, however they are laid out."""
    if array.size != other.size or array.size == 0:
        return False
    first, second = approximate(array), approximate(other)
    if min(first.ndim, second.ndim) > 1 and first.shape == second.T.shape != second.shape:
        second = second.T
    with np.errstate(all="ignore"):
        apart = np.abs(first.ravel() - second.ravel()).max()
        return bool(apart <= close * np.abs(second).max())


def sight(recording: Recording, parameters: Parameters, x: Array, close: float) -> Sight:
    """Find z and a of every layer in the run of one sample.

    Args:
        recording: a run of the subject's backprop on that sample.
        parameters: floats, those that the subject was given.
        x: the sample, (n_1, 1) floats.
        close: how near is near enough, as a part of the largest entry.
    """
    given = {event.operation: event for event in recording.events if event.given}
    below, a = given.get("given x"), x
    found_z: list[Event | None] = []
    found_a: list[Event | None] = []
    for layer, (w, b) in enumerate(zip(parameters.w, parameters.b, strict=True), start=2):
        above = given.get(f"given w{layer + 1}") or given.get("given y")
        candidates = [e for e in _sized(recording.events, b.size) if below is None or e.uses(below)]
        z_event, a_event = _layer(candidates, weighted_input(w, a, b), above, close)
        z = weighted_input(w, a, b) if z_event is None else _column(z_event)
        a = activation(z) if a_event is None else _column(a_event)
        below = a_event
        found_z.append(z_event)
        found_a.append(a_event)
    return Sight(tuple(found_z), tuple(found_a))


def _layer(
    candidates: Sequence[Event], z: Array, above: Event | None, close: float
) -> tuple[Event | None, Event | None]:
    right = next((event for event in candidates if alike(event.value, z, close)), None)
    if right is None:
        return next(_activated(candidates, close), (None, None))
    later = [event for event in candidates if event.uses(right) and event is not right]
    sigma = activation(_column(right))
    a = next((event for event in later if alike(event.value, sigma, close)), None)
    return right, a if a is not None or above is None else _meeting(later, above)


def _activated(candidates: Sequence[Event], close: float) -> Iterator[tuple[Event, Event]]:
    """Pairs of events, the second being σ of the first."""
    for event in candidates:
        sigma = activation(_column(event))
        for later in candidates:
            if later is not event and later.uses(event) and alike(later.value, sigma, close):
                yield event, later


def _meeting(candidates: Sequence[Event], above: Event) -> Event | None:
    """The last of the events that meets the weights of the next layer, or the targets."""
    operands = {
        number
        for event in above.consumers
        for number in (source.number for source in event.inputs)
        if len(event.inputs) > 1
    }
    return next((event for event in reversed(candidates) if event.number in operands), None)


def _sized(events: Sequence[Event], size: int) -> list[Event]:
    """The computed vectors of this many entries."""
    return [
        e for e in events if not e.given and e.value.size == size == max(e.value.shape, default=1)
    ]


def _column(event: Event) -> Array:
    return approximate(event.value).reshape(-1, 1)


def approximate(array: Array) -> Array:
    """The numbers in float64, be they floats or exact."""
    numbers = np.asarray(array)
    if not numbers.dtype.hasobject:
        return numbers.astype(np.float64)
    return np.asarray(np.frompyfunc(float, 1, 1)(to_balls(numbers)), dtype=np.float64)
