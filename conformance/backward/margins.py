"""A margin y f(x) that a program compares with a number, of labels y that are −1 or 1.

Such is the hinge loss of a program that leaves out the samples whose margin is large: what it makes
of the others is not computed from the output. Left out: its cost (`costs.py`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from conformance.backward.groups import grouped
from conformance.backward.kinks import COMPARISONS
from conformance.tracing.node import Node
from reference.step import Array

SCALED = ("multiply", "subtract", "negative")


def asked(nodes: Sequence[Node], parameters: int) -> list[Node]:
    """What may be a margin: numbers that only `if` uses, and arrays that are compared."""
    own = [e for e in nodes if e.uses & parameters and e.operation in SCALED]
    return [e for e in own if all(user.operation in COMPARISONS for user in e.consumers)]


def is_margin(node: Node, parameters: int) -> bool:
    """Whether it is y f of labels y."""
    return _of_product(node, parameters) is not None


def margins(
    nodes: Sequence[Node], parameters: int
) -> Iterator[tuple[tuple[tuple[Node, Array], ...], tuple[Node, ...]]]:
    """Outputs with their labels, and where their margins are computed."""
    for group in grouped(asked(nodes, parameters)):
        pairs = [pair for e in group.nodes if (pair := _of_product(e, parameters)) is not None]
        if len(pairs) == len(group.nodes):
            yield tuple(pairs), tuple(group.nodes)


def _of_product(node: Node, parameters: int) -> tuple[Node, Array] | None:
    """f and y of y f, or of 1 − y f."""
    own = [e for e in node.args if type(e) is Node and e.uses & parameters]
    if len(own) != 1:
        return None
    if node.operation in ("subtract", "negative"):
        return _of_product(own[0], parameters)
    if node.operation != "multiply":
        return None
    (label,) = (e for e in node.args[:2] if e is not own[0])
    y = np.asarray(value_of(label))
    shape = np.shape(own[0].value)
    if y.dtype.kind not in "if" or not np.all(np.abs(y) == 1) or np.shape(node.value) != shape:
        return None
    return own[0], np.broadcast_to(y.astype(float), shape)


def value_of(label: Any) -> Any:
    """The numbers of a label or a target, which may be a node."""
    return label.value if type(label) is Node else label
