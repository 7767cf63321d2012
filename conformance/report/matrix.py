"""The matrix of a report: a row a case, a column an equation, a cell a status.

Left out: signs in colour (`terminal.py`) or in a table (`markdown.py`, `notebook.py`).
"""

from collections.abc import Sequence

from conformance.judging.case_report import CaseReport
from conformance.model.table import CAUSAL, TAGS
from conformance.verdict.compare import FREE, Status, Verdict

SIGNS = {
    Status.ERROR: "!",
    Status.FAIL: "✗",
    Status.LOST: "~",
    Status.EXPLAINED: "·",
    Status.PASS: "✓",
    Status.NOT_OBSERVED: "–",
}
"""By status, the gravest first."""

ASCII_SIGNS = {"!": "!", "✗": "x", "~": "~", "·": ".", "✓": "ok", "–": "-", "": ""}
"""The signs for an output that does not encode them all."""

COLUMNS = (*TAGS, "free")
"""Of one process; see `columns`."""

DIVIDED = CAUSAL
"""Of several processes, or of micro-batches, which take single steps."""

MEANING = (
    "✓ right, ✗ wrong, ~ right but digits lost, · explained by what is wrong before it, "
    "– not shown, ! stopped"
)


def columns(cases: Sequence[CaseReport]) -> tuple[str, ...]:
    """The columns of some cases, all of which are of several processes or none."""
    return DIVIDED if any(each.case.parts for each in cases) else COLUMNS


def cells(report: CaseReport) -> list[Status | None]:
    """The gravest status of each column; None where nothing was asked."""
    if report.case.parts:
        tags, free = DIVIDED, list[Status | None]()
    else:
        tags, free = TAGS, [_gravest(_free(report))]
    if report.status is Status.ERROR:
        return [Status.ERROR] * len(tags) + free
    return [_gravest(_of(report, tag)) for tag in tags] + free


def sign(status: Status | None) -> str:
    """The sign of a cell."""
    return "" if status is None else SIGNS[status]


def worst(report: CaseReport) -> str:
    """The largest error as a multiple of what rounding can explain; empty if none was measured."""
    ratios = [verdict.worst.ratio for verdict in report.verdicts if verdict.worst is not None]
    return f"{max(ratios):.2g}" if ratios else ""


def _gravest(verdicts: Sequence[Verdict]) -> Status | None:
    found = {verdict.status for verdict in verdicts}
    return next((status for status in SIGNS if status in found), None)


def _free(report: CaseReport) -> list[Verdict]:
    return [verdict for verdict in report.verdicts if verdict.mode == FREE]


def _of(report: CaseReport, tag: str) -> list[Verdict]:
    named = [each for each in report.verdicts if each.name and each.mode != FREE]
    return [verdict for verdict in named if report.case.rows[verdict.name].tag == tag]
