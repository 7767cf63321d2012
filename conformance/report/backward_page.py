"""What is known of backward passes as one page of HTML: the line, why, and the two passes drawn.

Left out: the markup (`page/backward.html.j2`), the drawing (`page/passes_drawing.py`), the words
(`backward_words.py`).
"""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from conformance.report import backward_words
from conformance.report.backward_markdown import COLUMNS, row
from conformance.report.document import rendered
from conformance.report.page.passes_drawing import drawings


def as_page(title: str, parts: Sequence[Any], left: Iterable[Any] = ()) -> str:
    """The reports on some programs as one page of HTML, which needs nothing from elsewhere.

    Args:
        title: of the page.
        parts: reports on a backward pass, or on the network of the book.
        left: what was not judged, with its name and why.
    """
    folder = files("conformance.report.page")
    style = "".join((folder / each).read_text("utf-8") for each in ("page.css", "backward.css"))
    return rendered(
        "report/page/backward.html.j2",
        style,
        title=title,
        parts=parts,
        left=left,
        words=backward_words,
        columns=COLUMNS,
        row=row,
        drawings=drawings,
    )
