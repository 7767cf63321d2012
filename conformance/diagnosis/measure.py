"""What can be measured of a wrong quantity, when no known mistake explains it.

Also right numbers that were written down wrongly: their digits, their order, or their bytes. Of
columns or bytes one quantity shows it, whose inputs are right; those that follow from it cannot.
Nothing is guessed. Left out: the catalogue (`match.py`).
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from conformance.arithmetic.formats import FLOATS
from conformance.diagnosis.before import Failure
from conformance.diagnosis.measured import Measure, Measured, measure
from conformance.diagnosis.whole import WHOLE
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


def flushed(failures: Sequence[Failure]) -> Measure | None:
    """That each wrong entry is 0 in the place of a number that is no normal one, or nothing."""
    least = min(each.evidence.case.format.tiny for each in failures)
    for each in failures:
        wrong = each.outside
        if not wrong.any() or each.got[wrong].any() or np.any(np.abs(each.right[wrong]) >= least):
            return None
    return measure(Measured.FLUSHED, least=least)


def _right(failure: Failure, numbers: Array) -> bool:
    """Whether these are the right numbers, of which there are some."""
    right = bool(np.all(np.abs(numbers - failure.right) <= failure.tolerance))
    return right and bool(failure.right.any())


def measured(failures: Sequence[Failure]) -> list[Measure]:
    """True statements on some failures of one equation, the most telling first."""
    misshapen = [each for each in failures if each.got.shape != each.right.shape]
    if misshapen:
        return list(_shapes(misshapen))
    if any(np.iscomplexobj(each.evidence.got(each.name)) for each in failures):
        return [measure(Measured.COMPLEX)]
    if written := stored(failures) or flushed(failures):
        return [written]
    if any(not np.isfinite(each.got).all() for each in failures):
        return [measure(Measured.NOT_FINITE)]
    if not any(each.outside.any() for each in failures):
        return [measure(Measured.OTHER_DTYPE)]
    with np.errstate(all="ignore"):
        found = [true for true in (each(failures) for each in WHOLE) if true]
    return found[:1] + list(_where(failures)) + [_size(failures)]


def _where(failures: Sequence[Failure]) -> Iterator[Measure]:
    """Which neurons or samples are wrong, if not all are."""
    for axis, what in enumerate(failures[0].axes):
        found = {_places(each, axis, what) for each in failures}
        if len(found) == 1 and (places := found.pop()):
            yield places


def _places(failure: Failure, axis: int, what: str) -> Measure | None:
    """The places along an axis at which something is wrong; None if that is everywhere."""
    size = failure.right.shape[axis]
    others = tuple(i for i in range(failure.right.ndim) if i != axis)
    wrong = [int(i) for i in np.flatnonzero(failure.outside.any(axis=others))]
    if len(wrong) == size or not wrong:
        return None
    ends = {  # of two, what stands last holds
        tuple(range(1, size)): Measured.ALL_BUT_FIRST,
        tuple(range(size - 1)): Measured.ALL_BUT_LAST,
        (size - 1,): Measured.ONLY_LAST,
    }
    if kind := ends.get(tuple(wrong)):
        return measure(kind, axis=what)
    places = ", ".join(map(str, wrong))
    return measure(Measured.ONLY, axis=what, places=places, several=len(wrong) > 1)


def _size(failures: Sequence[Failure]) -> Measure:
    """How far off it is at most, as a part of the largest right entry."""
    parts = [
        float(np.max(np.abs(each.got - each.right)) / np.max(np.abs(each.right)))
        for each in failures
        if each.right.any()
    ]
    return measure(Measured.SIZE, part=max(parts)) if parts else measure(Measured.NOT_ZERO)


def _all_right(values: Sequence[Array], failures: Sequence[Failure]) -> bool:
    pairs = zip(values, failures, strict=False)
    return len(values) == len(failures) and all(
        value.shape == each.right.shape and np.allclose(value, each.right) for value, each in pairs
    )


def _shapes(failures: Sequence[Failure]) -> Iterator[Measure]:
    if _all_right([each.got.T for each in failures], failures):
        yield measure(Measured.TRANSPOSED)
    for by, over in (("sum", np.sum), ("mean", np.mean)):
        columns = [over(each.got, axis=-1, keepdims=True) for each in failures if each.got.ndim]
        if _all_right(columns, failures):
            yield measure(Measured.REDUCED, by=by)
    first = failures[0]
    yield measure(Measured.SHAPE, got=str(first.got.shape), right=str(first.right.shape))
