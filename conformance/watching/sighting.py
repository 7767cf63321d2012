"""Finding z and a of one sample among the recorded operations of a subject that hides them.

A right one equals what the equation gives from what was found below it. A wrong one is known by
its use: z is what σ is taken of, a is what meets the next layer's weights. Left out: δ and ∇,
which the subject returns, how near is near enough (`nearness.py`), and which line is to blame
(`culprit.py`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from conformance.arithmetic.exact import to_balls
from conformance.watching.events import Event
from conformance.watching.nearness import NUMBERS, alike, approximate, exact_or_not, filled, nearest
from conformance.watching.recording import Recording
from reference.equations import activation, weighted_input
from reference.step import Array, Parameters


@dataclass(frozen=True)
class Sight:
    """The events that computed z^l and a^l for l = 2 … L, where they were found."""

    z: tuple[Event | None, ...]
    a: tuple[Event | None, ...]


def sight(
    recording: Recording,
    parameters: Parameters,
    x: Array,
    close: float,
    nablas: Mapping[str, Event | None] = MappingProxyType({}),
) -> Sight:
    """Find z and a of every layer in the run of one sample.

    Args:
        recording: a run of the subject's backprop on that sample.
        parameters: floats, those that the subject was given.
        x: the sample, (n_1, 1) floats.
        close: how near is near enough, as a part of the largest entry.
        nablas: what computed `nabla_w2 …`, where that is known.
    """
    given = {event.operation: event for event in recording.events if event.given}
    if not given:
        unseen = (None,) * len(parameters.w)
        return Sight(unseen, unseen)
    lift = to_balls if given["given x"].value.dtype.hasobject else approximate
    a, below = lift(x), given["given x"]
    found: list[tuple[Event | None, Event | None]] = []
    for layer, (w, b) in enumerate(zip(parameters.w, parameters.b, strict=True), start=2):
        here, above = given[f"given w{layer}"], given.get(f"given w{layer + 1}")
        computed = [
            event
            for event in _sized(recording.events, b.size)
            if event.uses(here) or (event.untraced and event.may_use(below))
        ]
        z = weighted_input(lift(w), a, lift(b))
        met = above, given.get("given y"), nablas.get(f"nabla_w{layer + 1}")
        events = _layer(computed, z, met, close)
        found.append(events)
        below = events[1] or events[0] or below
        a = activation(z if events[0] is None else _column(events[0]))
        a = a if events[1] is None else _column(events[1])
    return Sight(*zip(*found, strict=True))


def _layer(
    candidates: Sequence[Event], z: Array, met: tuple[Event | None, ...], close: float
) -> tuple[Event | None, Event | None]:
    weights, targets, nabla = met  # the weights of the next layer, if there is one
    above = weights or targets
    right = nearest(candidates, z, close)
    first = -1 if right is None else right.number  # what meets the targets before z is no output
    meets = (event.number for event in (above.consumers if above else ()))
    until = min((number for number in meets if number > first), default=None)
    if right is None:
        pairs = list(_activated(candidates, close))
        soon = (pair for pair in pairs if until is None or pair[1].number < until)
        return next(soon, pairs[0] if pairs else (None, None))
    later = [event for event in candidates if event.may_use(right)]
    forwards = (event for event in later if targets is None or not event.uses(targets))
    used = _meeting(forwards, above) if above is not None else None
    # It is looked for before it meets the next layer or the targets: σ of z comes again in σ′.
    early = [event for event in later if until is None or event.number < until]
    a = nearest(early, activation(_column(right)), close)
    if a is None:  # what an earlier call left may have been added before σ was taken
        pairs = list(_activated(later, close))
        stale = (pair for pair in pairs if _stale(pair[0]))
        changed = (pair for pair in pairs if used in pair[1:] and _changed(pair[0], right))
        return next(stale, next(changed, (right, used)))
    # A right activation that is changed before it is used is a wrong one, unless its own use in the
    # next gradient shows that the next layer changed it.
    other = used in early and used.uses(a) and _changed(used, a) and not _entered(a, nabla)
    return right, used if other else a


def _changed(event: Event, right: Event) -> bool:
    """Whether it holds other numbers than a right one; the negative of z is a part of σ."""
    value, numbers = approximate(event.value).ravel(), approximate(right.value).ravel()
    return not np.array_equal(value, numbers) and not np.array_equal(value, -numbers)


def _entered(activation: Event, nabla: Event | None) -> bool:
    """Whether a gradient is made of an activation as it is."""
    size = activation.value.size
    operands = () if nabla is None else _product(nabla).inputs
    return any(each.value.size == size and not _changed(each, activation) for each in operands)


def _product(nabla_w: Event) -> Event:
    """The product of which ∂C/∂w^l was made: a part of it, a multiple, or what is done to each."""
    while len(nabla_w.inputs) == 1 and not nabla_w.inputs[0].given:
        nabla_w = nabla_w.inputs[0]
    return nabla_w


def _stale(event: Event) -> bool:
    """Whether something that an earlier call computed entered this operation."""
    return any(each.given and each.frames for each in event.inputs)


def moving(recording: Recording, nabla_w: Event | None, size: int) -> Event | None:
    """What may be δ^l: the operand of ∂C/∂w^l that has n_l entries and depends on the targets."""
    y = next((event for event in recording.events if event.operation == "given y"), None)
    if nabla_w is None or y is None:
        return None
    inputs = _product(nabla_w).inputs
    operands = (event for event in inputs if event.value.size == size and event.uses(y))
    return next((event for event in operands if not event.given), None)


def _activated(candidates: Sequence[Event], close: float) -> Iterator[tuple[Event, Event]]:
    """Pairs of events, the second being σ of the first."""
    for event in candidates:
        sigma = activation(_column(event))
        for later in candidates:
            if later is not event and later.may_use(event) and alike(later.value, sigma, close):
                yield event, filled(later, sigma, close)


def _meeting(candidates: Iterable[Event], above: Event) -> Event | None:
    """The first of the events that meets the weights of the next layer, or the targets."""
    turned = [e for e in above.consumers if len(e.inputs) == 1 and e.value.size == above.value.size]
    operands = {
        source.number
        for each in (above, *turned)
        for event in each.consumers
        for source in event.inputs
        if len(event.inputs) > 1
    }
    return next((event for event in candidates if event.number in operands), None)


def _sized(events: Sequence[Event], size: int) -> list[Event]:
    """The computed vectors of this many numbers; truth values are none."""
    return [
        e
        for e in events
        if not e.given
        and e.value.size == size == max(e.value.shape, default=1)
        and e.value.dtype.kind in NUMBERS
    ]


def _column(event: Event) -> Array:
    return exact_or_not(event.value).reshape(-1, 1)
