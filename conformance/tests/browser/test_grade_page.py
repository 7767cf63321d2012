"""The page of a class: its table is sorted, its rows open their reports, everybody can read it."""

from pathlib import Path

import pytest

from conformance.grade.grade_row import Judgement, Outcome, row_of
from conformance.grade.grade_table import as_page
from conformance.tests.browser.pages import Opened, OpenPage, Theme

LONG = "x" * 90
FOUND = {
    "ann.py": Judgement("ann.py", Outcome.RIGHT, report=("all right",)),
    "ben": Judgement("net.py", Outcome.WRONG, "BP2", "net.py:10", "why", (), (f"line {LONG}",)),
    "eve.py": Judgement("eve.py", Outcome.LOAD, "", "eve.py:2", f"SyntaxError: {LONG}"),
}
SECONDS = {"ann.py": 9.5, "ben": 10.25, "eve.py": 1.0}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Of three submissions."""
    rows = [row_of(name, [judged], SECONDS[name], "") for name, judged in FOUND.items()]
    path = tmp_path / "class.html"
    path.write_text(as_page(rows, "class", ["3 submissions"]), encoding="utf-8")
    return path


def names(it: Opened) -> list[str]:
    """The submissions, in the order of the table."""
    return it.page.locator("tbody th").all_inner_texts()


def test_a_column_is_sorted_up_and_down(page: Path, open_page: OpenPage) -> None:
    it = open_page(page)
    it.page.get_by_role("button", name="time").click()
    assert names(it) == ["eve.py", "ann.py", "ben"]
    it.page.get_by_role("button", name="time").click()
    assert names(it) == ["ben", "ann.py", "eve.py"]
    it.page.get_by_role("button", name="verdict").click()
    assert names(it) == ["ben", "ann.py", "eve.py"]
    assert it.page.locator("th[aria-sort=ascending]").inner_text().startswith("verdict")


def test_a_row_opens_its_report(page: Path, open_page: OpenPage) -> None:
    it = open_page(page)
    report = it.page.get_by_text(f"line {LONG}")
    assert not report.is_visible()
    it.page.get_by_role("link", name="ben").click()
    report.wait_for(state="visible")


def test_keys_sort_it_and_open_a_report(page: Path, open_page: OpenPage) -> None:
    it = open_page(page)
    it.page.get_by_role("button", name="time").press("Enter")
    assert names(it) == ["eve.py", "ann.py", "ben"]
    it.page.get_by_role("link", name="ben").press("Enter")
    it.page.get_by_text(f"line {LONG}").wait_for(state="visible")


def test_on_paper_the_reports_are_open_and_black_on_white(page: Path, open_page: OpenPage) -> None:
    it = open_page(page, theme="dark")
    it.page.emulate_media(media="print", color_scheme="dark")
    assert it.page.get_by_text(f"line {LONG}").is_visible()
    colours = it.page.locator("body").evaluate(
        "each => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor]"
    )
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]


def test_no_column_is_a_few_letters_wide(page: Path, open_page: OpenPage, width: str) -> None:
    narrow = """[...document.querySelectorAll("#rows tbody :is(th, td)")]
      .filter((each) => each.textContent.length > 20 && each.clientWidth < 96)"""
    assert open_page(page, width).evaluate(f"{narrow}.length") == 0


def test_everybody_can_read_it(page: Path, open_page: OpenPage, width: str, theme: Theme) -> None:
    it = open_page(page, width, theme)
    it.page.get_by_role("link", name="ben").click()
    it.page.get_by_text(f"line {LONG}").wait_for(state="visible")
    assert it.violations() == []
    assert it.sideways() == 0
