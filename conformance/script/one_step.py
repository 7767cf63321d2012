"""The parameters of a script that moves each of them once: a worked example of one step.

Nothing is carried on there: that a new value stands for the old one is told by the statement that
gives it the same name, `W = W - 0.1 * dW`. Left out: what a loop carries on (`chains.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.groups import grouped
from conformance.backward.source import operand_name, stored_names
from conformance.script.linear import ancestors, entrywise, scalar
from conformance.script.parameters import Parameter
from conformance.script.rows import Carried
from conformance.script.trained import is_moved
from conformance.tracing.node import Node


def moved_once(nodes: Sequence[Node]) -> list[Parameter]:
    """The parameters, in the order in which they were made; none if a step has a root.

    By which rule one such step is made, it does not tell.

    Args:
        nodes: of the trace of a run in which nothing is carried on.
    """
    sums = [e for e in nodes if e.operation in ("add", "subtract") and e.frames]
    news = [group.nodes[0] for group in grouped(sums) if len(group.nodes) == 1]
    pairs = [(old, new) for new in news for old in ancestors(new) if _is_update(old, new)]
    if any(has_root(*pair) for pair in pairs):
        return []
    olds = [old for old, _ in pairs]
    found = [Parameter(Carried([*pair])) for pair in pairs if olds.count(pair[0]) == 1]
    return sorted(found, key=lambda each: each.values[0].number)


def _is_update(old: Node, new: Node) -> bool:
    """Whether a statement gives the name of a given value to this and something computed of it."""
    places = [i for i, each in enumerate(new.args) if each is old]
    named = any(operand_name(new, i) in stored_names(new) for i in places)
    return old.function is None and named and is_moved(old, new)


def has_root(old: Node, new: Node) -> bool:
    """Whether a root is taken in an update, entry by entry, as of a mean of squares."""
    way = entrywise(new, frozenset({old}))
    return any(_is_root(each) and np.size(each.value) > 1 for each in way)


def _is_root(node: Node) -> bool:
    power = node.operation in ("power", "float_power") and scalar(node.args[1])
    return node.operation == "sqrt" or abs(power or 0.0) == 1 / 2
