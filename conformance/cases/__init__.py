"""Which cases there are and why each exists, and writing and proving what is expected in each.

What hides mistakes is: one step, one sample, layers that are not square or only square, one-hot
targets, no weight decay, a batch size that divides n, weights near zero. No set-up is good at
everything, so the cases are of many kinds. Each exists in float64 and in float32; every number
written here is exact in both. The values to be expected are made by
`build.py` and proved by `verify.py`. Left out: reading them back (`corpus`).
"""

from conformance.cases.digit_cases import DIGITS
from conformance.cases.drawn import DRAWN
from conformance.cases.family_cases import FAMILIES
from conformance.cases.update_cases import OF_UPDATES
from conformance.cases.written import WRITTEN
from conformance.corpus.recipe import Recipe


def recipes() -> tuple[Recipe, ...]:
    """All cases in both dtypes, sorted by id."""
    basis = (*WRITTEN, *DRAWN, *FAMILIES, *OF_UPDATES, *DIGITS)
    both = (*basis, *(each.in_float32() for each in basis))
    return tuple(sorted(both, key=lambda each: each.case.id))
