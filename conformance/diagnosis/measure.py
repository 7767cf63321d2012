"""What can be measured of a wrong quantity, when no known mistake explains it.

Nothing is guessed. Left out: the catalogue (`match.py`).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from conformance.diagnosis.failure import Failure
from conformance.diagnosis.stored import stored
from conformance.diagnosis.whole import WHOLE
from reference.step import Array


def measured(failures: Sequence[Failure]) -> list[str]:
    """True statements on some failures of one equation, the most telling first."""
    misshapen = [each for each in failures if each.got.shape != each.right.shape]
    if misshapen:
        return list(_shapes(misshapen))
    if any(np.iscomplexobj(each.evidence.got(each.name)) for each in failures):
        return ["its numbers are complex"]
    if words := stored(failures):
        return [words]
    lost = [each for each in failures if not np.isfinite(each.got).all()]
    if lost:
        return ["it is not a finite number"]
    if not any(each.outside.any() for each in failures):
        return ["its numbers are right: only their dtype is not"]
    with np.errstate(all="ignore"):
        said = [words for words in (each(failures) for each in WHOLE) if words]
    return said[:1] + list(_where(failures)) + [_size(failures)]


def _where(failures: Sequence[Failure]) -> Iterator[str]:
    """Which neurons or samples are wrong, if not all are."""
    for axis, what in enumerate(failures[0].axes):
        words = {_places(each, axis) for each in failures}
        if len(words) == 1 and (found := words.pop()):
            yield f"only {found.format(what)} wrong"


def _places(failure: Failure, axis: int) -> str:
    """The places along an axis at which something is wrong; empty if that is everywhere."""
    size = failure.right.shape[axis]
    others = tuple(i for i in range(failure.right.ndim) if i != axis)
    wrong = [int(i) for i in np.flatnonzero(failure.outside.any(axis=others))]
    if len(wrong) == size or not wrong:
        return ""
    if wrong == [size - 1]:
        return "the last {} is"
    if wrong == list(range(size - 1)):
        return "the last {} is right, all others are"
    if wrong == list(range(1, size)):
        return "the first {} is right, all others are"
    numbers = ", ".join(map(str, wrong))
    return f"{{}} {numbers} is" if len(wrong) == 1 else f"{{}}s {numbers} are"


def _size(failures: Sequence[Failure]) -> str:
    """How far off it is at most, as a part of the largest right entry."""
    parts = [
        float(np.max(np.abs(each.got - each.right)) / np.max(np.abs(each.right)))
        for each in failures
        if each.right.any()
    ]
    return (
        f"it is off by up to {max(parts):.2g} of the largest entry" if parts else "it is not zero"
    )


def _all_right(values: Sequence[Array], failures: Sequence[Failure]) -> bool:
    pairs = zip(values, failures, strict=False)
    return len(values) == len(failures) and all(
        value.shape == each.right.shape and np.allclose(value, each.right) for value, each in pairs
    )


def _shapes(failures: Sequence[Failure]) -> Iterator[str]:
    if _all_right([each.got.T for each in failures], failures):
        yield "it is the right value transposed"
    for word, over in (("sum", np.sum), ("mean", np.mean)):
        columns = [over(each.got, axis=-1, keepdims=True) for each in failures if each.got.ndim]
        if _all_right(columns, failures):
            yield f"its {word} over the samples is the right value"
    first = failures[0]
    yield f"it has the shape {first.got.shape}, not {first.right.shape}"
