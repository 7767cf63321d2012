"""The chapter 1 program in Python 3, as somebody follows the book: one sample at a time.

Imports nothing of the project, and keeps the book's names. Each line that `broken.py` edits stands
in this file once.
"""
# ruff: noqa: B905, E741, N802, NPY002, RUF007, T201
# The book's habits: bare zip, a loop over l, SGD, the global generator, a printed epoch.

import random

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pairs = list[tuple[Array, Array]]


class Network:
    """A sigmoid network with the quadratic cost, trained by stochastic gradient descent."""

    def __init__(self, sizes: list[int]) -> None:
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases: list[Array] = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights: list[Array] = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, a: Array) -> Array:
        """The output for the input column a."""
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def SGD(
        self,
        training_data: Pairs,
        epochs: int,
        mini_batch_size: int,
        eta: float,
        test_data: list[tuple[Array, int]] | None = None,
    ) -> None:
        """Go through the shuffled training data, a mini-batch at a time, for some epochs."""
        n = len(training_data)
        for j in range(epochs):
            random.shuffle(training_data)
            for k in range(0, n, mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
            if test_data:
                print(f"Epoch {j}: {self.evaluate(test_data)} / {len(test_data)}")
            else:
                print(f"Epoch {j} complete")

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        # forwards
        activation = x
        activations = [x]  # of all layers, the input being the first
        zs = []  # of all layers but the input
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        # backwards
        delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        # l counts from the end: 1 is the output, 2 the layer before it
        for l in range(2, self.num_layers):
            z = zs[-l]
            sp = sigmoid_prime(z)
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
        return nabla_b, nabla_w

    def evaluate(self, test_data: list[tuple[Array, int]]) -> int:
        """How many (x, label) pairs have their strongest output at the label."""
        answers = [(np.argmax(self.feedforward(x)), y) for x, y in test_data]
        return sum(int(answer == y) for answer, y in answers)

    def cost_derivative(self, output_activations: Array, y: Array) -> Array:
        """The derivative of half the squared distance by the output activations."""
        return output_activations - y


def sigmoid(z: Array) -> Array:
    """The logistic function."""
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z: Array) -> Array:
    """Its derivative."""
    return sigmoid(z) * (1 - sigmoid(z))
