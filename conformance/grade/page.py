"""The rows as one page of HTML, whose table is sortable and whose rows open their reports.

What comes from a submission is data and never markup. The page needs nothing from elsewhere.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from importlib.resources import files

from conformance.grade.row import Outcome, Row
from conformance.grade.table import short_line
from conformance.report.document import whole
from conformance.report.page.markup import element, markup, quoted

COLUMNS = ("submission", "verdict", "what", "line", "cause", "time")
SIGNS = {Outcome.RIGHT: ("pass", "✓"), Outcome.WRONG: ("fail", "✗")}


def as_page(rows: Sequence[Row], title: str, words: Sequence[str]) -> str:
    """The page.

    Args:
        rows: of the submissions.
        title: of the page.
        words: that summarise them.
    """
    folder = files(__package__)
    scroll = (files("conformance.report.page") / "scroll.js").read_text("utf-8")
    script = f'"use strict";\n{{\n{scroll}{(folder / "page.js").read_text("utf-8")}}}\n'
    label = element("p", element("span", "backprop conformance", class_="label"), class_="subject")
    said = (element("p", *quoted(each), class_="summary") for each in words)
    head = element("header", label, element("h1", title), *said)
    reports = element("section", element("h2", "Reports"), *_reports(rows))
    body = markup([head, _table(rows), reports])
    return whole(title, (folder / "page.css").read_text("utf-8"), script, body)


def _table(rows: Sequence[Row]) -> ET.Element:
    heads = (element("th", each, scope="col") for each in COLUMNS)
    table = element(
        "table",
        element("thead", element("tr", *heads)),
        element("tbody", *(_row(i, row) for i, row in enumerate(rows))),
        id="rows",
    )
    return element("div", table, class_="scroll", role="region", aria_label="submissions")


def _row(i: int, row: Row) -> ET.Element:
    said, (kind, sign) = row.judged, SIGNS.get(row.outcome, ("error", "!"))
    link = element("a", row.name, href=f"#report-{i}")
    place = [*Outcome].index(row.outcome)
    return element(
        "tr",
        element("th", link, scope="row"),
        element("td", _sign(kind, sign), f" {row.outcome}", data_sort=place, class_="verdict"),
        element("td", *quoted(said.what)),
        element("td", short_line(row), class_="line"),
        element("td", *quoted(said.cause)),
        element("td", f"{row.seconds:.1f} s", data_sort=row.seconds, class_="time"),
        class_=kind,
    )


def _sign(kind: str, sign: str) -> ET.Element:
    return element("span", sign, class_=f"sign {kind}", aria_hidden="true")


def _reports(rows: Sequence[Row]) -> Iterator[ET.Element]:
    """The report on each submission, closed until its row is followed."""
    for i, row in enumerate(rows):
        sign = _sign(*SIGNS.get(row.outcome, ("error", "!")))
        region = {"role": "region", "aria_label": f"report on {row.name}"}
        yield element(
            "details",
            element("summary", sign, f" {row.name}: {row.outcome}"),
            element("pre", "\n".join(row.report), class_="scroll", **region),
            element("p", element("a", "to the table", href="#rows")),
            id=f"report-{i}",
        )
