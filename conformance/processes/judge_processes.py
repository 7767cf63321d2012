"""The verdicts on several processes in one case: each part by itself, then R and the update.

A part, one micro-batch of one process, is judged as a step on its samples up to BP3 and BP4. R is
judged from the gradients of the parts as they were shown, or as they are to be expected, on every
process, since each has its own copy of the result. Every right value is exact and correctly
rounded; the tolerance of ∇ is R's on what is to be expected of the parts, with a sum in any order.
Left out: running the processes (`ranks.py`, `workers.py`), and the causes (`process_check.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from conformance.arithmetic.balls import rounded, tells_ties, until_decided
from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.judging.case_report import CaseReport, Evidence
from conformance.judging.judge import failed_in
from conformance.model.row import PartBatch
from conformance.model.table import part_name, reduced_name
from conformance.processes.division import Divided
from conformance.processes.ranks import GRADIENTS, Processes, ProcessStep, about
from conformance.subjects.command.command_subject import DeclinedError
from conformance.verdict.compare import Status, Verdict, judge
from conformance.verdict.deviation import Target
from conformance.verdict.oracle import exact_step, expectations, standing, usable
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
    names = part_gradients(case)
    return {part_name(name): _stack([each[name] for each in parts]) for name in names}


def _stack(parts: Sequence[RunningError]) -> RunningError:
    value, bound = (np.stack([getattr(each, of) for each in parts]) for of in ("value", "bound"))
    return RunningError(value, bound, parts[0].precision)


REDUCTION = ("R", "B", "W")


def check_divided(processes: Processes, divided: Divided, *, detailed: bool = False) -> CaseReport:
    """The verdicts on some processes in one case, each step from its start.

    Args:
        processes: that take the steps.
        divided: the case.
        detailed: whether to keep what is behind each verdict, entry by entry, for a page.
    """
    verdicts: list[Verdict] = []
    evidence: list[Evidence] = []
    error = ""
    try:
        for t in range(divided.case.steps):
            shown = processes.step(divided, t)
            step = _Step(divided, t, divided.of_step(t), truth(divided, t))
            verdicts += step.judge(shown, evidence)
    except DeclinedError:
        raise
    except SubjectError as stop:
        error = str(stop)
    report = CaseReport(divided.case, processes.name, verdicts, error, tuple(evidence))
    if not (error or report.passes or report.failures):
        what = f"{processes.name} in {divided.case.id}: nothing was compared"
        return replace(report, error=what)
    if not detailed:
        return report
    from conformance.detail.cells import with_cells  # here: most checks need none of it

    return with_cells(report, partial(_truth_of, divided))


def _truth_of(divided: Divided, seen: Evidence) -> Targets:
    """What is right of a part, or of all together."""
    right, of_step = truth(divided, seen.step), divided.of_step(seen.step)
    modes = [mode_of(rank, place, of_step) for rank, place, _ in divided.parts(seen.step)]
    return right.whole if seen.case.parts else right.parts[modes.index(seen.mode)]


def mode_of(rank: int, place: int, case: Case) -> str:
    """Where a part is: the process, and the micro-batch if it has several."""
    several = any(len(of_rank) > 1 for of_rank in case.parts[0])
    return f"rank {rank}, micro-batch {place}" if several else f"rank {rank}"


@dataclass(frozen=True, eq=False)
class _Step:
    """One step of a case, its parts and what is right in it."""

    divided: Divided
    t: int
    case: Case
    right: StepTruth

    def judge(self, shown: Sequence[ProcessStep], evidence: list[Evidence]) -> list[Verdict]:
        """The verdicts on what the processes show; what was seen is appended to the evidence."""
        alone, start = replace(self.case, parts=()), self.divided.parameters
        verdicts: list[Verdict] = []
        expected: list[Mapping[str, RunningError]] = []
        unseen: set[str] = set()
        parts = zip(self.divided.parts(self.t), self.right.parts, strict=True)
        for (rank, place, samples), targets in parts:
            own = shown[rank].parts
            seen = own[place] if place < len(own) else {}
            part = self._known(samples, rank)
            where = self.t, mode_of(rank, place, self.case)
            found = judge(alone, where, (start, part), targets, seen)
            verdicts += [each for each in found if alone.rows[each.name].tag not in REDUCTION]
            expected.append(standing(alone, start, part, usable(alone, part.m, seen)).inputs)
            unseen |= {*part_gradients(alone)} - {*seen}
            if seen:
                failed = failed_in(verdicts, where[1])
                evidence.append(Evidence(alone, *where, start, part, seen, failed))
        inherited = _first(verdicts)
        for rank, each in enumerate(shown):
            found = self._reduced(rank, each.after, (expected, inherited), evidence)
            verdicts += [_with_unseen(verdict, unseen) for verdict in found]
        return verdicts

    def _reduced(
        self,
        rank: int,
        after: Mapping[str, Any],
        before: tuple[Sequence[Mapping[str, RunningError]], str],
        evidence: list[Evidence],
    ) -> list[Verdict]:
        """The verdicts on what one process has in the end."""
        expected, inherited = before
        batch = self._known(self.divided.batches[self.t], rank, stacked(self.case, expected))
        where, start = (self.t, f"rank {rank}"), self.divided.parameters
        found = judge(self.case, where, (start, batch), self.right.whole, after, inherited)
        verdicts = [each for each in found if self.case.rows[each.name].tag in REDUCTION]
        if after:
            failed = failed_in(verdicts, where[1])
            evidence.append(Evidence(self.case, *where, start, batch, after, failed))
        return verdicts

    def _known(
        self, samples: Batch, rank: int, more: Mapping[str, RunningError] | None = None
    ) -> PartBatch:
        """Samples, and what is known of a process beside them."""
        known = about(self.case, rank, self.divided.starts[rank])
        return PartBatch(samples.x, samples.y, known={**known, **(more or {})})


def part_gradients(case: Case) -> list[str]:
    """The names of the gradients of a part."""
    return [name for name in case.rows if split(name)[0] in GRADIENTS]


def _with_unseen(verdict: Verdict, unseen: Collection[str]) -> Verdict:
    """A wrong sum of gradients that are not shown may be a right sum of wrong ones."""
    of = {reduced_name(name): name for name in unseen}
    if verdict.status is not Status.FAIL or verdict.name not in of:
        return verdict
    return replace(verdict, hidden=(of[verdict.name],))


def _first(verdicts: Sequence[Verdict]) -> str:
    """The first failure of a part, by which a wrong sum may be explained."""
    failed = (each for each in verdicts if each.status is Status.FAIL)
    return next((f"{each.name} on {each.mode}" for each in failed), "")
