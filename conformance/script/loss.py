"""The number that a program has for its loss at the parameters of one update.

Left out: the costs that are tried where there is none (`backward/own_pass.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.forward import Forward
from conformance.backward.judge import distance
from conformance.backward.operation import is_float
from conformance.backward.program import Goal, Recorded
from conformance.backward.quantities import HALF_OF_THE_DIGITS
from conformance.tracing.trace import Node, Trace

MOST = 8


def candidates(nodes: Sequence[Node], olds: Sequence[Node], news: Sequence[Node]) -> list[Node]:
    """The numbers that were computed from all old values and from no new one."""
    given = sum(1 << each.number for each in olds)
    later = sum(1 << each.number for each in news)
    found = [
        each
        for each in nodes[max(e.number for e in olds) :]
        if np.size(each.value) == 1
        and is_float(each)
        and each.uses & given == given
        and not each.uses & later
    ]
    return found[-MOST:]


def right_of(trace: Trace, loss: Node, goals: tuple[Goal, ...]) -> int:
    """How many gradients are those of a loss, but for a factor that they share.

    Nothing if the loss does not depend on every parameter.
    """
    forward = Forward(Recorded(trace, loss, goals), Chain(trace.nodes))
    factors = []
    for each in goals:
        right, given = forward.right(each.parameter), np.asarray(each.node.value)
        size = float(np.vdot(right, right))
        if not size or not np.isfinite(size) or given.shape != right.shape:
            continue
        factor = float(np.vdot(given, right)) / size
        if factor and distance(given, factor * right) <= HALF_OF_THE_DIGITS:
            factors.append(factor)
    near = [sum(abs(e / f - 1) <= HALF_OF_THE_DIGITS for e in factors) for f in factors]
    return max(near, default=0)
