"""How far a free run is from the truth, step by step, beside what rounding can explain.

Left out: the verdicts on it (`judging`) and how it is drawn (`report`).
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np

from conformance.corpus.recorded import Recorded
from conformance.errors import SubjectError
from conformance.judging.observe import observations
from conformance.judging.records import Point
from conformance.subjects import Subject
from conformance.subjects.observation import Shown
from conformance.verdict.compare import free_run_truth
from conformance.verdict.deviation import Target, deviation, malformed
from reference.step import split


def followed(subject: Subject, recorded: Recorded) -> tuple[Point, ...]:
    """A free run of a subject, to the step at which it stops if it does; needs two steps."""
    freely = replace(subject, start=subject.start_free or subject.start)
    shown: list[Mapping[str, Shown]] = []
    with suppress(SubjectError):  # the verdicts say so; the steps before it are shown
        for seen in observations(freely, recorded.case, recorded.steps):
            shown.append(seen.shown)  # noqa: PERF401 - an error keeps what was seen
    return curve(recorded, shown)


def curve(recorded: Recorded, shown: Iterable[Mapping[str, Shown]]) -> tuple[Point, ...]:
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


def _followed(seen: Mapping[str, Shown]) -> dict[str, Shown]:
    """The parameters after a step, or whatever else is shown."""
    parameters = {name: array for name, array in seen.items() if split(name)[0] in ("w", "b")}
    return parameters or dict(seen)


def _point(t: int, name: str, array: Shown, target: Target) -> Point:
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
