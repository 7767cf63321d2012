"""What is behind a verdict: the map and the histogram of its errors, its worst entries, its run."""

import base64
import json
import zlib
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conformance import report
from conformance.api import check
from conformance.detail.cells import AT, EXACT, HIGHEST, LOST, cell
from conformance.judging.case_report import CaseReport, Cell
from conformance.report.book_report import Report
from conformance.report.record import to_json
from conformance.tests.support import PROFILE, answering, recorded, with_equations, wrong_at
from conformance.verdict.compare import FREE, Status
from conformance.verdict.deviation import Target, deviation
from reference.step import Array

HAND, TEN = "hand-2-3-1", "ten-steps-3-4-2"
ARRAYS = hnp.arrays(np.float64, (3, 4), elements=st.floats(-1e6, 1e6))
FACTORS = hnp.arrays(np.float64, (3, 4), elements=st.floats(-1e9, 1e9))


def looked_at(array: Array, centre: Array, tolerance: Array) -> Cell:
    """The cell of an array against a target."""
    found = deviation(array, Target(centre, tolerance))
    return cell((0, "restarted", "z2"), "the truth", array, found)


def levels(each: Cell) -> Array:
    """The levels of a cell in the shape of its quantity."""
    raw = zlib.decompress(base64.b64decode(each.levels))
    return np.frombuffer(raw, np.uint8).reshape(each.shape)


def in_one_case(subject: object, case: str) -> CaseReport:
    """The report on one case, looked at closely."""
    return check(subject, case=case, detailed=True).cases[0]


@PROFILE
@given(ARRAYS, FACTORS)
def test_a_level_is_above_the_mark_just_where_an_entry_is_outside(
    centre: Array, factor: Array
) -> None:
    tolerance = np.spacing(abs(centre)) * 2
    array = centre + tolerance * factor
    outside = deviation(array, Target(centre, tolerance)).outside
    assert np.array_equal(levels(looked_at(array, centre, tolerance)) > AT, outside)


def test_levels_tell_exact_far_and_no_number_apart() -> None:
    centre = np.ones((1, 4))
    array = np.array([[1.0, 1e300, np.nan, np.inf]])
    got = levels(looked_at(array, centre, np.full((1, 4), 1e-15)))
    assert got.tolist() == [[EXACT, HIGHEST, LOST, LOST]]


def test_a_level_is_half_a_doubling() -> None:
    array = np.array([[0.25, 0.5, 1.0, 2.0]])
    got = levels(looked_at(array, np.zeros((1, 4)), np.ones((1, 4))))
    assert got.tolist() == [[AT - 4, AT - 2, AT, AT + 2]]


@PROFILE
@given(ARRAYS, FACTORS)
def test_a_histogram_counts_every_entry(centre: Array, factor: Array) -> None:
    array = centre + np.spacing(abs(centre)) * factor
    assert sum(looked_at(array, centre, np.ones((3, 4))).counts) == array.size


def test_a_histogram_has_a_bin_a_doubling() -> None:
    ulps = np.array([[0, 1, 2, 3, 4, 5, 8, 9]])
    array = 1 + ulps * np.spacing(1.0)
    assert looked_at(array, np.ones((1, 8)), np.ones((1, 8))).counts == (1, 1, 1, 2, 2, 1)


def test_limits_are_the_tolerances_in_ulps() -> None:
    centre = np.array([[1.0, 2.0]])
    limits = np.array([[3.0, 5.0]]) * np.spacing(centre)
    assert looked_at(centre, centre, limits).limits == (3.0, 5.0)


@pytest.mark.parametrize("tag", ["BP2", "W", "Z"])
def test_the_worst_entry_of_a_cell_is_that_of_its_verdict(tag: str) -> None:
    seen = in_one_case(wrong_at(tag), HAND)
    verdicts = {(v.step, v.mode, v.name): v.worst for v in seen.verdicts}
    for each in seen.cells:
        worst, first = verdicts[each.step, each.mode, each.name], each.worst[0]
        assert worst is not None
        assert (worst.index, worst.got, worst.ratio) == (first.index, first.got, first.ratio)


def test_every_compared_quantity_has_a_cell() -> None:
    seen = in_one_case("reference", TEN)
    compared = [(v.step, v.mode, v.name) for v in seen.verdicts if v.status is Status.PASS]
    assert [(each.step, each.mode, each.name) for each in seen.cells] == compared


def test_a_quantity_of_another_shape_has_no_cell() -> None:
    seen = in_one_case(answering(lambda batch: {"z2": np.zeros((5, batch.m))}), HAND)
    assert seen.cells == ()


def test_nothing_is_kept_if_nobody_asks() -> None:
    seen = check("reference", case=HAND).cases[0]
    assert (seen.cells, seen.curve) == ((), ())


def test_a_right_free_run_stays_inside() -> None:
    curve = in_one_case("reference", TEN).curve
    assert [point.step for point in curve] == list(range(10))
    assert not any(point.outside for point in curve)


def test_a_wrong_update_leaves_at_its_first_step() -> None:
    first = in_one_case(wrong_at("W"), TEN).curve[0]
    assert first.outside
    assert first.name in ("w2", "w3")


def test_a_run_that_stops_is_shown_as_far_as_it_came() -> None:
    calls: list[int] = []

    def stopping(b: Any, nabla: Any, eta: Any) -> Any:
        calls.append(1)
        if len(calls) > 2 * (10 + 3):  # two layers in ten restarted steps, then three free ones
            raise ZeroDivisionError
        return b + eta * nabla

    curve = in_one_case(with_equations(updated_bias=stopping), TEN).curve
    assert [point.step for point in curve] == [0, 1, 2]


@pytest.mark.parametrize("tag", [pytest.param("", marks=pytest.mark.seldom), "B"])
def test_details_survive_json_and_follow_the_schema(tag: str) -> None:
    subject = wrong_at(tag) if tag else "reference"
    seen = check(subject, case=f"{TEN}*", detailed=True)
    values = json.loads(json.dumps(to_json(seen), allow_nan=False))
    schema = json.loads(report.SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(values)
    again = Report.from_json(values)
    assert [each.cells for each in again.cases] == [each.cells for each in seen.cases]
    assert [each.curve for each in again.cases] == [each.curve for each in seen.cases]


def test_cells_of_a_free_run_are_against_its_own_truth() -> None:
    case = recorded(TEN).case
    seen = in_one_case("reference", case.id)
    assert {each.step for each in seen.cells if each.mode == FREE} == set(range(case.steps))
