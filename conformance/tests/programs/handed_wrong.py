"""Wrong networks whose line hands something on, or takes another thing; EXPECTED as in more_wrong.py."""
import numpy as np
from base import Network, s
from matrices import Matrix
from styles_right import Corrections


class NamesZAgain(Network):
    def forward(self, x):
        z, a = {}, {0: x}
        for l in range(len(self.weights)):
            z[l] = self.weights[l] @ a[l] + self.biases[l]
            a[l + 1] = z[l]  # wrong
        return z, a

    def backprop(self, x, y):
        z, a = self.forward(x)
        last = len(self.weights) - 1
        d, nb, nw = (a[last + 1] - y) * s(z[last]) * (1 - s(z[last])), [], []
        for l in range(last, -1, -1):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * s(z[l - 1]) * (1 - s(z[l - 1])) if l else d
        return nb, nw


class NamesErrorAgain(Network):
    def linear(self, dZ, a, w):
        return w.T @ dZ, dZ, dZ @ a.T

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        dZ = (a[-1] - y) * a[-1] * (1 - a[-1])
        dA, db, dW = self.linear(dZ, a[-2], self.weights[-1])
        nb, nw = [db], [dW]
        for l in range(len(self.weights) - 2, -1, -1):
            dZ = dA  # wrong
            dA, db, dW = self.linear(dZ, a[l], self.weights[l])
            nb.insert(0, db)
            nw.insert(0, dW)
        return nb, nw


class HandsANumber(Network):
    def add_outer(self, factor, d, a, array):
        array += factor * d @ a.T

    def backprop(self, x, y):
        nb, nw = super().backprop(x, y)
        a, nw = x, [np.zeros_like(w) for w in self.weights]
        for l, d in enumerate(nb):
            self.add_outer(-1.0, d, a, nw[l])  # wrong
            a = s(self.weights[l] @ a + self.biases[l])
        return nb, nw


class ActivatesTwice(Network):
    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        o = s(a[-1])  # wrong
        d, nb, nw = (o - y) * a[-1] * (1 - a[-1]), [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


class HandsAnOperator(Network):
    class Named:
        """An array whose operators go through one function, which is handed what they do."""

        __array_ufunc__ = None

        def __init__(self, data):
            self.data = data

        def of(self):
            return self.data

        def _join(self, other, op):
            return type(self)(op(self.of(), other.of()))

        def __sub__(self, other):
            return self._join(other, np.subtract)

        def __mul__(self, other):
            return self._join(other, np.multiply)

        def __rmatmul__(self, matrix):
            return type(self)(matrix @ self.data)

        def map(self, f):
            return type(self)(f(self.data))

    def backprop(self, x, y):
        a = [self.Named(x)]
        z = [None]
        for w, b in zip(self.weights, self.biases):
            z.append((w @ a[-1]).map(lambda t, b=b: t + b))
            a.append(z[-1].map(s))
        d = (a[-1] - self.Named(y)) * z[-1].map(lambda t: s(t) * (1 - s(t)))
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d.data)
            nw.insert(0, d.data @ a[l].data.T)
            d = (self.weights[l].T @ d) * a[l]  # wrong
        return nb, nw


