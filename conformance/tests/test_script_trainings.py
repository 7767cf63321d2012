"""A script that trains several times is judged for each training that runs other lines."""

from pathlib import Path

import pytest

from conformance.api import check
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.tests.scripts import run_edited

OPTIMISERS = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(40, 3))
y = np.sin(X.sum(axis=1, keepdims=True))

def train(kind, steps=60, lr=0.05):
    g = np.random.default_rng(2)
    p = [g.normal(size=(3, 5)) * 0.5, np.zeros(5), g.normal(size=(5, 1)) * 0.5]
    m, s = [np.zeros_like(e) for e in p], [np.zeros_like(e) for e in p]
    for t in range(1, steps + 1):
        h = np.tanh(X @ p[0] + p[1])
        e = h @ p[2] - y
        d = e @ p[2].T * (1 - h**2)
        for k, each in enumerate([X.T @ d, d.sum(axis=0), h.T @ e]):
            if kind == "plain":
                p[k] -= lr * each
            elif kind == "momentum":
                m[k] = 0.9 * m[k] + each
                p[k] -= lr * m[k]
            else:
                s[k] = 0.9 * s[k] + 0.1 * each**2
                p[k] -= lr * each / (np.sqrt(s[k]) + 1e-8)
    return 0.5 * np.sum(e**2)

for kind in ("plain", "momentum", "rmsprop"):
    print(kind, train(kind))
"""
CALLS = 'for kind in ("plain", "momentum", "rmsprop"):\n    print(kind, train(kind))\n'
ONE_BY_ONE = 'a = train("plain")\nb = train("momentum")\nprint(a, b, train("rmsprop"))\n'
WRONG = [
    ("m[k] = 0.9 * m[k] + each", "m[k] = m[k] + each", 18),
    ("+ 0.1 * each**2", "+ 0.1 * each", 21),
]
NESTED = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
y = np.sin(X.sum(axis=1, keepdims=True))
for name in ["tanh", "relu"]:
    W, V = rng.normal(size=(3, 8)) * 0.5, rng.normal(size=(8, 1)) * 0.5
    for epoch in range(40):
        z = X @ W
        h = np.tanh(z) if name == "tanh" else np.maximum(z, 0)
        e = h @ V - y
        d = e @ V.T
        if name == "tanh":
            d = d * (1 - h**2)
        else:
            d = d * (z > 0)
        V -= 0.01 * h.T @ e
        W -= 0.01 * X.T @ d
        print(0.5 * np.sum(e**2))
"""


@pytest.mark.parametrize("calls", [CALLS, ONE_BY_ONE], ids=["in a loop", "one by one"])
def test_each_training_that_runs_other_lines_is_told(calls: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, OPTIMISERS, (CALLS, calls))
    kinds = [each.kind for each in (report.ran.rule, *report.ran.later)]
    assert (report.exit_code, kinds) == (0, ["plain", "momentum", "rmsprop"]), str(report)
    assert "note: a later training, by RMSProp" in str(report)


@pytest.mark.parametrize(("right", "wrong", "line"), WRONG, ids=["the second", "the third"])
def test_a_later_training_that_is_wrong_is_told(
    right: str, wrong: str, line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, OPTIMISERS, (right, wrong))
    assert report.exit_code == 1, str(report)
    assert line in [each.line for one in report.blames for each in one.lines], str(report)
    assert "no mistake was found before it" in str(report)


@pytest.mark.parametrize(
    ("wrong", "lines"), [("d * (z > 0)", []), ("d * z", [15])], ids=["right", "wrong"]
)
def test_a_loop_of_settings_around_that_of_epochs_is_no_training(
    wrong: str, lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, NESTED, ("d * (z > 0)", wrong))
    assert [each.lines[0].line for each in report.blames] == lines, str(report)


