"""Programs of any shape: right ones are right, and the edited line of a wrong one comes first."""

from pathlib import Path

import pytest

from conformance.api import check
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.tests.parts import changes_of_edit, part
from conformance.tests.programs.shapes_faults import FAULTS
from conformance.tests.shapes.measure import judge

BACKWARD = Path(__file__).parent / "backward" / "programs"


@pytest.mark.parametrize("name", FAULTS)
def test_a_right_program_is_not_accused(name: str, tmp_path: Path) -> None:
    judged = judge(name, None, tmp_path)
    assert judged.exit_code == 0, judged.words


SLOW = {
    "absent_data", "column_layers", "layer_functions", "lstm_columns", "neurons", "norm_pairs",
    "pure_python", "zero_biases",
}  # fmt: skip
"""Programs of which it takes long to find how they are called."""

ALL = [(name, fault) for name, faults in FAULTS.items() for fault in range(len(faults))]


@pytest.mark.parametrize(
    ("name", "fault"),
    part(
        ALL,
        lambda each: changes_of_edit(*FAULTS[each[0]][each[1]]),
        slow=lambda each: each[0] in SLOW,
    ),
)
def test_a_fault_is_seen(name: str, fault: int, tmp_path: Path) -> None:
    judged = judge(name, fault, tmp_path)
    assert judged.exit_code == 1, judged.words


@pytest.mark.thorough
@pytest.mark.parametrize(
    "path",
    sorted(each for each in BACKWARD.rglob("*.py") if each.parent.name != "small"),  # some wrong
    ids=lambda path: path.stem,
)
def test_a_right_backward_pass_is_not_accused(path: Path) -> None:
    report = check_file(Asked(str(path)), check)
    assert report.exit_code == 0, str(report)


def test_what_begins_with_zeros_is_judged_by_its_second_update(tmp_path: Path) -> None:
    judged = judge("zeros_and_decay", None, tmp_path)
    assert "the cross-entropy" in judged.words, "of zeros the quadratic cost has the same gradient"
    assert "weight decay 0.03125" in judged.words
