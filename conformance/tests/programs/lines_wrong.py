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


class WrongColumn(Batched):
    """The bias is the last column of [W b]."""

    def backprop(self, x, y):
        a = [np.vstack([x, np.ones((1, x.shape[1]))])]
        blocks = [np.hstack([w, b]) for w, b in zip(self.weights, self.biases)]
        for t in blocks:
            a.append(np.vstack([s(t @ a[-1]), np.ones((1, x.shape[1]))]))
        out = a[-1][:-1]
        d = (out - y) * out * (1 - out)
        made = []
        for l in reversed(range(len(blocks))):
            made.insert(0, d @ a[l].T)
            d = blocks[l][:, :-1].T @ d * a[l][:-1] * (1 - a[l][:-1])
        return [g[:, :1] for g in made], [g[:, :-1] for g in made]  # wrong

    def update_mini_batch(self, mb, eta):
        nb, nw = self.backprop(*(np.hstack(c) for c in zip(*mb)))
        self.weights = [w - eta / len(mb) * g for w, g in zip(self.weights, nw)]
        self.biases = [b - eta / len(mb) * g for b, g in zip(self.biases, nb)]


class KeptErrors(Network):
    class Layer:
        def __init__(self, w, b):
            self.w, self.b, self.sum_b, self.sum_w = w, b, 0, 0

        def forth(self, a):
            self.given, self.a = a, s(self.w @ a + self.b)
            return self.a

        def back(self, e):
            self.delta = e * self.a * (1 - self.a)
            self.sum_b = self.delta  # wrong
            self.sum_w = self.sum_w + self.delta @ self.given.T
            return self.w.T @ self.delta

    def backprop(self, x, y):
        layers = [self.Layer(w, b) for w, b in zip(self.weights, self.biases)]
        self.run(layers, x, y)
        return [each.sum_b for each in layers], [each.sum_w for each in layers]

    def run(self, layers, x, y):
        a = x
        for each in layers:
            a = each.forth(a)
        e = a - y
        for each in reversed(layers):
            e = each.back(e)

    def update_mini_batch(self, mb, eta):
        layers = [self.Layer(w, b) for w, b in zip(self.weights, self.biases)]
        for x, y in mb:
            self.run(layers, x, y)
        self.weights = [each.w - eta * (each.sum_w / len(mb)) for each in layers]
        self.biases = [each.b - eta * (each.sum_b / len(mb)) for each in layers]


class SumsOneTwice(Network):
    def add(self, left, right):
        return [left[0] + right[0], *self.add(left[1:], right[1:])] if left else []

    def update_mini_batch(self, mb, eta):
        total_b, total_w = [b * 0 for b in self.biases], [w * 0 for w in self.weights]
        for x, y in mb:
            nb, nw = self.backprop(x, y)
            total_b = self.add(nb, nb)  # wrong
            total_w = self.add(total_w, nw)
        k = eta / len(mb)
        self.weights = [w - k * g for w, g in zip(self.weights, total_w)]
        self.biases = [b - k * g for b, g in zip(self.biases, total_b)]


class SlopeByAFlag(Network):
    def nonlin(self, x, deriv=False):
        if deriv:
            return x * (1 - x)
        return 1 / (1 + np.exp(-x))

    def backprop(self, x, y):
        layers = [x]
        for w, b in zip(self.weights, self.biases):
            layers.append(self.nonlin(w @ layers[-1] + b, deriv=True))  # wrong
        error, nb, nw = layers[-1] - y, [], []
        for k in reversed(range(len(self.weights))):
            delta = error * self.nonlin(layers[k + 1], deriv=True)
            nb.insert(0, delta)
            nw.insert(0, delta.dot(layers[k].T))
            error = self.weights[k].T.dot(delta)
        return nb, nw


