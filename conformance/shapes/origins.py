"""What a parameter was before its updates, which a program makes for itself while it trains.

Left out: what moves it (`gradients_of_updates.py`).
"""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from conformance.backward.recorded_pass import Goal
from conformance.shapes.part_updates import adds_to_a_part
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node


def goes_on(first: Sequence[Goal], versions: Collection[Node], second: Iterable[Node]) -> bool:
    """Whether second updates are made of what the first ones are made of, such as a velocity.

    Args:
        first: the parameters, and what is taken off them first.
        versions: what they are then.
        second: what is taken off these.
    """
    way = {*walk(second, lambda each: () if each in versions else each.inputs)}
    began = [each.parameter for each in first]
    apart = {*began, *versions}
    made = (each for each in walk(e.node for e in first) if each in way and each not in apart)
    return any(each.depends_on(old) for each in made for old in began)


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
        elif node.operation == FILLED and adds_to_a_part(node):
            node, updated = node.args[0], True
        else:
            return node if updated else None
