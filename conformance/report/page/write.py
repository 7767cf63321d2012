"""The page of some reports: the template filled, with the numbers that every cell opens, deflated.

The page's script draws maps and histograms from these (`cells.js`, `map.js`): pictures of all cells
would be ten times as large, could not be read off by pointing, and would not follow a dark theme.
All else is markup, and is there without it. Left out: what the page says (`view.py`).
"""

import base64
import json
import math
import platform
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import numpy as np

from conformance.corpus import store
from conformance.errors import ConformanceError
from conformance.explain.formulas import word, worded
from conformance.judging.case_report import CaseReport, Cell
from conformance.model.table import entry, tag_of
from conformance.outcome import Outcome
from conformance.report.blame_words import at_layers, equation_of_blame, explained, first_words
from conformance.report.cause_words import beside_cause, told_of
from conformance.report.document import rendered
from conformance.report.exact_words import exact_words, loss_text, loss_words
from conformance.report.mathml import mathml
from conformance.report.message import accused, finding_text, in_ulps, parting, problem_text
from conformance.report.page.page_matrix import address, columns, rows
from conformance.report.page.view import View, equations_of
from conformance.report.sentence import counts, judged_words, pluralize
from conformance.report.source_words import source_of
from conformance.report.visible import visible
from conformance.verdict.compare import FREE, Status, Verdict, doubtful
from conformance.versions import installed

ROOM = 1_300_000  # characters of maps in one page, which stays below 2 MB with them
DIGIT = 64  # pixels of the smallest picture of a sample
PIXEL = 256  # the book's data are value / 256

ORDER = (Status.FAIL, Status.LOST, Status.EXPLAINED, Status.PASS)


def packed(reports: Sequence[tuple[str, Outcome]]) -> str:
    """The numbers of all reports, each with the prefix of its addresses: deflated, in base64."""
    maps = _KeptMaps(reports)
    cases = [_case(prefix, each, maps) for prefix, report in reports for each in report.cases]
    text = json.dumps(cases, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(visible(text).encode(), 9)).decode()


class _KeptMaps:
    """Up to `ROOM` characters of maps: of what is wrong first, then of steps before free runs."""

    def __init__(self, reports: Sequence[tuple[str, Outcome]]) -> None:
        waiting = [
            each for _, report in reports for case in report.cases for each in _waiting(case)
        ]
        self._kept: set[int] = set()
        used = 0
        for _, _, cell in sorted(waiting, key=lambda item: item[:2]):
            used += len(cell.levels)
            if used > ROOM:
                break
            self._kept.add(id(cell))

    def levels(self, cell: Cell) -> str:
        """The map of a cell; empty if it is not kept."""
        return cell.levels if id(cell) in self._kept else ""


def _waiting(report: CaseReport) -> Iterator[tuple[int, bool, Cell]]:
    """The cells of a case with what decides their turn."""
    statuses = {(v.step, v.mode, v.name): v.status for v in report.verdicts}
    for cell in report.cells:
        status = statuses[cell.step, cell.mode, cell.name]
        yield ORDER.index(status), cell.mode == FREE, cell


def _case(prefix: str, report: CaseReport, maps: _KeptMaps) -> dict[str, Any]:
    case = report.case
    cells = {(each.step, each.mode, each.name): each for each in report.cells}
    verdicts = []
    for each in report.verdicts:
        cell = cells.get((each.step, each.mode, each.name))
        if each.name:
            seen = {} if cell is None else _cell(cell, maps)
            verdicts.append({**_verdict(prefix, report, each), **seen})
    return {
        "id": case.id,
        "prefix": prefix,
        "sizes": list(case.sizes),
        "cost": case.cost,
        "why": case.why,
        "verdicts": verdicts,
        "digits": list(_digits(report)),
    }


