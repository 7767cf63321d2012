"""The book's network with a structured array for each layer, and one that computes number by number."""

import math
import random

import numpy as np


def sigmoid(v):
    return 1.0 / (1.0 + np.exp(-v))


class Records:
    """A layer is an array of records: one for each neuron."""

    def __init__(self, sizes):
        self.sizes = sizes
        self.layers = [
            np.zeros(n, dtype=[("w", float, (p,)), ("b", float), ("d", float), ("g", float, (p,))])
            for p, n in zip(sizes, sizes[1:])
        ]

    weights = property(lambda self: [each["w"] for each in self.layers])
    biases = property(lambda self: [each["b"][:, None] for each in self.layers])

    @weights.setter
    def weights(self, values):
        for layer, value in zip(self.layers, values):
            layer["w"] = value

    @biases.setter
    def biases(self, values):
        for layer, value in zip(self.layers, values):
            layer["b"] = np.ravel(value)

    def feedforward(self, a):
        a = np.ravel(a)
        for layer in self.layers:
            a = sigmoid(layer["w"] @ a + layer["b"])
        return a[:, None]

    def backprop(self, x, y):
        outputs = [np.ravel(x)]
        for layer in self.layers:
            outputs.append(sigmoid(layer["w"] @ outputs[-1] + layer["b"]))
        miss = outputs[-1] - np.ravel(y)
        for layer, a, before in zip(self.layers[::-1], outputs[:0:-1], outputs[-2::-1]):
            layer["d"] = miss * a * (1 - a)
            layer["g"] = np.outer(layer["d"], before)
            miss = layer["w"].T @ layer["d"]
        return (
            [each["d"][:, None].copy() for each in self.layers],
            [each["g"].copy() for each in self.layers],
        )

    def update_mini_batch(self, mini_batch, eta):
        sums = [(0, 0) for _ in self.layers]
        for x, y in mini_batch:
            found = zip(*self.backprop(x, y))
            sums = [(b + nb, w + nw) for (b, w), (nb, nw) in zip(sums, found)]
        for layer, (b, w) in zip(self.layers, sums):
            layer["b"] -= eta / len(mini_batch) * np.ravel(b)
            layer["w"] -= eta / len(mini_batch) * w


class ByNumber:
    """Sums of single numbers of Python."""

    def __init__(self, sizes):
        self.sizes = sizes
        self.biases = [[[random.gauss(0, 1)] for _ in range(n)] for n in sizes[1:]]
        self.weights = [
            [[random.gauss(0, 1) for _ in range(p)] for _ in range(n)]
            for p, n in zip(sizes, sizes[1:])
        ]

    def _outputs(self, x):
        found = [[float(each[0]) for each in x]]
        for w, b in zip(self.weights, self.biases):
            z = [sum(p * q for p, q in zip(row, found[-1])) + c[0] for row, c in zip(w, b)]
            found.append([1 / (1 + math.exp(-each)) for each in z])
        return found

    def feedforward(self, a):
        return np.array([[each] for each in self._outputs(a)[-1]])

    def backprop(self, x, y):
        a = self._outputs(x)
        d = [(p - float(q[0])) * p * (1 - p) for p, q in zip(a[-1], y)]
        nabla_b, nabla_w = [], []
        for l in range(len(self.weights) - 1, -1, -1):
            nabla_b.insert(0, [[each] for each in d])
            nabla_w.insert(0, [[each * p for p in a[l]] for each in d])
            back = [sum(row[k] * e for row, e in zip(self.weights[l], d)) for k in range(len(a[l]))]
            d = [each * p * (1 - p) for each, p in zip(back, a[l])]
        return nabla_b, nabla_w

    def update_mini_batch(self, mini_batch, eta):
        found = [self.backprop(x, y) for x, y in mini_batch]
        for kind, parameters in enumerate((self.biases, self.weights)):
            for l, rows in enumerate(parameters):
                for j, row in enumerate(rows):
                    for k in range(len(row)):
                        total = sum(each[kind][l][j][k] for each in found)
                        row[k] -= eta / len(mini_batch) * total
