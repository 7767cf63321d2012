"""Right numbers that were written down wrongly: their digits, their order, or their bytes.

Of columns or bytes one quantity shows it, whose inputs are right; those that follow from it cannot.
Left out: what is wrong with the numbers themselves (`measure.py`).
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from conformance.arithmetic.formats import FLOATS
from conformance.diagnosis.failure import Failure
from conformance.diagnosis.measured import Measure, Measured, measure
from reference.step import Array

FEWEST = 6  # digits or decimals, those of `%g` and `%f`: a hand-written fraction may have fewer
ENOUGH = 16  # numbers: that all of so many happen to have few digits is no accident
MOST = 10_000  # numbers that are looked at
NEAR = 0.01  # of the largest entry: what is further off is wrong in another way


def shortened(failures: Sequence[Failure]) -> Measure | None:
    """That all numbers were written as text of too few digits, or nothing."""
    dtype = max(each.evidence.case.dtype for each in failures)  # float64, if it is there
    telling = [each for each in failures if each.evidence.case.dtype == dtype]
    if not all(each.comparable and _near(each) for each in telling):
        return None
    of = FLOATS[dtype]
    kept = int(np.finfo(of.container).precision)  # digits that any text of so many keeps
    digits: list[int] = []
    for each in islice(_digits(telling), MOST):
        if each > kept:
            return None
        digits.append(each)
    if len(digits) < ENOUGH or max(digits) < FEWEST:
        return None
    return measure(Measured.FEW_DIGITS, most=max(digits), dtype=dtype, needed=of.text_digits)


def _digits(failures: Sequence[Failure]) -> Iterator[int]:
    """The decimal digits of each number that was shown beside these failures."""
    steps = {id(each.evidence): each.evidence for each in failures}
    for step in steps.values():
        for name in step.shown:
            for number in np.ravel(step.got(name).real.astype(step.case.type)):
                mantissa = np.format_float_scientific(number, trim="-").partition("e")[0]
                yield sum(map(str.isdigit, mantissa))


def _near(failure: Failure) -> bool:
    error, largest = np.abs(failure.got - failure.right), np.max(np.abs(failure.right))
    return bool(np.all(error <= NEAR * largest + 10.0**-FEWEST))


def stored(failures: Sequence[Failure]) -> Measure | None:
    """How the right numbers of one of these quantities were stored, or nothing."""
    for each in failures:
        shown = each.evidence.got(each.name)
        if shown.dtype.kind != "f" or shown.shape != each.right.shape:
            continue
        with np.errstate(all="ignore"):
            if _right(each, shown.byteswap().astype(np.float64)):
                return measure(Measured.BIG_ENDIAN, name=each.name)
        rows, columns = (*shown.shape, 1, 1)[:2]
        if rows == columns or 1 in (rows, columns):  # as if transposed, or the same
            continue
        if _right(each, each.got.ravel().reshape(columns, rows).T):
            return measure(Measured.BY_COLUMNS, name=each.name)
    return None


def _right(failure: Failure, numbers: Array) -> bool:
    """Whether these are the right numbers, of which there are some."""
    right = bool(np.all(np.abs(numbers - failure.right) <= failure.tolerance))
    return right and bool(failure.right.any())
