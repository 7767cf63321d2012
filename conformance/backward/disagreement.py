"""A loss that a program computes, and that its own output error is not the derivative of.

Left out: known costs (`without_loss.py`), and which numbers a program takes for its loss.
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.forward import Forward
from conformance.backward.judge import distance
from conformance.backward.no_loss import COST_NAMES, tried
from conformance.backward.program import OwnPass, Recorded
from conformance.backward.quantities import HALF_OF_THE_DIGITS, layouts
from conformance.backward.unknown_cost import OwnError, own_error
from conformance.tracing.node import Node


def disagreeing(step: OwnPass, losses: Sequence[Node]) -> Node | None:
    """The first of some losses of none of which the output error is a multiple of the derivative.

    The derivative is that with respect to the very output that the error is taken for: what a loss
    has from elsewhere may be held constant, such as the targets of Q-learning, and a loss of other
    samples has none.

    Args:
        step: judged by its own output error.
        losses: numbers that it computes.
    """
    run = Recorded(step.trace, step.goals[0].node, step.goals, step.returns)
    known = tried(run, COST_NAMES, (step.output, step.target))
    error = own_error(run, [each.compared for each in known])
    if error is None:
        return None
    told = [each for each in losses if _disagrees(run, error, each)]
    return told[0] if told and len(told) == len(losses) else None


def _disagrees(run: Recorded, error: OwnError, loss: Node) -> bool:
    forward = Forward(Recorded(run.trace, loss, run.goals), Chain(run.trace))
    right = forward.gradient.get(error.output.number)
    if right is None or not np.any(right):
        return False
    given = np.asarray(error.error.value, dtype=np.float64)
    for layout in layouts(given.shape, right.shape):
        turned = layout(given)
        factor = float(np.vdot(turned, right)) / float(np.vdot(right, right))
        if factor > 0 and distance(turned, factor * right) <= HALF_OF_THE_DIGITS:
            return False
    return True
