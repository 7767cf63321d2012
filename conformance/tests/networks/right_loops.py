"""Right networks that go through samples and layers in another way than the book."""
# ruff: noqa: B905, E741

import numpy as np

from conformance.tests.networks import book
from conformance.tests.networks.book import Array, Pairs, sigmoid, sigmoid_prime


class PerSample(book.Network):
    """The book's own loop, one sample at a time."""


class ReversedSum(book.Network):
    """Adds the samples up from the last to the first."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        pairs = [self.backprop(x, y) for x, y in reversed(mini_batch)]
        nabla_b = [sum(layer[1:], start=layer[0]) for layer in zip(*(b for b, _ in pairs))]
        nabla_w = [sum(layer[1:], start=layer[0]) for layer in zip(*(w for _, w in pairs))]
        rate = eta / len(mini_batch)
        self.weights = [w - rate * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - rate * nb for b, nb in zip(self.biases, nabla_b)]


class WeightsFirst(book.Network):
    """Backprop gives the pair the other way round: (nabla_w, nabla_b)."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_w, delta_nabla_b = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        self.weights = [w - eta * nw / len(mini_batch) for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - eta * nb / len(mini_batch) for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_w, nabla_b) of the cost of one sample."""
        nabla_b, nabla_w = super().backprop(x, y)
        return nabla_w, nabla_b


class InPlace(book.Network):
    """Writes into its arrays: `out=`, `+=` and, in the update, `-=` on weights and biases."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        sum_b = [np.zeros_like(b) for b in self.biases]
        sum_w = [np.zeros_like(w) for w in self.weights]
        for x, y in mini_batch:
            nabla_b, nabla_w = self.backprop(x, y)
            for i in range(self.num_layers - 1):
                sum_b[i] += nabla_b[i]
                sum_w[i] += nabla_w[i]
        for i in range(self.num_layers - 1):
            sum_b[i] *= eta / len(mini_batch)
            sum_w[i] *= eta / len(mini_batch)
            self.biases[i] -= sum_b[i]
            self.weights[i] -= sum_w[i]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        a = [x]
        for b, w in zip(self.biases, self.weights):
            z = np.empty_like(b)
            np.matmul(w, a[-1], out=z)
            z += b
            np.negative(z, out=z)
            np.exp(z, out=z)
            z += 1
            np.divide(1, z, out=z)  # now the activation
            a.append(z)
        nabla_b = [np.empty_like(b) for b in self.biases]
        nabla_w = [np.empty_like(w) for w in self.weights]
        np.subtract(a[-1], y, out=nabla_b[-1])
        for l in range(1, self.num_layers):
            delta = nabla_b[-l]
            delta *= a[-l]
            delta *= 1 - a[-l]
            np.multiply(delta, a[-l - 1].T, out=nabla_w[-l])
            if l < self.num_layers - 1:
                np.dot(self.weights[-l].T, delta, out=nabla_b[-l - 1])
        return nabla_b, nabla_w


class Helpers(book.Network):
    """Leaves the work to functions of the module, one for each direction."""

    def feedforward(self, a: Array) -> Array:
        """The output for the input column a."""
        return _forward(self.weights, self.biases, a)[1][-1]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        zs, activations = _forward(self.weights, self.biases, x)
        deltas = _backward(self.weights, zs, activations[-1] - y)
        return deltas, [_outer(delta, a) for delta, a in zip(deltas, activations)]


class DictGradients(book.Network):
    """Keeps what it computes in dicts by layer number, the input being layer 1."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        last = self.num_layers
        w = dict(enumerate(self.weights, start=2))
        b = dict(enumerate(self.biases, start=2))
        a, z, delta = {1: x}, {}, {}
        for l in range(2, last + 1):
            z[l] = np.dot(w[l], a[l - 1]) + b[l]
            a[l] = sigmoid(z[l])
        delta[last] = (a[last] - y) * sigmoid_prime(z[last])
        for l in range(last - 1, 1, -1):
            delta[l] = np.dot(w[l + 1].T, delta[l + 1]) * sigmoid_prime(z[l])
        grads = {f"w{l}": np.dot(delta[l], a[l - 1].T) for l in delta}
        layers = range(2, last + 1)
        return [delta[l] for l in layers], [grads[f"w{l}"] for l in layers]


def _forward(
    weights: list[Array], biases: list[Array], x: Array
) -> tuple[list[Array], list[Array]]:
    zs, activations = [], [x]
    for w, b in zip(weights, biases):
        zs.append(_affine(w, activations[-1], b))
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def _backward(weights: list[Array], zs: list[Array], error: Array) -> list[Array]:
    deltas = [error * sigmoid_prime(zs[-1])]
    for w, z in zip(reversed(weights), reversed(zs[:-1])):
        deltas.append(w.T @ deltas[-1] * sigmoid_prime(z))
    return deltas[::-1]


def _affine(w: Array, a: Array, b: Array) -> Array:
    z: Array = w @ a + b
    return z


def _outer(delta: Array, a: Array) -> Array:
    return delta * a.T
