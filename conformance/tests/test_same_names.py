"""A user's own module `reference` beside what is judged, where we have one of that name."""

import subprocess
import sys
from pathlib import Path

import conformance

ACTIVATIONS = """\
import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
def slope(a):
    return a * (1 - a)
"""
SCRIPT = """\
import numpy as np
from reference import sigmoid, slope
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
Y = (X.sum(1, keepdims=True) > 0) * 1.0
W, b = rng.normal(size=(3, 1)), np.zeros(1)
def gradients(W, b, X, Y):
    a = sigmoid(X @ W + b)
    d = (a - Y) * slope(a) / len(X)
    return ((a - Y) ** 2).sum() / 2 / len(X), {"W": X.T @ d, "b": d.sum(0)}
for i in range(9):
    _, g = gradients(W, b, X, Y)
    W -= 0.5 * g["W"]
    b -= 0.5 * g["b"]
"""
CALLER = """\
import conformance
from train import gradients, W, b, X, Y
import reference
assert reference.__file__.startswith({folder!r}), reference.__file__
assert conformance.check_backward(lambda p: gradients(**p, X=X, Y=Y), {{"W": W, "b": b}}).ok
"""


def written(folder: Path) -> Path:
    """A script beside a package `reference`."""
    package = folder / "reference"
    package.mkdir()
    (package / "__init__.py").write_text("from .own import sigmoid, slope\n")
    (package / "own.py").write_text(ACTIVATIONS)
    (folder / "train.py").write_text(SCRIPT)
    return folder / "train.py"


def test_what_a_judged_program_has_beside_it_is_its_own(tmp_path: Path) -> None:
    place = written(tmp_path)
    assert conformance.run(str(place)).ok
    (tmp_path / "step.py").write_text(SCRIPT.partition("for i in range(9)")[0])
    assert conformance.check(f"{tmp_path}/step.py:gradients").ok


def test_a_program_that_imports_us_keeps_its_own(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "caller.py").write_text(CALLER.format(folder=str(tmp_path)))
    done = subprocess.run(
        [sys.executable, "caller.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
