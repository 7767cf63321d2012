"""What is kept from step to step, where a variable is given another value and nothing is written.

Left out: what no statement writes (`test_rare_faults.py`).
"""

import contextlib
from pathlib import Path

import pytest

from conformance.errors import NothingTrainedError, UnjudgedError
from conformance.tests.scripts import run_edited

PROGRAM = """import numpy as np
rng = np.random.default_rng(11)
X = rng.normal(size=(30, 4))
y = X @ rng.normal(size=(4, 2)) + 0.3
pars = [rng.normal(size=(4, 2)), np.zeros(2)]
means, squares = ([np.zeros_like(p) for p in pars] for _ in range(2))
grads = [np.zeros_like(p) for p in pars]
for t in range(1, 12):
    r = X @ pars[0] + pars[1] - y
    loss = 0.5 * np.sum(r ** 2) / 30
    grads[0][...], grads[1][...] = X.T @ r, r.sum(axis=0)
    for p, m, v, g in zip(pars, means, squares, grads):
        g = g / 30
        m *= 0.9
        m += 0.1 * g
        v[...] = 0.99 * v + 0.01 * g * g
        p -= 0.05 * np.sqrt(1 - 0.99 ** t) / (1 - 0.9 ** t) * m / (np.sqrt(v) + 1e-8)
"""
ADAM = "p -= 0.05 * np.sqrt(1 - 0.99 ** t) / (1 - 0.9 ** t) * m / (np.sqrt(v) + 1e-8)"
VELOCITY = ((ADAM, "p -= 0.05 * m"), ("        v[...] = 0.99 * v + 0.01 * g * g\n", ""))
REBOUND = "        m *= 0.9\n        m += 0.1 * g\n", "        m = 0.9 * m + 0.1 * g\n"
PUT_OVER = "m += 0.1 * g", "m = 0.1 * g"
SUM = "m += 0.1 * g", "m = m + 0.1 * g"
CLEARED = ("m *= 0.9", "m *= 0"), PUT_OVER
LOSS = "loss = 0.5 * np.sum(r ** 2) / 30"
NEW = "    for p, m", "    new = []\n    for p, m"
KEEPS = "(np.sqrt(v) + 1e-8)\n", "(np.sqrt(v) + 1e-8)\n        new.append(m)\n    means = new\n"
SIGNS = (
    ("        m *= 0.9\n        m += 0.1 * g\n", ""),
    ("v[...] = 0.99 * v + 0.01 * g * g", "v = g * g"),
    (ADAM, "p -= 0.05 * g / (np.sqrt(v) + 1e-8)"),
)
WRONG = {
    "squares": (SIGNS, 14, "forgets"),
    "mean": ((REBOUND,), 14, "zero"),
    "velocity": ((REBOUND, *VELOCITY), 14, "zero"),
    "put over": ((PUT_OVER, *VELOCITY), 15, "forgets"),
    "sum": ((SUM,), 15, "forgets"),
    "sum of a velocity": ((SUM, *VELOCITY), 15, "forgets"),
    "parameter": ((*VELOCITY, ("p -= 0.05", "p = p - 0.05")), 16, "unkept"),
}


@pytest.mark.parametrize(("edits", "line", "kind"), WRONG.values(), ids=WRONG.keys())
def test_a_state_that_its_variable_alone_gets_is_told_to_be_lost(
    edits: tuple[tuple[str, str], ...], line: int, kind: str, tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, PROGRAM, *edits).blames
    assert (blame.line, blame.accused.cause.kind) == (line, kind)


DECAY = LOSS, f"{LOSS} + 0.05 * sum((p ** 2).sum() for p in pars)"
SCALED = DECAY, ("g = g / 30", "g /= 30\n        g = g + 0.1 * p")


@pytest.mark.parametrize("edits", [(), VELOCITY, (*CLEARED, *VELOCITY), (SUM, NEW, KEEPS), SCALED])
def test_a_gradient_may_be_rebound(edits: tuple[tuple[str, str], ...], tmp_path: Path) -> None:
    report = run_edited(tmp_path, PROGRAM, *edits)
    assert report.exit_code == 0, str(report)


ADAGRAD = """import numpy as np
rng = np.random.default_rng(3)
X, t = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
w, b = rng.normal(size=(3, 2)), np.zeros(2)
hw, hb = np.zeros_like(w), np.zeros_like(b)
for _ in range(9):
    e = X @ w + b - t
    loss = 0.5 * (e ** 2).sum()
    dw, db = X.T @ e, e.sum(axis=0)
    hw += dw ** 2
    hb += db ** 2
    w -= 0.1 * dw / (np.sqrt(hw) + 1e-8)
    b -= 0.1 * db / (np.sqrt(hb) + 1e-8)
"""


