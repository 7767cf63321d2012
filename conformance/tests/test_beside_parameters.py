"""Gradients that are taken beside the parameters: sharpness-aware minimisation."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

NEW = """import numpy as np
rng = np.random.default_rng(2)
X, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
def error(theta):
    (A, a), (B, b) = theta
    h = np.tanh(X @ A + a)
    return h, h @ B + b - y
def slope(theta):
    h, e = error(theta)
    e = e / len(X)
    d = e @ theta[1][0].T * (1 - h**2)
    return [(X.T @ d, d.sum(0)), (h.T @ e, e.sum(0))]
def add(c, steps, theta):
    return [(W + c * u, w + c * v) for (u, v), (W, w) in zip(steps, theta)]
theta = [(rng.normal(size=(3, 5)), np.zeros(5)), (rng.normal(size=(5, 2)), np.zeros(2))]
for k in range(5):
    g = slope(theta)
    size = np.sqrt(sum((q**2).sum() for pair in g for q in pair))
    print(0.5 * np.sum(error(theta)[1] ** 2) / len(X))
    theta = add(-0.1, slope(add(0.05 / size, g, theta)), theta)
"""


@pytest.mark.parametrize(
    ("edit", "lines"),
    [(("len(X)", "len(X)"), []), (("(h.T @ e, e.sum(0))", "(h.T @ e, e.mean(0))"), [12])],
    ids=["right", "mean"],
)
def test_steps_aside_by_the_function_that_makes_the_steps_move_no_parameter(
    edit: tuple[str, str], lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, NEW, edit)
    assert [each.line for each in report.blames] == lines, str(report)


IN_PLACE = """import numpy as np
rng = np.random.default_rng(2)
X, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
P = {"W": rng.normal(size=(3, 2)), "b": np.zeros(2)}
V = {k: np.zeros_like(each) for k, each in P.items()}
def slope():
    e = (X @ P["W"] + P["b"] - y) / len(X)
    return {"W": X.T @ e, "b": e.sum(0)}
for k in range(9):
    first = slope()
    size = np.sqrt(sum(np.sum(g * g) for g in first.values()))
    for k in P:
        P[k] += 0.05 * first[k] / size
    second = slope()
    for k in P:
        P[k] -= 0.05 * first[k] / size
        V[k] = 0.9 * V[k] - 0.1 * second[k]
        P[k] += V[k]
    print(0.5 * np.sum((X @ P["W"] + P["b"] - y) ** 2) / len(X))
"""


@pytest.mark.parametrize(("way", "lines"), [("sum", []), ("mean", [8])])
def test_a_step_aside_that_is_taken_back_moves_no_parameter(
    way: str, lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, IN_PLACE, ("e.sum(0)", f"e.{way}(0)"))
    assert [each.line for each in report.blames] == lines, str(report)
