"""An array against its target, entry by entry: shape, then dtype, then finiteness, then values.

Left out: what follows from it for an equation (`compare.py`).
"""

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np

from conformance.arithmetic.formats import Format, format_of
from conformance.arithmetic.rounding import RunningError
from reference.step import Array

Observed = Array | RunningError
"""A quantity as a subject shows it; with a bound where we put it together from what was seen."""


class Target(NamedTuple):
    """What one quantity is compared with."""

    centre: Array
    tolerance: Array

    @classmethod
    def of(cls, expected: RunningError) -> "Target":
        """What is to be expected, with its tolerance."""
        return cls(expected.value, expected.tolerance())

    @property
    def bounded(self) -> bool:
        """Whether any entry can be judged at all."""
        return bool(np.count_nonzero(np.isfinite(self.tolerance)))


@dataclass(frozen=True)
class Worst:
    """The entry that is furthest outside (or nearest to) its tolerance."""

    index: tuple[int, ...]
    got: float
    right: float
    ulps: float  # |got − right| in units in the last place of `right`
    ratio: float  # |got − right| as a multiple of the tolerance
    outside: int  # entries beyond their tolerance
    entries: int


def malformed(shown: object, shape: tuple[int, ...], dtype: "np.dtype[Any]") -> str:
    """What is wrong with the shape or the dtype, or nothing."""
    if isinstance(shown, RunningError):
        return malformed(shown.value, shape, shown.value.dtype)
    if not isinstance(shown, np.ndarray | np.generic):
        return f"is a {type(shown).__name__}, expected an array"
    if shown.shape != shape:
        turned = ": it is transposed" if shown.shape == shape[::-1] else ""
        return f"has shape {shown.shape}, expected {shape}{turned}"
    return f"has dtype {shown.dtype}, expected {dtype}" if shown.dtype != dtype else ""


@dataclass(frozen=True, eq=False)
class Deviation:
    """How far each entry is from its target, all in float64 and in the shape of the array.

    Attributes:
        got: the values that were shown.
        right: the values expected.
        error: |got − right|.
        tolerance: how large it may be.
        ratio: the error as a multiple of the tolerance; infinite where it is not a number.
        format: of the numbers of the array.
    """

    got: Array
    right: Array
    error: Array
    tolerance: Array
    ratio: Array
    format: Format

    @cached_property
    def ulps(self) -> Array:
        """The error in units in the last place of the right value, in the format."""
        return _ulps(self.error, self.right, self.format)

    @cached_property
    def fits(self) -> bool:
        """Whether nothing is lost or outside: all is finite, and within its tolerance."""
        within = np.count_nonzero(self.error <= self.tolerance)
        return bool(within == np.count_nonzero(np.isfinite(self.got)) == self.error.size)

    @cached_property
    def outside(self) -> Array:
        """Where an entry is beyond its tolerance."""
        nothing_known = np.isnan(self.right) & np.isinf(self.tolerance)
        return ~(self.error <= self.tolerance) & ~nothing_known

    @cached_property
    def lost(self) -> Array:
        """Where an entry is no finite number; an infinity is right where it may overflow."""
        return ~np.isfinite(self.got) & (np.isnan(self.got) | np.isfinite(self.tolerance))

    @property
    def worst(self) -> Worst:
        """The first entry that was lost, or else the one that is furthest off."""
        ratio, lost = self.ratio, not self.fits and np.any(self.lost)
        column = self.lost if lost else ratio if np.count_nonzero(ratio) else self.error
        largest = int(np.argmax(column))
        index = tuple(int(i) for i in np.unravel_index(largest, ratio.shape))
        columns = self.got, self.right, ratio, self.error
        got, right, worst, error = (float(column[index]) for column in columns)
        ulps = float(_ulps(np.asarray(error), np.asarray(right), self.format))
        outside = 0 if self.fits else int(np.count_nonzero(self.outside))
        return Worst(index, got, right, ulps, worst, outside, ratio.size)


@dataclass(frozen=True, eq=False)
class Finding:
    """The comparison of one array.

    Attributes:
        problem: empty where it agrees.
        deviation: of its entries; None if it is malformed.
    """

    problem: str
    deviation: Deviation | None = None

    @property
    def worst(self) -> Worst | None:
        """The entry that is furthest outside its tolerance, or nearest to it."""
        return None if self.deviation is None else self.deviation.worst


def compare(shown: object, target: Target, dtype: "Format | np.dtype[Any]") -> Finding:
    """Compare an array with its target: shape, then dtype, then finiteness, then values."""
    of = format_of(dtype)
    problem = malformed(shown, target.centre.shape, of.container)
    if problem:
        return Finding(problem)
    found = deviation(cast("Observed", shown), target, of)
    if found.fits:
        return Finding("", found)
    lost, outside = (bool(each.any()) for each in (found.lost, found.outside))
    return Finding("is not finite" if lost else "differs" if outside else "", found)


def plain(shown: Observed) -> Array:
    """A quantity without the bound of having been put together by us from what was seen."""
    return np.asarray(shown.value if isinstance(shown, RunningError) else shown)


def deviation(shown: Observed, target: Target, of: Format | None = None) -> Deviation:
    """How far each entry of a well-formed array is from its target, over its own bound.

    Args:
        shown: the array.
        target: of it.
        of: the format of its numbers; that of its dtype if not given.
    """
    array = plain(shown)
    with np.errstate(all="ignore"):
        got, right = array.astype(np.float64), np.asarray(target.centre, np.float64)
        tolerance = np.asarray(target.tolerance, np.float64)
        if isinstance(shown, RunningError):
            tolerance = tolerance + shown.tolerance()
        error = np.asarray(np.abs(got - right))
        if np.count_nonzero(np.isnan(error)):  # of two equal infinities too
            error = np.where(got == right, 0.0, error)
        ratio = np.asarray(error / tolerance)
        unknown = np.isnan(ratio)
        if np.count_nonzero(unknown):
            ratio = np.where(unknown, np.where(np.isnan(error), np.inf, 0.0), ratio)
    return Deviation(got, right, error, tolerance, ratio, of or format_of(array.dtype))


def _ulps(error: Array, right: Array, of: Format) -> Array:
    with np.errstate(all="ignore"):
        ulps = error / of.spacing(right)
    return np.where(np.isnan(ulps), np.inf, np.minimum(ulps, sys.float_info.max))
