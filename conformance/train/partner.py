"""A subject that walks beside the reference: its steps, its parameters, how far it has drifted.

Left out: the reference's own steps, and what its drift means (`lockstep.py`).
"""

from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from time import perf_counter
from typing import TypeVar, cast

import numpy as np

from conformance.compare import Status
from conformance.corpus.case import Case
from conformance.diagnosis.evidence import Evidence
from conformance.errors import ConformanceError, SubjectError
from conformance.isolate import PACKAGE, headline, own_traceback
from conformance.subjects import Session, Subject
from conformance.subjects.observation import Observation, observed
from conformance.train.judging import Taken, judged, jump, worst
from conformance.train.record import Jump
from reference.step import Array, Batch, Parameters

T = TypeVar("T")

GROWTH = 8.0
"""A drift that grows in one step by more than this factor has the step judged."""

KEPT = 4  # right steps that a diagnosis may look at


class Partner:
    """A subject in training; see the module.

    Attributes:
        name: of the subject.
        parameters: after the last step, as it showed them.
        seconds: spent in its steps since the epoch began.
        drift: the largest difference of a parameter from the reference's.
        jump: the first step that rounding does not explain, once there is one.
        judged: steps judged since the epoch began.
        worst: the largest error in them as a multiple of its tolerance.
    """

    def __init__(self, subject: Subject, case: Case, start: Parameters) -> None:
        """Start from the parameters."""
        self.name, self.case, self.parameters = subject.name, case, start
        self.session: Session = self._run(
            lambda: (subject.start_free or subject.start)(case, start.map(np.array))
        )
        self.jump: Jump | None = None
        self.drift = 0.0
        self.begin_epoch()
        self._before: Taken | None = None
        self._right: list[Evidence] = []

    def begin_epoch(self) -> None:
        """Count from nothing."""
        self.seconds, self.judged, self.worst = 0.0, 0, 0.0

    def step(
        self,
        batch: Batch,
        reference: Mapping[str, Array],
        where: tuple[int, int],
        *,
        floor: float,
        wanted: bool,
    ) -> None:
        """Take a step, and judge it if that is wanted, or the drift has grown too fast.

        Args:
            batch: the mini-batch.
            reference: the reference's parameters after it, by their names.
            where: the epoch and the step in it.
            floor: the drift below which its growth says nothing.
            wanted: whether to judge it anyway.

        Raises:
            SubjectError: the subject could not be run, or does not show its parameters.
        """
        start, own = self.parameters, batch.map(np.array)  # which it may overwrite
        began = perf_counter()
        seen = self._run(lambda: observed(self.session.step(own)))
        self.seconds += perf_counter() - began
        self.parameters = self._shown(seen)
        taken = Taken(*where, start, batch, seen)
        before, self.drift = self.drift, self._distance(reference)
        if self.jump is None and (wanted or not self.drift <= GROWTH * max(before, floor)):
            self._judge(taken)
        self._before = taken

    def _judge(self, taken: Taken) -> None:
        verdicts, evidence = judged(self.case, taken, self._before)
        self.judged, self.worst = self.judged + 1, max(self.worst, worst(verdicts))
        if any(verdict.status is Status.FAIL for verdict in verdicts):
            self.jump = jump(self.name, taken, verdicts, [*self._right, evidence])
        else:
            self._right = [*self._right, evidence][-KEPT:]

    def _distance(self, reference: Mapping[str, Array]) -> float:
        """NaN where a parameter is no number any more, in either."""
        parts = [
            np.max(np.abs(np.subtract(reference[name], own, dtype=np.float64)))
            for name, own in self.parameters.named()
        ]
        return float(np.max(parts))

    def _shown(self, seen: Observation) -> Parameters:
        names = [name for name, _ in self.parameters.named()]
        missing = [name for name in names if not isinstance(seen.shown.get(name), np.ndarray)]
        if missing:
            raise SubjectError(f"{self.name} does not show {missing[0]} after a step of training")
        try:
            return Parameters.of(cast("Mapping[str, Array]", {n: seen.shown[n] for n in names}))
        except ValueError as error:
            raise SubjectError(f"{self.name}: its parameters make no network: {error}") from error

    def _run(self, work: Callable[[], T]) -> T:
        try:
            with redirect_stdout(StringIO()), np.errstate(all="ignore"):
                return work()
        except ConformanceError:
            raise
        except Exception as error:
            raise SubjectError(
                f"{self.name} stopped: {headline(error)}\n{own_traceback(error, PACKAGE)}".rstrip()
            ) from error
