"""A whole check: a subject through the recorded cases, restarted at each step and running free.

Left out: how the outcome is shown (`report`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, RecordedStep
from conformance.detail.records import Cell, Point
from conformance.diagnosis.evidence import Evidence
from conformance.errors import ConformanceError, SubjectError
from conformance.running.tracebacks import PACKAGE, headline, own_traceback
from conformance.subjects import Subject
from conformance.subjects.observation import Observation, observed
from conformance.verdict.compare import (
    EQUATION,
    FORWARD,
    FREE,
    FROM_TRUTH,
    RECORD,
    RESTARTED,
    UNDECIDED,
    Status,
    Verdict,
    free_run_truth,
    judge,
    parameters_after,
    recorded_truth,
)
from conformance.verdict.deviation import Target, compare
from conformance.verdict.oracle import expectation
from conformance.watching.frames import Frame
from reference.step import Step, causal_order

OWN = "reference"  # the subject that computes by the equations of the judge


@dataclass(frozen=True)
class CaseReport:
    """The verdicts on a subject in one case."""

    case: Case
    subject: str
    verdicts: list[Verdict] = field(default_factory=list)
    error: str = ""  # why the subject could not be judged to the end
    evidence: tuple[Evidence, ...] = field(default=(), repr=False, compare=False)  # not written
    cells: tuple[Cell, ...] = field(default=(), repr=False)  # if they were asked for
    curve: tuple[Point, ...] = field(default=(), repr=False)  # of the free run, likewise

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
    """The verdicts on a subject in one case: each step restarted, and, if all is right, a free run.

    After a wrong step a free run would only say so again, and less exactly.
    """
    verdicts: list[Verdict] = []
    evidence: list[Evidence] = []
    try:
        for t in range(recorded.case.steps):
            verdicts += restarted(subject, recorded, t, evidence)
        wrong = any(verdict.status is Status.FAIL for verdict in verdicts)
        if recorded.case.steps > 1 and subject.runs_freely(recorded.case) and not wrong:
            verdicts += free_run(subject, recorded, evidence)
    except SubjectError as error:
        return CaseReport(recorded.case, subject.name, verdicts, str(error), tuple(evidence))
    report = CaseReport(recorded.case, subject.name, verdicts, evidence=tuple(evidence))
    if not report.passes and not report.failures:
        return replace(report, error=f"{subject.name} in {recorded.case.id}: nothing was compared")
    return report


def restarted(
    subject: Subject, recorded: Recorded, t: int, evidence: list[Evidence] | None = None
) -> list[Verdict]:
    """The verdicts on one step from the recorded parameters.

    Args:
        subject: what is judged.
        recorded: the case.
        t: the number of the step.
        evidence: what was seen is appended to it, if it is given.

    Raises:
        SubjectError: the subject could not be run.
    """
    step, case = recorded.steps[t], recorded.case
    seen = next(observations(subject, case, [step]))
    start, truth = (step.parameters, step.batch), recorded_truth(recorded, t)
    verdicts = judge(case, (t, RESTARTED), start, truth, seen.shown)
    if seen.forward:
        passed = judge(case, (t, FORWARD), start, truth, seen.forward)
        verdicts += [verdict for verdict in passed if verdict.name in seen.forward]
    verdicts += [Verdict(case.id, t, RESTARTED, "", Status.FAIL, each) for each in seen.remarks]
    unseen = Status.NOT_OBSERVED
    verdicts += [Verdict(case.id, t, RESTARTED, "", unseen, each) for each in seen.notes]
    own = subject.name == OWN
    verdicts = _with_doubts(_with_lines(verdicts, seen), recorded, t, seen, own=own)
    if evidence is not None:
        failed = _failed(verdicts, RESTARTED)
        evidence.append(Evidence(case, t, RESTARTED, *start, seen.shown, failed))
        if seen.forward:
            failed = _failed(verdicts, FORWARD)
            evidence.append(Evidence(case, t, FORWARD, *start, seen.forward, failed))
    return verdicts


def free_run(
    subject: Subject, recorded: Recorded, evidence: list[Evidence] | None = None
) -> list[Verdict]:
    """The verdicts on all steps of a run on the subject's own parameters; see `restarted`.

    Raises:
        SubjectError: the subject could not be run.
    """
    verdicts: list[Verdict] = []
    parameters, inherited = recorded.steps[0].parameters, ""
    before: Evidence | None = None
    freely = replace(subject, start=subject.start_free or subject.start)
    seen_steps = observations(freely, recorded.case, recorded.steps)
    targets = free_run_truth(recorded)
    for t, (step, truth, seen) in enumerate(zip(recorded.steps, targets, seen_steps, strict=True)):
        start = parameters, step.batch
        found = judge(recorded.case, (t, FREE), start, truth, seen.shown, inherited)
        own = subject.name == OWN
        found = _with_doubts(_with_lines(found, seen), recorded, t, seen, own=own)
        verdicts += found
        wrong = _failed(found, FREE)
        before = Evidence(recorded.case, t, FREE, *start, seen.shown, wrong, before)
        if evidence is not None:
            evidence.append(before)
        failed = next((v for v in found if v.status is Status.FAIL), None)
        if failed and not inherited:
            inherited = f"{failed.name} of step {t}"
        parameters = parameters_after(recorded.case, start, truth, seen.shown)
    return verdicts


def observations(
    subject: Subject, case: Case, steps: Sequence[RecordedStep]
) -> Iterator[Observation]:
    """What the subject shows of each step in turn.

    Raises:
        SubjectError: it could not be run, or showed a quantity that does not exist.
    """
    known = frozenset(causal_order(case.layers))
    try:
        session = subject.start(case, steps[0].parameters)
        for step in steps:
            taken = session.step(step.batch)
            if not isinstance(taken, Observation | Step | Mapping):
                raise SubjectError(f"{subject.name} showed a {type(taken).__name__}, not a step")  # noqa: TRY301
            seen = observed(taken)
            unknown = sorted(str(name) for name in set(seen.shown) - known)
            if unknown:
                raise SubjectError(f"{subject.name} showed {unknown[0]!r}, which is no quantity")  # noqa: TRY301
            yield seen
    except ConformanceError:
        raise
    except (Exception, SystemExit) as error:
        raise SubjectError(
            f"{subject.name} stopped in {case.id}: {headline(error)}\n"
            f"{own_traceback(error, PACKAGE)}".rstrip()
        ) from error


def _failed(verdicts: Sequence[Verdict], mode: str) -> frozenset[str]:
    """The names of the quantities of which the subject is accused in a mode."""
    failed = (v for v in verdicts if v.status is Status.FAIL and v.mode == mode)
    return frozenset(verdict.name for verdict in failed if verdict.name and not verdict.doubted)


def _with_lines(verdicts: list[Verdict], seen: Observation) -> list[Verdict]:
    """The verdicts, each failure with the lines of the subject's code that it comes from."""

    def lines(verdict: Verdict) -> tuple[Frame, ...]:
        where = seen.forward_where if verdict.mode == FORWARD else seen.where
        index = verdict.worst.index if verdict.worst is not None else ()
        return where(verdict.name, index) if verdict.name else ()

    return [
        replace(verdict, frames=lines(verdict)) if verdict.status is Status.FAIL else verdict
        for verdict in verdicts
    ]


