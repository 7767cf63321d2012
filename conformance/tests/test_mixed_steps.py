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


SEARCHED = """import numpy as np
r = np.random.default_rng(5)
A = r.normal(size=(30, 4))
t = np.sign(A[:, 0] * A[:, 1])
def cost(v):
    W, u = v[:12].reshape(4, 3), v[12:]
    return np.logaddexp(0, -t * (np.tanh(A @ W) @ u)).mean() + 0.005 * v @ v
def slope(v):
    W, u = v[:12].reshape(4, 3), v[12:]
    h = np.tanh(A @ W)
    e = -t / (1 + np.exp(t * (h @ u))) / 30
    return np.concatenate([(A.T @ (np.outer(e, u) * (1 - h**2))).ravel(), h.T @ e]) + 0.01 * v
v = r.normal(size=15)
g = slope(v)
d = -g
for k in range(8):
    c, rate = cost(v), 0.5
    while cost(v + rate * d) > c + 0.1 * rate * (g @ d):
        rate /= 2
    v = v + rate * d
    g, old = slope(v), g
    d = -g + max(0.0, g @ (g - old) / (old @ old)) * d
"""
POLAK = "max(0.0, g @ (g - old) / (old @ old)) * d"


@pytest.mark.parametrize(
    "edits",
    [
        (),
        ((POLAK, "g @ g / (old @ old) * d"),),
        ((f"-g + {POLAK}", "-g"), ("(g @ d)", "(-g @ g)")),
    ],
    ids=["polak", "fletcher", "steepest"],
)
def test_a_line_search_along_what_is_kept_leaves_the_parameter_one(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, SEARCHED, *edits)
    assert report.exit_code == 0, str(report)
    assert "updates of v" in str(report)
    report = run_edited(tmp_path, SEARCHED, *edits, ("(1 - h**2)", "(1 - h)"))
    assert [each.line for each in report.blames] == [12], str(report)


DAMPED = """import numpy as np
r = np.random.default_rng(2)
t = np.linspace(0, 4, 30)
seen = 2 * np.exp(-0.7 * t) + 0.4 + 0.02 * r.normal(size=30)
class Decay:
    def __init__(self):
        self.scale, self.rate, self.level = np.ones(1), np.ones(1), np.zeros(1)
        self.bumps = np.full(2, 0.1)
    def gap(self):
        waves = np.sin(np.outer(t, [1.0, 2.0]))
        return self.scale * np.exp(-self.rate * t) + self.level + waves @ self.bumps - seen
    def slopes(self):
        e = np.exp(-self.rate * t)
        return np.c_[e, -self.scale * t * e, np.ones(30), np.sin(np.outer(t, [1.0, 2.0]))]
    def move(self, d):
        self.scale = self.scale + d[:1]
        self.rate = self.rate + d[1:2]
        self.level = self.level + d[2:3]
        self.bumps = self.bumps + d[3:]
def loss(model):
    return np.sum(model.gap() ** 2) / 2
model, damping = Decay(), 1e-4
for k in range(9):
    J, gap = model.slopes(), model.gap()
    g = J.T @ gap
    before = loss(model)
    d = -np.linalg.solve(J.T @ J + damping * np.eye(5), g)
    model.move(d)
    if loss(model) < before:
        damping /= 3
    else:
        model.move(-d)
        damping *= 2
    print(k, loss(model))
"""
FAR = "np.zeros(1)", "np.full(1, 3.0)"


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ((), 0),
        ((FAR,), 0),
        ((("d = -np.linalg.solve(", "d = np.linalg.solve("), ("g = J", "g = -J")), 0),
        ((("-self.scale * t * e", "-self.scale * e"),), 14),
        ((FAR, ("-self.scale * t * e", "-self.scale * e")), 14),
        ((("g = J.T @ gap", "g = J.T @ gap ** 2"),), 25),
    ],
    ids=["right", "taken back", "negative", "slope", "slope of those taken back", "square"],
)
def test_a_step_that_is_cut_into_parts_is_solved_for_the_parts_of_a_gradient(
    edits: tuple[tuple[str, str], ...], line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, DAMPED, *edits)
    assert report.exit_code == bool(line), str(report)
    assert not line or [each.line for each in report.blames][:1] == [line], str(report)
