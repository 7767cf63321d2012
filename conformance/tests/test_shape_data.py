"""The data that programs are tried on: each side of what they choose, and sensible losses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance import check_backward
from conformance.api import check
from conformance.errors import ConformanceError
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.shapes.definitions import definitions
from conformance.shapes.own_calls import own_calls
from conformance.tests.shapes.measure import blamed


def judged(source: str, folder: Path) -> tuple[int, list[str], str]:
    """The exit code, the lines to blame, and what is said."""
    file = folder / "net.py"
    file.write_text(source, encoding="utf-8")
    try:
        report = check_file(Asked(str(file)), check)
    except ConformanceError as error:
        return error.exit_code, [], str(error)
    lines = source.splitlines()
    return report.exit_code, [lines[n - 1].strip() for n in blamed(report)], str(report)


PAIRS = """
import numpy as np

class SiameseNet:
    def __init__(self, input_size, hidden_size, embedding_size, margin=1.0):
        self.margin = margin
        self.params = {
            "W1": np.random.randn(input_size, hidden_size),
            "b1": np.zeros((1, hidden_size)),
            "W2": np.random.randn(hidden_size, embedding_size),
        }

    def tower(self, X):
        a = np.tanh(X @ self.params["W1"] + self.params["b1"])
        return a @ self.params["W2"], (X, a)

    def tower_backward(self, de, cache):
        X, a = cache
        self.grads["W2"] += a.T @ de
        dz = de @ self.params["W2"].T * (1 - a ** 2)
        self.grads["W1"] += X.T @ dz
        self.grads["b1"] += dz.sum(axis=0, keepdims=True)

    def loss(self, X1, X2, same):
        N = X1.shape[0]
        e1, cache1 = self.tower(X1)
        e2, cache2 = self.tower(X2)
        diff = e1 - e2
        d = np.sqrt((diff ** 2).sum(axis=1) + 1e-9)
        gap = np.maximum(self.margin - d, 0)
        loss = np.sum(same * d ** 2 + (1 - same) * gap ** 2) / (2 * N)
        dd = (same * d - (1 - same) * gap) / N
        ddiff = (dd / d)[:, None] * diff
        self.grads = {k: np.zeros_like(v) for k, v in self.params.items()}
        self.tower_backward(ddiff, cache1)
        self.tower_backward(-ddiff, cache2)
        return loss, self.grads
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [("* gap) / N", "* gap) / N"), ("* gap) / N", "* gap ** 2) / N")],
    ids=["right", "wrong"],
)
def test_a_margin_is_tried_on_its_other_side(right: str, there: str, tmp_path: Path) -> None:
    code, lines, said = judged(PAIRS.replace(right, there), tmp_path)
    assert code == int(right != there), said
    assert lines[:1] == ["dd = (same * d - (1 - same) * gap ** 2) / N"] * code


ORDINAL = """
import numpy as np

def expit(x):
    return 1 / (1 + np.exp(-x))

class Ordinal:
    def __init__(self, n_classes=4):
        self.n_classes = n_classes

    def _objective(self, coef, d, X, y):
        n = X.shape[0]
        inner = np.cumsum(np.concatenate(([d[0]], np.exp(d[1:]))))
        th = np.concatenate(([-np.inf], inner, [np.inf]))
        up, lo = expit(th[y + 1] - X @ coef), expit(th[y] - X @ coef)
        prob = up - lo
        dup, dlo = up * (1 - up), lo * (1 - lo)
        g_coef = X.T @ ((dup - dlo) / prob) / n
        g_th = np.zeros(self.n_classes + 1)
        np.add.at(g_th, y + 1, -dup / prob / n)
        np.add.at(g_th, y, dlo / prob / n)
        tail = np.cumsum(g_th[1:-1][::-1])[::-1]
        return -np.log(prob).mean(), g_coef, tail * np.concatenate(([1.0], np.exp(d[1:])))

    def fit(self, X, y, steps=20):
        self.coef_, self.d_ = np.zeros(X.shape[1]), np.zeros(self.n_classes - 1)
        for _ in range(steps):
            value, g_coef, g_d = self._objective(self.coef_, self.d_, X, y)
            self.coef_ -= 0.1 * g_coef
            self.d_ -= 0.1 * g_d
        return self

def main():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(50, 3))
    Ordinal().fit(X, np.digitize(X @ [1.0, -2.0, 0.5], [-1.5, 0.0, 1.5]))

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("there", ["(dup - dlo) / prob", "(dup + dlo) / prob"])
def test_thresholds_at_infinity_are_judged(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(ORDINAL.replace("(dup - dlo) / prob", there), tmp_path)
    assert code == int("+" in there), said
    assert lines[:1] == [f"g_coef = X.T @ ({there}) / n"] * code


FLOW = """
import numpy as np

