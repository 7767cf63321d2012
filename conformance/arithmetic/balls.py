"""The truth: ball arithmetic, and its correct rounding to a floating-point format.

A ball is a midpoint and a radius that together enclose the exact value (`flint.arb`, FLINT/Arb).
Object arrays of balls go through the equations of `reference` as floats do; every result is a
proven enclosure of what the equations give in exact arithmetic from the given numbers.

Proved: that the enclosures hold (by Arb's theorems, if its code is right), and that a rounded value
is the float nearest to the exact value, ties to even. No libm and no BLAS takes part.
Left out: how far a float computation may be off (`rounding.py`).

Source: F. Johansson, *Arb: efficient arbitrary-precision midpoint-radius interval arithmetic*,
IEEE Transactions on Computers 66 (2017).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import log
from typing import TypeVar

import flint
import numpy as np
from numpy.typing import DTypeLike

from conformance.arithmetic.formats import Format, format_of
from reference.step import Array

T = TypeVar("T")

START_BITS = 128  # rounds every value of an MNIST step uniquely, most often
MOST_BITS = 4096
FARTHEST = int(MOST_BITS * log(2))  # 2839: e^−|z| is below 2^−4096 beyond it
"""Up to which sum of |z|, one of each layer, a ball of `MOST_BITS` bits over a midpoint is a tie.

What keeps a number of a step from a midpoint is a float, or one times e^−|z| of some layers. Where
their product may be below 2^−4096, what 4096 bits leave undecided need not be a tie.
"""

_ball = np.frompyfunc(flint.arb, 1, 1)
_lower = np.frompyfunc(flint.arb.lower, 1, 1)
_upper = np.frompyfunc(flint.arb.upper, 1, 1)
_is_finite = np.frompyfunc(flint.arb.is_finite, 1, 1)
_float = np.frompyfunc(float, 1, 1)


class UndecidedError(ArithmeticError):
    """A ball is too wide to be rounded uniquely: more bits are needed."""


class KinkError(UndecidedError):
    """A number is 0 within its ball, where a derivative jumps."""


def balls(array: Array) -> Array:
    """The float array as an object array of exact balls, of the same shape."""
    return np.asarray(_ball(np.asarray(array).astype(object)), dtype=object)


def finite(array: Array) -> Array:
    """The balls, each that is not finite in the place of infinity."""
    known = np.asarray(_is_finite(array), dtype=bool)
    return np.where(known, array, balls(np.array(np.inf)))


def is_balls(array: object) -> bool:
    """Whether the array holds balls."""
    return isinstance(array, np.ndarray) and array.dtype.hasobject


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Compute with balls of this many bits inside the `with` block."""
    with flint.ctx.workprec(bits):
        yield


def rounded(exact: Array, dtype: DTypeLike, *, ties: bool = False) -> Array:
    """The correctly rounded values of an array of balls; a zero has no sign.

    Args:
        exact: an object array of balls.
        dtype: a format in `FLOATS`; no rounding goes through float64.
        ties: take a ball that holds the midpoint of two neighbouring floats for that midpoint.

    Raises:
        UndecidedError: a ball reaches over a midpoint between two floats (and `ties` is false).
    """
    kind = format_of(dtype)
    array = np.asarray(exact, dtype=object)
    lower, upper = (_rounded_ends(np.asarray(end(array)), kind) for end in (_lower, _upper))
    undecided = ~(lower == upper)
    if undecided.any():
        if not ties or not np.all(kind.above(lower[undecided]) == upper[undecided]):
            raise UndecidedError(f"{np.count_nonzero(undecided)} balls are too wide to be rounded")
        even = np.where(kind.even(lower), lower, upper)
        lower = np.where(undecided, even, lower)
    return np.asarray(lower + kind.container.type(0))  # −0 becomes 0


def rounded_up(exact: Array, dtype: DTypeLike, *, ties: bool = False) -> Array:
    """Floats that are not below the exact values, at most two units in the last place above.

    The same on every machine: the correct rounding, and the next float above it. Zero stays zero.

    Raises:
        UndecidedError: as `rounded`.
    """
    nearest = rounded(exact, dtype, ties=ties)
    zero = np.asarray(np.asarray(exact, dtype=object) == 0, dtype=bool)
    return np.where(zero, nearest, format_of(dtype).above(nearest))


def until_decided(compute: Callable[[bool], T]) -> T:
    """Run a computation in balls with more and more bits until all its roundings are unique.

    Args:
        compute: computes at the precision in force and rounds its results, handing its argument
            to `rounded` as `ties`, if `tells_ties` of its weighted inputs; called again with twice
            the bits while a value is undecided.

    Raises:
        UndecidedError: a value is undecided at `MOST_BITS` bits, and is no tie or may be none.
    """
    bits = START_BITS
    while True:
        with precision(bits):
            try:
                return compute(bits >= MOST_BITS)
            except UndecidedError as error:
                if bits >= MOST_BITS and isinstance(error, KinkError):
                    raise
                if bits >= MOST_BITS:
                    why = f"{bits} bits do not tell it from a midpoint between two floats"
                    far = f"it is a tie where the |z| of the layers add up to {FARTHEST} at most"
                    raise UndecidedError(f"{error}: {why}; {far}") from error
        bits *= 2


def tells_ties(weighted_inputs: Iterable[Array]) -> bool:
    """Whether a ball of `MOST_BITS` bits over a midpoint is a tie, given z of each layer in balls.

    Beyond `FARTHEST`, 1 − σ(z) is less than the radius of σ(z), so no ball tells it from 0.
    """
    largest = (max(map(abs, np.ravel(z))).upper() for z in weighted_inputs)
    return bool(sum(largest, start=flint.arb(0)) <= FARTHEST)


def _rounded_ends(ends: Array, kind: Format) -> Array:
    """Exact balls (the ends of others) to the nearest float, ties to even."""
    ends = np.asarray(ends, dtype=object)  # of shape () too, which NumPy unpacks
    doubles = np.asarray(_float(ends), dtype=np.float64)
    if kind.container == np.float64:
        return doubles
    below, above = (kind.rounded(np.nextafter(doubles, end)) for end in (-np.inf, np.inf))
    # Between these two the exact value lies; where both give one number, so does it.
    narrow = np.array(below)
    for index in map(tuple, np.argwhere((below != above) & np.isfinite(doubles))):
        narrow[index] = _exactly_rounded(ends[index], kind)
    return narrow


def _exactly_rounded(ball: flint.arb, kind: Format) -> np.floating:
    """The float nearest to an exact ball m·2^e, by integer arithmetic alone; ties to even."""
    mantissa, exponent = (int(part) for part in ball.man_exp())
    magnitude = abs(mantissa)
    unit = max(exponent + magnitude.bit_length() - kind.bits, kind.lowest)
    drop = unit - exponent  # bits below the unit in the last place
    if drop > 0:
        magnitude, rest = magnitude >> drop, magnitude & ((1 << drop) - 1)
        half = 1 << (drop - 1)
        magnitude += rest > half or (rest == half and magnitude % 2 == 1)
    else:
        unit = exponent
    sign = 1 if mantissa >= 0 else -1
    with np.errstate(over="ignore"):
        nearest: np.floating = np.ldexp(kind.container.type(sign * magnitude), unit)
    return nearest
