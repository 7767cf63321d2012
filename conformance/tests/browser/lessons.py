"""The lesson of a worked example, opened in the browser.

Left out: what is asked of it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

from conformance.corpus.case import Case
from conformance.explain.worked import Worked
from conformance.lesson.lesson_data import broken_steps
from conformance.lesson.page import lesson
from conformance.tests.browser.pages import Opened, OpenPage, Theme

SMALL, LARGE = "hand-2-3-1", "mnist-784-30-10"

Learn: TypeAlias = Callable[..., Opened]


MADE: dict[Case, dict[str, Any]] = {}
"""The mistakes in the step of a case, which take half a second."""


def once(worked: Worked) -> dict[str, Any]:
    """The mistakes in a step, made by the first page that has them."""
    if worked.case not in MADE:
        MADE[worked.case] = broken_steps(worked)
    return MADE[worked.case]


def learning(open_page: OpenPage, folder: Path) -> Learn:
    """Opens the lesson of a worked example, without the mistakes where they are not asked of."""

    def opened(
        worked: Worked,
        width: str = "wide",
        theme: Theme = "light",
        *,
        mistakes: bool = True,
        **more: Any,
    ) -> Opened:
        path = folder / f"{worked.case.id}.html"
        with patch(
            "conformance.lesson.lesson_data.broken_steps", once if mistakes else lambda _: {}
        ):
            page = lesson(worked)
        path.write_text(page, encoding="utf-8")
        return open_page(path, width, theme, **more)

    return opened
