"""The verdict in its first lines: what is wrong, on which line of code, and why.

Three lines for the first finding in causal order, and the change that mends it; one for each other.
If most cases stopped, that is said first. Left out: the rest of the report (`terminal.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.judging.case_report import CaseReport
from conformance.outcome import Blame, LostEquation, Outcome
from conformance.report.blame_words import (
    at_layers,
    change_words,
    equation_of_blame,
    first_words,
    heading,
)
from conformance.report.cause_words import NO_CAUSE, beside_cause, formulas, told_of
from conformance.report.exact_words import loss_text, loss_words
from conformance.report.message import accused, finding_text
from conformance.report.sentence import (
    UNKNOWN_RULE,
    counts,
    declined,
    outcome,
    pluralize,
    sentence,
    verdict,
)
from conformance.report.source_words import file_and_line, place_and_text
from conformance.tracing.frames import Frame
from conformance.verdict.compare import EQUATION, Status
from conformance.verdict.finding import Finding


@dataclass(frozen=True)
class Statement:
    """One thing that is wrong, in three lines.

    Attributes:
        what: is wrong, where and how often.
        where: the line of code, or what is known instead; may be empty.
        why: the cause, or what was measured; may be empty.
        short: what is wrong, without how often.
        place: the file and the number of the line alone; may be empty.
    """

    what: str
    where: str = ""
    why: str = ""
    short: str = ""
    place: str = ""

    def in_one_line(self) -> str:
        """All of it."""
        where = self.place and f", {self.place}"
        return f"{self.short or self.what}{where}{self.why and f': {self.why}'}"


def statements(report: Outcome) -> list[Statement]:
    """What is wrong: the equations in causal order, then what else was found, then what stopped.

    Of a subject that is right, the equations that lose digits.
    """
    wrong = [
        *(_of_blame(report, each) for each in report.blames),
        *(_of_loss(report, each) for each in report.losses),
        *map(_of_finding, report.findings),
    ]
    stopped = [each for each in report.cases if each.status is Status.ERROR]
    if not stopped:
        return wrong
    stop = _of_stopped(report, stopped)
    return [stop, *wrong] if 2 * len(stopped) > len(report.cases) else [*wrong, stop]


def opening(report: Outcome, width: int | None = None) -> Iterator[str]:
    """The first lines of a report; given a width, those of further findings are cut to it."""
    found = statements(report)
    if report.ok:
        yield f"{outcome(report)}, {counts(report)}"
        yield from (_cut(each.in_one_line(), width) for each in found)
        return
    if not found:
        yield _nothing(report)
        return
    first, *others = found
    if report.exit_code == 1 and others and _is_stop(first):  # what is wrong has its three lines
        yield f"{verdict(report)}: {first.what}; {first.why}"
        first, *others = others
        yield first.what
    else:
        yield f"{verdict(report)}: {first.what}"
    change = change_words(report, first.place)
    yield from (f"  {each}" for each in (first.where, first.why, *change) if each)
    yield from (_cut(f"also {each.in_one_line()}", width) for each in others)


def in_one_line(report: Outcome) -> str:
    """The subject, the verdict, and the first finding: what, on which line, why."""
    found = statements(report)
    if not found or report.ok:
        also = "".join(f"; {each.in_one_line()}" for each in found)
        also += f"; {UNKNOWN_RULE}" if report.compares_right and report.moves_unknown else ""
        return f"{report.subject}: {outcome(report)}, {counts(report)}{also}"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    refused = f"; {declined(report)}" if report.declined else ""
    return f"{report.subject}: {verdict(report)}: {found[0].in_one_line()}{more}{refused}"


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else f"{text[: width - 1]}…"


def _nothing(report: Outcome) -> str:
    if report.compares_right:
        return f"{verdict(report)}: {sentence(report)}"
    if report.declined:
        return outcome(report)
    return f"{verdict(report)}: nothing was compared"


def _is_stop(statement: Statement) -> bool:
    return not statement.short


def _of_blame(report: Outcome, blame: Blame) -> Statement:
    equation, frames = equation_of_blame(report, blame), blame.frames
    short = f"{blame.tag} is wrong{at_layers(blame.layers)}"
    if blame.first.doubted:  # it is not the subject's line that is wrong
        return Statement(heading(report, blame), accused(blame.first, equation.field), "", short)
    right = f"no line is known; right: {equation.formula} ({EQUATION}: {equation.field})"
    where = place_and_text(frames[0]) if frames else right
    return Statement(heading(report, blame), where, _why(report, blame), short, _short(frames))


def _of_loss(report: Outcome, each: LostEquation) -> Statement:
    """An equation whose formula is right, and where its digits went."""
    text = loss_text(report, each)
    place = place_and_text(each.frames[0]) if each.frames else ""
    return Statement(text, place, loss_words(each), text.rsplit(", ", 1)[0], _short(each.frames))


def _why(report: Outcome, blame: Blame) -> str:
    """The cause of one wrong equation, or what was measured, or how far it is off."""
    known = formulas(report, blame.tag)
    names = " or ".join(each.name for each in known)
    told = told_of(report, blame.tag)
    if told:
        return f"cause: the same as of {told}: {names}"
    if len(known) == 1:
        return f"cause: {names}: {known[0].sentence.removesuffix('.')}"
    if known:
        return f"cause: {names}, which no case tells apart"
    measured = [words for words in beside_cause(report, blame.tag) if words != NO_CAUSE]
    return next(iter(measured), "") or first_words(report, blame)[-1]


def _of_finding(finding: Finding) -> Statement:
    """What is wrong beside the quantities, with its line if it has one."""
    text, frames = finding_text(finding), finding.frames
    return Statement(text, place_and_text(frames[0]) if frames else "", "", text, _short(frames))


def _of_stopped(report: Outcome, stopped: list[CaseReport]) -> Statement:
    """That some cases stopped, the line at which the first one did, and its exception."""
    first = stopped[0]
    said = next(iter(first.error.splitlines()), "nothing was compared").rstrip(":")
    for where in (f" stopped in {first.case.id}", f" in {first.case.id}", ""):
        said = said.removeprefix(f"{report.subject}{where}: ")
    what = f"{len(stopped)} of {pluralize(len(report.cases), 'case')} stopped"
    named = f"{what}, first {first.case.id}" if len(stopped) > 1 else f"{what}: {first.case.id}"
    where = place_and_text(first.frames[0]) if first.frames else ""
    return Statement(named, where, said, "", _short(first.frames))


def _short(frames: tuple[Frame, ...]) -> str:
    return file_and_line(frames[0]) if frames else ""
