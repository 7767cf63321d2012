"""The generator of programs (`generator/`), and sixty of them put to the checker.

`python -m conformance.tests.generator` judges all. Left out: what is said beside the equations and
lines (`test_message.py`).
"""

import difflib
import json
from pathlib import Path

import numpy as np
import pytest

from conformance.tests.generator.changes import NUMPY, changes, numpy_as
from conformance.tests.generator.judgement import judge, line_of
from conformance.tests.generator.program import Program, program, right, wrong
from conformance.tests.generator.running import distance, expected, program_numbers
from conformance.tests.generator.selection import selected, shows
from conformance.tests.generator.style import TAGS, Style, read, styles

SAMPLE: dict[str, str] = json.loads(
    Path(__file__).with_name("generator").joinpath("sample.json").read_text(encoding="utf-8")
)
"""Sixty programs by their ids; the reason if the checker of today judges it wrongly, else ""."""

STYLES = pytest.mark.parametrize("style", styles(), ids=lambda style: style.name)
ROUNDING = 1e-12  # of the largest entry: no more than a hundred roundings of numbers near 1


def test_there_are_forty_styles_and_a_thousand_faults() -> None:
    assert len(styles()) >= 40
    assert sum(len(wrong(style)) for style in styles()) >= 1000


@pytest.mark.thorough
@STYLES
def test_a_style_is_right(style: Style) -> None:
    for case, shown in program_numbers(right(style)).items():
        truth = expected(style, case)
        assert {name for name in shown if name in truth}
        for name in shown.keys() & truth.keys():
            assert shown[name].shape == truth[name].shape
            assert distance(truth[name], shown[name]) < ROUNDING, (case, name)


@pytest.mark.thorough
@STYLES
def test_a_style_has_a_fault_of_each_equation_that_shows(style: Style) -> None:
    found = {tag for each in selected(style, 24, seed=0) for tag in each.tags}
    assert found >= {"Z", "A", "BP1", "BP2", "BP4"}
    assert found & {"B", "W"}


@STYLES
def test_a_fault_changes_its_line_alone(style: Style) -> None:
    before = right(style).source.splitlines()
    for each in wrong(style):
        after = each.source.splitlines()
        compared = zip(before, after, strict=True)
        assert [n for n, (old, new) in enumerate(compared, 1) if old != new] == [each.line]
        assert each.line in each.lines
        assert each.tags


def test_the_ids_are_different() -> None:
    ids = [each.id for style in styles() for each in (right(style), *wrong(style))]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("id_", "seen"),
    [
        ("hstack/BP1/3-factor", True),
        ("hstack/W/frozen", True),
        ("spanish/BP3/5-uncalled-1", False),
    ],
    ids=str,
)
def test_a_fault_that_changes_no_number_is_left_out(id_: str, seen: bool) -> None:
    assert shows(program(id_)) is seen
