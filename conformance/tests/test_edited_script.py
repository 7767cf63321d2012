"""The change of one line that makes the gradients of a script right is told, with its line.

Left out: programs that define classes and functions (`test_edited.py`).
"""

import ast
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conformance.errors import SubjectError
from conformance.run_script import run_script
from conformance.script import edited_script, script_child
from conformance.script.plain_script import PlainScript
from conformance.script_outcome import NextValue

PLAIN = """import numpy as np

rng = np.random.default_rng()
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
W1, W2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))
for epoch in range(5):
    h = np.log1p(np.exp(X @ W1))
    e = h @ W2 - y
    print(np.mean(e**2))
    dW2 = 2 * h.T @ e / len(X)
    dh = 2 * e @ W2.T / len(X)
    dW1 = X.T @ (dh / (1 + np.exp(-(X @ W1))))
    W1 = W1 - 0.1 * dW1
    W2 = W2 - 0.1 * dW2
"""
ADAM = """import numpy as np


def train(X, y, p):
    m = {k: np.zeros_like(v) for k, v in p.items()}
    s = {k: np.zeros_like(v) for k, v in p.items()}
    for t in range(1, 10001):
        h = np.tanh(X @ p["W"])
        e = h @ p["v"] - y
        loss = 0.5 * np.sum(e**2)
        g = {"v": h.T @ e, "W": X.T @ (np.outer(e, p["v"]) * (1 - h**2))}
        for k in p:
            m[k] = 0.9 * m[k] + 0.1 * g[k]
            s[k] = 0.99 * s[k] + 0.01 * g[k] ** 2
            p[k] -= 0.1 * m[k] / (1 - 0.9**t) / (np.sqrt(s[k] / (1 - 0.99**t)) + 1e-8)
    return loss


np.random.seed(3)
train(
    np.random.randn(9, 3), np.random.randn(9), {"W": np.random.randn(3, 4), "v": np.random.randn(4)}
)
"""
LISTS = """import random

random.seed(1)
xs = [[random.random() for _ in range(3)] for _ in range(6)]
ys = [2 * x[0] - x[1] for x in xs]
w, b = [0.1, 0.2, 0.3], 0.0
for epoch in range(4):
    gw, gb = [0.0] * 3, 0.0
    for x, y in zip(xs, ys):
        e = sum(u * v for u, v in zip(w, x)) + b - y
        gw = [g + e * v for g, v in zip(gw, x)]
        gb += e
    w = [u - 0.1 * g for u, g in zip(w, gw)]
    b -= 0.1 * gb
"""
ELSEWHERE = """import numpy as np


def gradients(p, X, y):
    h = np.tanh(X @ p["W"])
    e = (h @ p["v"] - y) / len(X)
    return {"v": h.T @ e, "W": X.T @ (np.outer(e, p["v"]) * (1 - h**2))}


def main():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(9, 3)), rng.normal(size=9)
    net = {"W": rng.normal(size=(3, 4)), "v": rng.normal(size=4)}
    for step in range(1000):
        for name, g in gradients(net, X, y).items():
            net[name] = net[name] - 0.1 * g


main()
"""
ZEROS = """import numpy as np

rng = np.random.default_rng(4)
X = rng.normal(size=(40, 3))
t = (X[:, 0] + rng.logistic(size=40) > 0) * 1.0
beta = np.zeros(3)
for it in range(300):
    p = 1 / (1 + np.exp(-(X @ beta)))
    loss = np.mean((p - t) ** 2)
    dp = 2 * (p - t) / 40
    dz = dp * p * (1 - p)
    beta -= 0.5 * X.T @ dz
"""
FROM_ZERO = """import numpy as np

rng = np.random.default_rng(2)
X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
beta, scale = np.zeros(3), np.full(1, 0.5)
for epoch in range(100):
    f = scale * np.tanh(X @ beta + 0.3)
    e = f - y
    loss = 0.5 * np.sum(e**2)
    slope = 1 - np.tanh(X @ beta + 0.3) ** 2
    dbeta = X.T @ (e * slope) * scale
    dscale = np.sum(e * np.tanh(X @ beta + 0.3))
    beta = beta - 0.1 * dbeta
    scale = scale - 0.1 * dscale
"""
NUMBERS = """import numpy as np

rng = np.random.default_rng(8)
x = rng.uniform(1, 4, 30)
y = 2 * x - 0.7
gain, offset = 1.0, 0.0
for step in range(50):
    r = gain * x + offset - y
    loss = np.sum(np.sqrt(1 + r**2)) / len(x)
    w = r / np.sqrt(1 + r**2)
    dgain = np.mean(w * x)
    doffset = np.mean(w)
    gain -= 0.01 * dgain
    offset -= 0.01 * doffset
"""
ENTRIES = """import math
import random
random.seed(3)
turns = [0.1, -0.2, 0.3]
arms = [0.5, 0.4, 0.2]
points = [[random.uniform(-1, 1) for _ in range(5)] for _ in range(12)]
for step in range(40):
    loss, dturns, darms = 0.0, [0.0] * 3, [0.0] * 3
    for *q, x, y in points:
        angle, c, s = 0.0, [], []
        for k in range(3):
            angle += q[k] + turns[k]
            c.append(math.cos(angle))
            s.append(math.sin(angle))
        ex = sum(arms[k] * c[k] for k in range(3)) - x
        ey = sum(arms[k] * s[k] for k in range(3)) - y
        loss += 0.5 * (ex * ex + ey * ey)
        dangle = 0.0
        for k in (2, 1, 0):
            darms[k] += ex * c[k] + ey * s[k]
            dangle += arms[k] * (ey * c[k] - ex * s[k])
            dturns[k] += dangle
    for k in range(3):
        turns[k] -= 0.01 * dturns[k]
        arms[k] -= 0.01 * darms[k]
print(loss)
"""
ROWS = """import numpy as np
rng = np.random.default_rng(2)
A, B = rng.normal(size=(9, 4)) * 0.5, rng.normal(size=(9, 4)) * 0.5
pairs = [(i, (i + k) % 9) for i in range(9) for k in (1, 2)]
for epoch in range(3):
    total = 0.0
    for one, other in pairs:
        far = rng.choice(9, 3, replace=False)
        far = far[far != other]
        h, near, others = A[one].copy(), B[other].copy(), B[far]
        p, q = 1 / (1 + np.exp(-near @ h)), 1 / (1 + np.exp(-others @ h))
        total -= np.log(p) + np.sum(np.log(1 - q))
        dh = (p - 1) * near + q @ others
        B[other] -= 0.1 * (p - 1) * h
        B[far] -= 0.1 * np.outer(q, h)
        A[one] -= 0.1 * dh
    print(epoch, total)
"""
INERTIA = """import numpy as np

rng = np.random.default_rng(6)
muster, ziele = rng.uniform(-1, 1, (6, 3)), rng.uniform(-0.5, 0.5, (6, 1))
W1, W2, lr = rng.normal(size=(4, 3)), rng.normal(size=(1, 4)), 0.05
dW1, dW2 = np.zeros_like(W1), np.zeros_like(W2)
for runde in range(20):
    fehler = 0.0
    for x, t in zip(muster, ziele):
        h = np.tanh(W1 @ x)
        y = np.tanh(W2 @ h)
        fehler += 0.5 * np.sum((t - y) ** 2)
        delta2 = (t - y) * (1 - y * y)
        delta1 = (W2.T @ delta2) * (1 - h * h)
        dW2 = lr * np.outer(delta2, h) + 0.5 * dW2
        dW1 = np.outer(delta1, x) * lr + 0.5 * dW1
        W2 += dW2
        W1 += dW1
    print(runde, fehler)
"""
TOTAL = """import numpy as np

rng = np.random.default_rng(1)
X, Y = rng.normal(size=(40, 3)), rng.integers(0, 2, (40, 1))
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))
for epoch in range(5):
    total = 0.0
    for i in range(0, 40, 8):
        x, y, m = X[i : i + 8], Y[i : i + 8], 8
        h = np.tanh(x @ W)
        p = 1 / (1 + np.exp(-(h @ V)))
        loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
        loss += 0.05 * (np.sum(W**2) + np.sum(V**2))
        total += loss * m
        dz = (p - y) / m
        dh = dz @ V.T * (1 - h**2)
        V -= 0.3 * (h.T @ dz + 0.1 * V)
        W -= 0.3 * (x.T @ dh + 0.1 * W)
    print(total / 40)
"""
HELPER = """import numpy as np

rng = np.random.default_rng(3)
inputs = np.array([[0, 0, 1, 1], [0, 1, 0, 1]], dtype=float)
wanted = np.array([[0, 1, 1, 0]], dtype=float)
G, H = rng.uniform(-1, 1, (4, 2)), rng.uniform(-1, 1, (1, 4))

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def slope(a):
    return a * (1 - a)

for step in range(100):
    hidden = sigmoid(G @ inputs)
    output = sigmoid(H @ hidden)
    error = wanted - output
    if step % 10 == 0:
        print(step, np.mean(error**2))
    d2 = error * slope(output)
    d1 = (H.T @ d2) * slope(hidden)
    H += 2 * d2 @ hidden.T
    G += 2 * d1 @ inputs.T
"""
FACTORS = """import numpy as np
rng = np.random.default_rng(1)
ratings = [(u, i, float(rng.normal(3, 1))) for u in range(8) for i in range(6) if u != i]
P, Q = rng.normal(0, 0.3, (8, 3)), rng.normal(0, 0.3, (6, 3))
rate, reg = 0.02, 0.05
for epoch in range(2):
    total = 0
    for u, i, r in ratings:
        err = r - P[u] @ Q[i]
        total += err**2
        before = P[u].copy()
        P[u] += rate * (err * Q[i] - reg * P[u])
        Q[i] += rate * (err * before - reg * Q[i])
"""
NAMED = """import numpy as np

rng = np.random.default_rng(0)
epochs, latent, weight, rate = 1, 2, 0.5, 0.5
X = rng.normal(size=(9, 4))
W, V = rng.normal(size=(4, latent)), rng.normal(size=(latent, 4))
for epoch in range(9):
    z = X @ W
    e = z @ V - X
    print(0.5 * np.sum(e**2) / 9 + 0.5 * weight * np.sum(z**2) / 9)
    dz = (e @ V.T + z * weight) / 9
    dV = z.T @ e / 9
    V = V - rate * dV
    W = W - rate * X.T @ dz
"""
ROUNDS = """import math
import random

random.seed(2)
M = [[random.gauss(0, 1) for _ in range(3)] for _ in range(3)]
out = [random.gauss(0, 1) for _ in range(3)]
for _ in range(50):
    a = [random.gauss(0, 1) for _ in range(3)]
    b = [math.tanh(sum(M[i][k] * a[k] for k in range(3))) for i in range(3)]
    c = [math.tanh(sum(M[i][k] * b[k] for k in range(3))) for i in range(3)]
    e = sum(out[i] * c[i] for i in range(3)) - a[0] * a[1]
    loss = e * e / 2
    dc = [e * out[i] * (1 - c[i] ** 2) for i in range(3)]
    db = [sum(M[i][k] * dc[i] for i in range(3)) * (1 - b[k] ** 2) for k in range(3)]
    for i in range(3):
        out[i] -= 0.1 * e * c[i]
        for k in range(3):
            M[i][k] -= 0.1 * (dc[i] * b[k] + db[i] * a[k])
"""
RIDGE = """import numpy as np

rng = np.random.default_rng(2)
A, y = rng.normal(size=(12, 3)), rng.normal(size=12)
coef, shift, alpha = rng.normal(size=3), np.zeros(1), 0.1
for epoch in range(20):
    r = np.log(np.cosh(A @ coef + shift)) - y
    loss = 0.5 * np.mean(r**2) + 0.5 * alpha * coef @ coef
    slope = r * np.tanh(A @ coef + shift) / 12
    grad = slope @ A
    grad += alpha * coef
    shift -= 0.2 * slope.sum()
    coef -= 0.2 * grad
"""
CALLED = """import numpy as np

def relu(z):
    return np.maximum(0, z)

def step_of(z):
    return z > 0

def forward(X, W, b, V, c):
    Z = W @ X + b
    A = relu(Z)
    return A, 1 / (1 + np.exp(-(V @ A + c)))

def gradients(X, Y, A, P, V):
    d = (P - Y) / X.shape[1]
    dA = V.T @ d
    dZ = dA * step_of(A)
    return dZ @ X.T, dZ.sum(axis=1, keepdims=True), d @ A.T, d.sum(axis=1, keepdims=True)

rng = np.random.default_rng(8)
X, Y = rng.normal(size=(3, 9)), rng.integers(0, 2, (1, 9))
W, b, V, c = rng.normal(size=(4, 3)), np.zeros((4, 1)), rng.normal(size=(1, 4)), np.zeros((1, 1))
for _ in range(1):
    A, P = forward(X, W, b, V, c)
    print(-np.mean(Y * np.log(P) + (1 - Y) * np.log(1 - P)))
    dW, db, dV, dc = gradients(X, Y, A, P, V)
    W, b, V, c = W - 0.2 * dW, b - 0.2 * db, V - 0.2 * dV, c - 0.2 * dc
"""
SECOND_NAME = """import numpy as np

def sigmoid(t):
    return 1 / (1 + np.exp(-t))

def dsigmoid(s):
    return s * (1 - s)

rng = np.random.default_rng(6)
X, T = rng.normal(size=(7, 3)), rng.uniform(size=(7, 2))
A, B, C = rng.normal(size=(3, 4)), rng.normal(size=(4, 4)), rng.normal(size=(4, 2))
for _ in range(4):
    g = sigmoid(X @ A)
    h = sigmoid(g @ B)
    o = sigmoid(h @ C)
    o_err = T - o
    o_delta = o_err * dsigmoid(o)
    h_err = o_delta @ C.T
    h_delta = h_err * dsigmoid(h)
    g_err = h_delta @ B.T
    g_delta = g_err * dsigmoid(g)
    C += 0.4 * h.T @ o_delta
    B += 0.4 * g.T @ h_delta
    A += 0.4 * X.T @ g_delta
"""
WRONG = {
    "of a call whose function has no other operand": (CALLED, "step_of(A)", "step_of(dA)"),
    "that only names a derivative": (SECOND_NAME, "h_err * dsigmoid(h)", "h_err"),
    "of an error that is sent back": (SECOND_NAME, "o_delta @ C.T", "o_err @ C.T"),
    "of a matrix of lists that is transposed": (ROUNDS, "M[i][k] * dc[i]", "M[k][i] * dc[i]"),
    "of a gradient that is a decay alone": (RIDGE, "grad += alpha", "grad = alpha"),
    "that is no name of an equal number": (NAMED, " + z * weight", " + z"),
    "that leaves the rate": (NAMED, "z.T @ e / 9", "z.T @ e / 9 / latent"),
    "of a row that grows by what others decay by": (FACTORS, "- reg * P[u]", "+ reg * P[u]"),
    "of a helper that all layers use": (HELPER, "a * (1 - a)", "sigmoid(a) * (1 - sigmoid(a))"),
    "of an error by whose sign all are added": (INERTIA, "(t - y) * (1", "(y - t) * (1"),
    "of a rate that one update forgets": (INERTIA, "(delta1, x) * lr", "(delta1, x)"),
    "of an update that adds": (PLAIN, "W2 = W2 - 0.1", "W2 = W2 + 0.1"),
    "of a loss that a total has times a number": (TOTAL, "(p - y) /", "(p - y) * p * (1 - p) /"),
    "entry by entry": (ENTRIES, "dangle += arms", "dangle = arms"),
    "of some rows": (ROWS, "q @ others", "(q * (1 - q)) @ others"),
    "of a factor that has a number at first": (FROM_ZERO, " * scale\n    dscale", "\n    dscale"),
    "of numbers, whose first update is not followed": (NUMBERS, "np.mean(w)", "np.sum(w)"),
    "a sign": (PLAIN, "np.exp(-(X @ W1))", "np.exp(X @ W1)"),
    "another matrix": (PLAIN, "e @ W2.T", "y @ W2.T"),
    "by what Adam keeps": (ADAM, "(1 - h**2)", "(1 - h)"),
    "of what another function calls otherwise": (ELSEWHERE, "outer(e, p", "outer(y, p"),
    "in the second update": (ZEROS, "dp * p * (1 - p)", "dp * p"),
    "of lists": (LISTS, "g + e * v", "g + e * y"),
}


