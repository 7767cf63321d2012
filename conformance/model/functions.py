"""The functions that a network may be made of, each a value of the table.

A new one is an entry here, with its equation, the NumPy code by which it is written and how far
correct programs may be apart that compute it another way. Left out: the rows in which they stand
(`table.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.arithmetic.rounding import ULPS
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
        function: a = f(z).
        prime: f′(z).
        prime_of_a: f′(z) made of the activation a = f(z).
        code: f as NumPy code of z.
        prime_code: f′ as NumPy code of a.
        routes: units of the precision by which a and f′ may be off, whatever their size.
    """

    symbol: str
    function: Callable[[Array], Array]
    prime: Callable[[Array], Array]
    prime_of_a: Callable[[Any], Any]
    code: str
    prime_code: str
    routes: int


@dataclass(frozen=True)
class Cost:
    """A cost, and its part of the output error.

    Attributes:
        book: its value, and its output error behind the sigmoid.
        gradient: ∂C_x/∂a^L of each sample.
        code: the cost as NumPy code of a, y and m.
        gradient_code: the gradient as NumPy code of a and y.
        cancels: the activation whose f′ the gradient cancels, so that δ^L = a^L − y.
        loosened: a value in running errors, with room for programs that compute it from z^L.
    """

    book: equations.Cost
    gradient: Callable[[Any, Any], Any]
    code: str
    gradient_code: str
    cancels: str = ""
    loosened: Callable[[Any, Any], Any] | None = None


ACTIVATIONS = {
    "sigmoid": Activation(
        "σ",
        equations.sigmoid,
        equations.sigmoid_prime,
        lambda a: a * (1 - a),
        "1 / (1 + np.exp(-z))",
        "a * (1 - a)",
        # (1 + tanh(z/2)) / 2 costs 2 ULPS units of |tanh| ≤ 1, halved, and the sum and its
        # second-order terms two more; 1 − σ(−z) costs less. Near σ = 0 that may be everything.
        routes=ULPS + 2,
    ),
}

COSTS = {
    "quadratic": Cost(
        equations.QUADRATIC,
        lambda a, y: a - y,
        "np.sum((a - y) ** 2) / (2 * m)",
        "a - y",
    ),
    "cross-entropy": Cost(
        equations.CROSS_ENTROPY,
        lambda a, y: (a - y) / (a * (1 - a)),
        "-np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / m",
        "(a - y) / (a * (1 - a))",
        cancels="sigmoid",
        # (1 − y) z − ln σ(z) is the same, and its terms cancel
        loosened=lambda cost, z: cost.loosened(ROUTES, abs(z).sum() / z.shape[1]),
    ),
}
