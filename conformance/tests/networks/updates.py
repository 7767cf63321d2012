"""Networks of the book's interface that move by other rules, as people write them."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from reference.step import Array

Pairs = Iterable[tuple[Array, Array]]


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^−z)"""
    s: Array = 1.0 / (1.0 + np.exp(-z))
    return s


class Network:
    """What they have in common: all but the update."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        rng = np.random.default_rng(0)
        self.biases: list[Array] = [rng.normal(size=(n, 1)) for n in sizes[1:]]
        self.weights: list[Array] = [rng.normal(size=(n, k)) for k, n in pairwise(sizes)]
        self.v_b, self.v_w = self.nothing()

    def nothing(self) -> tuple[list[Array], list[Array]]:
        """Zeros like the biases and the weights."""
        return [np.zeros_like(b) for b in self.biases], [np.zeros_like(w) for w in self.weights]

    def feedforward(self, a: Array) -> Array:
        """The output of a sample."""
        for b, w in zip(self.biases, self.weights, strict=True):
            a = sigmoid(w @ a + b)
        return a

    def gradient(self, pairs: Pairs, decay: float) -> tuple[list[Array], list[Array]]:
        """The mean gradient of a mini-batch, the decay included."""
        pairs = list(pairs)
        nabla_b, nabla_w = self.nothing()
        for x, y in pairs:
            delta_b, delta_w = self.backprop(x, y)
            nabla_b = [nb + db for nb, db in zip(nabla_b, delta_b, strict=True)]
            nabla_w = [nw + dw for nw, dw in zip(nabla_w, delta_w, strict=True)]
        m = len(pairs)
        decayed = zip(nabla_w, self.weights, strict=True)
        return [nb / m for nb in nabla_b], [nw / m + decay * w for nw, w in decayed]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient of a sample."""
        nabla_b, nabla_w = self.nothing()
        activations, zs = [x], []
        for b, w in zip(self.biases, self.weights, strict=True):
            zs.append(w @ activations[-1] + b)
            activations.append(sigmoid(zs[-1]))
        delta = (activations[-1] - y) * sigmoid(zs[-1]) * (1 - sigmoid(zs[-1]))
        nabla_b[-1], nabla_w[-1] = delta, delta @ activations[-2].T
        for k in range(2, len(self.sizes)):
            s = sigmoid(zs[-k])
            delta = self.weights[-k + 1].T @ delta * s * (1 - s)
            nabla_b[-k], nabla_w[-k] = delta, delta @ activations[-k - 1].T
        return nabla_b, nabla_w


class Momentum(Network):
    """The book's exercise."""

    def __init__(self, sizes: list[int], mu: float = 0.9) -> None:
        super().__init__(sizes)
        self.mu = mu

    def velocity(self, old: list[Array], nabla: list[Array], eta: float) -> list[Array]:
        """The velocities after a step."""
        return [self.mu * v - eta * g for v, g in zip(old, nabla, strict=True)]

    def update_mini_batch(self, pairs: Pairs, eta: float, lmbda: float = 0.0, n: int = 1) -> None:
        """One step."""
        nabla_b, nabla_w = self.gradient(pairs, lmbda / n)
        self.v_b = self.velocity(self.v_b, nabla_b, eta)
        self.v_w = self.velocity(self.v_w, nabla_w, eta)
        self.biases = [b + v for b, v in zip(self.biases, self.v_b, strict=True)]
        self.weights = [w + v for w, v in zip(self.weights, self.v_w, strict=True)]


class AsPyTorch(Network):
    """Momentum, η taken after the sum, and μ given to the update."""

    def update_mini_batch(
        self, pairs: Pairs, eta: float, lmbda: float = 0.0, n: int = 1, momentum: float = 0.0
    ) -> None:
        """One step."""
        nabla_b, nabla_w = self.gradient(pairs, lmbda / n)
        for p, g, v in ((self.biases, nabla_b, self.v_b), (self.weights, nabla_w, self.v_w)):
            for i in range(len(p)):
                v[i] = momentum * v[i] + g[i]
                p[i] = p[i] - eta * v[i]


class Adam(Network):
    """Kingma and Ba's."""

    def __init__(
        self, sizes: list[int], beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(sizes)
        self.beta1, self.beta2, self.eps, self.t = beta1, beta2, eps, 0
        self.s_b, self.s_w = self.nothing()

    def update_mini_batch(self, pairs: Pairs, eta: float, lmbda: float = 0.0, n: int = 1) -> None:
        """One step."""
        nabla_b, nabla_w = self.gradient(pairs, lmbda / n)
        self.t += 1
        kept: Any = (
            (self.biases, nabla_b, self.v_b, self.s_b),
            (self.weights, nabla_w, self.v_w, self.s_w),
        )
        for p, g, v, s in kept:
            for i in range(len(p)):
                v[i] = self.beta1 * v[i] + (1 - self.beta1) * g[i]
                s[i] = self.beta2 * s[i] + (1 - self.beta2) * g[i] ** 2
                mean = v[i] / (1 - self.beta1**self.t)
                square = s[i] / (1 - self.beta2**self.t)
                p[i] = p[i] - eta * mean / (np.sqrt(square) + self.eps)
