"""The chapter 1 program with the step size η/m in a variable, one line that both updates share."""
# ruff: noqa: B905

import numpy as np

from conformance.tests.networks import book


class Network(book.Network):
    """Divides η by the length of the mini-batch once, for weights and biases alike."""

    def update_mini_batch(self, mini_batch: book.Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        rate = eta / len(mini_batch)
        self.weights = [w - rate * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - rate * nb for b, nb in zip(self.biases, nabla_b)]
