"""The outcome of an examination on a terminal: a table, then each equation that is wrong.

Left out: how a single failure is worded (`message.py`).
"""

from collections.abc import Iterator, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.corpus.case import Case
from conformance.outcome import Blame, Report
from conformance.report.blame_words import (
    case_of,
    equation_of_blame,
    errors,
    explained,
    first_words,
    heading,
    skipped_words,
)
from conformance.report.cause_words import cause_words, example_words
from conformance.report.depth import judged_words
from conformance.report.exact_words import exact_words
from conformance.report.finding_words import finding_lines, finding_text
from conformance.report.matrix import COLUMNS, cells, sign, worst
from conformance.report.message import accused, line
from conformance.report.sentence import counts, verdict
from conformance.report.source_words import place, source
from conformance.report.visible import visible
from conformance.verdict.compare import Status

STYLES = {
    Status.ERROR: "bold yellow",
    Status.FAIL: "bold red",
    Status.EXPLAINED: "dim",
    Status.PASS: "green",
    Status.NOT_OBSERVED: "dim",
}
NAME = 36  # characters of a subject's name over a table that fits 80 columns


def show(console: Console, report: Report, *, verbose: bool = False) -> None:
    """Print the table of cases and, under it, what is wrong."""
    console.print(_table(report))
    _say(console, judged_words(report.cases))
    if report.skipped:
        _say(console, f"not put to it: {skipped_words(report)}")
    if report.conventions:
        _say(console, f"conventions recognised: {', '.join(report.conventions)}")
    for note in report.notes:
        _say(console, note)
    for blame in report.blames:
        console.print()
        for text in _blamed(report, blame, verbose=verbose):
            console.print(text, soft_wrap=True)
    for words in _beside(report, verbose=verbose):
        _say(console, words)
    console.print()
    if not report.blames:
        for each in exact_words(report):
            _say(console, each)
    _say(console, summary(report))


def _beside(report: Report, *, verbose: bool) -> Iterator[str]:
    """What is said beside the equations: small networks, findings, errors."""
    for example in report.smallest:
        yield f"\n{example_words(report, example, verbose=verbose)}"
    for finding in report.findings:
        lines = "".join(f"\n  {each}" for each in finding_lines(finding))
        yield f"\n{report.subject}: {finding_text(finding)}{lines}"
    stopped = errors(report)
    for error in stopped if verbose else stopped[:1]:
        yield f"\n{error}"
    if len(stopped) > 1 and not verbose:
        yield f"{len(stopped) - 1} more cases stopped: -v shows all"


def summary(report: Report) -> str:
    """The verdict in two lines."""
    return f"{visible(report.subject)}: {verdict(report)}\n{counts(report)}"


def as_text(report: Report, width: int = 80) -> str:
    """The whole report as plain text."""
    text = StringIO()
    show(Console(file=text, width=width, color_system=None), report)
    return text.getvalue()


def show_cases(console: Console, cases: Sequence[Case]) -> None:
    """Print the table of the recorded cases."""
    table = Table(box=None, pad_edge=False)
    table.add_column("case", no_wrap=True)
    for column in ("cost", "steps", "η", "λ"):
        table.add_column(column, justify="right" if column != "cost" else "left")
    table.add_column("why")
    for case in cases:
        rates = f"{case.eta:g}", f"{case.lmbda:g}"
        table.add_row(case.id, case.cost, str(case.steps), *rates, case.why)
    console.print(table)


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    name = report.subject
    table.add_column(_seen(name if len(name) <= NAME else f"…{name[1 - NAME :]}"), no_wrap=True)
    for column in COLUMNS:
        table.add_column(column, justify="center")
    table.add_column("worst", justify="right")
    for each in report.cases:
        signs = [Text(sign(one) or " ", STYLES[one] if one else "") for one in cells(each)]
        table.add_row(each.case.id, *signs, worst(each))
    return table


def _blamed(report: Report, blame: Blame, *, verbose: bool) -> Iterator[Text]:
    """What is said of an equation that is wrong."""
    equation = equation_of_blame(report, blame)
    yield _seen(f"{heading(report, blame)}: {equation.formula}", "bold")
    doubted = blame.first.doubted
    yield _seen(f"  {accused(blame.first, equation.field)}", "bold" if doubted else "dim")
    if not doubted:  # else it is not the subject's line that is wrong
        yield from (_seen(f"  {place(frame)}") for frame in blame.frames[:1])
        yield from (_seen(f"  {each}") for each in source(blame.frames))
        yield from (_seen(f"  {each}") for each in cause_words(report, blame.tag))
        yield from (_seen(f"  {each}") for each in exact_words(report, blame.tag))
    first, *more = first_words(report, blame)
    yield _seen(f"  {first}")
    yield from (_seen(f"    {each}") for each in more)
    after = explained(report, blame.first)
    if verbose:
        yield from (_seen(line(case_of(report, blame), each), "dim") for each in after)
    elif after:
        yield _seen(f"    explains {', '.join(each.name for each in after)}", "dim")


def _say(console: Console, text: str) -> None:
    """Print a subject's text as it is: no markup, no highlighting, no wrapping within words."""
    console.print(_seen(text), soft_wrap=True)


def _seen(text: str, style: str = "") -> Text:
    return Text(visible(text, keep="\n\t"), style)
