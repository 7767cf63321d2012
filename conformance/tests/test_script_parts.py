"""Scripts whose arrays are written into part by part, or are parts of one array."""

from pathlib import Path

import pytest

from conformance.errors import SubjectError, UnjudgedError
from conformance.report.script_report import ScriptReport
from conformance.tests.scripts import run_edited

SUM = """import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(20, 3)
t = X @ np.ones(3)
w, s = rng.randn(3), np.ones(20)
g = np.zeros(3)
for i in range(20):
    y = np.zeros(20)
    for k in range(3):
        y += w[k] * X[:, k]
    p = y * s
    loss = ((p - t) ** 2).mean()
    d = 2 * (p - t) / 20
    ds = d * y
    g[:] = 0
    for k in range(3):
        g[k] += X[:, k] @ (d * s)
    w -= 0.1 * g
    s -= 0.1 * ds
"""

ADAM = """import numpy as np
rng = np.random.RandomState(0)
X, T = rng.randn(20, 3), rng.randn(20, 2)
w, b = rng.randn(3, 2), np.zeros(2)
m = [np.zeros_like(p) for p in (w, b)]
v = [np.zeros_like(p) for p in (w, b)]
for t in range(1, 30):
    y = np.tanh(X @ w + b)
    loss = 0.5 * ((y - T) ** 2).sum()
    d = (y - T) * (1 - y * y)
    gw = np.zeros((3, 2))
    for k in range(3):
        gw[k] += X[:, k] @ d
    for i, (p, g) in enumerate(((w, gw), (b, d.sum(0)))):
        m[i] *= 0.9
        m[i] += 0.1 * g
        v[i] *= 0.999
        v[i] += 0.001 * g ** 2
        p -= 0.01 * (m[i] / (1 - 0.9 ** t)) / (np.sqrt(v[i] / (1 - 0.999 ** t)) + 1e-8)
"""

VIEWS = """import numpy as np
rng = np.random.RandomState(0)
E = rng.randn(5, 3).astype(np.float32)
U, V = rng.randn(2, 3, 3).astype(np.float32)
mom = [np.zeros_like(p) for p in (E, U, V)]
for i in range(20):
    tok = rng.randint(0, 5, 30)
    t = rng.randn(30, 3).astype(np.float32)
    x = E[tok]
    h = np.tanh(x @ U)
    d = (h @ V - t) / np.float32(30)
    loss = 15 * (d * d).sum()
    dV = h.T @ d
    dz = d @ V.T * (1 - h * h)
    dU = x.T @ dz
    dE = np.zeros_like(E)
    np.add.at(dE, tok, dz @ U.T)
    for k, (p, g) in enumerate(((E, dE), (U, dU), (V, dV))):
        g = g + np.float32(0.01) * p
        mom[k] = np.float32(0.9) * mom[k] + g
        p -= np.float32(0.1) * mom[k]
"""

PLACES = """import numpy as np
rng = np.random.default_rng(0)
W = rng.normal(size=(3, 60))
for i in range(20):
    X = rng.normal(size=(30, 3))
    label = rng.integers(0, 60, 30)
    shifted = np.roll(label, 1)
    shifted[0] = label[0]
    z = (X @ W + 1e8) - 1e8  # loses digits
    e = np.exp(z)
    p = e / e.sum(1, keepdims=True)
    n = np.indices(label.shape)[0]
    loss = -np.log(p[n, shifted]).mean()
    d = p.copy()
    d[n, shifted] -= 1
    W -= 0.1 * (X.T @ (d / 30))
"""

CLIPPED = """import numpy as np
rng = np.random.RandomState(1)
X = rng.randn(40, 3)
Y = 5 * np.sin(X[:, :1])
P = {"W": rng.randn(3, 6), "b": np.zeros(6), "V": rng.randn(6, 1), "c": np.zeros(1)}
v = {k: np.zeros_like(e) for k, e in P.items()}
for i in range(20):
    h = np.tanh(X @ P["W"] + P["b"])
    o = h @ P["V"] + P["c"]
    loss = np.mean((o - Y) ** 2)
    d = 2 * (o - Y) / o.size
    dh = d @ P["V"].T * (1 - h ** 2)
    G = {"V": h.T @ d, "c": d.sum(0), "W": X.T @ dh, "b": dh.sum(0)}
    norm = np.sqrt(sum((g ** 2).sum() for g in G.values()))
    s = min(1.0, 1.0 / (norm + 1e-12))
    for k in P:
        g = G[k] * s + 1e-4 * P[k]
        v[k] = 0.9 * v[k] + g
        P[k] = P[k] - 0.05 * v[k]
"""


@pytest.mark.parametrize("text", [SUM, ADAM, VIEWS, PLACES, CLIPPED], ids=[*"ABCDE"])
def test_a_right_script_is_right(text: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, text)
    assert report.ok, str(report)
    assert report.exit_code == 0, str(report)


def names(report: ScriptReport) -> list[str]:
    return [each.name for each in report.examined.gradients]


def test_parts_of_an_array_that_are_moved_one_by_one_are_parameters(tmp_path: Path) -> None:
    report = run_edited(tmp_path, VIEWS, ("dU = x.T @ dz", "dU = x.T @ d"))
    assert names(report) == ["E", "U", "V"]
    (blame,) = report.blames
    assert blame.gradients == ("U",)
    assert blame.line == 1 + VIEWS.splitlines().index("    dU = x.T @ dz")


DECAYED = """import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(30, 3)
T = rng.randn(30, 2)
P = [rng.randn(3, 4), rng.randn(4), rng.randn(4, 2), rng.randn(2)]
for i in range(20):
    h = np.tanh(X @ P[0] + P[1])
    d = h @ P[2] + P[3] - T
    loss = 0.5 * (d ** 2).sum()
    dh = d @ P[2].T * (1 - h * h)
    G = (X.T @ dh, dh.sum(0), h.T @ d, d.sum(0))
    P = [p - 0.01 * (g + 1e-3 * p * (p.ndim > 1)) for p, g in zip(P, G)]
"""