def test_a_sum_of_squares_that_the_last_square_is_put_over_is_told(tmp_path: Path) -> None:
    assert run_edited(tmp_path, ADAGRAD).exit_code == 0
    edits = ("hw += dw", "hw = dw"), ("hb += db", "hb = db")
    blames = run_edited(tmp_path, ADAGRAD, *edits).blames
    assert {(e.line, e.gradients) for e in blames} == {(10, ("w",)), (11, ("b",))}


LISTS = """import numpy as np
rng = np.random.default_rng(3)
X, t = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
def step(pars, grads, sums):
    sums = [g * g for s, g in zip(sums, grads)]
    return [p - 0.1 * g / (np.sqrt(s) + 1e-8) for p, g, s in zip(pars, grads, sums)], sums
pars = [rng.normal(size=(3, 2)), np.zeros(2)]
sums = [np.zeros(e.shape) for e in pars]
for _ in range(9):
    e = X @ pars[0] + pars[1] - t
    loss = 0.5 * (e ** 2).sum()
    pars, sums = step(pars, [X.T @ e, e.sum(axis=0)], sums)
"""


@pytest.mark.parametrize(
    ("sums", "kinds"),
    [
        ("[g * g for s, g in zip(sums, grads)]", ["forgets"]),
        ("[s + g * g for s, g in zip(sums, grads)]", []),
    ],
)
def test_a_list_of_sums_that_is_gone_through_and_not_read_is_put_over(
    sums: str, kinds: list[str], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, LISTS, ("[g * g for s, g in zip(sums, grads)]", sums))
    assert [each.accused.cause.kind for each in report.blames] == kinds, str(report)
    assert [each.edited for each in report.ran.examined.accused] == [None] * len(kinds)


BY_KEYS = """import numpy as np
rng = np.random.default_rng(3)
X, t = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
pars, kept = {"w": rng.normal(size=(3, 2)), "b": np.zeros(2)}, {}
def step(grads, n):
    for k, g in grads.items():
        m, v = kept.get(k, (0 * g, np.zeros_like(g)))
        m = 0.9 * m + 0.1 * g
        v = 0.99 * v + 0.01 * g * g
        kept[k] = m, v
        pars[k] -= 0.1 * (m / (1 - 0.9 ** n)) / (np.sqrt(v / (1 - 0.99 ** n)) + 1e-8)
for n in range(1, 9):
    e = X @ pars["w"] + pars["b"] - t
    loss = 0.5 * (e ** 2).sum()
    step({"w": X.T @ e, "b": e.sum(axis=0)}, n)
"""


def test_means_that_are_taken_by_keys_and_not_kept_are_zeros_at_each_step(tmp_path: Path) -> None:
    assert run_edited(tmp_path, BY_KEYS).exit_code == 0
    blames = run_edited(tmp_path, BY_KEYS, ("        kept[k] = m, v\n", "")).blames
    assert {(e.line, e.accused.cause.kind) for e in blames} == {(9, "zero")}
    assert {name for each in blames for name in each.gradients} == {"pars['w']", "pars['b']"}


def test_means_that_are_kept_by_another_key_than_they_are_read_by_are_told(tmp_path: Path) -> None:
    blames = run_edited(tmp_path, BY_KEYS, ("kept[k] = m, v", "kept[k[:0]] = m, v")).blames
    assert {(e.line, e.accused.cause.kind) for e in blames} == {(10, "zero")}


DATA = """import numpy as np
data = np.random.default_rng(1).normal(size=(5, 4))
for x in data:
    x = x - x.mean()
"""


def test_what_is_no_parameter_may_be_rebound(tmp_path: Path) -> None:
    with pytest.raises(NothingTrainedError):
        run_edited(tmp_path, DATA)


FIXED = """import numpy as np
rng = np.random.default_rng(1)
A, x, y = rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), rng.normal(size=4)
for _ in range(6):
    y = -0.1 * np.tanh(x @ y)
    x = -np.tanh(A) * x
"""


@pytest.mark.parametrize("typed", ["=-0.1 * {}", "= -0.1 * {}", "= -(0.1 * {})"])
def test_a_step_that_is_put_in_the_place_of_parameters_is_told(typed: str, tmp_path: Path) -> None:
    of_w = "w -= 0.1 * dw / (np.sqrt(hw) + 1e-8)", f"w {typed.format('dw')}"
    of_b = "    hb += db ** 2\n", f"    b {typed.format('db')}\n"
    edits = of_w, ("    b -=", "    c ="), of_b
    blames = run_edited(tmp_path, ADAGRAD, *edits).blames
    assert [(e.line, e.accused.cause.kind) for e in blames] == [
        (11, "put over"),
        (12, "put over"),
    ], blames


