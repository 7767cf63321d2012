"""The equations of the book, each a pure function whose docstring begins with the equation.

Plain NumPy expressions, so one source serves every arithmetic that NumPy dispatches: float64 and
float32, balls that enclose the exact value, running error bounds. Shapes and conventions are those
of `reference.step`; `eta` is η and `decay` is λ/n, n the size of the whole training set.

Left out: the order in which the equations are used (`backprop.py`), and which activations and costs
go together (`families.py`).

Source: M. Nielsen, *Neural Networks and Deep Learning* (2015): σ and the update in chapter 1, BP1
to BP4 in chapter 2; cross-entropy, log-likelihood, softmax, tanh, ReLU and decay in chapter 3.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from reference.step import Array

SLOPE = 0.01
"""Of leaky ReLU where z < 0, as PyTorch has it."""


def sigmoid(z: Array) -> Array:
    """σ(z) = 1 / (1 + e^−z)"""
    with np.errstate(over="ignore"):  # where e^−z is beyond the largest float, σ is rightly 0
        s: Array = 1 / (1 + np.exp(-z))
        return s


def sigmoid_prime(z: Array) -> Array:
    """σ′(z) = σ(z) (1 − σ(z))"""
    s = sigmoid(z)
    prime: Array = s * (1 - s)
    return prime


def tanh(z: Array) -> Array:
    """a^l = tanh z^l"""
    t: Array = np.tanh(z)
    return t


def tanh_prime(z: Array) -> Array:
    """tanh′(z) = 1 − tanh²(z)"""
    prime: Array = 1 - np.square(np.tanh(z))
    return prime


def relu(z: Array) -> Array:
    """a^l = max(z^l, 0)"""
    return z * (z > 0)


def relu_prime(z: Array) -> Array:
    """ReLU′(z) = 1 where z > 0, else 0"""
    return z > 0


def leaky_relu(z: Array) -> Array:
    """a^l = max(z^l, 0.01 z^l)"""
    a: Array = relu(z) - SLOPE * relu(-z)
    return a


def leaky_relu_prime(z: Array) -> Array:
    """LReLU′(z) = 1 where z > 0, else 0.01"""
    up = z > 0
    prime = up + SLOPE * (1 - up)
    dtype = getattr(z, "dtype", None)  # of truth values NumPy makes float64
    return prime if dtype is None else prime.astype(dtype)


def linear(z: Array) -> Array:
    """a^l = z^l"""
    return z


def softmax(z: Array) -> Array:
    """a_j^l = e^{z_j} / Σ_k e^{z_k}"""
    e = np.exp(z - z.max(axis=0, keepdims=True))  # the same, and no e^z is infinite
    s: Array = e / e.sum(axis=0, keepdims=True)
    return s


def weighted_input(w: Array, a: Array, b: Array) -> Array:
    """z^l = w^l a^{l−1} + b^l"""
    return w @ a + b  # (n_l, m)


def activation(z: Array) -> Array:
    """a^l = σ(z^l)"""
    return sigmoid(z)


def quadratic_cost(a: Array, y: Array) -> Array:
    """C = (1/2m) Σ_x ‖a^L − y‖²"""
    c: Array = np.square(a - y).sum() / (2 * y.shape[1])
    return c


def quadratic_delta(z: Array, a: Array, y: Array) -> Array:
    """δ^L = (a^L − y) ⊙ σ′(z^L)"""
    return (a - y) * sigmoid_prime(z)  # (n_L, m)


def cross_entropy_cost(a: Array, y: Array) -> Array:
    """C = −(1/m) Σ_x Σ_j [y_j ln a_j + (1 − y_j) ln(1 − a_j)]"""
    c: Array = -(_x_ln_a(y, a) + _x_ln_a(1 - y, 1 - a)).sum() / y.shape[1]
    return c


def cross_entropy_delta(_z: Array, a: Array, y: Array) -> Array:
    """δ^L = a^L − y"""
    return a - y  # (n_L, m)


def log_likelihood_cost(a: Array, y: Array) -> Array:
    """C = −(1/m) Σ_x Σ_j y_j ln a_j"""
    c: Array = -_x_ln_a(y, a).sum() / y.shape[1]
    return c


def difference(_z: Array, a: Array, y: Array) -> Array:
    """δ^L = a^L − y"""
    return a - y  # (n_L, m); what is left where f′ cancels


def hidden_error(w_above: Array, delta_above: Array, z: Array) -> Array:
    """δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l)"""
    return (w_above.T @ delta_above) * sigmoid_prime(z)  # (n_l, m)


def bias_gradient(delta: Array) -> Array:
    """∂C/∂b^l = (1/m) Σ_x δ^{x,l}"""
    nabla: Array = delta.sum(axis=1, keepdims=True) / delta.shape[1]
    return nabla  # (n_l, 1)


def weight_gradient(delta: Array, a_below: Array) -> Array:
    """∂C/∂w^l = (1/m) δ^l (a^{l−1})ᵀ"""
    nabla: Array = delta @ a_below.T / delta.shape[1]
    return nabla  # (n_l, n_{l-1})


def reduced_gradient(nabla: Array, m: Array) -> Array:
    """∇C = Σ_r (m_r/m) ∇C_r

    Of r processes, or of r micro-batches of one, with m_r samples each; m is their sum.
    """
    reduced: Array = (m * nabla).sum(axis=0) / m.sum()
    return reduced  # as one of nabla, which has an axis r before its own; m is (r, 1, 1)


def updated_bias(b: Array, nabla_b: Array, eta: float) -> Array:
    """b^l ← b^l − η ∂C/∂b^l"""
    return b - eta * nabla_b


def updated_weight(w: Array, nabla_w: Array, eta: float, decay: float) -> Array:
    """w^l ← (1 − ηλ/n) w^l − η ∂C/∂w^l"""
    return (1 - eta * decay) * w - eta * nabla_w


class Activation(NamedTuple):
    """An activation f(z), and f′(z); None where a_j depends on the other z_k too, or f′ is 1."""

    value: Callable[[Array], Array]
    prime: Callable[[Array], Array] | None = None


SIGMOID = Activation(sigmoid, sigmoid_prime)
TANH, RELU = Activation(tanh, tanh_prime), Activation(relu, relu_prime)
LEAKY_RELU = Activation(leaky_relu, leaky_relu_prime)
LINEAR, SOFTMAX = Activation(linear), Activation(softmax)
ACTIVATIONS = {
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "relu": RELU,
    "leaky-relu": LEAKY_RELU,
    "linear": LINEAR,
    "softmax": SOFTMAX,
}


class Cost(NamedTuple):
    """A cost as the book's pair: C(a, y), and δ^L(z, a, y) behind an activation of the output."""

    value: Callable[[Array, Array], Array]
    delta: Callable[[Array, Array, Array], Array]
    output: Activation = SIGMOID


