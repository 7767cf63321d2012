"""What an actor is to reach over several steps is constant, whatever its actions have chosen."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

CORRIDOR = """import numpy as np

rng = np.random.default_rng(8)
SEEDS, STEPS, LAST = 6, 3, 4
K, c = rng.normal(size=(LAST + 1, 5)) * 0.5, np.zeros(5)
P, V, v = rng.normal(size=(5, 2)) * 0.5, rng.normal(size=5) * 0.5, np.array(0.1)


def pass_on(cells):
    x = np.eye(LAST + 1)[cells]
    h = np.tanh(x @ K + c)
    s = h @ P
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return x, h, e / e.sum(axis=1, keepdims=True), h @ V + v


cells = rng.integers(0, LAST, SEEDS)
for turn in range(3):
    seen, moves, gains, ends = [], [], [], []
    for _ in range(STEPS):
        p = pass_on(cells)[2]
        move = (p[:, 0] < rng.random(SEEDS)).astype(int)
        seen.append(cells)
        moves.append(move)
        cells = np.clip(cells + 2 * move - 1, 0, LAST)
        over = cells == LAST
        gains.append(np.where(over, 1.0, -0.1))
        ends.append(over)
        cells = np.where(over, 0, cells)
    ahead, goals = pass_on(cells)[3], []
    for k in range(STEPS)[::-1]:
        ahead = gains[k] + 0.9 * ahead * (1 - ends[k])
        goals.insert(0, ahead)
    seen, moves, goals = map(np.concatenate, (seen, moves, goals))
    n = len(seen)
    x, h, p, worth = pass_on(seen)
    better, logs = goals - worth, np.log(p)
    mixed = -(p * logs).sum(axis=1)
    loss = -np.mean(better * logs[np.arange(n), moves]) + 0.5 * np.mean(better**2)
    loss -= 0.02 * np.mean(mixed)
    ds = better[:, None] * (p - np.eye(2)[moves]) / n
    ds += 0.02 * p * (logs + mixed[:, None]) / n
    dw = (worth - goals) / n
    dz = (ds @ P.T + np.outer(dw, V)) * (1 - h**2)
    for parameter, gradient in (
        (K, x.T @ dz), (c, dz.sum(axis=0)), (P, h.T @ ds), (V, h.T @ dw), (v, dw.sum())
    ):
        parameter -= 0.2 * gradient
    print(turn, loss)
"""
WRONG = {
    "the score": ("ds = better[:, None]", "ds = goals[:, None]", 41),
    "the sign of the entropy": ("ds += 0.02", "ds -= 0.02", 42),
}


def test_goals_made_of_values_and_of_what_actions_gain_are_constant(tmp_path: Path) -> None:
    report = run_edited(tmp_path, CORRIDOR)
    assert report.exit_code == 0, str(report)


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_mistake_beside_such_goals_is_blamed_alone(name: str, tmp_path: Path) -> None:
    old, new, line = WRONG[name]
    report = run_edited(tmp_path, CORRIDOR, (old, new))
    assert [each.line for each in report.blames] == [line], str(report)
