"""The cases: sizes, cost, rates, mini-batches, starts and data, and why each exists.

What hides mistakes is: one step, one sample, layers that are not square or only square, one-hot
targets, no weight decay, a batch size that divides n, weights near zero. No set-up is good at
everything, so the cases are of many kinds. Each exists in float64 and in float32; every number
written here is exact in both. Left out: the values to be expected (`conformance.corpus.build`).
"""

from conformance.cases.digits import DIGITS
from conformance.cases.drawn import DRAWN
from conformance.cases.written import WRITTEN
from conformance.corpus.recipe import Recipe


def recipes() -> tuple[Recipe, ...]:
    """All cases in both dtypes, sorted by id."""
    basis = (*WRITTEN, *DRAWN, *DIGITS)
    both = (*basis, *(each.in_float32() for each in basis))
    return tuple(sorted(both, key=lambda each: each.case.id))
