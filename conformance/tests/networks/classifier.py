"""A network of sigmoids with a softmax output, in the style of the book's program."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Array = Any
Pair = tuple[list[Array], list[Array]]


def softmax(z: Array) -> Array:
    """The output."""
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


def sigmoid(z: Array) -> Array:
    """σ."""
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z: Array) -> Array:
    """σ′."""
    return sigmoid(z) * (1 - sigmoid(z))


class Network:
    """A network with the book's interface."""

    def __init__(self, sizes: Sequence[int]) -> None:
        """Draw its parameters."""
        rng = np.random.default_rng()
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = [rng.normal(size=(y, 1)) for y in sizes[1:]]
        self.weights = [rng.normal(size=(y, x)) / np.sqrt(x) for x, y in pairwise(sizes)]

    def feedforward(self, a: Array) -> Array:
        """The output of an input."""
        for b, w in zip(self.biases[:-1], self.weights[:-1], strict=True):
            a = sigmoid(np.dot(w, a) + b)
        return softmax(np.dot(self.weights[-1], a) + self.biases[-1])

    def update_mini_batch(self, mini_batch: Sequence[tuple[Array, Array]], eta: float) -> None:
        """Take a step."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            db, dw = self.backprop(x, y)
            nabla_b = [nb + d for nb, d in zip(nabla_b, db, strict=True)]
            nabla_w = [nw + d for nw, d in zip(nabla_w, dw, strict=True)]
        m = len(mini_batch)
        self.weights = [w - (eta / m) * nw for w, nw in zip(self.weights, nabla_w, strict=True)]
        self.biases = [b - (eta / m) * nb for b, nb in zip(self.biases, nabla_b, strict=True)]

    def backprop(self, x: Array, y: Array) -> Pair:
        """The gradients of a sample."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        a = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases[:-1], self.weights[:-1], strict=True):
            z = np.dot(w, a) + b
            zs.append(z)
            a = sigmoid(z)
            activations.append(a)
        z = np.dot(self.weights[-1], a) + self.biases[-1]
        zs.append(z)
        a = softmax(z)
        activations.append(a)
        delta = a - y
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].T)
        for k in range(2, self.num_layers):
            delta = np.dot(self.weights[-k + 1].T, delta) * sigmoid_prime(zs[-k])
            nabla_b[-k] = delta
            nabla_w[-k] = np.dot(delta, activations[-k - 1].T)
        return nabla_b, nabla_w
