"""How near two arrays of numbers are, however they are laid out, and which event is the nearest.

Looking is generous, since what is found is judged with the derived tolerances afterwards. Left out:
what is looked for (`sighting.py`, `culprit.py`).
"""

from collections.abc import Iterable
from contextlib import suppress

import numpy as np

from conformance.arithmetic.exact import to_balls
from conformance.watching.events import FILL, Event
from reference.step import Array

CLOSE = {"float64": 1e-7, "float32": 1e-3}  # of the largest entry; for looking, not for judging

NUMBERS = "fO"  # kinds of dtypes: floats and exact numbers, not truth values


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
    return None if found is None else filled(found, numbers, close)


def filled(event: Event, right: Array, close: float) -> Event:
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
