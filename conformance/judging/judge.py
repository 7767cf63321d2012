"""A subject through one case: the verdicts on each step restarted, and on a free run.

What failed in floats is decided on balls, in the same case, step and state: it is the subject that
is wrong, our equation, the recorded file, or rounding. If a quantity follows from its equation
there, its digits were lost and its formula is right; if it does not, it is wrong whatever the
rounding. Where balls cannot tell, floats have decided.

Left out: running it (`observe.py`), how balls decide (`verdict/on_balls.py`), what is shown of it
(`report`).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.errors import SubjectError
from conformance.judging.case_report import CaseReport, Evidence
from conformance.judging.elsewhere import with_second_run
from conformance.judging.observe import observations
from conformance.model.update_kinds import SGD
from conformance.subjects import Subject
from conformance.subjects.observation import SHOWN, Observation
from conformance.tracing.frames import Frame
from conformance.verdict.compare import (
    EQUATION,
    FORWARD,
    FREE,
    RECORD,
    RESTARTED,
    RETURNED,
    UNDECIDED,
    Status,
    Verdict,
    free_run_truth,
    judge,
    parameters_after,
    recorded_truth,
)
from conformance.verdict.deviation import Target, compare, plain
from conformance.verdict.oracle import expectation, standing, usable

OWN = "reference"  # the subject that computes by the equations of the judge


def failed_in(verdicts: Sequence[Verdict], mode: str) -> frozenset[str]:
    """The names of the quantities of which the subject is accused in a mode."""
    failed = (v for v in verdicts if v.status is Status.FAIL and v.mode == mode)
    return frozenset(verdict.name for verdict in failed if verdict.name and not verdict.doubted)


def with_doubts(
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
            elif verdict.from_truth and not own:
                who = RECORD  # the subject and the equation agree against it
        return replace(verdict, doubted=True, who=who)

    return [marked(verdict) for verdict in verdicts]


@lru_cache(maxsize=4096)  # the proof of the mistakes asks for it with every one of them
def _doubtful(recorded: Recorded, t: int, name: str) -> bool:
    """Whether the record itself would fail at a quantity.

    The first question spares the second, a judgement of the whole step, and changes no answer.
    """
    step = recorded.steps[t]
    start, truth = (step.parameters, step.batch), recorded_truth(recorded, t)
    local = Target.of(expectation(name, recorded.case, start, step.expected))
    if not compare(step.expected[name], local, recorded.case.type).problem:
        return False
    judged = judge(recorded.case, (t, RESTARTED), start, truth, step.expected)
    return name in failed_in(judged, RESTARTED)  # and does not follow from another


MOST = 3_000_000
"""Products of a weight and an activation in a step that balls are asked of: about two seconds."""


def decided(verdicts: Sequence[Verdict], seen: Observation, case: Case, m: int) -> list[Verdict]:
    """The verdicts on a step of m samples, each failure in floats decided on balls."""
    products = m * sum(n * below for below, n in pairwise(case.sizes))
    found = [_decided(each, seen, products) for each in verdicts]
    wrong = {each.mode: each.name for each in reversed(found) if _is_wrong(each)}
    return [_explained(each, wrong.get(each.mode, "")) for each in found]


def _is_wrong(verdict: Verdict) -> bool:
    exactly = verdict.on_balls is not None and not verdict.on_balls.right
    return verdict.status is Status.FAIL and exactly


def _explained(verdict: Verdict, wrong: str) -> Verdict:
    """What loses its digits for what is wrong in the same step, such as an infinite number."""
    if verdict.status is not Status.LOST or not wrong:
        return verdict
    return replace(verdict, status=Status.EXPLAINED, explained_by=wrong, lost=None, frames=())


def _is_further_off(verdict: Verdict, seen: Observation, lost: float) -> bool:
    """Whether a quantity is further off than it is in the run that balls decided.

    Then that run started from other inputs than those that were shown, and says nothing of it.
    """
    shown = seen.shown.get(verdict.name)
    if shown is None or verdict.worst is None or verdict.from_truth:
        return False
    largest = float(np.max(np.abs(plain(shown)), initial=abs(verdict.worst.right)))
    return 2 * lost * largest < abs(verdict.worst.got - verdict.worst.right)


def _decided(verdict: Verdict, seen: Observation, products: int) -> Verdict:
    mode = verdict.mode if verdict.mode in (FORWARD, RETURNED) else SHOWN
    on_balls = seen.on_balls.get(mode)
    failed = verdict.status is Status.FAIL and verdict.name and not verdict.doubted
    if not failed or on_balls is None or products > MOST:
        return verdict
    found = on_balls(verdict.name)
    verdict = replace(verdict, on_balls=found, frames=found.frames)
    if verdict.worst is None or not found.right:  # of another shape or dtype, or wrong
        return verdict
    lost = on_balls.lost(verdict.name, verdict.worst.index)
    if _is_further_off(verdict, seen, lost.off):  # as where two layers share memory, which is found
        explained = bool(seen.findings)
        return replace(verdict, status=Status.EXPLAINED, frames=()) if explained else verdict
    frames = lost.loss.frames if lost.loss is not None else ()
    return replace(verdict, status=Status.LOST, lost=lost, frames=frames, hidden=())


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
