"""What a simulation moves is a state of it, and no parameter: data of a training are made of it."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

OSCILLATOR = """import math
STEP, T = 0.1, 5
def trajectory(x, v):
    seen = []
    for _ in range(T):
        force = -1.5 * x - 0.25 * v + 0.6 * math.sin(2.0 * x)
        x, v = x + STEP * v, v + STEP * force
        seen.append(x)
    return seen
starts = [(1.0, 0.0), (-0.6, 0.8)]
measured = [trajectory(x, v) for x, v in starts]
stiff, damp, a, b = 1.0, 0.1, 0.3, 0.8
memory = [0.0] * 4
for turn in range(30):
    loss = g_stiff = g_damp = g_a = g_b = 0.0
    for (x0, v0), seen in zip(starts, measured):
        xs, vs, hs = [x0], [v0], []
        for t in range(T):
            x, v = xs[t], vs[t]
            h = math.tanh(b * x)
            force = -stiff * x - damp * v + a * h
            xs.append(x + STEP * v)
            vs.append(v + STEP * force)
            hs.append(h)
            loss += (xs[t + 1] - seen[t]) ** 2 / (T * len(starts))
        lx = lv = 0.0
        for t in range(T - 1, -1, -1):
            lx += 2.0 * (xs[t + 1] - seen[t]) / (T * len(starts))
            d_force = STEP * lv
            g_stiff -= d_force * xs[t]
            g_damp -= d_force * vs[t]
            g_a += d_force * hs[t]
            d_pre = d_force * a * (1.0 - hs[t] ** 2)
            g_b += d_pre * xs[t]
            lx, lv = (
                lx - stiff * d_force + d_pre * b,
                lv + STEP * lx - damp * d_force,
            )
    theta, grad = [stiff, damp, a, b], [g_stiff, g_damp, g_a, g_b]
    for i in range(4):
        memory[i] = 0.9 * memory[i] + 0.1 * grad[i] ** 2
        theta[i] -= 0.01 * grad[i] / (math.sqrt(memory[i]) + 1e-8)
    stiff, damp, a, b = theta
"""


def test_a_trajectory_that_is_computed_for_each_start_is_data(tmp_path: Path) -> None:
    report = run_edited(tmp_path, OSCILLATOR)
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == ("theta",)


def test_the_line_of_a_wrong_error_is_told(tmp_path: Path) -> None:
    report = run_edited(tmp_path, OSCILLATOR, ("+ d_pre * b", "+ d_force * b"))
    line = OSCILLATOR[: OSCILLATOR.index("+ d_pre * b")].count("\n") + 1
    assert [each.line for each in report.blames] == [line], str(report)


GARCH = """import math
import random
random.seed(1987)
r, s2 = [], 1.0
for _ in range(20):
    e = random.gauss(0, 1) * math.sqrt(s2)
    r.append(e)
    s2 = 0.1 + 0.1 * e * e + 0.8 * s2
theta = [math.log(0.2), math.log(0.15), math.log(0.6)]
m, v, n = [0.0] * 3, [0.0] * 3, len(r)
for it in range(1, 41):
    w, a, b = [math.exp(t) for t in theta]
    var = sum(x * x for x in r) / n
    dvar, loss, grad = [0.0] * 3, 0.0, [0.0] * 3
    for t in range(n):
        if t > 0:
            old = var
            var = w + a * r[t - 1] ** 2 + b * old
            dvar = [w + b * dvar[0], a * r[t - 1] ** 2 + b * dvar[1], b * old + b * dvar[2]]
        loss += 0.5 * (math.log(var) + r[t] ** 2 / var) / n
        dl = 0.5 * (1.0 / var - r[t] ** 2 / var ** 2) / n
        for j in range(3):
            grad[j] += dl * dvar[j]
    for j in range(3):
        m[j] = 0.9 * m[j] + 0.1 * grad[j]
        v[j] = 0.999 * v[j] + 0.001 * grad[j] ** 2
        theta[j] -= 0.05 * (m[j] / (1 - 0.9**it)) / (math.sqrt(v[j] / (1 - 0.999**it)) + 1e-8)
"""


@pytest.mark.parametrize(
    ("edits", "wrong"),
    [
        ((), 0),
        pytest.param(
            (("a * r[t - 1] ** 2 + b * dvar[1]", "r[t - 1] ** 2 + b * dvar[1]"),),
            1,
            marks=pytest.mark.seldom,
        ),
    ],
)
def test_a_state_that_data_are_made_of_is_no_parameter(
    edits: tuple[tuple[str, str], ...], wrong: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, GARCH, *edits)
    assert report.exit_code == wrong, str(report)
    assert report.ran.parameters == ("theta",)


KINETICS = """import numpy as np
H, T = 0.1, 12
def follow(q):
    k = np.exp(q)
    a, b, sa, sb = 1.0, 0.0, np.zeros(2), np.zeros(2)
    seen, slopes = [], []
    for _ in range(T):
        da, db = -k[0] * a, k[0] * a - k[1] * b
        dsa = -k[0] * sa + np.array([-k[0] * a, 0.0])
        dsb = k[0] * sa - k[1] * sb + np.array([k[0] * a, -k[1] * b])
        a = a + H * da
        b = b + H * db
        sa = sa + H * dsa
        sb = sb + H * dsb
        seen.append(b)
        slopes.append(sb)
    return np.array(seen), np.array(slopes)
