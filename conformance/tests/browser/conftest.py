"""One Chromium, in which pages are opened from files; every page must be quiet.

CONFORMANCE_CHROMIUM names another browser than the one in PATH. A missing browser, or a missing
Playwright, is a skip, or with CONFORMANCE_REQUIRE_BROWSER=1 a failure. Left out: what is asked of
a page.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.tests.browser.lessons import Learn, learning
from conformance.tests.browser.pages import THEMES, WIDTHS, Opened, OpenPage, Theme, opened
from conformance.tests.parts import few

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
QUIET = (  # the machine may have no network, and the browser asks for nothing by itself
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """The browser."""
    found = filter(None, map(shutil.which, NAMES))
    program = os.environ.get("CONFORMANCE_CHROMIUM") or next(found, None)
    if program is None:
        _missing(f"there is no browser: none of {', '.join(NAMES)} is in PATH")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("there is no Playwright: pip install 'backprop-conformance[dev]'")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=[*QUIET])
        yield running
        running.close()


def _missing(what: str) -> None:
    if os.environ.get("CONFORMANCE_REQUIRE_BROWSER") == "1":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture
def open_page(browser: "Browser") -> Iterator[OpenPage]:
    """Opens files as pages; at the end of the test none may have said or asked for anything."""
    all_opened: list[Opened] = []

    def open_one(path: Path, width: str = "wide", theme: Theme = "light", **more: Any) -> Opened:
        all_opened.append(opened(browser, path, width, theme, **more))
        return all_opened[-1]

    yield open_one
    said = [line for each in all_opened for line in (*each.messages, *each.requests)]
    for each in all_opened:
        each.page.context.close()
    assert said == [], "on the console, or asked for"


@pytest.fixture
def learn(open_page: OpenPage, tmp_path: Path) -> Learn:
    """Opens the lesson of a worked example."""
    return learning(open_page, tmp_path)


@pytest.fixture(params=few(["narrow"], [*WIDTHS]))
def width(request: pytest.FixtureRequest) -> str:
    """The narrow width (360 x 740), in which less fits; before a release the wide one too."""
    return str(request.param)


@pytest.fixture(params=few(THEMES[1:], THEMES))
def theme(request: pytest.FixtureRequest) -> Theme:
    """The dark theme, which is not the one that is drawn first; before a release the light too."""
    chosen: Theme = request.param
    return chosen
