"""A subject run through the steps of a case: what it shows, or how it stopped.

A program may multiply its errors by a power of two S, so that they do not underflow (loss scaling).
That is a convention, of errors and of gradients, as long as the update divides by S. It is looked
for where something was wrong, and the case is judged again with it.

One step of a small case is run on balls as a whole too: whether a subject that is right is exactly
right. Left out: whether it is right (`judge.py`), and an update that forgets S
(`mistakes/update_mistakes.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log2
from pathlib import Path
from typing import Any

import numpy as np

from conformance.cases.build import read
from conformance.cases.small import entries
from conformance.corpus.case import Case
from conformance.corpus.recorded import RecordedStep
from conformance.errors import ConformanceError, SubjectError
from conformance.judging.case_report import CaseReport, Evidence
from conformance.running.tracebacks import stopped
from conformance.subjects import Subject
from conformance.subjects.observation import SHOWN, Observation, observed
from conformance.verdict.apart import EXACT
from conformance.verdict.compare import RESTARTED, Status
from conformance.verdict.deviation import Observed, compare, plain
from reference.step import Array, Step, split

LEAST = 8.0
"""The least S: 2 and 4 are factors of costs and of learning rates."""

SCALED = (("delta",), ("nabla_b", "nabla_w"))
"""What is scaled together."""


def loss_scale(report: CaseReport) -> float:
    """The S of a case in which something was wrong; 1 if it is not seen to have one."""
    if not report.failures:
        return 1.0
    steps = [each for each in report.evidence if each.mode == RESTARTED]
    return next((s for s in map(_of_step, steps) if s != 1), 1.0)


def _of_step(seen: Evidence) -> float:
    """The S by which the errors of the output are multiplied, or the gradients in its biases."""
    last = seen.case.layers
    for name in (f"delta{last}", f"nabla_b{last}", f"nabla_w{last}"):
        if name not in seen.usable or name not in seen.failed:
            continue
        right = seen.target(name)
        s = 2.0 ** round(_log_ratio(seen.got(name), right.centre))
        m, n = seen.batch.m, seen.case.n
        if s < LEAST or s in {m, n, m * m, m * n}:
            return 1.0  # sums for means could look so
        divided = np.asarray(seen.got(name) / s, seen.case.type)
        return 1.0 if compare(divided, right, seen.case.format).problem else s
    return 1.0


def _unscaled(seen: Observation, step: RecordedStep, scale: float) -> Observation:
    """What was observed, with errors and gradients divided by S where they are so large."""
    shown, returned = dict(seen.shown), dict(seen.returned)
    factors: dict[str, float] = {}
    for part, own in ((shown, factors), (returned, {})):
        for together in SCALED:
            names = [name for name in part if split(name)[0] in together]
            if any(_is_scaled(part[name], step.expected.get(name), scale) for name in names):
                part.update({name: _divided(part[name], scale) for name in names})
                own.update(dict.fromkeys(names, scale))
    on_balls = {mode: each.scaled(factors) for mode, each in seen.on_balls.items()}
    return replace(seen, shown=shown, returned=returned, on_balls=on_balls)


def _is_scaled(shown: Observed, right: Array | None, scale: float) -> bool:
    """Whether an array is nearer to S times what is right than to what is right."""
    if right is None or np.shape(plain(shown)) != right.shape:
        return False
    return _log_ratio(plain(shown), right) > log2(scale) / 2


def _log_ratio(got: Array, right: Array) -> float:
    """By which power of two the largest entry is too large; 0 if that is not known."""
    with np.errstate(all="ignore"):
        ratio = np.max(np.abs(np.asarray(got, np.float64))) / np.max(np.abs(right))
    return float(np.log2(ratio)) if np.isfinite(ratio) and ratio > 0 else 0.0


def _divided(shown: Any, scale: float) -> Any:
    """The array over S, which changes no digit."""
    return shown / scale if not isinstance(shown, np.ndarray) else np.asarray(shown / scale)


def convention(scale: float) -> str:
    """What is said of it."""
    return f"errors or gradients are multiplied by {scale:g} (loss scaling)"


def observations(
    subject: Subject, case: Case, steps: Sequence[RecordedStep]
) -> Iterator[Observation]:
    """What the subject shows of each step in turn.

    Raises:
        SubjectError: it could not be run, or showed a quantity that does not exist.
        InternalError: the project's own code failed on it.
    """
    try:
        session = subject.start(case, steps[0].parameters)
        for step in steps:
            taken = session.step(step.batch)
            if not isinstance(taken, Observation | Step | Mapping):
                raise SubjectError(f"{subject.name} showed a {type(taken).__name__}, not a step")  # noqa: TRY301
            seen = observed(taken)
            unknown = sorted(str(name) for name in seen.shown.keys() - case.rows.keys())
            if unknown:
                raise SubjectError(f"{subject.name} showed {unknown[0]!r}, which is no quantity")  # noqa: TRY301
            yield seen if case.scale == 1 else _unscaled(seen, step, case.scale)
    except ConformanceError:
        raise
    except (Exception, SystemExit) as error:
        raise stopped(f"{subject.name} stopped in {case.id}", error) from error


SMALL = 200  # entries of a step's start up to which the exact lane is run


@dataclass(frozen=True)
class ExactRun:
    """One step of a case on balls.

    Attributes:
        case: its id.
        step: its number.
        left: why there is none, or nothing.
        errors: the distance of each quantity from its equation on the subject's own inputs, as a
            part of the largest entry, in causal order.
        undecided: why others are not known, by their names.
    """

    case: str
    step: int
    left: str = ""
    errors: dict[str, float] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> list[str]:
        """The quantities that do not follow from their equation, in causal order."""
        return [name for name, error in self.errors.items() if not error <= EXACT]

    @property
    def right(self) -> bool:
        """Whether everything that was seen is exactly right."""
        return bool(self.errors) and not self.wrong


def run_exactly(subject: Subject, place: Path, reports: Sequence[CaseReport]) -> Iterator[ExactRun]:
    """A step of the largest small case on balls, if none fails."""
    small = [each for each in reports if entries(each.case.sizes) <= SMALL]
    if not small or any(each.status is not Status.PASS for each in reports):
        return
    case = max((each.case for each in small), key=lambda case: entries(case.sizes))
    try:
        run = exact_run(subject, case, read(place, case).steps[0])
    except SubjectError as error:
        run = ExactRun(case.id, 0, str(error))
    if run is not None:
        yield run


def exact_run(subject: Subject, case: Case, step: RecordedStep) -> ExactRun | None:
    """One step on balls; None if the subject cannot be followed there.

    Raises:
        SubjectError: it could not be run.
    """
    seen = next(observations(subject, case, [step]))
    on_balls = seen.on_balls.get(SHOWN)
    if on_balls is None:
        return None
    found = {name: on_balls(name) for name in case.rows if name in seen.shown}
    errors = {name: each.error for name, each in found.items() if each.error is not None}
    undecided = {name: each.why for name, each in found.items() if each.error is None}
    return ExactRun(case.id, 0, "", errors, undecided)
