"""The judgement of one file of a submission, whatever shape it has.

Its code runs in processes of their own. Left out: how such a file is judged (`shapes`, `script`,
`api`), and the limits.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic

from conformance.api import Meant, check
from conformance.backward.findings import UPDATES, Accused, Examined
from conformance.errors import (
    ConformanceError,
    EndlessError,
    InternalError,
    StoppedError,
    SubjectError,
    UnjudgedError,
)
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.grade.grade_row import Check, Judgement, Outcome
from conformance.judging.case_report import CaseReport
from conformance.model.table import TAGS
from conformance.report.backward_causes import why
from conformance.report.backward_report import BackwardReport
from conformance.report.blame_words import at_layers
from conformance.report.book_report import Report
from conformance.report.file_report import FileReport, Part
from conformance.report.opening import statements
from conformance.report.sentence import sentence
from conformance.report.source_words import file_and_line

LEAST = 1.0  # second that a file is given
LONGEST = 500  # characters of a cause
LATE = (Outcome.CRASH, Outcome.LOAD, Outcome.ERROR)
"""What a file that has used up its time was ended for."""
LATE_WORDS = "not done within its time"

_PLACE = re.compile(r"(?P<file>[^\s,]+\.(?:py|ipynb)(?:, cell \d+)?)(?::| line )(?P<line>\d+)\b")
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')


def judge_file(
    file: str, seconds: float, cost: str | None = None, family: tuple[str, str] | None = None
) -> Judgement:
    """Judge a file in the current folder.

    Args:
        file: its path.
        seconds: that it may take; what hangs is ended then.
        cost: to judge with, in the place of the program's own.
        family: the activations that the book's network is meant to have.
    """
    started = monotonic()
    held = max(seconds, LEAST)
    known: list[Part] = []
    try:
        book = partial(_check_book, started + held, held, Meant(cost, family), known)
        judged = _of_file(file, check_file(Asked(file, None, cost, (), held), book))
    except InternalError as error:
        report = tuple(error.traceback.splitlines())
        judged = Judgement(file, Outcome.INTERNAL, "", "", str(error), report=report)
    except UnjudgedError as error:
        judged = _unjudged(file, error)
    except SubjectError as error:
        wrong = any(each.exit_code == 1 for each in known)
        judged = _of_file(file, FileReport(file, tuple(known))) if wrong else _stopped(file, error)
    except ConformanceError as error:
        judged = _unjudged(file, error)
    if monotonic() - started >= seconds and judged.outcome in LATE:
        return replace(judged, outcome=Outcome.TIME, cause=LATE_WORDS)
    return judged


class _LateError(Exception):
    """The time is over while cases are still judged."""


def _check_book(
    deadline: float, timeout: float, meant: Meant, known: list[Part], spec: str
) -> Report:
    """The report on the book's network; if the time is over and something is wrong, so far.

    It is added to what is known of the file.

    Raises:
        StoppedError: the time is over, and nothing is wrong so far.
    """
    cases: list[CaseReport] = []

    def done(report: CaseReport) -> None:
        cases.append(report)
        if monotonic() > deadline:
            raise _LateError

    try:
        report = check(spec, timeout=timeout, **meant._asdict(), done=done)
    except _LateError:
        report = Report(spec, cases=tuple(cases))
        if report.exit_code != 1:
            words = f"{spec}: {LATE_WORDS}: {len(cases)} cases were judged"
            raise StoppedError(words) from None
    known.append(report)
    return report


def _of_file(file: str, report: FileReport) -> Judgement:
    """What is known of each thing in a file, that which is wrong first."""
    parts = [_of_part(file, each) for each in report.parts]
    order = list(Outcome)
    first = min(parts, key=lambda each: order.index(each.outcome))
    checks = tuple(
        Check(f"{_name(part)}: {check.name}" if len(parts) > 1 else check.name, check.ok)
        for part, judged in zip(report.parts, parts, strict=True)
        for check in judged.checks
    )
    return replace(first, checks=checks, report=_lines(str(report)))


def _of_part(file: str, part: Part) -> Judgement:
    return _of_network(file, part) if isinstance(part, Report) else _of_backward(file, part)


def _name(part: Part) -> str:
    name = part.subject if isinstance(part, Report) else part.name
    return name.rpartition(":")[2]


def _of_network(file: str, report: Report) -> Judgement:
    """The judgement of the book's network."""
    found, checks = statements(report), _checks(report)
    wrong = [each for each in found if each.short]
    if report.exit_code == 0:
        lost = "; ".join(each.in_one_line() for each in wrong)
        return Judgement(file, Outcome.RIGHT, cause=lost, checks=checks)
    if not found:
        return Judgement(file, Outcome.NOT_JUDGED, cause=sentence(report))
    first = (wrong or found)[0]
    if report.exit_code == 1:
        equation = next(_wrong_equations(report), "")
        what = equation or next(_beside(report), "")
        cause = first.why.removeprefix("cause: ") if equation else first.short
        return Judgement(file, Outcome.WRONG, what, first.place, cause, checks)
    words = _without(first.why, file)
    return Judgement(file, Outcome.ERROR, "", first.place or _line_in(words), words, checks)


