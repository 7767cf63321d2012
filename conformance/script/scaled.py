"""What a step makes of a parameter before it is scaled, by its own norms or by a decay.

Left out: of what sums of multiples a value is (`linear.py`).
"""

import numpy as np

from conformance.script.linear import ancestors, entrywise, kept, scalar
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node


def scaled_by_itself(node: Node) -> Node | None:
    """What is scaled by numbers that are computed of it alone, as where its norms are limited."""
    pairs = list(zip(node.args[:2], node.args[1::-1], strict=False))
    scales = {"multiply": pairs, "divide": pairs[:1], "true_divide": pairs[:1]}
    for whole, by in scales.get(node.operation, []):
        if type(whole) is Node and type(by) is Node and np.size(by.value) < np.size(node.value):
            ends = _ends(by, whole)
            if whole in ends and all(each is whole or scalar(each) is not None for each in ends):
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


def _ends(node: Node, start: Node) -> set[Node]:
    """What a value is computed of, as far back as another one."""
    way = walk([node], lambda each: () if each is start else each.inputs)
    return {each for each in way if each is start or each.function is None}