class HandsAFunction(Network):
    def apply(self, v, f):
        return f(v)

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(self.apply(w @ a[-1] + b, np.tanh))  # wrong
        d, nb, nw = (a[-1] - y) * a[-1] * (1 - a[-1]), [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


class TakesTheLastSample(Network):
    def update_mini_batch(self, mb, eta):
        total_b, total_w = [b * 0 for b in self.biases], [w * 0 for w in self.weights]
        for x, y in mb:
            nb, nw = self.backprop(x, y)
            for k in range(len(nb)):
                total_b[k] += nb[k]
                total_w[k] += nw[k]
        for k in range(len(total_b)):
            self.weights[k] = self.weights[k] - eta / len(mb) * nw[k]  # wrong
            self.biases[k] = self.biases[k] - eta / len(mb) * total_b[k]


class MovedOneByOne(Network):
    @staticmethod
    @np.vectorize
    def moved(parameter, gradient, eta, count):
        return parameter - count * eta * gradient  # wrong

    def update_mini_batch(self, mb, eta):
        every = [self.backprop(x, y) for x, y in mb]
        total_b, total_w = ([sum(one) for one in zip(*each)] for each in zip(*every))
        m = len(mb)
        self.biases = [self.moved(b, g, eta, m) for b, g in zip(self.biases, total_b)]
        self.weights = [w - eta / m * g for w, g in zip(self.weights, total_w)]


class TwoInOneCall(Network):
    """A call gives a right parameter and a wrong one."""

    class Layer:
        def __init__(self, w, b):
            self.w, self.b = w, b

        def learn(self, rate, nb, nw):
            self.b = self.b - rate * self.b  # wrong
            self.w = self.w - rate * nw

    class Last(Layer):
        def learn(self, *given):
            super().learn(*given)

    def update_mini_batch(self, mb, eta):
        every = [self.backprop(x, y) for x, y in mb]
        total_b, total_w = ([sum(one) for one in zip(*each)] for each in zip(*every))
        *first, last = zip(self.weights, self.biases)
        layers = [*(self.Layer(*each) for each in first), self.Last(*last)]
        for layer, nb, nw in zip(layers, total_b, total_w):
            layer.learn(eta / len(mb), nb, nw)
        self.weights, self.biases = [e.w for e in layers], [e.b for e in layers]


class KeepsTheLastError(Network):
    """Layers that add up their gradients."""

    class Layer:
        def __init__(self, w, b):
            self.w, self.b, self.gw, self.gb = w, b, w * 0, b * 0

        def forward(self, x):
            self.x = x
            self.a = s(self.w @ x + self.b)
            return self.a

        def backward(self, g):
            self.finish(g * self.a * (1 - self.a))
            return self.w.T @ (g * self.a * (1 - self.a))

        def finish(self, delta):
            self.gw += delta @ self.x.T
            self.gb = delta  # wrong

    def gradients(self, batch):
        layers = [self.Layer(*each) for each in zip(self.weights, self.biases)]
        for x, y in batch:
            for layer in layers:
                x = layer.forward(x)
            g = x - y
            for layer in reversed(layers):
                g = layer.backward(g)
        return layers

    def backprop(self, x, y):
        layers = self.gradients([(x, y)])
        return [each.gb for each in layers], [each.gw for each in layers]

    def update_mini_batch(self, mb, eta):
        layers = self.gradients(mb)
        for layer in layers:
            layer.w = layer.w - eta / len(mb) * layer.gw
            layer.b = layer.b - eta / len(mb) * layer.gb
        self.weights, self.biases = [each.w for each in layers], [each.b for each in layers]


class CorrectsWrongly(Corrections):
    def error(self, t, o):
        return (t - o) * o * (1 + o)  # wrong


class TakesItsCorrectionsOff(Corrections):
    def move(self, rate, total_b, total_w):
        self.biases = [b + rate * c for b, c in zip(self.biases, total_b)]
        self.weights = [w - rate * c for w, c in zip(self.weights, total_w)]  # wrong


class MeanOfOneAlone(Network):
    """Rows are samples; the step divides by their number."""

    def gradients(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(a[-1] @ w.T + b.ravel()))
        d, gb, gw = (a[-1] - y) * a[-1] * (1 - a[-1]), [], []
        for k in reversed(range(len(self.weights))):
            gb.insert(0, d.sum(axis=0))
            gw.insert(0, d.T @ a[k] / len(x))  # wrong
            d = d @ self.weights[k] * a[k] * (1 - a[k])
        return gb, gw

    def backprop(self, x, y):
        gb, gw = self.gradients(x.T, y.T)
        return [g.reshape(-1, 1) for g in gb], gw

    def update_mini_batch(self, mb, eta):
        x, y = (np.array([each.ravel() for each in column]) for column in zip(*mb))
        gb, gw = self.gradients(x, y)
        for k, n in enumerate([len(mb)] * len(gb)):
            self.biases[k] = self.biases[k] - eta / n * gb[k].reshape(-1, 1)
            self.weights[k] = self.weights[k] - eta / n * gw[k]


class ForgetsABias(Network):
    def forward(self, x):
        a = [Matrix(x)]
        for w in self.weights:
            a.append(Matrix(w).times(a[-1]).map(s))  # wrong
        return a

    def backprop(self, x, y):
        a, nb, nw = self.forward(x), [], []
        errors = a[-1].with_each(Matrix(y), lambda p, q: p - q)
        for l in range(len(self.weights) - 1, -1, -1):
            gradient = errors.with_each(a[l + 1], lambda e, o: e * o * (1 - o))
            nb.insert(0, np.array(gradient.rows))
            nw.insert(0, np.array(gradient.times(a[l].turned()).rows))
            errors = Matrix(self.weights[l]).turned().times(gradient)
        return nb, nw


class ErrorsForGradients(Network):
    def backprop(self, x, y):
        a, nb, nw = [Matrix(x)], [], []
        for w, b in zip(self.weights, self.biases):
            a.append(Matrix(w).times(a[-1]).with_each(Matrix(b), lambda p, q: p + q).map(s))
        errors = a[-1].with_each(Matrix(y), lambda p, q: p - q)
        for l in range(len(self.weights) - 1, -1, -1):
            gradient = errors.with_each(a[l + 1], lambda e, o: e * o * (1 - o))
            nb.insert(0, np.array(gradient.rows))
            nw.insert(0, np.array(errors.times(a[l].turned()).rows))  # wrong
            errors = Matrix(self.weights[l]).turned().times(gradient)
        return nb, nw


class TurnsWhatItSends(Network):
    class Linear:
        def forward(self, x, w, b):
            self.x, self.w = x, w
            return w @ x + b

        def backward(self, given):
            self.db, self.dw = given, given @ self.x.T
            return self.w.T @ -given  # wrong

    class Sigmoid:
        def forward(self, x):
            self.out = s(x)
            return self.out

        def backward(self, given):
            return given * self.out * (1 - self.out)

    def backprop(self, x, y):
        layers = [(self.Linear(), self.Sigmoid()) for _ in self.weights]
        for (linear, sigmoid), w, b in zip(layers, self.weights, self.biases):
            x = sigmoid.forward(linear.forward(x, w, b))
        given = x - y
        for linear, sigmoid in reversed(layers):
            given = linear.backward(sigmoid.backward(given))
        return [e.db for e, _ in layers], [e.dw for e, _ in layers]


class LeavesOneOut(Network):
    def backprop(self, x, y):
        nb, nw = super().backprop(x, y)
        return [b * 1.0 for b in nb], nw

    def update_mini_batch(self, mb, eta):
        results = [self.backprop(x, y) for x, y in mb]
        for l in range(len(self.weights)):
            b = np.sum([nb[l] for nb, nw in results[1:]], axis=0)  # wrong
            w = np.sum([nw[l] for nb, nw in results], axis=0)
            self.biases[l] = self.biases[l] - eta * b / len(mb)
            self.weights[l] = self.weights[l] - eta * w / len(mb)


class StoresAPart(Network):
    def errors(self, a, y):
        p = [None] * len(a)
        p[-1] = (a[-1] - y) * a[-1] * (1 - a[-1])
        for l in range(len(a) - 2, 0, -1):
            pull = self.weights[l].T @ p[l + 1]
            p[l] = pull  # wrong
        return p

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        p = self.errors(a, y)
        return p[1:], [d @ e.T for d, e in zip(p[1:], a)]


class AppendsZByIndex(Network):
    def forward(self, x):
        Z, A = [x], [x]
        for i in range(len(self.weights)):
            Z.append(self.weights[i] @ A[i] + self.biases[i])
            A.append(Z[i + 1])  # wrong
        return Z, A

    def backprop(self, x, y):
        Z, A = self.forward(x)
        d, nb, nw = (A[-1] - y) * s(Z[-1]) * (1 - s(Z[-1])), [], []
        for i in range(len(self.weights) - 1, -1, -1):
            nb.insert(0, d)
            nw.insert(0, d @ A[i].T)
            d = self.weights[i].T @ d * s(Z[i]) * (1 - s(Z[i]))
        return nb, nw


class DropsWhatIsReturned(Network):
    def step(self, variable, gradient, rate):
        return variable - rate * gradient

    def update_mini_batch(self, mb, eta):
        gs = [self.backprop(x, y) for x, y in mb]
        for l in range(len(self.weights)):
            nb, nw = (sum(g[k][l] for g in gs) for k in range(2))
            self.step(self.biases[l], nb, eta / len(mb))  # wrong
            self.weights[l] = self.step(self.weights[l], nw, eta / len(mb))


class HandsARate(Network):
    def on_step(self, l, rate, nb, nw):
        self.biases[l] = self.biases[l] - rate * nb
        self.weights[l] = self.weights[l] + rate * nw  # wrong

    def update_mini_batch(self, mb, eta):
        gs = [self.backprop(x, y) for x, y in mb]
        for l in range(len(self.weights)):
            nb, nw = (sum(g[k][l] for g in gs) for k in range(2))
            self.on_step(l, eta / len(mb), nb, nw)


class SumsOverAll(Network):
    def update_mini_batch(self, mb, eta):
        gs = [self.backprop(x, y) for x, y in mb]
        for l in range(len(self.weights)):
            nb = np.sum([g[0][l] for g in gs])  # wrong
            nw = np.sum([g[1][l] for g in gs], axis=0)
            self.biases[l] = self.biases[l] - eta / len(mb) * nb
            self.weights[l] = self.weights[l] - eta / len(mb) * nw


class StoresInAMethod(Network):
    class Sums:
        def __init__(self, like):
            self.sums = [np.zeros(e.shape) for e in like]

        def add(self, l, gradient):
            self.sums[l] = gradient  # wrong

    def update_mini_batch(self, mb, eta):
        b = self.Sums(self.biases)
        w = [np.zeros(e.shape) for e in self.weights]
        for x, y in mb:
            nb, nw = self.backprop(x, y)
            for l in range(len(nb)):
                b.add(l, nb[l])
                w[l] = w[l] + nw[l]
        for l in range(len(self.weights)):
            self.biases[l] = self.moved(self.biases[l], self.scaled(b.sums[l], eta / len(mb)))
            self.weights[l] = self.moved(self.weights[l], self.scaled(w[l], eta / len(mb)))

    def scaled(self, gradient, rate):
        return rate * gradient

    def moved(self, parameter, step):
        return parameter - step


class ReplacesASum(Network):
    class Gradient:
        def __init__(self, net):
            self.biases = [np.zeros(b.shape) for b in net.biases]
            self.weights = [np.zeros(w.shape) for w in net.weights]

    def backward(self, x, y, grad):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        for i in reversed(range(len(self.weights))):
            grad.biases[i] += d
            grad.weights[i] = d @ a[i].T  # wrong
            d = self.weights[i].T @ d * a[i] * (1 - a[i])

    def backprop(self, x, y):
        grad = self.Gradient(self)
        self.backward(x, y, grad)
        return grad.biases, grad.weights

    def update_mini_batch(self, mb, eta):
        grad = self.Gradient(self)
        for x, y in mb:
            self.backward(x, y, grad)
        for i in range(len(self.weights)):
            self.biases[i] = self.biases[i] - eta / len(mb) * grad.biases[i]
            self.weights[i] = self.weights[i] - eta / len(mb) * grad.weights[i]


EXPECTED = {
    "CorrectsWrongly": ["BP1"], "TakesItsCorrectionsOff": ["W"], "MeanOfOneAlone": ["BP4"],
    "KeepsTheLastError": ["BP3"],
    "NamesZAgain": ["A"], "NamesErrorAgain": ["BP2"], "HandsAnOperator": ["BP2"], "HandsAFunction": ["A"],
    "AppendsZByIndex": ["A"], "DropsWhatIsReturned": ["B"],
    "HandsARate": ["W"], "HandsANumber": ["BP4"], "ActivatesTwice": ["A"],
    "SumsOverAll": ["BP3"], "StoresInAMethod": ["BP3"],
    "ReplacesASum": ["BP4"],
    "ForgetsABias": ["Z"], "LeavesOneOut": ["BP3"], "StoresAPart": ["BP2"], "ErrorsForGradients": ["BP4"], "TurnsWhatItSends": ["BP2"],
    "TakesTheLastSample": ["W"], "MovedOneByOne": ["B"], "TwoInOneCall": ["B"],
}