class Field:
    def __init__(self, dim, width, rng):
        self.p = [rng.normal(size=(dim, width)), rng.normal(size=(width, dim))]

    def __call__(self, y):
        return np.tanh(y @ self.p[0]) @ self.p[1]

    def vjp(self, y, a):
        h = np.tanh(y @ self.p[0])
        d = a @ self.p[1].T * (1 - h ** 2)
        return d @ self.p[0].T, [y.T @ d, h.T @ a]

def loss_and_grad(f, y0, target, h):
    ys = [y0]
    for _ in range(3):
        ys.append(ys[-1] + h * f(ys[-1]))
    a = ys[-1] - target
    loss, g = 0.5 * np.sum(a ** 2), [np.zeros_like(q) for q in f.p]
    for y in ys[-2::-1]:
        back, dp = f.vjp(y, h * a)
        a = a + back
        for G, d in zip(g, dp):
            G += d
    return loss, g

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    f = Field(2, 4, rng)
    y0 = rng.normal(size=(5, 2))
    for step in range(4):
        loss, g = loss_and_grad(f, y0, -y0, 0.1)
        for q, d in zip(f.p, g):
            q -= 0.1 * d
"""


@pytest.mark.parametrize("there", ["a = a + back", "a = back"])
def test_parameters_that_an_argument_holds_are_found(there: str, tmp_path: Path) -> None:
    code, _, said = judged(FLOW.replace("a = a + back", there), tmp_path)
    assert code == int(there == "a = back"), said
    assert "parameters f.p[0], f.p[1]" in said


FRAMES = """
import numpy as np

NEVER = -1e30

def frame_loss(logits, labels, blank=0):
    T, K = logits.shape
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    path = [blank]
    for label in labels:
        path += [int(label), blank]
    fits = len(path) <= T
    path = (path + T * [blank])[:T]
    score = logp[np.arange(T), path].sum()
    total = np.logaddexp.reduce([NEVER, score if fits else NEVER + score])
    d = np.exp(logp)
    d[np.arange(T), path] -= 1
    return -total, d
"""


@pytest.mark.parametrize("there", ["-= 1", "-= 2"])
def test_labels_for_which_a_loss_has_no_value_are_not_judged(there: str, tmp_path: Path) -> None:
    code, _, said = judged(FRAMES.replace("-= 1", there), tmp_path)
    assert code == int(there == "-= 2"), said
    assert "fewer labels than rows" in said


FAMILY = """
import numpy as np

class Optimizer:
    def __init__(self, lr=0.01):
        self.lr = lr

    def step(self, params, grads):
        for k in params:
            self.update(k, params[k], grads[k])

class SGD(Optimizer):
    def update(self, k, p, g):
        p -= self.lr * g
"""


def test_a_class_that_others_derive_from_is_judged_by_these(tmp_path: Path) -> None:
    code, _, said = judged(FAMILY, tmp_path)
    assert code == 0, said


def test_a_wrong_sign_is_no_contrastive_divergence_where_the_loss_is_returned() -> None:
    def tracked(g: Any, z: Any, sign: float) -> tuple[Any, Any]:
        x, v, errors = z[0], 0.0, []
        for measured in z[1:]:
            errors.append(measured - x - 0.1 * v)
            x, v = x + 0.1 * v + g[0] * errors[-1], v + g[1] * errors[-1]
        lx = lv = da = db = 0.0
        for r in reversed(errors):
            da, db = da + lx * r, db + lv * r
            lx = lx - (g[0] * lx + g[1] * lv) + sign * r / len(errors)
            lv = lv + 0.1 * lx
        return 0.5 * np.sum(np.array(errors) ** 2) / len(errors), np.array([da, db])

    given = np.array([0.5, 0.2]), np.sin(np.arange(8.0))
    assert check_backward(tracked, *given, -1.0).exit_code == 0
    assert check_backward(tracked, *given, 1.0).exit_code == 1


BRAIN = """
import math, random

class Layer:
    def __init__(self, nin, nout):
        self.w = [[random.uniform(-1, 1) for _ in range(nin)] for _ in range(nout)]
        self.b = [random.uniform(-1, 1) for _ in range(nout)]
        self.gw = [[0.0] * nin for _ in range(nout)]
        self.gb = [0.0] * nout

    def forward(self, x):
        self.x = x
        self.out = [math.tanh(sum(w * v for w, v in zip(row, x)) + b)
                    for row, b in zip(self.w, self.b)]
        return self.out

    def backward(self, dout):
        dx = [0.0] * len(self.x)
        for o in range(len(dout)):
            d = dout[o] * (1 - self.out[o] ** 2)
            for i in range(len(self.x)):
                self.gw[o][i] += d * self.x[i]
                dx[i] += d * self.w[o][i]
            self.gb[o] += d
        return dx

    def step(self, lr):
        for o in range(len(self.b)):
            for i in range(len(self.w[o])):
                self.w[o][i] -= lr * self.gw[o][i]
                self.gw[o][i] = 0.0
            self.b[o] -= lr * self.gb[o]
            self.gb[o] = 0.0

