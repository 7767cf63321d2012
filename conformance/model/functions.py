"""The functions that a network may be made of, each a value of the table.

A new one is an entry here, with its equation, the NumPy code by which it is written and how far
correct programs may be apart that compute it another way. Left out: the rows in which they stand
(`table.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import ULPS
from conformance.errors import UsageError
from reference import equations
from reference.step import Array

ROUTES = 4
"""Roundings by which correct programs may differ that put factors such as 1/m elsewhere.

One program divides each δ by m and multiplies by m to show it, another divides a sum, a third takes
½, 2 and 1/m in another order. Each way costs at most so many roundings in what it shows.
"""


@dataclass(frozen=True)
class Activation:
    """The activation function f of a layer.

    Attributes:
        symbol: by which it is written.
        book: a = f(z), and f′(z) if it has one of each neuron by itself, which is not 1.
        code: f as NumPy code of z.
        routes: units of the precision by which a and f′ may be off, whatever their size.
        prime_of_a: f′(z) made of the activation a = f(z).
        prime_code: f′ as NumPy code of a.
        kink: whether f′ jumps at 0, where conventions differ.
        masked: whether a mask leaves neurons out: a = f(z) ⊙ r.
    """

    symbol: str
    book: equations.Activation
    code: str
    routes: int
    prime_of_a: Callable[[Any], Any] | None = None
    prime_code: str = ""
    kink: bool = False
    masked: bool = False

    @property
    def mask(self) -> tuple[str, ...]:
        """The inputs of the layer's equations that are its mask."""
        return ("mask",) if self.masked else ()

    @property
    def function(self) -> Callable[[Array], Array]:
        """a = f(z)."""
        return self.book.value

    @property
    def prime(self) -> Callable[[Any], Any]:
        """f′(z).

        Raises:
            ValueError: it has none.
        """
        if self.book.prime is None:
            raise ValueError(f"{self.symbol} has no f′ of each neuron by itself")
        return self.book.prime

    @property
    def hidden(self) -> bool:
        """Whether it may stand in hidden layers."""
        return self.book.prime is not None


@dataclass(frozen=True)
class Cost:
    """A cost, and its part of the output error.

    Attributes:
        book: its value, and its output error.
        gradient: ∂C_x/∂a^L of each sample.
        code: the cost as NumPy code of a, y and m.
        gradient_code: the gradient as NumPy code of a and y.
        cancels: the activation of the output with which δ^L = a^L − y.
        outputs: the activations of the output with which it goes, the usual one first.
        loosened: a value in running errors, with room for programs that compute it from z^L.
    """

    book: equations.Cost
    gradient: Callable[[Any, Any], Any]
    code: str
    gradient_code: str
    cancels: str
    outputs: tuple[str, ...]
    loosened: Callable[[Any, Any], Any] | None = None

    def sloped(self, activation: str) -> bool:
        """Whether δ^L has an f′ behind an activation of the output."""
        return activation != self.cancels


TANH_ROUTES = 4 * ULPS + 3
"""Units by which (e^z − e^−z) / (e^z + e^−z) may be off: 2 ULPS each of e^±z, and three roundings.

2 σ(2z) − 1 costs less.
"""

SOFTMAX_ROUTES = 8 * ULPS
"""Units by which e^(z − ln Σ e^z) may be off, with up to 40 outputs.

a |z_j − max z| and a |ln a| are at most 1/e, and ln Σ e^(z − max z) at most ln 40 = 3.7, which
costs 2 ULPS units of itself.
"""

