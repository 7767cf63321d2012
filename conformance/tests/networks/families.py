"""The book's chapter 2 program with other activations and costs, as people write it.

Each class is right; the tests make wrong ones of them by replacing a line.
"""

import random
from itertools import pairwise
from typing import Any

import numpy as np


def relu(z: Any) -> Any:
    """The positive part."""
    return np.maximum(0, z)


def relu_prime(z: Any) -> Any:
    """Its slope."""
    return (z > 0).astype(float)


def tanh_prime(z: Any) -> Any:
    """The slope of tanh."""
    return 1 - np.tanh(z) ** 2


def softmax(z: Any) -> Any:
    """Probabilities of the classes."""
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


class Network:
    """Two methods are left to the classes below: `hidden` and `output`, and their slopes."""

    def __init__(self, sizes: Any) -> None:
        rng = np.random.default_rng()
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = [rng.normal(size=(y, 1)) for y in sizes[1:]]
        self.weights = [rng.normal(size=(y, x)) / np.sqrt(x) for x, y in pairwise(sizes)]

    def hidden(self, z: Any) -> Any:
        """f of the hidden layers."""
        return relu(z)

    def hidden_prime(self, z: Any) -> Any:
        """f′ of the hidden layers."""
        return relu_prime(z)

    def output(self, z: Any) -> Any:
        """f of the output."""
        return softmax(z)

    def output_error(self, z: Any, a: Any, y: Any) -> Any:  # noqa: ARG002 - others need z
        """δ of the output."""
        return a - y

    def feedforward(self, a: Any) -> Any:
        """The output."""
        for b, w in zip(self.biases[:-1], self.weights[:-1], strict=True):
            a = self.hidden(np.dot(w, a) + b)
        return self.output(np.dot(self.weights[-1], a) + self.biases[-1])

    def SGD(  # noqa: N802 - the book's name
        self, training_data: Any, epochs: int, mini_batch_size: int, eta: float
    ) -> None:
        """Train."""
        n = len(training_data)
        for _ in range(epochs):
            random.shuffle(training_data)
            for k in range(0, n, mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)

    def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
        """One step."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_b, delta_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_b, strict=True)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_w, strict=True)]
        m = len(mini_batch)
        self.weights = [w - (eta / m) * nw for w, nw in zip(self.weights, nabla_w, strict=True)]
        self.biases = [b - (eta / m) * nb for b, nb in zip(self.biases, nabla_b, strict=True)]

    def backprop(self, x: Any, y: Any) -> Any:
        """The gradient of one sample."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        a, activations, zs = x, [x], []
        for b, w in zip(self.biases, self.weights, strict=True):
            z = np.dot(w, a) + b
            zs.append(z)
            last = len(zs) == len(self.weights)
            a = self.output(z) if last else self.hidden(z)
            activations.append(a)
        delta = self.output_error(zs[-1], activations[-1], y)
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].T)
        for k in range(2, self.num_layers):
            delta = np.dot(self.weights[-k + 1].T, delta) * self.hidden_prime(zs[-k])
            nabla_b[-k] = delta
            nabla_w[-k] = np.dot(delta, activations[-k - 1].T)
        return nabla_b, nabla_w


class TanhSoftmax(Network):
    """tanh, and softmax with the log-likelihood."""

    def hidden(self, z: Any) -> Any:
        """f of the hidden layers."""
        return np.tanh(z)

    def hidden_prime(self, z: Any) -> Any:
        """f′ of the hidden layers."""
        return tanh_prime(z)


class TanhTanh(TanhSoftmax):
    """tanh everywhere, with the quadratic cost."""

    def output(self, z: Any) -> Any:
        """f of the output."""
        return np.tanh(z)

    def output_error(self, z: Any, a: Any, y: Any) -> Any:
        """δ of the output."""
        return (a - y) * tanh_prime(z)


class ReluLinear(Network):
    """ReLU, and a linear output with the quadratic cost."""

    def output(self, z: Any) -> Any:
        """f of the output."""
        return z


class SigmoidSoftmax(Network):
    """Sigmoids, and softmax with the log-likelihood: the book's chapter 3."""

    def hidden(self, z: Any) -> Any:
        """f of the hidden layers."""
        return 1 / (1 + np.exp(-z))

    def hidden_prime(self, z: Any) -> Any:
        """f′ of the hidden layers."""
        return self.hidden(z) * (1 - self.hidden(z))
