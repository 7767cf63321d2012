"""What a page says, put in the order in which it says it.

Left out: the markup (the templates), the matrix, the drawings and the numbers behind the cells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.explain.example import Example
from conformance.explain.pieces import word
from conformance.outcome import Blame, Report
from conformance.report.blame_words import (
    at_layers,
    equation_of_blame,
    explained,
    first_words,
    skipped_words,
)
from conformance.report.cause_words import beside_cause, formulas, joined, told_of
from conformance.report.document import AROUND
from conformance.report.exact_words import exact_words, loss_text, loss_words
from conformance.report.finding_words import finding_text
from conformance.report.judged import judged_words
from conformance.report.mathml import mathml, mathml_pair
from conformance.report.matrix import SIGNS
from conformance.report.message import accused
from conformance.report.page.chart import Chart, chart
from conformance.report.page.matrix import Column, Row, address, columns, rows
from conformance.report.page.network import Network, network
from conformance.report.sentence import counts, declined, pluralize, sentence
from conformance.report.source_words import Source, source_of
from conformance.tracing.frames import Frame
from conformance.verdict.compare import Status

REST = "… "  # of a formula of which a part is given
LONG = 110  # characters of a headline


@dataclass(frozen=True)
class Equation:
    """An equation that is wrong.

    Attributes:
        tag: such as BP2.
        where: its layers, in words.
        count: in how many cases.
        book: the book's equation, in MathML.
        wrong: the subject's, as the known mistakes that it makes have it; MathML with what each
            changes, marked in both.
        told: of which equation the same cause has been told, or nothing.
        cause: what is known of the cause, in words.
        who: who is wrong.
        doubted: whether it may be ourselves.
        source: the line of the subject's code.
        first: its first failure, in words, and its address.
        exact: what the exact lane says.
        explains: symbols of what follows from it.
        network: the drawing.
    """

    tag: str
    where: str
    count: str
    book: str
    wrong: tuple[tuple[str, str, str, str], ...]
    told: str
    cause: tuple[str, ...]
    who: str
    doubted: bool
    source: Source | None
    first: tuple[str, ...]
    at: str
    exact: tuple[str, ...]
    explains: str
    network: Network


@dataclass(frozen=True)
class Found:
    """What is wrong beside the equations, in words, and the line of the subject's code."""

    text: str
    source: Source | None


@dataclass(frozen=True)
class View:
    """A report as a page shows it."""

    prefix: str
    report: Report
    sentence: str
    verdict: str
    sign: str
    summary: str
    judged: str
    equations: tuple[Equation, ...]
    findings: tuple[Found, ...]
    columns: Sequence[Column]
    rows: Sequence[Row]
    examples: tuple[Example, ...]
    charts: tuple[Chart, ...]
    exact: tuple[str, ...]
    errors: tuple[tuple[str, str], ...]
    unseen: tuple[str, ...]


def view(report: Report, prefix: str) -> View:
    """All that a page says of a report; addresses within it begin with the prefix."""
    status = {0: Status.PASS, 1: Status.FAIL}.get(report.exit_code, Status.ERROR)
    return View(
        prefix,
        report,
        _headline(report),
        str(status),
        SIGNS[status],
        counts(report),
        judged_words(report.cases),
        tuple(_equation(report, blame, prefix) for blame in report.blames),
        (*_lost(report), *(_found(finding_text(each), each.frames) for each in report.findings)),
        columns(report.cases),
        [*rows(report.cases, prefix)],
        report.smallest,
        tuple(sorted(_charts(report), key=lambda each: (not each.leaves, -len(each.dots)))),
        tuple(exact_words(report)) if not report.blames else (),
        tuple((each.case.id, each.error) for each in report.cases if each.error),
        tuple(_unseen(report)),
    )


def _lost(report: Report) -> Iterator[Found]:
    """The equations whose formula is right and whose digits are lost."""
    for each in report.losses:
        yield _found(f"{loss_text(report, each)}: {loss_words(each)}", each.frames)


def _found(text: str, frames: tuple[Frame, ...]) -> Found:
    return Found(text, source_of(frames, AROUND))


