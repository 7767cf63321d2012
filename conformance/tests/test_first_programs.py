"""What students write first: single numbers, typed-in data, and losses that nothing reads."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

LINE = """import random

random.seed(1)
xs = [random.random() * 4 for _ in range(12)]
ys = [2 * x - 1 for x in xs]
w, b = 0.1, 0.0
for epoch in range(3):
    loss = 0.0
    for x, y in zip(xs, ys):
        e = w * x + b - y
        loss += e * e / 2
        w -= 0.02 * e * x
        b -= 0.02 * e
"""
GROWTH = """import math

times = [0, 1, 2, 3, 4, 5, 6, 7, 8]
sizes = [1.02, 2.3, 4.5, 6.9, 8.6, 9.4, 9.8, 9.9, 10.0]
most, rate = 8.0, 0.6
for turn in range(6):
    d_most, d_rate, loss = 0, 0, 0
    for t, size in zip(times, sizes):
        u = math.exp(-rate * t)
        error = most / (1 + 9 * u) - size
        loss += error ** 2 / 2
        d_most += error / (1 + 9 * u)
        d_rate += error * most * 9 * t * u / (1 + 9 * u) ** 2
    most -= 0.02 * d_most
    rate -= 0.0005 * d_rate
    print(turn, loss)
"""
DESCENT = """def predict(theta, row):
    return theta[0] + sum(t * v for t, v in zip(theta[1:], row))

def gradient(theta, X, y):
    g = [0.0] * len(theta)
    for row, target in zip(X, y):
        e = predict(theta, row) - target
        g[0] += 2 * e / len(y)
        for j, v in enumerate(row):
            g[j + 1] += 2 * e * v / len(y)
    return g

def descend(theta, X, y):
    for _ in range(6):
        g = gradient(theta, X, y)
        theta = [t - 0.05 * d for t, d in zip(theta, g)]
    return theta

print(descend([0, 0, 0], [[1, 2], [2, 1], [3, 3], [0, 1], [1, 0]], [9, 8, 16, 4, 4]))
"""
WRONG = {
    "one number": (LINE, ("0.02 * e * x", "0.02 * e"), 12),
    "two numbers": (GROWTH, ("most * 9 * t * u", "most * 9 * u"), 13),
}


@pytest.mark.parametrize("source", [LINE, GROWTH, DESCENT], ids=["line", "growth", "descent"])
def test_first_programs_are_right(source: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, source)
    assert report.exit_code == 0, str(report)


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_line_of_them_is_blamed(name: str, tmp_path: Path) -> None:
    source, edit, line = WRONG[name]
    report = run_edited(tmp_path, source, edit)
    assert [each.line for each in report.blames] == [line], str(report)
