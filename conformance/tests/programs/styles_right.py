"""Right networks in styles that have been misjudged."""

import numpy as np
from base import Network, s


class TargetMinusOutput(Network):
    """backprop returns what is to be added."""

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        error = y - a[-1]
        up_b, up_w = [], []
        for l in range(len(self.weights) - 1, -1, -1):
            local = error * a[l + 1] * (1 - a[l + 1])
            up_b.insert(0, local)
            up_w.insert(0, local @ a[l].T)
            error = self.weights[l].T @ local
        return up_b, up_w

    def update_mini_batch(self, mb, eta):
        up_b, up_w = [0] * len(self.biases), [0] * len(self.weights)
        for x, y in mb:
            for l, (b, w) in enumerate(zip(*self.backprop(x, y))):
                up_b[l] = up_b[l] + b
                up_w[l] = up_w[l] + w
        self.step(up_b, up_w, eta, len(mb))

    def step(self, up_b, up_w, eta, m):
        self.weights = [w + eta / m * g for w, g in zip(self.weights, up_w)]
        self.biases = [b + eta / m * g for b, g in zip(self.biases, up_b)]


class LimitedZ(Network):
    """σ limits what it is given, so that exp does not overflow."""

    def sigmoid(self, z):
        z = np.clip(z, -500, 500)
        return 1.0 / (1.0 + np.exp(-z))

    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = self.sigmoid(w @ a + b)
        return a

    def backprop(self, x, y):
        a, zs = [x], []
        for w, b in zip(self.weights, self.biases):
            zs.append(w @ a[-1] + b)
            a.append(self.sigmoid(zs[-1]))
        g = a[-1] - y
        nb, nw = [], []
        for l in range(len(self.weights) - 1, -1, -1):
            slope = self.sigmoid(zs[l])
            g = g * slope * (1 - slope)
            nb.insert(0, g)
            nw.insert(0, g @ a[l].T)
            g = self.weights[l].T @ g
        return nb, nw


class LimitsEachZ(LimitedZ):
    """z is limited on its own line, before it is kept."""

    def backprop(self, x, y):
        a, zs = [x], []
        for w, b in zip(self.weights, self.biases):
            zs.append(np.clip(w @ a[-1] + b, -500, 500))
            a.append(self.sigmoid(zs[-1]))
        g = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [g], [g @ a[-2].T]
        for l in range(len(self.weights) - 1, 0, -1):
            g = self.weights[l].T @ g * a[l] * (1 - a[l])
            nb.insert(0, g)
            nw.insert(0, g @ a[l - 1].T)
        return nb, nw


class Matrices(Network):
    """numpy.matrix, whose products nobody notes."""

    def backprop(self, x, y):
        weights = [np.asmatrix(w) for w in self.weights]
        a = [np.asmatrix(x)]
        for w, b in zip(weights, self.biases):
            a.append(s(w * a[-1] + b))
        d = np.multiply(a[-1] - y, np.multiply(a[-1], 1 - a[-1]))
        nb, nw = [], []
        for l in range(len(weights) - 1, -1, -1):
            nb.insert(0, d)
            nw.insert(0, d * a[l].T)
            d = np.multiply(weights[l].T * d, np.multiply(a[l], 1 - a[l]))
        return nb, nw


class Corrections(Network):
    """What is added to the parameters, as in the older text books."""

    def error(self, t, o):
        return (t - o) * o * (1 - o)

    def corrections(self, x, t):
        o = [x]
        for w, b in zip(self.weights, self.biases):
            o.append(s(w @ o[-1] + b))
        error, cb, cw = self.error(t, o[-1]), [], []
        for k in reversed(range(len(self.weights))):
            cb.insert(0, error)
            cw.insert(0, error @ o[k].T)
            error = o[k] * (1 - o[k]) * (self.weights[k].T @ error)
        return cb, cw

    def backprop(self, x, y):
        cb, cw = self.corrections(x, y)
        return [-c for c in cb], [-c for c in cw]

    def update_mini_batch(self, mb, eta):
        total_b, total_w = [b * 0 for b in self.biases], [w * 0 for w in self.weights]
        for x, t in mb:
            for total, more in zip((total_b, total_w), self.corrections(x, t)):
                total[:] = [a + b for a, b in zip(total, more)]
        self.move(eta / len(mb), total_b, total_w)

    def move(self, rate, total_b, total_w):
        self.biases = [b + rate * c for b, c in zip(self.biases, total_b)]
        self.weights = [w + rate * c for w, c in zip(self.weights, total_w)]