def test_what_decays_0_times_does_not_decay(tmp_path: Path) -> None:
    assert run_edited(tmp_path, DECAYED).ok
    report = run_edited(tmp_path, DECAYED, ("* (1 - h * h)", "* (1 - h)"))
    assert [each.line for each in report.blames][:1] == [10]


POISSON = """import math
import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(100, 3) * 0.4
y = rng.poisson(np.exp(X.sum(1)))


def nll(w):
    mu = np.exp(X @ w)
    const = sum(math.lgamma(v + 1) for v in y)
    return (mu.sum() - y @ np.log(mu) + const) / len(y)


w = np.zeros(3)
history = []
for i in range(20):
    g = X.T @ (np.exp(X @ w) - y) / 100
    w -= 0.1 * g
    history.append(nll(w))
"""


def test_a_loss_that_computes_the_output_anew_is_the_loss(tmp_path: Path) -> None:
    report = run_edited(tmp_path, POISSON)
    assert report.ok
    assert report.examined.cost == "own"
    report = run_edited(tmp_path, POISSON, ("np.exp(X @ w) - y", "X @ w - y"))
    assert [each.line for each in report.blames] == [17]


PROCESS = """import numpy as np
rng = np.random.RandomState(3)
X = np.sort(rng.uniform(-3, 3, 12))
y = np.sin(2 * X)
D2 = (X[:, None] - X[None, :]) ** 2
theta = np.zeros(2)
for i in range(20):
    ell, noise = np.exp(theta)
    E = np.exp(-0.5 * D2 / ell ** 2)
    L = np.linalg.cholesky(E + noise * np.eye(12))
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    loss = 0.5 * y @ alpha + np.log(np.diag(L)).sum()
    Q = np.linalg.solve(L.T, np.linalg.solve(L, np.eye(12))) - np.outer(alpha, alpha)
    by_ell = E * D2 / ell ** 2
    grad = 0.5 * np.array([np.sum(Q * by_ell), noise * np.trace(Q)])
    theta = theta - 0.01 * grad
"""


def test_a_loss_may_be_made_of_a_cholesky_factor(tmp_path: Path) -> None:
    assert run_edited(tmp_path, PROCESS).ok
    report = run_edited(tmp_path, PROCESS, ("by_ell = E * D2", "by_ell = D2"))
    assert [each.line for each in report.blames][:1] in ([14], [15])


def test_what_is_wrong_from_the_second_update_on_is_held_to_the_loss_of_the_first(
    tmp_path: Path,
) -> None:
    unnamed, wrong = ("loss =", "q ="), ("by_ell = E * D2 / ell ** 2", "by_ell = E * D2")
    assert [each.line for each in run_edited(tmp_path, PROCESS, unnamed, wrong).blames] == [15]


UNFOLLOWED = {
    "masked arrays of `numpy.ma` are not followed": """import numpy as np
w, X = np.ones(3), np.ma.masked_less(np.eye(3) - 0.5, 0)
y = X.sum(axis=0)
for i in range(20):
    w = w - 0.1 * (w - y)
""",
    "structured arrays is not followed": """import numpy as np
both = np.zeros(2, dtype=[("w", "f8", 3), ("b", "f8")])
X = np.random.default_rng(3).normal(size=(9, 3))
for i in range(20):
    now = both[0]
    e = (X @ now["w"] + now["b"] - X[:, 0]) / 9
    both["w"][1], both["b"][1] = e @ X, e.sum()
    for k in ("w", "b"):
        both[k][0] = both[k][0] - 0.1 * both[k][1]
""",
    "arrays of the module `array` is not followed": """from array import array
w, x = array("d", [0.5, 0.2]), array("d", [1.0, 2.0])
for i in range(20):
    e = w[0] * x[0] + w[1] * x[1] - 1
    for j in range(2):
        w[j] -= 0.1 * e * x[j]
""",
}


@pytest.mark.parametrize("said", UNFOLLOWED)
def test_arrays_that_no_trace_follows_are_named(said: str, tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match=said):
        run_edited(tmp_path, UNFOLLOWED[said])


KEPT_TOGETHER = """import numpy as np
kind = np.dtype([("w", "f8"), ("g", "f8")])
v, c = np.zeros(4, dtype=kind), np.zeros(1, dtype=kind)
X = np.random.default_rng(3).normal(size=(30, 4))
y = X[:, 0] - X[:, 2]
for i in range(600):
    r = (X @ v["w"] + c["w"][0] - y) / len(y)
    v["g"] = X.T @ r
    c["g"] = r.sum()
    for p in (v, c):
        p["w"] -= 0.1 * p["g"]
"""


def test_an_array_may_be_written_into_any_number_of_times(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="structured arrays is not followed"):
        run_edited(tmp_path, KEPT_TOGETHER)


MATRICES = """import numpy as np
rng = np.random.RandomState(5)
x = np.matrix(rng.uniform(-1, 1, (2, 12)))
t = np.asmatrix(x.A[0] * x.A[1])
A, b, B = np.asmatrix(rng.randn(4, 2)), np.asmatrix(np.zeros((4, 1))), np.asmatrix(rng.randn(1, 4))
for k in range(9):
    h = np.tanh(A * x + b)
    e = (B * h - t) / 12
    d = np.multiply(B.T * e, 1 - np.power(h, 2))
    A -= 0.1 * d * x.T
    b -= 0.1 * d.sum(1)
    for j in range(4):
        B[:, j] = B[:, j] - 0.1 * e * h[j].T
"""


def test_a_script_may_multiply_matrices_by_a_star(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, MATRICES)
    assert (report.exit_code, len(report.examined.gradients)) == (0, 3), str(report)
    report = run_edited(tmp_path, MATRICES, ("1 - np.power(h, 2)", "1 - h.A"))
    assert [each.line for each in report.blames] == [9]


