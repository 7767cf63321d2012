"""A whole examination of a subject: every case that fits it, then the exact lane.

Left out: what the outcome says (`outcome.py`), how a subject is found (`subjects`).
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.diagnosis.cause import Cause
from conformance.judging.case_report import CaseReport
from conformance.judging.exact_lane import run_exactly
from conformance.judging.judge import check_case
from conformance.outcome import Report
from conformance.smallest.example import Example
from conformance.subjects import Subject


def examine(
    subject: Subject,
    place: Path,
    cases: Iterable[Case],
    done: Callable[[CaseReport], None] = lambda _: None,
    *,
    detailed: bool = False,
) -> Report:
    """Put a subject to all cases that fit it.

    Args:
        subject: what is judged.
        place: the corpus.
        cases: of the corpus.
        done: called with the report on each case.
        detailed: whether to keep what is behind each verdict, entry by entry.

    Raises:
        CorpusError: a case is damaged.
    """
    reasons = {case: subject.unfit(case) for case in cases}
    fitting = [case for case, reason in reasons.items() if not reason]
    skipped = {case.id: reason for case, reason in reasons.items() if reason}
    reports = []
    with subject.ahead(fitting):
        for case in fitting:
            reports.append(_checked(subject, store.read(place, case), detailed=detailed))
            done(reports[-1])
    exact = tuple(run_exactly(subject, place, reports))
    causes, small = _why(subject, reports)
    return Report(subject.name, subject.conventions, tuple(reports), skipped, exact, causes, small)


def _checked(subject: Subject, recorded: Recorded, *, detailed: bool) -> CaseReport:
    report = check_case(subject, recorded)
    if not detailed:
        return report
    from conformance.detail.look import looked  # here: most checks need none of it

    return looked(subject, recorded, report)


def _why(
    subject: Subject, reports: Sequence[CaseReport]
) -> tuple[tuple[Cause, ...], tuple[Example, ...]]:
    """The causes of what is wrong, and the smallest networks that show it."""
    if not any(report.failures for report in reports):
        return (), ()
    from conformance.diagnosis.diagnose import diagnose  # here: a right subject needs neither
    from conformance.smallest.find import examples

    causes = diagnose(reports)
    return causes, examples(subject, [cause.tag for cause in causes])
