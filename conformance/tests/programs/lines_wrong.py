"""Wrong networks whose line is beside the one that goes wrong; EXPECTED as in more_wrong.py."""
import numpy as np
from base import Batched, Network, s


class TurnsForHelper(Network):
    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            z = w @ a[-1] + b
            a.append(s(-z))  # wrong
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


class SlopeOfOutput(Network):
    """The helper is right of z, in a form that no equation has."""

    def grown(self, t):
        return np.exp(t) / (np.exp(t) + 1)

    def slope(self, t):
        u = self.grown(t)
        return u * (1 - u)

    def backprop(self, x, y):
        a, nb, nw = [x], [], []
        for w, b in zip(self.weights, self.biases):
            a.append(self.grown(w @ a[-1] + b))
        back = a[-1] - y
        for l in reversed(range(len(self.weights))):
            d = back * self.slope(a[l + 1])  # wrong
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            back = self.weights[l].T @ d
        return nb, nw


class NoBiasAdded(Network):
    class Weight:
        __array_ufunc__ = None

        def __init__(self, value):
            self.value = value

        def __matmul__(self, other):
            return self.value @ other

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(map(self.Weight, self.weights), self.biases):
            a.append(s(w @ a[-1]))  # wrong
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


COST = {"value": lambda a, y: 0.5 * np.sum((a - y) ** 2), "slope": lambda a, y: a - y}


class CostForSlope(Network):
    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = COST["value"](a[-1], y)  # wrong
        d = d * a[-1] * (1 - a[-1])
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d * a[l].ravel())
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


class SlopeForGradient(Network):
    """What is added up elsewhere is right, and not the ∇b of a sample."""

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = a[-1] - y
        nb, nw = [b * 0 for b in self.biases], [w * 0 for w in self.weights]
        for l in reversed(range(len(self.weights))):
            slope = a[l + 1] * (1 - a[l + 1])
            d = d * slope
            nb[l] = slope  # wrong
            nw[l] = d @ a[l].T
            d = self.weights[l].T @ d
        return nb, nw


class SignForSlope(Network):
    """Of truth values no exact numbers are known."""

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * (a[l] > 0.5)  # wrong
        return nb, nw


class TurnedAround(Network):
    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d * a[l].ravel()[::-1])  # wrong
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


class StackOfOutputs(Batched):
    def update_mini_batch(self, mb, eta):
        a = [np.stack([x for x, _ in mb])]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = (a[-1] - np.stack([y for _, y in mb])) * a[-1] * (1 - a[-1])
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, a[l + 1] @ a[l].transpose(0, 2, 1))  # wrong
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        self.weights = [w - eta * g.mean(axis=0) for w, g in zip(self.weights, nw)]
        self.biases = [b - eta * g.mean(axis=0) for b, g in zip(self.biases, nb)]


class KeepsTheLast(Network):
    def update_mini_batch(self, mb, eta):
        sums_b, sums_w = [b * 0 for b in self.biases], [w * 0 for w in self.weights]
        for x, y in mb:
            for l, (gb, gw) in enumerate(zip(*self.backprop(x, y))):
                sums_b[l] = sums_b[l] + gb
                sums_w[l] = gw  # wrong
        for l in range(len(self.weights)):
            self.weights[l] = self.weights[l] - eta / len(mb) * sums_w[l]
            self.biases[l] = self.biases[l] - eta / len(mb) * sums_b[l]


class MeanOverRows(Network):
    def update_mini_batch(self, mb, eta):
        nb, nw = zip(*[self.backprop(x, y) for x, y in mb])
        for l in range(len(self.weights)):
            mean_b = np.mean([g[l] for g in nb], axis=0)
            mean_w = np.mean([g[l] for g in nw], axis=(0, 1))  # wrong
            self.biases[l] = self.biases[l] - eta * mean_b
            self.weights[l] = self.weights[l] - eta * mean_w


EXPECTED = {
    "TurnsForHelper": ["A"], "SlopeOfOutput": ["BP1", "BP2"], "NoBiasAdded": ["Z"], "CostForSlope": ["BP1"],
    "SlopeForGradient": ["BP3"], "TurnedAround": ["BP4"], "StackOfOutputs": ["BP4"], "KeepsTheLast": ["BP4"],
    "MeanOverRows": ["W"], "SignForSlope": ["BP2"],
}
