"""What is told of a network whose numbers leave NumPy, or go entry by entry."""

from functools import cache

import pytest

from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.model.table import tag_of
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.networks.entries import Ascending, InEntries
from conformance.tests.networks.lists import InLists, WrongFactor, WrongSign
from conformance.tests.support import recorded
from conformance.verdict.compare import Status


@cache
def checked(cls: type) -> CaseReport:
    return check_case(book_subject(cls, cls.__name__), recorded("contracting-5-4-3-2"))


def tags(report: CaseReport) -> set[str]:
    return {tag_of(each.name, report.case.layers) for each in report.failures if each.name}


def test_hidden_activations_of_a_right_network_are_judged() -> None:
    report = checked(InLists)
    assert report.status is Status.PASS
    assert {"a2", "a3", "delta2", "nabla_w2"} <= {verdict.name for verdict in report.passes}


def test_where_the_errors_are_right_a_wrong_gradient_is_bp4_and_nothing_else() -> None:
    report = checked(WrongFactor)
    assert tags(report) == {"BP4"}
    assert not any(verdict.hidden for verdict in report.failures)


def test_where_the_errors_are_wrong_too_the_activation_is() -> None:
    """z is seen on the way, in Python's own floats."""
    report = checked(WrongSign)
    assert tags(report) <= {"A", "BP1"}
    first = report.failures[0]
    assert (first.name, first.hidden) == ("a2", ())


CASES = ("hand-2-3-1", "narrow-5-1", "contracting-5-4-3-2")  # one sample, or more


@pytest.mark.parametrize("id_", CASES)
def test_an_update_that_nobody_saw_is_right(id_: str) -> None:
    report = check_case(book_subject(InEntries, "entries"), recorded(id_))
    assert report.status is Status.PASS


@pytest.mark.parametrize("id_", CASES)
def test_an_update_that_nobody_saw_is_blamed_and_not_the_gradient(id_: str) -> None:
    report = check_case(book_subject(Ascending, "entries"), recorded(id_))
    assert tags(report) == {"B"}
