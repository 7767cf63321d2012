"""Networks of the book's interface with dropout, which are given their masks."""

from itertools import pairwise

import numpy as np

from reference.step import Array

Masks = list[Array]
"""Of a sample, a column for each hidden layer."""


class Network:
    """Sigmoids; as in the book a mask has 1 where a neuron is kept, and the test is scaled."""

    def __init__(self, sizes: list[int], p: float = 0.5) -> None:
        rng = np.random.default_rng(0)
        self.p = p
        self.biases: list[Array] = [rng.normal(size=(n, 1)) for n in sizes[1:]]
        self.weights: list[Array] = [rng.normal(size=(n, k)) for k, n in pairwise(sizes)]

    def f(self, z: Array) -> Array:
        """The activation of the hidden layers."""
        a: Array = 1.0 / (1.0 + np.exp(-z))
        return a

    def slope(self, a: Array) -> Array:
        """Its derivative, made of it."""
        slope: Array = a * (1 - a)
        return slope

    def output(self, z: Array) -> Array:
        """The activation of the output."""
        return Network.f(self, z)

    def error(self, a: Array, y: Array) -> Array:
        """The error of the output."""
        delta: Array = (a - y) * a * (1 - a)
        return delta

    def feedforward(self, a: Array) -> Array:
        """The output of a sample, of all neurons."""
        layers = list(zip(self.biases, self.weights, strict=True))
        for b, w in layers[:-1]:
            a = self.f(w @ a + b) * (1 - self.p)
        return self.output(layers[-1][1] @ a + layers[-1][0])

    def backprop(self, x: Array, y: Array, masks: Masks) -> tuple[list[Array], list[Array]]:
        """The gradient of a sample, in the network without the neurons that are left out."""
        values, activations = [], [x]
        for b, w, mask in zip(self.biases, self.weights, masks, strict=False):
            values.append(self.f(w @ activations[-1] + b))
            activations.append(values[-1] * mask)
        a = self.output(self.weights[-1] @ activations[-1] + self.biases[-1])
        nabla_b = [np.zeros_like(b) for b in self.biases]
        nabla_w = [np.zeros_like(w) for w in self.weights]
        delta = self.error(a, y)
        nabla_b[-1], nabla_w[-1] = delta, delta @ activations[-1].T
        for i in range(len(masks) - 1, -1, -1):
            delta = self.weights[i + 1].T @ delta * masks[i]
            delta = delta * self.slope(values[i])
            nabla_b[i], nabla_w[i] = delta, delta @ activations[i].T
        return nabla_b, nabla_w

    def update_mini_batch(
        self, mini_batch: list[tuple[Array, Array]], eta: float, masks: list[Masks]
    ) -> None:
        """A step on samples, each with its masks."""
        parts = [self.backprop(x, y, r) for (x, y), r in zip(mini_batch, masks, strict=True)]
        for i in range(len(self.weights)):
            self.biases[i] -= eta * sum(part[0][i] for part in parts) / len(parts)
            self.weights[i] -= eta * sum(part[1][i] for part in parts) / len(parts)


class Inverted(Network):
    """Tanh and softmax; a mask has 1/(1 − p) where a neuron is kept, and the test is not scaled."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes, p=0.0)

    def f(self, z: Array) -> Array:
        """tanh z"""
        a: Array = np.tanh(z)
        return a

    def slope(self, a: Array) -> Array:
        """1 − a²"""
        return 1 - a**2

    def output(self, z: Array) -> Array:
        """Softmax."""
        e: Array = np.exp(z - z.max())
        a: Array = e / e.sum()
        return a

    def error(self, a: Array, y: Array) -> Array:
        """Of the log-likelihood."""
        return a - y
