"""The network in plain Python numbers, entry by entry, its parameters moved in place.

Imports nothing of the project.
"""
# ruff: noqa: B905, E741, RUF007
# The book's habits: bare zip, a loop over l.

import math
import random
from typing import Any

Numbers = list[float]


class InEntries:
    """Takes flat samples, and weights as lists of rows; NumPy computes nothing in it."""

    direction = -1  # in which a bias goes along its gradient

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self.weights: list[Any] = [
            [[random.gauss(0, 1) for _ in range(k)] for _ in range(n)]
            for k, n in zip(sizes, sizes[1:])
        ]
        self.biases: list[Any] = [[random.gauss(0, 1) for _ in range(n)] for n in sizes[1:]]

    def feedforward(self, a: Any) -> Any:
        """The output for the input a."""
        return self.activations(a)[-1]

    def activations(self, x: Any) -> list[Numbers]:
        """Those of all layers, the input being the first."""
        found = [list(x)]
        for rows, biases in zip(self.weights, self.biases):
            z = [sum(w * a for w, a in zip(row, found[-1])) + b for row, b in zip(rows, biases)]
            found.append([1 / (1 + math.exp(-each)) for each in z])
        return found

    def backprop(self, x: Any, y: Any) -> tuple[list[Numbers], list[list[Numbers]]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        a = self.activations(x)
        delta = [(each - right) * each * (1 - each) for each, right in zip(a[-1], y)]
        deltas = [delta]
        for l in range(2, len(self.sizes)):
            columns = list(zip(*self.weights[-l + 1]))
            sums = [sum(w * d for w, d in zip(column, delta)) for column in columns]
            delta = [each * s * (1 - s) for each, s in zip(sums, a[-l])]
            deltas.insert(0, delta)
        return deltas, [[[d * k for k in below] for d in each] for each, below in zip(deltas, a)]

    def update_mini_batch(self, mini_batch: list[tuple[Any, Any]], eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        rate = eta / len(mini_batch)
        gradients = [self.backprop(x, y) for x, y in mini_batch]
        for l, biases in enumerate(self.biases):
            for j in range(len(biases)):
                biases[j] += self.direction * rate * sum(nb[l][j] for nb, _ in gradients)
                for k in range(len(self.weights[l][j])):
                    self.weights[l][j][k] -= rate * sum(nw[l][j][k] for _, nw in gradients)


class Ascending(InEntries):
    """Moves its biases up the gradient."""

    direction = 1
