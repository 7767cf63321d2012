"""Every broken copy of the chapter 1 program: the right equation is blamed, on the edited line.

In the traced lane, in floats, and in the exact lane, on balls. Left out: right programs
(`test_right.py`) and how an operation is traced (`test_traced_lines.py`).
"""

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from conformance.changed_line import with_change
from conformance.corpus import store
from conformance.corpus.recorded import Recorded
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.model.table import tag_of
from conformance.programs.load import load
from conformance.report.book_report import Report
from conformance.subjects import Subject
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.networks.broken import BROKEN, CRASHING, ONE_RATE, Edit, broken_source
from conformance.tests.parts import part
from conformance.tests.support import exactly, recorded
from reference.step import split

EDITS = sorted((*BROKEN, *CRASHING, *ONE_RATE), key=lambda edit: edit.id)
SQUARE = ("square-4-4-4-4",)
CASES = ("layout-3-2-4", "remainder-3-4-2", *SQUARE)
EXACT_CASES = ("remainder-3-4-2", *SQUARE)
STEPS = 1  # of each case

NO_ARITHMETIC = {
    "a-without-sigma": "z is given a second name: the line that computed it is shown",
    "z-kept-as-a": "a list append: the lines that read the list are shown",
    "bp2-stops-early": "the range of a loop: the operations that are missing have no line",
    "bp2-z-is-a": "an entry of a list: the line that takes σ′ of it is shown",
    "bp2-z-of-layer-above": "an entry of a list: the line that takes σ′ of it is shown",
    "last-sample-skipped": "the range of a loop: the sum that ends early is shown",
    "last-sample-only-b": "arrays pass from list to list: the call that gave the last is shown",
    "last-sample-only-w": "arrays pass from list to list: the call that gave the last is shown",
    "bias-frozen": "arrays pass from list to list: nothing is computed",
    "no-batch-mean": "a Python float: the lines that multiply by it are shown",
    "divided-twice": "a Python float: the lines that multiply by it are shown",
    "integer-eta": "a Python float: the lines that multiply by it are shown",
    "ascends": "a Python float: the lines that multiply by it are shown",
    "bp4-no-delta": "an activation is taken for ∂C/∂w: the line that computed it is shown",
}
"""Edits of lines on which NumPy computes nothing, and what is shown: a line of their function."""

MADE_OF = {
    "sigmoid-precedence": "σ′ is made of σ: for BP1 and BP2 its line is shown, which calls σ",
}
"""Edits that break one equation through another: the line is that of the first one blamed."""

INVISIBLE = {
    "weight-integer-eta": "η = m in remainder-3-4-2, and w decays in square-4-4-4-4",
}
"""Edits that the cases of the exact lane hide, and why: another case shows them."""

OTHER_EXACT_CASES = ("contracting-5-4-3-2",)
FAR = 1e-6  # of the largest entry: no exact difference of these edits is smaller


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken")


@pytest.fixture
def file(folder: Path, edit: Edit) -> Path:
    path = folder / f"{edit.id.replace('-', '_')}.py"
    path.write_text(broken_source(edit)[0], encoding="utf-8")
    return path


@cache
def subject_at(file: Path, name: str) -> Subject:
    """The subject of a file, whose operations are searched once for all tests of it."""
    return book_subject(cast("type", load(f"{file}:Network")), name)


@pytest.fixture
def subject(file: Path, edit: Edit) -> Subject:
    return subject_at(file, edit.id)


@cache
def short(id_: str) -> Recorded:
    """A case with its first step alone."""
    whole = recorded(id_)
    return Recorded(replace(whole.case, batches=whole.case.batches[:STEPS]), whole.steps[:STEPS])


