"""A whole examination of a subject: every case that fits it, then the exact lane.

Left out: what the outcome says (`outcome.py`), how a subject is found (`subjects`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from conformance.compare import FORWARD, RESTARTED, Status
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.judge import CaseReport, check_case
from conformance.outcome import ExactRun, Report
from conformance.subjects import Subject

SMALL = 200  # entries of a step's start up to which the exact lane is run
EXACT_CASES = 2  # how many cases it is run on


def examine(
    subject: Subject,
    place: Path,
    cases: Iterable[Case],
    done: Callable[[CaseReport], None] = lambda _: None,
) -> Report:
    """Put a subject to all cases that fit it.

    Args:
        subject: what is judged.
        place: the corpus.
        cases: of the corpus.
        done: called with the report on each case.

    Raises:
        CorpusError: a case is damaged.
    """
    reports, skipped = [], {}
    for case in cases:
        reason = subject.unfit(case)
        if reason:
            skipped[case.id] = reason
            continue
        reports.append(check_case(subject, store.read(place, case)))
        done(reports[-1])
    exact = tuple(_run_exactly(subject, place, reports))
    return Report(subject.name, subject.conventions, tuple(reports), skipped, exact)


def _run_exactly(
    subject: Subject, place: Path, reports: Sequence[CaseReport]
) -> Iterator[ExactRun]:
    """The exact lane on small cases that fail, or, if none does, on one that passes."""
    if subject.exactly is None:
        return
    small = [each for each in reports if _entries(each.case) <= SMALL]
    wrong = [each for each in small if each.status is Status.FAIL]
    # A case with several samples and layers shows more than one without.
    candidates = sorted(wrong or small, key=lambda each: -_entries(each.case))
    for report in candidates[: EXACT_CASES if wrong else 1]:
        seen = (v.step for v in report.failures if v.mode in (RESTARTED, FORWARD))
        t = next(seen, 0)
        outcome = subject.exactly(report.case, store.read(place, report.case).steps[t])
        yield ExactRun(report.case.id, t, outcome)


def _entries(case: Case) -> int:
    sizes = case.sizes
    return sum(n * (below + 1) for below, n in pairwise(sizes))
