"""A whole examination of a subject: every case that fits it, then the exact lane.

Left out: what the outcome says (`outcome.py`), how a subject is found (`subjects`).
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.diagnosis.cause import diagnose
from conformance.exact_lane import run_exactly
from conformance.judge import CaseReport, check_case
from conformance.outcome import Report
from conformance.smallest.example import examples
from conformance.subjects import Subject


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
    exact = tuple(run_exactly(subject, place, reports))
    causes = diagnose(reports)
    small = examples(subject, [cause.tag for cause in causes])
    return Report(subject.name, subject.conventions, tuple(reports), skipped, exact, causes, small)
