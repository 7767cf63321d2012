"""The matrix of a report: a row a case, a column an equation, a cell a status.

Left out: signs in colour (`terminal.py`) or in a table (`markdown.py`, `notebook.py`).
"""

from collections.abc import Iterable, Sequence

from conformance.judging.case_report import CaseReport
from conformance.model.table import CAUSAL
from conformance.model.update_kinds import SGD
from conformance.verdict.compare import FREE, Status, Verdict

SIGNS = {
    Status.ERROR: "!",
    Status.FAIL: "✗",
    Status.LOST: "~",
    Status.EXPLAINED: "·",
    Status.UNDECIDED: "?",
    Status.PASS: "✓",
    Status.NOT_OBSERVED: "–",
}
"""By status, the gravest first."""

ASCII_SIGNS = {"!": "!", "✗": "x", "~": "~", "·": ".", "?": "?", "✓": "ok", "–": "-", "": ""}
"""The signs for an output that does not encode them all."""

MEANING = (
    "✓ right, ✗ wrong, ~ right but digits lost, · explained by what is wrong before it, "
    "? undecided in so few bits, – not shown, ! stopped"
)


def columns(reports: Iterable[CaseReport]) -> tuple[str, ...]:
    """The equations and the free run, each only if it can be there in one of the cases.

    V if an update keeps something, R of several processes, which take single steps.
    """
    cases = [each.case for each in reports]
    keeps = any(case.update != SGD for case in cases)
    divided = any(case.parts for case in cases)
    tags = (each for each in CAUSAL if (keeps or each != "V") and (divided or each != "R"))
    return (*tags,) if divided else (*tags, "free")


def cells(report: CaseReport, titles: Sequence[str]) -> list[Status | None]:
    """The gravest status of each of these columns; None where nothing was asked."""
    stopped = report.status is Status.ERROR

    def cell(title: str) -> Status | None:
        if title == "free":
            return _gravest(_free(report))
        return Status.ERROR if stopped else _gravest(_of(report, title))

    return [cell(each) for each in titles]


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
