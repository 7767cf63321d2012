"""A run without any ε: next to 0 for tiny numbers that are added, or are the least allowed.

And how far the constants of a program are rounded, such as 0.79788456 for √(2/π).

Left out: whether the gradients are right so (`judge_gradients.py`).
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.costs import NEAR
from conformance.backward.recorded_pass import Recorded
from conformance.backward.source import is_float
from conformance.tracing.node import Node, uses_of_nodes
from conformance.tracing.trace import Trace

TINY = 1e-3  # a number that is added up to this size is an ε
NONE = 2.0**-200  # of an ε: what is left of it; of 0 there may be no logarithm
DIGITS = 52  # binary ones, that probabilities may have when they add up to 1
MANY, SOME = range(7, 15), range(4, 7)
"""So many decimal digits has a constant that is rounded; a well-known one may have less."""
KNOWN = (math.e, math.pi)
ADDING = ("add", "maximum", "clip")


def without_epsilons(run: Recorded, *, of_loss: bool = False) -> Recorded | None:
    """The run so changed; None if there is no ε in it. Values are those that were recorded.

    Args:
        run: the run.
        of_loss: whether only an ε is changed that no gradient is computed of: one of the pass, as
            in a root of a variance, may decide which entries are above 0.
    """
    used = uses_of_nodes(each.node for each in run.goals) if of_loss else 0
    nodes = [each if used >> each.number & 1 else _without(each) for each in run.trace.nodes]
    if all(one is other for one, other in zip(nodes, run.trace.nodes, strict=True)):
        return None
    return replace(run, trace=Trace.of(nodes))


def rounding_of_constants(run: Recorded) -> float:
    """The largest relative rounding of a constant, 0 if none is rounded.

    One that is written with many decimals is: a few are a number of its own, unless it is e or π,
    and as many as a float has are no rounding. So are arrays of floats with less than 64 bits, such
    as smoothed labels.
    """
    constants = {abs(e) for node in run.trace.nodes for e in node.args if type(e) is float}
    digits = ((e, len(f"{e!r}".partition("e")[0].replace(".", "").lstrip("0"))) for e in constants)
    written = (
        0.5 * 10.0 ** (1 - n)
        for e, n in digits
        if n in MANY or (n in SOME and any(round(each, n - 1) == e for each in KNOWN))
    )
    return max((*_units(run), *written), default=0.0)


def _units(run: Recorded) -> Iterator[float]:
    """The relative roundings of the arrays of constants that have less than 64 bits."""
    parameters = {goal.parameter for goal in run.goals}
    for each in run.trace.nodes:
        given = each.function is None and is_float(each) and each not in parameters
        if given and each.value.dtype.itemsize < np.dtype(np.float64).itemsize:
            yield float(np.finfo(each.value.dtype).eps)


def _without(node: Node) -> Node:
    if node.function is None and is_float(node):
        return _whole(node)
    if node.operation not in ADDING or not any(map(_tiny, node.args)):
        return node
    return replace(node, args=tuple(each * NONE if _tiny(each) else each for each in node.args))


def _whole(node: Node) -> Node:
    """Probabilities that an ε was added to before the step, so that they add up to 1 exactly.

    The least of them may be an ε themselves.
    """
    given = np.asarray(node.value, dtype=np.float64)
    if given.size <= 1 or np.any(given < 0):
        return node
    least = np.min(given) if 0 < np.min(given) <= NEAR else 0.0
    value = np.where(given == least, 0.0, given)
    for axis in (None, *range(value.ndim)):
        lines = np.reshape(value, (1, -1)) if axis is None else np.moveaxis(value, axis, -1)
        totals = np.sum(lines, axis=-1, keepdims=True)
        if 0 < np.max(np.abs(totals - 1)) <= NEAR:
            bits = DIGITS - int(np.frexp(np.max(lines))[1])
            parts = np.rint(lines / totals * 2.0**bits).astype(np.int64)
            rest = 2**bits - np.sum(parts, axis=-1, keepdims=True)
            parts += rest * (np.arange(parts.shape[-1]) == np.argmax(parts, -1, keepdims=True))
            made = np.ldexp(parts.astype(np.float64), -bits)
            made = np.reshape(made, value.shape) if axis is None else np.moveaxis(made, -1, axis)
            return replace(node, value=np.where(given == least, given * NONE, made))
    return node


def _tiny(value: Any) -> bool:
    return isinstance(value, float | np.floating) and 0 < abs(float(value)) <= TINY
