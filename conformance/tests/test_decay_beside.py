"""Decays of weights that no loss shows: their sign, beside what the gradients have in common."""

from pathlib import Path
from typing import Any

import pytest

from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.report.file_report import FileReport
from conformance.shapes.arguments import PENALTY
from conformance.tests.scripts import run_edited
from conformance.tests.test_check_file import checked

FIT = """import numpy as np
class LinearModel:
    def __init__(self, lr=0.1, epochs=20, lam=0.01):
        self.lr, self.epochs, self.lam = lr, epochs, lam
    def fit(self, X, y):
        n, d = X.shape
        self.w, self.b = np.zeros(d), 0.0
        for _ in range(self.epochs):
            p = X @ self.w + self.b
            dw = X.T @ (p - y) / n + self.lam * self.w
            db = np.mean(p - y)
            self.w -= self.lr * dw
            self.b -= self.lr * db
        return self
    def predict(self, X):
        return X @ self.w + self.b
"""
WITH_BIAS = """import numpy as np
class LogisticRegression:
    def __init__(self, lr=0.1, epochs=20, lam=0.01):
        self.lr, self.epochs, self.lam = lr, epochs, lam
    def fit(self, X, y):
        X = np.c_[np.ones(len(X)), X]
        self.theta = np.zeros(X.shape[1])
        for _ in range(self.epochs):
            h = 1 / (1 + np.exp(-X @ self.theta))
            grad = X.T @ (h - y) / len(y)
            grad[1:] += self.lam / len(y) * self.theta[1:]
            self.theta -= self.lr * grad
        return self
"""
OF_EACH = """import numpy as np
rng = np.random.default_rng(1)
X = rng.random((20, 5))
y = X[:, 0] * X[:, 1] - X[:, 2]
b, w, v = np.zeros(1), np.zeros(5), rng.normal(0, 0.1, (5, 2))
for x, t in zip(X, y):
    s = x @ v
    error = b[0] + x @ w + s @ s - t
    loss = error**2
    b -= 0.02 * error
    w -= 0.02 * (error + 0.01 * w)
    v -= 0.02 * (2 * error * np.outer(x, s) + 0.01 * v)
"""
SUMS = """import numpy as np
class Net:
    def __init__(self, n_in, n_h, n_out, lam=0.1):
        self.W1, self.b1 = np.random.randn(n_in, n_h) * 0.5, np.zeros(n_h)
        self.W2, self.b2 = np.random.randn(n_h, n_out) * 0.5, np.zeros(n_out)
        self.lam = lam
    def forward(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        s = self.h @ self.W2 + self.b2
        e = np.exp(s - s.max(1, keepdims=True))
        self.q = e / e.sum(1, keepdims=True)
        return self.q
    def loss(self, X, y):
        return -np.log(self.forward(X)[range(len(y)), y]).mean()
    def backward(self, X, y):
        d = self.q.copy()
        d[range(len(y)), y] -= 1
        self.dW2 = self.h.T @ d + self.lam * self.W2
        self.db2 = d.sum(0)
        dh = d @ self.W2.T * (1 - self.h ** 2)
        self.dW1 = X.T @ dh + self.lam * self.W1
        self.db1 = dh.sum(0)
"""


def no_book(_: str) -> Any:
    raise AssertionError("it is no network of the book")


def report_on(text: str, folder: Path) -> FileReport:
    place = folder / "file.py"
    place.write_text(text)
    return check_file(Asked(str(place)), no_book)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (FIT, "+ self.lam * self.w", "- self.lam * self.w"),
        (WITH_BIAS, "grad[1:] += self.lam", "grad[1:] -= self.lam"),
    ],
)
def test_a_decay_that_is_taken_off_is_blamed_on_its_line(
    text: str, old: str, new: str, tmp_path: Path
) -> None:
    assert report_on(text, tmp_path).exit_code == 0
    edited = text.replace(old, new)
    (wrong,) = (e for e in report_on(edited, tmp_path).parts if not e.ok)
    assert new in str(wrong).splitlines()[1]


def test_a_decay_beside_sums_over_the_samples_is_a_convention(tmp_path: Path) -> None:
    report = report_on(SUMS, tmp_path)
    assert report.exit_code == 0
    assert "the gradients are 8 times those of the loss: a convention" in str(report)


