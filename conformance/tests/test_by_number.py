"""Arrays that are filled number by number: z and a are seen in them, and their lines."""

import inspect

import pytest

from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.report.book_report import Report
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.networks.by_number import ByNumber, WithoutBias, WithoutLast
from conformance.tests.networks.right_sigmoids import WithMath
from conformance.tests.parts import few
from conformance.tests.support import recorded
from conformance.verdict.compare import RESTARTED, Status

CASES = ("square-4-4-4-4", "contracting-5-4-3-2", "hand-2-3-1")


def checked(cls: type, *ids: str) -> list[CaseReport]:
    subject = book_subject(cls, cls.__name__)
    return [check_case(subject, recorded(id_)) for id_ in ids]


@pytest.mark.parametrize(
    "id_", [*CASES[1:], pytest.param(CASES[0], marks=pytest.mark.seldom), "saturated-2-8-3"]
)
def test_all_is_seen_and_right(id_: str) -> None:
    (report,) = checked(ByNumber, id_)
    assert report.status is Status.PASS
    seen = [v for v in report.verdicts if v.mode == RESTARTED and v.name[:1] in ("z", "a")]
    assert {v.status for v in seen} == {Status.PASS}


@pytest.mark.parametrize(
    ("cls", "place", "text"),
    [
        (WithoutLast, ByNumber, "z += w[j, k]"),
        pytest.param(
            WithoutBias, WithoutBias, "- float(b[j, 0])", marks=pytest.mark.seldom, id="bias"
        ),
    ],
)
def test_a_wrong_weighted_input_is_blamed_alone(cls: type, place: type, text: str) -> None:
    blames = Report("it", cases=tuple(checked(cls, *few(CASES[2:], CASES)))).blames
    assert [blame.tag for blame in blames] == ["Z"]
    source, first = inspect.getsourcelines(place)
    line = next(i for i, each in enumerate(source) if text in each)
    assert blames[0].frames[0].line == first + line


def test_a_function_of_one_number_over_an_array_is_seen() -> None:
    """NumPy makes objects of its floats on the way."""
    (report,) = checked(WithMath, CASES[0])
    assert report.status is Status.PASS
    assert {v.status for v in report.verdicts if v.name == "a2" and v.mode == RESTARTED} == {
        Status.PASS
    }