def _headline(report: Report) -> str:
    """The verdict in one sentence, which several causes make too long."""
    whole = f"{'conformant: ' * report.ok}{sentence(report)}"
    if len(report.blames) > 1 and "; " in whole and len(whole) > LONG:
        return f"{joined([blame.tag for blame in report.blames])} are wrong"
    return f"{whole[0].upper()}{whole[1:]}" if whole[0].isascii() else whole  # not σ′ as Σ′


def _equation(report: Report, blame: Blame, prefix: str) -> Equation:
    first = blame.first
    equation = equation_of_blame(report, blame)
    return Equation(
        blame.tag,
        at_layers(blame.layers),
        f"{blame.cases} of {pluralize(len(report.cases), 'case')}",
        mathml(equation.formula),
        () if first.doubted else tuple(_wrong(report, blame.tag, equation.formula)),
        told_of(report, blame.tag),
        () if first.doubted else tuple(beside_cause(report, blame.tag)),
        accused(first, equation.field),
        first.doubted,
        None if first.doubted else source_of(blame.frames, AROUND),
        tuple(first_words(report, blame)),
        address(first, prefix),
        tuple(exact_words(report, blame.tag)),
        ", ".join(word(each.name) for each in explained(report, first)),
        _network(report, blame.tag),
    )


def _network(report: Report, tag: str) -> Network:
    """The smallest network that shows an equation wrong at the most layers, drawn."""
    found = []
    for each in report.cases:
        for failure in each.blamed.get(tag, ())[:1]:
            here = [v for v in each.verdicts if (v.step, v.mode) == (failure.step, failure.mode)]
            failed = [v for v in here if v.status is Status.FAIL and v.name]
            layers = {v.name for v in failed if each.case.rows[v.name].tag == tag}
            found.append((-len(layers), sum(each.case.sizes), each.case, failure.step, here))
    *_, case, step, verdicts = min(found, key=lambda item: item[:2])
    return network(case, verdicts, step, tag)


def _wrong(report: Report, tag: str, book: str) -> Iterator[tuple[str, str, str, str]]:
    """Name, sentence, wrong and right formula of each known mistake that the equation makes."""
    for each in formulas(report, tag):
        pair = mathml_pair(*in_full(each.wrong, each.right, book))
        yield each.name, each.sentence, *pair


def in_full(wrong: str, right: str, book: str) -> tuple[str, str]:
    """A pair of formulas of which a part is given, `… ⊙ σ′(a^l)`, put into the book's equation."""
    if not right.startswith(REST):
        return wrong, right
    for upper in (False, True):  # what is said of a layer l is said of the last one, L
        old, new = (
            text.partition(" = ")[0].removeprefix(REST).replace("^l", "^L" if upper else "^l")
            for text in (right, wrong)
        )
        if old in book:
            return book.replace(old, new), book
    return wrong, right


def _charts(report: Report) -> Iterator[Chart]:
    for each in report.cases:
        drawn = chart(each)
        if drawn is not None:
            yield drawn


def _unseen(report: Report) -> Iterator[str]:
    """The quantities that the subject never shows, and what else was not looked at."""
    seen: dict[str, bool] = {}
    for case in report.cases:
        for verdict in case.verdicts:
            if verdict.name:
                known = verdict.status is not Status.NOT_OBSERVED
                seen[verdict.name] = seen.get(verdict.name, False) or known
    never = [word(name) for name, known in seen.items() if not known]
    if never:
        yield f"not shown by the subject in any case: {', '.join(never)}"
    stopped = sum(bool(each.error) for each in report.cases)
    if stopped:
        yield f"what comes after the subject stopped, in {pluralize(stopped, 'case')}"
    yield from report.notes
    if report.skipped:
        yield f"not put to it: {skipped_words(report)}"
    if report.declined:
        yield declined(report, most=None)


def equations_of(views: Sequence[View]) -> dict[str, str]:
    """The book's equations that the cases use, in MathML, by tag and cost: `BP1 quadratic`."""
    cases = {report.case for each in views for report in each.report.cases}
    named = {
        (equation.tag, case.cost): equation.formula
        for case in cases
        for name in case.rows
        for equation in [case.rows[name]]
    }
    return {" ".join(key): mathml(named[key]) for key in sorted(named)}
