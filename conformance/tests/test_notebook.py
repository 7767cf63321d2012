"""The report in a notebook: one well-formed fragment, and nothing in it is a subject's markup."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.api import check
from conformance.model.table import TAGS
from conformance.report.book_report import Report
from conformance.report.notebook import MANY, as_html
from conformance.report.visible import visible
from conformance.subjects import Subject
from conformance.tests.networks.broken import BROKEN, broken_source
from conformance.tests.support import PROFILE, answering, wrong_at

COLUMNS = (*(tag for tag in TAGS if tag != "V"), "free")

HOSTILE = [
    "<script>alert(1)</script>",
    '" onclick="alert(1)',
    "</pre></div><b>",
    "&lt;b&gt; & ' \" <",
    "one\n\ntwo\x00\x1b\ud800\uffff",
    "$x$ \\(y\\)",
    "",
]
PLAIN = "plain"


@cache
def reports() -> dict[str, Report]:
    """A right subject, a wrong one, and one that stops."""
    return {
        "right": check("reference", case="hand*"),
        "wrong": check(wrong_at("BP2"), case="[hnr]*-[235]-*"),
        "crashed": crashing("no <b>more</b>"),
    }


def crashing(words: str) -> Report:
    """A subject that stops in every step with these words."""

    def stop(_: object) -> None:
        raise ValueError(words)

    return check(Subject(words, answering(stop).start), case="hand*")


def fragment_of(report: Report) -> ET.Element:
    """The fragment of a report, which has to be well-formed."""
    return ET.fromstring(report._repr_html_())  # noqa: S314 - our own; as a notebook does


def words(element: ET.Element) -> str:
    """All that is read in an element."""
    return "".join(element.itertext())


def outline(report: Report) -> list[tuple[str, list[str]]]:
    """The elements of a fragment with the names of their attributes."""
    return [(each.tag, sorted(each.attrib)) for each in fragment_of(report).iter()]


@pytest.mark.parametrize("name", ["right", "wrong", "crashed"])
def test_nothing_runs_and_nothing_is_fetched(name: str) -> None:
    for tag, attributes in outline(reports()[name]):
        assert tag not in {"script", "style", "link", "img", "iframe", "object", "svg"}
        assert set(attributes) <= {"style", "class", "scope", "display"}
    assert "url(" not in as_html(reports()[name])


def test_the_verdict_comes_first() -> None:
    first = {name: words(fragment_of(report)[0]) for name, report in reports().items()}
    assert first["right"].startswith("✓ reference is conformant: all ")
    assert first["wrong"] == (
        "✗ wrong is not conformant: BP2 is wrong at layer 2: "
        "σ′(z^l) is left out in the hidden layers"
    )
    assert first["crashed"].startswith("! no <b>more</b> is not judged: it could not be judged")


def test_the_table_has_a_row_a_case_and_a_column_an_equation() -> None:
    report = reports()["wrong"]
    table = next(fragment_of(report).iter("table"))
    head, *rows = table.iter("tr")
    assert [words(each) for each in head] == ["case", *COLUMNS, "worst"]
    assert [words(row[0]) for row in rows] == [each.case.id for each in report.cases]
    column = [*COLUMNS].index("BP2") + 1
    signs = {words(row[0]): words(row[column]) for row in rows}
    assert signs["remainder-3-4-2"] == "✗"
    assert signs["narrow-5-1"] == ""


def test_many_cases_are_folded() -> None:
    report = reports()["right"]
    few, many = (replace(report, cases=report.cases[:1] * n) for n in (MANY, MANY + 1))
    assert not list(fragment_of(few).iter("details"))
    assert (
        f'<details><summary>{MANY + 1} cases</summary><div style="overflow-x: auto"><table'
        in as_html(many)
    )


def test_the_wrong_formula_stands_over_the_right_one_with_marks() -> None:
    wrong, right = fragment_of(reports()["wrong"]).iter("math")
    marked = [
        [words(row) for row in each.iter("mrow") if row.get("style")] for each in (wrong, right)
    ]
    assert [re.sub("\N{FUNCTION APPLICATION}", "", "".join(each)) for each in marked] == [
        "",
        "⊙σ′(zl)",
    ]


def test_an_equation_whose_cause_is_not_known_has_its_formula() -> None:
    report = replace(reports()["wrong"], causes=())
    (formula,) = fragment_of(report).iter("math")
    assert formula.get("display") == "block"


def test_the_line_is_shown_with_its_neighbours(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    source, number = broken_source(next(each for each in BROKEN if each.tags == ("BP2",)))
    file.write_text(source, encoding="utf-8")
    made = fragment_of(check(f"{file}:Network", case="remainder-3-4-2"))
    blocks = [words(each).splitlines() for each in made.iter("pre")]
    assert f"> {number:4} | {source.splitlines()[number - 1]}" in blocks[0]
    assert len(blocks[0]) == 4  # the line, its neighbours, and the call that leads there


def test_the_smallest_network_is_in_a_fold() -> None:
    report = reports()["wrong"]
    *_, fold = fragment_of(report).iter("details")
    assert words(fold[1]) == report.smallest[0].text.strip("\n")


def test_of_the_cases_that_stopped_one_is_seen_and_the_others_are_folded() -> None:
    made = fragment_of(reports()["crashed"])
    (seen,), (fold,) = made.findall("pre"), made.findall("details")
    assert "hand-2-3-1: ValueError: no <b>more</b>" in words(seen)
    assert words(fold[0]) == "1 more case stopped"
    assert "hand-2-3-1-float32: ValueError" in words(fold[1])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_subjects_name_is_no_markup(name: str) -> None:
    report = reports()["wrong"]
    assert outline(replace(report, subject=name)) == outline(replace(report, subject=PLAIN))
    assert words(next(fragment_of(replace(report, subject=name)).iter("code"))) == visible(name)


@pytest.mark.parametrize("said", HOSTILE)
def test_what_a_subject_raises_is_no_markup(said: str) -> None:
    assert outline(crashing(f"x{said}")) == outline(crashing(PLAIN))


@PROFILE
@given(st.text())
@example("\x00\x0b\ufffe")
def test_any_name_and_convention_is_well_formed(said: str) -> None:
    report = replace(reports()["wrong"], subject=said, conventions=(said,), skipped={"x": said})
    assert visible(said) in words(fragment_of(report))


def test_it_needs_no_template_engine() -> None:
    code = (
        "import sys; sys.modules.update(jinja2=None, markupsafe=None)\n"
        "from conformance.api import check\n"
        "print(len(check('reference', case='hand-2-3-1')._repr_html_()) > 1000)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert run.stdout.strip() == "True"
