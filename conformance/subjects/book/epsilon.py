"""An ε in the logarithms of a cross-entropy: a convention, which is said with its size.

The ε follows from the cost of one sample, whose output is 0 where 1 is wanted; it is one if the
costs of other samples follow from it too. Left out: an ε in the output error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.model.functions import COSTS, ROUTES
from reference.step import Array

CROSS_ENTROPY = "cross-entropy"
MOST = 1e-3
"""What is larger is no ε: it changes costs in their third digit."""

OUTPUTS = np.array(
    [
        [0, 0.5, 0.5, 0.5],
        [1, 0.25, 0.75, 0.5],
        [0, 1, 0, 1],
        [1e-3, 0.999, 1e-9, 0.5],
        [0.125, 0.25, 0.625, 0.875],
    ]
).T  # (n_L, m)
TARGETS = np.array(
    [
        [1, 0.5, 0.5, 0.5],
        [0, 1, 0, 0.25],
        [1, 0, 0, 1],
        [1, 0, 1, 1],
        [1, 0, 0.5, 1],
    ]
).T  # (n_L, m)
"""Samples of four outputs each, of which the first gives the ε."""

PASSES = 5
"""The first output of the first sample costs −ln ε, the others change by ε: each pass gives more
than two digits."""

Pair = Callable[[Any, float], tuple[Any, Any]]


def _clipped(a: Any, epsilon: float) -> tuple[Any, Any]:
    """p = min(max(a, ε), 1 − ε), 1 − p"""
    values = a.value
    p = np.where(values > 1 - epsilon, 1 - (0 * a + epsilon), _at_least(a, epsilon))
    return p, 1 - p


def _at_least(a: Any, epsilon: float) -> Any:
    return np.where(a.value < epsilon, 0 * a + epsilon, a)


WAYS: tuple[Pair, ...] = (
    _clipped,
    lambda a, epsilon: (a + epsilon, 1 - a + epsilon),
    lambda a, epsilon: (_at_least(a, epsilon), _at_least(1 - a, epsilon)),
)
"""What stands in the place of a and 1 − a in the logarithms."""


@dataclass(frozen=True)
class Epsilon:
    """An ε, and the way in which it enters the logarithms."""

    size: float
    way: Pair

    @property
    def said(self) -> str:
        """The convention in words."""
        return f"an ε of {self.size:.3g} in the logarithms of the cost"

    def cost(self, output: Array, y: Array) -> RunningError:
        """C with the ε in it, and how far a right program may be off.

        Args:
            output: a^L, (n_L, m).
            y: the targets, (n_L, m).
        """
        a, wanted = (RunningError.exact(each, output.dtype) for each in (output, y))
        p, q = self.way(a, self.size)
        terms = wanted * np.log(p) + (1 - wanted) * np.log(q)
        found: RunningError = -(terms.sum() / y.shape[1])
        return found.widened(ROUTES, 2 * y.size)

    def removed(self, cost: Array, output: Array, y: Array) -> Array | RunningError:
        """What a cost with the ε is without it; the cost as it is, if it does not hold the ε."""
        expected = self.cost(output, y)
        if not abs(cost - expected.value) <= expected.tolerance():
            return cost
        a, wanted = (RunningError.exact(each, output.dtype) for each in (output, y))
        value_of: Callable[..., Any] = COSTS[CROSS_ENTROPY].book.value
        right = value_of(a, wanted)
        value = np.asarray(right.value + (cost - expected.value), cost.dtype)
        return RunningError(value, expected.bound, expected.precision)


def epsilon_of(costs: Sequence[float]) -> Epsilon | None:
    """The ε in the costs of these samples, if they follow from one.

    Args:
        costs: of `OUTPUTS` where `TARGETS` are wanted.
    """
    for way in WAYS:
        epsilon = _solved(way, costs[0])
        if epsilon is not None and _holds(epsilon, costs):
            return epsilon
    return None


def _solved(way: Pair, cost: float) -> Epsilon | None:
    """The ε that gives the cost of the first sample, as far as its digits are known."""
    size = MOST
    for _ in range(PASSES):
        found = float(Epsilon(size, way).cost(OUTPUTS[:, :1], TARGETS[:, :1]).value)
        size *= float(np.exp(found - cost))
        if not 0 < size <= MOST:
            return None
    return Epsilon(float(f"{size:.12g}"), way)


def _holds(epsilon: Epsilon, costs: Sequence[float]) -> bool:
    found = [epsilon.cost(OUTPUTS[:, [i]], TARGETS[:, [i]]) for i in range(len(costs))]
    pairs = zip(costs, found, strict=True)
    return all(abs(cost - each.value) <= each.tolerance() for cost, each in pairs)
