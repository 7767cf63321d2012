"""The change of one line that makes a program of any shape right is told, with its line."""

import os
import re
import signal
from html import unescape
from pathlib import Path

import pytest

import conformance
from conformance import file_judging

RETURNS = """import numpy as np

def soft(z):
    return np.log1p(np.exp(z))

class Drop:
    def __init__(self, n_in, n_hidden, n_out):
        self.w1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.w2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)

    def forward(self, x):
        self.z = x @ self.w1 + self.b1
        self.h = soft(self.z)
        return self.h @ self.w2 + self.b2

    def loss(self, x, t):
        return 0.5 * np.sum((self.forward(x) - t) ** 2)

    def backprop(self, x, t):
        d = self.forward(x) - t
        dh = d @ self.w2.T
        dz = dh / (1 + np.exp(-self.z))
        return {"w1": x.T @ dz, "b1": dz.sum(0), "w2": self.h.T @ d, "b2": d.sum(0)}
"""
MOVES = RETURNS.replace(
    '        return {"w1": x.T @ dz, "b1": dz.sum(0), "w2": self.h.T @ d, "b2": d.sum(0)}\n',
    """        for p, g in zip(self.parts(), (x.T @ dz, dz.sum(0), self.h.T @ d, d.sum(0))):
            p -= 0.1 * g

    def parts(self):
        return self.w1, self.b1, self.w2, self.b2
""",
).replace("def backprop", "def train")

ONE_OUTPUT = """import numpy as np

class Line:
    def __init__(self, n_in):
        self.w, self.b = np.random.randn(n_in), 0.0

    def gradients(self, x, t):
        e = x @ self.w + self.b - t
        return 0.5 * np.mean(e**2), {"w": x.T @ e / len(x), "b": np.mean(e)}
"""

WRONG = {
    "a sign": (RETURNS, "1 + np.exp(-self.z)", "1 + np.exp(self.z)"),
    "before an update": (MOVES, "1 + np.exp(-self.z)", "1 + np.exp(self.z)"),
}
TOLD = "every gradient is right with:  dz = dh / (1 + np.exp(-self.z))"


@pytest.mark.parametrize("name", sorted(WRONG))
def test_the_changed_line_is_blamed_and_the_right_one_told(name: str, tmp_path: Path) -> None:
    source, right, wrong = WRONG[name]
    file = tmp_path / "net.py"
    file.write_text(source.replace(right, wrong))
    report = conformance.check(str(file))
    (blame,) = report.blames
    line = next(i for i, each in enumerate(source.splitlines(), 1) if right in each)
    assert (report.exit_code, blame.line) == (1, line)
    assert TOLD in str(report)
    assert TOLD in report.in_one_line()
    assert TOLD in unescape(re.sub("<[^>]*>", "", report.as_page()))


def test_a_gradient_that_is_a_number_may_change_and_a_loss_may_not(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(ONE_OUTPUT.replace('"b": np.mean(e)', '"b": np.sum(e)'))
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 1
    assert '"b": np.mean(e)}' in str(report)


@pytest.mark.parametrize("source", [MOVES, RETURNS], ids=["moves", "returns"])
def test_a_right_program_has_no_change(source: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(source)
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 0


@pytest.mark.seldom
def test_a_program_that_is_wrong_in_two_lines_is_told_no_change(tmp_path: Path) -> None:
    twice = RETURNS.replace("1 + np.exp(-self.z)", "1 + np.exp(self.z)")
    (tmp_path / "net.py").write_text(twice.replace("self.h.T @ d,", "3 * self.h.T @ d,"))
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 1
    assert "every gradient is right" not in str(report)


def test_a_trial_that_ends_the_process_leaves_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_judging, "mended", lambda *_: os.kill(os.getpid(), signal.SIGSEGV))
    (tmp_path / "net.py").write_text(RETURNS.replace("1 + np.exp(-self.z)", "1 + np.exp(self.z)"))
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 1
    assert "every gradient is right" not in str(report)