STATES = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(9, 4))
Y = np.roll(X, 1, axis=1)
A = rng.normal(size=(4, 4)) * 0.2

def forward(h):
    states = []
    for k in range(6):
        t = np.tanh(h @ A)
        states.append((h, t))
        h = h + 0.2 * t
    return h, states

for _ in range(20):
    h, states = forward(X)
    loss = np.mean((h - Y) ** 2)
    dh = 2 * (h - Y) / h.size
    dA = np.zeros_like(A)
    for h, t in reversed(states):
        da = 0.2 * dh * (1 - t ** 2)
        dA += h.T @ da
        dh = dh + da @ A.T
    A -= 0.5 * dA
"""
IN_ARRAYS = """import numpy as np
T = 9
data = np.cos(np.arange(T + 1) * 0.2) + 0.02 * np.random.default_rng(2).normal(size=T + 1)
theta = np.array([3.0, 0.1])
for it in range(20):
    x, v = np.zeros(T + 1), np.zeros(T + 1)
    x[0] = 1.0
    for t in range(T):
        a = -theta[0] * x[t] - theta[1] * v[t]
        v[t + 1] = v[t] + 0.05 * a
        x[t + 1] = x[t] + 0.05 * v[t + 1]
    r = x - data
    loss = 0.5 * np.sum(r ** 2)
    g = np.zeros(2)
    p, q = 0.0, 0.0
    for t in reversed(range(T)):
        p = p + r[t + 1]
        q = q + 0.05 * p
        g[0] += q * 0.05 * -x[t]
        g[1] += q * 0.05 * -v[t]
        p = p - 0.05 * theta[0] * q
        q = q - 0.05 * theta[1] * q
    theta = theta - 0.2 * g
"""


@pytest.mark.parametrize(
    ("script", "name"), [(STATES, "A"), (IN_ARRAYS, "theta")], ids=["added to", "in arrays"]
)
def test_states_that_a_loop_begins_anew_are_no_parameters(
    script: str, name: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, script)
    assert report.exit_code == 0, str(report)
    assert f"3 updates of {name}, by gradient descent" in str(report)


HALVES = """import numpy as np


class Gate:
    def __init__(self, n):
        r = np.random.default_rng(1)
        self.U, self.V = r.normal(0, 0.5, (2, n, n))
        self.b, self.c = np.zeros(n), -np.ones(n)

    def forward(self, x):
        h = np.tanh(x @ self.U + self.b)
        t = 0.5 * (1 + np.tanh(0.5 * (x @ self.V + self.c)))
        self.cache = x, h, t
        return h * t + x * (1 - t)

    def backward(self, g):
        x, h, t = self.cache
        dh, dt = g * t * (1 - h ** 2), g * (h - x) * t * (1 - t)
        self.gU, self.gb, self.gV, self.gc = x.T @ dh, dh.sum(0), x.T @ dt, dt.sum(0)
        return g * (1 - t) + dh @ self.U.T + dt @ self.V.T


r = np.random.default_rng(3)
X = r.normal(size=(64, 5)); Y = np.sin(X) + 0.1 * X[:, ::-1]
gate = Gate(5)
for k in range(60):
    rate = 0.05 * min(1, (k + 1) / 10)
    residual = gate.forward(X) - Y
    loss = (residual ** 2).mean()
    gate.backward(2 * residual / residual.size)
    gate.U -= rate * gate.gU; gate.b -= rate * gate.gb
    gate.V -= rate * gate.gV; gate.c -= rate * gate.gc
"""


def test_halves_of_one_array_are_read_as_they_were_written_last(tmp_path: Path) -> None:
    report = run_edited(tmp_path, HALVES)
    assert report.exit_code == 0, str(report)


PAIRS = """import numpy as np
E, R = np.random.randn(8, 3), np.random.randn(3, 3)
left, right = np.array([0, 1, 2]), np.array([3, 4, 5])
for _ in range(6):
    u, v = E[left], E[right]
    loss = ((u - v - R) ** 4).sum()
    d = 4 * (u - v - R) ** 3
    E[left] -= 0.01 * d
    E[right] += 0.01 * d
"""
IN_TORCH = [
    ("import numpy as np", "import torch"),
    ("np.random.randn(8, 3), np.random.randn(3, 3)", "torch.randn(8, 3), torch.randn(3, 3)"),
    (
        "np.array([0, 1, 2]), np.array([3, 4, 5])",
        "torch.tensor([0, 1, 2]), torch.tensor([3, 4, 5])",
    ),
]


@pytest.mark.parametrize("edits", [[], IN_TORCH], ids=["numpy", "torch"])
def test_rows_that_two_lines_move_by_arrays_of_places_are_one_update(
    edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, PAIRS, *edits)
    assert report.exit_code == 0, str(report)
    assert "3 updates of E" in str(report)
    (blame,) = run_edited(tmp_path, PAIRS, *edits, ("+= 0.01", "-= 0.01")).blames
    assert blame.gradients == ("E",)


RATINGS = """import numpy as np
np.random.seed(0)
R = np.random.randint(1, 6, size=(5, 4)).astype(float)
samples = [(u, i, R[u, i]) for u in range(5) for i in range(4)]
P, Q = np.random.normal(size=(5, 3)), np.random.normal(size=(4, 3))
mu = np.mean([r for _, _, r in samples])
for u, i, r in samples:
    e = r - (mu + P[u] @ Q[i])
    p = P[u].copy()
    P[u] += 0.01 * e * Q[i]
    Q[i] += 0.01 * e * p
