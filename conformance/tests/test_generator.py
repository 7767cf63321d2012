"""The generator of programs (`generator/`), and sixty of them put to the checker.

`python -m conformance.tests.generator` judges all. Left out: what is said beside the equations and
lines (`test_message.py`).
"""

import json
from pathlib import Path

import pytest

from conformance.subjects.book.book_subject import book_subject
from conformance.tests.generator.changes import SCALARS, changes, numpy_as
from conformance.tests.generator.judgement import judge
from conformance.tests.generator.measure import figures, line_of
from conformance.tests.generator.program import Program, program, right, wrong
from conformance.tests.generator.running import distance, expected, loaded, program_numbers
from conformance.tests.generator.selection import selected, visible
from conformance.tests.generator.style import OPTIONS, Style, read, styles
from conformance.tests.parts import part
from conformance.tests.support import exactly, recorded

SAMPLE: dict[str, str] = json.loads(
    Path(__file__).with_name("generator").joinpath("sample.json").read_text(encoding="utf-8")
)
"""Sixty programs by their ids; the reason if the checker of today judges it wrongly, else ""."""

STYLES = pytest.mark.parametrize("style", styles(), ids=lambda style: style.name)
ROUNDING = 1e-12  # of the largest entry: no more than a hundred roundings of numbers near 1


def test_a_selection_is_spread_over_the_equations_and_kept_by_its_seed() -> None:
    style = next(each for each in styles() if each.name == "hstack")
    first = [each.id for each in selected(style, 9, seed=1)]
    assert first == [each.id for each in selected(style, 9, seed=1)]
    assert first != [each.id for each in selected(style, 9, seed=2)]
    assert {id_.split("/")[1] for id_ in first} >= {"Z", "A", "BP1", "BP2", "BP3", "BP4", "B", "W"}
    assert all("/BP2/" in each.id for each in selected(style, 2, seed=1, tag="BP2"))


@pytest.mark.thorough
@STYLES
def test_a_style_is_right(style: Style) -> None:
    for case, shown in program_numbers(right(style)).items():
        truth = expected(case)
        assert {name for name in shown if name in truth}
        for name in shown.keys() & truth.keys():
            assert shown[name].shape == truth[name].shape
            assert distance(truth[name], shown[name]) < ROUNDING, (case, name)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "style",
    part(
        [each for each in styles() if not {"function", "torch"} & each.options],
        lambda each: each.cases,
        lambda each: "cross-entropy" in each.options,
    ),
    ids=lambda style: style.name,
)
def test_a_right_style_is_exactly_right(style: Style, tmp_path: Path) -> None:
    cost = "cross-entropy" if "cross-entropy" in style.options else None
    with loaded(right(style), tmp_path) as thing:
        subject = book_subject(thing, style.name, cost)
        for run in (exactly(subject, recorded(id_)) for id_ in style.cases):
            assert run.right
            assert not {each for each in run.undecided if each[0] in "zabw"}


@STYLES
def test_a_style_has_places_for_all_equations(style: Style) -> None:
    tags = {tag for part in (style.places, style.given) for each in part for tag in each.tags}
    assert tags >= {"Z", "A", "BP1", "BP2", "BP4", "B", "W"}


@STYLES
def test_a_fault_changes_its_line_alone(style: Style) -> None:
    before = right(style).source.splitlines()
    for each in wrong(style):
        after = each.source.splitlines()
        compared = zip(before, after, strict=True)
        assert [n for n, (old, new) in enumerate(compared, 1) if old != new] == [each.line]
        assert each.line in each.lines
        assert each.tags
    assert len({each.id for each in wrong(style)}) == len(wrong(style))


@pytest.mark.parametrize(
    ("id_", "seen"),
    [
        ("hstack/W/frozen", True),
        ("copies/BP3/5-uncalled-0", False),  # no copy is made
    ],
)
def test_a_fault_that_changes_no_number_is_left_out(id_: str, *, seen: bool) -> None:
    assert visible(program(id_)) is seen