def test_a_decay_is_found_beside_the_gradient_of_a_number_in_an_array(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "train.py"
    script.write_text(OF_EACH)
    code, said = checked(capsys, "run", str(script))
    assert (code, said.splitlines()[1].split()[:2]) == (1, ["train.py:11:", "w"]), said


LAYER = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    def forward(self, X):
        self.X, self.a = X, np.tanh(X @ self.W + self.b)
        return self.a
    def backward(self, da, lr, reg_lambda):
        dz = da * (1 - self.a ** 2)
        dW = self.X.T @ dz / len(dz) + reg_lambda * self.W
        dx = dz @ self.W.T
        self.W -= lr * dW
        self.b -= lr * dz.mean(axis=0)
        return dx
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_a_layer_that_is_given_a_penalty_decays(wrong: bool, tmp_path: Path) -> None:
    text = LAYER.replace("+ reg_lambda", "- reg_lambda") if wrong else LAYER
    report = report_on(text, tmp_path)
    assert report.exit_code == wrong, str(report)
    assert f"with weight decay {PENALTY:.4g} beside it" in str(report)


LASSO = """import numpy as np
class Lasso:
    def __init__(self, learning_rate, iterations, l1_penalty):
        self.learning_rate, self.iterations = learning_rate, iterations
        self.l1_penalty = l1_penalty
    def fit(self, X, Y):
        self.m, self.n = X.shape
        self.W, self.b = np.zeros(self.n), 0
        for i in range(self.iterations):
            e = Y - self.predict(X)
            dW = np.zeros(self.n)
            for j in range(self.n):
                if self.W[j] > 0:
                    dW[j] = (-2 * X[:, j].dot(e) + self.l1_penalty) / self.m
                else:
                    dW[j] = (-2 * X[:, j].dot(e) - self.l1_penalty) / self.m
            self.W = self.W - self.learning_rate * dW
            self.b = self.b + self.learning_rate * 2 * np.sum(e) / self.m
        return self
    def predict(self, X):
        return X.dot(self.W) + self.b
"""


@pytest.mark.parametrize(("old", "new"), [("", ""), ("rate * 2 * np.sum", "rate * np.sum")])
def test_a_penalty_whose_sign_an_if_chooses_is_judged_in_a_class(
    old: str, new: str, tmp_path: Path
) -> None:
    report = report_on(LASSO.replace(old, new), tmp_path)
    assert report.exit_code == (1 if old else 0), str(report)
    assert old or "an L1 penalty" in str(report)


LISTS = """
def ridge(rows, targets, lam=0.05, lr=0.1, epochs=30):
    count = len(rows)
    weights = [0.0] * len(rows[0])
    bias = 0.0
    for _ in range(epochs):
        slopes, slope = [0.0] * len(weights), 0.0
        for row, target in zip(rows, targets):
            error = bias + sum(a * b for a, b in zip(weights, row)) - target
            for k in range(len(weights)):
                slopes[k] += error * row[k] / count
            slope += error / count
        for k in range(len(weights)):
            weights[k] = weights[k] - lr * (slopes[k] + lam * weights[k])
        bias = bias - lr * slope
    return weights, bias
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_numbers_of_a_list_decay_by_their_own_terms(wrong: bool, tmp_path: Path) -> None:
    report = report_on(LISTS.replace("] + lam", "] - lam") if wrong else LISTS, tmp_path)
    assert report.exit_code == wrong, str(report)
    assert ("weights[k] = weights[k]" in str(report)) == wrong


HEAD = """import numpy as np
rng = np.random.default_rng(4)
X, y = rng.normal(size=(30, 4)), rng.normal(size=30)
A, a = rng.normal(size=(4, 6)), np.zeros(6)
w, c = rng.normal(size=6), np.zeros(1)
for step in range(30):
    h = np.tanh(X @ A + a)
    r = h @ w + c - y
    print(np.mean(np.log(np.cosh(r))))
    g = np.tanh(r) / len(y)
    d = np.outer(g, w) * (1 - h**2)
    A -= 0.1 * X.T @ d
    a -= 0.1 * d.sum(axis=0)
    w -= 0.1 * (h.T @ g + 0.01 * w)
    c -= 0.1 * g.sum()
"""


@pytest.mark.parametrize(("what", "code"), [("w", 0), ("a", 1)], ids=["own", "other"])
def test_the_vector_of_an_output_may_decay_alone(what: str, code: int, tmp_path: Path) -> None:
    """It is multiplied as a matrix is, and is no bias."""
    report = run_edited(tmp_path, HEAD, ("0.01 * w)", f"0.01 * {what})"))
    assert report.exit_code == code, str(report)
