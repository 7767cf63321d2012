"""A whole examination of a subject: every case that fits it, the causes, then the exact lane.

Left out: what the outcome says (`outcome.py`), how a subject is found (`subjects`).
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from conformance.cases.build import read
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.judging.case_report import CaseReport
from conformance.judging.elsewhere import across_cases, explained_elsewhere, repeats
from conformance.judging.judge import check_case
from conformance.judging.observe import convention, loss_scale, run_exactly
from conformance.report.book_report import Report
from conformance.running.isolate import FEW_COLLECTIONS
from conformance.subjects import Subject


def examine(
    subject: Subject,
    place: Path,
    cases: Iterable[Case],
    done: Callable[[CaseReport], None] = lambda _: None,
    further: Callable[[Report], None] = lambda _: None,
    *,
    detailed: bool = False,
) -> Report:
    """Put a subject to all cases that fit it.

    Args:
        subject: what is judged.
        place: the corpus.
        cases: of the corpus.
        done: called with the report on each case.
        further: called after the cases with the report, as it grows to the one that is returned.
        detailed: whether to keep what is behind each verdict, entry by entry.

    Raises:
        CorpusError: a case is damaged.
    """
    reasons = {case: subject.unfit(case) for case in cases}
    fitting = [case for case, reason in reasons.items() if not reason]
    skipped = {case.id: reason for case, reason in reasons.items() if reason}
    reports = []
    declined: dict[str, str] = {}
    with seldom_collected(), subject.ahead(fitting):
        for report in _reports(subject, place, fitting, declined, detailed=detailed):
            reports.append(report)
            done(report)
    judged = tuple(explained_elsewhere(across_cases(reports)))
    scale = reports[-1].case.scale if reports else 1.0
    said = (*subject.conventions, *[convention(scale)] * (scale != 1))
    unknown = subject.moves_unknown
    whole = Report(subject.name, said, judged, skipped, declined=declined, moves_unknown=unknown)
    if scale != 1:
        further(whole)
    for grown in _grown(subject, place, whole):
        further(whole := grown)
    return whole


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom: a trace is many objects, all of them in use to its end."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], FEW_COLLECTIONS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _reports(
    subject: Subject,
    place: Path,
    cases: Iterable[Case],
    declined: dict[str, str],
    *,
    detailed: bool,
) -> Iterator[CaseReport]:
    """The report on each case, its loss scaled as the subject's; why others are declined."""
    scale = 1.0
    for case in cases:
        if reason := subject.declines(case):
            declined[case.id] = reason
            continue
        try:
            recorded = read(place, case)
        except ArithmeticError as error:
            declined[case.id] = f"has no such case in {case.dtype}: {error}"
            continue
        report = _checked(subject, recorded, scale, detailed=detailed)
        if scale == 1 and (scale := loss_scale(report)) != 1:
            report = _checked(subject, recorded, scale, detailed=detailed)
        yield report


def _checked(subject: Subject, recorded: Recorded, scale: float, *, detailed: bool) -> CaseReport:
    recorded = replace(recorded, case=replace(recorded.case, scale=scale))
    report = check_case(subject, recorded)
    if not detailed:
        return report
    from conformance.detail.cells import with_details  # here: most checks need none of it

    return with_details(subject, recorded, report)


def _grown(subject: Subject, place: Path, report: Report) -> Iterator[Report]:
    """The report with the causes of what is wrong, with the smallest networks, exact runs.

    In the order of what may stop them: a cause is found in what was seen, the smallest networks run
    on floats as the cases did, and on balls a subject may hang that never did so before.
    """
    if any(each.failures or each.frames for each in report.cases):
        from conformance.changed_line import with_change
        from conformance.diagnosis.diagnose import diagnose  # here: a right subject needs neither
        from conformance.explain.step_lines import examples

        report = replace(report, causes=diagnose(report.cases))
        yield report
        report = with_change(report, subject, place)
        scaled = any(each.case.scale != 1 for each in report.cases)  # small networks are not
        if repeats(report.cases) and not scaled:  # else they would not show the same twice either
            tags = [each.tag for each in report.causes]
            report = replace(report, smallest=examples(subject, tags))
        yield report
    for run in run_exactly(subject, place, report.cases):
        report = replace(report, exact=(*report.exact, run))
        yield report
