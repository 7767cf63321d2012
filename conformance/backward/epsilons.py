"""A run with 0 in the place of every ε: of tiny numbers that are added, or the least allowed.

Left out: whether the gradients are right so (`judge.py`).
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from conformance.backward.program import Recorded
from conformance.tracing.node import Node

TINY = 1e-3  # a number that is added up to this size is an ε
ADDING = ("add", "maximum", "clip")


def without_epsilons(run: Recorded) -> Recorded | None:
    """The run so changed; None if there is no ε in it. Values are those that were recorded."""
    nodes = [_without(each) for each in run.trace.nodes]
    if all(one is other for one, other in zip(nodes, run.trace.nodes, strict=True)):
        return None
    trace: Any = SimpleNamespace(nodes=nodes)
    return replace(run, trace=trace)


def _without(node: Node) -> Node:
    if node.operation not in ADDING or not any(map(_tiny, node.args)):
        return node
    return replace(node, args=tuple(0.0 if _tiny(each) else each for each in node.args))


def _tiny(value: Any) -> bool:
    return isinstance(value, float | np.floating) and 0 < abs(float(value)) <= TINY