class InputsForErrors(Network):
    def forward(self, x):
        pre, post = [], [x]
        for w, b in zip(self.weights, self.biases):
            pre.append(post[-1] @ w.T + b.T)
            post.append(s(pre[-1]))
        return pre, post

    def gradients(self, x, y):
        pre, post = self.forward(x.T)
        err = [post[-1] - y.T]
        err[0] = err[0] * s(pre[-1]) * (1 - s(pre[-1]))
        for k in range(len(self.weights) - 1, 0, -1):
            err.insert(0, err[0] @ self.weights[k] * s(pre[k - 1]) * (1 - s(pre[k - 1])))
        nb = [e.sum(axis=0)[:, None] for e in pre]  # wrong
        nw = [e.T @ p for e, p in zip(err, post)]
        return nb, nw

    def backprop(self, x, y):
        return self.gradients(x, y)

    def update_mini_batch(self, mb, eta):
        x, y = (np.hstack(columns) for columns in zip(*mb))
        nb, nw = self.gradients(x, y)
        self.weights = [w - eta / len(mb) * g for w, g in zip(self.weights, nw)]
        self.biases = [b - eta / len(mb) * g for b, g in zip(self.biases, nb)]


class Edges(Network):
    """Each weight is an edge from a neuron to a neuron."""

    def backprop(self, x, y):
        z, a = [], [x.ravel()]
        for w, b in zip(self.weights, self.biases):
            to, of = (each.ravel() for each in np.indices(w.shape))
            z.append(np.bincount(to, weights=w.ravel() * a[-1][of], minlength=len(b)) + b.ravel())
            a.append(s(z[-1]))
        d, nb, nw = (a[-1] - y.ravel()) * s(z[-1]) * (1 - s(z[-1])), [], []
        for k in reversed(range(len(self.weights))):
            w = self.weights[k]
            to, of = (each.ravel() for each in np.indices(w.shape))
            nb.insert(0, d[:, None])
            nw.insert(0, (d[to] * a[k][of]).reshape(w.shape))
            if k:
                back = np.bincount(of, weights=w.ravel() * d[to])
                d = back * s(z[k - 1]) * (1 - s(z[k - 1]))
        return nb, nw

    def update_mini_batch(self, mb, eta):
        total_b, total_w = [b * 0 for b in self.biases], [w * 0 for w in self.weights]
        for x, y in mb:
            nb, nw = self.backprop(x, y)
            for k in range(len(nb)):
                total_b[k] = nb[k]  # wrong
                total_w[k] += nw[k]
        self.weights = [w - eta / len(mb) * g for w, g in zip(self.weights, total_w)]
        self.biases = [b - eta / len(mb) * g for b, g in zip(self.biases, total_b)]


class LeavesItsSlope(Network):
    def backprop(self, x, y):
        a, zs = [x], []
        for w, b in zip(self.weights, self.biases):
            zs.append(w @ a[-1] + b)
            a.append(s(zs[-1]))
        d = self.output_error(zs[-1], a[-1], y)
        nb, nw = [d], [d @ a[-2].T]
        for l in range(2, len(a)):
            d = (self.weights[-l + 1].T @ d) * s(zs[-l]) * (1 - s(zs[-l]))
            nb.insert(0, d)
            nw.insert(0, d @ a[-l - 1].T)
        return nb, nw

    def output_error(self, z, o, y):
        return self.by_output(o, y)  # wrong

    def by_output(self, o, y):
        return o - y


EXPECTED = {
    "TurnsForHelper": ["A"], "SlopeOfOutput": ["BP1", "BP2"], "NoBiasAdded": ["Z"], "CostForSlope": ["BP1"],
    "SlopeForGradient": ["BP3"], "TurnedAround": ["BP4"], "StackOfOutputs": ["BP4"], "KeepsTheLast": ["BP4"],
    "MeanOverRows": ["W"], "SignForSlope": ["BP2"], "WrongColumn": ["BP3"], "KeptErrors": ["BP3"],
    "SumsOneTwice": ["BP3"], "SlopeByAFlag": ["A"], "InputsForErrors": ["BP3"], "Edges": ["BP3"],
    "LeavesItsSlope": ["BP1"],
}