measured, _ = follow(np.log([1.1, 0.35]))
q = np.log([0.4, 1.0])
for step in range(5):
    seen, slopes = follow(q)
    error = seen - measured
    loss = 0.5 * np.sum(error ** 2)
    q = q - 0.4 * (slopes.T @ error)
"""
RIGHT_STATES = """import numpy as np
rng = np.random.RandomState(8)
y = np.cumsum(0.3 + 0.3 * rng.randn(12))
def sse(p):
    al, be = 1 / (1 + np.exp(-p[0])), 1 / (1 + np.exp(-p[1]))
    l, b = p[2], p[3]
    dl, db = np.array([0., 0., 1., 0.]), np.array([0., 0., 0., 1.])
    dal = np.array([al * (1 - al), 0., 0., 0.])
    dbe = np.array([0., be * (1 - be), 0., 0.])
    total, g = 0., np.zeros(4)
    for t in range(len(y)):
        e, de = y[t] - (l + b), -(dl + db)
        total += e ** 2
        g += 2 * e * de
        dl_new = dl + db + dal * e + al * de
        db_new = db + dal * be * e + al * dbe * e + al * be * de
        l, b = l + b + al * e, b + al * be * e
        dl, db = dl_new, db_new
    return total / len(y), g / len(y)
p = np.array([-1.0, -1.0, y[0], 0.0])
for it in range(5):
    f, g = sse(p)
    p = p - 0.1 * g
"""
READ_INSIDE = """import numpy as np
np.random.seed(3)
T = 12
r = np.zeros(T)
h = 0.5
for t in range(T):
    r[t] = np.sqrt(h) * np.random.randn()
    h = 0.05 + 0.15 * r[t] ** 2 + 0.78 * h
def qml(q):
    om, al, be = np.exp(q)
    h, dh, loss, g = np.var(r), np.zeros(3), 0.0, np.zeros(3)
    for t in range(T):
        if t > 0:
            dh = np.array([1.0, r[t - 1] ** 2, h]) + be * dh
            h = om + al * r[t - 1] ** 2 + be * h
        loss += 0.5 * (np.log(h) + r[t] ** 2 / h)
        g += 0.5 * (1 / h - r[t] ** 2 / h ** 2) * dh
    return loss / T, g * np.array([om, al, be]) / T
q = np.log([0.2, 0.2, 0.5])
for k in range(5):
    loss, g = qml(q)
    q = q - 0.05 * g
"""


@pytest.mark.parametrize(
    ("source", "name"),
    [(KINETICS, "q"), (RIGHT_STATES, "p"), (READ_INSIDE, "q")],
    ids=["kinetics", "right states", "read inside"],
)
def test_states_of_what_a_training_calls_are_no_parameters(
    source: str, name: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, source)
    assert (report.exit_code, report.ran.parameters) == (0, (name,)), str(report)


RESERVOIR = """import numpy as np
rng = np.random.default_rng(1)
u = np.sin(np.arange(41) * 0.25)
inner, enter = 0.2 * rng.normal(size=(8, 8)), rng.uniform(-1, 1, 8)
states, s = np.zeros((40, 8)), np.zeros(8)
for t in range(40):
    s = 0.7 * np.tanh(inner @ s + enter * u[t]) + 0.3 * s
    states[t] = s
S, y = states[10:], u[11:]
w = rng.normal(size=8)
for epoch in range(9):
    o = np.tanh(S @ w)
    g = S.T @ ((o - y) * (1 - o ** 2)) / len(y)
    w = w - 0.1 * g
"""


@pytest.mark.parametrize(("new", "code"), [("(1 - o ** 2)", 0), ("(1 - o)", 1)])
def test_a_part_of_a_trajectory_is_data(new: str, code: int, tmp_path: Path) -> None:
    report = run_edited(tmp_path, RESERVOIR, ("(1 - o ** 2)", new))
    assert (report.exit_code, report.ran.parameters) == (code, ("w",)), str(report)


CENTRES = """import numpy as np
rng = np.random.RandomState(1)
X = rng.uniform(-1, 1, (60, 2))
Y = np.sin(3 * X[:, :1]) * X[:, 1:]
C = X[rng.choice(60, 8, replace=False)].copy()
w, b = rng.randn(8, 1) * 0.1, np.zeros(1)
for x, y in zip(X, Y):
    k = np.argmin(np.sum((C - x) ** 2, axis=1))
    C[k] += 0.05 * (x - C[k])
    h = np.exp(-np.sum((C - x) ** 2, axis=1))
    e = h @ w + b - y
    loss = 0.5 * e @ e
    w -= 0.1 * h[:, None] * e
    b -= 0.1 * e
"""


def test_the_rows_that_are_nearest_to_the_data_are_means_of_it(tmp_path: Path) -> None:
    report = run_edited(tmp_path, CENTRES)
    assert report.exit_code == 0, str(report)
    assert sorted(report.ran.parameters) == ["b", "w"]