def function_at(file: Path, line: int) -> str:
    """The innermost function of a program around a line."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    around = [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef) and each.lineno <= line <= (each.end_lineno or 0)
    ]
    return max(around, key=lambda each: each.lineno).name


def layers_of(edit: Edit, layers: int) -> range:
    """The layers at which an edit may show."""
    return {
        "every": range(2, layers + 1),
        "hidden": range(2, layers),
        "output": range(layers, layers + 1),
        "first": range(2, 3),
    }[edit.layer]


def wrong_layers(edit: Edit, report: CaseReport) -> Iterator[str]:
    """The failures at layers where the edit cannot show."""
    for verdict in report.failures:
        if split(verdict.name)[1] not in layers_of(edit, report.case.layers):
            yield verdict.name


def group(edit: Edit) -> pytest.MarkDecorator:
    """The tests of an edit share a worker."""
    return pytest.mark.xdist_group(edit.id)


def tag(edit: Edit) -> str:
    """The first equation that it breaks."""
    return edit.tags[0]


def layer(edit: Edit) -> str:
    """At which layers it shows."""
    return edit.layer


@pytest.mark.parametrize(
    "edit", [pytest.param(each, id=each.id, marks=group(each)) for each in part(EDITS, tag, layer)]
)
def test_the_traced_lane_blames_the_equation_and_the_line(
    edit: Edit, file: Path, subject: Subject
) -> None:
    cases = SQUARE if edit in CRASHING else CASES
    report = Report(subject.name, cases=tuple(check_case(subject, short(id_)) for id_ in cases))
    blames = report.blames
    assert blames, "nothing is blamed"
    assert not report.remarks
    assert {blame.tag for blame in blames} <= set(edit.tags)
    assert not [each.error for each in report.cases if each.error]
    assert not [name for each in report.cases for name in wrong_layers(edit, each)]
    line = broken_source(edit)[1]
    for blame in blames[:1] if edit.id in MADE_OF else blames:
        if edit.id not in NO_ARITHMETIC:
            assert [frame.line for frame in blame.frames[:1]] == [line], blame.frames
        elif blame.frames:
            assert function_at(file, line) in {each.function for each in blame.frames}, blame.frames


REWRITTEN = {
    "bias-frozen": "a list comprehension of two lists is taken away",
    "last-sample-only-b": "a list comprehension of two lists is taken away",
    "last-sample-only-w": "a list comprehension of two lists is taken away",
}
"""Edits that no small change takes back."""

MOVED = [each for each in EDITS if each.id in NO_ARITHMETIC.keys() - REWRITTEN]


@pytest.mark.parametrize("edit", [pytest.param(e, id=e.id, marks=group(e)) for e in MOVED])
def test_a_line_without_arithmetic_is_found_by_its_change(edit: Edit, subject: Subject) -> None:
    cases = tuple(check_case(subject, recorded(id_)) for id_ in (*CASES, *OTHER_EXACT_CASES))
    found = with_change(Report(subject.name, cases=cases), subject, store.root())
    assert found.change is not None
    assert found.change.line == broken_source(edit)[1], found.change
    assert {frame.line for blame in found.blames for frame in blame.frames} == {found.change.line}


@pytest.mark.parametrize(
    "edit", [pytest.param(each, id=each.id, marks=group(each)) for each in part(EDITS, tag)]
)
def test_what_fails_is_wrong_on_balls_too_and_has_not_lost_digits(
    edit: Edit, subject: Subject
) -> None:
    cases = OTHER_EXACT_CASES if edit.id in INVISIBLE else EXACT_CASES
    for whole in map(recorded, SQUARE if edit in CRASHING else cases):
        report = check_case(subject, whole)
        assert not report.lost
        for verdict in report.failures:
            found = verdict.on_balls
            if found is not None and found.error is not None and verdict.worst is not None:
                assert found.error > FAR, verdict.name


@pytest.mark.parametrize("edit", [e for e in EDITS if e.id in INVISIBLE], ids=lambda edit: edit.id)
def test_what_the_cases_of_the_exact_lane_hide_is_hidden(edit: Edit, subject: Subject) -> None:
    for whole in map(recorded, EXACT_CASES):
        assert exactly(subject, whole).right, edit.id


@pytest.mark.parametrize(
    "edit",
    [e for e in EDITS if e in CRASHING and e.id not in NO_ARITHMETIC],
    ids=lambda edit: edit.id,
)
def test_where_an_edit_crashes_its_line_is_shown(edit: Edit, file: Path, subject: Subject) -> None:
    whole = recorded("contracting-5-4-3-2")
    report, line = check_case(subject, whole), broken_source(edit)[1]
    shown = {frame.line for verdict in report.failures for frame in verdict.frames[:1]}
    assert f'{file.name}", line {line}' in report.error or shown == {line}


def broken(id_: str, folder: Path) -> Subject:
    """The subject of one edit."""
    path = folder / f"{id_.replace('-', '_')}.py"
    path.write_text(broken_source(next(e for e in EDITS if e.id == id_))[0], encoding="utf-8")
    return book_subject(cast("type", load(f"{path}:Network")), id_)


def test_one_neuron_does_not_turn_the_pair_round(folder: Path) -> None:
    """∇w of the wrong shape (1, 1) has as many entries as ∇b."""
    report = check_case(broken("bp4-own-activation-output", folder), recorded("narrow-5-1"))
    assert {verdict.name for verdict in report.failures} == {"nabla_w2"}


@pytest.mark.parametrize("step", [0, 1])
def test_an_overflow_is_explained(step: int, folder: Path) -> None:
    """Infinite ∇ follow from a wrong σ and make infinite w and b: A is wrong, not W and B."""
    subject, whole = broken("sigmoid-precedence", folder), recorded("contracting-5-4-3-2")
    one = replace(whole.case, batches=whole.case.batches[step : step + 1])
    report = check_case(subject, Recorded(one, whole.steps[step : step + 1]))
    tags = {tag_of(verdict.name, one.layers) for verdict in report.failures}
    assert "A" in tags
    assert tags <= {"A", "BP1", "BP2"}


def test_the_tables_are_whole() -> None:
    ids = [edit.id for edit in EDITS]
    assert len(ids) == len(set(ids))
    assert NO_ARITHMETIC.keys() <= set(ids)
    assert INVISIBLE.keys() <= set(ids)
    assert len(set(ids) - NO_ARITHMETIC.keys()) >= 45


def test_a_wrong_sigma_of_which_its_derivative_is_made_is_blamed_once(tmp_path: Path) -> None:
    source = (Path(__file__).parent / "networks" / "book.py").read_text(encoding="utf-8")
    right = "return 1.0 / (1.0 + np.exp(-z))"
    assert source.count(right) == 1
    file = tmp_path / "scaled.py"
    file.write_text(source.replace(right, "return 0.9 / (1.0 + np.exp(-z))"), encoding="utf-8")
    subject = book_subject(cast("type", load(f"{file}:Network")), "scaled")
    for id_ in (*CASES, "saturated-2-8-3"):
        report = check_case(subject, short(id_))
        assert {tag_of(v.name, report.case.layers) for v in report.failures} == {"A"}
