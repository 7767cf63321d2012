"""Finding z and a of one sample among the recorded operations of a subject that hides them.

A right one equals what the equation gives from what was found below it. A wrong one is known by
its use: z is what σ is taken of, a is what meets the next layer's weights. Looking is generous,
since what is found is judged with the derived tolerances afterwards. Left out: δ and ∇, which the
subject returns, and which line is to blame (`culprit.py`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from conformance.arithmetic.exact import to_balls
from conformance.watching.events import FILL, Event
from conformance.watching.recording import Recording
from reference.equations import activation, weighted_input
from reference.step import Array, Parameters

CLOSE = {"float64": 1e-7, "float32": 1e-3}  # of the largest entry; for looking, not for judging

NUMBERS = "fO"  # kinds of dtypes: floats and exact numbers, not truth values


@dataclass(frozen=True)
class Sight:
    """The events that computed z^l and a^l for l = 2 … L, where they were found."""

    z: tuple[Event | None, ...]
    a: tuple[Event | None, ...]


def alike(array: Array, other: Array, close: float) -> bool:
    """Whether two arrays hold about the same numbers, however they are laid out."""
    return distance(array, other) <= close


def distance(array: Array, other: Array) -> float:
    """How far apart two arrays are, as a part of the other's largest entry; NaN for never."""
    if array.size != other.size or array.size == 0:
        return np.nan
    first, second = approximate(array), approximate(other)
    if min(first.ndim, second.ndim) > 1 and first.shape == second.T.shape != second.shape:
        second = second.T
    with np.errstate(all="ignore"):
        apart, largest = np.abs(first.ravel() - second.ravel()).max(), np.abs(second).max()
        return float(apart / largest) if apart else 0.0


def nearest(events: Iterable[Event], right: Array, close: float) -> Event | None:
    """The event whose numbers are nearest to these, if near enough; the first of equals.

    Args:
        events: in the order of time.
        right: floats; or exact numbers, which tell apart what floats do not, as 1 and σ(50).
        close: how near is near enough, as a part of the largest entry.
    """
    numbers = approximate(right)
    if numbers.size == 0:
        return None
    found, least = None, close
    corner, room = numbers.item(0), close * float(np.abs(numbers).max())
    for event in events:
        if event.value.size != numbers.size or event.value.dtype.kind not in NUMBERS:
            continue
        if event.floats is None:
            event.floats = approximate(event.value)
        value = event.floats
        if not abs(value.item(0) - corner) <= room:
            continue  # the corner stays where it is when an array is turned
        apart = _exactly(event.value, right) if right.dtype.hasobject else distance(value, numbers)
        if apart < least or (found is None and apart <= close):
            found, least = event, apart
        if least == 0:
            break
    return None if found is None else _filled(found, numbers, close)


def _filled(event: Event, right: Array, close: float) -> Event:
    """The same array after the last of its entries was put into it, one by one."""
    following: Event | None = event
    while following is not None:
        event = following
        puts = (each for each in event.consumers if each.operation == FILL)
        again = (each for each in puts if each.inputs[0] is event)
        following = next((each for each in again if alike(each.value, right, close)), None)
    return event


def _exactly(array: Array, right: Array) -> float:
    """As `distance`, with exact numbers on the right."""
    first, second = to_balls(array), to_balls(right)
    if min(first.ndim, second.ndim) > 1 and first.shape == second.T.shape != second.shape:
        second = second.T
    apart = [abs(each).upper() for each in first.ravel() - second.ravel()]
    largest = max(abs(each).upper() for each in second.ravel())
    if largest == 0:
        return max(float(each) for each in apart)
    return max(float(each / largest) for each in apart)


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
                yield event, _filled(later, sigma, close)


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


def exact_or_not(array: Array) -> Array:
    """The numbers as balls if they are exact, else in float64."""
    if array.dtype.hasobject:
        with suppress(TypeError):  # the entries of np.empty are None until they are written
            return to_balls(array)
    return approximate(array)


def approximate(array: Array) -> Array:
    """The numbers in float64, be they floats or exact."""
    numbers = np.asarray(array)
    if not numbers.dtype.hasobject:
        return numbers.astype(np.float64, copy=False)
    try:
        return np.asarray(np.frompyfunc(float, 1, 1)(to_balls(numbers)), dtype=np.float64)
    except TypeError:  # the entries of np.empty are None until they are written
        return np.full(numbers.shape, np.nan)