ACTIVATIONS = {
    "sigmoid": Activation(
        "σ",
        equations.SIGMOID,
        "1 / (1 + np.exp(-z))",
        # (1 + tanh(z/2)) / 2 costs 2 ULPS units of |tanh| ≤ 1, halved, and the sum and its
        # second-order terms two more; 1 − σ(−z) costs less. Near σ = 0 that may be everything.
        routes=ULPS + 2,
        prime_of_a=lambda a: a * (1 - a),
        prime_code="a * (1 - a)",
    ),
    "tanh": Activation(
        "tanh",
        equations.TANH,
        "np.tanh(z)",
        routes=2 * TANH_ROUTES + 2,  # 1 − a² is off by twice as much as a, and two roundings
        prime_of_a=lambda a: 1 - np.square(a),
        prime_code="1 - a**2",
    ),
    "relu": Activation(
        "ReLU",
        equations.RELU,
        "np.maximum(z, 0)",
        routes=0,
        prime_of_a=lambda a: a > 0,
        prime_code="a > 0",
        kink=True,
    ),
    "leaky-relu": Activation(
        "LReLU",
        equations.LEAKY_RELU,
        "np.maximum(z, z / 100)",
        routes=2,  # the slope, rounded or divided by, and the product
        prime_of_a=equations.leaky_relu_prime,
        prime_code="(a > 0) + (1 - (a > 0)) / 100",
        kink=True,
    ),
    "linear": Activation("", equations.LINEAR, "z", routes=0),
    "softmax": Activation(
        "softmax",
        equations.SOFTMAX,
        "np.exp(z) / np.exp(z).sum(axis=0, keepdims=True)",
        routes=SOFTMAX_ROUTES,
    ),
}


DROPOUT = "-dropout"
"""Ends the name of an activation in a layer of which a mask leaves neurons out."""

ACTIVATIONS |= {
    f"{name}{DROPOUT}": replace(f, masked=True) for name, f in ACTIVATIONS.items() if f.hidden
}


def _of_logits(cost: Any, z: Any) -> Any:
    """max z + ln Σ e^(z − max z) − z_j is the same as −ln a_j, and its terms cancel."""
    return cost.loosened(ROUTES, abs(z).sum() / z.shape[1]).loosened(SOFTMAX_ROUTES, 1)


COSTS = {
    "quadratic": Cost(
        equations.QUADRATIC,
        lambda a, y: a - y,
        "np.sum((a - y) ** 2) / (2 * m)",
        "a - y",
        cancels="linear",
        outputs=("sigmoid", "tanh", "relu", "linear"),
    ),
    "cross-entropy": Cost(
        equations.CROSS_ENTROPY,
        lambda a, y: (a - y) / (a * (1 - a)),
        "-np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / m",
        "(a - y) / (a * (1 - a))",
        cancels="sigmoid",
        outputs=("sigmoid",),
        # (1 − y) z − ln σ(z) is the same, and its terms cancel
        loosened=lambda cost, z: cost.loosened(ROUTES, abs(z).sum() / z.shape[1]),
    ),
    "log-likelihood": Cost(
        equations.LOG_LIKELIHOOD,
        lambda a, y: -y / a,
        "-np.sum(y * np.log(a)) / m",
        "-y / a",
        cancels="softmax",
        outputs=("softmax",),
        loosened=_of_logits,
    ),
}

SIGMOID = "sigmoid"


SAID = {name: each.symbol for name, each in ACTIVATIONS.items() if each.symbol}
"""The activations as they are written."""

UNKNOWN = "one that is not known"
"""What is said of an activation that a program has and we do not know."""


def families() -> list[tuple[str, str]]:
    """The activations of hidden layers and output that go together, the book's first."""
    outputs = dict.fromkeys(each for cost in COSTS.values() for each in cost.outputs)
    return [(f, output) for f in ACTIVATIONS if ACTIVATIONS[f].hidden for output in outputs]


def fits(activations: tuple[str, ...], cost: str) -> bool:
    """Whether the activations of the layers 2 … L go together, and with a cost."""
    *hidden, output = activations
    masks = {ACTIVATIONS[each].masked for each in hidden}
    known = all(ACTIVATIONS[each].hidden for each in hidden) and len(masks) <= 1
    return known and output in COSTS[cost].outputs


def family_of(text: str | None) -> tuple[str, str] | None:
    """The activations of hidden layers and output in a text such as relu,softmax; one is both.

    Raises:
        UsageError: there is no such family.
    """
    if text is None:
        return None
    hidden, _, output = text.partition(",")
    return check_family((hidden, output or hidden))


def check_family(family: tuple[str, str]) -> tuple[str, str]:
    """The activations of hidden layers and output.

    Raises:
        UsageError: there is no such family.
    """
    if family not in families():
        hiddens, outputs = (
            ", ".join(dict.fromkeys(each)) for each in zip(*families(), strict=True)
        )
        said = family if isinstance(family, str) else ",".join(map(str, family))
        raise UsageError(f"family {said}: give HIDDEN,OUTPUT of {hiddens} and of {outputs}")
    return family
