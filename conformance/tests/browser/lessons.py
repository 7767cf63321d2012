"""The lesson of a worked example, opened in the browser.

Left out: what is asked of it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

from conformance.explain.worked import Worked
from conformance.lesson.page import lesson
from conformance.tests.browser.pages import Opened, OpenPage, Theme

SMALL, LARGE = "hand-2-3-1", "mnist-784-30-10"

Learn: TypeAlias = Callable[..., Opened]


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
        if mistakes:
            page = lesson(worked)
        else:  # which take half a second
            with patch("conformance.lesson.data.broken_steps", return_value={}):
                page = lesson(worked)
        path.write_text(page, encoding="utf-8")
        return open_page(path, width, theme, **more)

    return opened
