"""Numbers between which parameters or their gradients are kept, in the last operation.

A gradient is judged as it was before: where the bounds are is a convention. Left out: gradients
that are clipped by their norm (`backward/own_pass.py`).
"""

from dataclasses import replace

import numpy as np

from conformance.backward.recorded_pass import Goal
from conformance.tracing.node import Node

BOUNDS = ("clip", "maximum", "minimum")


def unbounded(node: Node) -> Node | None:
    """What was kept within bounds that are numbers, as a width above 0; None if nothing was."""
    arrays = [each for each in node.inputs if not each.constant]
    return arrays[0] if node.operation in BOUNDS and len(arrays) == 1 else None


def unclipped(goal: Goal) -> Goal:
    """A gradient before it was clipped to both sides of 0, where it was; else itself."""
    inner = unbounded(goal.node)
    if inner is None:
        return goal
    before, after = np.asarray(inner.value), np.asarray(goal.node.value)
    two_sided = np.all((before == after) | (before * after > 0))
    return replace(goal, node=inner) if two_sided else goal
