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
