"""What the tests of the suite share: verdicts computed once, and what becomes of a verdict."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pytest

from conformance.causality import TAGS, field_of
from conformance.check import free_run, observations, restarted
from conformance.compare import Status, Verdict
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.store import Recorded
from conformance.errors import ConformanceError
from conformance.report.message import failure
from conformance.subjects import find
from reference.step import causal_order


def equations(case: Case) -> tuple[str, ...]:
    """The tags of the equations that a case uses, in causal order."""
    used = {field_of(name, case.layers) for name in causal_order(case.layers)}
    return tuple(tag for field, tag in TAGS.items() if field in used)


@cache
def recorded(case: Case) -> Recorded:
    """The numbers of a case."""
    return store.read(store.root(), case)


@cache
def restarted_verdicts(case: Case, step: int, subject: str) -> list[Verdict] | ConformanceError:
    """The verdicts on one step from the recorded parameters, or why there are none."""
    try:
        return restarted(find(subject), recorded(case), step)
    except ConformanceError as error:
        return error


@cache
def free_run_verdicts(case: Case, subject: str) -> list[Verdict] | ConformanceError:
    """The verdicts on all steps of a free run, or why there are none."""
    try:
        return free_run(find(subject), recorded(case))
    except ConformanceError as error:
        return error


@cache
def shown(case: Case, step: int, subject: str) -> Mapping[str, Any]:
    """What a subject shows of one step from the recorded parameters.

    Raises:
        SubjectError: it could not be run.
    """
    return next(observations(find(subject), case, [recorded(case).steps[step]])).shown


def settle(case: Case, subject: str, tag: str, verdicts: list[Verdict] | ConformanceError) -> None:
    """Pass, fail, or say why neither, for one equation among some verdicts."""
    if isinstance(verdicts, ConformanceError):
        pytest.fail(str(verdicts), pytrace=False)
    mine = [v for v in verdicts if TAGS[field_of(v.name, case.layers)] == tag]
    statuses = {verdict.status for verdict in mine}
    if Status.FAIL in statuses:
        pytest.fail(failure(case, subject, _blamed(mine, verdicts)), pytrace=False)
    if Status.EXPLAINED in statuses:
        causes = sorted({verdict.explained_by for verdict in mine if verdict.explained_by})
        pytest.xfail(f"explained by {', '.join(causes)}")
    if Status.PASS not in statuses:
        reasons = sorted({verdict.problem for verdict in mine if verdict.problem})
        pytest.skip(f"{subject} does not show it{': ' if reasons else ''}{', '.join(reasons)}")


def _blamed(mine: Sequence[Verdict], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The failures of an equation and what each of them explains in its own step."""
    failed = [verdict for verdict in mine if verdict.status is Status.FAIL]
    places = {(verdict.step, verdict.name) for verdict in failed}
    explained = [v for v in verdicts if (v.step, v.explained_by) in places]
    return [*failed, *explained]
