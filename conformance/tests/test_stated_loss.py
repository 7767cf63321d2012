"""Scripts with an output error of no known cost, and a number that says which cost it is."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

HUBER = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + rng.standard_t(2, 30)
w, b = rng.normal(size=3), np.zeros(1)
for it in range(10):
    e = X @ w + b - y
    loss = np.where(np.abs(e) <= 1, 0.5 * e**2, np.abs(e) - 0.5).mean()
    de = np.clip(e, -1, 1) / len(X)
    w = w - 0.1 * X.T @ de
    b = b - 0.1 * de.sum()
    print(it, loss)
"""
OWN = "np.where(np.abs(e) <= 1, 0.5 * e**2, np.abs(e) - 0.5)"
LOGCOSH = [
    (OWN, "np.log(np.cosh(e))"),
    ("np.clip(e, -1, 1)", "np.tanh(e)"),
]
UP = [("w - 0.1", "w + 0.1"), ("b - 0.1", "b + 0.1")]
SURVIVAL = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
t = rng.exponential(np.exp(0.3 * X[:, 0]))
beta, a = np.full(3, 0.1), np.full(1, 0.2)
for it in range(10):
    eta = X @ beta + a
    ll = np.mean(eta - t * np.exp(eta))
    score = (1 - t * np.exp(eta)) / len(t)
    beta = beta + 0.1 * X.T @ score
    a = a + 0.1 * score.sum()
    print(it, ll)
"""


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        (UP, {10, 11}),
        ([("de = np", "de = -np")], {9}),
        ([*LOGCOSH, *UP], {10, 11}),
        ([*LOGCOSH, *UP, ("loss", "total")], {10, 11}),
        ([*LOGCOSH, (".mean()\n", ".mean() + 0.05 * w @ w\n")], {10}),
    ],
    ids=["ascends", "negated error", "smooth", "any name", "forgotten penalty"],
)
def test_what_no_number_of_the_program_agrees_with_is_wrong(
    edits: list[tuple[str, str]], lines: set[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, HUBER, *edits)
    assert report.exit_code == 1, str(report)
    assert {int(each.line or 0) for each in report.blames} == lines


@pytest.mark.parametrize(
    ("script", "edits"),
    [
        (HUBER, []),
        (HUBER, [("loss = np.where", "mae = np.abs(e).mean()\n    loss = np.where")]),
        (HUBER, [(OWN, "np.sqrt(np.abs(e))"), ("loss", "seen")]),
        (SURVIVAL, []),
    ],
    ids=["right", "a metric beside it", "a metric alone", "a likelihood that is maximised"],
)
def test_a_loss_and_numbers_to_be_read_are_no_mistakes(
    script: str, edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, script, *edits)
    assert report.exit_code == 0, str(report)
