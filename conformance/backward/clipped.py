"""Gradients before they are clipped by their norm: a factor that is made of all of them.

Such a factor is a convention. It depends on each gradient, so with one that is wrong nothing above
it would be right in one place alone: the gradients are judged before it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.program import Goal
from conformance.tracing.node import Node


def unclipped(goals: Sequence[Goal]) -> tuple[Goal, ...]:
    """The gradients without the numbers by which all are multiplied, if one is made of them."""
    inner, factors = [each.node for each in goals], list[list[Any]]()
    while (found := _common(inner)) is not None:
        factors.append([factor for factor, _ in found])
        inner = [node for _, node in found]
    if not any(all(map(_is_made_of, each, inner)) for each in factors):
        return tuple(goals)
    return tuple(replace(e, node=node) for e, node in zip(goals, inner, strict=True))


def _is_made_of(factor: Any, node: Node) -> bool:
    return type(factor) is Node and factor.depends_on(node)


def _common(nodes: Sequence[Node]) -> list[tuple[Any, Node]] | None:
    """The number by which all values are multiplied, and the values before; None if there is none.

    The number may be computed anew for each.
    """
    factors = [dict(_factors(each)) for each in nodes]
    for key in factors[0] if factors else ():
        if all(key in each for each in factors):
            return [each[key] for each in factors]
    return None


def _factors(node: Node) -> Iterator[tuple[tuple[str, float], tuple[Any, Node]]]:
    """By which numbers a value may be multiplied, each with the value before it."""
    if node.operation not in ("multiply", "divide") or len(node.args) != 2:  # noqa: PLR2004
        return
    pairs = [(node.args[1], node.args[0]), (node.args[0], node.args[1])]
    for factor, inner in pairs[: 1 if node.operation == "divide" else 2]:
        if type(inner) is not Node or np.shape(inner.value) != np.shape(node.value):
            continue
        number = factor.value if type(factor) is Node else factor
        if np.ndim(number) == 0 and isinstance(number, int | float | np.ndarray | np.number):
            yield (node.operation, float(number)), (factor, inner)
