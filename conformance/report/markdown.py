"""The outcome of an examination as GitHub-flavoured Markdown, for the summary of a step in CI.

What comes from the subject (its name, what it raised, its lines) is data and never markup.
Left out: how that is done (`gfm.py`), the words themselves, which are those of the terminal.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from conformance.errors import UsageError
from conformance.judging.case_report import CaseReport
from conformance.outcome import Blame, Outcome
from conformance.report.blame_words import (
    equation_of_blame,
    errors,
    explained,
    first_words,
    heading,
)
from conformance.report.cause_words import beside_cause, example_heading, formulas
from conformance.report.exact_words import exact_words, loss_text, loss_words
from conformance.report.gfm import code, fenced, folded, table, text
from conformance.report.matrix import MEANING, cells, columns, sign, worst
from conformance.report.message import accused, finding_text
from conformance.report.sentence import SIGNS, facts, pluralize, sentence, verdict
from conformance.report.source_words import place, source
from conformance.tracing.frames import Frame
from conformance.verdict.compare import Status

MOST = 5  # errors that are shown


def append(path: Path, text: str) -> None:
    """Add a text to the end of a file, which is made if need be; all of it or nothing.

    Raises:
        UsageError: the file cannot be written.
    """
    before = None
    try:
        before = path.stat().st_size if path.is_file() else None if path.exists() else 0
        start = "\n" if before else ""
        with path.open("ab") as file:
            file.write(f"{start}{text}".encode())
    except OSError as error:
        with suppress(OSError):
            if before is not None:
                os.truncate(path, before)
        raise UsageError(f"--markdown {path}: {error.strerror}") from error


def as_markdown(report: Outcome) -> str:
    """The whole report as Markdown."""
    return "\n\n".join(_blocks(report)) + "\n"


def _blocks(report: Outcome) -> Iterator[str]:
    said = f"{SIGNS.get(report.exit_code, '!')} {code(report.subject)} is {verdict(report)}"
    yield f"### {said}: {text(sentence(report))}"
    yield "\n".join(f"- {text(line)}" for line in facts(report))
    yield from _tables(report.cases)
    for blame in report.blames:
        yield from _blamed(report, blame)
    if not report.blames:
        yield from (text(line) for line in exact_words(report))
    for each in report.losses:
        said = f"{loss_text(report, each)}: {loss_words(each)}"
        yield from _beside(said, each.frames, said=False)
    for example in report.smallest:
        yield folded(example_heading(report, example).rstrip(":"), fenced(example.text, "text"))
    for finding in report.findings:
        yield from _beside(finding_text(finding), finding.frames, said=not report.blames)
    stopped = errors(report)
    yield from (fenced(error, "text") for error in stopped[:MOST])
    if len(stopped) > MOST:
        left = pluralize(len(stopped) - MOST, "more case")
        yield f"{left} stopped: `conformance check -v` shows all"


def _beside(words: str, frames: Sequence[Frame], *, said: bool) -> Iterator[str]:
    """What is said beside the blame: its words, unless the heading has said them, and its line."""
    lines = list(source(tuple(frames)))
    if not said or lines:
        yield f"- {text(words)}"
    yield from (code(place(frame)) for frame in frames[:1])
    if lines:
        yield fenced("\n".join(lines), "python")


def _tables(cases: Sequence[CaseReport]) -> Iterator[str]:
    """Cases × equations; those that are right in a fold if others are not."""
    right = [each for each in cases if each.status is Status.PASS]
    others = [each for each in cases if each.status is not Status.PASS]
    if others:
        yield _table(others)
    if right:
        count = f"{pluralize(len(right), 'case')} {'is' if len(right) == 1 else 'are'} right"
        yield folded(count, _table(right)) if others else _table(right)
    if cases:
        yield text(MEANING)


def _table(cases: Sequence[CaseReport]) -> str:
    kinds = columns(cases)
    rows = ([each.case.id, *map(sign, cells(each, kinds)), worst(each)] for each in cases)
    return table(("case", *kinds, "worst"), rows)


def _blamed(report: Outcome, blame: Blame) -> Iterator[str]:
    """What is said of an equation that is wrong."""
    equation = equation_of_blame(report, blame)
    yield f"#### {text(heading(report, blame))}"
    yield f"{code(equation.formula)}  \n{text(accused(blame.first, equation.field))}"
    if not blame.first.doubted:  # else it is not the subject's line that is wrong
        lines = list(source(blame.frames))
        yield from (code(place(frame)) for frame in blame.frames[:1])
        if lines:
            yield fenced("\n".join(lines), "python")
        yield from _caused(report, blame.tag)
        yield from (text(line) for line in exact_words(report, blame.tag))
    after = [each.name for each in explained(report, blame.first)]
    more = [f"explains {', '.join(after)}"] if after else []
    yield "\n".join(f"- {text(line)}" for line in (*first_words(report, blame), *more))


def _caused(report: Outcome, tag: str) -> Iterator[str]:
    for i, each in enumerate(formulas(report, tag)):
        yield f"{'or' if i else 'cause'}: **{text(each.name)}**: {text(each.sentence)}"
        yield fenced(f"- {each.wrong}\n+ {each.right}", "diff")
    said = list(beside_cause(report, tag))
    if said:
        yield "\n".join((text(said[0]), *(f"- {text(words)}" for words in said[1:])))