def test_what_a_later_training_writes_is_not_kept(tmp_path: Path) -> None:
    """Nor is anything that comes after a training that was cut."""
    saved = tmp_path / "weights.npy"
    end = f"    print(kind, train(kind))\nnp.save({str(saved)!r}, X)\n"
    report = run_edited(tmp_path, OPTIMISERS, ("    print(kind, train(kind))\n", end))
    assert (report.exit_code, len(report.ran.later), saved.exists()) == (0, 2, False), str(report)


def test_a_later_training_in_a_while_loop_is_judged(tmp_path: Path) -> None:
    """One that is left by its test, and one that is left within."""
    loop = "    for t in range(1, steps + 1):\n"
    counted = "    t = 0\n    while t < steps:\n        t += 1\n"
    report = run_edited(tmp_path, OPTIMISERS, (loop, counted))
    kinds = [each.kind for each in report.ran.later]
    assert (report.exit_code, kinds) == (0, ["momentum", "rmsprop"]), str(report)
    endless = "    t = 0\n    while True:\n        t += 1\n        if t > steps: break\n"
    right, wrong, _ = WRONG[1]
    report = run_edited(tmp_path, OPTIMISERS, (loop, endless), (right, wrong))
    assert (report.exit_code, [e.line for e in report.blames][:1]) == (1, [24]), str(report)


def test_a_later_training_whose_numbers_are_not_finite_is_said_to_be_unjudged(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, OPTIMISERS, ("0.9 * s[k] + 0.1 * each**2", "-each**2"))
    assert report.exit_code == 0, str(report)
    assert "note: training 3 of the script was tried, and is not judged" in str(report)


def test_a_training_by_the_lines_of_the_first_is_told_once(tmp_path: Path) -> None:
    report = run_edited(
        tmp_path, OPTIMISERS, ('"plain", "momentum", "rmsprop"', '"plain", "plain"')
    )
    assert (report.exit_code, "later training" in str(report)) == (0, False), str(report)


MASKS = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))

def run(keep, seed):
    g = np.random.default_rng(seed)
    A, B, C = g.normal(size=(3, 6)), g.normal(size=(6, 6)), g.normal(size=(6, 1))
    for epoch in range(30):
        first, second = ((g.random((30, 6)) < keep) / keep for _ in range(2))
        h = np.tanh(X @ A) * first
        k = np.tanh(h @ B) * second
        e = (k @ C - y) / len(y)
        d = e @ C.T * second * (1 - np.tanh(h @ B) ** 2)
        c = d @ B.T * first * (1 - np.tanh(X @ A) ** 2)
        A, B, C = A - 0.1 * X.T @ c, B - 0.1 * h.T @ d, C - 0.1 * k.T @ e
    return 0.5 * np.mean((k @ C - y) ** 2)

print([[run(keep, seed) for seed in range(3)] for keep in (1.0, 0.7)])
"""


@pytest.mark.parametrize("mask", ["first", "second"], ids=["right", "wrong"])
def test_what_the_same_lines_do_with_other_settings_is_tried(mask: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, MASKS, ("B.T * first", f"B.T * {mask}"))
    lines = [each.lines[0].line for each in report.blames]
    assert lines == ([14] if mask == "second" else []), str(report)


def test_a_file_whose_loop_trains_is_judged_as_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(OPTIMISERS)
    report = check_file(Asked(str(path)), check)
    assert report.exit_code == 0, str(report)


LISTS = """import math, random
random.seed(1)
xs = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(8)]
ys = [sum(x) for x in xs]

def train(p, m, beta, epochs):
    for epoch in range(epochs):
        for x, y in zip(xs, ys):
            e = sum(a * b for a, b in zip(p, x)) - y
            for i in range(3):
                if beta:
                    m[i] = beta * m[i] + e * x[i]
                    p[i] -= 0.05 * m[i]
                else:
                    p[i] -= 0.05 * e * x[i]
    return p

