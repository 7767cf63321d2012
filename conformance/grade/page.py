"""The rows as one page of HTML, whose table is sortable and whose rows open their reports.

Left out: the markup (`page.html.j2`).
"""

from collections.abc import Sequence
from importlib.resources import files

from conformance.grade.row import Outcome, Row
from conformance.grade.table import short_line
from conformance.report.document import rendered

COLUMNS = ("submission", "verdict", "what", "line", "cause", "time")
SIGNS = {Outcome.RIGHT: ("pass", "✓"), Outcome.WRONG: ("fail", "✗")}


def as_page(rows: Sequence[Row], title: str, words: Sequence[str]) -> str:
    """The page, for which jinja2 must be there.

    Args:
        rows: of the submissions.
        title: of the page.
        words: that summarise them.
    """
    folder = files(__package__)
    scroll = (files("conformance.report.page") / "scroll.js").read_text("utf-8")
    order = list(Outcome)
    return rendered(
        "grade/page.html.j2",
        (folder / "page.css").read_text("utf-8"),
        f'"use strict";\n{{\n{scroll}{(folder / "page.js").read_text("utf-8")}}}\n',
        title=title,
        said=words,
        columns=COLUMNS,
        rows=rows,
        kind_of=lambda row: SIGNS.get(row.outcome, ("error", "!")),
        order=lambda row: order.index(row.outcome),
        short_line=short_line,
    )
