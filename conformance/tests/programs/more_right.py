"""More right networks, in other styles: none may be accused."""
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from base import Batched, Network, s
from chooses import Chooses, Fixed, FixedInstance
from compiled import kernel


class CostOfTheBase(Chooses):  # its costs stand neither here nor in the file of its base
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class CostByName(Fixed):
    pass


class CostInstance(FixedInstance):
    pass


class ThreeNumbers(Network):
    def __init__(self, n_in, n_hidden, n_out=10):
        super().__init__([n_in, n_hidden, n_out])


class TwoHidden(Network):
    def __init__(self, inputs, first, second, outputs):
        super().__init__([inputs, first, second, outputs])


class HiddenList(Network):
    def __init__(self, n_in, hidden, n_out):
        super().__init__([n_in, *hidden, n_out])


def factory(n_in, n_hidden, n_out):
    return Network([n_in, n_hidden, n_out])


class OneHiddenInside(Network):
    """Takes any sizes, but its methods know one hidden layer."""

    def feedforward(self, a):
        (w1, w2), (b1, b2) = self.weights, self.biases
        return s(w2 @ s(w1 @ a + b1) + b2)

    def backprop(self, x, y):
        (w1, w2), (b1, b2) = self.weights, self.biases
        hidden = s(w1 @ x + b1)
        output = s(w2 @ hidden + b2)
        d2 = (output - y) * output * (1 - output)
        d1 = (w2.T @ d2) * hidden * (1 - hidden)
        return [d1, d2], [d1 @ x.T, d2 @ hidden.T]


def one_hidden_shows(weights, biases, x, y, eta):
    w2, w3 = weights
    b2, b3 = biases
    m = x.shape[1]
    z2 = w2 @ x + b2
    a2 = s(z2)
    z3 = w3 @ a2 + b3
    a3 = s(z3)
    delta3 = (a3 - y) * a3 * (1 - a3)
    delta2 = w3.T @ delta3 * a2 * (1 - a2)
    return {
        "z2": z2, "a2": a2, "z3": z3, "a3": a3, "delta3": delta3, "delta2": delta2,
        "nabla_w2": delta2 @ x.T / m, "nabla_b2": delta2.mean(axis=1, keepdims=True),
        "nabla_w3": delta3 @ a2.T / m, "nabla_b3": delta3.mean(axis=1, keepdims=True),
    }


def one_hidden_moves(weights, biases, x, y, eta):
    shown = one_hidden_shows(weights, biases, x, y, eta)
    for i in (2, 3):
        shown[f"w{i}"] = weights[i - 2] - eta * shown[f"nabla_w{i}"]
        shown[f"b{i}"] = biases[i - 2] - eta * shown[f"nabla_b{i}"]
    return shown


def one_hidden_by_index(weights, biases, x, y, eta):  # of more layers it would take the first two
    a2 = s(weights[0] @ x + biases[0])
    a3 = s(weights[1] @ a2 + biases[1])
    delta3 = (a3 - y) * a3 * (1 - a3)
    delta2 = weights[1].T @ delta3 * a2 * (1 - a2)
    return {"a3": a3, "delta3": delta3, "delta2": delta2}


class DecayByAnotherName(Network):
    def update_mini_batch(self, batch, learning_rate, reg, n_train):
        gs = [self.backprop(x, y) for x, y in batch]
        k = learning_rate / len(batch)
        for l, w in enumerate(self.weights):
            self.weights[l] = (1 - learning_rate * (reg / n_train)) * w - k * sum(g[1][l] for g in gs)
            self.biases[l] = self.biases[l] - k * sum(g[0][l] for g in gs)


class DecayWhenAsked(DecayByAnotherName):
    def update_mini_batch(self, mini_batch, eta, n_samples=1, mu=0.0, lam=0.0, verbose=False):
        if verbose:
            print("eta", eta)
        super().update_mini_batch(mini_batch, eta, lam, n_samples)


class DecayRate(DecayByAnotherName):  # it takes λ/n
    def update_mini_batch(self, mini_batch, eta, *, weight_decay=0.0):
        super().update_mini_batch(mini_batch, eta, weight_decay, 1)


class Unknown(DecayByAnotherName):
    def update_mini_batch(self, samples, step, first, second):
        super().update_mini_batch(samples, step, first, second)


class Momentum(Network):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.speed = [0 * w for w in self.weights], [0 * b for b in self.biases]

    def update_mini_batch(self, mini_batch, eta, momentum=0.0, clip=None):
        gs = [self.backprop(x, y) for x, y in mini_batch]
        for part, held, k in ((self.speed[0], self.weights, 1), (self.speed[1], self.biases, 0)):
            for l in range(len(held)):
                g = sum(each[k][l] for each in gs)
                if clip is not None:
                    g = np.clip(g, -clip, clip)
                part[l] = momentum * part[l] - eta / len(gs) * g
                held[l] = held[l] + part[l]