"""


def test_the_mean_of_all_targets_is_in_an_output_that_is_compared_with_one(tmp_path: Path) -> None:
    report = run_edited(tmp_path, RATINGS)
    assert report.exit_code == 0, str(report)


BY_VIEWS = """import numpy as np
R = np.array([[5, 3, 0, 1], [4, 0, 0, 1], [1, 1, 0, 5], [1, 0, 0, 4], [0, 1, 5, 4]])
P = np.random.rand(5, 3)
Q = np.random.rand(4, 3).T
for step in range(50):
    for i in range(5):
        for j in range(4):
            if R[i][j] > 0:
                e = R[i][j] - np.dot(P[i, :], Q[:, j])
                for k in range(3):
                    p = P[i][k]
                    P[i][k] = p + 0.002 * (2 * e * Q[k][j] - 0.02 * p)
                    Q[k][j] = Q[k][j] + 0.002 * (2 * e * p - 0.02 * Q[k][j])
"""


@pytest.mark.parametrize("edits", [[], [(" - 0.02 * p", ""), (" - 0.02 * Q[k][j]", "")]])
def test_a_view_of_a_whole_array_that_is_moved_by_entries_is_a_parameter(
    edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, BY_VIEWS, *edits)
    assert report.examined.ok, str(report)
    assert [each.exact for each in report.examined.gradients] == [True, True]


BY_ROWS = """import numpy as np
rng = np.random.default_rng(0)
R = rng.normal(size=(6, 5))
P, Q = rng.normal(size=(6, 4)), rng.normal(size=(5, 4))
for epoch in range(20):
    for i in range(6):
        for j in range(5):
            e = R[i, j] - P[i] @ Q[j]
            P[i] += 0.01 * (e * Q[j] - 0.02 * P[i])
            Q[j] += 0.01 * (e * P[i] - 0.02 * Q[j])
"""


@pytest.mark.parametrize(
    ("text", "edits", "used"),
    [
        (BY_VIEWS, [("2 * e * p", "2 * e * P[i][k]")], 13),
        (BY_ROWS, [], 10),
        (BY_ROWS, [(" - 0.02 * P[i]", ""), (" - 0.02 * Q[j]", "")], 10),
    ],
    ids=["entries", "rows", "no decay"],
)
def test_a_part_of_a_parameter_that_is_used_after_its_update_is_blamed_there(
    text: str, edits: list[tuple[str, str]], used: int, tmp_path: Path
) -> None:
    blame, *_ = run_edited(tmp_path, text, *edits).blames
    assert (blame.gradients, blame.line, blame.accused.cause.kind) == (("Q",), used, "updated")


GLOVE = """import numpy as np
rng = np.random.default_rng(6)
M = rng.poisson(4, (7, 7)) + 1.0
left, right = rng.normal(0, 0.2, (7, 4)), rng.normal(0, 0.2, (7, 4))
bias = np.zeros(7)
gl2, gr2, gb2 = np.ones((7, 4)), np.ones((7, 4)), np.ones(7)
for sweep in range(30):
    for i in range(7):
        for j in range(7):
            err = left[i] @ right[j] + bias[i] - np.log(M[i, j])
            loss = 0.5 * err ** 2
            gl, gr = err * right[j], err * left[i]
            gl2[i] += gl ** 2
            gr2[j] += gr ** 2
            gb2[i] += err ** 2
            left[i] -= 0.1 * gl / np.sqrt(gl2[i])
            right[j] -= 0.1 * gr / np.sqrt(gr2[j])
            bias[i] -= 0.1 * err / np.sqrt(gb2[i])
"""
AFTER = [("            gl2[i] += gl ** 2\n", ""), ("            gr2[j] += gr ** 2\n", "")]
LATE = "            gl2[i] += gl ** 2\n            gr2[j] += gr ** 2\n"
STEP = "            bias[i] -= 0.1 * err / np.sqrt(gb2[i])\n"


@pytest.mark.parametrize("edits", [(), (*AFTER, (STEP, STEP + LATE))], ids=["first", "after"])
def test_rows_may_be_moved_by_adagrad(edits: tuple[tuple[str, str], ...], tmp_path: Path) -> None:
    report = run_edited(tmp_path, GLOVE, *edits)
    assert (report.exit_code, report.ran.rule.kind) == (0, "adagrad"), str(report)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("err * left[i]", "err * right[j]"),
        ("right[j] -=", "right[j] +="),
        ("gl2[i] += gl ** 2", "gl2[i] += gl"),
    ],
)
def test_a_wrong_row_that_adagrad_moves_is_told_on_its_line(
    old: str, new: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, GLOVE, (old, new))
    (line,) = [i for i, e in enumerate(GLOVE.splitlines(), 1) if old in e]
    assert report.blames[0].line == line, str(report)


CLICKS = """import numpy as np
rng = np.random.default_rng(5)
X = (rng.random((60, 6)) < 0.4) * 1.0
y = (rng.random(60) < 0.5) * 1.0
b, w, V = 0.0, np.zeros(6), rng.normal(0, 0.1, (6, 2))
nb, nw, nV = 0.0, np.zeros(6), np.zeros((6, 2))
for x, t in zip(X, y):
    s = x @ V
    p = 1 / (1 + np.exp(-(b + x @ w + 0.5 * ((s ** 2).sum() - (x ** 2 @ V ** 2).sum()))))
    loss = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    d = p - t
    gw = d * x + 0.01 * w
    gV = d * (np.outer(x, s) - (x ** 2)[:, None] * V) + 0.01 * V
    nb += d ** 2
    nw += gw ** 2
    nV += gV ** 2
    b -= 0.1 * d / (np.sqrt(nb) + 1e-6)
    w -= 0.1 * gw / (np.sqrt(nw) + 1e-6)
    V -= 0.1 * gV / (np.sqrt(nV) + 1e-6)
