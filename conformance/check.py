"""A whole check: a subject through the recorded cases, restarted at each step and running free.

Left out: how the outcome is shown (`report`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from conformance.compare import (
    FREE,
    RESTARTED,
    Status,
    Verdict,
    free_run_truth,
    judge,
    own_parameters,
    recorded_truth,
)
from conformance.corpus.case import Case
from conformance.corpus.store import Recorded, RecordedStep
from conformance.errors import SubjectError
from conformance.subjects import Subject, show
from reference.step import Array, causal_order


@dataclass(frozen=True)
class CaseReport:
    """The verdicts on a subject in one case."""

    case: Case
    subject: str
    verdicts: list[Verdict] = field(default_factory=list)
    error: str = ""  # why the subject could not be judged to the end

    @property
    def failures(self) -> list[Verdict]:
        """The quantities that are blamed."""
        return [verdict for verdict in self.verdicts if verdict.status is Status.FAIL]

    @property
    def passes(self) -> list[Verdict]:
        """The quantities that were compared and are right."""
        return [verdict for verdict in self.verdicts if verdict.status is Status.PASS]

    @property
    def status(self) -> Status:
        """Error over fail over pass; a check that compared nothing is an error."""
        if self.failures:
            return Status.FAIL
        return Status.ERROR if self.error or not self.passes else Status.PASS


def check_case(subject: Subject, recorded: Recorded) -> CaseReport:
    """The verdicts on a subject in one case, restarted steps first, then the free run."""
    verdicts: list[Verdict] = []
    try:
        for t in range(recorded.case.steps):
            verdicts += restarted(subject, recorded, t)
        if recorded.case.steps > 1:
            verdicts += free_run(subject, recorded)
    except SubjectError as error:
        return CaseReport(recorded.case, subject.name, verdicts, str(error))
    report = CaseReport(recorded.case, subject.name, verdicts)
    if not report.passes and not report.failures:
        return replace(report, error=f"{subject.name} in {recorded.case.id}: nothing was compared")
    return report


def restarted(subject: Subject, recorded: Recorded, t: int) -> list[Verdict]:
    """The verdicts on one step from the recorded parameters.

    Raises:
        SubjectError: the subject could not be run.
    """
    step = recorded.steps[t]
    shown = shown_steps(subject, recorded.case, [step])
    start = step.parameters, step.batch
    verdicts = judge(recorded.case, (t, RESTARTED), start, recorded_truth(recorded, t), next(shown))
    return _with_doubts(verdicts, recorded, t)


def free_run(subject: Subject, recorded: Recorded) -> list[Verdict]:
    """The verdicts on all steps of a run on the subject's own parameters.

    Raises:
        SubjectError: the subject could not be run.
    """
    verdicts: list[Verdict] = []
    parameters, inherited = recorded.steps[0].parameters, ""
    shown = shown_steps(subject, recorded.case, recorded.steps)
    targets = free_run_truth(recorded)
    for t, (step, truth, seen) in enumerate(zip(recorded.steps, targets, shown, strict=True)):
        start = parameters, step.batch
        found = judge(recorded.case, (t, FREE), start, truth, seen, inherited)
        verdicts += _with_doubts(found, recorded, t)
        failed = next((v for v in found if v.status is Status.FAIL), None)
        if failed and not inherited:
            inherited = f"{failed.name} of step {t}"
        parameters = own_parameters(seen, parameters)
    return verdicts


def shown_steps(
    subject: Subject, case: Case, steps: Sequence[RecordedStep]
) -> Iterator[dict[str, Array]]:
    """What the subject shows of each step in turn.

    Raises:
        SubjectError: it could not be run, or showed a quantity that does not exist.
    """
    known = frozenset(causal_order(case.layers))
    try:
        session = subject.start(case, steps[0].parameters)
        for step in steps:
            seen = session.step(step.batch)
            if not isinstance(seen, Mapping) and not hasattr(seen, "named"):
                raise SubjectError(f"{subject.name} showed a {type(seen).__name__}, not a step")  # noqa: TRY301
            named = show(seen)
            unknown = sorted(set(named) - known)
            if unknown:
                raise SubjectError(f"{subject.name} showed {unknown[0]!r}, which is no quantity")  # noqa: TRY301
            yield named
    except SubjectError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise SubjectError(f"{subject.name} stopped in {case.id}: {what}") from error


def _with_doubts(verdicts: list[Verdict], recorded: Recorded, t: int) -> list[Verdict]:
    """The verdicts, each failure marked at which the record itself would fail."""
    if not any(verdict.status is Status.FAIL for verdict in verdicts):
        return verdicts
    step = recorded.steps[t]
    start = step.parameters, step.batch
    own = judge(recorded.case, (t, RESTARTED), start, recorded_truth(recorded, t), step.expected)
    doubted = {verdict.name for verdict in own if verdict.status is Status.FAIL}
    return [
        replace(verdict, doubted=verdict.status is Status.FAIL and verdict.name in doubted)
        for verdict in verdicts
    ]
