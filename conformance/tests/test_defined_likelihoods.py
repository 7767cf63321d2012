"""A derivative too much is told where a file defines the cross-entropy that no update computes."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

DIGITS = """import numpy as np
rng = np.random.RandomState(2)
def act(v):
    return 1 / (1 + np.exp(-v))
def score(p, t):
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
X = rng.randn(80, 4)
T = (X[:, :1] * X[:, 1:2] > 0).astype(float)
U, V = rng.randn(4, 6), rng.randn(6, 1)
for epoch in range(10):
    for k in range(0, 80, 20):
        x, t = X[k:k + 20], T[k:k + 20]
        h = act(x @ U)
        p = act(h @ V)
        e = (p - t) / len(x)
        gV = h.T @ e
        gU = x.T @ (e @ V.T * h * (1 - h))
        U -= 2.0 * gU
        V -= 2.0 * gV
    print(epoch, score(act(act(X @ U) @ V), T))
"""

DEFINED = """def score(p, t):
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
"""
INLINE = (
    DIGITS.replace(DEFINED, "")
    .replace(
        "        e =",
        "        cost = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))\n        e =",
    )
    .replace("score(act(act(X @ U) @ V), T)", "cost")
)
SLOPE = "(p - t) / len(x)", "(p - t) * p * (1 - p) / len(x)"
SQUARES = "-np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))", "np.mean((p - t) ** 2)"


def test_a_derivative_too_much_is_told_by_the_loss_that_is_defined(tmp_path: Path) -> None:
    report = run_edited(tmp_path, DIGITS, SLOPE)
    assert [each.line for each in report.blames] == [15], str(report)


def test_a_derivative_too_much_is_told_by_the_loss_that_is_computed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, INLINE, SLOPE)
    assert [each.line for each in report.blames] == [14], str(report)


@pytest.mark.parametrize("edits", [(), (SLOPE, SQUARES), (SQUARES,)], ids=["both", "square", "log"])
def test_no_loss_that_is_defined_makes_a_right_output_error_wrong(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, DIGITS, *edits)
    assert report.exit_code == 0, str(report)
