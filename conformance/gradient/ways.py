"""The ways to ask a network for its cost: its methods by their names, and the order of arguments.

Left out: which of them is the cost that its gradient belongs to (`check.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.gradient.network import Network, Refused

NAMES = ("cost", "total_cost", "loss", "cost_function", "loss_function", "compute_cost")
WANTED = (
    "a method cost(x, y), total_cost(x, y) or loss(x, y), cost(a, y), loss(y, a), cost.fn(a, y), "
    "or an output error that is that of a known cost"
)


@dataclass(frozen=True)
class Way:
    """One way to ask a network for its cost.

    Attributes:
        label: how it is called, as a reader would write it.
        value: of a network, x and y.
    """

    label: str
    value: Callable[[Network, Any, Any], Any]


def feedforward(network: Network, x: Any) -> Any:
    """The network's output, by `feedforward(x)`, `forward(x)` or `predict(x)`.

    Raises:
        Refused: it has none of them.
    """
    for name in ("feedforward", "forward", "predict"):
        method = getattr(network.subject, name, None)
        if callable(method):
            made = network.call(method, x)
            return made[-1] if isinstance(made, list | tuple) else made  # all layers
    raise Refused(f"{network.name} has no feedforward(x)")


def ways(network: Network) -> list[Way]:
    """The ways that this network's names allow, the surest first."""
    found: list[Way] = []
    for name in ("cost.fn", "equations.cost", *NAMES):
        function = _attribute(network.subject, name)
        if not callable(function) or isinstance(function, type):
            continue
        if "." not in name:
            found.append(Way(f"{name}(x, y)", _of_input(function)))
        found += [
            Way(f"{name}({order})", _of_output(function, order)) for order in ("a, y", "y, a")
        ]
    return found


def _of_input(function: Callable[..., Any]) -> Callable[[Network, Any, Any], Any]:
    return lambda network, x, y: network.call(function, x, y)


def _of_output(function: Callable[..., Any], order: str) -> Callable[[Network, Any, Any], Any]:
    def value(network: Network, x: Any, y: Any) -> Any:
        pair = feedforward(network, x), y
        return network.call(function, *(pair if order == "a, y" else pair[::-1]))

    return value


def _attribute(subject: object, dotted: str) -> Any:
    for name in dotted.split("."):
        subject = getattr(subject, name, None)
    return subject
