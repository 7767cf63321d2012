"""A decay that the source of a loss states decides, where an update does not compute the loss."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

LOGISTIC = """import numpy as np
rng = np.random.default_rng(4)
X = rng.normal(size=(60, 3))
y = (X[:, 0] > 0.2).astype(float)
w, b, rate = 0.1 * rng.normal(size=3), 0.0, 0.5
lam = 0.01
def cost(X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + 0.5 * lam * np.sum(w ** 2)
for step in range(30):
    i = rng.permutation(60)[:12]
    e = 1 / (1 + np.exp(-(X[i] @ w + b))) - y[i]
    gw = X[i].T @ e / len(i) + lam * w
    gb = e.mean()
    w, b = w - rate * gw, b - rate * gb
    if step % 10 == 9:
        print(cost(X, y))
"""


@pytest.mark.parametrize(
    ("cost", "gradient", "code"),
    [
        ("0.5 * lam *", "lam *", 0),
        ("lam *", "2 * lam *", 0),
        ("lam / 2 *", "lam *", 0),
        ("0.5 * lam / 60 *", "lam / 60 *", 0),
        ("0.5 * lam *", "2 * lam *", 1),
        ("lam *", "lam *", 1),
    ],
)
def test_the_decay_of_the_cost_is_that_of_the_gradients(
    cost: str, gradient: str, code: int, tmp_path: Path
) -> None:
    edits = ("0.5 * lam * np", f"{cost} np"), ("lam * w\n", f"{gradient} w\n")
    report = run_edited(tmp_path, LOGISTIC, *edits)
    assert report.exit_code == code, str(report)
    assert [each.line for each in report.blames[:1]] == [13] * code


def test_another_number_of_samples_is_told_by_the_decay(tmp_path: Path) -> None:
    report = run_edited(tmp_path, LOGISTIC, ("e / len(i)", "e / 60"))
    assert [each.line for each in report.blames[:1]] == [13], str(report)


def test_a_bias_that_is_divided_by_all_samples_is_wrong_beside_weights_that_decay_as_stated(
    tmp_path: Path,
) -> None:
    """Without the decay the bias alone would be right."""
    two_outputs = (
        ("X[:, 0] > 0.2", "X[:, :2] > 0.2"),
        ("size=3), 0.0", "size=(3, 2)), np.zeros(2)"),
        ("-np.mean(", "-np.sum("),
        ("log(1 - p))", "log(1 - p)) / len(y)"),
        ("e.mean()", "e.sum(axis=0) / len(X)"),
    )
    report = run_edited(tmp_path, LOGISTIC, *two_outputs)
    assert [each.line for each in report.blames] == [14], str(report)


SQUARES = (
    ("1 / (1 + np.exp(-(X @ w + b)))", "X @ w + b"),
    ("1 / (1 + np.exp(-(X[i] @ w + b)))", "X[i] @ w + b"),
    ("-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))", "0.5 * np.mean((p - y) ** 2)"),
)


@pytest.mark.parametrize("cost", [(), SQUARES], ids=("logistic", "squares"))
def test_a_decay_that_is_divided_by_the_batch_with_its_errors_is_not_that_of_the_cost(
    cost: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    edits = ("X[i].T @ e / len(i) + lam * w", "(X[i].T @ e + lam * w) / len(i)")
    report = run_edited(tmp_path, LOGISTIC, edits, *cost)
    assert [each.line for each in report.blames[:1]] == [13], str(report)


@pytest.mark.parametrize(
    ("by", "decay", "line"),
    [("60", "lam", 12), ("len(i)", "lam", 0), ("len(i)", "lam / 60", 13), ("60", "lam / 5", 0)],
    ids=("all samples", "right", "its decay by all samples", "all by all samples"),
)
def test_the_errors_of_a_batch_are_divided_by_its_size_where_the_decay_is_that_of_a_mean(
    by: str, decay: str, line: int, tmp_path: Path
) -> None:
    edits = (
        ("e = 1", "e = (1"),
        (" - y[i]", f" - y[i]) / {by}"),
        ("e / len(i) + lam", f"e + {decay}"),
        ("e.mean()", "e.sum()"),
    )
    report = run_edited(tmp_path, LOGISTIC, *edits)
    assert [each.line for each in report.blames[:1]] == [line] * bool(line), str(report)


@pytest.mark.parametrize("there", ["np.sum(w[1:] ** 2)", "np.sum(np.abs(w))", "np.sum(w ** 4)"])
def test_another_term_than_the_squares_is_compared_with_the_decay(
    there: str, tmp_path: Path
) -> None:
    edits = ("np.sum(w ** 2)", there), ("lam * w\n", "3 * lam * w\n")
    report = run_edited(tmp_path, LOGISTIC, *edits)
    assert [each.line for each in report.blames] == [13], str(report)


def test_a_term_without_the_weights_states_no_decay(tmp_path: Path) -> None:
    edits = ("np.sum(w ** 2)", "len(w)"), ("lam * w\n", "3 * lam * w\n")
    assert run_edited(tmp_path, LOGISTIC, *edits).exit_code == 0
