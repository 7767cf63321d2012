"""A page opened from a file in Chromium, with everything that it said and asked for.

Left out: starting the browser (`conftest.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

Theme: TypeAlias = Literal["light", "dark"]

WIDTHS: "dict[str, ViewportSize]" = {
    "wide": {"width": 1280, "height": 800},
    "narrow": {"width": 360, "height": 740},
}
THEMES: tuple[Theme, ...] = ("light", "dark")
PATIENCE = 20_000.0  # milliseconds that an action may wait, on a machine that does much else


@dataclass
class Opened:
    """A page in a browser context of its own.

    Attributes:
        page: Playwright's page.
        messages: what came to the console, and every error that nobody caught.
        requests: the addresses asked for, the page's own file aside.
    """

    page: "Page"
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What axe-core finds, a line a rule and element; WCAG 2.2 AA and good practice."""
        source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
        self.evaluate(f"{source};undefined")
        found = self.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        return [
            f"{rule['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def evaluate(self, script: str) -> Any:
        """The value of an expression, awaited; a debugger's, so that no policy forbids it."""
        session = self.page.context.new_cdp_session(self.page)
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        told = session.send("Runtime.evaluate", asked)
        session.detach()
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def sideways(self) -> int:
        """By how many CSS pixels the page itself can be scrolled sideways: 0, if it is right."""
        root = "document.documentElement"
        return int(self.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


OpenPage: TypeAlias = Callable[..., Opened]


def opened(
    browser: "Browser",
    path: Path,
    width: str = "wide",
    theme: Theme = "light",
    **context: Any,
) -> Opened:
    """A file opened at one of the widths and in one of the themes.

    Args:
        browser: it runs.
        path: of the page.
        width: one of `WIDTHS`.
        theme: one of `THEMES`, as the system prefers.
        context: what else `Browser.new_context` takes, such as `has_touch=True`.
    """
    room = browser.new_context(viewport=WIDTHS[width], color_scheme=theme, **context)
    room.set_default_timeout(PATIENCE)
    it = Opened(room.new_page())
    address = path.resolve().as_uri()
    it.page.on("console", lambda message: it.messages.append(f"{message.type}: {message.text}"))
    it.page.on("pageerror", lambda error: it.messages.append(f"error: {error}"))
    it.page.on("request", lambda asked: it.requests.append(asked.url))
    it.page.goto(address)
    it.requests.remove(address)
    return it