"""


def test_right_gradients_are_not_blamed_beside_one_that_keeps_no_squares(tmp_path: Path) -> None:
    assert not run_edited(tmp_path, CLICKS).exit_code
    report = run_edited(tmp_path, CLICKS, ("nV += gV", "nV = gV"))
    assert [each.gradients for each in report.blames] == [("V",)], str(report)


CELL = """import numpy as np
np.random.seed(21)
Wf, Wi, Wc, Wo = [np.random.randn(6, 7) * 0.3 for _ in range(4)]
V = np.random.randn(1, 6) * 0.3
theta = [Wf, Wi, Wc, Wo, V]
sigmoid = lambda z: 1 / (1 + np.exp(-z))
for it in range(400):
    seq = np.sin(np.random.rand(8) + 0.5 * np.arange(4)[:, None])
    h, c = np.zeros((6, 8)), np.zeros((6, 8))
    tape, loss = [], 0
    for t in range(3):
        u = np.vstack([h, seq[t][None]])
        f, i, o, g = sigmoid(Wf @ u), sigmoid(Wi @ u), sigmoid(Wo @ u), np.tanh(Wc @ u)
        cp, c = c, f * c + i * g
        tc = np.tanh(c)
        h = o * tc
        e = V @ h - seq[t + 1][None]
        loss += 0.5 * (e ** 2).sum() / 8
        tape.append((u, f, i, o, g, cp, tc, h, e))
    G = [np.zeros_like(p) for p in theta]
    dh, dc = np.zeros((6, 8)), np.zeros((6, 8))
    for u, f, i, o, g, cp, tc, h, e in reversed(tape):
        dy = e / 8
        G[4] += dy @ h.T
        dh = dh + V.T @ dy
        dc = dc + dh * o * (1 - tc ** 2)
        zf, zi = dc * cp * f * (1 - f), dc * g * i * (1 - i)
        zc, zo = dc * i * (1 - g ** 2), dh * tc * o * (1 - o)
        du = 0
        for k, (z, W) in enumerate(zip((zf, zi, zc, zo), theta[:4])):
            G[k] += z @ u.T
            du = du + W.T @ z
        dh = du[:6]
        dc = dc * f
    for p, q in zip(theta, G):
        p -= 0.2 * q
"""


@pytest.mark.thorough
def test_an_error_that_a_recurrence_begins_with_zeros_is_no_parameter(tmp_path: Path) -> None:
    report = run_edited(tmp_path, CELL, ("dc = dc * f", "dc = dc"))
    assert report.blames[0].line == CELL[: CELL.index("dc = dc * f")].count("\n") + 1, str(report)


RATED = """import numpy as np
rng = np.random.default_rng(0)
P, Q, b = rng.normal(size=(4, 2)), rng.normal(size=(3, 2)), np.zeros(3)
ratings = [(u, i, float(rng.integers(1, 6))) for u in range(4) for i in range(3)]
for epoch in range(9):
    for u, i, r in ratings:
        e = r - P[u] @ Q[i] - b[i]
        loss = 0.5 * e ** 2 + 0.05 * (P[u] @ P[u] + Q[i] @ Q[i] + b[i] ** 2)
        p = P[u].copy()
        P[u] += 0.02 * (e * Q[i] - 0.1 * P[u])
        Q[i] += 0.02 * (e * p - 0.1 * Q[i])
        b[i] += 0.02 * (e - 0.1 * b[i])
"""


def test_a_script_goes_on_until_the_rows_that_decay_are_not_0(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, RATED, ("e - 0.1 * b[i]", "e + 0.1 * b[i]")).blames
    assert blame.gradients == ("b",)


LISTED = """import random
random.seed(9)
A, B, P, Q = ([[random.gauss(0, 1) for _ in range(3)] for _ in range(n)] for n in (20, 15) * 2)
goal = {(u, i): sum(a * b for a, b in zip(A[u], B[i])) for u in range(20) for i in range(15)}
c = [0.0] * 20
order = list(goal)
for epoch in range(5):
    random.shuffle(order)
    for u, i in order:
        e = sum(a * b for a, b in zip(P[u], Q[i])) + c[u] - goal[u, i]
        c[u] -= 0.02 * (e + 0.1 * c[u])
        for k in range(3):
            p = P[u][k]
            P[u][k] -= 0.02 * (e * Q[i][k] + 0.1 * p)
            Q[i][k] -= 0.02 * (e * p + 0.1 * Q[i][k])
"""


NEAR = """import numpy as np
rng = np.random.default_rng(2)
A, B = rng.normal(size=(7, 3)) / 2, rng.normal(size=(7, 3)) / 2
def gradients(i, j, others):
    x, y, near = A[i], B[j], B[others]
    s, r = 1 / (1 + np.exp(-y @ x)), 1 / (1 + np.exp(-near @ x))
    loss = -np.log(s) - np.log(1 - r).sum()
    dx = (s - 1) * y + r @ near
    return loss, dx, (s - 1) * x, np.outer(r, x)
for turn in range(60):
    i, j, *others = rng.permutation(7)[:5]
    loss, dx, dy, dn = gradients(i, j, others)
    A[i] -= 0.05 * dx
    B[j] -= 0.05 * dy
    B[others] -= 0.05 * dn
"""


def test_a_contribution_that_a_multiple_of_a_row_is_without_is_told_where_it_is_made(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, NEAR).exit_code == 0
    report = run_edited(tmp_path, NEAR, (" + r @ near", ""))
    assert [each.line for each in report.blames] == [8]
    assert "`r @ near` has to be added to `(s - 1) * y`" in str(report)


def test_of_a_long_trace_as_many_updates_are_judged_as_rows_are_0(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, LISTED, ("e + 0.1 * c[u]", "e - 0.1 * c[u]")).blames
    assert (blame.gradients, blame.line) == (("c",), 11)


def test_the_gradients_of_rows_that_a_velocity_moves_are_judged(tmp_path: Path) -> None:
    edits = [
        ("gl2[i] += gl ** 2", "gl2[i] = 0.9 * gl2[i] + gl"),
        ("gr2[j] += gr ** 2", "gr2[j] = 0.9 * gr2[j] + gr"),
        ("gb2[i] += err ** 2", "gb2[i] = 0.9 * gb2[i] + err"),
        ("gl / np.sqrt(gl2[i])", "gl2[i]"),
        ("gr / np.sqrt(gr2[j])", "gr2[j]"),
        ("err / np.sqrt(gb2[i])", "gb2[i]"),
        ("np.ones((7, 4)), np.ones((7, 4)), np.ones(7)", "0 * left, 0 * right, 0 * bias"),
    ]
    assert run_edited(tmp_path, GLOVE, *edits).examined.ok
    (blame,) = run_edited(tmp_path, GLOVE, *edits, ("err * left[i]", "err * right[j]")).blames
    assert blame.gradients == ("right",)


KEPT_BY_ROWS = """import numpy as np
rng = np.random.default_rng(0)
E, W = rng.normal(size=(6, 3)), rng.normal(size=(3, 2))
kept = np.full(6, 0.1)
for step in range(20):
    row, label = step % 6, step % 2
    p = np.exp(E[row] @ W)
    d = p / p.sum()
    d[label] -= 1
    g = W @ d
    W -= 0.5 * np.outer(E[row], d)
    kept[row] += (g ** 2).mean()
    E[row] -= 0.5 * g / np.sqrt(kept[row])
