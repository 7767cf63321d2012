"""More wrong networks: EXPECTED names the equations to blame; the line to blame says `# wrong`."""
import numpy as np
from base import Batched, Network, s
from chooses import ChoosesUnused, FixedHalf
from more_right import AssertsArrays, DecayByAnotherName, OneHiddenInside, one_hidden_shows


class CostElsewhere(FixedHalf):  # its wrong line is in costs.py
    pass


class ChoosesInputs(ChoosesUnused):  # its wrong line is in chooses.py
    pass


class ThreeNumbersWrong(Network):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__([n_in, n_hidden, n_out])

    def backprop(self, x, y):
        h = s(self.weights[0] @ x + self.biases[0])
        o = s(self.weights[1] @ h + self.biases[1])
        d2 = self.cost_derivative(o, y)  # wrong
        d1 = self.weights[1].T @ d2 * h * (1 - h)
        return [d1, d2], [d1 @ x.T, d2 @ h.T]

    def cost_derivative(self, a, y):
        return a - y


class PassesOnWrong(Network):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ s(a[l]).T)  # wrong
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


class HiddenListWrong(Network):
    def __init__(self, n_in, hidden, n_out):
        super().__init__([n_in, *hidden, n_out])

    def update_mini_batch(self, mb, eta):
        gs = [self.backprop(x, y) for x, y in mb]
        self.weights = [w - eta / len(mb) * sum(g[1][l] for g in gs) for l, w in enumerate(self.weights)]
        self.biases = [b + eta / len(mb) * sum(g[0][l] for g in gs) for l, b in enumerate(self.biases)]  # wrong


class InsideWrong(OneHiddenInside):
    def backprop(self, x, y):
        (w1, w2), (b1, b2) = self.weights, self.biases
        hidden = s(w1 @ x + b1)
        output = s(w2 @ hidden + b2)
        d2 = (output - y) * output * (1 - output)
        d1 = (w2.T @ d2) * output.mean()  # wrong
        return [d1, d2], [d1 @ x.T, d2 @ hidden.T]


def one_hidden_no_slope(weights, biases, x, y, eta):
    w2, w3 = weights
    a2 = s(w2 @ x + biases[0])
    a3 = s(w3 @ a2 + biases[1])
    delta3 = (a3 - y) * a3 * (1 - a3)
    return {"a2": a2, "a3": a3, "delta3": delta3, "delta2": w3.T @ delta3}  # wrong


def one_hidden_ascends(weights, biases, x, y, eta):
    shown = one_hidden_shows(weights, biases, x, y, eta)
    for i in (2, 3):
        shown[f"w{i}"] = weights[i - 2] + eta * shown[f"nabla_w{i}"]  # wrong
        shown[f"b{i}"] = biases[i - 2] - eta * shown[f"nabla_b{i}"]
    return shown


def last_weights_for_all(weights, biases, x, y, eta):  # right with one hidden layer
    a, shown = [x], {}
    for i, (w, b) in enumerate(zip(weights, biases), 2):
        a.append(s(w @ a[-1] + b))
        shown[f"a{i}"] = a[-1]
    d = (a[-1] - y) * a[-1] * (1 - a[-1])
    for i in range(len(a), 1, -1):
        shown[f"delta{i}"] = d
        if i > 2:
            d = weights[-1].T @ d * a[i - 2] * (1 - a[i - 2])  # wrong
    return shown


class DecayWithoutN(DecayByAnotherName):
    def update_mini_batch(self, batch, learning_rate, lambda_, n_train):
        gs = [self.backprop(x, y) for x, y in batch]
        k = learning_rate / len(batch)
        for l, w in enumerate(self.weights):
            self.weights[l] = (1 - learning_rate * lambda_) * w - k * sum(g[1][l] for g in gs)  # wrong
            self.biases[l] = self.biases[l] - k * sum(g[0][l] for g in gs)


class DecayAdds(DecayByAnotherName):
    def update_mini_batch(self, mini_batch, eta, mu=0.0, lam=0.0, n_data=1):
        super().update_mini_batch(mini_batch, eta, -lam, n_data)  # wrong


class DecayForgotten(Network):
    def update_mini_batch(self, mini_batch, eta, lam, size):
        gs = [self.backprop(x, y) for x, y in mini_batch]
        k = eta / len(mini_batch)
        for l in range(len(self.weights)):
            self.weights[l] = self.weights[l] - k * sum(g[1][l] for g in gs)  # wrong
            self.biases[l] = self.biases[l] - k * sum(g[0][l] for g in gs)


