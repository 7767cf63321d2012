"""Networks whose numbers stand in records, or are computed one by one.

Left out: those of arrays (`test_programs.py`).
"""

from pathlib import Path
from typing import cast

import pytest

from conformance.judging.judge import check_case
from conformance.programs.load import load
from conformance.report.book_report import Report
from conformance.subjects.book import traced_runs
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.generator.program import program
from conformance.tests.support import recorded

pytestmark = pytest.mark.usefixtures("no_search")

CASE = "layout-3-2-4"
SOURCE = (Path(__file__).parent / "programs" / "records.py").read_text("utf-8")


def judged(name: str, folder: Path, *edit: str) -> Report:
    """The report on a copy of a network, in one small case."""
    file = folder / "edited.py"
    right, wrong = edit or ("", "")
    file.write_text(SOURCE.replace(right, wrong) if right else SOURCE, encoding="utf-8")
    made = cast("type", load(f"{file}:{name}"))
    return Report(name, cases=(check_case(book_subject(made, name), recorded(CASE)),))


@pytest.mark.parametrize("name", ["ByNumber", "Records"])
def test_a_right_network_is_conformant(name: str, tmp_path: Path) -> None:
    report = judged(name, tmp_path)
    assert report.ok, report.blames


@pytest.mark.parametrize(
    ("tag", "right", "wrong"),
    [
        ("BP1", "miss * a * (1 - a)", "miss * a * (1 + a)"),
        ("B", 'layer["b"] -= eta', 'layer["b"] -= 2 * eta'),
    ],
)
def test_a_wrong_network_of_records_is_judged(
    tag: str, right: str, wrong: str, tmp_path: Path
) -> None:
    assert tag in {each.tag for each in judged("Records", tmp_path, right, wrong).blames}


def test_a_step_of_too_many_operations_is_judged_in_floats(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(traced_runs, "MOST", 50)
    right = judged("ByNumber", tmp_path)
    assert right.ok
    assert "too many operations" in str(right)
    wrong = judged("ByNumber", tmp_path, "* p * (1 - p) for p, q", "for p, q")
    assert [each.tag for each in wrong.blames] == ["BP1"]


def test_gradients_that_are_rounded_when_they_are_returned_are_wrong(tmp_path: Path) -> None:
    text = program("bias_column/BP4/7-rounded").source  # the update takes them as they were
    report = judged("Augmented", tmp_path, SOURCE, text)
    assert "BP4" in {each.tag for each in report.blames}
