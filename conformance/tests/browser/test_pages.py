"""The eyes of the browser tests: what they must see, seen on pages that are wrong on purpose."""

from pathlib import Path

import pytest

from conformance.tests.browser.pages import OpenPage, Theme

QUIET = "<!doctype html><html lang=en><title>t</title><main><h1>One</h1></main>"
STRICT = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"


@pytest.fixture
def page_of(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


def test_a_page_has_its_width_and_theme(
    page_of: Path, open_page: OpenPage, width: str, theme: Theme
) -> None:
    page_of.write_text(QUIET)
    it = open_page(page_of, width, theme)
    query = f"[innerWidth, matchMedia('(prefers-color-scheme: {theme})').matches]"
    assert it.evaluate(query) == [{"wide": 1280, "narrow": 360}[width], True]
    assert it.sideways() == 0


@pytest.mark.parametrize(
    ("wrong", "seen"),
    [
        ("<script>console.log('hello')</script>", "log: hello"),
        ("<script>throw new Error('bad')</script>", "error: bad"),
        ("<script>setTimeout(() => nowhere())</script>", "nowhere is not defined"),
        (f"{STRICT}<script>console.log('forbidden')</script>", "Content Security Policy"),
    ],
)
def test_what_a_page_says_is_heard(
    page_of: Path, open_page: OpenPage, wrong: str, seen: str
) -> None:
    page_of.write_text(QUIET.replace("<title>", f"{wrong}<title>"))
    it = open_page(page_of)
    it.evaluate("new Promise(done => setTimeout(done))")
    (message,) = it.messages
    assert seen in message
    it.messages.clear()


def test_what_a_page_asks_for_is_heard(page_of: Path, open_page: OpenPage) -> None:
    beside = page_of.with_name("beside.svg")
    beside.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    page_of.write_text(f"{QUIET}<img src={beside.name} alt=x>")
    it = open_page(page_of)
    assert it.requests == [beside.as_uri()]
    it.requests.clear()


def test_what_nobody_can_read_is_a_violation(page_of: Path, open_page: OpenPage) -> None:
    page_of.write_text(f"{STRICT}{QUIET}")
    assert open_page(page_of).violations() == []
    page_of.write_text(f"{STRICT}{QUIET.replace('</main>', '<input></main>')}")
    (line,) = open_page(page_of).violations()
    assert line.startswith("label: <input>")


def test_a_wide_thing_makes_the_page_scroll(page_of: Path, open_page: OpenPage) -> None:
    page_of.write_text(f"{QUIET}<table width=400><tr><td>x</table>")
    assert open_page(page_of, "narrow").sideways() > 0
