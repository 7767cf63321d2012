"""Parameters that are moved at the rates of others, where the gradient is left out of the update.

Left out: those that are moved by anything else, which is not judged (`test_script_updates.py`).
"""

from pathlib import Path

import pytest

from conformance.errors import NothingTrainedError
from conformance.tests.scripts import blamed_first, run_edited

BESIDE_DECAYS = """import numpy as np
rng = np.random.default_rng(5)
X, T = rng.normal(size=(14, 4)), rng.normal(size=(14, 2))
P, q, R = rng.normal(size=(4, 5)), np.zeros(5), rng.normal(size=(5, 2))
step, lam = 0.1, 0.01
for n in range(8):
    H = np.tanh(X.dot(P) + q)
    D = (H.dot(R) - T) / len(X)
    loss = 0.5 * len(X) * np.sum(D ** 2)
    dH = D.dot(R.T) * (1 - H ** 2)
    gR = H.T.dot(D) + lam * R
    gP = X.T.dot(dH) + lam * P
    R -= step * gR
    P -= step * gP
    q -= step * dH.sum(axis=0)
"""

OF_TABLES = """import math
import random
random.seed(3)
u = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(2)]
v = [random.uniform(-1, 1) for _ in range(3)]
mu = [[0.0] * 3 for _ in range(2)]
mv = [0.0] * 3
rows = [([0.5, 1.0], 1.0), ([1.0, -0.5], 0.0), ([0.25, 0.5], 1.0)]
for _ in range(20):
    for x, t in rows:
        h = [0.0] * 3
        for j in range(3):
            h[j] = math.tanh(x[0] * u[0][j] + x[1] * u[1][j])
        y = 1 / (1 + math.exp(-sum(h[j] * v[j] for j in range(3))))
        loss = -t * math.log(y) - (1 - t) * math.log(1 - y)
        e = y - t
        d = [e * v[j] * (1 - h[j] ** 2) for j in range(3)]
        for j in range(3):
            mv[j] = 0.2 * e * h[j] + 0.5 * mv[j]
            v[j] -= mv[j]
        for i in range(2):
            for j in range(3):
                mu[i][j] = 0.2 * d[j] * x[i] + 0.5 * mu[i][j]
                u[i][j] -= mu[i][j]
"""


ALONE = "gP = X.T.dot(dH) + lam * P", "gP = lam * P"
UNNAMED = "loss = 0.5 * len(X) * np.sum(D ** 2)", "print(0.5 * len(X) * np.sum(D ** 2))"
MOMENTUM = (
    ("step, lam", "V, w, u = np.zeros_like(P), np.zeros_like(q), np.zeros_like(R)\nstep, lam"),
    ("gR = H.T.dot(D) + lam * R", "u = 0.8 * u - step * H.T.dot(D)"),
    ("gP = X.T.dot(dH) + lam * P", "V = 0.8 * V - step * P"),
    ("R -= step * gR", "R += u"),
    ("P -= step * gP", "P += V"),
    ("q -= step * dH.sum(axis=0)", "w = 0.8 * w - step * dH.sum(axis=0)\n    q += w"),
)
WITHOUT = {
    "decay": (BESIDE_DECAYS, (ALONE,), 12),
    "decay by no loss": (BESIDE_DECAYS, (ALONE, UNNAMED), 12),
    "velocity": (BESIDE_DECAYS, MOMENTUM, 13),
    "data": (OF_TABLES, (("0.2 * d[j] * x[i]", "0.2 * x[i]"),), 23),
}


@pytest.mark.parametrize(("text", "edits", "line"), WITHOUT.values(), ids=WITHOUT)
def test_an_update_without_the_gradient_is_blamed(
    text: str, edits: tuple[tuple[str, str], ...], line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, text, *edits)
    assert blamed_first(report) == ("script.py", line), str(report)


@pytest.mark.parametrize("text", [BESIDE_DECAYS, OF_TABLES], ids=["decay", "data"])
def test_with_it_the_update_is_right(text: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, text)
    assert report.exit_code == 0, str(report)


OWN = ("gP = X.T.dot(dH) + lam * P\n", "pass\n"), ("P -= step * gP", "P *= 0.999")
DRIFT = ("gP = X.T.dot(dH) + lam * P\n", "pass\n"), ("P -= step * gP", "P += 0.02 * drift")


@pytest.mark.parametrize("edits", [OWN, (*DRIFT, ("step, lam", "drift = X[:4, :1]\nstep, lam"))])
def test_what_has_a_rate_of_its_own_is_not_blamed(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, BESIDE_DECAYS, *edits)
    assert not report.blames, str(report)


OVER_ROOTS = """import numpy as np
rng = np.random.default_rng(8)
X, T = rng.normal(size=(14, 4)), rng.normal(size=(14, 2))
net = {"w": rng.normal(size=(4, 2)), "b": np.zeros(2)}
kept = {k: np.zeros_like(e) for k, e in net.items()}
rho = 0.9
for n in range(8):
    d = (X @ net["w"] + net["b"] - T) / len(X)
    loss = 0.5 * len(X) * np.sum(d ** 2)
    grads = {"w": X.T @ d, "b": d.sum(axis=0)}
    for k, g in grads.items():
        kept[k] = rho * kept[k] + (1 - rho) * g ** 2
        net[k] -= 0.01 * g / np.sqrt(kept[k] + 1e-6)
"""
KEEP, STEP = (f"{each}\n" for each in OVER_ROOTS.splitlines()[-2:])
LATE = (KEEP + STEP, STEP + KEEP)