class AssertsArrays(Network):
    def feedforward(self, a):
        assert all(type(w) is np.ndarray for w in self.weights), "arrays, please"
        return super().feedforward(a)

    def backprop(self, x, y):
        assert type(x) == np.ndarray
        return super().backprop(x, y)


class CompiledUpdate(Batched):
    def update_mini_batch(self, mb, eta):
        for x, y in mb:
            kernel(x, y, *self.weights)
        super().update_mini_batch(mb, eta)


class Recursive(Network):
    def backprop(self, x, y):
        nb, nw = [], []

        def back(l, a):
            if l == len(self.weights):
                return (a - y) * a * (1 - a)
            d = back(l + 1, s(self.weights[l] @ a + self.biases[l]))
            nb.insert(0, d)
            nw.insert(0, d @ a.T)
            return self.weights[l].T @ d * a * (1 - a)

        back(0, x)
        return nb, nw


class Einsum(Network):
    def backprop(self, x, y):
        acts = [x]
        for w, b in zip(self.weights, self.biases):
            acts.append(s(np.einsum("jk,km->jm", w, acts[-1]) + b))
        d = (acts[-1] - y) * (acts[-1] - acts[-1] ** 2)
        nb, nw = [d], [np.einsum("jm,km->jk", d, acts[-2])]
        for l in range(2, len(acts)):
            d = np.einsum("jk,jm->km", self.weights[1 - l], d) * (acts[-l] - acts[-l] ** 2)
            nb.append(d)
            nw.append(np.einsum("jm,km->jk", d, acts[-l - 1]))
        return nb[::-1], nw[::-1]


Layer = namedtuple("Layer", "w b")


class Layers(Network):
    """Keeps layers; the lists are made when asked for."""

    def __init__(self, sizes):
        self.layers = [Layer(np.random.randn(n, k), np.random.randn(n, 1)) for k, n in zip(sizes, sizes[1:])]

    @property
    def weights(self):
        return [layer.w for layer in self.layers]

    @weights.setter
    def weights(self, ws):
        self.layers = [layer._replace(w=w) for layer, w in zip(self.layers, ws)]

    @property
    def biases(self):
        return [layer.b for layer in self.layers]

    @biases.setter
    def biases(self, bs):
        self.layers = [layer._replace(b=b) for layer, b in zip(self.layers, bs)]


class Closures(Network):
    """Each layer gives its output and a function for the way back."""

    def layer(self, w, b, a):
        out = s(w @ a + b)

        def back(error):
            d = error * out * (1 - out)
            return w.T @ d, d, d @ a.T

        return out, back

    def backprop(self, x, y):
        ways, a = [], x
        for w, b in zip(self.weights, self.biases):
            a, back = self.layer(w, b, a)
            ways.append(back)
        error, grads = a - y, []
        for back in reversed(ways):
            error, *grad = back(error)
            grads.append(grad)
        nb, nw = zip(*reversed(grads))
        return list(nb), list(nw)


class Inline(Network):
    """σ is no function of its own, and z itself is never there."""

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(1 / (1 + np.exp(-w @ a[-1] - b)))
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [d], [d @ a[-2].T]
        for i in range(len(a) - 2, 0, -1):
            d = self.weights[i].T @ d * a[i] * (1 - a[i])
            nb.insert(0, d)
            nw.insert(0, d @ a[i - 1].T)
        return nb, nw


class Padded(Network):
    """All layers are parts of one array, the small ones with zeros behind."""

    def __init__(self, sizes):
        super().__init__(sizes)
        self.every = np.zeros((len(sizes) - 1, max(sizes), max(sizes) + 1))
        self.parts = [(l, slice(n), k) for l, (k, n) in enumerate(zip(sizes, sizes[1:]))]

    @property
    def weights(self):
        return [self.every[l, n, :k] for l, n, k in self.parts]

    @weights.setter
    def weights(self, new):
        for (l, n, k), w in zip(getattr(self, "parts", ()), new):
            self.every[l, n, :k] = w

    def update_mini_batch(self, mb, eta):
        total = np.zeros_like(self.every)
        for x, y in mb:
            nb, nw = self.backprop(x, y)
            for (l, n, k), b, w in zip(self.parts, nb, nw):
                total[l, n, :k] += w
                total[l, n, -1:] += b
        self.every -= eta / len(mb) * total
        self.biases = [b - eta / len(mb) * total[l, n, -1:] for (l, n, _), b in zip(self.parts, self.biases)]


class InThreads(Network):
    """Two samples at a time."""

    def update_mini_batch(self, mb, eta):
        with ThreadPoolExecutor(2) as pool:
            gs = list(pool.map(lambda pair: self.backprop(*pair), mb))
        self.weights = [w - eta / len(mb) * sum(g[1][l] for g in gs) for l, w in enumerate(self.weights)]
        self.biases = [b - eta / len(mb) * sum(g[0][l] for g in gs) for l, b in enumerate(self.biases)]