def _wrong_equations(report: Report) -> Iterator[str]:
    """Those that are wrong, then those that lose digits, with their layers."""
    for blame in report.blames:
        yield f"{blame.tag}{at_layers(blame.layers)}"
    for lost in report.losses:
        yield f"{lost.tag}{at_layers(lost.layers)}"


def _beside(report: Report) -> Iterator[str]:
    """What is wrong beside the equations, by the names of its kinds."""
    yield from dict.fromkeys(str(each.kind).replace("-", " ") for each in report.findings)


def _checks(report: Report) -> tuple[Check, ...]:
    """Each equation that was compared, and what is wrong beside them."""
    wrong = {each.tag for each in report.blames} | {e.tag for e in report.losses if e.badly}
    seen = {
        case.case.rows[verdict.name].tag
        for case in report.cases
        for verdict in (*case.passes, *case.failures, *case.lost)
        if verdict.name
    }
    equations = [Check(tag, tag not in wrong) for tag in TAGS if tag in seen]
    return (*equations, *(Check(each, ok=False) for each in _beside(report)))


def _of_backward(file: str, report: BackwardReport) -> Judgement:
    """The judgement of a program's gradients, and of how it moves its parameters."""
    examined = report.examined
    checks = tuple(_gradients_and_updates(examined))
    outcome = Outcome.RIGHT if report.exit_code == 0 else Outcome.WRONG
    if not examined.accused:
        what = "" if report.ok else ", ".join(each.name for each in checks if not each.ok)
        return Judgement(file, outcome, what, checks=checks)
    first = examined.accused[0]
    line = file_and_line(first.lines[0]) if first.lines else ""
    return Judgement(file, outcome, _accused(first), line, why(first.cause), checks)


def _gradients_and_updates(examined: Examined) -> Iterator[Check]:
    for each in examined.gradients:
        yield Check(f"gradient of {each.name}", each.ok)
    for accused in examined.accused:
        if accused.cause.kind in UPDATES:
            yield Check(_accused(accused), ok=False)


def _accused(accused: Accused) -> str:
    what = "update" if accused.cause.kind in UPDATES else "gradient"
    return f"{what} of {', '.join(accused.gradients)}"


def _unjudged(file: str, error: ConformanceError) -> Judgement:
    words = _without(str(error), file)
    return Judgement(file, Outcome.NOT_JUDGED, cause=_first(words), report=_lines(words))


def _stopped(file: str, error: SubjectError) -> Judgement:
    """The judgement of a file whose code failed."""
    words = _without(str(error), file)
    died = any(isinstance(each, StoppedError) for each in (error, error.__cause__))
    outcome = Outcome.CRASH if died else Outcome.LOAD
    outcome = Outcome.TIME if isinstance(error, EndlessError) else outcome
    line = _line_in(words)
    cause = _first(words).removeprefix("cannot be imported: ").removeprefix(f"{line}: ")
    return Judgement(file, outcome, "", line, cause, report=_lines(words))


def _line_in(words: str) -> str:
    """The innermost line of the submission that a traceback or a message names."""
    named = [*_FRAME.finditer(words)] or [*_PLACE.finditer(words)]
    own = [each for each in named if not each["file"].startswith(os.sep)]
    return f"{Path(own[-1]['file']).name}:{own[-1]['line']}" if own else ""


def _without(words: str, file: str) -> str:
    """A message without the file that its row names already, and without our own folder."""
    words = words.replace(f"{Path.cwd()}{os.sep}", "")
    return words.removeprefix(f"{file}: ").removeprefix(f"{file} ")


def _first(words: str) -> str:
    return next(iter(words.splitlines()), "")[:LONGEST]


def _lines(words: str) -> tuple[str, ...]:
    return tuple(words.replace(f"{Path.cwd()}{os.sep}", "").splitlines())
