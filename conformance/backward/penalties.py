"""Penalties of weights, which a loss has beside its cost: of squares, of absolute values, of both.

Left out: whether gradients have the derivative of one (`decay.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.backward.recorded_pass import Goal
from reference.step import Array


@dataclass(frozen=True)
class Penalty:
    """A penalty of weights.

    Attributes:
        name: of it in a report.
        derivative: of each weight.
        cost: of each weight, whose arrays may record their operations.
        term: the derivative by which a program's own term of it is known; all of it if None.
        fitted: whether it is known by a fit in floats alone.
    """

    name: str
    derivative: Callable[[Array], Array]
    cost: Callable[[Any], Any]
    term: Callable[[Array], Array] | None = None
    fitted: bool = False

    def of(self, goal: Goal) -> Array:
        """The derivative by which a term of it is known in a gradient."""
        return (self.term or self.derivative)(np.asarray(goal.parameter.value))


SQUARES = Penalty("squares", lambda w: w, lambda w: 0.5 * w * w)


def absolutes(at_zero: float = 0.0) -> Penalty:
    """That of absolute values, whose slope at 0 is anything from −1 to 1."""
    return Penalty(
        "absolutes",
        lambda w: np.where(w == 0, at_zero, np.sign(w)),
        lambda w: np.where(w == 0, at_zero * w, np.abs(w)),
    )


ABSOLUTES = absolutes()
PENALTIES = (SQUARES, ABSOLUTES)


def mixed(share: float, absolutes: Penalty, *, fitted: bool = False) -> Penalty:
    """That of squares, ½ w², with a share of that of absolute values beside it."""
    return Penalty(
        "squares and absolutes",
        lambda w: w + share * absolutes.derivative(w),
        lambda w: 0.5 * w * w + share * absolutes.cost(w),
        lambda w: w,
        fitted,
    )
