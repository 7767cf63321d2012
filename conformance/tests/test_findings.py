"""What is wrong beside the equations is a finding, with its line; what is right is not accused."""

import json
from functools import cache
from pathlib import Path

import pytest

import conformance
from conformance.outcome import Report
from conformance.report.record import from_json, to_json
from conformance.tests.networks import wrong_training
from conformance.tests.networks.right_training import RIGHT_TRAINING
from conformance.tests.networks.wrong_training import WRONG

CASES = ("hand-2-3-1", "square-4-4-4-4-cross-entropy")
SOURCE = Path(wrong_training.__file__).read_text(encoding="utf-8").splitlines()


@cache
def checked(cls: type) -> Report:
    return conformance.check(cls, case=CASES)


@pytest.mark.parametrize(("cls", "kind"), WRONG.items(), ids=[each.__name__ for each in WRONG])
def test_what_is_wrong_is_found_on_its_line(cls: type, kind: str) -> None:
    report = checked(cls)
    assert [str(finding.kind) for finding in report.findings] == [kind]
    assert not report.blames
    assert report.exit_code == 1
    line = report.findings[0].frames[0].line
    assert "# wrong" in SOURCE[line - 1], SOURCE[line - 1]
    first = next(i for i, text in enumerate(SOURCE) if text.startswith(f"class {cls.__name__}("))
    owners = [text for text in SOURCE[first:line] if text.startswith("class ")]
    assert len(owners) <= 2  # its own class, or a cost that stands right before it


@pytest.mark.parametrize("cls", RIGHT_TRAINING, ids=[each.__name__ for each in RIGHT_TRAINING])
def test_what_is_right_is_not_accused(cls: type) -> None:
    report = checked(cls)
    assert not report.findings
    assert report.exit_code == 0


def test_a_finding_goes_through_json() -> None:
    report = checked(wrong_training.Overlaps)
    written = json.loads(json.dumps(to_json(report)))
    assert from_json(written).findings == report.findings
    assert to_json(from_json(written))["findings"] == written["findings"]