def _verdict(prefix: str, report: CaseReport, verdict: Verdict) -> dict[str, Any]:
    case = report.case
    said: dict[str, Any] = {
        "at": address(verdict, prefix),
        "step": verdict.step,
        "mode": verdict.mode,
        "name": verdict.name,
        "symbol": word(verdict.name),
        "tag": tag_of(verdict.name, case.layers),
        "status": str(verdict.status),
    }
    if verdict.problem:
        said["problem"] = problem_text(verdict)
    if verdict.explained_by:
        name, of, step = verdict.explained_by.partition(" ")
        said["by"] = f"{word(name)}{of}{step}"
    if verdict.hidden:
        said["doubt"] = worded(doubtful(case, verdict))
    if verdict.frames:
        said["line"] = f"{verdict.frames[0].file}:{verdict.frames[0].line}"
    if verdict.worst is not None:
        said["outside"] = [verdict.worst.outside, verdict.worst.entries]
    return said


def _cell(cell: Cell, maps: _KeptMaps) -> dict[str, Any]:
    worst = []
    for each in cell.worst:
        got, right = parting(each.got, each.right)
        worst.append(
            [entry(cell.name, each.index), got, right, in_ulps(each.ulps), f"{each.ratio:.3g}"]
        )
    return {
        "shape": list(cell.shape),
        "dtype": cell.dtype,
        "against": cell.against,
        "worst": worst,
        "counts": list(cell.counts),
        "limits": [float(f"{each:.3g}") if math.isfinite(each) else None for each in cell.limits],
        "levels": maps.levels(cell),
    }


def _digits(report: CaseReport) -> Iterator[str]:
    """The samples of each step as pictures, a byte a pixel, where they are square ones."""
    pixels = report.case.sizes[0]
    side = math.isqrt(pixels)
    if side * side != pixels or pixels < DIGIT or not report.cells:
        return
    try:
        steps = store.read(store.root(), report.case).steps
    except ConformanceError:
        return  # the report has been made; its pictures alone are missing
    for step in steps:
        x = np.clip(np.rint(step.batch.x.T * PIXEL), 0, PIXEL - 1).astype(np.uint8)
        yield base64.b64encode(zlib.compress(x.tobytes(), 9)).decode()


SCRIPTS = ("data.js", "scroll.js", "map.js", "histogram.js", "cell.js", "matrix.js")
WORDS = {  # what a cell says by its status
    "pass": "right",
    "fail": "wrong",
    "explained": "explained",
    "lost digits": "right formula, lost digits",
    "undecided": "undecided in so few bits",
    "not observed": "not shown",
    "error": "stopped",
}
MANY = 40  # equations of a worked example, beyond which they are folded
SHARED: tuple[Callable[..., Any], ...] = (
    *(accused, address, at_layers, beside_cause, columns, counts, equation_of_blame),
    *(exact_words, explained, finding_text, first_words, judged_words, loss_text, loss_words),
    *(mathml, pluralize, rows, source_of, told_of, word),
)
"""What the template takes of the words that all forms share."""
PACKAGES = ("backprop-conformance", "numpy", "torch", "python-flint")


def page(reports: Sequence[Outcome], command: str) -> str:
    """The page of some reports as HTML, for which jinja2 must be there.

    Args:
        reports: one a subject, with their details.
        command: that makes it again.
    """
    folder = files(__package__)
    script = "".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    prefixes = ["" if i == 0 else f"{i + 1}:" for i in range(len(reports))]
    views = [View(each, prefix) for each, prefix in zip(reports, prefixes, strict=True)]
    return rendered(
        "report/page/page.html.j2",
        (folder / "page.css").read_text("utf-8"),
        f'"use strict";\n{{\n{script}}}\n',
        views=views,
        title=_title(views),
        command=command,
        facts=_facts(),
        equations=equations_of(views),
        data=packed([*zip(prefixes, reports, strict=True)]),
        words=WORDS,
        many=MANY,
        **{each.__name__: each for each in SHARED},
    )


def _title(views: Sequence[View]) -> str:
    if len(views) == 1:
        return f"{views[0].report.subject}: {views[0].sentence}"
    right = sum(each.report.ok for each in views)
    return f"{len(views)} subjects: {right or 'none'} conformant"


def _facts() -> dict[str, str]:
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {
        "made": made,
        "with": f"{installed(PACKAGES)}, Python {platform.python_version()}",
        "corpus": store.corpus_hash(store.root())[:12],
    }
