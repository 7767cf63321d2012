"""The outcome of an examination on a terminal: the verdict, what supports it, the table of cases.

It is a list of blocks; in short it takes 25 lines. Left out: how the verdict (`opening.py`) and a
single failure (`message.py`) are worded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from conformance.corpus.case import Case
from conformance.judging.case_report import CaseReport
from conformance.outcome import Blame, LostEquation, Outcome
from conformance.report.ascii import encodes
from conformance.report.blame_words import (
    case_of,
    equation_of_blame,
    errors,
    explained,
    first_words,
    heading,
    skipped_words,
)
from conformance.report.cause_words import cause_words, example_words, formulas, joined
from conformance.report.exact_words import exact_words, loss_text, loss_words
from conformance.report.matrix import ASCII_SIGNS, cells, columns, sign, worst
from conformance.report.message import accused, finding_lines, finding_text, line
from conformance.report.opening import opening
from conformance.report.sentence import counts, declined, format_words, judged_words, pluralize
from conformance.report.source_words import place, source
from conformance.report.visible import visible
from conformance.verdict.compare import Status
from conformance.verdict.finding import Finding


@dataclass(frozen=True)
class Block:
    """Lines of a report that stand together, with an empty line before the next block.

    Attributes:
        lines: each as it is printed.
        least: how many of them stay where the report has to be short; None: all of them.
        rank: which block gives way first, the lowest.
        noun: what a line of it is.
    """

    lines: Sequence[Text]
    least: int | None = None
    rank: int = 0
    noun: str = "line"

    def height(self, width: int) -> int:
        """How many lines of a terminal it takes, with the empty one before it."""
        return sum(max(1, -(-cell_len(each.plain) // width)) for each in self.lines) + 1

    def shortened(self, over: int, width: int) -> "Block":
        """The block with so many lines of the terminal fewer, as far as it gives way."""
        least = len(self.lines) if self.least is None else self.least
        for kept in range(len(self.lines) - 1, least - 1, -1):
            left = len(self.lines) - kept
            note = Text(f"… {pluralize(left, self.noun)} more: -v shows all", "dim")
            shorter = replace(self, lines=[*self.lines[:kept], note] if kept else [])
            if self.height(width) - shorter.height(width) >= over or kept == least:
                return shorter
        return self


def fitted(blocks: Iterable[Block], most: int, width: int) -> list[Block]:
    """The blocks in so many lines of a terminal, as far as they give way."""
    fitting = [each for each in blocks if each.lines]
    for i in sorted(range(len(fitting)), key=lambda i: fitting[i].rank):
        over = sum(each.height(width) for each in fitting) - 1 - most
        if over > 0:
            fitting[i] = fitting[i].shortened(over, width)
    return [each for each in fitting if each.lines]


def lines_of(blocks: Iterable[Block]) -> Iterator[Text]:
    """The lines of blocks, with an empty one between them."""
    for i, block in enumerate(each for each in blocks if each.lines):
        yield from [Text("")] * (i > 0)
        yield from block.lines


STYLES = {
    Status.ERROR: "bold yellow",
    Status.FAIL: "bold red",
    Status.LOST: "bold yellow",
    Status.EXPLAINED: "dim",
    Status.UNDECIDED: "dim",
    Status.PASS: "green",
    Status.NOT_OBSERVED: "dim",
}
HEADLINE = {0: "bold green", 1: "bold red"}
NAME = 36  # characters of a subject's name over a table that fits 80 columns
SHORTEST = 12  # the same of a case on a narrow terminal
MOST = 25  # lines of a report, unless all of it is asked for
GRAVEST = (Status.FAIL, Status.ERROR, Status.PASS)  # first, where not all cases fit
ROWS, FACTS = 4, 2  # of the table with its heading, and of what is said under it, at least

Signs = Mapping[str, str]


def show(console: Console, report: Outcome, *, verbose: bool = False) -> None:
    """Print the verdict and what supports it, in 25 lines or as it is."""
    width = console.width
    encoded = encodes(getattr(console.file, "encoding", None), "".join(ASCII_SIGNS))
    signs = {each: each for each in ASCII_SIGNS} if encoded else ASCII_SIGNS
    blocks = (
        _all(report, signs, width) if verbose else fitted(_short(report, signs, width), MOST, width)
    )
    for text in lines_of(blocks):
        console.print(text, soft_wrap=True)


def _short(report: Outcome, signs: Signs, width: int) -> list[Block]:
    """The blocks of a report that fits a screen."""
    facts = [*_facts(report), *_more(report)]
    return [
        _opening(report, width),
        Block([*_support(report)], least=0, rank=2),
        Block([*_table(report, signs, width, GRAVEST)], least=ROWS, noun="case"),
        Block(facts, least=FACTS, rank=1),
    ]


def _all(report: Outcome, signs: Signs, width: int) -> list[Block]:
    """The blocks of a whole report."""
    return [
        _opening(report),
        Block([*_table(report, signs, width)]),
        Block([*_facts(report)]),
        *(Block([*_blamed(report, each)]) for each in report.blames),
        *(Block([*_lost(report, each)]) for each in report.losses),
        *(Block([*_found(each)]) for each in report.findings if each.frames),
        *(Block(_lines(example_words(report, each))) for each in report.smallest),
        *(Block(_lines(each)) for each in errors(report)),
    ]


def as_text(report: Outcome, width: int = 80) -> str:
    """The whole report as plain text."""
    text = StringIO()
    show(Console(file=text, width=width, color_system=None), report, verbose=True)
    return text.getvalue()


def show_cases(console: Console, cases: Sequence[Case]) -> None:
    """Print the table of the recorded cases, a line each; a terminal shows as much as it can."""
    rows = [("case", "steps", "η", "λ", "cost", "why")]
    for each in cases:
        numbers = f"{each.steps}", f"{each.eta:g}", f"{each.lmbda:g}"
        rows.append((each.id, *numbers, each.cost, each.why))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    places = [f"{'<>>><<'[i]}{wide}" for i, wide in enumerate(widths)]
    for row in rows:
        held = (f"{each:{place}}" for each, place in zip(row, places, strict=True))
        line = Text("  ".join(held).rstrip())
        if console.is_terminal:
            line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)


def _opening(report: Outcome, width: int | None = None) -> Block:
    """The verdict in its first lines."""
    first, *others = opening(report, width)
    return Block([_seen(first, HEADLINE.get(report.exit_code, "bold yellow")), *map(_seen, others)])


def _support(report: Outcome) -> Iterator[Text]:
    """What supports the first finding, if it is an equation."""
    for blame in report.blames[:1]:
        equation, known = equation_of_blame(report, blame), formulas(report, blame.tag)
        if not blame.first.doubted:
            if len(known) == 1:
                yield _seen(f"  wrong  {known[0].wrong}")
            yield _seen(f"  right  {known[0].right if len(known) == 1 else equation.formula}")
        for words in (*exact_words(report, blame.tag), *first_words(report, blame)):
            yield _seen(f"  {words}")


def _table(
    report: Outcome, signs: Signs, width: int, order: Sequence[Status] | None = None
) -> Iterator[Text]:
    """The heading and a line a case, in the order of the corpus or of their status."""
    cases = report.cases if order is None else sorted(report.cases, key=_rank(order))
    kinds = columns(cases)
    titles, found = [*kinds, "worst"], [cells(case, kinds) for case in cases]
    marked = zip(cases, found, strict=True)
    rows = [[*(signs[sign(each)] for each in held), worst(case)] for case, held in marked]
    name = report.subject
    first = [name if len(name) <= NAME else f"…{name[1 - NAME :]}", *(c.case.id for c in cases)]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    room = max(width - sum(widths) - len(widths), SHORTEST)
    wide = min(max(map(cell_len, map(visible, first))), room)
    styles = [["bold"] * len(kinds), *([STYLES[e] if e else "" for e in held] for held in found)]
    for words, row, of_row in zip(first, [titles, *rows], styles, strict=True):
        seen = visible(words)
        name = seen if cell_len(seen) <= wide else f"{set_cell_size(seen, wide - 1)}…"
        text = Text(set_cell_size(name, wide), "bold" if row is titles else "")
        for cell, across, style in zip(row[:-1], widths, of_row, strict=False):
            text.append(f" {cell:^{across}}", style)
        yield text.append(f" {row[-1]:>{widths[-1]}}")


def _rank(order: Sequence[Status]) -> Callable[[CaseReport], int]:
    return lambda case: order.index(case.status)


def _facts(report: Outcome) -> Iterator[Text]:
    """How much was judged, by which conventions, and what was not and why."""
    if not report.ok:  # else the first line says it
        yield _seen(counts(report))
    yield _seen(judged_words(report.cases))
    yield from map(_seen, format_words(report))
    if report.skipped:
        yield _seen(f"not put to it: {skipped_words(report)}")
    if report.declined and report.cases and not report.ok:
        yield _seen(declined(report))
    if report.conventions:
        yield _seen(f"conventions recognised: {', '.join(report.conventions)}")
    yield from map(_seen, report.notes)
    if not report.blames:
        yield from map(_seen, exact_words(report))


def _more(report: Outcome) -> Iterator[Text]:
    """What -v shows that nothing here tells of."""
    tags = list(dict.fromkeys(tag for each in report.smallest for tag in each.tags))
    if tags:
        be = "is" if len(tags) == 1 else "are"
        yield _seen(f"-v works out the smallest network on which {joined(tags)} {be} wrong", "dim")
    elif errors(report):
        yield _seen("-v shows the traceback", "dim")


def _blamed(report: Outcome, blame: Blame) -> Iterator[Text]:
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
    for each in explained(report, blame.first):
        yield _seen(line(case_of(report, blame), each), "dim")


def _lost(report: Outcome, each: LostEquation) -> Iterator[Text]:
    """What is said of an equation whose digits are lost, and the line with its neighbours."""
    yield _seen(loss_text(report, each), "bold")
    yield from (_seen(f"  {place(frame)}") for frame in each.frames[:1])
    yield from (_seen(f"  {words}") for words in source(each.frames))
    yield _seen(f"  exact arithmetic ({each.first.case}): right formula, lost digits")
    yield _seen(f"  {loss_words(each)}")
    yield from (_seen(f"  {words}") for words in first_words(report, each))


def _found(finding: Finding) -> Iterator[Text]:
    """What is said of what is wrong beside the equations, and its line with its neighbours."""
    yield _seen(finding_text(finding), "bold")
    yield from (_seen(f"  {each}") for each in finding_lines(finding))


def _lines(text: str) -> list[Text]:
    return [_seen(each) for each in text.split("\n")]


def _seen(text: str, style: str = "") -> Text:
    """A subject's text as it is: no markup, and everything in it to be seen."""
    return Text(visible(text, keep="\t"), style)
