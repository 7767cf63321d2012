"""Networks that keep something they should not: the book's, each with one thing left over."""
# ruff: noqa: B905, PLW2901
# Bare zip, as in the book; an in-place sum over a loop variable writes into the list.

import numpy as np

from conformance.tests.networks import book
from reference.step import Array

Pairs = list[tuple[Array, Array]]


class Momentum(book.Network):
    """Moves the weights by a velocity that outlives the step."""

    def __init__(self, sizes: list[int]) -> None:
        """Start at rest."""
        super().__init__(sizes)
        self.velocity = [np.zeros(w.shape) for w in self.weights]

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step on the mini-batch."""
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        for x, y in mini_batch:
            delta_b, delta_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_w)]
        m = len(mini_batch)
        self.velocity = [0.5 * v - (eta / m) * nw for v, nw in zip(self.velocity, nabla_w)]
        self.weights = [w + v for w, v in zip(self.weights, self.velocity)]
        self.biases = [b - (eta / m) * nb for b, nb in zip(self.biases, nabla_b)]


class GradientsKept(book.Network):
    """Adds each mini-batch's gradients to those of the last one."""

    def __init__(self, sizes: list[int]) -> None:
        """Start with no gradient."""
        super().__init__(sizes)
        self.nabla_b = [np.zeros(b.shape) for b in self.biases]
        self.nabla_w = [np.zeros(w.shape) for w in self.weights]

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step on the mini-batch."""
        for x, y in mini_batch:
            delta_b, delta_w = self.backprop(x, y)
            self.nabla_b = [nb + dnb for nb, dnb in zip(self.nabla_b, delta_b)]
            self.nabla_w = [nw + dnw for nw, dnw in zip(self.nabla_w, delta_w)]
        m = len(mini_batch)
        self.weights = [w - (eta / m) * nw for w, nw in zip(self.weights, self.nabla_w)]
        self.biases = [b - (eta / m) * nb for b, nb in zip(self.biases, self.nabla_b)]


class GradientsKeptInPlace(GradientsKept):
    """The same, written into arrays that were made beforehand."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step on the mini-batch."""
        for x, y in mini_batch:
            delta_b, delta_w = self.backprop(x, y)
            for nb, dnb in zip(self.nabla_b, delta_b):
                nb += dnb
            for nw, dnw in zip(self.nabla_w, delta_w):
                nw += dnw
        for w, nw in zip(self.weights, self.nabla_w):
            w -= (eta / len(mini_batch)) * nw
        for b, nb in zip(self.biases, self.nabla_b):
            b -= (eta / len(mini_batch)) * nb


class InputsKept(book.Network):
    """Adds to the weighted inputs of the last call instead of clearing them."""

    def __init__(self, sizes: list[int]) -> None:
        """Start with no weighted input."""
        super().__init__(sizes)
        self.zs = [np.zeros(b.shape) for b in self.biases]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        activations = [x]
        for i, (b, w) in enumerate(zip(self.biases, self.weights)):
            self.zs[i] += np.dot(w, activations[-1]) + b
            activations.append(book.sigmoid(self.zs[i].copy()))
        zs = [z.copy() for z in self.zs]
        delta = (activations[-1] - y) * book.sigmoid_prime(zs[-1])
        nabla_b, nabla_w = [delta], [np.dot(delta, activations[-2].T)]
        for layer in range(2, len(self.sizes)):
            delta = np.dot(self.weights[-layer + 1].T, delta) * book.sigmoid_prime(zs[-layer])
            nabla_b.insert(0, delta)
            nabla_w.insert(0, np.dot(delta, activations[-layer - 1].T))
        return nabla_b, nabla_w


class LayersShared(book.Network):
    """Draws one array for all layers of the same shape."""

    def __init__(self, sizes: list[int]) -> None:
        """Draw the weights, each shape once."""
        super().__init__(sizes)
        drawn: dict[tuple[int, ...], Array] = {}
        self.weights = [drawn.setdefault(w.shape, w) for w in self.weights]
