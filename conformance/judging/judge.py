"""A subject through one case: the verdicts on each step restarted, and on a free run.

Left out: running it (`observe.py`), who is wrong (`doubts.py`), what is shown of it (`report`).
"""

from dataclasses import replace

from conformance.corpus.recorded import Recorded
from conformance.errors import SubjectError
from conformance.judging.case_report import CaseReport
from conformance.judging.doubts import OWN, decided, failed_in, with_doubts
from conformance.judging.evidence import Evidence
from conformance.judging.observe import observations
from conformance.judging.second_run import with_second_run
from conformance.model.updates import SGD
from conformance.subjects import Subject
from conformance.subjects.observation import Observation
from conformance.tracing.frames import Frame
from conformance.verdict.compare import (
    FORWARD,
    FREE,
    RESTARTED,
    RETURNED,
    Status,
    Verdict,
    free_run_truth,
    judge,
    parameters_after,
    recorded_truth,
)
from conformance.verdict.oracle import standing, usable


def check_case(subject: Subject, recorded: Recorded) -> CaseReport:
    """The verdicts on a subject in one case: each step restarted, and, if all is right, a free run.

    After a wrong step a free run would only say so again, and less exactly.
    """
    verdicts: list[Verdict] = []
    evidence: list[Evidence] = []
    try:
        begun = subject.takes_state or recorded.case.update == SGD
        for t in range(recorded.case.steps if begun else 1):
            verdicts += restarted(subject, recorded, t, evidence)
        wrong = any(
            verdict.status in (Status.FAIL, Status.LOST) and verdict.name for verdict in verdicts
        )
        if recorded.case.steps > 1 and subject.runs_freely(recorded.case) and not wrong:
            verdicts += free_run(subject, recorded, evidence)
    except SubjectError as error:
        frames = () if error.line is None else (Frame(*error.line),)
        seen = tuple(evidence)
        return CaseReport(recorded.case, subject.name, verdicts, str(error), seen, frames=frames)
    report = CaseReport(recorded.case, subject.name, verdicts, evidence=tuple(evidence))
    if not (report.passes or report.failures or report.lost):
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
    here = standing(case, *start, usable(case, step.batch.m, seen.shown))
    verdicts = judge(case, (t, RESTARTED), start, truth, seen.shown, here=here)
    passes = {FORWARD: seen.forward, RETURNED: seen.returned}
    for mode, shown in passes.items():
        passed = judge(case, (t, mode), start, truth, shown) if shown else []
        verdicts += [verdict for verdict in passed if verdict.name in shown]
    beside = (case.id, t, RESTARTED, "")
    verdicts += [Verdict(*beside, Status.FAIL, frames=e.frames, finding=e) for e in seen.findings]
    verdicts += [Verdict(*beside, Status.NOT_OBSERVED, each) for each in seen.notes]
    verdicts = _settled(verdicts, subject, recorded, t, seen)
    targets = (recorded_truth(recorded, s) for s in range(case.steps))
    verdicts = with_second_run(verdicts, seen, targets)
    if evidence is not None:
        failed = failed_in(verdicts, RESTARTED)
        own = seen.own_numbers
        evidence.append(
            Evidence(case, t, RESTARTED, *start, seen.shown, failed, here=here, own_numbers=own)
        )
        for mode, shown in passes.items():
            if shown:
                failed = failed_in(verdicts, mode)
                evidence.append(Evidence(case, t, mode, *start, shown, failed))
    seen.let_go()
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
        here = standing(recorded.case, *start, usable(recorded.case, step.batch.m, seen.shown))
        found = judge(recorded.case, (t, FREE), start, truth, seen.shown, inherited, here)
        found = _settled(found, subject, recorded, t, seen)
        failed = next((v for v in found if v.status in (Status.FAIL, Status.LOST)), None)
        found = with_second_run(found, seen, targets)
        seen.let_go()
        verdicts += found
        wrong = failed_in(found, FREE)
        before = Evidence(recorded.case, t, FREE, *start, seen.shown, wrong, before, here)
        if evidence is not None:
            evidence.append(before)
        if failed and not inherited:
            inherited = f"{failed.name} of step {t}"
        parameters = parameters_after(here, parameters)
    return verdicts


def _settled(
    verdicts: list[Verdict], subject: Subject, recorded: Recorded, t: int, seen: Observation
) -> list[Verdict]:
    """The verdicts on a step, what is doubtful in them decided, each failure with its lines."""
    own, m = subject.name == OWN, recorded.steps[t].batch.m
    doubted = with_doubts(verdicts, recorded, t, seen, own=own)
    return _with_lines(decided(doubted, seen, recorded.case, m), seen)


def _with_lines(verdicts: list[Verdict], seen: Observation) -> list[Verdict]:
    """The verdicts, each failure with the lines of the subject's code that it comes from."""

    def lines(verdict: Verdict) -> tuple[Frame, ...]:
        places = {FORWARD: seen.forward_where, RETURNED: seen.returned_where}
        where = places.get(verdict.mode, seen.where)
        index = verdict.worst.index if verdict.worst is not None else ()
        return where(verdict.name, index) if verdict.name else verdict.frames

    return [
        verdict
        if verdict.status not in (Status.FAIL, Status.LOST) or verdict.frames
        else replace(verdict, frames=lines(verdict))
        for verdict in verdicts
    ]
