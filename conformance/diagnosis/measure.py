"""What can be measured of a wrong quantity, when no known mistake explains it.

Nothing is guessed. Left out: the catalogue (`match.py`).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from conformance.diagnosis.failure import Failure
from conformance.diagnosis.measured import Measure, Measured, measure
from conformance.diagnosis.stored import stored
from conformance.diagnosis.whole import WHOLE
from reference.step import Array


def measured(failures: Sequence[Failure]) -> list[Measure]:
    """True statements on some failures of one equation, the most telling first."""
    misshapen = [each for each in failures if each.got.shape != each.right.shape]
    if misshapen:
        return list(_shapes(misshapen))
    if any(np.iscomplexobj(each.evidence.got(each.name)) for each in failures):
        return [measure(Measured.COMPLEX)]
    if written := stored(failures):
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
