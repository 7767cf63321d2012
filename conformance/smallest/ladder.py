"""The ladder of small networks, and the first rung on which a subject fails.

Left out: its numbers (`cases/small.py`), and what is said of a rung (`worked.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.cases.small import entries, in_float32, recorded, small_case
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.errors import ConformanceError
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.judging.observe import observations
from conformance.model.table import tag_of
from conformance.subjects import Subject
from conformance.subjects.observation import Shown
from conformance.verdict.compare import (
    FORWARD,
    FREE,
    Status,
    Verdict,
    parameters_after,
)
from conformance.verdict.deviation import plain
from conformance.verdict.oracle import usable
from reference.equations import COSTS
from reference.step import Array, Parameters

SIZES = (
    (1, 1),
    (2, 1),
    (1, 1, 1),
    (1, 2),
    (2, 2),
    (1, 2, 1),
    (2, 2, 1),
    (1, 2, 2),
    (2, 2, 2),
    (2, 3, 2),
    (2, 2, 2, 2),
)
RUNNING = ((1, 1), (1, 1, 1), (2, 2, 2))
"""Sizes of which there are runs: two mini-batches, the second as long as the first or shorter."""
DECAYING = ((1, 1), (1, 1, 1))
"""Sizes of which there are steps with weight decay."""

TRUTH = "from the truth"  # the end of a problem that is none given the inputs


def _rungs() -> Iterator[Case]:
    """Smallest first: by the entries, the length of a mini-batch, the steps; λ and ln come last."""
    for sizes in sorted(SIZES, key=entries):
        runs = ((1, 1), (2, 1)) if sizes in RUNNING else ()
        for lengths in sorted(((1,), (2,), *runs), key=lambda each: (max(each), len(each))):
            for decaying in (False, True)[: 1 + (sizes in DECAYING and len(lengths) == 1)]:
                for cost in COSTS:
                    yield small_case(sizes, lengths, cost=cost, decaying=decaying)


RUNGS = tuple(_rungs())
"""The ladder, in float64; a rung with each cost."""


@dataclass(frozen=True, eq=False)
class Rung:
    """A small case on which a subject fails, and the step that shows it.

    Attributes:
        recorded: the case and its numbers.
        report: the verdicts on it.
        failure: the verdict that shows it.
        start: the parameters with which the step starts; in a free run the subject's own.
        shown: what the subject showed of the step.
    """

    recorded: Recorded
    report: CaseReport
    failure: Verdict
    start: Parameters
    shown: Mapping[str, Shown]

    @property
    def case(self) -> Case:
        """The case of the rung."""
        return self.recorded.case

    @property
    def tags(self) -> tuple[str, ...]:
        """The equations that are blamed on it."""
        return tuple(dict.fromkeys(_tag(self.report, each) for each in _named(self.report)))

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdicts on the step, by the names of the quantities."""
        here = (self.failure.step, self.failure.mode)
        return {v.name: v for v in self.report.verdicts if (v.step, v.mode) == here and v.name}

    @property
    def usable(self) -> dict[str, Array]:
        """What was shown in the right shape and dtype and finite: it enters what follows."""
        m = self.recorded.steps[self.failure.step].batch.m
        arrays = {name: plain(shown) for name, shown in self.shown.items()}
        return {name: plain(each) for name, each in usable(self.case, m, arrays).items()}

    def local(self, name: str) -> bool:
        """Whether a quantity does not follow from what the subject showed before it."""
        verdict = self.verdicts.get(name, self.failure)
        wrong = verdict.name == name and verdict.status is Status.FAIL
        return wrong and not verdict.problem.endswith(TRUTH)


def smallest(subject: Subject, tags: Sequence[str] | None = None) -> Rung | None:
    """The first rung that shows what is wrong with a subject, or None.

    Args:
        subject: it runs here, in this process.
        tags: the equations that may be blamed on it, the first of which must be; any if None. What
            is wrong beside the quantities blames none.
    """
    for dtype in sorted(subject.dtypes, reverse=True):  # float64 first
        for rung in RUNGS:
            case = rung if dtype == "float64" else in_float32(rung)
            if not subject.unfit(case) and (subject.decays or not case.lmbda):
                with np.errstate(all="ignore"):  # a wrong formula overflows where it will
                    found = _tried(subject, recorded(case), tags)
                if found is not None:
                    return found
    return None


def _tried(subject: Subject, rung: Recorded, tags: Sequence[str] | None) -> Rung | None:
    """The rung, if the subject runs on it and fails as is asked."""
    try:
        report = check_case(subject, rung)
        named = _named(report)
        blamed = {_tag(report, verdict) for verdict in named}
        first = [v for v in named if not tags or _tag(report, v) == tags[0]]
        if report.error or not first or (tags and not blamed <= set(tags)):
            return None
        return Rung(rung, report, first[0], *seen(subject, rung, (first[0].step, first[0].mode)))
    except ConformanceError:  # such as a shape that only fits elsewhere: another rung will do
        return None


def seen(
    subject: Subject, recorded: Recorded, at: tuple[int, str]
) -> tuple[Parameters, Mapping[str, Shown]]:
    """Where a step starts, and what the subject shows of it.

    Args:
        subject: it runs here, in this process.
        recorded: a case.
        at: the step, and the mode of the verdicts on it.

    Raises:
        SubjectError: the subject could not be run.
    """
    case, (t, mode) = recorded.case, at
    step = recorded.steps[t]
    if mode != FREE:
        taken = next(observations(subject, case, [step]))
        return step.parameters, taken.forward if mode == FORWARD else taken.shown
    freely = replace(subject, start=subject.start_free or subject.start)
    start, shown = recorded.steps[0].parameters, dict[str, Shown]()
    for s, taken in enumerate(observations(freely, case, recorded.steps[: t + 1])):
        shown = dict(taken.shown)
        if s < t:
            start = parameters_after(case, (start, recorded.steps[s].batch), shown)
    return start.map(plain), shown


def _named(report: CaseReport) -> list[Verdict]:
    return [verdict for verdict in report.failures if verdict.name]


def _tag(report: CaseReport, verdict: Verdict) -> str:
    return tag_of(verdict.name, report.case.layers)
