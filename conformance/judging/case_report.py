"""The verdicts on a subject in one case, what it showed, and what its equations were to make of it.

Left out: how the verdicts come about (`judge.py`, `detail/cells.py`), what they mean
(`diagnosis/measured.py`), and how they are written (`report`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.mistakes.situation import Situation
from conformance.subjects.observation import Observed
from conformance.tracing.frames import Frame
from conformance.verdict.compare import Status, Verdict
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


COMPARED = (Status.PASS, Status.EXPLAINED)
"""What was right, and what another equation explains, perhaps in another case."""


@dataclass(frozen=True)
class Entry:
    """One entry of a quantity, as `Worst`."""

    index: tuple[int, ...]
    got: float
    right: float
    ulps: float
    ratio: float


@dataclass(frozen=True)
class Cell:
    """One quantity of one step.

    Attributes:
        step: its number.
        mode: restarted, feedforward or free run.
        name: of the quantity.
        shape: of the array.
        dtype: of the array.
        against: what it was compared with: "its inputs" or "the truth".
        worst: the entries with the largest error as a multiple of the tolerance, the worst first.
        counts: a histogram of the errors in ulps: exact, up to 1, up to 2, up to 4, and so on.
        limits: the smallest and the largest tolerance of an entry, in ulps.
        levels: error over tolerance of each entry in row order, a byte an entry, as `level`
            says; deflated (zlib), base64. Empty if it was left out.
    """

    step: int
    mode: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    against: str
    worst: tuple[Entry, ...]
    counts: tuple[int, ...]
    limits: tuple[float, float]
    levels: str


@dataclass(frozen=True)
class Point:
    """The entry of one step that is furthest from its tolerance, or nearest to it.

    Attributes:
        step: its number.
        name: of the quantity.
        index: of the entry.
        error: |got − right|; infinite if it is no number.
        tolerance: how large it may be in any correct implementation by now.
    """

    step: int
    name: str
    index: tuple[int, ...]
    error: float
    tolerance: float

    @property
    def outside(self) -> bool:
        """Whether rounding cannot explain it."""
        return not self.error <= self.tolerance


@dataclass(frozen=True)
class CaseReport:
    """The verdicts on a subject in one case."""

    case: Case
    subject: str
    verdicts: list[Verdict] = field(default_factory=list)
    error: str = ""  # why the subject could not be judged to the end
    evidence: tuple[Evidence, ...] = field(default=(), repr=False, compare=False)  # not written
    cells: tuple[Cell, ...] = field(default=(), repr=False)  # if they were asked for
    curve: tuple[Point, ...] = field(default=(), repr=False)  # of the free run, likewise
    frames: tuple[Frame, ...] = ()  # the line of the subject's code at which it stopped

    @property
    def failures(self) -> list[Verdict]:
        """The quantities that are blamed."""
        return [verdict for verdict in self.verdicts if verdict.status is Status.FAIL]

    @property
    def lost(self) -> list[Verdict]:
        """The quantities whose formula is right and whose digits were lost."""
        return [verdict for verdict in self.verdicts if verdict.lost is not None]

    @property
    def undecided(self) -> list[Verdict]:
        """The quantities that the format of the case has too few bits to decide."""
        return [verdict for verdict in self.verdicts if verdict.status is Status.UNDECIDED]

    @property
    def blamed(self) -> dict[str, list[Verdict]]:
        """The failures of each equation, by its tag, the first failure's first."""
        found: dict[str, list[Verdict]] = {}
        for verdict in self.failures:
            if verdict.name:
                found.setdefault(self.case.rows[verdict.name].tag, []).append(verdict)
        return found

    @property
    def passes(self) -> list[Verdict]:
        """The quantities that were compared and are right."""
        return [verdict for verdict in self.verdicts if verdict.status is Status.PASS]

    @property
    def status(self) -> Status:
        """Error over fail over pass; a check that compared nothing is an error.

        Lost digits fail where a result has not kept half of them.
        """
        if any(verdict.failed for verdict in self.verdicts):
            return Status.FAIL
        compared = self.lost or any(v.status in COMPARED for v in self.verdicts)
        return Status.ERROR if self.error or not compared else Status.PASS
