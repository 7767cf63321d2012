"""What is added to a parameter and taken off again: so its gradients are taken beside it, in place.

Such is a step of sharpness-aware minimisation, along the gradient, which goes back before the
parameter is moved. What is there then is the parameter. Left out: what is carried on from step to
step, such as a velocity (`chains.py`).
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from conformance.tracing.node import Node, exchange

OPPOSITE = {"add": "subtract", "subtract": "add"}


def take_back(nodes: Iterable[Node]) -> None:
    """Let what such steps lead back to be a copy of what they begin with."""
    exchange(nodes, _begun_with)


def _begun_with(node: Node) -> tuple[Node, ...] | None:
    """What a value was before the same was added to it that is taken off; None if nothing was."""
    aside = node.args[0] if OPPOSITE.get(node.operation) else None
    if type(aside) is not Node or OPPOSITE[node.operation] != aside.operation:
        return None
    before, *added = aside.args
    if type(before) is not Node or np.shape(before.value) != np.shape(node.value):
        return None
    made = any(type(each) is Node and each.depends_on(before) for each in added)
    return (before,) if made and all(map(_is_same, added, node.args[1:])) else None


def _is_same(one: Any, other: Any) -> bool:
    """Whether two operands are the same numbers, not all 0."""
    ones, others = (e.value if type(e) is Node else e for e in (one, other))
    return bool(np.any(ones)) and np.array_equal(ones, others)
