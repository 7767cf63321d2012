"""The rows as one page of HTML, whose table is sortable and whose rows open their reports.

What comes from a submission is data and never markup. The page needs nothing from elsewhere.
"""

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files

from conformance.grade.row import Outcome, Row
from conformance.grade.table import short_line
from conformance.report.document import policy
from conformance.report.visible import visible

COLUMNS = ("submission", "verdict", "what", "line", "cause", "time")


def as_page(rows: Sequence[Row], title: str, words: Sequence[str]) -> str:
    """The page.

    Args:
        rows: of the submissions.
        title: of the page.
        words: that summarise them.
    """
    folder = files(__package__)
    style = (folder / "page.css").read_text("utf-8")
    script = (folder / "page.js").read_text("utf-8")
    said = "".join(f"<p>{_text(each)}</p>" for each in words)
    body = f"<h1>{_text(title)}</h1>{said}{''.join(_table(rows))}{''.join(_reports(rows))}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(style, script)}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{_text(title)}</title><style>{style}</style></head><body><main>{body}</main>"
        f"<script>{script}</script></body></html>\n"
    )


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield '<div class="scroll" tabindex="0" role="region" aria-label="submissions">'
    yield '<table id="rows"><thead><tr>'
    yield from (f'<th scope="col">{each}</th>' for each in COLUMNS)
    yield "</tr></thead><tbody>"
    order = list(Outcome)
    for i, row in enumerate(rows):
        said = row.judged
        place = order.index(row.outcome)
        yield f'<tr class="{row.outcome.name.lower()}">'
        yield f'<th scope="row"><a href="#report-{i}">{_text(row.name)}</a></th>'
        yield f'<td data-sort="{place}">{row.outcome}</td>'
        yield from (f"<td>{_text(each)}</td>" for each in (said.what, short_line(row), said.cause))
        yield f'<td data-sort="{row.seconds}" class="number">{row.seconds:.1f} s</td></tr>'
    yield "</tbody></table></div>"


def _reports(rows: Sequence[Row]) -> Iterator[str]:
    """The report on each submission, closed until its row is followed."""
    yield "<h2>Reports</h2>"
    for i, row in enumerate(rows):
        lines = "\n".join(visible(each) for each in row.report)
        yield f'<details id="report-{i}"><summary>{_text(row.name)}: {row.outcome}</summary>'
        yield f'<pre tabindex="0" role="region" aria-label="report on {_text(row.name)}">'
        yield f'{escape(lines)}</pre><p><a href="#rows">to the table</a></p></details>'


def _text(words: str) -> str:
    return escape(visible(words))
