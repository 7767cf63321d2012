"""Whether a gradient of the mini-batch is that of one of its samples.

Left out: other statements (`whole.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.diagnosis.failure import Failure
from conformance.diagnosis.measured import Measure, Measured, measure
from reference.equations import bias_gradient, weight_gradient
from reference.step import Array, split


def one_sample(failures: Sequence[Failure]) -> Measure | None:
    """Whether only the first or the last sample is in it, once or as often as there are samples."""
    if not all(split(each.name)[0].startswith("nabla") for each in failures):
        return None
    for place, sample in ((-1, "last"), (0, "first")):
        for often in (False, True):
            alone = [(each, _of_one_sample(each, place)) for each in failures]
            if all(_is(each, value, often=often) for each, value in alone):
                return measure(Measured.ONE_SAMPLE, sample=sample, often=often)
    return None


def _of_one_sample(failure: Failure, place: int) -> Array:
    """The gradient of one sample, made of the subject's own δ and a."""
    quantity, at = split(failure.name)[0], failure.evidence.situation.at(failure.name)
    delta = np.asarray(at.delta(at.layer).value, np.float64)[:, [place]]
    if quantity == "nabla_b":
        return bias_gradient(delta)
    return weight_gradient(delta, np.asarray(at.a(at.layer - 1).value, np.float64)[:, [place]])


def _is(failure: Failure, alone: Array, *, often: bool) -> bool:
    m = failure.evidence.batch.m
    return failure.is_(alone if often else alone / m, 3 * m)
