"""Gradients whose entries are kept within bounds are judged as they are before that."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

SCRIPT = """import numpy as np

rng = np.random.default_rng(3)
BOUND, RATE = 0.05, 0.3
X, T = rng.normal(size=(12, 3)), rng.random(12)
W, b = rng.normal(size=(4, 3)) * 0.5, np.zeros(4)
V, c = rng.normal(size=4) * 0.5, 0.0

def bounded(g):
    return np.clip(g, -BOUND, BOUND)

for epoch in range(2):
    loss = 0.0
    for x, t in zip(X, T):
        h = np.tanh(W @ x + b)
        e = V @ h + c - t
        loss += 0.5 * e * e
        d = e * V * (1 - h**2)
        for j in range(4):
            V[j] -= RATE * bounded(e * h[j])
            W[j] -= RATE * bounded(d[j] * x)
            b[j] -= RATE * bounded(d[j])
        c -= RATE * bounded(e)
"""
CLIP = "np.clip(g, -BOUND, BOUND)"
ROW = "W[j] -= RATE * bounded(d[j] * x)\n"
ENTRIES = "for i in range(3):\n                W[j, i] -= RATE * bounded(d[j] * x[i])\n"
STYLES = {
    "entries": ((ROW, ENTRIES),),
    "entries in two steps": ((ROW, ENTRIES), (CLIP, "np.maximum(-BOUND, np.minimum(BOUND, g))")),
    "entries of Python": ((ROW, ENTRIES), (CLIP, "max(-BOUND, min(BOUND, g))")),
    "rows": (),
    "rows in two steps": ((CLIP, "np.minimum(BOUND, np.maximum(g, -BOUND))"),),
}
LISTS = """import math
import random

random.seed(3)
BOUND, RATE = 0.05, 0.3
data = [([random.gauss(0, 1) for _ in range(3)], random.random()) for _ in range(12)]
W, b = [[random.gauss(0, 0.5) for _ in range(3)] for _ in range(4)], [0.0] * 4
V, c = [random.gauss(0, 0.5) for _ in range(4)], 0.0

def bounded(g):
    return max(-BOUND, min(BOUND, g))

for epoch in range(2):
    loss = 0.0
    for x, t in data:
        h = [math.tanh(sum(w * xi for w, xi in zip(row, x)) + bi) for row, bi in zip(W, b)]
        e = sum(v * hi for v, hi in zip(V, h)) + c - t
        loss += 0.5 * e * e
        for j in range(4):
            d = e * V[j] * (1 - h[j] ** 2)
            V[j] -= RATE * bounded(e * h[j])
            b[j] -= RATE * bounded(d)
            for i in range(3):
                W[j][i] -= RATE * bounded(d * x[i])
        c -= RATE * bounded(e)
"""


@pytest.mark.parametrize("name", sorted(STYLES))
def test_entries_within_bounds_are_right(name: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, *STYLES[name])
    assert report.exit_code == 0, str(report)
    assert "by gradient descent" in str(report)


@pytest.mark.parametrize("slope", ["", " * (1 + h[j] ** 2)"])
def test_numbers_of_lists_are_judged_before_their_bounds(slope: str, tmp_path: Path) -> None:
    wrong = [(" * (1 - h[j] ** 2)", slope)] if slope else []
    report = run_edited(tmp_path, LISTS, *wrong)
    assert [each.line for each in report.blames] == [20] * len(wrong), str(report)
    assert report.exit_code == len(wrong)


def test_a_wrong_line_before_the_bounds_is_blamed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT, (" * (1 - h**2)", " * (1 - h)"))
    assert report.exit_code == 1
    assert [each.line for each in report.blames] == [18], str(report)
