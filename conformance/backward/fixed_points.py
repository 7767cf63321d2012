"""Iterations that come to rest, such as those towards the fixed point of a layer.

Each iteration takes what the one before gave, and else the same numbers; a recurrent network, which
takes other data at each step, has none. The derivative at a fixed point is not that of the
iterations, by as much as the last one is still on its way. Left out: what is judged by it
(`judge_gradients.py`).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from conformance.backward.chain import Chain
from conformance.tracing.node import Node

AT_REST = 1e-3  # of a value, by which an iteration that comes to rest still moves it at its end


def rest_of_iterations(nodes: Sequence[Node], chain: Chain) -> float:
    """How far a derivative at a fixed point is off that of the iterations; 0 if there are none.

    Of n iterations of which each moves a value q times as far as the one before, that of the last
    move r is at most n r / (1 − q) of it.

    Args:
        nodes: from the parameters to the loss.
        chain: their values.
    """
    executions: dict[object, list[Node]] = {}
    for node in nodes:
        executions.setdefault((node.frames[:1], node.operation, np.shape(node.value)), []).append(
            node
        )
    found = 0.0
    for same in executions.values():
        if not same[-1].depends_on(same[0]) or not _is_iteration(same[-3:], chain):
            continue
        last = [chain.values[each.number] for each in same[-3:]]
        if not all(np.all(np.isfinite(each)) for each in last):
            continue
        size = float(np.max(np.abs(last[-1]), initial=0.0))
        moves = [float(np.max(np.abs(b - a), initial=0.0)) for a, b in pairwise(last)]
        if len(moves) > 1 and 0 < moves[1] < min(moves[0], AT_REST * size):
            found = max(found, len(same) * moves[1] / size / (1 - moves[1] / moves[0]))
    return found


def _is_iteration(last: Sequence[Node], chain: Chain) -> bool:
    """Whether executions of an operation take the same numbers, beside what they hand on."""
    taken = [
        [
            chain.values[e.number]
            for e in chain.nodes[a.number : b.number]
            if b.depends_on(e) and not (a.depends_on(e) or e.depends_on(a))
        ]
        for a, b in pairwise(last)
    ]
    return all(
        len(one) == len(other) and all(map(np.array_equal, one, other))
        for one, other in pairwise(taken)
    )
