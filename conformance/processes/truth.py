"""What is right in a step of several processes: of each part by itself, and of all together.

Every value is exact and correctly rounded. The tolerance of a part is that of a step on its
samples, that of ∇ is R's on what is to be expected of the parts, with a sum in any order. Left out:
what is compared with it (`judge.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from conformance.arithmetic.balls import rounded, tells_ties, until_decided
from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.model.reduction import part_name, reduced_name
from conformance.model.row import PartBatch
from conformance.processes.division import Divided
from conformance.processes.ranks import GRADIENTS, about
from conformance.verdict.deviation import Target
from conformance.verdict.oracle import exact_step, expectations
from reference.step import Array, Batch, Parameters, split

Targets = Mapping[str, Target]


@dataclass(frozen=True, eq=False)
class StepTruth:
    """What is right in one step.

    Attributes:
        parts: of each part, in the order of `Divided.parts`.
        whole: of R and of the update.
    """

    parts: tuple[Targets, ...]
    whole: Targets


@lru_cache(maxsize=64)
def truth(divided: Divided, t: int) -> StepTruth:
    """What is right in step t of a case."""
    case, start, batch = divided.of_step(t), divided.parameters, divided.batches[t]
    alone = replace(case, parts=())
    samples = [part for _, _, part in divided.parts(t)]
    expected = [expectations(alone, start, part) for part in samples]
    known = {**stacked(case, expected), **about(case, 0, start)}
    whole = expectations(case, start, PartBatch(batch.x, batch.y, known=known))
    exact = _exact(alone, start, batch)
    exact |= {reduced_name(name): array for name, array in exact.items()}
    parts = (
        _targets(_exact(alone, start, part), each)
        for part, each in zip(samples, expected, strict=True)
    )
    return StepTruth(tuple(parts), _targets(exact, whole))


def _exact(case: Case, parameters: Parameters, batch: Batch) -> dict[str, Array]:
    """Every quantity of a step, exact and correctly rounded."""

    def compute(ties: bool) -> dict[str, Array]:
        taken = exact_step(case, parameters, batch)
        sure = ties and tells_ties(taken.z)
        return {name: rounded(array, case.dtype, ties=sure) for name, array in taken.named()}

    return until_decided(compute)


def _targets(exact: Mapping[str, Array], expected: Mapping[str, RunningError]) -> Targets:
    """The exact values, with the tolerance of what is to be expected and of their own rounding."""
    return {
        name: Target(exact[name], each.widened(1, 0).tolerance()) for name, each in expected.items()
    }


def stacked(case: Case, parts: Sequence[Mapping[str, RunningError]]) -> dict[str, RunningError]:
    """The gradients of all parts as R is given them, an axis of parts before their own."""
    names = [name for name in case.rows if split(name)[0] in GRADIENTS]
    return {part_name(name): _stack([each[name] for each in parts]) for name in names}


def _stack(parts: Sequence[RunningError]) -> RunningError:
    value, bound = (np.stack([getattr(each, of) for each in parts]) for of in ("value", "bound"))
    return RunningError(value, bound, parts[0].precision)
