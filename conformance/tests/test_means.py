"""A gradient that is the mean over the samples is not divided by their number once more."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

SCRIPT = """
import numpy as np
rng = np.random.default_rng(1)
X, Y = rng.normal(size=(48, 4)), np.eye(3)[rng.integers(0, 3, 48)]
W, b, V, c = rng.normal(size=(4, 7)) * 0.5, np.zeros(7), rng.normal(size=(7, 3)), np.zeros(3)
rate = 0.5
for step in range(30):
    n = len(X)
    h = np.tanh(X @ W + b)
    e = np.exp(h @ V + c)
    p = e / e.sum(axis=1, keepdims=True)
    cost = -np.sum(Y * np.log(p)) / n
    d = p - Y
    dV, dc = h.T @ d / n, d.sum(axis=0) / n
    d = d @ V.T * (1 - h**2)
    dW, db = X.T @ d / n, d.sum(axis=0) / n
    W -= rate * dW
    b -= rate * db
    V -= rate * dV
    c -= rate * dc
"""
MEAN, SUM = ("    cost = -np.sum(Y * np.log(p)) / n\n", "    cost = -np.sum(Y * np.log(p))\n")
NONE = ""
ERROR = ("d = p - Y", "d = (p - Y) / n")
STEPS = [(f"rate * {each}", f"rate / n * {each}") for each in ("dW", "db", "dV", "dc")]


@pytest.mark.parametrize("cost", [MEAN, SUM, NONE], ids=["mean", "sum", "none"])
def test_the_gradient_of_a_mean_or_a_sum_is_right(cost: str, tmp_path: Path) -> None:
    assert run_edited(tmp_path, SCRIPT, (MEAN, cost)).exit_code == 0


@pytest.mark.parametrize("cost", [MEAN, NONE], ids=["mean", "none"])
def test_what_all_gradients_have_in_common_is_blamed(cost: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, (MEAN, cost), ERROR)
    (blame,) = report.blames
    assert (blame.accused.cause.kind, blame.accused.cause.numbers) == ("mean", (48,))
    assert blame.line == (13 if cost else 12), str(report)


def test_steps_by_a_share_of_the_rate_are_blamed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, *STEPS)
    assert {each.accused.cause.kind for each in report.blames} == {"mean"}, str(report)
    lines = [each.lines[0].line for each in report.blames]
    assert sorted(lines) in ([17, 18, 19, 20], [14, 14, 16, 16]), str(report)


LENGTH = """import numpy as np
rng = np.random.default_rng(1)
A, b = rng.normal(size=(30, 4)), rng.normal(size=30)
L = np.linalg.norm(A, 2) ** 2 / 30
x = rng.normal(size=4)
for k in range(5):
    g = A.T @ (A @ x - b) / 30
    x = x - g / L
"""


def test_a_step_of_the_inverse_of_a_constant_is_no_mean(tmp_path: Path) -> None:
    assert run_edited(tmp_path, LENGTH).exit_code == 0
    assert run_edited(tmp_path, LENGTH, ("g / L", "g / 30 / L")).blames


SUMS = [
    *((f"{each} / n", each) for each in ("h.T @ d", "X.T @ d")),
    ("d.sum(axis=0) / n\n    d = ", "d.sum(axis=0)\n    d = "),
    ("X.T @ d, d.sum(axis=0) / n", "X.T @ d, d.sum(axis=0)"),
]


def test_a_sum_is_divided_once_where_it_moves_parameters(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, *SUMS, *STEPS)
    assert report.exit_code == 0, str(report)


CLASSES = """
import numpy as np
rng = np.random.default_rng(2)
X, labels = rng.normal(size=(20, 3)), rng.integers(0, 4, 20)
V, c = rng.normal(size=(3, 4)), np.zeros(4)
for epoch in range(5):
    q = np.exp(X @ V + c)
    q = q / q.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(q[range(20), labels]))
    g = q.copy()
    V -= 0.1 * X.T @ g / 20
    c -= 0.1 * g.sum(axis=0) / 20
"""


def test_no_second_mean_is_told_where_no_gradient_is_right(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, CLASSES).blames
    assert (blame.line, blame.accused.cause.kind) == (10, "value")


BATCHES = """import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(48, 3))
T = X @ rng.normal(size=(3, 2))
W, V = rng.normal(size=(3, 5)), rng.normal(size=(5, 2))
seen_mean, seen_var, total = np.zeros(5), np.ones(5), 0.0
def normalise(z):
    global seen_mean, seen_var
    m, v = z.mean(axis=0), z.var(axis=0)
    seen_mean = 0.9 * seen_mean + 0.1 * m
    seen_var = 0.9 * seen_var + 0.1 * v
    return (z - m) / np.sqrt(v + 1e-5), np.sqrt(v + 1e-5)
for start in range(0, 48, 8):
    x, t = X[start : start + 8], T[start : start + 8]
    n, s = normalise(x @ W)
    e = 2 * (n @ V - t) / 8
    loss = np.mean(np.sum((n @ V - t) ** 2, axis=1))
    total = 0.9 * total + loss
    d = e @ V.T
    V -= 0.1 * n.T @ e
    W -= 0.1 * x.T @ ((d - d.mean(axis=0) - n * (d * n).mean(axis=0)) / s)
print(total, seen_mean, seen_var)
"""


@pytest.mark.parametrize(
    ("share", "lines"), [("0.1 * v", []), ("0.1 * v * 8 / 7", []), ("v", [11]), ("1.9 * v", [11])]
)
def test_the_shares_of_a_running_mean_are_those_of_the_one_beside_it(
    share: str, lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, BATCHES, ("+ 0.1 * v\n", f"+ {share}\n"))
    assert [each.line for each in report.blames] == lines, str(report)


SAMPLES = """
import numpy as np
rng = np.random.default_rng(3)
ws = [rng.normal(size=(5, 3)), rng.normal(size=(2, 5))]
bs = [rng.normal(size=5), np.zeros(2)]
vs, us = [np.zeros_like(w) for w in ws], [np.zeros_like(b) for b in bs]
for _ in range(3):
    of_ws, of_bs = [np.zeros_like(w) for w in ws], [np.zeros_like(b) for b in bs]
    for x in rng.normal(size=(6, 3)):
        h = np.tanh(ws[0] @ x + bs[0])
        e = ws[1] @ h + bs[1] - np.sin(x[:2])
        d = ws[1].T @ e * (1 - h**2)
        gs = [np.outer(d, x), np.outer(e, h)]
        for k in range(2):
            of_bs[k] += (d, e)[k]
            of_ws[k] += gs[k]
    for k in range(2):
        g, of_b = of_ws[k] / 6 + 0.01 * ws[k], of_bs[k] / 6
        vs[k], us[k] = 0.9 * vs[k] + g, 0.9 * us[k] + of_b
        ws[k], bs[k] = ws[k] - 0.1 * vs[k], bs[k] - 0.1 * us[k]
"""


def test_sums_of_weights_that_decay_are_made_of_right_derivatives(tmp_path: Path) -> None:
    assert run_edited(tmp_path, SAMPLES).exit_code == 0
    report = run_edited(tmp_path, SAMPLES, ("of_ws[k] / 6", "of_ws[k]"))
    (blame,) = report.blames
    assert (blame.accused.gradients, blame.line) == (("ws[0]", "ws[1]"), 18), str(report)
    assert blame.accused.cause.kind != "begins", str(report)  # at the decay
