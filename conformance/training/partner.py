"""A subject that walks beside the reference: its steps, its parameters, how far it has drifted.

A step is judged from the subject's own start: rounding, or which equation. Left out: the steps
of the reference, and which steps are judged (`lockstep.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar, cast

import numpy as np

from conformance.corpus.case import Case
from conformance.errors import ConformanceError, SubjectError
from conformance.judging.case_report import Evidence
from conformance.judging.judge import decided
from conformance.model.table import TAGS
from conformance.report.message import difference, problem_text
from conformance.running.quiet import quiet
from conformance.running.tracebacks import stopped
from conformance.subjects import Session, Subject, Unobserved
from conformance.subjects.observation import Observation, observed
from conformance.training.training_record import Jump
from conformance.verdict.compare import FREE, Status, Verdict, judge
from conformance.verdict.deviation import Target
from conformance.verdict.finding import Finding
from conformance.verdict.oracle import expectations
from reference.descent import Descent
from reference.equations import ACTIVATIONS, COSTS
from reference.step import Array, Batch, Parameters, Step, split

T = TypeVar("T")

KEPT = 4  # right steps that a diagnosis may look at


@dataclass(frozen=True, eq=False)
class Taken:
    """One step that a subject took."""

    epoch: int
    step: int
    start: Parameters
    batch: Batch
    seen: Observation


class Partner:
    """A subject in training; see the module.

    Attributes:
        name: of the subject.
        parameters: after the last step, as it showed them.
        seconds: spent in its steps since the epoch began.
        drift: the largest difference of a parameter from the reference's.
        apart: the largest since the epoch began after one step from the same start.
        jump: the first step that rounding does not explain, once there is one.
        findings: what is wrong with it beside its steps, such as a loop of its own.
        judged: steps judged since the epoch began.
        worst: the largest error in them as a multiple of its tolerance.
    """

    def __init__(self, subject: Subject, case: Case, start: Parameters) -> None:
        """Start from the parameters."""
        self.name, self.case, self.parameters = subject.name, case, start
        self.session: Session = self._run(
            lambda: (subject.start_free or subject.start)(case, start.map(np.array))
        )
        self.findings: dict[Finding, None] = {}
        activations = [ACTIVATIONS[each] for each in case.activations]
        kinds = activations, COSTS[case.cost], case.rule, start.state
        self._follower = Descent(start.w, start.b, *kinds)
        self.jump: Jump | None = None
        self.drift = 0.0
        self.begin_epoch()
        self._before: Taken | None = None
        self._right: list[Evidence] = []

    def begin_epoch(self) -> None:
        """Count from nothing."""
        self.seconds, self.judged, self.worst, self.apart = 0.0, 0, 0.0, 0.0

    def step(
        self,
        batch: Batch,
        reference: Mapping[str, Array],
        where: tuple[int, int],
        *,
        floor: float,
        wanted: bool,
    ) -> None:
        """Take a step, and judge it if that is wanted, or if it ends far from the reference's.

        The reference takes the same step from the partner's own start: every step is compared,
        however far the two runs have parted by then.

        Args:
            batch: the mini-batch.
            reference: the reference's parameters after it, by their names.
            where: the epoch and the step in it.
            floor: how far apart one step may end from the same start, unless it is judged.
            wanted: whether to judge it anyway.

        Raises:
            SubjectError: the subject could not be run, or does not show its parameters.
        """
        start, own = self.parameters, batch.map(np.array)  # which it may overwrite
        began = perf_counter()
        seen = self._run(lambda: observed(self._stepped(own)))
        self.seconds += perf_counter() - began
        self.parameters = self._observed(seen)
        self.findings |= dict.fromkeys(seen.findings)
        taken = Taken(*where, start, batch, seen)
        self.drift = _distance(self.parameters, reference)
        right = self._followed(start, batch)
        apart = _distance(self.parameters, right)
        self.apart = float(np.max((self.apart, apart)))
        known = all(np.isfinite(array).all() for array in right.values())
        if self.jump is None and known and (wanted or not apart <= floor):
            self._judge(taken)
        self._before = taken

    def _stepped(self, batch: Batch) -> Observation | Step | Mapping[str, Array]:
        """Take the step; after a jump, with which all is said, nobody looks at it closely."""
        session = self.session
        if self.jump is not None and isinstance(session, Unobserved):
            return session.move(batch)
        return session.step(batch)

    def _judge(self, taken: Taken) -> None:
        verdicts, evidence = judged(self.case, taken, self._before)
        self.judged, self.worst = self.judged + 1, max(self.worst, worst(verdicts))
        if any(verdict.failed for verdict in verdicts):
            self.jump = jump(self.name, taken, verdicts, [*self._right, evidence])
        else:
            self._right = [*self._right, evidence][-KEPT:]

    def _followed(self, start: Parameters, batch: Batch) -> Mapping[str, Array]:
        """The parameters after the reference's step from the partner's start."""
        own = self._follower
        own.begin(start)
        own.step(batch, self.case.eta, self.case.decay)
        return dict(Parameters(tuple(own.weights), tuple(own.biases)).named())

    def _observed(self, seen: Observation) -> Parameters:
        names = [*dict(self.parameters.named()), *self.parameters.state]
        missing = [name for name in names if not isinstance(seen.shown.get(name), np.ndarray)]
        if missing:
            raise SubjectError(f"{self.name} does not show {missing[0]} after a step of training")
        try:
            return Parameters.of(cast("Mapping[str, Array]", {n: seen.shown[n] for n in names}))
        except ValueError as error:
            raise SubjectError(f"{self.name}: its parameters make no network: {error}") from error

    def _run(self, work: Callable[[], T]) -> T:
        try:
            with quiet():
                return work()
        except ConformanceError:
            raise
        except (Exception, SystemExit) as error:
            raise stopped(f"{self.name} stopped", error) from error


def _distance(own: Parameters, other: Mapping[str, Array]) -> float:
    """The largest difference of a parameter; NaN where one is no number any more."""
    parts = [np.max(np.abs(other[name] - array)) for name, array in own.named()]
    return float(np.max(parts))


def judged(case: Case, taken: Taken, before: Taken | None = None) -> tuple[list[Verdict], Evidence]:
    """The verdicts on every quantity that was shown, and the evidence for a diagnosis.

    The truth is `expectations` from the subject's own start, which is one step away: so its
    derived tolerance is that of a single step, whatever was walked before.
    """
    start = taken.start, taken.batch
    truth = {name: Target.of(each) for name, each in expectations(case, *start).items()}
    verdicts = judge(case, (taken.step, FREE), start, truth, taken.seen.shown)
    verdicts = decided(verdicts, taken.seen, case, taken.batch.m)
    failed = frozenset(v.name for v in verdicts if v.status is Status.FAIL)
    earlier = None
    if before is not None:
        earlier = Evidence(
            *(case, before.step, FREE, before.start, before.batch, before.seen.shown, frozenset())
        )
    return verdicts, Evidence(case, taken.step, FREE, *start, taken.seen.shown, failed, earlier)


def worst(verdicts: Sequence[Verdict]) -> float:
    """The largest error as a multiple of its tolerance."""
    return max((v.worst.ratio for v in verdicts if v.worst is not None), default=0.0)


def jump(
    subject: str, taken: Taken, verdicts: Sequence[Verdict], evidence: Sequence[Evidence]
) -> Jump | None:
    """What is wrong with a step: its first failure, named; None if nothing is.

    Args:
        subject: its name.
        taken: the step.
        verdicts: on it.
        evidence: of it, the last, and of steps that were judged before it.
    """
    first = next((v for v in verdicts if v.failed), None)
    if first is None:
        return None
    case = evidence[-1].case
    named = case.rows[first.name]
    numbers = "" if first.worst is None else f": {difference(first.worst)}"
    return Jump(
        *(subject, taken.epoch, taken.step, first.name, split(first.name)[1]),
        *(named.tag, named.formula, f"{first.name} {problem_text(first)}{numbers}"),
        _causes(subject, case, verdicts, evidence),
    )


def _causes(
    subject: str, case: Case, verdicts: Sequence[Verdict], evidence: Sequence[Evidence]
) -> tuple[str, ...]:
    """The known mistakes that do what is wrong, the first equation's first."""
    from conformance.diagnosis.diagnose import diagnose  # here: a right subject needs none
    from conformance.judging.case_report import CaseReport

    report = CaseReport(case, subject, list(verdicts), evidence=tuple(evidence))
    causes = diagnose([report])
    found = [id_ for tag in TAGS for c in causes if c.tag == tag for id_ in c.mistakes]
    return tuple(dict.fromkeys(found))