def written(folder: Path, source: str) -> str:
    (folder / "net.py").write_text(source, "utf-8")
    return str(folder / "net.py")


def mistaken(source: str, right: str, wrong: str) -> tuple[str, int, str]:
    """A script with a mistake, its line, and what that has to be."""
    assert source.count(right) == 1
    first, lines = right.partition("\n")[0], enumerate(source.splitlines(), 1)
    line, text = next(each for each in lines if first in each[1])
    return source.replace(right, wrong), line, plain(text)


def plain(text: str) -> str:
    """A line of Python, as it is written without care."""
    return ast.unparse(ast.parse(text.strip()))


SLOW = {
    "by what Adam keeps",
    "entry by entry",
    "in the second update",
    "of a factor that has a number at first",
    "of a gradient that is a decay alone",
    "of a helper that all layers use",
    "of a matrix of lists that is transposed",
    "of an error by whose sign all are added",
    "of an update that adds",
    "of what another function calls otherwise",
    "that is no name of an equal number",
    "that leaves the rate",
    "that only names a derivative",
}
"""Those for which many changes are tried before."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(e, marks=[pytest.mark.seldom] if e in SLOW else []) for e in sorted(WRONG)],
)
def test_the_change_is_told_with_its_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edited_script, "SECONDS", 60.0)
    source, line, text = mistaken(*WRONG[name])
    report = run_script(written(tmp_path, source))
    (blamed,) = report.examined.accused
    assert blamed.edited is not None
    assert (blamed.lines[0].line, plain(blamed.edited.text)) == (line, text)


STREAM = """import numpy as np

