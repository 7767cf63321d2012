"""What the tests of the suite share: verdicts computed once, and what becomes of a verdict."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple, TypeVar

import pytest

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.errors import ConformanceError, InternalError
from conformance.judging.case_report import Evidence
from conformance.judging.judge import free_run, restarted
from conformance.model.table import tag_of
from conformance.report.ascii import for_stdout
from conformance.report.message import failure
from conformance.subjects import Subject
from conformance.subjects.observation import Observed
from conformance.suite.asked import Activations, Asked, loaded, subject_code
from conformance.verdict.compare import RESTARTED, Status, Verdict

T = TypeVar("T")
Verdicts = list[Verdict] | ConformanceError
"""The verdicts, or why there are none."""


def equations(case: Case) -> tuple[str, ...]:
    """The tags of the equations that a case uses, in causal order."""
    return tuple(dict.fromkeys(row.tag for row in case.rows.values()))


@cache
def recorded(case: Case) -> Recorded:
    """The numbers of a case."""
    return store.read(store.root(), case)


class Restarted(NamedTuple):
    """Each step from the recorded parameters: the verdicts, and what the subject showed."""

    verdicts: list[Verdict]
    shown: list[Mapping[str, Observed]]


@cache
def _restarted(case: Case, subject: str, family: Activations) -> Restarted | ConformanceError:
    def judged(it: Subject) -> Restarted:
        seen: list[Evidence] = []
        steps = [restarted(it, recorded(case), t, seen) for t in range(case.steps)]
        shown = [each.shown for each in seen if each.mode == RESTARTED]
        return Restarted([verdict for verdicts in steps for verdict in verdicts], shown)

    return _judged(subject, family, judged)


def restarted_verdicts(case: Case, subject: str, family: Activations = None) -> Verdicts:
    """The verdicts on each step from the recorded parameters."""
    judged = _restarted(case, subject, family)
    return judged.verdicts if isinstance(judged, Restarted) else judged


@cache
def free_run_verdicts(case: Case, subject: str, family: Activations = None) -> Verdicts:
    """The verdicts on all steps of a free run."""
    return _judged(subject, family, lambda it: free_run(it, recorded(case)))


def _judged(
    subject: str, family: Activations, judged: Callable[[Subject], T]
) -> T | ConformanceError:
    try:
        with subject_code(subject):
            return judged(loaded(subject, family))
    except ConformanceError as error:
        return error


def restarted_right(case: Case, subject: str, family: Activations = None) -> bool:
    """Whether no step of a case fails from the recorded parameters."""
    verdicts = restarted_verdicts(case, subject, family)
    return not isinstance(verdicts, ConformanceError) and not any(
        v.status in (Status.FAIL, Status.LOST) and v.name for v in verdicts
    )


def observed(case: Case, subject: str) -> list[Mapping[str, Observed]]:
    """What a subject shows of each step from the recorded parameters.

    Raises:
        SubjectError: it could not be run.
    """
    judged = _restarted(case, subject, None)
    if isinstance(judged, ConformanceError):
        raise judged
    return judged.shown


def fitting(asked: Asked) -> Subject:
    """The subject, if the case fits it and it does not decline it; else the test is skipped."""
    subject = loaded(asked.subject, asked.family)
    reason = subject.unfit(asked.case)
    if reason:
        pytest.skip(f"{subject.name} {reason}")
    try:
        declined = subject.declines(asked.case)
    except ConformanceError as error:
        pytest.fail(str(error), pytrace=False)
    if declined:
        pytest.skip(f"{subject.name} declined: {declined}")
    return subject


def settle(asked: Asked, verdicts: Verdicts) -> None:
    """Pass, fail, or say why neither, for one equation among some verdicts."""
    found, case = compared(verdicts), asked.case
    mine = [v for v in found if v.name and tag_of(v.name, case.layers) == asked.tag]
    statuses = {verdict.status for verdict in mine}
    if any(each.failed for each in mine):
        steps = groupby(_blamed(mine, found), key=lambda verdict: verdict.step)
        said = [failure(case, asked.subject, [*blamed]) for _, blamed in steps]
        pytest.fail(for_stdout("\n".join(said)), pytrace=False)
    if Status.EXPLAINED in statuses:
        causes = sorted({verdict.explained_by for verdict in mine if verdict.explained_by})
        pytest.xfail(f"explained by {', '.join(causes) or 'another finding'}")
    if not statuses & {Status.PASS, Status.LOST}:
        reasons = sorted({verdict.problem for verdict in mine if verdict.problem})
        detail = f": {', '.join(reasons)}" if reasons else ""
        pytest.skip(f"{asked.subject} does not show it{detail}")


def compared(verdicts: Verdicts) -> list[Verdict]:
    """The verdicts; the test fails if there are none."""
    if isinstance(verdicts, InternalError):  # no failure of the subject
        raise verdicts
    if isinstance(verdicts, ConformanceError):
        pytest.fail(for_stdout(str(verdicts)), pytrace=False)
    return verdicts


def _blamed(mine: Sequence[Verdict], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The failures of an equation and what each of them explains in its own step."""
    failed = [verdict for verdict in mine if verdict.failed]
    places = {(verdict.step, verdict.name) for verdict in failed}
    explained = [v for v in verdicts if (v.step, v.explained_by) in places]
    return sorted([*failed, *explained], key=lambda verdict: verdict.step)
