"""What the exact lane says: exactly right, wrong whatever the rounding, or not to be run on balls.

Left out: running it (`book/exact.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.tracing.frames import Frame
from reference.step import split

EXACT = 1e-60  # what a right formula agrees to, at least
SCALARS = 2.0**-50  # what scalars computed in floats may do to W and B


@dataclass(frozen=True)
class ExactOutcome:
    """What the exact lane found in one step.

    Attributes:
        left: why the subject's code could not run on balls, or nothing.
        errors: the distance of each quantity from its equation on the subject's own inputs, as a
            part of the largest entry, in causal order.
        frames: the lines of the first wrong one.
    """

    left: str = ""
    errors: Mapping[str, float] = field(default_factory=dict)
    frames: tuple[Frame, ...] = ()

    @property
    def wrong(self) -> list[str]:
        """The quantities that do not follow from their equation, in causal order."""
        return [
            name
            for name, error in self.errors.items()
            if not error <= (SCALARS if split(name)[0] in "bw" else EXACT)
        ]

    @property
    def right(self) -> bool:
        """Whether everything that was seen is exactly right."""
        return bool(self.errors) and not self.wrong

    def clears(self, name: str, *, own: bool) -> bool:
        """Whether a quantity was seen to follow from its equation.

        Args:
            name: of the quantity.
            own: in the pass of `feedforward`, which is looked at if nothing else is wrong.
        """
        if name == "cost" and name not in self.errors:
            return False  # its code did not run on balls
        return self.right or (not own and name in self.errors and name not in self.wrong)

    @property
    def digits(self) -> float:
        """The largest error among the quantities that no float scalar enters."""
        return max(e for name, e in self.errors.items() if split(name)[0] not in "bw")