@pytest.mark.parametrize(
    ("edits", "blamed"),
    [
        ((("(1 - rho) * g ** 2", "1 - rho"),), (12, "no square")),
        ((LATE,), (12, "before")),
        ((LATE, ("rho * kept[k] + (1 - rho) *", "kept[k] +")), (12, "before")),
    ],
    ids=["of 1", "before", "sum before"],
)
def test_a_mean_without_the_square_of_the_gradient_is_blamed(
    edits: tuple[tuple[str, str], ...], blamed: tuple[int, str], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, OVER_ROOTS, *edits)
    told = [(each.line, each.accused.cause.kind) for each in report.blames]
    assert told == [blamed], str(report)


@pytest.mark.parametrize(
    "edits",
    [
        (),
        (LATE, ("zeros_like", "ones_like")),
        (LATE, ("1e-6", "1.0")),
        (("(1 - rho) * g ** 2", "1"), ("rho * kept", "kept")),
        (
            (STEP, f"        one[k] = rho * one[k] + (1 - rho)\n{STEP}"),
            ("rho = 0.9", "rho, one = 0.9, {k: 0 * e for k, e in net.items()}"),
            ("kept[k] + 1e-6", "kept[k] / one[k] + 1e-6"),
        ),
    ],
    ids=["right", "begun", "large", "count", "corrected"],
)
def test_what_is_kept_otherwise_may_be_meant(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, OVER_ROOTS, *edits)
    assert not report.blames, str(report)


RECURRENT = """import numpy as np
rng = np.random.default_rng(4)
X, Y = rng.normal(size=(6, 3, 1)), rng.normal(size=(6, 2, 1))
A, B, C = rng.normal(size=(4, 3)), rng.normal(size=(4, 4)) * 0.5, rng.normal(size=(2, 4))

def grads(s0):
    s, e, loss = {-1: np.copy(s0)}, {}, 0
    for t in range(3):
        s[t] = np.tanh(A @ X[t] + B @ s[t - 1])
        e[t] = C @ s[t] - Y[t]
        loss += 0.5 * np.sum(e[t] ** 2)
    gA, gB, gC, back = np.zeros_like(A), np.zeros_like(B), np.zeros_like(C), np.zeros_like(s0)
    for t in (2, 1, 0):
        gC += e[t] @ s[t].T
        d = (C.T @ e[t] + back) * (1 - s[t] ** 2)
        gA += d @ X[t].T
        gB += d @ s[t - 1].T
        back = B.T @ d
    return loss, (gA, gB, gC), s[2]

state = rng.normal(size=(4, 1))
for n in range(6):
    loss, several, state = grads(state)
    for w, g in zip((A, B, C), several):
        w -= 0.01 * g
"""


def test_the_state_that_a_recurrence_begins_with_is_no_parameter(tmp_path: Path) -> None:
    report = run_edited(tmp_path, RECURRENT)
    assert report.exit_code == 0, str(report)


BY_ITSELF = """import numpy as np
rng = np.random.default_rng(9)
X, T = rng.normal(size=(14, 4)), rng.normal(size=(14, 2))

def slopes(w, b):
    d = (X @ w + b - T) / len(X)
    print("loss", 0.5 * len(X) * np.sum(d ** 2))
    return [X.T @ d, d.sum(axis=0)]

net = [rng.normal(size=(4, 2)), np.zeros(2)]
kept = [np.zeros_like(e) for e in net]
for n in range(8):
    for i, g in enumerate(slopes(*net)):
        kept[i] = 0.8 * kept[i] - 0.1 * g
        net[i] = net[i] + kept[i]
"""
KEPT, MOVED = BY_ITSELF.splitlines()[-2:]


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        (((KEPT, "        pass"), ("net[i] + kept[i]", "net[i] - 0.1 * net[i]")), 15),
        (((" - 0.1 * g", ""),), 14),
    ],
    ids=["decay", "velocity"],
)
def test_all_that_is_moved_by_itself_while_its_gradients_are_unused_is_blamed(
    edits: tuple[tuple[str, str], ...], line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, BY_ITSELF, *edits)
    assert blamed_first(report) == ("script.py", line), str(report)


@pytest.mark.parametrize("edit", [(MOVED, "        pass"), ("X.T @ d,", "X.T @ d ** 2,")])
def test_what_is_not_moved_by_itself_or_has_no_gradient_is_not(
    edit: tuple[str, str], tmp_path: Path
) -> None:
    assert run_edited(tmp_path, BY_ITSELF).exit_code == 0
    with pytest.raises(NothingTrainedError):
        run_edited(tmp_path, BY_ITSELF, (" - 0.1 * g", ""), edit)


WITH_BIAS = (
    ("v = [random.uniform(-1, 1) for _ in range(3)]", "v = [random.uniform(-1, 1) for _ in h0]"),
    ("mv = [0.0] * 3", "mv = [0.0] * 4"),
    ("\nu = [[", "\nh0 = 1, 2, 3, 4\nu = [["),
    ("for j in range(3))))", "for j in range(3)) - v[3]))"),
    (
        "            v[j] -= mv[j]\n",
        "            v[j] -= mv[j]\n        mv[3] = 0.2 * e + 0.5 * mv[3]\n",
    ),
    ("        for i in", "        v[3] -= mv[3]\n        for i in"),
)
ENTRY = "            mv[j] = 0.2 * e * h[j] + 0.5 * mv[j]\n", "            v[j] -= mv[j]\n"


def test_an_entry_that_is_moved_before_what_is_kept_for_it_is_written_is_blamed(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, OF_TABLES, *WITH_BIAS).exit_code == 0
    swapped = ENTRY[0] + ENTRY[1], ENTRY[1] + ENTRY[0]
    report = run_edited(tmp_path, OF_TABLES, *WITH_BIAS, swapped)
    assert blamed_first(report) == ("script.py", 20), str(report)