def test_what_is_iterated_to_a_fixed_point_is_no_parameter(tmp_path: Path) -> None:
    with pytest.raises(NothingTrainedError):
        run_edited(tmp_path, FIXED)


SEARCH = """import numpy as np
rng = np.random.default_rng(4)
X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
def cost(w):
    e = X @ w - y
    return e @ e / 80, X.T @ e / 40
w = rng.normal(size=3)
f, g = cost(w)
for _ in range(6):
    step = 1.0
    while True:
        new = w - step * g
        f_new, g_new = cost(new)
        if f_new < f or step < 1e-6:
            break
        step /= 2
    w, f, g = new, f_new, g_new
print(f)
"""
REDUCED = """import numpy as np
rng = np.random.default_rng(4)
X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
def slope(w, i):
    e = X[i] @ w - y[i]
    return X[i].T @ e / len(e)
w = rng.normal(size=3)
every = np.arange(40)
for _ in range(2):
    at, whole = w, slope(w, every)
    for _ in range(4):
        i = rng.integers(0, 40, 5)
        w = w - 0.1 * (slope(w, i) - slope(at, i) + whole)
print(np.mean((X @ w - y) ** 2) / 2)
"""


def test_the_gradient_of_the_first_step_is_none_of_the_others(tmp_path: Path) -> None:
    assert run_edited(tmp_path, SEARCH).exit_code == 0
    (blame,) = run_edited(
        tmp_path, SEARCH, ("w, f, g = new, f_new, g_new", "w, f = new, f_new")
    ).blames
    assert blame.accused.cause.kind == "stale"
    assert blame.line in (12, 17)  # the step, or where the gradient has to be renewed


def test_a_gradient_may_be_kept_beside_those_of_later_steps(tmp_path: Path) -> None:
    with contextlib.suppress(UnjudgedError):
        report = run_edited(tmp_path, REDUCED)
        assert "stale" not in [each.accused.cause.kind for each in report.blames]


HELD = """import numpy as np
rng = np.random.default_rng(5)
class Dense:
    def __init__(self, W, c):
        self.W, self.c = W, c
    def __call__(self, x):
        self.x = x
        return x @ self.W + self.c
    def back(self, d):
        self.grads = {"W": self.x.T @ d, "c": d.sum(axis=0)}
theta = {"W": rng.normal(size=(4, 2)), "c": np.zeros(2)}
layer = Dense(theta["W"], theta["c"])
X = rng.normal(size=(60, 4))
Y = X[:, :2] - X[:, 2:] + 1
for t in range(6):
    rows = rng.permutation(60)[:20]
    layer.back((layer(X[rows]) - Y[rows]) / 20)
    for k in theta:
        theta[k] = theta[k] - 0.1 * layer.grads[k]
print("loss", np.mean((layer(X) - Y) ** 2) / 2)
"""
IN_PLACE = "theta[k] = theta[k] - ", "theta[k] -= "
PUT_BACK = "print(", "    layer.W, layer.c = theta.values()\nprint("
AT_THE_END = "print(", "layer.W, layer.c = theta.values()\nprint("
PENALTY = (
    ("20]\n", "20]\n    penalty = 0.5 * sum(np.sum(v ** 2) for v in theta.values())\n"),
    ('print("loss", np.mean((layer(X) - Y) ** 2) / 2)\n', ""),
)
EACH_TIME = "grads[k]\n", "grads[k]\n    layer.W, layer.c = theta.values()\n"


def test_a_parameter_of_which_a_layer_holds_what_it_was_is_lost(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, HELD).blames
    assert (blame.line, blame.accused.cause.kind) == (19, "unkept")


def test_a_parameter_is_lost_though_its_penalty_is_computed(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, HELD, *PENALTY).blames
    assert (blame.line, blame.accused.cause.kind) == (20, "unkept")


def test_a_penalty_may_be_computed_beside_layers_that_hold_parameters(tmp_path: Path) -> None:
    report = run_edited(tmp_path, HELD, *PENALTY, EACH_TIME)
    assert report.exit_code == 0, str(report)


@pytest.mark.parametrize("edit", [IN_PLACE, PUT_BACK, AT_THE_END], ids=["-=", "put", "sum"])
def test_a_parameter_may_be_put_where_a_layer_holds_it(
    edit: tuple[str, str], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, HELD, edit)
    assert report.exit_code == 0, str(report)
