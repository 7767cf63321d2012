"""Right networks that keep their numbers in another shape or precision than the book."""
# ruff: noqa: B905, E741, NPY002, RUF007

import numpy as np

from conformance.tests.networks import book
from conformance.tests.networks.book import Array, Pairs, sigmoid, sigmoid_prime


class Float32(book.Network):
    """Draws float32 parameters; casts samples to the precision of its weights and stays there."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.biases = [b.astype(np.float32) for b in self.biases]
        self.weights = [w.astype(np.float32) for w in self.weights]

    def feedforward(self, a: Array) -> Array:
        """The output for the input column a."""
        return super().feedforward(a.astype(self.weights[0].dtype))

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        sum_b = [np.zeros_like(b) for b in self.biases]
        sum_w = [np.zeros_like(w) for w in self.weights]
        for x, y in mini_batch:
            nabla_b, nabla_w = self.backprop(x, y)
            sum_b = [s + nb for s, nb in zip(sum_b, nabla_b)]
            sum_w = [s + nw for s, nw in zip(sum_w, nabla_w)]
        rate = eta / len(mini_batch)
        self.weights = [w - rate * s for w, s in zip(self.weights, sum_w)]
        self.biases = [b - rate * s for b, s in zip(self.biases, sum_b)]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        dtype = self.weights[0].dtype
        return super().backprop(x.astype(dtype), y.astype(dtype))


class TransposedWeights(book.Network):
    """A sample is a row, w is (n_{l-1}, n_l) and b is (1, n_l)."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.biases = [np.random.randn(1, n) for n in sizes[1:]]
        self.weights = [np.random.randn(k, n) for k, n in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, a: Array) -> Array:
        """The output rows for the input rows a."""
        a = a.reshape(-1, self.sizes[0])
        for w, b in zip(self.weights, self.biases):
            a = sigmoid(a @ w + b)
        return a

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        x = np.stack([x.reshape(-1) for x, _ in mini_batch])
        y = np.stack([y.reshape(-1) for _, y in mini_batch])
        nabla_b, nabla_w = self.backprop(x, y)
        self.weights = [w - eta / len(x) * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - eta / len(x) * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w), summed over the rows, in the shapes of b and w."""
        a, zs = [x.reshape(-1, self.sizes[0])], []
        for w, b in zip(self.weights, self.biases):
            zs.append(a[-1] @ w + b)
            a.append(sigmoid(zs[-1]))
        delta = (a[-1] - y.reshape(-1, self.sizes[-1])) * sigmoid_prime(zs[-1])
        nabla_b = [delta.sum(axis=0, keepdims=True)]
        nabla_w = [a[-2].T @ delta]
        for l in range(2, self.num_layers):
            delta = delta @ self.weights[-l + 1].T * sigmoid_prime(zs[-l])
            nabla_b.insert(0, delta.sum(axis=0, keepdims=True))
            nabla_w.insert(0, a[-l - 1].T @ delta)
        return nabla_b, nabla_w

    def evaluate(self, test_data: list[tuple[Array, int]]) -> int:
        """How many (x, label) pairs have their strongest output at the label."""
        return sum(int(self.feedforward(x).argmax() == label) for x, label in test_data)


class FlatBiases(book.Network):
    """Biases, samples and activations are vectors of one axis; w is the book's."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.biases = [np.random.randn(n) for n in sizes[1:]]

    def feedforward(self, a: Array) -> Array:
        """The output vector for the input vector a."""
        a = a.ravel()
        for w, b in zip(self.weights, self.biases):
            a = sigmoid(w @ a + b)
        return a

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample, in the shapes of b and w."""
        a, zs = [x.ravel()], []
        for w, b in zip(self.weights, self.biases):
            zs.append(w @ a[-1] + b)
            a.append(sigmoid(zs[-1]))
        delta = (a[-1] - y.ravel()) * sigmoid_prime(zs[-1])
        nabla_b, nabla_w = [delta], [np.outer(delta, a[-2])]
        for l in range(2, self.num_layers):
            delta = (delta @ self.weights[-l + 1]) * sigmoid_prime(zs[-l])
            nabla_b.insert(0, delta)
            nabla_w.insert(0, np.outer(delta, a[-l - 1]))
        return nabla_b, nabla_w


class FlatMiniBatches(FlatBiases):
    """Its mini-batches hold vectors of one axis; backprop takes a column for each of them."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step on a mini-batch of (x, y) pairs, all of them at once."""
        x, y = (np.array(each).T for each in zip(*mini_batch))
        rate = eta / len(mini_batch)
        nabla_b, nabla_w = self.backprop(x, y)
        self.weights = [w - rate * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - rate * nb for b, nb in zip(self.biases, nabla_b)]

    def feedforward(self, a: Array) -> Array:
        """The output vector for the input vector a."""
        for w, b in zip(self.weights, self.biases):
            a = sigmoid(w @ a + b)
        return a

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w), summed over the columns, in the shapes of b and w."""
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(sigmoid(w @ a[-1] + b.reshape(-1, 1)))
        delta = (a[-1] - y) * a[-1] * (1 - a[-1])
        nabla_b, nabla_w = [delta.sum(axis=1)], [delta @ a[-2].T]
        for l in range(2, self.num_layers):
            delta = self.weights[-l + 1].T @ delta * a[-l] * (1 - a[-l])
            nabla_b.insert(0, delta.sum(axis=1))
            nabla_w.insert(0, delta @ a[-l - 1].T)
        return nabla_b, nabla_w
