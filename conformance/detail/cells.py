"""Every quantity of a case that was compared, entry by entry, and its free run.

Of one quantity: its worst entries, its errors, and a map of them; of a free run: how far it is from
the truth, beside what rounding can explain. Left out: how all of this is drawn (`report`).
"""

import base64
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np

from conformance.corpus.recorded import Recorded
from conformance.errors import SubjectError
from conformance.judging.case_report import CaseReport, Cell, Entry, Evidence, Point
from conformance.judging.judge import free_run
from conformance.subjects import Subject
from conformance.subjects.observation import Observed
from conformance.verdict.compare import FREE, Status, Verdict, free_run_truth, recorded_truth
from conformance.verdict.deviation import Deviation, Target, deviation, malformed, plain
from reference.step import Array, split

SHOWN = 5  # of the worst entries
STEPS = 2  # levels of the map for each doubling of error over tolerance
EXACT, LOWEST, AT, HIGHEST, LOST = 0, 1, 128, 254, 255
"""Levels: no error; almost none; the tolerance itself, the highest that is right; most; no number.
"""
TOP = 64  # the last bin of the histogram holds 2^63 ulps and more


COMPARED = (Status.PASS, Status.FAIL, Status.LOST, Status.EXPLAINED)
INPUTS, TRUTH = "its inputs", "the truth"


def with_details(subject: Subject, recorded: Recorded, report: CaseReport) -> CaseReport:
    """The report on a case with its cells and its free run; the subject may run again for it."""

    def truth(seen: Evidence) -> Mapping[str, Target]:
        free = seen.mode == FREE
        return free_run_truth(recorded)[seen.step] if free else recorded_truth(recorded, seen.step)

    return replace(with_cells(report, truth), curve=_curve(subject, recorded, report))


def with_cells(report: CaseReport, truth: Callable[[Evidence], Mapping[str, Target]]) -> CaseReport:
    """The report on a case with its cells; `truth` is what is right in a step that was seen."""
    cells = [each for seen in report.evidence for each in _cells(report, seen, truth(seen))]
    return replace(report, cells=tuple(cells))


def _cells(report: CaseReport, seen: Evidence, truth: Mapping[str, Target]) -> Iterator[Cell]:
    for verdict in report.verdicts:
        here = (verdict.step, verdict.mode) == (seen.step, seen.mode) and verdict.name in seen.shown
        if here and verdict.status in COMPARED:
            shown = seen.shown[verdict.name]
            if not malformed(shown, truth[verdict.name].centre.shape, report.case.type):
                against, found = _against(verdict, seen, truth[verdict.name])
                where = verdict.step, verdict.mode, verdict.name
                yield cell(where, against, plain(shown), found)


def _against(verdict: Verdict, seen: Evidence, truth: Target) -> tuple[str, Deviation]:
    """What the verdict compares with: where both agree, that of which the worst entry is worse."""
    shown = seen.shown[verdict.name]
    local = deviation(shown, seen.target(verdict.name), seen.case.format)
    if verdict.status in (Status.FAIL, Status.LOST) and not verdict.from_truth:
        return INPUTS, local
    true = deviation(shown, truth, seen.case.format)
    if verdict.status is Status.PASS and np.max(local.ratio) >= np.max(true.ratio):
        return INPUTS, local
    return TRUTH, true


def _curve(subject: Subject, recorded: Recorded, report: CaseReport) -> tuple[Point, ...]:
    """Of a subject that is right, what was seen; a wrong one was not let run freely yet."""
    run = [seen for seen in report.evidence if seen.mode == FREE]
    if run:
        return curve(recorded, [seen.shown for seen in run])
    if (
        recorded.case.steps > 1
        and (report.failures or report.lost)
        and subject.runs_freely(recorded.case)
    ):
        return followed(subject, recorded)
    return ()