print(train([0.1, 0.2, 0.3], [0.0] * 3, 0, 3))
print(train([0.1, 0.2, 0.3], [0.0] * 3, 0.9, 3))
"""


@pytest.mark.parametrize(
    ("right", "wrong", "lines"),
    [("", "", []), ("beta * m[i] +", "m[i] +", [12])],
    ids=["right", "wrong"],
)
def test_a_later_training_of_lists_is_judged(
    right: str, wrong: str, lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, LISTS, (right, wrong))
    assert [each.lines[0].line for each in report.blames] == lines, str(report)
    assert lines or [each.kind for each in report.ran.later] == ["momentum"], str(report)


def test_a_later_training_that_goes_on_with_lists_is_not_judged(tmp_path: Path) -> None:
    """What the training before has kept of them was not seen."""
    first = (
        "print(train([0.1, 0.2, 0.3], [0.0] * 3, 0, 3))\nprint(train([0.1, 0.2, 0.3], [0.0] * 3,"
    )
    again = "p, m = [0.1, 0.2, 0.3], [0.0] * 3\nprint(train(p, m, 0, 3))\nprint(train(p, m,"
    report = run_edited(tmp_path, LISTS, (first, again))
    assert (report.exit_code, report.ran.later) == (0, ()), str(report)


def test_lines_that_ran_where_nothing_was_judged_are_judged_later(tmp_path: Path) -> None:
    first = "print(train([0.1, 0.2, 0.3], [0.0] * 3, 0, 3))\n"
    on = "p, m = [0.1, 0.2, 0.3], [0.0] * 3\n" + "".join(
        f"print(train(p, m, {beta}, 3))\n" for beta in (0, 0, 0.9)
    )
    wrong = "beta * m[i] +", "m[i] +"
    report = run_edited(tmp_path, LISTS, (first, on), wrong)
    assert [each.lines[0].line for each in report.blames] == [12], str(report)


ENTRIES = """import math, random, time
random.seed(1)
data = [([random.random() for _ in range(3)], random.random()) for _ in range(6)]
for wait in (0, 0.3):
    w = [random.uniform(-1, 1) for _ in range(3)]
    v = [0.0] * 3
    for epoch in range(5):
        for x, t in data:
            y = math.tanh(sum(a * b for a, b in zip(w, x)))
            d = (y - t) * (1 - y * y) * (1 + 0 * wait)
            for i in range(3):
                time.sleep(wait)
                v[i] = 0.5 * v[i] - 0.1 * d * x[i]
                w[i] += v[i]
            if wait:
                print(w)
"""


@pytest.mark.seldom
def test_a_later_training_that_is_cut_within_an_update_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.run_script.LATER", 1.5)
    report = run_edited(tmp_path, ENTRIES)
    assert report.exit_code == 0, str(report)


CBOW = """import numpy as np
np.random.seed(3)
words = np.random.randint(0, 12, 60)
inside, outside = np.random.randn(12, 5) / 3, np.random.randn(12, 5) / 3
for turn in range(3):
    loss = 0.0
    for i in range(2, 58):
        rate = 0.1 * (1 - i / 80)
        around = sorted({words[i - 2], words[i - 1], words[i + 1], words[i + 2]})
        hidden = np.zeros(5)
        for w in around:
            hidden += inside[w]
        hidden /= len(around)
        back = np.zeros(5)
        others = np.random.choice([w for w in range(12) if w != words[i]], 4, replace=False)
        for w, label in [(words[i], 1), *((w, 0) for w in others)]:
            p = 1 / (1 + np.exp(-hidden @ outside[w]))
            loss -= np.log(p if label else 1 - p)
            g = rate * (label - p)
            back += g * outside[w]
            outside[w] += g * hidden
        for w in around:
            inside[w] += back / len(around)
    print(loss)
"""


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [("back", "back", 0), ("+= back / len(around)", "+= back", 1)],
    ids=["right", "no mean"],
)
def test_what_is_moved_by_a_sum_over_the_updates_of_others_is_waited_for(
    old: str, new: str, wrong: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, CBOW, (old, new))
    assert report.exit_code == wrong, str(report)
    assert sorted(report.ran.parameters) == ["inside", "outside"]
