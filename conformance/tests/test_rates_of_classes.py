"""A class that moves its weights by η over the batch, and lets them decay as its loss says."""

from pathlib import Path

import pytest

from conformance import check
from conformance.tests.test_decay_beside import report_on

RIDGE = """import numpy as np


def squash(u):
    return 1 / (1 + np.exp(-u))


class Learner:
    def __init__(self, n_in, n_hidden, n_out):
        self.A = np.random.randn(n_in, n_hidden)
        self.B = np.random.randn(n_hidden, n_out)
        self.c = np.zeros(n_out)

    def predict(self, X):
        return squash(np.tanh(X @ self.A) @ self.B + self.c)

    def loss(self, X, Y, lmbda):
        P = self.predict(X)
        fit = -np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P))
        return (fit + lmbda / 2 * (np.sum(self.A ** 2) + np.sum(self.B ** 2))) / len(X)

    def train_step(self, X, Y, eta, lmbda):
        m = len(X)
        H = np.tanh(X @ self.A)
        P = squash(H @ self.B + self.c)
        d = P - Y
        e = d @ self.B.T * (1 - H ** 2)
        keep = 1 - eta * lmbda / m
        self.A = keep * self.A - eta / m * (X.T @ e)
        self.B = keep * self.B - eta / m * (H.T @ d)
        self.c = self.c - eta / m * d.sum(0)
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param("        d = P - Y\n", "        d = (P - Y) * P * (1 - P)\n", 26, id="output"),
        pytest.param("(1 - H ** 2)\n", "(1 - H)\n", 27, id="hidden"),
        pytest.param("keep = 1 - eta", "keep = 1 + eta", 29, id="grows", marks=pytest.mark.seldom),
        pytest.param("keep = 1 - eta", "keep = 1 - 3 * eta", 29, id="three times"),
    ],
)
def test_the_line_is_told_where_no_gradient_of_an_update_is_right(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    assert old in RIDGE
    report = report_on(RIDGE.replace(old, new), tmp_path)
    assert [each.line for each in report.blames] == [line], str(report)


def test_a_decay_that_is_taken_off_first_is_right(tmp_path: Path) -> None:
    report = report_on(RIDGE, tmp_path)
    assert report.exit_code == 0, str(report)


BARE_RATE = """import numpy as np

class Small:
    def __init__(self, x, y, eta=0.5):
        rs = np.random.RandomState(1)
        self.x, self.y, self.eta = x, y, eta
        self.first = rs.rand(x.shape[1], 4)
        self.second = rs.rand(4, y.shape[1])

    def feedforward(self):
        self.hidden = np.tanh(np.dot(self.x, self.first))
        self.out = np.tanh(np.dot(self.hidden, self.second))

    def backprop(self):
        error = 2 * (self.y - self.out) * (1 - self.out**2)
        d_second = np.dot(self.hidden.T, error)
        d_first = np.dot(self.x.T, np.dot(error, self.second.T) * (1 - self.hidden**2))
        self.first += self.eta
        self.second += self.eta * d_second
"""


def test_a_rate_that_is_added_without_a_gradient_is_told(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(BARE_RATE)
    report = check(str(tmp_path / "small.py"))
    assert report.exit_code == 1
    said = (
        "small.py:18: self.first += self.eta\nwhat this line adds has to be multiplied by `d_first`"
    )
    assert said in str(report), str(report)
