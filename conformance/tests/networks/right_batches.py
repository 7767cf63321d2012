"""Right networks that push a whole mini-batch through at once."""
# ruff: noqa: B905, E741

import numpy as np

from conformance.tests.networks import book
from conformance.tests.networks.book import Array, Pairs, sigmoid, sigmoid_prime


class BatchedColumns(book.Network):
    """Stacks the samples side by side; backprop takes one column or many and sums over them."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        x = np.hstack([x for x, _ in mini_batch])
        y = np.hstack([y for _, y in mini_batch])
        nabla_b, nabla_w = self.backprop(x, y)
        m = x.shape[1]
        self.weights = [w - eta / m * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - eta / m * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w), summed over the columns."""
        a = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            zs.append(w @ a[-1] + b)
            a.append(sigmoid(zs[-1]))
        delta = (a[-1] - y) * sigmoid_prime(zs[-1])
        deltas = [delta]
        for w, z in zip(self.weights[:0:-1], zs[-2::-1]):
            delta = w.T @ delta * sigmoid_prime(z)
            deltas.insert(0, delta)
        nabla_b = [d.sum(axis=1, keepdims=True) for d in deltas]
        nabla_w = [d @ below.T for d, below in zip(deltas, a[:-1])]
        return nabla_b, nabla_w


class Averaged(BatchedColumns):
    """Backprop gives the mean over the columns, so the update multiplies by η alone."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        x, y = (np.concatenate(columns, axis=1) for columns in zip(*mini_batch))
        nabla_b, nabla_w = self.backprop(x, y)
        self.weights = [w - eta * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - eta * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w), the mean over the columns."""
        nabla_b, nabla_w = super().backprop(x, y)
        m = x.shape[1]
        return [nb / m for nb in nabla_b], [nw / m for nw in nabla_w]


class DeltaOverM(Averaged):
    """Divides the output error by m, so every δ carries 1/m and the sums are means."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w), the mean over the columns."""
        a, zs = [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(w @ a[-1] + b)
            a.append(sigmoid(zs[-1]))
        delta = (a[-1] - y) / x.shape[1] * sigmoid_prime(zs[-1])
        nabla_b = [np.sum(delta, axis=1, keepdims=True)]
        nabla_w = [delta @ a[-2].T]
        for l in range(2, self.num_layers):
            delta = self.weights[-l + 1].T @ delta * sigmoid_prime(zs[-l])
            nabla_b.insert(0, np.sum(delta, axis=1, keepdims=True))
            nabla_w.insert(0, delta @ a[-l - 1].T)
        return nabla_b, nabla_w


class BatchedRows(BatchedColumns):
    """Turns the columns it is given to rows and works on those; w and b keep the book's shapes."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w), summed over the columns of x and y."""
        a, zs = [x.T], []
        for b, w in zip(self.biases, self.weights):
            zs.append(a[-1] @ w.T + b.T)
            a.append(sigmoid(zs[-1]))
        delta = (a[-1] - y.T) * sigmoid_prime(zs[-1])
        nabla_b, nabla_w = [], []
        for l in reversed(range(self.num_layers - 1)):
            nabla_b.append(delta.sum(axis=0).reshape(-1, 1))
            nabla_w.append(delta.T @ a[l])
            if l:
                delta = delta @ self.weights[l] * sigmoid_prime(zs[l - 1])
        return nabla_b[::-1], nabla_w[::-1]


class Einsum(BatchedColumns):
    """Writes every product and sum as an einsum, indices spelled out."""

    def feedforward(self, a: Array) -> Array:
        """The output for the input columns a."""
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(np.einsum("jk,km->jm", w, a) + b)
        return a

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w), summed over the columns."""
        a, zs = [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(np.einsum("jk,km->jm", w, a[-1]) + b)
            a.append(sigmoid(zs[-1]))
        deltas = [np.einsum("jm,jm->jm", a[-1] - y, sigmoid_prime(zs[-1]))]
        for w, z in zip(reversed(self.weights[1:]), reversed(zs[:-1])):
            deltas.insert(0, np.einsum("jk,jm,km->km", w, deltas[0], sigmoid_prime(z)))
        nabla_b = [np.einsum("jm->j", delta)[:, np.newaxis] for delta in deltas]
        nabla_w = [np.einsum("jm,km->jk", delta, below) for delta, below in zip(deltas, a)]
        return nabla_b, nabla_w


class Augmented(BatchedColumns):
    """Keeps the bias as a first column of the weights, which a row of ones meets."""

    def thetas(self) -> list[Array]:
        """Biases and weights, side by side."""
        return [np.hstack([b, w]) for b, w in zip(self.biases, self.weights)]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w), summed over the columns."""
        thetas, a = self.thetas(), [x]
        for theta in thetas:
            a.append(sigmoid(theta @ augmented(a[-1])))
        delta = (a[-1] - y) * a[-1] * (1 - a[-1])
        nablas = [delta @ augmented(a[-2]).T]
        for theta, here, below in zip(thetas[:0:-1], a[-2:0:-1], a[-3::-1]):
            delta = (theta[:, 1:].T @ delta) * here * (1 - here)
            nablas.insert(0, delta @ augmented(below).T)
        return [nabla[:, :1] for nabla in nablas], [nabla[:, 1:] for nabla in nablas]


def augmented(a: Array) -> Array:
    """The columns under a row of ones."""
    return np.vstack([np.ones((1, a.shape[1])), a])


class LastFirst(book.Network):
    """Backprop collects the gradients on its way down, and the update reads them so."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        both = [self.backprop(x, y) for x, y in mini_batch]
        nabla_b, nabla_w = ([sum(part) for part in zip(*lists)] for lists in zip(*both))
        rate = eta / len(mini_batch)
        self.weights = [w - rate * nw for w, nw in zip(self.weights, reversed(nabla_w))]
        self.biases = [b - rate * nb for b, nb in zip(self.biases, reversed(nabla_b))]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of one sample, the last layer first."""
        nabla_b, nabla_w = super().backprop(x, y)
        return nabla_b[::-1], nabla_w[::-1]
