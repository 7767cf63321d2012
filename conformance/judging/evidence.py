"""What a subject showed in one step, and what its equations were to make of it.

Left out: how it was judged (`verdict/compare.py`) and what it means (`cause.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.corpus.recorded import shape_of
from conformance.mistakes.situation import Situation
from conformance.subjects.observation import Shown
from conformance.verdict.deviation import Target, malformed
from conformance.verdict.oracle import Standing, standing
from reference.step import Array, Batch, Parameters


@dataclass(frozen=True, eq=False)
class Evidence:
    """One step of a subject, kept for the diagnosis.

    Attributes:
        case: which.
        step: its number.
        mode: restarted, a feedforward pass, or the free run.
        start: the parameters from which the subject started.
        batch: the mini-batch.
        shown: what it showed.
        failed: the names of the quantities that are blamed.
        previous: the step before, of a free run.
    """

    case: Case
    step: int
    mode: str
    start: Parameters
    batch: Batch
    shown: Mapping[str, Shown]
    failed: frozenset[str]
    previous: "Evidence | None" = None

    @cached_property
    def usable(self) -> dict[str, Shown]:
        """What was shown, as far as later equations can start from it."""
        return {
            name: array
            for name, array in self.shown.items()
            if not malformed(array, shape_of(self.case, name, self.batch.m), self.case.type)
            and np.isfinite(array.value if isinstance(array, RunningError) else array).all()
        }

    @cached_property
    def standing(self) -> Standing:
        """What is to be expected of each equation on the subject's own inputs, and these inputs."""
        return standing(self.case, self.start, self.batch, self.usable)

    @cached_property
    def situation(self) -> Situation:
        """Where the subject's equations stood, for formulas to be put in their place."""
        here, output = self.standing, f"a{self.case.layers}"
        before = None if self.previous is None else self.previous.situation
        # δ^L and C may be computed from z^L: then a^L is known as well as its equation gives it.
        a = here.inputs[output]
        inputs = {
            **here.inputs,
            output: RunningError(a.value, here.expected[output].bound, a.precision),
        }
        return Situation(self.case, here.given, inputs, previous=before)

    def expected(self, name: str) -> RunningError:
        """What the book's equation gives, with its tolerance."""
        return self.standing.expected[name]

    def target(self, name: str) -> Target:
        """The same as a target of a comparison."""
        expected = self.expected(name)
        return Target(expected.value, expected.tolerance())

    def got(self, name: str) -> Array:
        """What the subject showed, in floats."""
        shown = self.shown[name]
        return shown.value if isinstance(shown, RunningError) else np.asarray(shown)