def cell(where: tuple[int, str, str], against: str, array: Array, found: Deviation) -> Cell:
    """The cell of a well-formed array.

    Args:
        where: step, mode and name.
        against: what it was compared with.
        array: as the subject showed it.
        found: its deviation from that.
    """
    return Cell(
        *where,
        tuple(array.shape),
        str(array.dtype),
        against,
        tuple(_worst(found)),
        tuple(_histogram(found.ulps)),
        _limits(array, found),
        base64.b64encode(zlib.compress(_level(found).tobytes(), 9)).decode(),
    )


def _worst(found: Deviation) -> list[Entry]:
    """The entries that are furthest out; of equal ones the first in row order."""
    ratio = found.ratio.ravel()
    count = min(SHOWN, ratio.size)
    order = np.argsort(-ratio, kind="stable")[:count]
    places = [np.unravel_index(int(i), found.ratio.shape) for i in order]
    return [
        Entry(
            tuple(int(i) for i in place),
            *(float(part[place]) for part in (found.got, found.right, found.ulps, found.ratio)),
        )
        for place in places
    ]


def _histogram(ulps: Array) -> list[int]:
    """How many entries are exact, and how many lie in each doubling of ulps; no empty tail."""
    with np.errstate(divide="ignore"):
        doubling = np.ceil(np.log2(ulps.ravel()))
    bins = np.where(ulps.ravel() == 0, 0, np.clip(doubling, 0, TOP - 1) + 1).astype(int)
    return [int(count) for count in np.bincount(bins)]


def _limits(array: Array, found: Deviation) -> tuple[float, float]:
    with np.errstate(all="ignore"):
        ulp = np.spacing(np.abs(found.right).astype(array.dtype)).astype(np.float64)
        limits = found.tolerance / ulp
    known = limits[np.isfinite(limits)]
    return (float(known.min()), float(known.max())) if known.size else (np.inf, np.inf)


def _level(found: Deviation) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Error over tolerance on a scale of doublings: above `AT` is what lies outside."""
    with np.errstate(all="ignore"):
        scaled = AT + np.ceil(STEPS * np.log2(found.ratio))
        levels = np.clip(np.nan_to_num(scaled, nan=LOST), LOWEST, HIGHEST)
    levels = np.where(found.error == 0, EXACT, levels)
    return np.where(np.isfinite(found.got), levels, LOST).astype(np.uint8)


def followed(subject: Subject, recorded: Recorded) -> tuple[Point, ...]:
    """A free run of a subject, to the step at which it stops if it does; needs two steps."""
    evidence: list[Evidence] = []
    with suppress(SubjectError):  # the verdicts say so; the steps before it are shown
        free_run(subject, recorded, evidence)
    return curve(recorded, [seen.shown for seen in evidence])


def curve(recorded: Recorded, shown: Iterable[Mapping[str, Observed]]) -> tuple[Point, ...]:
    """The points of the steps of a free run that shows anything."""
    points = []
    for t, (targets, seen) in enumerate(zip(free_run_truth(recorded), shown, strict=False)):
        found = [
            _point(t, name, array, targets[name])
            for name, array in _followed(seen).items()
            if not malformed(array, targets[name].centre.shape, recorded.case.type)
        ]
        if found:
            points.append(max(found, key=_multiple))
    return tuple(points)


def _followed(seen: Mapping[str, Observed]) -> dict[str, Observed]:
    """The parameters after a step, or whatever else is shown."""
    parameters = {name: array for name, array in seen.items() if split(name)[0] in ("w", "b")}
    return parameters or dict(seen)


def _point(t: int, name: str, array: Observed, target: Target) -> Point:
    found = deviation(array, target)
    place = np.unravel_index(int(np.argmax(found.ratio)), found.ratio.shape)
    error = float(found.error[place])
    index = tuple(int(i) for i in place)
    error = np.inf if np.isnan(error) else error
    return Point(t, name, index, error, float(found.tolerance[place]))


def _multiple(point: Point) -> float:
    with np.errstate(all="ignore"):
        ratio = float(np.divide(point.error, point.tolerance))
    return np.inf if np.isnan(ratio) and point.error else np.nan_to_num(ratio, nan=0.0)
