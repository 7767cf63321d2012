"""Sums of a forward pass along another axis than that by which the gradients are right."""

from pathlib import Path

import pytest

import conformance

PROGRAM = """import numpy as np

def cross_entropy(scores, labels):
    n = len(scores)
    top = scores - scores.max(axis=1, keepdims=True)
    logp = top - np.log(np.exp(top).sum(axis=1, keepdims=True))
    grad = np.exp(logp)
    grad[np.arange(n), labels] -= 1
    return -logp[np.arange(n), labels].mean(), grad / n

class Scaled:
    def __init__(self, n):
        self.gain = np.ones(n)

    def forward(self, x):
        self.size = np.mean(x ** 2, axis=1, keepdims=True) + 1e-5
        self.x, self.y = x, x / np.sqrt(self.size)
        return self.gain * self.y

    def backward(self, dout):
        self.dgain = np.sum(dout * self.y, axis=0)
        g = dout * self.gain
        return (g - self.y * np.mean(g * self.y, axis=1, keepdims=True)) / np.sqrt(self.size)
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("np.exp(top).sum(axis=1", "np.exp(top).sum(axis=0", 6),
        ("np.mean(g * self.y, axis=1", "np.mean(g * self.y, axis=0", 23),
        ("return -logp", "return logp", 0),
    ],
    ids=["softmax", "backward", "sign"],
)
def test_a_sum_along_another_axis_is_blamed(
    right: str, wrong: str, line: int, tmp_path: Path
) -> None:
    assert right in PROGRAM
    (tmp_path / "net.py").write_text(PROGRAM.replace(right, wrong))
    report = conformance.check(str(tmp_path / "net.py"))
    told = [each.line for each in report.blames]
    assert told == [line] if line else 6 not in told, str(report)


def test_the_program_without_it_is_right(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(PROGRAM)
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 0, str(report)
