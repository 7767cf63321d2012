"""What a subject showed in one step, and what its equations were to make of it.

Left out: how it was judged (`verdict/compare.py`) and what it means (`diagnosis/cause.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.mistakes.situation import Situation
from conformance.subjects.observation import Observed
from conformance.verdict.deviation import Target, plain
from conformance.verdict.oracle import Standing, standing, usable
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
        here: what was to be expected of it, if that is known; see `standing`.
        own_numbers: as of an `Observation`.
    """

    case: Case
    step: int
    mode: str
    start: Parameters
    batch: Batch
    shown: Mapping[str, Observed]
    failed: frozenset[str]
    previous: "Evidence | None" = None
    here: Standing | None = None
    own_numbers: bool = False

    @cached_property
    def usable(self) -> dict[str, Observed]:
        """What was shown, as far as later equations can start from it."""
        return usable(self.case, self.batch.m, self.shown)

    @cached_property
    def blamed(self) -> dict[str, list[str]]:
        """The names of what is blamed and was shown, by the tags of the equations."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.failed & set(self.shown)):
            found.setdefault(self.case.rows[name].tag, []).append(name)
        return found

    @cached_property
    def standing(self) -> Standing:
        """What is to be expected of each equation on the subject's own inputs, and these inputs."""
        return self.here or standing(self.case, self.start, self.batch, self.usable)

    @cached_property
    def situation(self) -> Situation:
        """Where the subject's equations stood, for formulas to be put in their place."""
        here, output = self.standing, f"a{self.case.layers}"
        before = None if self.previous is None else self.previous.situation
        # δ^L and C may be computed from z^L: then a^L is known as well as its equation gives it.
        inputs = {**here.inputs, output: here.again(output)}
        return Situation(self.case, here.given, inputs, previous=before)

    def expected(self, name: str) -> RunningError:
        """What the book's equation gives, with its tolerance."""
        return self.standing.expected[name]

    def target(self, name: str) -> Target:
        """The same as a target of a comparison."""
        return Target.of(self.expected(name))

    def got(self, name: str) -> Array:
        """What the subject showed, in floats."""
        return plain(self.shown[name])
