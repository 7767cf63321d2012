"""Rows, and what a teacher and a student are shown of them; nothing is judged here."""

import csv
import json
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conformance.grade import gradescope
from conformance.grade.grade_row import (
    OPTION,
    Check,
    Judgement,
    Outcome,
    Row,
    Store,
    row_of,
    to_json,
)
from conformance.grade.grade_table import WIDTH, as_csv, as_page, as_text, short_line, summary
from conformance.report.document import styled
from conformance.values import from_values, to_values

BAD = "<script>alert('x')</script>\x1b[31m"
RIGHT = Judgement("net.py", Outcome.RIGHT, checks=(Check("BP1", ok=True), Check("BP2", ok=True)))
WRONG = Judgement(
    "net.py",
    Outcome.WRONG,
    "BP2 at layer 2",
    "net.py:24",
    "sigma-prime-of-a",
    (Check("BP1", ok=True), Check("BP2", ok=False)),
    ("not conformant", "  net.py:24"),
)
SLOW = Judgement("train.py", Outcome.TIME, cause="not done within its time")
LOAD = Judgement("plot.py", Outcome.LOAD, "", "plot.py:1", "ModuleNotFoundError: seaborn")


def row(*judged: Judgement, name: str = "ann.py") -> Row:
    return row_of(name, judged, 1.25, "d" * 64)


@pytest.mark.parametrize(
    ("judged", "outcome"),
    [
        ([RIGHT, LOAD], Outcome.RIGHT),
        ([SLOW, RIGHT], Outcome.RIGHT),
        ([RIGHT, WRONG, SLOW], Outcome.WRONG),
        ([LOAD, SLOW], Outcome.TIME),
        ([RIGHT, Judgement("", Outcome.LIMIT, cause="more than 32 processes")], Outcome.LIMIT),
    ],
)
def test_the_file_that_decides(judged: list[Judgement], outcome: Outcome) -> None:
    assert row(*judged).outcome is outcome


def test_a_row_is_the_same_after_json() -> None:
    rows = [row(WRONG, LOAD), row(RIGHT, name="ben")]
    written = json.loads(json.dumps(to_json(rows)))
    assert [Row.from_json(each) for each in written["submissions"]] == rows


