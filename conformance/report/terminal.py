"""The outcome of a check on a terminal: a line a case, then what is wrong.

Left out: how a failure is worded (`message.py`).
"""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from conformance.check import CaseReport
from conformance.compare import FREE, RESTARTED, Status, Verdict
from conformance.corpus.case import Case
from conformance.report.message import failure

SIGNS = {Status.PASS: "✓", Status.FAIL: "✗ fail", Status.ERROR: "! error"}
STYLES = {Status.PASS: "green", Status.FAIL: "bold red", Status.ERROR: "bold yellow"}
MOST_SHOWN = 3  # cases whose failures are shown in full unless all are asked for


def show_check(
    console: Console, subject: str, reports: Sequence[CaseReport], *, verbose: bool
) -> None:
    """Print the table of cases and, under it, the failures."""
    console.print(_table(subject, reports))
    wrong = [report for report in reports if report.status is not Status.PASS]
    for report in wrong if verbose else wrong[:MOST_SHOWN]:
        console.print()
        _print_plainly(console, _wrong(report))
    if len(wrong) > MOST_SHOWN and not verbose:
        console.print(
            f"\n{len(wrong) - MOST_SHOWN} more cases are wrong: -v shows all", markup=False
        )
    console.print()
    _print_plainly(console, summary(subject, reports))


def summary(subject: str, reports: Sequence[CaseReport]) -> str:
    """The verdict in one line."""
    passes = sum(len(report.passes) for report in reports)
    failures = sum(len(report.failures) for report in reports)
    errors = sum(report.status is Status.ERROR for report in reports)
    entries = sum(v.worst.entries for report in reports for v in report.passes if v.worst)
    unseen = sum(v.status is Status.NOT_OBSERVED for report in reports for v in report.verdicts)
    verdict = "not conformant" if failures else "not judged" if errors else "conformant"
    cases = "1 case" if len(reports) == 1 else f"{len(reports)} cases"
    return (
        f"{subject}: {verdict}\n{cases}: {passes:,} quantities ({entries:,} entries) agree, "
        f"{failures} wrong, {unseen} not observed; {errors} cases not judged"
    )


def show_cases(console: Console, cases: Sequence[Case]) -> None:
    """Print the table of the recorded cases."""
    table = Table(box=None, pad_edge=False)
    table.add_column("case", no_wrap=True)
    for heading in ("cost", "steps", "η", "λ"):
        table.add_column(heading, justify="right" if heading != "cost" else "left")
    table.add_column("why")
    for case in cases:
        rates = f"{case.eta:g}", f"{case.lmbda:g}"
        table.add_row(case.id, case.cost, str(case.steps), *rates, case.why)
    console.print(table)


def _table(subject: str, reports: Sequence[CaseReport]) -> Table:
    table = Table(title=f"{subject} against the certified truth", box=None, pad_edge=False)
    table.add_column("case", no_wrap=True)
    table.add_column("steps", justify="right")
    table.add_column("agree", justify="right")
    table.add_column("worst / tolerance", justify="right")
    table.add_column("free run", justify="right")
    table.add_column("")
    for report in reports:
        table.add_row(
            report.case.id,
            str(report.case.steps),
            str(len(report.passes)),
            _ratio(report.verdicts, RESTARTED),
            _ratio(report.verdicts, FREE),
            f"[{STYLES[report.status]}]{SIGNS[report.status]}[/]",
        )
    return table


def _ratio(verdicts: Sequence[Verdict], mode: str) -> str:
    ratios = [v.worst.ratio for v in verdicts if v.mode == mode and v.worst is not None]
    return f"{max(ratios):.2g}" if ratios else "–"


def _wrong(report: CaseReport) -> str:
    """The failures of a case: those of the first wrong step, and how many more there are."""
    if not report.failures:
        return f"{report.case.id}: {report.error}"
    first = report.failures[0]
    here = [v for v in report.verdicts if (v.step, v.mode) == (first.step, first.mode)]
    more = len([v for v in report.failures if v not in here])
    text = failure(report.case, report.subject, here)
    return f"{text}\n  {more} more failures in other steps of this case" if more else text


def _print_plainly(console: Console, text: str) -> None:
    """Print a subject's text as it is: no markup, no highlighting, no wrapping within words."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
