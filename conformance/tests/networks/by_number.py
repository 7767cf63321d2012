"""The network in NumPy arrays that are filled number by number, as somebody used to C writes it.

Imports nothing of the project.
"""
# ruff: noqa: B905, NPY002, RUF007

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class ByNumber:
    """What is computed of single numbers is not seen until it is put into an array."""

    def __init__(self, sizes: list[int]) -> None:
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n, k) for k, n in zip(sizes[:-1], sizes[1:])]

    def neuron(self, w: Array, b: Array, a: Array, j: int) -> float:
        """The weighted input of one neuron."""
        z: float = b[j, 0]
        for k in range(w.shape[1]):
            z += w[j, k] * a[k, 0]
        return z

    def layer(self, w: Array, b: Array, a: Array) -> Array:
        """The activations of one layer."""
        z, activations = np.zeros(b.shape), np.zeros(b.shape)
        for j in range(len(z)):
            z[j, 0] = self.neuron(w, b, a, j)
        for j in range(len(z)):
            activations[j, 0] = 1 / (1 + np.exp(-z[j, 0]))
        return activations

    def feedforward(self, a: Array) -> Array:
        """The output for the input column a."""
        for b, w in zip(self.biases, self.weights):
            a = self.layer(w, b, a)
        return a

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        a = [x]
        for b, w in zip(self.biases, self.weights):
            a.append(self.layer(w, b, a[-1]))
        for i in range(len(a) - 2, -1, -1):
            for j in range(len(a[i + 1])):
                here = a[i + 1][j, 0]
                error = here - y[j, 0] if i == len(a) - 2 else 0.0
                if i < len(a) - 2:
                    for k in range(len(a[i + 2])):
                        error += self.weights[i + 1][k, j] * nabla_b[i + 1][k, 0]
                nabla_b[i][j, 0] = error * here * (1 - here)
                for k in range(len(a[i])):
                    nabla_w[i][j, k] = nabla_b[i][j, 0] * a[i][k, 0]
        return nabla_b, nabla_w

    def update_mini_batch(self, mini_batch: list[tuple[Array, Array]], eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        gradients = [self.backprop(x, y) for x, y in mini_batch]
        for i in range(len(self.weights)):
            mean_b = sum(nabla_b[i] for nabla_b, _ in gradients) / len(mini_batch)
            mean_w = sum(nabla_w[i] for _, nabla_w in gradients) / len(mini_batch)
            self.biases[i] = self.biases[i] - eta * mean_b
            self.weights[i] = self.weights[i] - eta * mean_w


class WithoutBias(ByNumber):
    """Forgets the biases."""

    def neuron(self, w: Array, b: Array, a: Array, j: int) -> float:
        """The weighted input of one neuron, less its bias."""
        return super().neuron(w, b, a, j) - float(b[j, 0])


class WithoutLast(ByNumber):
    """Its loop over the neurons below ends one early."""

    def neuron(self, w: Array, b: Array, a: Array, j: int) -> float:
        """The weighted input of one neuron, without the last term."""
        return super().neuron(w[:, :-1], b, a, j)
