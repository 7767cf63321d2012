"""The book's network in plain lists and `math`."""

import math

import numpy as np

from conformance.tests.networks import book
from conformance.tests.networks.book import Array

Numbers = list[float]


class InLists(book.Network):
    """Computes every number for itself."""

    def sigma(self, z: float) -> float:
        """The logistic function."""
        return 1 / (1 + math.exp(-z))

    def forwards(self, x: Array) -> list[Numbers]:
        """The activations of all layers, the input being the first."""
        activations: list[Numbers] = [[float(each) for each in x.ravel()]]
        for b, w in zip(self.biases, self.weights, strict=True):
            below = activations[-1]
            rows = zip(w.tolist(), b.ravel().tolist(), strict=True)
            z = [sum(p * q for p, q in zip(row, below, strict=True)) + bias for row, bias in rows]
            activations.append([self.sigma(each) for each in z])
        return activations

    def feedforward(self, a: Array) -> Array:
        """The output for the input column a."""
        return np.array(self.forwards(a)[-1]).reshape(-1, 1)

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        activations = self.forwards(x)
        pairs = zip(activations[-1], y.ravel().tolist(), strict=True)
        delta = [(a - t) * a * (1 - a) for a, t in pairs]
        nabla_b, nabla_w = [np.array([delta]).T], [np.outer(delta, self.used(activations[-2]))]
        for w, a, below in zip(
            reversed(self.weights[1:]), activations[-2:0:-1], activations[-3::-1], strict=True
        ):
            sums = [
                sum(p * q for p, q in zip(column, delta, strict=True)) for column in w.T.tolist()
            ]
            delta = [s * each * (1 - each) for s, each in zip(sums, a, strict=True)]
            nabla_b.insert(0, np.array([delta]).T)
            nabla_w.insert(0, np.outer(delta, self.used(below)))
        return nabla_b, nabla_w

    def used(self, below: Numbers) -> Numbers:
        """The activations of which ∇w is made."""
        return below


class WrongSign(InLists):
    """Has the wrong sign in σ."""

    def sigma(self, z: float) -> float:
        """The logistic function of −z."""
        return 1 / (1 + math.exp(z))


class WrongFactor(InLists):
    """Makes ∇w of the squares of the activations."""

    def used(self, below: Numbers) -> Numbers:
        """Their squares."""
        return [each * each for each in below]
