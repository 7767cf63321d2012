"""How a quantity stands to its equation on balls, and what its floats have lost.

An array of balls may be off by scalars that were rounded.

Left out: which arrays are compared (`on_balls.py`).
"""

from dataclasses import dataclass, field
from typing import Any

import flint
import numpy as np

from conformance.tracing.digits import Loss
from conformance.tracing.frames import Frame
from reference.step import Array

EXACT = 1e-60  # what a right formula agrees to, at least
TINY = flint.arb(2) ** -1400  # no float is so small


def relative(array: Array, right: Array) -> float | None:
    """The largest distance, as a part of the largest entry; None if it cannot be told."""
    if array.shape != right.shape:
        return float("inf")
    distances = [abs(each) for each in np.asarray(array - right, dtype=object).flat]
    if not all(each.is_finite() for each in distances):
        return float("inf")
    apart = max((each.abs_upper() for each in distances), default=flint.arb(0))
    if apart < TINY:
        return 0.0
    scale = max(each.abs_upper() for each in right.flat)
    error = float(apart / scale) if scale != 0 else float(apart)
    overlap = all(each.contains(0) for each in distances)
    unknown = overlap and (error > EXACT or all(each.contains(0) for each in right.flat))
    return None if unknown else error


def rescaled(right: Array, own: Array, unit: float) -> Array:
    """The right numbers with the factor of the program's, if that is rounded from 1."""
    i = _pivot(right)
    if i is None:
        return right
    factor = own.flat[i] / right.flat[i]
    return np.asarray(right * factor) if (factor - 1).abs_upper() <= unit else right


def moved(right: Array, own: Array, before: Array, unit: float) -> Array:
    """The right parameters with the program's η and 1 − ηλ/n, if those are rounded from ours."""
    moves, off = right - before, own - right
    i = _pivot(moves)
    if i is None:
        return rescaled(right, own, unit)
    minors = np.asarray(before * moves.flat[i] - moves * before.flat[i])
    j, kept = _pivot(minors), flint.arb(0)
    if j is not None:
        kept = (off.flat[j] * moves.flat[i] - off.flat[i] * moves.flat[j]) / minors.flat[j]
    factor = (off.flat[i] - kept * before.flat[i]) / moves.flat[i]
    if kept.abs_upper() > unit or factor.abs_upper() > unit:
        return right
    return np.asarray(right + before * kept + moves * factor)


def _pivot(array: Array) -> int | None:
    """The entry that is furthest from 0; None if all may be 0."""
    numbers: list[Any] = list(array.flat)
    i = max(range(len(numbers)), key=lambda i: numbers[i].abs_lower(), default=None)
    return None if i is None or numbers[i].contains(0) else i


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
