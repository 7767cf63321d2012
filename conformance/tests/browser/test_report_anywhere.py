"""The report's page where it is sent to: paper, previews, high contrast, no style, no pointer.

Left out: what the page says (`test_report.py`).
"""

import re
from html import escape
from pathlib import Path

import pytest

from conformance.api import check
from conformance.report.page.write import page
from conformance.tests.browser.pages import Opened, OpenPage
from conformance.tests.networks.broken import BROKEN, broken_source

DELTA = "hand-2-3-1/0/delta2"


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a network whose BP2 is wrong, made once a worker."""
    folder = tmp_path_factory.mktemp("anywhere")
    source, _ = broken_source(next(each for each in BROKEN if each.id == "bp2-no-sigma-prime"))
    (folder / "net.py").write_text(source, encoding="utf-8")
    cases = ("hand-2-3-1", "ten-steps-3-4-2", "mnist-784-30-10")
    report = check(f"{folder / 'net.py'}:Network", case=cases, detailed=True)
    (folder / "page.html").write_text(page([report], "conformance check"), "utf-8")
    return folder / "page.html"


def settled(it: Opened) -> Opened:
    """The page, its numbers being read."""
    it.page.locator("html.ready").wait_for()
    return it


def looks(it: Opened, selector: str, *properties: str) -> list[str]:
    """Properties of the first element that a selector finds, as the browser computed them."""
    script = "(each, names) => names.map((name) => getComputedStyle(each)[name])"
    told: list[str] = it.page.locator(selector).first.evaluate(script, [*properties])
    return told


def test_what_is_no_address_opens_nothing(broken: Path, open_page: OpenPage) -> None:
    it = open_page(broken)
    it.page.goto(f"{it.page.url}#%E0%A4%A")
    assert settled(it).page.locator("dialog[open]").count() == 0


def test_cells_open_in_a_preview_without_an_address(
    broken: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    inner = escape(broken.read_text("utf-8"))
    preview = tmp_path / "preview.html"
    frame = f'<iframe sandbox="allow-scripts" srcdoc="{inner}" width="900" height="700"></iframe>'
    preview.write_text(f"<!doctype html><title>Preview</title>{frame}", "utf-8")
    inside = open_page(preview).page.frame_locator("iframe")
    for _ in range(2):
        inside.locator("td.fail a").first.click()
        inside.locator("dialog[open]").wait_for()
        inside.get_by_role("button", name="Close").click()
        inside.locator("dialog[open]").wait_for(state="detached")


def test_the_back_button_closes_a_cell_and_forward_opens_it(
    broken: Path, open_page: OpenPage
) -> None:
    it = settled(open_page(broken))
    it.page.locator(f".cells a[href='#{DELTA}']").click()
    it.page.locator("dialog[open]").wait_for()
    assert it.page.url.endswith(f"#{DELTA}")
    it.page.go_back()
    it.page.locator("dialog[open]").wait_for(state="detached")
    it.page.go_forward()
    it.page.locator("dialog[open]").wait_for()


def test_a_cell_is_named_by_what_it_is(broken: Path, open_page: OpenPage) -> None:
    it = settled(open_page(broken))
    assert it.page.get_by_role("link", name="δ2 in hand-2-3-1: wrong", exact=True).count() == 1


def test_a_region_is_a_stop_only_if_it_can_be_scrolled(
    broken: Path, open_page: OpenPage, width: str
) -> None:
    it = settled(open_page(broken, width))
    odd = """[...document.querySelectorAll(".scroll")].filter((each) => each.checkVisibility()
      && each.hasAttribute("tabindex") !== (each.scrollWidth > each.clientWidth + 1
      || each.scrollHeight > each.clientHeight + 1)).map((each) => each.ariaLabel)"""
    assert it.evaluate(odd) == []


def test_on_paper_it_is_black_on_white_in_a_dark_room_too(
    broken: Path, open_page: OpenPage
) -> None:
    it = settled(open_page(broken, theme="dark"))
    it.page.emulate_media(media="print", color_scheme="dark")
    assert looks(it, "body", "color", "backgroundColor") == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert looks(it, ".sign.fail", "color") == ["rgb(179, 64, 10)"]
    assert looks(it, ".source pre", "whiteSpace", "overflowX") == ["pre-wrap", "visible"]


def test_what_differs_is_marked_without_its_colour(broken: Path, open_page: OpenPage) -> None:
    it = open_page(broken, forced_colors="active")
    assert looks(it, ".differs", "borderBottomStyle", "borderBottomWidth") == ["solid", "2px"]


def test_drawings_can_be_read_without_style(
    broken: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.html"
    text = re.sub(
        r"<style>.*?</style>", "<style></style>", broken.read_text("utf-8"), flags=re.DOTALL
    )
    bare.write_text(text, "utf-8")
    it = open_page(bare, java_script_enabled=False, bypass_csp=True)
    assert looks(it, ".network line", "stroke") == ["rgb(128, 128, 128)"]
    assert looks(it, ".network circle", "fill", "stroke") == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    assert looks(it, ".chart polyline", "fill", "stroke") == ["none", "rgb(0, 0, 0)"]
    assert not it.page.locator(".filters").is_visible()
    assert "Where scripts run" in it.page.locator("#matrix").inner_text()


def test_the_step_at_which_a_free_run_leaves_is_marked(broken: Path, open_page: OpenPage) -> None:
    it = open_page(broken)
    chart = it.page.locator(".chart").first
    first = chart.locator("circle.outside").first.get_attribute("cx")
    assert chart.locator("line.leave").get_attribute("x1") == first


def test_a_bar_shows_its_number_where_nothing_covers_it(
    broken: Path, open_page: OpenPage, width: str
) -> None:
    it = settled(open_page(broken, width))
    for address in (DELTA, "mnist-784-30-10/0/nabla_w2", "mnist-784-30-10/0/z2"):
        it.page.goto(f"{broken.resolve().as_uri()}#{address}")
        it.page.locator("dialog .histogram text").first.wait_for()
        boxes = it.evaluate(
            """[...document.querySelectorAll("dialog .histogram :is(text, .bar)")].map((each) => {
              const { left, right, top, bottom } = each.getBoundingClientRect();
              const edge = each.ownerSVGElement.getBoundingClientRect();
              return [each.tagName, left, right, top, bottom, edge.left - 1, edge.right + 1];
            })"""
        )
        texts = [each for each in boxes if each[0] == "text"]
        assert all(low <= left < right <= high for _, left, right, *_, low, high in texts)
        assert [(a, b) for a in texts for b in boxes if a is not b and _meet(a, b)] == []


def _meet(a: list[float], b: list[float]) -> bool:
    """Whether two boxes have more than their edges in common."""
    (_, left, right, top, bottom, *_), (_, begin, end, high, low, *_) = a, b
    return min(right, end) - max(left, begin) > 1 and min(bottom, low) - max(top, high) > 4


def test_the_worst_entries_fit_a_narrow_screen(broken: Path, open_page: OpenPage) -> None:
    it = open_page(broken, "narrow")
    it.page.goto(f"{it.page.url}#mnist-784-30-10/0/z2")
    table = it.page.get_by_role("group", name="The worst entries")
    table.wait_for()
    assert table.evaluate("each => each.scrollWidth - each.clientWidth") == 0
    assert it.page.get_by_role("columnheader", name="expected").count() == 1
