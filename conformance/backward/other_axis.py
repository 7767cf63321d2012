"""A softmax along another axis than that of the classes, whose output error is a − y.

That is the output error of a softmax along the right axis with its log-likelihood: so what divides
the exponentials is to blame, and not the output error.
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.findings import Accused, Cause, Changed
from conformance.backward.names import operation_text
from conformance.backward.no_loss import Tried
from conformance.backward.quantities import HALF_OF_THE_DIGITS
from conformance.backward.source import lines_of
from conformance.tracing.ancestors import ancestors
from conformance.tracing.node import Node


def over_other_axis(found: Sequence[Tried]) -> Accused | None:
    """The sum that a softmax divides by, if it is not one over the classes of each sample."""
    for each in found:
        output, target = each.compared.pairs[0]
        users = each.compared.users
        if len(each.compared.pairs) > 1 or not users or users[0].operation != "subtract":
            continue
        axis = _axis_of_labels(np.asarray(target.value if type(target) is Node else target))
        total = _divisor(output)
        if axis is None or total is None or _adds_up(output, axis):
            continue
        others = [None if np.size(total.value) == 1 else 1 - axis]
        if any(_adds_up(output, other) for other in others):
            names = tuple(goal.name for goal in each.forward.run.goals)
            changed = Changed("axis", str(others[0]), str(axis), operation_text(total))
            return Accused(names, lines_of(total), Cause("changed", changed=changed), mends=True)
    return None


def _axis_of_labels(target: np.ndarray) -> int | None:
    """The axis along which a target is one-hot; None if it is along none or along each."""
    if target.ndim != 2 or not np.all((target == 0) | (target == 1)):  # noqa: PLR2004
        return None
    axes = [axis for axis in (0, 1) if np.all(target.sum(axis=axis) == 1)]
    return axes[0] if len(axes) == 1 else None


def _divisor(output: Node) -> Node | None:
    """What exponentials are divided by, if an output is made so."""
    parts = output.args if output.operation == "divide" else ()
    nodes = [each for each in parts if type(each) is Node]
    if len(nodes) < 2 or np.shape(nodes[0].value) != np.shape(output.value):  # noqa: PLR2004
        return None
    made = any(each.operation == "exp" for each in (nodes[0], *ancestors(nodes[0])))
    return nodes[1] if made and nodes[1].depends_on(nodes[0].inputs[0]) else None


def _adds_up(output: Node, axis: int | None) -> bool:
    """Whether the numbers of an output add up to 1 along an axis; None for all of them."""
    return bool(np.all(np.abs(np.sum(output.value, axis=axis) - 1) <= HALF_OF_THE_DIGITS))
