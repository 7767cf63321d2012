"""Wrong networks in styles that have been misjudged; EXPECTED and `# wrong` as in more_wrong.py."""
import numpy as np
from base import Network
from sigmoids import by_number, masked, masked_prime
from styles_right import Matrices, TargetMinusOutput


class AddsTooLittle(TargetMinusOutput):
    def step(self, up_b, up_w, eta, m):
        self.weights = [w + eta / m * g / m for w, g in zip(self.weights, up_w)]  # wrong
        self.biases = [b + eta / m * g for b, g in zip(self.biases, up_b)]


class AddsTooMuch(TargetMinusOutput):
    def step(self, up_b, up_w, eta, m):
        rate = eta * m  # wrong
        self.weights = [w + rate * g for w, g in zip(self.weights, up_w)]
        self.biases = [b + rate * g for b, g in zip(self.biases, up_b)]


class MatricesWrong(Matrices):
    def update_mini_batch(self, mb, eta):
        gs = [self.backprop(x, y) for x, y in mb]
        self.weights = [w - eta / len(mb) * sum(g[1][l] for g in gs) for l, w in enumerate(self.weights)]
        self.biases = [b - eta * sum(g[0][l] for g in gs) for l, b in enumerate(self.biases)]  # wrong


class ChosenWithoutBias(Network):
    """σ chooses between two forms; without b the z of a sample may all have one sign."""

    def sigmoid(self, z):
        return np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(self.sigmoid(w @ a[-1]))  # wrong
        d = (a[-1] - y) * (a[-1] - a[-1] ** 2)
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * (a[l] - a[l] ** 2)
        return nb, nw


class MasksWrong(Network):
    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = masked(w @ a + b)
        return a

    def backprop(self, x, y):
        a, zs = [x], []
        for w, b in zip(self.weights, self.biases):
            zs.append(w @ a[-1] + b)
            a.append(masked(zs[-1]))
        d = (a[-1] - y) * masked_prime(zs[-1])
        nb, nw = [d], [d @ a[-2].T]
        for l in range(len(self.weights) - 1, 0, -1):
            d = self.weights[l].T @ d * masked_prime(zs[l - 1])
            nb.insert(0, d)
            nw.insert(0, d @ a[l - 1].T)
        return nb, nw


class SlopeForError(Network):
    """Of a single sample ∇b alone tells which value is δ."""

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(1 / (1 + np.exp(-(w @ a[-1] + b))))
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            slope = a[l + 1] * (1 - a[l + 1])
            nw.insert(0, slope @ a[l].T)  # wrong
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


class ByNumberWrong(Network):
    """σ branches number by number, so no run is like another."""

    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = by_number(w @ a + b)
        return a

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(by_number(w @ a[-1] + b))
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [d], [d @ a[-2].T]
        for l in range(len(self.weights) - 1, 0, -1):
            d = self.weights[l].T @ d * (1 - a[l])  # wrong
            nb.insert(0, d)
            nw.insert(0, d @ a[l - 1].T)
        return nb, nw


EXPECTED = {
    "AddsTooLittle": ["W"], "AddsTooMuch": ["B", "W"], "MatricesWrong": ["B"], "ChosenWithoutBias": ["Z"],
    "MasksWrong": ["BP1", "BP2"], "SlopeForError": ["BP4"], "ByNumberWrong": ["BP2"],
}
