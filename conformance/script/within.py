"""The gradients within what moves parameters: that is clipped, or of which the signs are taken.

Left out: multiples of a gradient, which an update is read as (`update.py`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from conformance.script.linear import entrywise, scalar
from conformance.script.update import Multiple, Update
from conformance.tracing.node import Node

ALTERED = frozenset({"clip", "sign", "nan_to_num"})
"""Operations of which a parameter may be moved by the result in the place of the gradient."""

SUMS = ("add", "subtract")
PRODUCTS = ("multiply", "divide", "true_divide")

DEEPEST = 4  # operations that are gone through


def choices(updates: Sequence[Update]) -> Iterator[list[Multiple]]:
    """An array within what moves each parameter, for all as deep or as deep as there is one."""
    if not all(each.options for each in updates):
        return
    found = [[made.options[made.own], *_within(made)] for made in updates]
    for depth in range(1, max(map(len, found))):
        yield [each[min(depth, len(each) - 1)] for each in found]


def _within(made: Update) -> Iterator[Multiple]:
    """The arrays within what moves a parameter, each as often as it is added."""
    kept = {each for chain in made.parameter.states for each in chain.values}
    node, factor = made.options[made.own]
    for _ in range(DEEPEST):
        below = _operand(node, made.old, kept)
        if below is None:
            return
        node = below
        yield node, factor


def _operand(node: Node, old: Node, kept: set[Node]) -> Node | None:
    """The only array that an operation takes beside what is kept, if it is one that alters it.

    A number by which it is multiplied has to be computed from it, as from its norm: any other is a
    part of a gradient. 1 stands where a gradient is too short to be clipped.
    """
    shape = np.shape(node.value)
    arrays = [e for e in node.args[:2] if type(e) is Node and np.shape(e.value) == shape]
    if node.operation in ALTERED:
        return arrays[0] if arrays and arrays[0].depends_on(old) else None
    moving = [e for e in arrays if e.depends_on(old)]
    rest = [e for e in moving if not _holds(e, old, kept)]
    if len(rest) < len(moving):  # beside a decay it is only what alters a gradient
        altered = [e for e in moving if e.operation in ALTERED]
        rest = altered if len(altered) == 1 else rest
    if node.operation not in (*SUMS, *PRODUCTS) or len(rest) != 1:
        return None
    others = [e for e in node.args[:2] if e is not rest[0]]
    known = len(arrays) > 1 or all(_alters(e, rest[0]) for e in others)
    return rest[0] if known else None


def _alters(value: Any, gradient: Node) -> bool:
    """Whether an operand is 1, some zeros and ones, or computed from a gradient."""
    if _is_of(value, gradient) or scalar(value) == 1:
        return True
    mask = value.value if type(value) is Node and value.function is None else value
    return isinstance(mask, np.ndarray) and bool(np.all((mask == 0) | (mask == 1)))


def _is_of(value: Any, node: Node) -> bool:
    """Whether a value was computed from another."""
    return type(value) is Node and value.depends_on(node)


def _holds(node: Node, old: Node, kept: set[Node]) -> bool:
    """Whether a value is made of what is kept, entry by entry."""
    return not kept.isdisjoint({node, *entrywise(node, frozenset({old, *kept}))})
