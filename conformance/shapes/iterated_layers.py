"""A layer with a state that it iterates by itself each time it goes forward.

Such is the singular vector of a spectral normalisation, which is computed of its last value and of
the weights, and is a constant for the gradients. Left out: the judgement (`layers.py`); scripts
(`script/iterated_states.py`).
"""

from conformance.shapes.attempts import Attempt
from conformance.tracing.ancestors import between
from conformance.tracing.node import Node, hold


def states_held(run: Attempt, out: Node) -> bool:
    """Let such states of a recorded run be constants; whether there are any.

    An output that is on the way to a state is none, as that of a recurrence.
    """
    began = {path: node for path, (_, node) in run.start.items() if node is not None}
    held = set[Node]()
    for leaf in run.end():
        old, new = began.get(leaf.path), run.node(leaf.value)
        if old is not None and new is not old and new.depends_on(old) and out.depends_on(new):
            way = between(old, new, {*began.values()} - {old})
            held |= way - {old} if out not in way else set()
    hold(run.recorded.nodes, held.__contains__)
    return bool(held)