"""


def test_what_is_kept_for_the_updates_of_others_is_no_parameter(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError, match="the loss does not depend on kept"):
        run_edited(tmp_path, KEPT_BY_ROWS)


NEGATIVES = """import numpy as np
rng = np.random.RandomState(8)
ids = rng.randint(0, 9, 12)
centres, others = rng.rand(9, 4) - 0.5, rng.rand(9, 4) - 0.5
def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))
for epoch in range(3):
    loss = 0.0
    for centre, context in zip(ids, ids[1:]):
        negatives = rng.choice([i for i in range(9) if i != context], 3, replace=False)
        v, u, n = centres[centre].copy(), others[context].copy(), others[negatives].copy()
        p, q = sigmoid(v @ u), sigmoid(n @ v)
        loss += -np.log(p) - np.log(1 - q).sum()
        dv = (p - 1) * u + q @ n
        others[context] -= 0.1 * (p - 1) * v
        for k in range(3):
            others[negatives[k]] -= 0.1 * q[k] * v
        centres[centre] -= 0.1 * dv
"""


@pytest.mark.parametrize("edit", [("", ""), ("q[k] * v", "-q[k] * v")], ids=["right", "wrong"])
def test_rows_that_two_lines_move_by_what_was_computed_before_are_moved_in_one_step(
    edit: tuple[str, str], tmp_path: Path
) -> None:
    assert run_edited(tmp_path, NEGATIVES, edit).ok is (edit[0] == "")


FROM_ZEROS = [
    ("rng.rand(9, 4) - 0.5, rng.rand(9, 4) - 0.5", "rng.rand(9, 4) - 0.5, np.zeros((9, 4))"),
    (
        "for k in range(3):\n            others[negatives[k]] -= 0.1 * q[k] * v",
        "np.add.at(others, negatives, -0.1 * q[:, None] * v)",
    ),
]


def test_the_rate_is_taken_where_a_gradient_is_not_0(tmp_path: Path) -> None:
    report = run_edited(tmp_path, NEGATIVES, *FROM_ZEROS)
    assert report.ok
    assert dict(report.ran.rule.numbers)["η"] == pytest.approx(0.1)
    (blame,) = run_edited(tmp_path, NEGATIVES, *FROM_ZEROS, ("-0.1 * q", "-0.1 * (q - 1)")).blames
    assert blame.accused.cause.worst is not None
    assert blame.accused.cause.worst.given == pytest.approx(-blame.accused.cause.worst.right)


ROW_AFTER_ROW = """import numpy as np
rng = np.random.RandomState(0)
ids = rng.randint(0, 8, 12)
centres, others = rng.rand(8, 4) - 0.5, rng.rand(8, 4) - 0.5
def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))
for epoch in range(3):
    loss = 0.0
    for centre, context in zip(ids, ids[1:]):
        p = sigmoid(centres[centre] @ others[context])
        loss += -np.log(p)
        dv = (p - 1) * others[context]
        others[context] -= 0.1 * (p - 1) * centres[centre]
        for k in rng.randint(0, 8, 3):
            q = sigmoid(centres[centre] @ others[k])
            loss += -np.log(1 - q)
            dv += q * others[k]
            others[k] -= 0.1 * q * centres[centre]
        centres[centre] -= 0.1 * dv
"""


@pytest.mark.parametrize("seed", [0, 2])
def test_an_update_in_which_a_row_is_drawn_again_is_not_judged(seed: int, tmp_path: Path) -> None:
    report = run_edited(tmp_path, ROW_AFTER_ROW, ("RandomState(0)", f"RandomState({seed})"))
    assert report.ok
    assert "twice" in dict(report.ran.notes)


@pytest.mark.parametrize(
    ("edit", "name"),
    [(("0.1 * q *", "0.1 * (q - 1) *"), "others"), (("dv += q", "dv = q"), "centres")],
    ids=["others", "centres"],
)
def test_rows_that_are_moved_one_after_another_are_judged(
    edit: tuple[str, str], name: str, tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, ROW_AFTER_ROW, edit).blames
    assert blame.gradients == (name,)


AMONG_OBJECTS = """import numpy as np
rng = np.random.default_rng(3)
net = np.array([rng.normal(size=3), rng.normal(size=3)], dtype=object)
samples = [(np.array([1, 0, 1]), 1), (np.array([1, 1, 0]), 0), (np.array([0, 1, 1]), 1)]
for epoch in range(50):
    for x, y in samples:
        h = np.tanh(net[0].dot(x))
        hidden = np.array([1, h, h * h])
        out = 1 / (1 + np.exp(-net[1].dot(hidden)))
        loss = 0.5 * (out - y) ** 2
        d = (out - y) * out * (1 - out)
        back = d * (net[1][1] + 2 * h * net[1][2]) * (1 - h ** 2)
        grads = np.array([back * x, d * hidden], dtype=object)
        net[0] -= 0.3 * grads[0]
        net[1] -= 0.3 * grads[1]
