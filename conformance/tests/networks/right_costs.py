"""Right networks with a choice of cost and weight decay, as the chapter 3 program has them."""
# ruff: noqa: B905, E741, NPY002, RUF007

from typing import Protocol

import numpy as np

from conformance.tests.networks.book import Array, Pairs, sigmoid, sigmoid_prime


class Cost(Protocol):
    """A cost of one sample and its output error."""

    @staticmethod
    def fn(a: Array, y: Array) -> float:
        """The cost of the output a where y is wanted."""

    @staticmethod
    def delta(z: Array, a: Array, y: Array) -> Array:
        """The output error."""


class QuadraticCost:
    """Half the squared distance."""

    @staticmethod
    def fn(a: Array, y: Array) -> float:
        """The cost of the output a where y is wanted."""
        c: float = np.sum((a - y) ** 2) / 2
        return c

    @staticmethod
    def delta(z: Array, a: Array, y: Array) -> Array:
        """The output error."""
        return (a - y) * sigmoid_prime(z)


class CrossEntropyCost:
    """The cross-entropy of each output neuron."""

    @staticmethod
    def fn(a: Array, y: Array) -> float:
        """The cost of the output a where y is wanted."""
        c: float = np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)))
        return c

    @staticmethod
    def delta(z: Array, a: Array, y: Array) -> Array:  # noqa: ARG004 - another cost needs z
        """The output error, which needs no σ′."""
        return a - y


class WithCost:
    """The cost is an argument, the cross-entropy unless told otherwise; weights decay."""

    def __init__(self, sizes: list[int], cost: type[Cost] = CrossEntropyCost) -> None:
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.cost = cost
        self.biases: list[Array] = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights: list[Array] = [
            np.random.randn(n, k) / np.sqrt(k) for k, n in zip(sizes[:-1], sizes[1:])
        ]

    def feedforward(self, a: Array) -> Array:
        """The output for the input column a."""
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def update_mini_batch(self, mini_batch: Pairs, eta: float, lmbda: float, n: int) -> None:
        """One step of gradient descent on (x, y) pairs out of a training set of n."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        rate = eta / len(mini_batch)
        shrink = 1 - eta * (lmbda / n)
        self.weights = [shrink * w - rate * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - rate * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample, without the decay."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activations, zs = [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(np.dot(w, activations[-1]) + b)
            activations.append(sigmoid(zs[-1]))
        delta = self.cost.delta(zs[-1], activations[-1], y)
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].T)
        for l in range(2, self.num_layers):
            delta = np.dot(self.weights[-l + 1].T, delta) * sigmoid_prime(zs[-l])
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].T)
        return nabla_b, nabla_w

    def total_cost(self, data: Pairs, lmbda: float) -> float:
        """The mean cost of (x, y) pairs, the decay's share included."""
        mean = sum(self.cost.fn(self.feedforward(x), y) for x, y in data) / len(data)
        decay: float = lmbda / len(data) / 2 * sum(np.sum(w * w) for w in self.weights)
        return mean + decay


class WithQuadraticCost(WithCost):
    """The same program with the quadratic cost unless told otherwise."""

    def __init__(self, sizes: list[int], cost: type[Cost] = QuadraticCost) -> None:
        super().__init__(sizes, cost)
