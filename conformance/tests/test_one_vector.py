"""Programs whose parameters are one vector, of which matrices are parts."""

import re
from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited
from conformance.tests.shapes.measure import judged_source

SCRIPT = """
import numpy as np

rng = np.random.RandomState(9)
X = rng.randn(40, 4)
Y = np.eye(3)[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
IS_WEIGHT = np.concatenate([np.ones(24), np.zeros(6), np.ones(18), np.zeros(3)])
theta = rng.randn(51) * 0.4

def cost(theta):
    W1, b1 = theta[:24].reshape(4, 6), theta[24:30]
    W2, b2 = theta[30:48].reshape(6, 3), theta[48:]
    a1 = np.tanh(X @ W1 + b1)
    out = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    d = (out - Y) * out * (1 - out) / len(X)
    dh = d @ W2.T * (1 - a1**2)
    parts = (X.T @ dh).ravel(), dh.sum(0), (a1.T @ d).ravel(), d.sum(0)
    return 0.5 * np.sum((out - Y) ** 2) / len(X), np.concatenate(parts)

for step in range(20):
    loss, g = cost(theta)
    theta -= 0.5 * (g + 0.02 * IS_WEIGHT * theta)
"""
MOVED = "    theta -= 0.5 * (g + 0.02 * IS_WEIGHT * theta)"
PLAIN = "    theta -= 0.5 * g"


@pytest.mark.parametrize(
    "moved",
    [
        MOVED,
        "    theta -= 0.5 * g + 0.5 * (0.02 * IS_WEIGHT) * theta",
        "    for part in (slice(24), slice(30, 48)):\n        g[part] += 0.02 * theta[part]\n"
        + PLAIN,
    ],
    ids=["masked", "masked rates", "parts"],
)
def test_the_weights_of_a_vector_decay_beside_its_biases(moved: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT.replace(MOVED, moved))
    assert report.exit_code == 0, str(report)
    assert re.search("with weight decay 0.0[12] beside it", str(report))


def test_a_decay_of_the_wrong_sign_is_seen_in_a_vector(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, ("(g + 0.02", "(g - 0.02"))
    assert report.exit_code == 1
    assert "IS_WEIGHT * theta` is too much" in str(report)
    assert re.search(r"theta\[\d+\] \(W[12]\[\d, \d\]\): the gradient is", str(report))


VIEWS = """
import numpy as np

class FlatNet:
    def __init__(self, n_in, n_hid, n_out):
        sizes = [n_in * n_hid, n_hid, n_hid * n_out, n_out]
        shapes = [(n_in, n_hid), (n_hid,), (n_hid, n_out), (n_out,)]
        ends = np.cumsum(sizes)
        everything = np.random.default_rng(0).normal(0, 0.3, sum(sizes))
        self.W1, self.b1, self.W2, self.b2 = [
            everything[e - n : e].reshape(s) for e, n, s in zip(ends, sizes, shapes)]
        self.theta, self.grad = everything, np.zeros(sum(sizes))
        self.gW1, self.gb1, self.gW2, self.gb2 = [
            self.grad[e - n : e].reshape(s) for e, n, s in zip(ends, sizes, shapes)]

    def forward(self, x):
        self.h = np.tanh(x @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2

    def loss(self, x, y):
        return 0.5 * np.sum((self.forward(x) - y) ** 2)

    def backward(self, x, y):
        d = self.forward(x) - y
        self.gW2[...] = self.h.T @ d
        self.gb2[...] = d.sum(0)
        dh = d @ self.W2.T * (1 - self.h ** 2)
        self.gW1[...] = x.T @ dh
        self.gb1[...] = dh.sum(0)

    def step(self, lr=0.1):
        self.theta -= lr * self.grad
"""


def test_matrices_are_parts_of_the_vector_that_moves(tmp_path: Path) -> None:
    code, _, said = judged_source(VIEWS, tmp_path)
    assert code == 0, said
    assert said.rstrip().endswith("parameters theta")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("* (1 - self.h ** 2)", "* (1 - self.h)"),
        ("-= lr * self.grad", "+= lr * self.grad"),
    ],
    ids=["slope", "update"],
)
def test_a_wrong_line_is_found_where_matrices_are_parts(
    right: str, wrong: str, tmp_path: Path
) -> None:
    code, lines, said = judged_source(VIEWS.replace(right, wrong), tmp_path)
    assert code == 1, said
    assert wrong in lines[0]


ROW = """
import numpy as np

rng = np.random.RandomState(5)
w, b = rng.randn(3, 4), np.zeros((1, 4))
v, c = rng.randn(4, 2), np.zeros((1, 2))
for x, t in zip(rng.rand(6, 1, 3), rng.rand(6, 1, 2)):
    h = 1 / (1 + np.exp(-(x @ w + b)))
    out = 1 / (1 + np.exp(-(h @ v + c)))
    d = (out - t) * out * (1 - out)
    e = d @ v.T * h * (1 - h)
    v -= 0.3 * h.T @ d
    c -= 0.3 * np.sum(d, axis=0)
    w -= 0.3 * x.T @ e
    b -= 0.3 * np.sum(e, axis=0)
"""


def test_the_gradient_of_a_row_may_be_a_vector(tmp_path: Path) -> None:
    assert run_edited(tmp_path, ROW).exit_code == 0
    report = run_edited(tmp_path, ROW, ("* h * (1 - h)", "* h"))
    assert report.exit_code == 1, str(report)
    assert "e = d @ v.T * h" in str(report)