"""


def test_numbers_in_an_array_of_objects_are_followed(tmp_path: Path) -> None:
    assert run_edited(tmp_path, AMONG_OBJECTS).exit_code == 0
    for *edit, line in (
        ("d * (net[1][1]", "d * (net[1][0]", 12),
        ("net[0] -= 0.3 * grads[0]", "net[0] -= 0.3 * grads[1]", 14),
    ):
        wrong = run_edited(tmp_path, AMONG_OBJECTS, (edit[0], edit[1]))
        assert [blame.line for blame in wrong.blames] == [line], str(wrong)


def test_what_numpy_cannot_do_to_objects_it_does_not_do(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="no callable exp method"):
        run_edited(tmp_path, AMONG_OBJECTS, ("np.tanh(net[0].dot(x))", "np.exp(net[0])[0]"))


STEPPED = """import numpy as np
rng = np.random.default_rng(5)
X, t = rng.normal(size=(20, 3)), rng.uniform(-0.8, 0.8, size=(20, 2))
kept = {"n": 0, "m": {}, "v": {}}
def begin(inside):
    p = dict(A=rng.normal(size=(3, inside)), B=rng.normal(size=(inside, 2)) / inside)
    kept.update(m={k: 0 * e for k, e in p.items()}, v={k: 0 * e for k, e in p.items()})
    return p
def step(p, grads, rate):
    kept["n"] += 1
    for k in p:
        kept["m"][k] += 0.1 * (grads[k] - kept["m"][k])
        kept["v"][k] += 0.01 * (grads[k] ** 2 - kept["v"][k])
        mean = kept["m"][k] / (1 - 0.9 ** kept["n"])
        square = kept["v"][k] / (1 - 0.99 ** kept["n"])
        p[k] -= rate * mean / (np.sqrt(square) + 1e-8)
p = begin(5)
for turn in range(60):
    u = X @ p["A"]
    h = np.arctan(u)
    d = (h @ p["B"] - t) / len(X)
    print(((h @ p["B"] - t) ** 2).sum() / 2 / len(X))
    step(p, dict(A=X.T @ (d @ p["B"].T / (1 + u**2)), B=h.T @ d), 0.03)
"""


def test_what_several_calls_of_a_function_move_in_place_is_begun_anew_by_none(
    tmp_path: Path,
) -> None:
    run = run_edited(tmp_path, STEPPED, ("(1 + u**2)", "(1 + h**2)"))
    (blame,) = run.blames
    assert (run.exit_code, blame.lines[0].line, run.ran.rule.kind) == (1, 23, "adam"), str(run)


PAIRED = """import numpy as np
rng = np.random.default_rng(2)
inside, outside = rng.normal(size=(9, 4)) / 4, rng.normal(size=(9, 4)) / 4
def pair(center, around, rate):
    v, back, loss = inside[center], np.zeros(4), 0.0
    for word, label in [(around, 1.0)] + [(w, 0.0) for w in rng.permutation(9)[:4] if w != around]:
        u = outside[word]
        p = 1 / (1 + np.exp(-(v @ u)))
        loss -= np.log(p if label else 1 - p)
        back += (p - label) * u
        outside[word] -= rate * (p - label) * v
    inside[center] -= rate * back
    return loss
for turn in range(50):
    print(pair(turn % 9, rng.integers(9), 0.1))
"""


def test_what_a_function_moves_after_its_loop_is_a_parameter_too(tmp_path: Path) -> None:
    assert {*run_edited(tmp_path, PAIRED).ran.parameters} == {"inside", "outside"}
    run = run_edited(tmp_path, PAIRED, ("back += (p", "back = (p"))
    (blame,) = run.blames
    assert (run.exit_code, blame.lines[0].line) == (1, 10), str(run)


WIDTHS = """import numpy as np
rng = np.random.default_rng(4)
x = rng.uniform(-2, 2, 30)
y = np.sin(x)
centres, w, s = rng.normal(size=6), rng.normal(size=6) / 3, rng.normal(size=6) / 5
speed = [0 * centres, 0 * w, 0 * s]
for turn in range(50):
    c, v, l = [p + 0.9 * m for p, m in zip((centres, w, s), speed)]
    gap = x[:, None] - c
    phi = np.exp(-0.5 * gap**2 * np.exp(-2 * l))
    miss = phi @ v - y
    loss = (miss**2).mean() / 2
    d = np.outer(miss, v) * phi / 30
    width = (d * gap**2).sum(0) * np.exp(-2 * l)
    grads = [(d * gap).sum(0) * np.exp(-2 * l), phi.T @ miss / 30, width]
    speed = [0.9 * m - 0.05 * g for m, g in zip(speed, grads)]
    centres, w, s = [p + m for p, m in zip((centres, w, s), speed)]
"""


@pytest.mark.parametrize(("line", "code"), [("-2 * l)\n    grads", 0), ("-l)\n    grads", 1)])
def test_what_is_computed_of_each_entry_where_momentum_leads_to_divides_no_gradient(
    line: str, code: int, tmp_path: Path
) -> None:
    run = run_edited(tmp_path, WIDTHS, ("-2 * l)\n    grads", line))
    assert (run.exit_code, [e.lines[0].line for e in run.blames]) == (code, [14] * code), str(run)


ENTRIES = """import numpy as np
s = lambda z: 1 / (1 + np.exp(-z))
rng = np.random.RandomState(3)
X, T = rng.randn(20, 2), rng.rand(20)
v, c = rng.randn(6), rng.randn(3)
for x, t in zip(X, T):
    h = s(v[0] * x[0] + v[1] * x[1] + c[0])
    k = s(v[2] * x[0] + v[3] * x[1] + c[1])
    y = s(v[4] * h + v[5] * k + c[2])
    e = (y - t) * y * (1 - y)
    dh = e * v[4] * h * (1 - h)
    dk = e * v[5] * k * (1 - k)
    v[0] -= 0.1 * dh * x[0]
    v[1] -= 0.1 * dh * x[1]
    c[0] -= 0.1 * dh
    v[2] -= 0.1 * dk * x[0]
    v[3] -= 0.1 * dk * x[1]
    c[1] -= 0.1 * dk
    v[4] -= 0.1 * e * h
    v[5] -= 0.1 * e * k
    c[2] -= 0.1 * e
