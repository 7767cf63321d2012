"""Arrays that are filled number by number: z and a are seen in them, and a large one costs no copy.

What the numbers were made of is not seen, so their order in time stands for it.
"""

import inspect

import numpy as np
import pytest

from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.outcome import Report
from conformance.subjects.book.subject import book_subject
from conformance.tests.networks.by_number import ByNumber, WithoutBias, WithoutLast
from conformance.tests.networks.right_sigmoids import WithMath
from conformance.tests.support import recorded
from conformance.verdict.compare import RESTARTED, Status
from conformance.watching.recording import LARGE, Recording
from conformance.watching.watched import Watched

CASES = ("square-4-4-4-4", "contracting-5-4-3-2", "hand-2-3-1")


def checked(cls: type, *ids: str) -> list[CaseReport]:
    return [check_case(book_subject(cls, cls.__name__), recorded(id_)) for id_ in ids]


@pytest.mark.parametrize("id_", [*CASES, "saturated-2-8-3"])
def test_all_is_seen_and_right(id_: str) -> None:
    (report,) = checked(ByNumber, id_)
    assert report.status is Status.PASS
    watched = [v for v in report.verdicts if v.mode == RESTARTED and v.name[:1] in ("z", "a")]
    assert {v.status for v in watched} == {Status.PASS}


@pytest.mark.parametrize("cls", [WithoutBias, WithoutLast])
def test_a_wrong_weighted_input_is_blamed_alone(cls: type) -> None:
    """Layers of one size are told apart by their order alone."""
    blames = Report("it", cases=tuple(checked(cls, *CASES))).blames
    assert [blame.tag for blame in blames] == ["Z"]
    source, first = inspect.getsourcelines(ByNumber)
    line = next(i for i, text in enumerate(source) if "z[j, 0] = self.neuron" in text)
    assert blames[0].frames[0].line == first + line


def test_a_function_of_one_number_over_an_array_is_seen() -> None:
    """NumPy makes objects of its floats on the way."""
    (report,) = checked(WithMath, CASES[0])
    assert report.status is Status.PASS
    assert {v.status for v in report.verdicts if v.name == "a2" and v.mode == RESTARTED} == {
        Status.PASS
    }


def filled(entries: int) -> tuple[Recording, Watched]:
    """A recording of an array that is filled number by number."""
    recording = Recording()
    array = recording.adopt("zeros", np.zeros((entries, 1)), ((), ()))
    for j in range(entries):
        array[j, 0] = j + 0.5
    return recording, array


def test_a_large_array_that_is_filled_is_one_event_with_its_last_numbers() -> None:
    recording, array = filled(LARGE + 1)
    (event,) = recording.events
    assert np.array_equal(event.value, np.asarray(array))
    assert recording.find(np.array(array)) is event


def test_each_number_of_a_small_array_is_an_event() -> None:
    assert len(filled(9)[0].events) == 9


def test_a_large_array_that_was_used_meanwhile_has_another_event() -> None:
    recording, array = filled(LARGE + 1)
    twice = array * 2
    array[0, 0] = 0.0
    before, used, after = recording.events
    assert before.value[0, 0] == 0.5
    assert used.value[0, 0] == twice[0, 0] == 1
    assert after.value[0, 0] == 0
