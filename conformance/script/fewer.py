"""A step of many samples, computed again on a few of them by the same operations.

What is wrong with a step of 40,000 samples is wrong with one of 64 too, and is found sooner. Where
an operation does not go along, all samples are kept.

Left out: what a step is (`update_step.py`).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.tracing.node import Node, flat

MANY, FEW = 1000, 64
REFUSED = (ValueError, TypeError, IndexError, ArithmeticError, AttributeError, KeyError)
"""What operations raise that are given arrays of other lengths."""


def on_few_samples(nodes: Sequence[Node], parameters: Sequence[Node]) -> float:
    """Compute a step again on a few samples, if it has many; the share of them that was taken.

    Args:
        nodes: of the step, in the order of time; their values are replaced.
        parameters: the nodes among them that are given.
    """
    many = _samples(nodes, parameters)
    if not many:
        return 1.0
    chosen = np.linspace(0, many - 1, FEW).astype(int)
    values: dict[int, Any] = {}
    for node in nodes:
        try:
            with np.errstate(all="ignore"):
                made = _again(node, many, chosen, values)
        except REFUSED:
            return 1.0
        if np.shape(made) != tuple(FEW if n == many else n for n in np.shape(node.value)):
            return 1.0
        values[node.number] = made
    for node in nodes:
        node.value = values[node.number]
    return FEW / many


def _again(node: Node, many: int, chosen: Any, values: dict[int, Any]) -> Any:
    """The value of a node, of the chosen samples alone.

    Raises:
        ValueError: it takes places among all samples.
    """
    if node.function is None:
        value = node.value
        for axis, n in enumerate(np.shape(value)):
            value = np.take(value, chosen, axis) if n == many else value
        return value
    plain = [e for e in flat((node.args, node.kwargs)) if type(e) is not Node]
    if any(_counts(each, many) for each in plain):
        raise ValueError(node.operation)
    made = np.asarray(node.again(lambda each: _scalar(values[each.number])))
    return made.astype(np.asarray(node.value).dtype, copy=False)


def _counts(value: Any, many: int) -> bool:
    """Whether an argument has a place or a length a sample in it."""
    if isinstance(value, np.ndarray | range | slice):
        long = not isinstance(value, slice) and np.size(value) >= many
        return long or (isinstance(value, slice) and value.stop is not None)
    return type(value) is int and value == many


def _scalar(value: Any) -> Any:
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _samples(nodes: Sequence[Node], parameters: Sequence[Node]) -> int:
    """How many samples there are, if many: the length that most constants share; else 0."""
    own = {n for each in parameters for n in np.shape(each.value)}
    counts = Counter(
        n
        for each in nodes
        if each.function is None
        for n in np.shape(each.value)
        if n >= MANY and n not in own
    )
    return counts.most_common(1)[0][0] if counts else 0
