"""Networks that the project does not know, right and with one wrong factor, for gradient checks.

They have a cost of their own and its gradient by hand, and no update. Targets are distributions:
y ≥ 0, each column with the sum 1, else p − y is not the output error of the softmax.
"""
# ruff: noqa: B905, NPY002, RUF007

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class _Softmax:
    """Any number of hidden layers under a softmax output with the cross-entropy −Σ y ln p."""

    decay = 0.0  # of the weights: decay Σ w² is a part of the cost

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self.biases: list[Array] = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights: list[Array] = [np.random.randn(n, k) for k, n in zip(sizes[:-1], sizes[1:])]

    def hidden(self, z: Array) -> Array:
        """The activation of a hidden layer."""
        raise NotImplementedError

    def slope(self, h: Array) -> Array:
        """The derivative of `hidden`, from its value."""
        raise NotImplementedError

    def penalty_slope(self, w: Array) -> Array:
        """The derivative of decay Σ w²."""
        return 2 * self.decay * w

    def forward(self, x: Array) -> list[Array]:
        """The activations of all layers, the input first."""
        layers = [x]
        for w, b in zip(self.weights[:-1], self.biases[:-1]):
            layers.append(self.hidden(w @ layers[-1] + b))
        e = np.exp(self.weights[-1] @ layers[-1] + self.biases[-1])
        layers.append(e / e.sum(axis=0))
        return layers

    def feedforward(self, x: Array) -> Array:
        """The probabilities p of the input columns x."""
        return self.forward(x)[-1]

    def cost(self, x: Array, y: Array) -> float:
        """The cost, summed over the columns of x and y."""
        penalty = sum(self.decay * np.sum(w * w) for w in self.weights)
        total: float = penalty - np.sum(y * np.log(self.feedforward(x)))
        return total

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of `cost`."""
        layers = self.forward(x)
        delta = layers[-1] - y
        nabla_b: list[Array] = []
        nabla_w: list[Array] = []
        for l in reversed(range(len(self.weights))):  # noqa: E741
            nabla_b.insert(0, delta.sum(axis=1, keepdims=True))
            nabla_w.insert(0, delta @ layers[l].T + self.penalty_slope(self.weights[l]))
            if l > 0:
                delta = (self.weights[l].T @ delta) * self.slope(layers[l])
        return nabla_b, nabla_w


class TanhSoftmax(_Softmax):
    """Hidden layers of tanh, no penalty."""

    def hidden(self, z: Array) -> Array:
        """The hyperbolic tangent."""
        t: Array = np.tanh(z)
        return t

    def slope(self, h: Array) -> Array:
        """The derivative of tanh, from t = tanh z."""
        return 1 - h * h


class TanhSoftmaxWrong(TanhSoftmax):
    """As `TanhSoftmax`, with 1 − t where 1 − t² belongs."""

    def slope(self, h: Array) -> Array:
        """The derivative of tanh, wrong."""
        return 1 - h


class ReluSoftmax(_Softmax):
    """Hidden layers of rectified linear units, and a penalty on the weights."""

    decay = 0.125

    def hidden(self, z: Array) -> Array:
        """The positive part."""
        return np.where(z > 0, z, 0 * z)

    def slope(self, h: Array) -> Array:
        """One where the unit is on."""
        return np.where(h > 0, 1.0, 0.0)


class ReluSoftmaxWrong(ReluSoftmax):
    """As `ReluSoftmax`, with the factor 2 of the penalty's derivative missing."""

    def penalty_slope(self, w: Array) -> Array:
        """The derivative of decay Σ w², wrong."""
        return self.decay * w


FOREIGN = (TanhSoftmax, ReluSoftmax)
FOREIGN_WRONG = (TanhSoftmaxWrong, ReluSoftmaxWrong)
