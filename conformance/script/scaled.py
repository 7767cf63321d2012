"""What a step makes of a parameter before it is scaled, by its own norms or by a decay.

Left out: of what sums of multiples a value is (`linear.py`).
"""

import numpy as np

from conformance.script.linear import ancestors, entrywise, is_of_numbers, kept
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node


def scaled_by_itself(node: Node, arrays: int = 0) -> Node | None:
    """What is scaled by numbers that are computed of it alone, as where its norms are limited.

    Args:
        node: the product.
        arrays: the numbers, as bits, of those that a run began with, as far as they are known.
    """
    pairs = list(zip(node.args[:2], node.args[1::-1], strict=False))
    scales = {"multiply": pairs, "divide": pairs[:1], "true_divide": pairs[:1]}
    for whole, by in scales.get(node.operation, []):
        if type(whole) is Node and type(by) is Node and np.size(by.value) < np.size(node.value):
            others = by.uses & arrays & ~whole.uses
            if by.depends_on(whole) and not others and _is_of_numbers_beside(by, whole):
                return whole
    return None


def unscaled(old: Node, new: Node) -> tuple[Node, float]:
    """What a step makes of an old value, before it is scaled, and how much a decay leaves of it.

    It may be scaled by its own norms, or by a number alone.
    """
    before = scaled_by_itself(new)
    new = new if before is None or old not in ancestors(before) else before
    for before in ancestors(new):
        left = kept(before, new) if before.depends_on(old) and before is not old else 1.0
        if 0 < left < 1 and kept(old, before) == 1:
            between = {new, *entrywise(new, frozenset({before}))}
            if all(e.depends_on(before) or _is_number(e, old) for e in between):
                return before, left
    return new, 1.0


def _is_number(node: Node, old: Node) -> bool:
    """Whether a value is a single number that was not computed from another value."""
    return np.size(node.value) == 1 and not node.depends_on(old)


def _is_of_numbers_beside(node: Node, start: Node) -> bool:
    """Whether a value is computed of another one, and of single numbers beside."""
    way = walk([node], lambda e: e.inputs if e is not start and e.depends_on(start) else ())
    return all(each.depends_on(start) or is_of_numbers(each) for each in way)
