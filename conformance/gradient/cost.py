"""The cost that a subject has of its own, found by trying, as a function of the parameters.

Left out: a loss of arguments (y, a) in this order, one that takes the whole data, and a target
that is a label and no vector.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.gradient.network import Network, Refused
from reference.step import Array

Cost = Callable[[Sequence[Array]], Any]
Sample = tuple[Array, Array]

NAMES = ("cost", "total_cost", "loss", "cost_function", "loss_function")
WANTED = (
    "a method cost(x, y), total_cost(x, y) or loss(x, y), cost(a, y), cost.fn(a, y), "
    "or cost_derivative(a, y) beside feedforward(x)"
)


@dataclass(frozen=True)
class OwnCost:
    """One way to ask a subject for its cost.

    Attributes:
        label: how it is called, as a reader would write it.
        near: from a network, parameters and samples, the cost as a function of parameters near
            these, summed over the samples.
    """

    label: str
    near: Callable[[Network, Sequence[Array], Sequence[Sample]], Cost]


def feedforward(network: Network, x: Array) -> Any:
    """The subject's output, by `feedforward(x)` or `forward(x)`.

    Raises:
        Refused: it has neither.
    """
    for name in ("feedforward", "forward"):
        method = getattr(network.subject, name, None)
        if callable(method):
            return network.call(method, x)
    raise Refused(f"{network.name} has no feedforward(x)")


def candidates(network: Network) -> list[OwnCost]:
    """The ways that this subject's names allow, the surest first."""
    own: list[OwnCost] = []
    for name in ("cost.fn", "equations.cost"):
        function = _attribute(network.subject, name)
        if callable(function):
            own.append(_of_output(f"{name}(a, y)", function))
    methods = [(name, _attribute(network.subject, name)) for name in NAMES]
    for name, method in methods:
        if callable(method) and not isinstance(method, type):
            own += [_of_input(f"{name}(x, y)", method), _of_output(f"{name}(a, y)", method)]
    derivative = getattr(network.subject, "cost_derivative", None)
    if callable(derivative):
        own.append(_differential(derivative))
    return own


def _of_input(label: str, function: Callable[..., Any]) -> OwnCost:
    def near(network: Network, _: Sequence[Array], samples: Sequence[Sample]) -> Cost:
        def cost(parameters: Sequence[Array]) -> Any:
            network.use(parameters)
            return _sum(network.call(function, x, y) for x, y in samples)

        return cost

    return OwnCost(label, near)


def _of_output(label: str, function: Callable[..., Any]) -> OwnCost:
    def near(network: Network, _: Sequence[Array], samples: Sequence[Sample]) -> Cost:
        def cost(parameters: Sequence[Array]) -> Any:
            network.use(parameters)
            return _sum(
                network.call(function, np.asarray(feedforward(network, x)), y) for x, y in samples
            )

        return cost

    return OwnCost(label, near)


def _differential(derivative: Callable[..., Any]) -> OwnCost:
    """Σ ∂C/∂a · a with ∂C/∂a held fixed: it has the slope of C where it was taken."""

    def near(network: Network, at: Sequence[Array], samples: Sequence[Sample]) -> Cost:
        network.use(at)
        slopes = [
            np.asarray(network.call(derivative, np.asarray(feedforward(network, x)), y))
            for x, y in samples
        ]

        def cost(parameters: Sequence[Array]) -> Any:
            network.use(parameters)
            return _sum(
                np.sum(slope * feedforward(network, x))
                for slope, (x, _) in zip(slopes, samples, strict=True)
            )

        return cost

    return OwnCost("cost_derivative(a, y) · da", near)


def _sum(values: Any) -> Any:
    """The sum of costs, each of which is one number.

    Raises:
        Refused: one is not.
    """
    total: Any = 0
    for value in values:
        array = np.asarray(value)
        if array.size != 1 or array.dtype.kind not in "fiucO":
            what = f"an array of shape {array.shape}" if array.ndim else type(value).__name__
            raise Refused(f"the cost is {what}, not a number")
        total = total + array.reshape(())[()]
    return total


def _attribute(subject: object, dotted: str) -> Any:
    for name in dotted.split("."):
        subject = getattr(subject, name, None)
    return subject
