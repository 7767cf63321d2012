"""Updates that are differences of two phases, such as those of contrastive divergence.

The same terms are computed from the data and from what the parameters have made of them, and the
one is taken off the other. No loss has such an update for its gradient: what was made of the data
is held fixed in it, though it depends on the parameters. Left out: every other update.
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.operation import MOVES
from conformance.backward.program import Goal, bits
from conformance.tracing.node import Node

LINEAR = MOVES | {
    "add", "subtract", "multiply", "divide", "true_divide", "negative", "sum", "mean", "average",
}  # fmt: skip


WORDS = (
    "each update is a difference of the same terms, of the data and of what the parameters have "
    "made of them, as in contrastive divergence: it is the gradient of no loss of its forward pass"
)


def in_two_phases(goals: Sequence[Goal]) -> bool:
    """Whether all updates are such differences, and a term of one depends on the parameters."""
    parameters = bits(goals)
    found = [_phases(each.node, parameters) for each in goals]
    return all(found) and any(
        first.uses & parameters and _are_same_terms(first, second, parameters)
        for each in found
        for first, second in each
    )


def _phases(goal: Node, parameters: int, most: int = 64) -> list[tuple[Node, Node]]:
    """The differences that a value is a linear function of, each as its two phases."""
    found, waiting = [], [goal]
    for node in waiting:
        if node.operation == "subtract" and len(node.inputs) > 1:
            ways = (node.inputs[:2], node.inputs[1::-1])
            alike = (way for way in ways if _alike(*way, parameters))
            found += [(one, other) for one, other in alike if not other.depends_on(one)][:1]
        if node.operation in LINEAR and len(waiting) < most:
            waiting += [each for each in node.inputs if each not in waiting]
    return found


def _alike(first: Node, second: Node, parameters: int) -> bool:
    """Whether a value is what another is, or data beside what the parameters made of them."""
    if first is second or _are_same_terms(first, second, parameters):
        return True
    made = second.uses & parameters and (second.depends_on(first) or not first.uses & parameters)
    return bool(made) and np.shape(first.value) == np.shape(second.value)


def _are_same_terms(first: Node, second: Node, parameters: int) -> bool:
    """Whether two values were computed by the same operation of values that are alike."""
    if first.operation != second.operation or not len(first.inputs) == len(second.inputs) > 0:
        return False
    pairs = zip(first.inputs, second.inputs, strict=True)
    return all(_alike(*each, parameters) for each in pairs)
