"""What only the loss of a file shows: its gradient is handed on to a backward pass of any name."""

from pathlib import Path

from conformance.tests.shapes.measure import judged_source as judged

NETWORK = """
import numpy as np

class Schicht:
    def __init__(self, n, m, keim):
        self.W = np.random.default_rng(keim).normal(size=(n, m))
        self.v = np.zeros(m)

    def vorwaerts(self, x):
        self.x, self.y = x, np.tanh(x @ self.W + self.v)
        return self.y

    def rueckwaerts(self, d):
        d = d * (1 - self.y ** 2)
        self.dW, self.dv = self.x.T @ d, d.sum(0)
        return d @ self.W.T

class Netz:
    def __init__(self):
        self.teile = [Schicht(2, 4, 1), Schicht(4, 3, 2)]

    def vorwaerts(self, x):
        for teil in self.teile:
            x = teil.vorwaerts(x)
        return x

    def rueckwaerts(self, d):
        for teil in self.teile[::-1]:
            d = teil.rueckwaerts(d)

def cross_entropy(z, y):
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return -(y * np.log(p)).sum() / len(z), (p - y) / len(z)

def lerne(netz, x, y):
    for i in range(5):
        verlust, d = cross_entropy(netz.vorwaerts(x), y)
        netz.rueckwaerts(d)
        for teil in netz.teile:
            teil.W -= 0.1 * teil.dW
            teil.v -= 0.1 * teil.dv

if __name__ == "__main__":
    zufall = np.random.default_rng(0)
    lerne(Netz(), zufall.normal(size=(6, 2)), np.eye(3)[[0, 1, 2, 0, 1, 2]])
"""


def test_a_backward_pass_of_unknown_names_is_judged_by_a_run(tmp_path: Path) -> None:
    code, _, said = judged(NETWORK, tmp_path)
    assert (code, "4 gradients, all right" in said) == (0, True), said
    code, lines, said = judged(NETWORK.replace("d.sum(0)", "d.mean(0)"), tmp_path)
    assert (code, lines[:1]) == (1, ["self.dW, self.dv = self.x.T @ d, d.mean(0)"]), said


def test_a_backward_pass_that_no_run_shows_is_said_not_to_be_judged(tmp_path: Path) -> None:
    data = 'np.load("daten.npy"), np.load("ziele.npy")'
    source = NETWORK.replace("zufall.normal(size=(6, 2)), np.eye(3)[[0, 1, 2, 0, 1, 2]]", data)
    code, _, said = judged(source, tmp_path)
    assert (code, "not judged: Netz: " in said) == (3, True), said


CLOSURES = """
import numpy as np

def dense(W):
    def begin(X):
        def give_back(dY):
            W[...] -= 0.1 * X.T @ dY
            return dY @ W.T
        return X @ W, give_back
    return begin

def squared_hinge(scores, t):
    m = np.maximum(0, 1 - t * scores)
    return (m ** 2).mean(), -2 * t * m / scores.size

def main(path):
    X, t = np.load(path)
    model = dense(np.ones((2, 3)))
    for i in range(3):
        scores, back = model(X)
        loss, d = squared_hinge(scores, t)
        back(d)

if __name__ == "__main__":
    main("data.npy")
"""


def test_a_backward_pass_that_the_forward_pass_returns_is_told(tmp_path: Path) -> None:
    code, _, said = judged(CLOSURES, tmp_path)
    assert (code, "not judged: dense: " in said) == (3, True), said


UPDATED = """
import numpy as np

def loss_and_grad(w, x, y):
    d = x @ w - y
    return 0.5 * (d ** 2).mean(), x.T @ d / len(x)

def take(w, g):
    return w - 0.1 * g

def main(path):
    x, y = np.load(path)
    w = np.zeros(x.shape[1])
    for i in range(3):
        loss, g = loss_and_grad(w, x, y)
        w = take(w, g)

if __name__ == "__main__":
    main("data.npy")
"""


def test_an_update_is_no_backward_pass(tmp_path: Path) -> None:
    code, _, said = judged(UPDATED, tmp_path)
    assert (code, "not judged" in said) == (0, False), said
