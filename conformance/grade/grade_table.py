"""The rows as a table for a terminal 80 columns wide, as CSV, and as a page of HTML.

On a terminal a row is a line, with what is wrong and the cause on a line of their own. The table of
the page is sortable, and its rows open their reports. Left out: the markup (`page.html.j2`).
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files

from conformance.grade.grade_row import Outcome, Row
from conformance.report.document import rendered
from conformance.report.sentence import pluralize
from conformance.report.visible import visible

WIDTH = 80
NAME, TIME = 34, 7  # the widest
COLUMNS = ("submission", "verdict", "line", "time")
FIELDS = ("submission", "verdict", "what", "line", "cause", "seconds")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet would begin to compute
FREQUENT = 5  # causes that are listed
SHARED = 2  # submissions that make a cause frequent


def as_text(rows: Sequence[Row]) -> Iterator[str]:
    """The table, line by line."""
    names = [visible(each.name) for each in rows]
    name = min(max(map(len, (COLUMNS[0], *names))), NAME)
    verdict = max(len(each) for each in (COLUMNS[1], *(str(each.outcome) for each in rows)))
    line = WIDTH - name - verdict - TIME - 6
    widths = (name, verdict, line)
    yield _line(COLUMNS[:3], widths, COLUMNS[3])
    for each in rows:
        cells = (each.name, str(each.outcome), short_line(each, line))
        yield _line(cells, widths, f"{each.seconds:.1f} s")
        said = ": ".join(filter(None, (each.judged.what, each.judged.cause)))
        if said:
            yield cut(f"  {visible(said)}")


def short_line(row: Row, width: int = WIDTH) -> str:
    """The line to blame; without its file if that is the submission, and never without its number.

    A long name of a file is cut.
    """
    file, colon, number = row.judged.line.rpartition(":")
    if not colon:
        return cut(row.judged.line, width)
    if file == row.name:
        return f"line {number}"
    return f"{cut(visible(file), width - len(number) - 1)}:{number}"


def summary(rows: Sequence[Row], seconds: float) -> Iterator[str]:
    """How many there are of each verdict, and which causes several have; not cut."""
    count = Counter(each.outcome for each in rows)
    said = ", ".join(f"{count[each]} {each}" for each in Outcome if count[each])
    yield f"{pluralize(len(rows), 'submission')}: {said}; {seconds:.0f} s"
    causes = Counter(
        ": ".join(filter(None, (each.judged.what, each.judged.cause)))
        for each in rows
        if each.outcome is Outcome.WRONG
    )
    for cause, times in causes.most_common(FREQUENT):
        if times >= SHARED:
            yield f"  {times} times: {visible(cause)}"


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV; no cell is taken for a formula by a spreadsheet."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(FIELDS)
    for each in rows:
        said = each.judged
        cells = (each.name, str(each.outcome), said.what, said.line, said.cause)
        writer.writerow([*(_plain(visible(cell)) for cell in cells), f"{each.seconds:.2f}"])
    return written.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def _line(cells: Sequence[str], widths: Sequence[int], time: str) -> str:
    named = zip(cells, widths, strict=True)
    shown = [cut(visible(cell), width).ljust(width) for cell, width in named]
    return "  ".join([*shown, f"{time:>{TIME}}"])


def cut(text: str, width: int = WIDTH) -> str:
    """The beginning of a text, in no more than so many characters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


TITLES = ("submission", "verdict", "what", "line", "cause", "time")
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
        columns=TITLES,
        rows=rows,
        kind_of=lambda row: SIGNS.get(row.outcome, ("error", "!")),
        order=lambda row: order.index(row.outcome),
        short_line=short_line,
    )