class AssertsArraysWrong(AssertsArrays):
    def backprop(self, x, y):
        nb, nw = super().backprop(x, y)
        return nb, [nw[0], *(2 * g for g in nw[1:])]  # wrong


class RefusesAndAscends(Batched):
    def backprop(self, x, y):
        if type(x) is not np.ndarray:
            raise TypeError("give arrays")
        return super().backprop(x, y)

    def update_mini_batch(self, mb, eta):
        before = [b.copy() for b in self.biases]
        super().update_mini_batch(mb, eta)
        self.biases = [2 * b - now for b, now in zip(before, self.biases)]  # wrong


class RecursiveWrong(Network):
    def backprop(self, x, y):
        nb, nw = [], []

        def back(l, a):
            if l == len(self.weights):
                return (a - y) * a * (1 - a)
            d = back(l + 1, s(self.weights[l] @ a + self.biases[l]))
            nb.insert(0, d)
            nw.insert(0, d @ a.T)
            return self.weights[l].T @ d * a  # wrong

        back(0, x)
        return nb, nw


class EinsumWrong(Network):
    def backprop(self, x, y):
        acts = [x]
        for w, b in zip(self.weights, self.biases):
            acts.append(s(np.einsum("jk,km->jm", w, acts[-1]) - b))  # wrong
        d = (acts[-1] - y) * (acts[-1] - acts[-1] ** 2)
        nb, nw = [d], [np.einsum("jm,km->jk", d, acts[-2])]
        for l in range(2, len(acts)):
            d = np.einsum("jk,jm->km", self.weights[1 - l], d) * (acts[-l] - acts[-l] ** 2)
            nb.append(d)
            nw.append(np.einsum("jm,km->jk", d, acts[-l - 1]))
        return nb[::-1], nw[::-1]


class ClosuresWrong(Network):
    def layer(self, w, b, a):
        out = s(w @ a + b)

        def back(error):
            d = error * out * (1 - out)
            return w.T @ d, d, (d + d) @ a.T  # wrong

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


class MomentumLeftOn(Network):
    def update_mini_batch(self, mini_batch, eta, mu=0.0):
        before = self.weights
        super().update_mini_batch(mini_batch, eta)
        self.weights = [now + 0.5 * (now - w) for w, now in zip(before, self.weights)]  # wrong


class FortranWrong(Batched):
    def backprop(self, x, y):
        a = [np.asfortranarray(x)]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = (y - a[-1]) * a[-1] * (1 - a[-1])  # wrong
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


class NegativeZ(Network):
    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(1 / (1 + np.exp(-(w @ a[-1]) + b)))  # wrong
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw


class AscendsWrong(Batched):
    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = (y - a[-1]) * a[-1] ** 2 * (1 - a[-1])  # wrong
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw

    def update_mini_batch(self, mb, eta):
        super().update_mini_batch(mb, -eta)


class NegativeRate(Batched):
    def update_mini_batch(self, mb, eta):
        X, Y = (np.hstack(c) for c in zip(*mb))
        nb, nw = self.backprop(X, Y)
        rate = -eta / len(mb)  # wrong
        self.weights = [w - rate * g for w, g in zip(self.weights, nw)]
        self.biases = [b - rate * g.sum(1, keepdims=True) for b, g in zip(self.biases, nb)]


EXPECTED = {
    "CostElsewhere": ["BP1"], "ChoosesInputs": ["BP4"], "ThreeNumbersWrong": ["BP1"], "PassesOnWrong": ["BP4"],
    "HiddenListWrong": ["B"], "InsideWrong": ["BP2"], "one_hidden_no_slope": ["BP2"], "one_hidden_ascends": ["W"],
    "last_weights_for_all": ["BP2"], "DecayWithoutN": ["W"], "DecayAdds": ["W"], "DecayForgotten": ["W"],
    "AssertsArraysWrong": ["BP4"], "RefusesAndAscends": ["B"], "RecursiveWrong": ["BP2"], "EinsumWrong": ["Z"],
    "ClosuresWrong": ["BP4"], "MomentumLeftOn": ["W"], "FortranWrong": ["BP1"], "NegativeZ": ["Z"],
    "AscendsWrong": ["BP1"], "NegativeRate": ["B", "W"],
}