rng = np.random.default_rng(4)
signals, marks = rng.normal(size=(30, 9)), np.ones(30)
V, c = rng.normal(size=(4, 9)), np.zeros(4)
w, b = np.full(4, -0.5), 0.0
for x, t in zip(signals, marks):
    z = V @ x + c
    h = np.maximum(z, 0)
    q = 1 / (1 + np.exp(-(w @ h + b)))
    loss = -np.log(q if t else 1 - q)
    d = q - t
    dh = d * w
    dV, dc = np.zeros((4, 9)), np.zeros(4)
    for k in range(4):
        if z[k] > 0:
            dV[k], dc[k] = dh[k] * x, dh[k]
    w, b = w - 0.1 * d * h, b - 0.1 * d
    V -= 0.1 * dV
    c -= 0.1 * dc
"""


def test_a_change_is_tried_from_where_the_update_that_was_judged_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edited_script, "SECONDS", 60.0)
    source, right = STREAM.replace("z[k] > 0", "dh[k] > 0"), STREAM.index("if z[k]")
    report = run_script(written(tmp_path, source))
    told = [each.lines[0].line for each in report.examined.accused]
    assert told == [STREAM[:right].count("\n") + 1]


@pytest.mark.parametrize(
    ("source", "old", "new", "kind", "told"),
    [
        pytest.param(
            *(ADAM, "s[k] / (1 - 0.99**t)", "s[k] / (1 - 0.9**t)", "correction square", "0.99**t"),
            id="Adam is another rule",
            marks=pytest.mark.seldom,
        ),
        pytest.param(
            *(PLAIN, "    W2 = W2 - 0.1 * dW2\n", "", "still", "W2"),
            id="a parameter is moved by nothing",
        ),
    ],
)
def test_no_change_is_told_with_which_an_update_is_another(
    source: str,
    old: str,
    new: str,
    kind: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edited_script, "SECONDS", 2.0)
    (blamed,) = run_script(written(tmp_path, source.replace(old, new))).examined.accused
    assert blamed.cause.kind == kind
    assert blamed.edited is None or told in blamed.edited.text


def test_a_trial_that_ends_the_process_leaves_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script_child, "mended", lambda *_: os.kill(os.getpid(), signal.SIGSEGV))
    source = PLAIN.replace("np.exp(-(X @ W1))", "np.exp(X @ W1)")
    assert run_script(written(tmp_path, source)).exit_code == 1


NAMELESS = """import numpy as np


