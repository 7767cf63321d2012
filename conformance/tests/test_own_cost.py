"""The cost that a network shows beside its gradients is judged, in floats and on balls.

Left out: the derivative of a cost, which BP1 judges.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest

from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.model.table import tag_of
from conformance.subjects.book.subject import book_subject
from conformance.tests.networks import right_costs
from conformance.tests.networks.book import Array
from conformance.tests.networks.right_costs import QuadraticCost, WithQuadraticCost
from conformance.tests.support import recorded
from conformance.verdict.compare import Status

CASES = ("square-4-4-4-4", "square-4-4-4-4-cross-entropy", "saturated-2-8-3")


class WithoutHalf(QuadraticCost):
    """Lacks its ½, in the cost alone."""

    @staticmethod
    def fn(a: Array, y: Array) -> float:
        """The squared distance."""
        c: Any = np.linalg.norm(a - y) ** 2
        return c  # type: ignore[no-any-return]


class OfTheData(QuadraticCost):
    """Is asked in another way."""

    @staticmethod
    def fn(data: Array) -> float:  # type: ignore[override]
        """The cost of some data."""
        return float(len(data))


@cache
def checked(id_: str, cost: type = QuadraticCost) -> CaseReport:
    def make(sizes: list[int]) -> WithQuadraticCost:
        return WithQuadraticCost(sizes, cost)

    return check_case(book_subject(make, "with cost"), recorded(id_))


@pytest.mark.parametrize("id_", CASES)
def test_a_right_cost_is_judged(id_: str) -> None:
    report = check_case(book_subject(right_costs.WithCost, "with cost"), recorded(id_))
    assert report.status is Status.PASS
    assert "cost" in {verdict.name for verdict in report.passes}


@pytest.mark.parametrize("id_", CASES)
def test_a_right_cost_is_exactly_right(id_: str) -> None:
    subject, whole = book_subject(right_costs.WithCost, "with cost"), recorded(id_)
    assert subject.exactly is not None
    outcome = subject.exactly(whole.case, whole.steps[0])
    assert outcome.right
    assert "cost" in outcome.errors


def test_a_cost_without_its_half_is_blamed_on_its_line() -> None:
    report = checked("square-4-4-4-4", WithoutHalf)
    assert {tag_of(each.name, report.case.layers) for each in report.failures} == {"C"}
    frame = report.failures[0].frames[0]
    assert (frame.file, frame.function) == (__file__, "fn")


def test_a_cost_that_is_asked_in_another_way_is_not_judged_and_the_report_says_so() -> None:
    report = checked("square-4-4-4-4", OfTheData)
    assert report.status is Status.PASS
    notes = [v.problem for v in report.verdicts if v.status is Status.NOT_OBSERVED and not v.name]
    assert {note.partition(":")[0] for note in notes} == {"cost.fn(a, y) was not judged"}