def test_json_is_by_its_schema() -> None:
    schema = json.loads((files("conformance.grade") / "grade.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(to_json([row(WRONG, SLOW), row(RIGHT)]), schema)
    assert schema["$defs"]["verdict"]["enum"] == [str(each) for each in Outcome]


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        "x",
        {**to_values(WRONG), "outcome": "perfect"},
        {**to_values(WRONG), "cause": 3},
    ],
)
def test_values_that_are_no_judgement_are_refused(values: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_values(Judgement, values)


def test_the_table_is_80_columns_wide_and_says_the_cause() -> None:
    long = Judgement("n.py", Outcome.WRONG, "gradient of " + "W" * 90, "n" * 60 + ".py:3", "c" * 99)
    rows = [row(WRONG), row(long, name="student_" + "x" * 70), row(SLOW, name="ben")]
    lines = list(as_text(rows))
    assert max(map(len, lines)) == WIDTH
    assert lines[2] == "  BP2 at layer 2: sigma-prime-of-a"
    assert "time-out" in lines[5]


def test_the_summary_counts_verdicts_and_shared_causes() -> None:
    words = list(summary([row(WRONG), row(WRONG), row(RIGHT), row(SLOW)], 61.2))
    assert words == [
        "4 submissions: 2 wrong, 1 right, 1 time-out; 61 s",
        "  2 times: BP2 at layer 2: sigma-prime-of-a",
    ]


def test_csv_has_no_formulas_and_no_escapes() -> None:
    bad = Judgement("n.py", Outcome.WRONG, "=cmd|' /C calc'!A0", "", BAD)
    table = list(csv.reader(as_csv([row(bad, name="@ann.py")]).splitlines()))
    assert table[0] == ["submission", "verdict", "what", "line", "cause", "seconds"]
    assert table[1][:3] == ["'@ann.py", "wrong", "'=cmd|' /C calc'!A0"]
    assert "\x1b" not in table[1][4]


class Page(HTMLParser):
    """The elements of a page, and its identifiers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.tags.append(tag)
        said = dict(attrs)
        self.ids.add(said.get("id") or "")
        if tag == "a":
            self.links.append(said.get("href") or "")


def test_the_page_is_one_file_whose_rows_lead_to_their_reports() -> None:
    text = as_page([row(WRONG), row(RIGHT, name="ben.py")], "class", ["2 submissions"])
    page = Page(text)
    assert page.tags.count("tr") == 3
    assert {each.removeprefix("#") for each in page.links} <= page.ids
    assert page.tags.count("details") == 2
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert styled() in text, "one style with the report and the lesson"
    assert "src=" not in text


def test_what_a_submission_says_is_no_markup_in_the_page() -> None:
    bad = Judgement(BAD, Outcome.WRONG, BAD, BAD, BAD, (), (BAD,))
    text = as_page([row(bad, name=BAD)], BAD, [BAD])
    assert Page(text).tags.count("script") == 1
    assert "\x1b" not in text


def results(given: Row, *, hide: bool) -> dict[str, Any]:
    return gradescope.results(given, 10.0, hide=hide)


def test_points_are_shared_among_what_was_judged() -> None:
    said = results(row(WRONG), hide=False)
    assert (said["score"], results(row(RIGHT), hide=False)["score"]) == (5.0, 10.0)
    assert [(each["name"], each["status"], each["score"]) for each in said["tests"]] == [
        ("BP1", "passed", 5.0),
        ("BP2", "failed", 0.0),
    ]
    assert "net.py:24" in said["output"]


def test_hidden_answers_are_seen_by_the_teacher_alone() -> None:
    said = results(row(WRONG), hide=True)
    hidden = [each for each in said["tests"] if each["visibility"] == "hidden"]
    shown = {**said, "tests": [each for each in said["tests"] if each not in hidden]}
    assert len(hidden) == 1
    assert "sigma-prime-of-a" in hidden[0]["output"]
    assert "net.py:24" in hidden[0]["output"]
    assert "sigma-prime" not in json.dumps(shown)
    assert "net.py:24" not in json.dumps(shown)
    assert "BP2" in shown["output"]


def test_what_could_not_be_judged_has_no_points_and_a_reason() -> None:
    for hide in (False, True):
        said = results(row(LOAD), hide=hide)
        assert "score" not in said
        assert said["output"].startswith(gradescope.UNGRADED)
        assert "seaborn" in said["output"]


def test_results_are_a_file_a_submission(tmp_path: Path) -> None:
    rows = [row(WRONG), row(RIGHT, name="ben.py")]
    gradescope.write(tmp_path / "all", rows, 1.0, hide=True, one=False)
    gradescope.write(tmp_path / "one", rows[:1], 1.0, hide=True, one=True)
    assert json.loads((tmp_path / "all" / "ben.py" / "results.json").read_text())["score"] == 1
    assert json.loads((tmp_path / "one" / "results.json").read_text())["score"] == 0.5


def test_a_store_finds_what_has_not_changed(tmp_path: Path) -> None:
    kept = Store(tmp_path / "grades")
    kept.put(row(WRONG, name="ännä/../x.py"))
    assert kept.find("ännä/../x.py", "d" * 64) == row(WRONG, name="ännä/../x.py")
    assert kept.find("ännä/../x.py", "e" * 64) is None
    assert kept.find("other.py", "d" * 64) is None
    assert Store(tmp_path / "grades", fresh=True).find("ännä/../x.py", "d" * 64) is None


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"name": 1}'])
def test_a_damaged_row_is_judged_again(raw: bytes, tmp_path: Path) -> None:
    kept = Store(tmp_path)
    kept.put(row(WRONG))
    for path in tmp_path.iterdir():
        path.write_bytes(raw)
    assert kept.find("ann.py", "d" * 64) is None
    assert OPTION == "--results"


def test_a_line_never_loses_its_number() -> None:
    rows = [row(WRONG), row(WRONG, name="net.py")]
    assert [short_line(each, 9) for each in rows] == ["net.py:24", "line 24"]
    assert short_line(rows[0], 7) == "net…:24"