def step(X, y, w):
    return w - 0.1 * X.T @ (X @ w + y) / len(X)


def fit(X, y):
    w = np.full(3, 0.5)
    for _ in range(5):
        print(np.mean((X @ w - y) ** 2))
        w = step(X, y, w)


rng = np.random.default_rng(1)
fit(rng.normal(size=(9, 3)), rng.normal(size=9))
"""


def test_a_parameter_that_no_expression_names_is_judged(tmp_path: Path) -> None:
    report = run_script(written(tmp_path, NAMELESS))
    assert report.exit_code == 1
    assert report.examined.accused[0].lines[0].line == 5


DATA = """import weakref

import numpy as np


class Data:
    pass


def seen():
    return data


data = Data()
np.seen_of_trials.append(weakref.ref(data))
w = 1.0
w = 0.5
"""


def test_a_trial_leaves_nothing_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[Callable[[], object]]()
    monkeypatch.setattr(np, "seen_of_trials", made, raising=False)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    one, half = np.array(1.0), np.array(0.5)
    wanted = NextValue("w", 1, one, half, (half,), ((written(tmp_path, DATA), 17),))
    gc.disable()
    try:
        PlainScript(str(tmp_path / "net.py"), ast.parse(DATA), (), 0, [wanted]).values()
    finally:
        gc.enable()
    assert [each() for each in made] == [None]


def test_a_trial_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edited_script, "SECONDS", 12.0)
    written_to = tmp_path / "runs.txt"
    begun = f"open({str(written_to)!r}, 'a').write('begun ')\nfor epoch"
    source = PLAIN.replace("np.exp(-(X @ W1))", "np.exp(X @ W1)").replace("for epoch", begun)
    report = run_script(written(tmp_path, source))
    assert not report.ok
    assert written_to.read_text("utf-8") == "begun "


SHAPES = {
    "in a function": (ELSEWHERE, 'X.T @ (np.outer(e, p["v"])', 'X @ (np.outer(e, p["v"])'),
    "at the top": (PLAIN, "dW1 = X.T @ (dh", "dW1 = X @ (dh"),
}


@pytest.mark.parametrize(
    "name", ["at the top", pytest.param("in a function", marks=pytest.mark.seldom)]
)
def test_a_script_that_raises_is_told_with_what_it_runs_and_is_right(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edited_script, "SECONDS", 12.0)
    source, line, text = mistaken(*SHAPES[name])
    with pytest.raises(SubjectError, match="raised ValueError: matmul") as raised:
        run_script(written(tmp_path, source))
    (told,) = str(raised.value).splitlines()[1:]
    before, _, new = told.partition(":  ")
    assert before.startswith("  it runs, and every gradient is right, with ")
    assert before.endswith(f"net.py:{line}")
    assert plain(new) == text


def test_a_script_that_asks_for_what_is_not_there_is_told_no_change(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="raised FileNotFoundError") as raised:
        run_script(written(tmp_path, f"open('no such file')\n{PLAIN}"))
    assert "every gradient" not in str(raised.value)


CLASSES = """import numpy as np

