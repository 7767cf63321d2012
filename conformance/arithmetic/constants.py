"""The constants of an arithmetic: its rounding, its range, and γ_n.

Left out: the bounds that are made of them (`running_error.py`).
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import DTypeLike

from conformance.arithmetic.formats import Format, format_of
from reference.step import Array

DOUBLE = np.finfo(np.float64)


@dataclass(frozen=True)
class Precision:
    """The constants of the subject's arithmetic, joined with those of our centre."""

    unit: float  # U: largest relative error of one rounding
    subnormal: float  # largest absolute error of one underflow
    tiny: float  # the smallest normal number
    biggest: float  # the largest finite number
    slop: float  # relative error of one operation on the bounds themselves

    @classmethod
    def of(cls, dtype: "Format | DTypeLike", *, exact_centre: bool) -> "Precision":
        """The precision of a format in `FLOATS` around an exact or a float64 centre."""
        return _precision(format_of(dtype), exact_centre=exact_centre)

    @cached_property
    def units(self) -> Array:
        """U as an array."""
        return np.array(self.unit)

    @cached_property
    def subnormals(self) -> Array:
        """The smallest subnormal as an array."""
        return np.array(self.subnormal)

    @cached_property
    def most(self) -> Array:
        """The largest finite number as an array."""
        return np.array(self.biggest)

    def raised(self, terms: int) -> Array:
        """What a bound that was computed in so many terms is multiplied by."""
        return _raised(terms, self.slop)

    def gamma(self, terms: int) -> float:
        """γ_n = nU / (1 − nU), or (1 + U)^n − 1, which is less and always there, rounded up."""
        product = terms * self.unit
        if product > 1 / 2:  # many terms in few bits
            return float(np.expm1(terms * np.log1p(self.unit))) * (1 + 4 * float(DOUBLE.eps))
        return product / (1 - product) * (1 + 4 * float(DOUBLE.eps))


@cache
def _precision(of: Format, *, exact_centre: bool) -> Precision:
    unit, subnormal = of.unit, of.subnormal
    if exact_centre:
        return Precision(unit, subnormal, of.tiny, of.biggest, 0.0)
    own = float(DOUBLE.eps) / 2
    # The centre underflows too, and so may the bounds: a few subnormals cover both.
    subnormal += 8 * float(DOUBLE.smallest_subnormal)
    return Precision(unit + own, subnormal, of.tiny, of.biggest, own)


@cache
def _raised(terms: int, slop: float) -> Array:
    """What a bound that was computed in so many terms is multiplied by."""
    return np.array(1 + (2 * terms + 16) * slop)