def test_another_scale_is_a_convention_and_no_fault() -> None:
    style = next(each for each in styles() if each.name == "delta_over_m")
    source = right(style).source
    undivided = source.replace("(A[-1] - Y) / m", "(A[-1] - Y)")
    doubled = source.replace("(A[-1] - Y) / m", "(A[-1] - Y) * 2 / m")
    for changed, seen in ((undivided, False), (doubled, True)):
        assert changed != source
        tags = frozenset({"BP1"})
        assert visible(Program("delta_over_m", style, tags, 0, frozenset(), changed)) is seen


def test_a_line_that_hands_on_a_value_leaves_the_line_that_takes_it() -> None:
    handing = program("rows/A/2-uncalled-0")  # A.append(H), and H = A[-1] @ W.T + b.T in the loop
    lines = handing.source.splitlines()
    assert lines[handing.line - 1].strip() == "A.append(H)"
    assert any(lines[n - 1].strip().startswith("H = A[-1] @") for n in handing.lines)
    assert program("rows/A/2-half").lines == {handing.line}


def test_changes_keep_the_text_around_them_and_its_meaning() -> None:
    found = {each.text for each in changes("(a - y) * s(z[-1])", numpy_as("np"), whole=False)}
    assert {"(a + y) * s(z[-1])", "(y - a) * s(z[-1])", "a * s(z[-1])", "y * s(z[-1])"} <= found
    assert {"a - y", "s(z[-1])", "(a - y) * z[-1]", "(a - y) * s(z[-1 - 1])"} <= found
    assert {"1.01 * ((a - y) * s(z[-1]))", "np.round((a - y) * s(z[-1]), 3)"} <= found
    assert "(a - y) / s(z[-1])" in found


def test_changes_of_the_whole_leave_its_parts() -> None:
    found = {each.text for each in changes("s(w * a + b)", SCALARS, whole=True)}
    assert {"1.01 * s(w * a + b)", "w * a + b", "round(s(w * a + b), 3)"} <= found
    assert "s(w * a - b)" not in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1", "first line"),
        ("#? f speedy\nx = 1", "unknown options"),
        ("#? f\nx = 1\n#= BP5", "unknown equations"),
        ("#? f\nx = 1\n#= Z y", "is not once in"),
    ],
)
def test_a_mark_that_means_nothing_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read("style", text)


def test_the_options_are_used() -> None:
    assert {option for style in styles() for option in style.options} == OPTIONS.keys()


@pytest.mark.usefixtures("no_search")
def test_figures_count_what_was_said() -> None:
    lines = figures([judge(program("hstack/right")), judge(program("hstack/BP1/3-half"))])
    assert lines[1] == "right: 1, accused 0, not judged 0"
    assert "the equation alone 1 of 1 (100.0 %), of those the line 1 of 1 (100.0 %)" in lines[3]


def _sample() -> list[object]:
    def marks(reason: str) -> list[pytest.MarkDecorator]:
        return [pytest.mark.xfail(reason=reason)] if reason else []

    chosen = part(
        sorted(SAMPLE),
        lambda id_: frozenset(id_.split("/")[1].split("+")),
        slow=lambda id_: id_.startswith(("chapter3", "one_buffer")),
    )
    return [pytest.param(id_, marks=marks(SAMPLE[id_]), id=id_) for id_ in chosen]


@pytest.mark.usefixtures("brief_search")
@pytest.mark.thorough
@pytest.mark.parametrize("id_", _sample())
def test_a_program_is_judged_rightly(id_: str) -> None:
    judgement = judge(program(id_))
    assert judgement.kind == "good", line_of(judgement)


def test_the_sample_is_spread_over_styles_and_equations() -> None:
    assert len(SAMPLE) == 99
    assert {tag for id_ in SAMPLE for tag in program(id_).tags} >= {
        *("Z", "A", "BP1", "BP2", "BP3", "BP4", "B", "W")
    }
    assert len({id_.partition("/")[0] for id_ in SAMPLE}) >= 40