def _with_doubts(
    verdicts: list[Verdict], recorded: Recorded, t: int, seen: Observation, *, own: bool
) -> list[Verdict]:
    """The verdicts, each failure marked at which the record itself would fail, and who is wrong.

    If the subject is our `own` reference, it is no witness for it.
    """
    if not any(verdict.status is Status.FAIL for verdict in verdicts):
        return verdicts
    truth = recorded_truth(recorded, t)

    def marked(verdict: Verdict) -> Verdict:
        failed = verdict.status is Status.FAIL and verdict.name
        if not failed or not _doubtful(recorded, t, verdict.name):
            return verdict
        who = UNDECIDED
        if verdict.mode == RESTARTED and verdict.name in seen.shown:
            shown, type_ = seen.shown[verdict.name], recorded.case.type
            if not compare(shown, truth[verdict.name], type_).problem:
                who = EQUATION  # the subject and the record agree against it
            elif verdict.problem.endswith(FROM_TRUTH) and not own:
                who = RECORD  # the subject and the equation agree against it
        return replace(verdict, doubted=True, who=who)

    return [marked(verdict) for verdict in verdicts]


@lru_cache(maxsize=4096)  # the proof of the mistakes asks for it with every one of them
def _doubtful(recorded: Recorded, t: int, name: str) -> bool:
    """Whether the record itself would fail at a quantity."""
    step = recorded.steps[t]
    start, truth = (step.parameters, step.batch), recorded_truth(recorded, t)
    found = expectation(name, recorded.case, start, step.expected)
    local = Target(found.value, found.tolerance())
    if not compare(step.expected[name], local, recorded.case.type).problem:
        return False
    judged = judge(recorded.case, (t, RESTARTED), start, truth, step.expected)
    return name in _failed(judged, RESTARTED)  # and does not follow from another
