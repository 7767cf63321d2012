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
