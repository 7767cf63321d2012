"""How a quantity stands to its equation on balls, and what its floats have lost.

Left out: deciding it (`on_balls.py`).
"""

from dataclasses import dataclass, field

from conformance.tracing.digits import Loss
from conformance.tracing.frames import Frame
from conformance.verdict.apart import EXACT


@dataclass(frozen=True)
class Exactness:
    """How a quantity stands to its equation on balls.

    Attributes:
        error: its distance as a part of the largest entry; None if floats have to decide.
        why: then, why.
        frames: the lines of the rounding without which it would be right, the innermost first.
    """

    error: float | None = None
    why: str = ""
    frames: tuple[Frame, ...] = field(default=(), compare=False)

    @property
    def right(self) -> bool:
        """Whether it follows from its equation."""
        return self.error is not None and self.error <= EXACT

    @property
    def wrong(self) -> bool:
        """Whether it does not, whatever the rounding."""
        return self.error is not None and not self.error <= EXACT


@dataclass(frozen=True)
class LostDigits:
    """What a quantity that is exactly right on balls has lost in floats.

    Attributes:
        off: how far it is from what its equation makes of the program's own floats, as a part of
            the largest entry.
        badly: whether it is not finite, or has not kept half of its digits.
        loss: the operation at which they went, if it is a single one.
    """

    off: float
    badly: bool
    loss: Loss | None = None
