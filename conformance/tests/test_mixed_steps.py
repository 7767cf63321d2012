"""Steps that mix the entries of a gradient, as Newton's do: the gradient within them is judged."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

NEWTON = """import numpy as np
r = np.random.default_rng(4)
A = np.c_[np.ones(60), r.normal(size=(60, 3))]
t = (A @ r.normal(size=4) + 0.3 * r.normal(size=60) > 0).astype(float)
w = np.zeros(4)
for k in range(6):
    p = 1 / (1 + np.exp(-(A @ w)))
    loss = -np.sum(t * np.log(p) + (1 - t) * np.log(1 - p)) + 0.5 * w @ w
    g = A.T @ (p - t) + w
    H = A.T @ (A * (p * (1 - p))[:, None]) + np.eye(4)
    w -= np.linalg.inv(H) @ g
    print(k, loss)
"""

SOLVED = NEWTON.replace("inv(H) @ g", "solve(H, g)")

BFGS = """import numpy as np
r = np.random.default_rng(8)
X = r.normal(size=(40, 4))
y = X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * r.normal(size=40)
def value(b):
    e = X @ b - y
    return np.sum(np.log(np.cosh(e))), X.T @ np.tanh(e)
def direction(grad, seen):
    d = grad.copy()
    for step, change in seen[::-1]:
        share = step @ d / (step @ change)
        d = d - share * change + share * step
    return -d
b, seen = np.zeros(4), []
f, grad = value(b)
for k in range(8):
    d, rate = direction(grad, seen[-3:]), 0.1
    b_new = b + rate * d
    f, new = value(b_new)
    seen.append((b_new - b, new - grad))
    b, grad = b_new, new
    print(k, f)
"""

CONJUGATE = """import numpy as np
r = np.random.default_rng(3)
A = r.normal(size=(30, 4))
t = A @ [1.0, 0.5, -1.0, 2.0] + r.normal(size=30)
def cost(v):
    e = A @ v - t
    return np.sum(np.sqrt(1 + e ** 2)), A.T @ (e / np.sqrt(1 + e ** 2))
v, (c, g) = np.zeros(4), cost(np.zeros(4))
d = -g
for k in range(8):
    v = v + 0.05 * d
    c, g_new = cost(v)
    d = -g_new + max(0.0, g_new @ (g_new - g) / (g @ g)) * d
    g = g_new
    print(k, c)
"""

SAID = "steps that are not judged: they mix the entries of the gradient, as Newton's do"


@pytest.mark.parametrize(
    "source", [BFGS, CONJUGATE, NEWTON, SOLVED], ids=["bfgs", "conjugate", "inverse", "solved"]
)
def test_a_step_that_mixes_the_entries_of_a_right_gradient_is_not_blamed(
    source: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, source)
    assert report.exit_code == 0, str(report)


def test_what_such_a_step_makes_of_the_gradient_is_said_not_to_be_judged(tmp_path: Path) -> None:
    assert SAID in str(run_edited(tmp_path, NEWTON))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (") + w\n", ")\n", 9),
        ("(p - t)", "((p - t) * p * (1 - p))", 9),
        ("w -=", "w +=", 11),
    ],
    ids=["decay", "slope", "uphill"],
)
def test_the_gradient_that_a_system_is_solved_for_is_judged(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, SOLVED, (old, new))
    assert [each.line for each in report.blames][:1] == [line], str(report)
