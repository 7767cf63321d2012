"""States that a program iterates by itself, of which its gradients are none: power iteration."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited
from conformance.tests.shapes.measure import judged_source

LAYER = """
import numpy as np

class Bounded:
    def __init__(self, n_in, n_out, rng):
        self.K = rng.normal(size=(n_in, n_out))
        self.shift = np.zeros(n_out)
        self.left = rng.normal(size=n_in)

    def forward(self, x):
        r = self.left @ self.K
        self.right = r / np.linalg.norm(r)
        q = self.K @ self.right
        self.left = q / np.linalg.norm(q)
        self.size = self.left @ self.K @ self.right
        self.x, self.scaled = x, self.K / self.size
        return x @ self.scaled + self.shift

    def backward(self, dy):
        g = self.x.T @ dy
        along = np.outer(self.left, self.right)
        self.dK = (g - np.sum(g * self.scaled) * along) / self.size
        self.dshift = dy.sum(axis=0)
        return dy @ self.scaled.T
"""
TERM = "(g - np.sum(g * self.scaled) * along)"


@pytest.mark.parametrize(("term", "code"), [(TERM, 0), ("(g - np.sum(g) * along)", 1)])
def test_a_singular_vector_that_a_layer_iterates_is_a_constant(
    term: str, code: int, tmp_path: Path
) -> None:
    found, _, said = judged_source(LAYER.replace(TERM, term), tmp_path)
    assert (found, "and the input" in said) == (code, code == 1), said


def test_a_gradient_belongs_to_one_of_two_arrays_of_its_shape(tmp_path: Path) -> None:
    source = LAYER[: LAYER.index("        r = ")] + (
        "        self.x = x\n"
        "        self.out = x @ self.K\n"
        "        return self.out * self.shift + self.rest\n"
        "    def backward(self, dy):\n"
        "        self.dK = self.x.T @ (dy * self.shift)\n"
        "        self.dshift = (dy * self.out).sum(axis=0)\n"
        "        return dy * self.shift @ self.K.T\n"
    )
    source = source.replace(
        "self.left = rng.normal(size=n_in)", "self.rest = rng.normal(size=n_out)"
    )
    code, _, said = judged_source(source, tmp_path)
    assert (code, "3 gradients, all right" in said) == (3, True), said


SCRIPT = """import numpy as np
rng = np.random.RandomState(11)
X = rng.randn(40, 4)
y = (X[:, :2] > 0) * 1.0
V, c = rng.randn(4, 2) * 0.5, np.zeros(2)
q = rng.randn(4)
for it in range(9):
    r = q @ V
    r = r / np.sqrt(r @ r)
    q = V @ r
    q = q / np.sqrt(q @ q)
    s = q @ V @ r
    p = 1 / (1 + np.exp(-(X @ V / s + c)))
    print(it, -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) * 2)
    d = (p - y) / len(X)
    g = X.T @ d
    V = V - 0.1 * (g / s - np.sum(g * V) / s**2 * np.outer(q, r))
    c = c - 0.1 * d.sum(axis=0)
"""


@pytest.mark.seldom
def test_a_state_that_a_script_iterates_is_a_constant(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, SCRIPT, (" - np.sum(g * V) / s**2 * np.outer(q, r)", ""))
    assert report.exit_code == 1, str(report)


CARRIED = """import numpy as np

rng = np.random.default_rng(6)
U, W, V = rng.normal(size=(5, 3)), rng.normal(size=(5, 5)) * 0.3, rng.normal(size=(2, 5))
xs, ys = rng.normal(size=(24, 3)), rng.normal(size=(24, 2))
kept = np.zeros(5)
for turn in range(6):
    x, y = xs[4 * turn : 4 * turn + 4], ys[4 * turn : 4 * turn + 4]
    h, loss = {-1: kept}, 0.0
    for t in range(4):
        h[t] = np.tanh(U @ x[t] + W @ h[t - 1])
        loss += 0.5 * np.sum((V @ h[t] - y[t]) ** 2)
    dU, dW, dV, back = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V), np.zeros(5)
    for t in range(4)[::-1]:
        e = V @ h[t] - y[t]
        dV += np.outer(e, h[t])
        dz = (V.T @ e + back) * (1 - h[t] ** 2)
        dU += np.outer(dz, x[t])
        dW += np.outer(dz, h[t - 1])
        back = W.T @ dz
    U, W, V = U - 0.1 * dU, W - 0.1 * dW, V - 0.1 * dV
    kept = h[3]
    print(turn, loss)
"""


@pytest.mark.parametrize("wrong", ["", "W @ dz"])
def test_what_a_recurrence_carries_on_is_no_such_state(wrong: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, CARRIED, ("W.T @ dz", wrong or "W.T @ dz"))
    assert [each.line for each in report.blames] == ([20] if wrong else []), str(report)
