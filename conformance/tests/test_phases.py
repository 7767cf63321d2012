"""Contrastive divergence is no gradient, and is not judged; what is only like it is judged."""

from pathlib import Path
from typing import Any

import pytest

import conformance
from conformance.errors import SubjectError
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.programs.load import load
from conformance.run_script import run_script
from conformance.tests.parts import few

PROGRAM = Path(__file__).parent / "programs" / "boltzmann.py"
SAMPLED = "np.dot(data.T, pos_hidden_probs)", "np.dot(data.T, pos_hidden_states)"
NEITHER = "pos_hidden_probs > self.rng.rand(*pos_hidden_probs.shape)", "pos_hidden_probs"
DECAYED = "neg_associations) / m)", "neg_associations) / m - 0.01 * self.W)"


def no_book(_: str) -> Any:
    raise AssertionError("it is no network of the book")


@pytest.mark.parametrize("edit", few([SAMPLED, DECAYED], [("", ""), SAMPLED, NEITHER, DECAYED]))
def test_contrastive_divergence_is_not_judged(edit: tuple[str, str], tmp_path: Path) -> None:
    text = PROGRAM.read_text()
    assert edit[0] in text
    place = tmp_path / "file.py"
    place.write_text(text.replace(*edit))
    with pytest.raises(SubjectError, match="as in contrastive divergence"):
        run_script(str(place))
    report = check_file(Asked(str(place)), no_book)
    assert report.exit_code == 3
    assert str(report).startswith("not judged: RBM: each update is a difference of the same terms")


def test_the_same_is_said_of_the_class_itself(tmp_path: Path) -> None:
    place = tmp_path / "file.py"
    place.write_text(PROGRAM.read_text())
    with pytest.raises(SubjectError, match="as in contrastive divergence"):
        conformance.check(load(f"{place}:RBM"))


AUTOENCODER = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.random((20, 6))
W, a, b = rng.normal(size=(6, 3)), np.zeros(6), np.zeros(3)
for i in range(9):
    h = 1 / (1 + np.exp(-(X @ W + b)))
    r = h @ W.T + a
    loss = ((r - X) ** 2).sum() / 40
    d = (r - X) / 20
    dh = d @ W * h * (1 - h)
    W -= 0.1 * (X.T @ dh + d.T @ h)
    a -= 0.1 * (r - X).mean(axis=0)
    b -= 0.1 * dh.sum(axis=0)
"""
LOGISTIC = """
import numpy as np
rng = np.random.default_rng(0)
X, w, b = rng.normal(size=(20, 3)), np.zeros((3, 1)), np.zeros(1)
y = (X[:, :1] > 0) * 1.0
for i in range(9):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    w -= (X.T @ p - X.T @ y) / 20
    b -= (p - y).mean(axis=0)
"""


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        (AUTOENCODER, [("h * (1 - h)", "(1 - h)"), ("(X.T @ dh + d.T @ h)", "X.T @ dh")]),
        (LOGISTIC, [("X.T @ p -", "X.T @ p +"), ("X.T @ y) / 20", "X.T @ y * y.mean()) / 20")]),
    ],
)
def test_a_difference_of_output_and_target_is_judged(
    text: str, edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    place = tmp_path / "file.py"
    place.write_text(text)
    assert run_script(str(place)).ok
    for old, new in edits:
        assert old in text
        place.write_text(text.replace(old, new))
        assert not run_script(str(place)).ok


MIXTURE = """
import numpy as np
rng = np.random.RandomState(3)

def forward(w, x, n):
    W = w[:2 * n].reshape(2, n)
    z = x @ W + w[2 * n:]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def densities(t, n):
    return np.exp(-0.5 * (t - np.arange(n)) ** 2)

def error(w, x, t, n):
    return -np.log((forward(w, x, n) * densities(t, n)).sum(axis=1)).mean()

def gradient(w, x, t, n):
    pi = forward(w, x, n)
    joint = pi * densities(t, n)
    gamma = joint / joint.sum(axis=1, keepdims=True)
    delta = (pi - gamma) / len(x)
    return np.concatenate([(x.T @ (gamma - pi) / len(x)).ravel(), delta.sum(axis=0)])

def train(n=3, eta=0.05):
    x, t = rng.rand(20, 2), 3 * rng.rand(20, 1)
    w = rng.randn(3 * n) * 0.5
    for i in range(10):
        w = w - eta * gradient(w, x, t, n)
        if i % 5 == 0:
            print(i, error(w, x, t, n))
    return w

if __name__ == "__main__":
    train()
"""


def test_a_difference_of_which_a_part_is_the_gradient_of_its_loss_is_judged(tmp_path: Path) -> None:
    place = tmp_path / "file.py"
    place.write_text(MIXTURE)
    report = check_file(Asked(str(place)), no_book)
    assert (report.exit_code, "(gamma - pi)" in str(report)) == (1, True), str(report)
    place.write_text(MIXTURE.replace("(gamma - pi)", "(pi - gamma)"))
    report = check_file(Asked(str(place)), no_book)
    assert report.exit_code == 0, str(report)
