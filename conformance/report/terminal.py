"""The outcome of an examination on a terminal: a table, then each equation that is wrong.

Left out: how a single failure is worded (`message.py`).
"""

import linecache
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.causality import TAGS, equation_of, field_of
from conformance.compare import FREE, Status, Verdict
from conformance.corpus.case import Case
from conformance.judge import CaseReport
from conformance.outcome import Blame, Report
from conformance.report.cause_words import cause_words, example_words
from conformance.report.depth import judged_words
from conformance.report.exact_words import exact_words
from conformance.report.message import accused, difference, doubtful, line, what
from conformance.watching.recording import Frame

SIGNS = {
    Status.ERROR: ("!", "bold yellow"),
    Status.FAIL: ("✗", "bold red"),
    Status.EXPLAINED: ("·", "dim"),
    Status.PASS: ("✓", "green"),
    Status.NOT_OBSERVED: ("–", "dim"),
}
NAME = 36  # characters of a subject's name over a table that fits 80 columns
AROUND = 1  # lines of source before and after the one to blame


def show(console: Console, report: Report, *, verbose: bool = False) -> None:
    """Print the table of cases and, under it, what is wrong."""
    console.print(_table(report))
    _say(console, judged_words(report.cases))
    if report.skipped:
        _say(console, f"not put to it: {_skipped(report)}")
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
            console.print(Text(each), soft_wrap=True)
    _say(console, summary(report))


def _beside(report: Report, *, verbose: bool) -> Iterator[str]:
    """What is said beside the equations: small networks, remarks, errors."""
    for example in report.smallest:
        yield f"\n{example_words(report, example, verbose=verbose)}"
    for remark in report.remarks:
        yield f"\n{report.subject}: {remark}"
    errors = list(dict.fromkeys(each.error for each in report.cases if each.error))
    for error in errors if verbose else errors[:1]:
        yield f"\n{error}"
    if len(errors) > 1 and not verbose:
        yield f"{len(errors) - 1} more cases stopped: -v shows all"


def summary(report: Report) -> str:
    """The verdict in two lines."""
    passes = [verdict for each in report.cases for verdict in each.passes]
    entries = sum(verdict.worst.entries for verdict in passes if verdict.worst)
    failures = sum(len(each.failures) for each in report.cases)
    unseen = {
        verdict.name.rstrip("0123456789")
        for each in report.cases
        for verdict in each.verdicts
        if verdict.name and verdict.status is Status.NOT_OBSERVED and verdict.mode != FREE
    }
    verdict = {0: "conformant", 1: "not conformant"}.get(report.exit_code, "not judged")
    cases = "1 case" if len(report.cases) == 1 else f"{len(report.cases)} cases"
    hidden = f", not observed: {', '.join(sorted(unseen))}" if unseen else ""
    return (
        f"{report.subject}: {verdict}\n"
        f"{cases}: {len(passes):,} quantities ({entries:,} entries) agree, {failures} wrong{hidden}"
    )


def as_text(report: Report, width: int = 80) -> str:
    """The whole report as plain text."""
    text = StringIO()
    show(Console(file=text, width=width, color_system=None), report)
    return text.getvalue()


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


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    name = report.subject
    table.add_column(name if len(name) <= NAME else f"…{name[1 - NAME :]}", no_wrap=True)
    for tag in (*TAGS.values(), "free"):
        table.add_column(tag, justify="center")
    table.add_column("worst", justify="right")
    for each in report.cases:
        cells = [_cell(_of(each, tag)) for tag in TAGS.values()]
        free = _cell([verdict for verdict in each.verdicts if verdict.mode == FREE])
        cells = [Text("!", "bold yellow")] * len(cells) if each.status is Status.ERROR else cells
        ratios = [v.worst.ratio for v in each.verdicts if v.worst is not None]
        worst = f"{max(ratios):.2g}" if ratios else ""
        table.add_row(each.case.id, *cells, free, worst)
    return table


def _of(report: CaseReport, tag: str) -> list[Verdict]:
    layers = report.case.layers
    return [
        verdict
        for verdict in report.verdicts
        if verdict.name and verdict.mode != FREE and TAGS[field_of(verdict.name, layers)] == tag
    ]


def _cell(verdicts: Sequence[Verdict]) -> Text:
    statuses = {verdict.status for verdict in verdicts}
    return next((Text(*sign) for status, sign in SIGNS.items() if status in statuses), Text(" "))


def _blamed(report: Report, blame: Blame, *, verbose: bool) -> Iterator[Text]:
    """What is said of an equation that is wrong."""
    case = next(each.case for each in report.cases if each.case.id == blame.first.case)
    name = equation_of(blame.first.name, case.layers, case.cost)
    at = _layers(blame.layers)
    count = f"{blame.cases} of {len(report.cases)} cases"
    yield Text(f"{blame.tag} is wrong{at}, in {count}: {name.formula}", "bold")
    yield Text(f"  {accused(blame.first, name.field)}", "bold" if blame.first.doubted else "dim")
    if not blame.first.doubted:  # else it is not the subject's line that is wrong
        yield from map(Text, source(blame.frames))
        yield from map(Text, cause_words(report, blame.tag))
        yield from (Text(f"  {each}") for each in exact_words(report, blame.tag))
    run = "" if blame.first.mode != FREE else " of the free run"
    yield Text(f"  first in {case.id}, step {blame.first.step}{run}: {what(blame.first)}")
    if blame.first.worst is not None:
        yield Text(f"    {difference(blame.first.worst)}")
    if blame.first.hidden:
        yield Text(f"    {doubtful(case, blame.first)}")
    explained = _explained(report, blame.first)
    if verbose:
        yield from (Text(line(case, verdict), "dim") for verdict in explained)
    elif explained:
        yield Text(f"    explains {', '.join(verdict.name for verdict in explained)}", "dim")


def _layers(layers: Sequence[int]) -> str:
    *most, last = [str(layer) for layer in layers] or [""]
    if most:
        return f" at layers {', '.join(most)} and {last}"
    return f" at layer {last}" if last else ""


def _explained(report: Report, first: Verdict) -> list[Verdict]:
    """The quantities of the same step that are wrong because of this one."""
    verdicts = next(each.verdicts for each in report.cases if each.case.id == first.case)
    here = (first.step, first.mode, first.name)
    return [v for v in verdicts if (v.step, v.mode, v.explained_by) == here]


def source(frames: Sequence[Frame]) -> Iterator[str]:
    """The line to blame with its neighbours, marked, and the lines that led to it."""
    if not frames:
        return
    blamed, *callers = frames
    name = Path(blamed.file).name
    yield f"  {name}:{blamed.line}, in {blamed.function}"
    for number in range(blamed.line - AROUND, blamed.line + AROUND + 1):
        text = linecache.getline(blamed.file, number).rstrip()
        if text:
            yield f"  {'>' if number == blamed.line else ' '} {number:4} | {text}"
    for frame in callers:
        if frame.line != blamed.line:
            text = linecache.getline(frame.file, frame.line).strip()
            yield f"    with {Path(frame.file).name}:{frame.line}  {text}"


def _skipped(report: Report) -> str:
    reasons: dict[str, int] = {}
    for reason in report.skipped.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    return ", ".join(
        f"{count} case{'s'[: count != 1]} (it {reason})" for reason, count in reasons.items()
    )


def _say(console: Console, text: str) -> None:
    """Print a subject's text as it is: no markup, no highlighting, no wrapping within words."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
