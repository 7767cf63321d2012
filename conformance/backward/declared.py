"""The number that a program computes as its loss, known by the cost that it is.

Left out: a loss that is no known cost, which only its gradients tell.
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.factor import conventions
from conformance.backward.no_loss import COST_NAMES, tried
from conformance.backward.program import Goal, NotAGradientError, Recorded, bits
from conformance.backward.quantities import HALF_OF_THE_DIGITS
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


def declared(trace: Trace, losses: Sequence[Node], goals: tuple[Goal, ...]) -> Node | None:
    """The number that is a known cost of the output times a constant; None if there is none."""
    run = Recorded(trace, goals[0].node, goals)
    try:
        known = tried(run, COST_NAMES, (None, None)) if losses else []
    except NotAGradientError:
        return None
    for each in known:
        value = float(np.ravel(each.forward.run.loss.value)[0])
        lengths = [n for output, _ in each.compared.pairs for n in np.shape(output.value)]
        for loss in reversed(losses):
            ratio = float(np.ravel(loss.value)[0]) / value if value else 0.0
            if any(abs(ratio - e) <= HALF_OF_THE_DIGITS * e for e in conventions(lengths)):
                return loss
    return None


def with_terms(loss: Node, losses: Sequence[Node], goals: Sequence[Goal]) -> Node:
    """A loss with what is added to it that depends on the parameters, such as a decay."""
    given = bits(goals)
    for each in losses:
        if each.operation in ("add", "subtract") and loss in each.args:
            others = [e for e in each.args if e is not loss]
            if all(type(e) is Node and e.uses & given for e in others):
                return with_terms(each, losses, goals)
    return loss
