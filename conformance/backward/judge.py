"""Which gradients of a recorded run are wrong.

Left out: why (`blame.py`).
"""

from dataclasses import dataclass

import numpy as np

from conformance.backward.forward import Forward
from conformance.backward.program import Goal
from conformance.backward.quantities import HALF_OF_THE_DIGITS
from reference.step import Array


@dataclass(frozen=True, eq=False)
class Verdict:
    """A gradient beside the right one.

    Attributes:
        goal: the gradient.
        given: its values.
        right: the right values.
        ok: whether it is right.
        exact: whether balls decided.
    """

    goal: Goal
    given: Array
    right: Array
    ok: bool
    exact: bool = False

    @property
    def error(self) -> float:
        """The largest distance, relative to the largest right entry; infinite in another shape."""
        if self.given.shape != self.right.shape:
            return float("inf")
        return distance(self.given, self.right)


def distance(given: Array, right: Array) -> float:
    """The largest distance of two arrays of one shape, relative to the largest right entry."""
    far = float(np.max(np.abs(given - right), initial=0.0))
    scale = float(np.max(np.abs(right), initial=0.0))
    if not np.isfinite(far):
        return float("inf")
    return far / scale if scale else far


def verdicts(forward: Forward) -> list[Verdict]:
    """Each gradient, judged."""
    found = []
    for goal in forward.run.goals:
        given = np.asarray(forward.chain.values[goal.node.number])
        right = forward.right(goal.parameter)
        same = given.shape == right.shape
        ok = same and distance(given, right) <= HALF_OF_THE_DIGITS
        found.append(Verdict(goal, given, right, ok))
    return found