class Brain:
    def __init__(self, n_sensors, n_hidden, n_actions):
        self.layers = [Layer(n_sensors, n_hidden), Layer(n_hidden, n_actions)]

    def think(self, sensors):
        for each in self.layers:
            sensors = each.forward(sensors)
        return sensors

    def learn(self, sensors, wanted, lr=0.05):
        error = [g - w for g, w in zip(self.think(sensors), wanted)]
        d = error
        for each in reversed(self.layers):
            d = each.backward(d)
        for each in self.layers:
            each.step(lr)
        return sum(e * e for e in error) / 2
"""


@pytest.mark.parametrize(
    ("right", "there", "expected"),
    [
        ("+= d * self.x", "+= d * self.x", 0),
        ("dx[i] +=", "dx[i] =", 1),
        ("gb[o] = 0", "gb[0] = 0", 3),
    ],
    ids=["right", "overwritten", "not cleared"],
)
def test_gradients_that_are_cleared_after_the_step_are_those_of_the_step(
    right: str, there: str, expected: int, tmp_path: Path
) -> None:
    code, lines, said = judged(BRAIN.replace(right, there), tmp_path)
    assert code == expected, said
    assert ("dx[i] = d * self.w[o][i]" in lines) == (expected == 1)
    assert ("are not cleared, where others are" in said) == (expected == 3)


GRU = """
import numpy as np

class Cell:
    def __init__(self, D, H, rng):
        self.W = rng.uniform(-1, 1, (D, H))
        self.U = rng.uniform(-1, 1, (H, H))

    def step(self, x, h):
        return np.tanh(x @ self.W + h @ self.U), (x, h)

class Net:
    def __init__(self, D, H, C):
        rng = np.random.default_rng(0)
        self.cell = Cell(D, H, rng)
        self.V = rng.normal(0, 0.3, (H, C))

    def forward(self, X, y=None):
        self.tape, h = [], np.zeros((len(X), len(self.V)))
        for t in range(X.shape[1]):
            h, kept = self.cell.step(X[:, t], h)
            self.tape.append((h, *kept))
        e = np.exp(h @ self.V)
        self.p, self.y = e / e.sum(1, keepdims=True), y
        return self.p if y is None else -np.log(self.p[range(len(X)), y]).mean()

    def backward(self):
        d = self.p.copy()
        d[range(len(d)), self.y] -= 1
        d /= len(d)
        self.dV, dh = self.tape[-1][0].T @ d, d @ self.V.T
        self.cell.dW, self.cell.dU = np.zeros_like(self.cell.W), np.zeros_like(self.cell.U)
        while self.tape:
            h, x, before = self.tape.pop()
            dz = dh * (1 - h ** 2)
            self.cell.dW += x.T @ dz
            self.cell.dU += before.T @ dz
            dh = dz @ self.cell.U.T
"""


@pytest.mark.parametrize("there", ["(1 - h ** 2)", "(1 - h)"])
def test_steps_of_several_samples_and_a_forward_pass_that_gives_the_loss(
    there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(GRU.replace("(1 - h ** 2)", there), tmp_path)
    assert code == int(there == "(1 - h)"), said
    assert lines[:1] == ["dz = dh * (1 - h)"] * code
    assert "samples of steps, labels from 0; forward(X, y), backward()" in said


UPDATES = """
import numpy as np

def step_back(model, z, dt):
    out = np.tanh(z @ model["W"])
    cost = 0.5 * np.sum((out - dt) ** 2)
    model["W"] = model["W"] - 0.1 * z.T @ ((out - dt) * (1 - out ** 2))
    return cost, model

def evaluated(model, z, dt):
    out = np.tanh(z @ model["W"])
    return 0.5 * np.sum((out - dt) ** 2), out

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    model, z, dt = {"W": rng.normal(size=(3, 2))}, rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    for _ in range(9):
        cost, model = step_back(model, z, dt)
        cost, out = evaluated(model, z, dt)
"""


def test_what_is_returned_beside_a_loss_may_be_no_gradient(tmp_path: Path) -> None:
    place = tmp_path / "net.py"
    place.write_text(UPDATES, encoding="utf-8")
    calls = own_calls(definitions(str(place)))
    assert [each.function.__name__ for each in calls] == ["step_back", "evaluated"]
    assert [each.found(None) for each in calls] == [None, None]
