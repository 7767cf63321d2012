"""Every quantity of a case that was compared, entry by entry, and its free run.

Left out: what one quantity shows (`cell.py`) and how a free run is followed (`curve.py`).
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from conformance.corpus.recorded import Recorded
from conformance.detail.cell import cell
from conformance.detail.curve import curve, followed
from conformance.judging.case_report import CaseReport
from conformance.judging.evidence import Evidence
from conformance.judging.records import Cell, Point
from conformance.subjects import Subject
from conformance.verdict.compare import (
    FREE,
    FROM_TRUTH,
    Status,
    Verdict,
    free_run_truth,
    recorded_truth,
)
from conformance.verdict.deviation import Deviation, Target, deviation, malformed, plain

COMPARED = (Status.PASS, Status.FAIL, Status.EXPLAINED)
INPUTS, TRUTH = "its inputs", "the truth"


def looked(subject: Subject, recorded: Recorded, report: CaseReport) -> CaseReport:
    """The report on a case with its cells and its free run; the subject may run again for it."""
    cells = [each for seen in report.evidence for each in _cells(recorded, report, seen)]
    return replace(report, cells=tuple(cells), curve=_curve(subject, recorded, report))


def _cells(recorded: Recorded, report: CaseReport, seen: Evidence) -> Iterator[Cell]:
    free = seen.mode == FREE
    truth = free_run_truth(recorded)[seen.step] if free else recorded_truth(recorded, seen.step)
    for verdict in report.verdicts:
        here = (verdict.step, verdict.mode) == (seen.step, seen.mode) and verdict.name in seen.shown
        if here and verdict.status in COMPARED:
            shown = seen.shown[verdict.name]
            if not malformed(shown, truth[verdict.name].centre.shape, recorded.case.type):
                against, found = _against(verdict, seen, truth[verdict.name])
                where = verdict.step, verdict.mode, verdict.name
                yield cell(where, against, plain(shown), found)


def _against(verdict: Verdict, seen: Evidence, truth: Target) -> tuple[str, Deviation]:
    """What the verdict compares with: where both agree, that of which the worst entry is worse."""
    shown = seen.shown[verdict.name]
    local = deviation(shown, seen.target(verdict.name))
    if verdict.status is Status.FAIL and not verdict.problem.endswith(FROM_TRUTH):
        return INPUTS, local
    true = deviation(shown, truth)
    if verdict.status is Status.PASS and np.max(local.ratio) >= np.max(true.ratio):
        return INPUTS, local
    return TRUTH, true


def _curve(subject: Subject, recorded: Recorded, report: CaseReport) -> tuple[Point, ...]:
    """Of a subject that is right, what was seen; a wrong one was not let run freely yet."""
    run = [seen for seen in report.evidence if seen.mode == FREE]
    if run:
        return curve(recorded, [seen.shown for seen in run])
    if recorded.case.steps > 1 and subject.runs_freely(recorded.case) and report.failures:
        return followed(subject, recorded)
    return ()
