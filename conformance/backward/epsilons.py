"""A run with 0 in the place of every ε: of tiny numbers that are added, or the least allowed.

And how far the constants of a program are rounded, such as 0.79788456 for √(2/π).

Left out: whether the gradients are right so (`judge.py`).
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from conformance.backward.program import Recorded
from conformance.tracing.node import Node

TINY = 1e-3  # a number that is added up to this size is an ε
MANY = range(7, 15)
"""So many decimal digits has a constant that is rounded."""
ADDING = ("add", "maximum", "clip")


def without_epsilons(run: Recorded) -> Recorded | None:
    """The run so changed; None if there is no ε in it. Values are those that were recorded."""
    nodes = [_without(each) for each in run.trace.nodes]
    if all(one is other for one, other in zip(nodes, run.trace.nodes, strict=True)):
        return None
    trace: Any = SimpleNamespace(nodes=nodes)
    return replace(run, trace=trace)


def rounding_of_constants(run: Recorded) -> float:
    """The largest relative rounding of a constant that is written with many decimals, 0 if none is.

    A few decimals are a number of its own, and as many as a float has are no rounding.
    """
    constants = {e for node in run.trace.nodes for e in node.args if type(e) is float}
    digits = (
        len(f"{abs(each)!r}".partition("e")[0].replace(".", "").lstrip("0")) for each in constants
    )
    return max((0.5 * 10.0 ** (1 - n) for n in digits if n in MANY), default=0.0)


def _without(node: Node) -> Node:
    if node.operation not in ADDING or not any(map(_tiny, node.args)):
        return node
    return replace(node, args=tuple(0.0 if _tiny(each) else each for each in node.args))


def _tiny(value: Any) -> bool:
    return isinstance(value, float | np.floating) and 0 < abs(float(value)) <= TINY
