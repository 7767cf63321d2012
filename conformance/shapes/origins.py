"""What a parameter was before its updates, which a program makes for itself while it trains.

Left out: what moves it (`gradients_of_updates.py`).
"""

from collections.abc import Collection, Iterable

import numpy as np

from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, flat


def goes_on(terms: Iterable[Node], versions: Collection[Node], began: Iterable[Node]) -> bool:
    """Whether later updates are made of what moved parameters first: they have a velocity.

    Args:
        terms: what is taken off then.
        versions: the parameters after their first updates.
        began: the parameters before.
    """
    way = [*walk(terms, lambda each: () if each in versions else each.inputs)]
    return any(e.depends_on(old) for old in began for e in way if e not in versions)


def origin(node: Node) -> Node | None:
    """What a parameter was before its updates; None if it was not updated."""
    updated = False
    while True:
        shape = np.shape(node.value)
        earlier = [e for e in node.args[:2] if type(e) is Node and np.shape(e.value) == shape]
        if node.operation == "subtract" and earlier and node.args[0] is earlier[0]:
            node, updated = earlier[0], True
        elif node.operation == "add" and earlier:
            node, updated = min(earlier, key=lambda e: e.number), True
        elif node.operation == FILLED and _adds_to_a_part(node):
            node, updated = node.args[0], True
        else:
            return node if updated else None


def _adds_to_a_part(node: Node) -> bool:
    """Whether a part of an array was written that is itself with something added, `w[1:] += d`."""
    written = [e for e in flat(node.args[1:]) if type(e) is Node]
    return type(node.args[0]) is Node and any(
        part.operation == "getitem"
        for each in written
        for part in (each, *(each.inputs if each.operation in ("add", "subtract") else ()))
    )