QUADRATIC = Cost(quadratic_cost, quadratic_delta)
CROSS_ENTROPY = Cost(cross_entropy_cost, cross_entropy_delta)
LOG_LIKELIHOOD = Cost(log_likelihood_cost, difference, SOFTMAX)
COSTS = {
    "quadratic": QUADRATIC,
    "cross-entropy": CROSS_ENTROPY,
    "log-likelihood": LOG_LIKELIHOOD,
}


@dataclass(frozen=True)
class Equations:
    """The equations of one step; a known mistake is `replace(BOOK, hidden_error=…)`."""

    weighted_input: Callable[[Array, Array, Array], Array] = weighted_input
    activation: Callable[..., Array] = activation  # of z, and of a mask if there is one
    cost: Callable[[Array, Array], Array] = QUADRATIC.value
    output_error: Callable[[Array, Array, Array], Array] = QUADRATIC.delta
    hidden_error: Callable[..., Array] = hidden_error
    bias_gradient: Callable[[Array], Array] = bias_gradient
    weight_gradient: Callable[[Array, Array], Array] = weight_gradient
    updated_bias: Callable[[Array, Array, float], Array] = updated_bias
    updated_weight: Callable[[Array, Array, float, float], Array] = updated_weight

    def with_cost(self, cost: Cost) -> "Equations":
        """The same equations for another cost."""
        return replace(self, cost=cost.value, output_error=cost.delta)


BOOK = Equations()


def _x_ln_a(x: Array, a: Array) -> Array:
    """x ln a, and 0 where x is 0, whatever a is."""
    with np.errstate(divide="ignore"):  # a neuron saturated on the wrong side costs infinity
        product: Array = x * np.log(np.where(x == 0, x + 1, a))  # ln 1 in any arithmetic
        return product
