"""One step of a subject in training, judged from its own start: rounding, or which equation.

Left out: which steps are judged (`lockstep.py`), the verdicts (`verdict/compare.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.corpus.case import Case
from conformance.judging.deciding import decided
from conformance.judging.evidence import Evidence
from conformance.model.table import TAGS
from conformance.report.finding_words import problem_text
from conformance.report.message import difference
from conformance.subjects.observation import Observation
from conformance.training.record import Jump
from conformance.verdict.compare import FREE, Status, Verdict, judge
from conformance.verdict.deviation import Target
from conformance.verdict.oracle import expectations
from reference.step import Batch, Parameters, split


@dataclass(frozen=True, eq=False)
class Taken:
    """One step that a subject took."""

    epoch: int
    step: int
    start: Parameters
    batch: Batch
    seen: Observation


def judged(case: Case, taken: Taken, before: Taken | None = None) -> tuple[list[Verdict], Evidence]:
    """The verdicts on every quantity that was shown, and the evidence for a diagnosis.

    The truth is `expectations` from the subject's own start, which is one step away: so its
    derived tolerance is that of a single step, whatever was walked before.
    """
    start = taken.start, taken.batch
    truth = {name: Target.of(each) for name, each in expectations(case, *start).items()}
    verdicts = judge(case, (taken.step, FREE), start, truth, taken.seen.shown)
    verdicts = decided(verdicts, taken.seen, case, taken.batch.m)
    failed = frozenset(v.name for v in verdicts if v.status is Status.FAIL)
    earlier = None
    if before is not None:
        earlier = Evidence(
            *(case, before.step, FREE, before.start, before.batch, before.seen.shown, frozenset())
        )
    return verdicts, Evidence(case, taken.step, FREE, *start, taken.seen.shown, failed, earlier)


def worst(verdicts: Sequence[Verdict]) -> float:
    """The largest error as a multiple of its tolerance."""
    return max((v.worst.ratio for v in verdicts if v.worst is not None), default=0.0)


def jump(
    subject: str, taken: Taken, verdicts: Sequence[Verdict], evidence: Sequence[Evidence]
) -> Jump | None:
    """What is wrong with a step: its first failure, named; None if nothing is.

    Args:
        subject: its name.
        taken: the step.
        verdicts: on it.
        evidence: of it, the last, and of steps that were judged before it.
    """
    first = next((v for v in verdicts if v.failed), None)
    if first is None:
        return None
    case = evidence[-1].case
    named = case.rows[first.name]
    numbers = "" if first.worst is None else f": {difference(first.worst)}"
    return Jump(
        *(subject, taken.epoch, taken.step, first.name, split(first.name)[1]),
        *(named.tag, named.formula, f"{first.name} {problem_text(first)}{numbers}"),
        _causes(subject, case, verdicts, evidence),
    )


def _causes(
    subject: str, case: Case, verdicts: Sequence[Verdict], evidence: Sequence[Evidence]
) -> tuple[str, ...]:
    """The known mistakes that do what is wrong, the first equation's first."""
    from conformance.diagnosis.diagnose import diagnose  # here: a right subject needs none
    from conformance.judging.case_report import CaseReport

    report = CaseReport(case, subject, list(verdicts), evidence=tuple(evidence))
    causes = diagnose([report])
    found = [id_ for tag in TAGS for c in causes if c.tag == tag for id_ in c.mistakes]
    return tuple(dict.fromkeys(found))
