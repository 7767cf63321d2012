"""What is wrong beside the equations is a finding, with its line; what is right is not accused."""

import json
import re
from functools import cache
from html import unescape
from pathlib import Path

import pytest

from conformance import api
from conformance.report.book_report import Report
from conformance.report.markdown import as_markdown
from conformance.report.message import failure, finding_text
from conformance.report.notebook import as_html
from conformance.report.page.write import page
from conformance.report.record import to_json
from conformance.report.terminal import as_text
from conformance.tests.networks import wrong_training
from conformance.tests.networks.right_training import RIGHT_TRAINING
from conformance.tests.networks.wrong_training import WRONG
from conformance.tests.parts import part
from conformance.verdict.compare import FREE

CASES = ("hand-2-3-1", "square-4-4-4-4-cross-entropy")
SOURCE = Path(wrong_training.__file__).read_text(encoding="utf-8").splitlines()


@cache
def checked(cls: type) -> Report:
    return api.check(cls, case=CASES)


@pytest.mark.parametrize(
    ("cls", "kind"),
    part(WRONG.items(), lambda each: each[1]),
    ids=lambda each: getattr(each, "__name__", ""),
)
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
    assert Report.from_json(written).findings == report.findings
    assert to_json(Report.from_json(written))["findings"] == written["findings"]


def test_every_form_of_the_report_has_the_finding_and_its_line() -> None:
    report = checked(wrong_training.ShuffleGivesNone)
    blamed = "n = len(data)  # wrong"
    words = "SGD stops: TypeError: object of type 'NoneType' has no len()"
    html = page([report], "check"), as_html(report)
    marked = (unescape(re.sub(r"<[^>]*>", "", each)) for each in html)
    for form in (as_text(report), as_markdown(report), *marked):
        assert words in form.replace("\\", "")
        assert blamed in form
        assert "0 wrong" in form


def test_the_json_has_the_kind_the_words_the_values_and_the_lines() -> None:
    (found,) = to_json(checked(wrong_training.DecayWithoutHalf))["findings"]
    assert (found["kind"], found["values"]["factor"]) == ("decay-factor", 2.0)
    assert found["text"] == "total_cost adds 2 times the L2 term λ/2n Σw²"
    assert found["lines"][0]["function"] == "total_cost"


def test_the_failing_test_of_conduct_says_it_with_the_line() -> None:
    report = checked(wrong_training.OneEpochInAHelper)
    (case, *_), (found,) = report.cases, report.findings
    said = failure(case.case, "mine", case.failures)
    assert finding_text(found) in said
    assert f"{found.frames[0].file}:{found.frames[0].line}" in said
    assert "explains" not in said


def test_a_report_of_an_earlier_release_keeps_its_words() -> None:
    written = to_json(checked(wrong_training.Overlaps))
    for verdict in (each for case in written["cases"] for each in case["verdicts"]):
        verdict.pop("finding", None)
    assert Report.from_json(written).remarks == written["remarks"]


def test_a_wrong_loop_leaves_the_free_run_to_be_judged() -> None:
    report = api.check(wrong_training.Overlaps, case="remainder-3-4-2")
    assert FREE in {verdict.mode for case in report.cases for verdict in case.passes}
