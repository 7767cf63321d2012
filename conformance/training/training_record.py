"""What a training run measured: a record an epoch, and a jump where one was found.

Left out: how it is measured (`lockstep.py`) and shown (`show_training.py`, `training_output.py`).
"""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from conformance.training.settings import Settings

REFERENCE = "reference"


@dataclass(frozen=True)
class Walked:
    """One implementation in one epoch.

    Attributes:
        name: which.
        correct: how many test images its parameters get right, by the reference's feedforward.
        cost: the mean cost of the test images, likewise.
        seconds: spent in its steps.
        rate: samples a second.
        drift: the largest difference of a parameter from the reference's; 0 for itself.
        ratio: the drift as a multiple of what rounding can explain; see `lockstep.py`.
        apart: the largest difference after one step from the same start, over all steps, as a
            multiple of the bound derived for one step.
        judged: steps whose every quantity was judged.
        worst: the largest error in them as a multiple of its derived tolerance.
    """

    name: str
    correct: int
    cost: float
    seconds: float
    rate: float
    drift: float = 0.0
    ratio: float = 0.0
    apart: float = 0.0
    judged: int = 0
    worst: float = 0.0


@dataclass(frozen=True)
class Epoch:
    """One epoch: its number, how many test images there are, and who did what in it."""

    number: int
    tests: int
    explained: float  # how far rounding alone can have led a parameter by its end
    walked: tuple[Walked, ...]  # the reference first


@dataclass(frozen=True)
class Jump:
    """The first step of a subject that rounding does not explain."""

    subject: str
    epoch: int
    step: int
    name: str  # of the quantity
    layer: int | None
    tag: str
    formula: str
    message: str
    causes: tuple[str, ...] = ()  # the known mistakes that reproduce it


@dataclass(frozen=True, repr=False)
class TrainOutcome:
    """All of a run."""

    settings: Settings
    data: str
    epochs: tuple[Epoch, ...] = ()
    jumps: tuple[Jump, ...] = ()
    stopped: str = ""  # where it was interrupted
    faults: tuple[str, ...] = ()  # of subjects beside their steps, such as a loop of their own

    @property
    def ok(self) -> bool:
        """Whether all epochs were walked, and rounding explains every difference."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0 rounding explains all, 1 it does not, 130 interrupted."""
        if (
            self.jumps
            or self.faults
            or any(self.lost(i) is not None for i in range(len(self.settings.subjects)))
        ):
            return 1
        return 130 if self.stopped else 0

    def lost(self, partner: int) -> int | None:
        """The epoch from which on the numbers of a partner and the reference are not finite."""
        drifts = ((each.number, each.walked[partner + 1].drift) for each in self.epochs)
        return next((number for number, drift in drifts if not isfinite(drift)), None)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return asdict(self)
