"""A network of tanh layers with a softmax, which has a cost of its own."""

import numpy as np


class TanhNetwork:
    def __init__(self, sizes):
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n, k) for k, n in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, x):
        self.hidden = [x]
        for w, b in zip(self.weights[:-1], self.biases[:-1]):
            self.hidden.append(np.tanh(w @ self.hidden[-1] + b))
        scores = np.exp(self.weights[-1] @ self.hidden[-1] + self.biases[-1])
        return scores / scores.sum(axis=0)

    def cost(self, x, y):
        return -np.sum(y * np.log(self.feedforward(x)))

    def backprop(self, x, y):
        delta = self.feedforward(x) - y
        nabla_b, nabla_w = [], []
        for w, h in zip(reversed(self.weights), reversed(self.hidden)):
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta @ h.T)
            delta = (w.T @ delta) * (1 - h ** 2)
        return nabla_b, nabla_w
