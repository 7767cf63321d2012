"""When the exact lane is run: on small cases, in a step in which the blamed equations fail.

Left out: running it (`subjects/book/exact.py`), and what is said of it (`report/terminal.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.cases.small import entries
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.recorded import RecordedStep
from conformance.judging.case_report import CaseReport
from conformance.subjects import Subject
from conformance.subjects.exact_outcome import ExactOutcome
from conformance.verdict.compare import FORWARD, FREE, Status, Verdict
from conformance.watching.digits import Loss

SMALL = 200  # entries of a step's start up to which the exact lane is run
EXACT_CASES = 2  # how many cases it is run on
NARROWER = ("has dtype float16", "has dtype float32")  # as `deviation.malformed` says it


@dataclass(frozen=True)
class ExactRun:
    """The exact lane on one step of a case.

    Attributes:
        case: its id.
        step: its number.
        outcome: what was found.
        lost: where the digits went of what is exactly right and failed in floats in this step.
    """

    case: str
    step: int
    outcome: ExactOutcome
    lost: tuple[Loss, ...] = ()


def run_exactly(subject: Subject, place: Path, reports: Sequence[CaseReport]) -> Iterator[ExactRun]:
    """The exact lane on small cases that fail, or, if none does, on one that passes."""
    if subject.exactly is None:
        return
    small = [each for each in reports if entries(each.case.sizes) <= SMALL]
    wrong = [each for each in small if each.status is Status.FAIL]
    # A case with several samples and layers shows more than one without.
    candidates = sorted(wrong or small, key=lambda each: -entries(each.case.sizes))
    for report, t in _covering(candidates)[: EXACT_CASES if wrong else 1]:
        step = store.read(place, report.case).steps[t]
        outcome = subject.exactly(report.case, step)
        lost = _lost(subject, report.case, step, outcome, failed_at(report, t).values())
        yield ExactRun(report.case.id, t, outcome, tuple(lost))


def _lost(
    subject: Subject,
    case: Case,
    step: RecordedStep,
    outcome: ExactOutcome,
    failures: Iterable[Verdict],
) -> Iterator[Loss]:
    """Where the digits went of what fails in floats alone."""
    for verdict in failures:
        own = verdict.mode == FORWARD
        cleared = lacks_digits(verdict) and outcome.clears(verdict.name, own=own)
        if subject.lost_digits is None or not cleared:
            continue
        index = verdict.worst.index if verdict.worst is not None else ()
        loss = subject.lost_digits(case, step, verdict.name, index, own)
        if loss is not None:
            yield loss


def lacks_digits(verdict: Verdict) -> bool:
    """Whether a failure may be one of digits, and not of the shape or of a dtype that has more."""
    return verdict.worst is not None or verdict.problem.startswith(NARROWER)


def failed_at(report: CaseReport, t: int) -> dict[str, Verdict]:
    """The first failure of each equation in one step from recorded parameters, by its tag."""
    here = {
        tag: [v for v in failures if v.step == t and v.mode != FREE]
        for tag, failures in report.blamed.items()
    }
    return {tag: failures[0] for tag, failures in here.items() if failures}


def _covering(reports: Sequence[CaseReport]) -> list[tuple[CaseReport, int]]:
    """A step of each case: first those in which the most equations fail that no other has shown."""
    steps = {
        (i, t): set(failed_at(report, t))
        for i, report in enumerate(reports)
        for t in range(report.case.steps)
    }
    chosen: dict[int, int] = {}
    shown: set[str] = set()
    while len(chosen) < len(reports):
        left = [key for key in steps if key[0] not in chosen]
        i, t = max(left, key=lambda key: (len(steps[key] - shown), len(steps[key]) > 0))
        chosen[i] = t
        shown |= steps[i, t]
    return [(reports[i], t) for i, t in chosen.items()]