rng = np.random.default_rng(2)
X, labels = rng.normal(size=(20, 3)), rng.integers(0, 4, 20)
V, c = rng.normal(size=(3, 4)), np.zeros(4)
for epoch in range(5):
    q = np.exp(X @ V + c)
    q = q / q.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(q[range(20), labels]))
    g = q.copy()
    g[range(20), labels] -= 1
    V -= 0.1 * X.T @ g / 20
    c -= 0.1 * g.sum(axis=0) / 20
"""


def test_a_line_that_lacks_which_subtracts_the_targets_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edited_script, "SECONDS", 12.0)
    line = "    g[range(20), labels] -= 1\n"
    report = run_script(written(tmp_path, CLASSES.replace(line, "")))
    (blame,) = report.blames
    assert blame.line == 11
    told = "every gradient is right with one more line before this line:  "
    assert f"{told}{line.strip()}" in str(report)


COUNTED = """
size, i = 3, 0
while i < size:
    s = w[i * size] * 1
    i += 1
"""


def test_a_number_that_counting_begins_with_is_no_setting_of_a_change() -> None:
    before, after = ast.parse(COUNTED), ast.parse(COUNTED.replace("* 1", "* 2"))
    tried = list[str]()

    def is_wrong(tree: ast.Module) -> bool:
        tried.append(ast.unparse(tree).partition("\n")[0])
        return False

    assert not edited_script.is_by_chance(before, after, is_wrong)
    assert tried == ["size, i = (4, 0)"]


TWINS = """import numpy as np

rng = np.random.default_rng(2)
A, B, gap = rng.normal(size=(20, 3)), rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
W, b = rng.normal(size=(3, 2)), np.zeros(2)

def slope(error, seen):
    x, h = seen
    dz = error * (1 - h ** 2)
    return [x.T @ dz, dz.sum(axis=0)]

for turn in range(5):
    left, right = (A, np.tanh(A @ W + b)), (B, np.tanh(B @ W + b))
    error = (left[1] - right[1] - gap) / 20
    loss = 10 * np.sum(error ** 2)
    W *= 0.999
    dW, db = (p + q for p, q in zip(slope(error, left), slope(-error, right)))
    W -= 0.1 * dW
    b -= 0.1 * db
"""


def test_a_gradient_of_0_is_mended_where_a_decay_moves_its_parameter_on_another_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edited_script, "SECONDS", 12.0)
    assert run_script(written(tmp_path, TWINS)).exit_code == 0
    report = run_script(written(tmp_path, TWINS.replace("-error, right", "-error, left")))
    told = "with:  dW, db = (p + q for p, q in zip(slope(error, left), slope(-error, right)))"
    assert told in str(report)
