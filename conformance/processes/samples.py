"""Of which samples a process's gradient is, where it is not that of its own.

A gradient is linear in the samples: the mean over those that a process took is a sum of multiples
of the gradients of single samples. The multiples are found by least squares, and stand only if the
mean over the samples that they give is what was shown, within its tolerance. Left out: what it
means for several parts (`check.py`).
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from conformance.judging.evidence import Evidence
from conformance.model.row import PartBatch
from conformance.processes.ranks import GRADIENTS, gradients
from conformance.verdict.deviation import Target, compare, plain
from conformance.verdict.oracle import expectations
from reference.step import Array, Batch, split

SPARE = 2  # times as many samples as the mini-batch has, at most


@dataclass(frozen=True)
class Taken:
    """The samples that a gradient is the mean of, by their places in the whole mini-batch.

    Attributes:
        samples: each as often as it counts.
        own: those of the part.
    """

    samples: tuple[int, ...]
    own: tuple[int, ...]

    @property
    def mistake(self) -> str:
        """The id of the known mistake that this is; empty if it is none."""
        if set(self.samples) - set(self.own):
            return "order-not-shared"
        return "padded-sample" if set(self.samples) == set(self.own) else ""


def taken(evidence: Evidence, whole: Batch, own: tuple[int, ...]) -> Taken | None:
    """The samples of which the shown gradient of a part is; None if it is of no samples at all.

    Args:
        evidence: of a part whose gradient is wrong.
        whole: the mini-batch of all processes.
        own: the samples of the part.
    """
    names = [name for name in evidence.usable if split(name)[0] in GRADIENTS]
    if not names:
        return None
    single = [_flat(evidence, whole, i, names) for i in range(whole.m)]
    shown = np.concatenate([plain(evidence.usable[name]).ravel() for name in names])
    multiples, _, rank, _ = np.linalg.lstsq(np.stack(single, axis=1), shown.astype(np.float64))
    if rank < whole.m:
        return None  # other samples may give the same
    for m in range(1, SPARE * whole.m + 1):
        counts = np.round(multiples * m).astype(int)
        if counts.min() < 0 or counts.sum() != m:
            continue
        samples = tuple(np.repeat(np.arange(whole.m), counts).tolist())
        if _agrees(evidence, whole, samples, names):
            return None if Counter(samples) == Counter(own) else Taken(samples, own)
    return None


def _agrees(evidence: Evidence, whole: Batch, samples: tuple[int, ...], names: list[str]) -> bool:
    """Whether the mean over some samples is what was shown."""
    found = _of(evidence, whole, samples)
    shown, type_ = evidence.usable, evidence.case.type
    return not any(compare(shown[each], found[each], type_).problem for each in names)


def _of(evidence: Evidence, whole: Batch, samples: tuple[int, ...]) -> dict[str, Target]:
    """The quantities of a step on some samples, with their tolerances."""
    part, batch = evidence.batch, whole.columns(samples)
    known = part.known if isinstance(part, PartBatch) else {}
    found = expectations(evidence.case, evidence.start, PartBatch(batch.x, batch.y, known=known))
    return {name: Target.of(each) for name, each in found.items()}


def _flat(evidence: Evidence, whole: Batch, sample: int, names: list[str]) -> Array:
    """The gradients of one sample by itself, one after another."""
    of_sample = gradients(evidence.case, evidence.start, whole.columns((sample,)))
    return np.concatenate([np.asarray(of_sample[name], np.float64).ravel() for name in names])
