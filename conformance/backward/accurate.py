"""The values of a run in which floats have cancelled, each to all of its digits.

The chain rule over 1 − p, of which few digits are left where p is near 1, has as few, while a
program that divides by it and multiplies again has lost none. So where a difference has lost many
of its digits, the values of the run are those of balls, rounded once.

Left out: which gradients are right in the end (`certain.py`).
"""

from collections.abc import Mapping

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.backward.certain import BITS, floats, is_affordable
from conformance.backward.source import is_float
from conformance.tracing.node import Node
from conformance.tracing.replay import Replay
from conformance.tracing.trace import Trace
from reference.step import Array

CANCELLED = 2.0**-22
"""Of the larger operand: what is left is off by 2⁻³⁰ of itself, and sums of it by more."""


def accurate(trace: Trace) -> Mapping[int, Array]:
    """The values in the place of those of floats, by the numbers of their nodes.

    None where no floats have cancelled or some are not finite, and of nodes that balls do not
    reach.
    """
    if trace.accurate is None:  # it goes with the trace, which the replay refers to
        trace.accurate = _Values(trace)
    found: _Values = trace.accurate
    return found.until_now()


class _Values:
    """What is known of a trace, to which nodes may still be added."""

    def __init__(self, trace: Trace) -> None:
        found = [e for e in trace.nodes if is_float(e)]
        plain = all(e.value.dtype == np.float64 and np.all(np.isfinite(e.value)) for e in found)
        wanted = plain and any(map(_cancels, found)) and is_affordable(trace.nodes)
        self.replay = Replay(trace) if wanted else None
        self.values: dict[int, Array] = {}
        self.count = 0

    def until_now(self) -> Mapping[int, Array]:
        """The values of all nodes that there are."""
        replay = self.replay
        if replay is None:
            return self.values
        added, self.count = replay.trace.nodes[self.count :], len(replay.trace.nodes)
        with precision(BITS):
            for node in added:
                if is_float(node) and replay.goes(node):
                    self.values[node.number] = floats(replay.value(node))
        return self.values


def _cancels(node: Node) -> bool:
    """Whether a difference or a sum has an entry that is far smaller than an operand."""
    if node.operation not in ("add", "subtract"):
        return False
    size = np.abs(np.asarray(node.value))
    for each in node.args[:2]:
        operand = np.abs(np.asarray(each.value if type(each) is Node else each))
        if np.any((size > 0) & (size < CANCELLED * operand)):
            return True
    return False
