"""A margin y f(x) that a program compares with a number, of labels y that are −1 or 1.

Such is the hinge loss of a program that leaves out the samples whose margin is large: what it makes
of the others is not computed from the output. Left out: its cost (`costs.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Any

import numpy as np

from conformance.backward.groups import grouped
from conformance.backward.kinks import COMPARISONS
from conformance.backward.source import MOVES, is_literal
from conformance.tracing.node import Node
from reference.step import Array

SCALED = ("multiply", "subtract", "negative")


def asked(nodes: Iterable[Node], parameters: int, ended: float = inf) -> list[Node]:
    """What may be a margin: numbers that only `if` uses, arrays of such, or that are compared.

    Args:
        nodes: of the program.
        parameters: their numbers as bits.
        ended: the number of the first node that is none of the program's.
    """
    compared = set[Node]()
    own = (e for e in nodes if e.uses & parameters and e.operation in SCALED)
    return [each for each in own if _is_compared(each, compared, ended)]


def _is_compared(node: Node, compared: set[Node], ended: float) -> bool:
    """Whether nothing is computed of a node, which is then noted with what it was moved into."""
    way, seen = [node], {node}
    for each in way:  # the nearest first: an array may be written into at every step
        own = {e for e in each.consumers if e.number < ended and e.operation not in COMPARISONS}
        users = own - seen - compared
        if any(e.operation not in MOVES for e in users):
            return False
        way += users
        seen |= users
    compared |= seen
    return True


def is_margin(node: Node, parameters: int) -> bool:
    """Whether it is y f of labels y."""
    return _margin(node, parameters) is not None


def margins(
    nodes: Sequence[Node], parameters: int, ended: float = inf
) -> Iterator[tuple[tuple[tuple[Node, Array], ...], tuple[Node, ...]]]:
    """Margins, each with the label 1 of a margin, and where what is compared is computed."""
    for group in grouped(asked(nodes, parameters, ended)):
        found = [each for e in group.nodes if (each := _margin(e, parameters)) is not None]
        if len(found) == len(group.nodes):
            yield tuple((e, np.ones(np.shape(e.value))) for e in found), tuple(group.nodes)


def _margin(node: Node, parameters: int) -> Node | None:
    """y f, of y f itself, or of 1 − y f; None if no factor of a product is such labels y."""
    while node.operation in ("subtract", "negative"):
        own = [e for e in node.inputs if e.uses & parameters]
        if len(own) != 1:
            return None
        (node,) = own
    return node if _has_label(node, parameters) else None


def _has_label(node: Node, parameters: int) -> bool:
    """Whether a factor of a product is −1 or 1 throughout, and another depends on parameters."""
    if node.operation != "multiply":
        return False
    for place, (one, other) in ((1, node.args[:2]), (0, node.args[1::-1])):
        if type(one) is Node and one.uses & parameters and not _uses(other, parameters):
            y = np.asarray(value_of(other))
            alike = np.shape(one.value) == np.shape(node.value)
            ones = y.dtype.kind in "if" and bool(np.all(np.abs(y) == 1))
            labels = ones and (type(other) is Node or not is_literal(node, place))
            return alike and (labels or _has_label(one, parameters))
    return False


def _uses(value: Any, parameters: int) -> bool:
    return type(value) is Node and bool(value.uses & parameters)


def value_of(label: Any) -> Any:
    """The numbers of a label or a target, which may be a node."""
    return label.value if type(label) is Node else label