"""


def test_arrays_whose_entries_are_moved_a_line_each_are_parameters(tmp_path: Path) -> None:
    report = run_edited(tmp_path, ENTRIES)
    assert report.ok
    assert "of v, c" in str(report)


@pytest.mark.parametrize(
    "edit",
    [
        ("dk = e * v[5]", "dk = e * v[4]"),  # no array is right, and most entries are
        ("v[3] -= 0.1 * dk * x[1]", "v[3] -= 0.1 * dk * x[0]"),
        ("v[5] -= 0.1 * e * k", "v[5] -= 0.1 * e * h"),
    ],
)
def test_a_line_of_entries_is_blamed(edit: tuple[str, str], tmp_path: Path) -> None:
    line = ENTRIES[: ENTRIES.index(edit[0])].count("\n") + 1
    assert f"script.py:{line}" in str(run_edited(tmp_path, ENTRIES, edit))


RATES = """import numpy as np
rng = np.random.RandomState(0)
X, p = rng.randn(20), rng.randn(3)
for x in X:
    e = p[0] * np.tanh(p[1] * x) + p[2] - x
    g = e * p[0] * (1 - np.tanh(p[1] * x) ** 2) * x
    p[0] -= 0.1 * e * np.tanh(p[1] * x)
    p[1] -= 0.02 * g
    p[2] -= 0.1 * e
"""


def test_entries_with_rates_of_their_own_are_not_accused(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError, match="cannot be judged: no known cost"):
        run_edited(tmp_path, RATES)


TWINS = """import numpy as np
rng = np.random.default_rng(5)
W, c, v = rng.normal(size=(3, 4)), np.zeros(4), rng.normal(size=(4, 2))
def up(x):
    return x, np.tanh(x @ W + c)
def down(held, d):
    x, h = held
    g["v"] += h.T @ d
    d = d @ v.T * (1 - h * h)
    g["W"] += x.T @ d
    g["c"] += d.sum(axis=0)
for turn in range(6):
    left, right = up(rng.normal(size=(8, 3))), up(rng.normal(size=(8, 3)))
    t = rng.normal(size=(8, 2))
    e = left[1] @ v - right[1] @ v - t
    loss = np.sum(e * e) / 2
    g = {"W": np.zeros_like(W), "c": np.zeros_like(c), "v": np.zeros_like(v)}
    down(left, e)
    down(right, -e)
    W -= 0.01 * g["W"]
    c -= 0.01 * g["c"]
    v -= 0.01 * g["v"]
"""


@pytest.mark.parametrize(
    ("call", "wrong"), [("down(right, -e)", "down(left, -e)"), ("down(left, e)", "down(right, e)")]
)
def test_of_two_calls_that_add_to_a_gradient_the_wrong_one_is_blamed(
    call: str, wrong: str, tmp_path: Path
) -> None:
    assert run_edited(tmp_path, TWINS).exit_code == 0
    blames = run_edited(tmp_path, TWINS, (call, wrong)).blames
    lines = TWINS.replace(call, wrong).splitlines()
    assert {lines[int(each.line or 0) - 1].strip() for each in blames} == {wrong}
    assert {name for each in blames for name in each.gradients} == {"W", "c", "v"}


ONE_VECTOR = """import numpy as np
rng = np.random.default_rng(17)
theta, slope = np.zeros(27), np.zeros(27)
V, w, c = theta[:20].reshape(4, 5), theta[20:25], theta[25:]
dV, dw, dc = slope[:20].reshape(4, 5), slope[20:25], slope[25:]
V[:], w[:] = rng.normal(size=(4, 5)), rng.normal(size=5)
X = rng.normal(size=(30, 4))
for step in range(60):
    h = np.tanh(X @ V)
    r = (h @ w + c[0] + c[1] - X[:, 0]) / 30
    dw[:], dc[:] = h.T @ r, r.sum()
    dV[:] = X.T @ (np.outer(r, w) * (1 - h * h))
    theta -= 0.1 * slope
"""


def test_views_may_be_given_their_first_numbers_where_one_vector_is_moved(tmp_path: Path) -> None:
    report = run_edited(tmp_path, ONE_VECTOR)
    assert (report.exit_code, report.ran.parameters) == (0, ("theta",)), str(report)
    report = run_edited(tmp_path, ONE_VECTOR, (" * (1 - h * h)", ""))
    assert [each.line for each in report.blames] == [12], str(report)


PUT_BACK = """import numpy as np
rng = np.random.default_rng(5)
W, c = rng.normal(size=(4, 3)), np.zeros(3)
v = np.concatenate([W.ravel(), c])
X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 3))
for step in range(60):
    h = np.tanh(X @ W + c)
    loss = 0.5 * np.sum((h - Y) ** 2) / 30
    e = (h - Y) * (1 - h ** 2) / 30
    v = v - 0.1 * np.concatenate([(X.T @ e).ravel(), e.sum(axis=0)])
    W[...] = v[:12].reshape(4, 3)
    c[...] = v[12:]
"""


def test_a_vector_may_be_put_into_the_arrays_that_it_began_with(tmp_path: Path) -> None:
    report = run_edited(tmp_path, PUT_BACK)
    assert (report.exit_code, report.ran.parameters) == (0, ("v",)), str(report)
    report = run_edited(tmp_path, PUT_BACK, ("(X.T @ e)", "(X.T @ e**2)"))
    assert [each.line for each in report.blames] == [10], str(report)
