"""Values that have the entries of another, though no single operation tells so.

Left out: what an operation is a linear function of (`linear.py`).
"""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from conformance.backward.source import MOVES
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, recomputed

_REJOINED: WeakKeyDictionary[Node, Node | None] = WeakKeyDictionary()


def rejoined(node: Node) -> Node | None:
    """The array that was taken apart into what is put together in the same order, if one was."""
    if node not in _REJOINED:
        _REJOINED[node] = None
        way = [*walk([node], lambda each: each.inputs if each.operation in MOVES else ())]
        for source in (
            e for e in way if e is not node and np.shape(e.value) == np.shape(node.value)
        ):
            places = np.arange(np.size(source.value), dtype=np.float64)
            path = sorted((e for e in way if e.depends_on(source)), key=lambda e: e.number)
            made = recomputed({source.number: places}, path)
            if made is not None and np.array_equal(made.get(node.number, []), places):
                _REJOINED[node] = source
                break
    return _REJOINED[node]


def thresholded(*factors: Any) -> Node | None:
    """The u of sign(u) · max(|u| − t, 0), which gives most of what it is given, if it is that."""
    for sign, size in (factors, factors[::-1]):
        if getattr(sign, "operation", "") == "sign" and getattr(size, "operation", "") == "maximum":
            u: Node = sign.inputs[0]
            ends = walk([size], lambda each: () if each.operation == "absolute" else each.inputs)
            sizes = [each for each in ends if each.operation == "absolute"]
            if any(np.array_equal(e.args[0].value, u.value) for e in sizes):
                return u
    return None
