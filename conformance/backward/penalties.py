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
    """

    name: str
    derivative: Callable[[Array], Array]
    cost: Callable[[Any], Any]
    term: Callable[[Array], Array] | None = None

    def of(self, goal: Goal) -> Array:
        """The derivative by which a term of it is known in a gradient."""
        return (self.term or self.derivative)(np.asarray(goal.parameter.value))


SQUARES = Penalty("squares", lambda w: w, lambda w: 0.5 * w * w)
ABSOLUTES = Penalty("absolutes", np.sign, np.abs)
PENALTIES = (SQUARES, ABSOLUTES)


def mixed(share: float) -> Penalty:
    """That of squares, ½ w², with a share of that of absolute values beside it."""
    return Penalty(
        "squares and absolutes",
        lambda w: w + share * np.sign(w),
        lambda w: 0.5 * w * w + share * np.abs(w),
        lambda w: w,
    )
