"""Scripts with faults that few people make: a velocity of one bias only, an array of two names."""

from pathlib import Path

import pytest

from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.tests.scripts import run_edited

MOMENTUM = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(12, 4)), rng.normal(size=(12, 3))
W1, b1 = rng.normal(size=(4, 3)) * 0.5, np.zeros(3)
W2, b2 = rng.normal(size=(3, 3)), np.zeros(3)
vW1, vb1 = np.zeros((4, 3)), np.zeros(3)
vW2, vb2 = np.zeros((3, 3)), np.zeros(3)
lr, mu = 0.01, 0.9
for step in range(5):
    h = np.tanh(X @ W1 + b1)
    out = h @ W2 + b2
    loss = 0.5 * np.sum((out - Y) ** 2) / len(X)
    d = (out - Y) / len(X)
    dW2, db2 = h.T @ d, d.sum(0)
    dh = (d @ W2.T) * (1 - h ** 2)
    dW1, db1 = X.T @ dh, dh.sum(0)
    vW1 = mu * vW1 + dW1
    vb1 = mu * vb1 + db1
    vW2 = mu * vW2 + dW2
    vb2 = mu * vb2 + db2
    W1 = W1 - lr * vW1
    b1 = b1 - lr * vb1
    W2 = W2 - lr * vW2
    b2 = b2 - lr * vb2
"""
ADAM = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(12, 4)), rng.normal(size=(12, 3))
W1, b1 = rng.normal(size=(4, 3)) * 0.5, np.zeros(3)
W2, b2 = rng.normal(size=(3, 3)), np.zeros(3)
params = [W1, b1, W2, b2]
m = [np.zeros_like(p) for p in params]
v = [np.zeros_like(p) for p in params]
lr, t = 0.01, 0
for step in range(5):
    h = np.tanh(X @ W1 + b1)
    d = (h @ W2 + b2 - Y) / len(X)
    loss = 0.5 * np.sum((h @ W2 + b2 - Y) ** 2) / len(X)
    dh = (d @ W2.T) * (1 - h ** 2)
    t += 1
    for i, (p, g) in enumerate(zip(params, [X.T @ dh, dh.sum(0), h.T @ d, d.sum(0)])):
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        m_hat, v_hat = m[i] / (1 - 0.9 ** t), v[i] / (1 - 0.999 ** t)
        p -= lr * m_hat / (np.sqrt(v_hat) + 1e-8)
"""
SQUARED_IN_PLACE = """import numpy as np
def loss_and_grads(params, X, y):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    a1 = np.tanh(X @ W1 + b1)
    diff = a1 @ W2 + b2 - y
    loss = 0.5 * np.sum(diff ** 2) / len(X)
    dz2 = diff / len(X)
    s = a1
    s *= a1
    dz1 = dz2 @ W2.T * (1 - s)
    grads = {"W2": a1.T @ dz2, "b2": dz2.sum(0), "W1": X.T @ dz1, "b1": dz1.sum(0)}
    return loss, grads
rng = np.random.default_rng(0)
params = {"W1": rng.normal(size=(4, 5)), "b1": rng.normal(size=5)}
params |= {"W2": rng.normal(size=(5, 2)), "b2": rng.normal(size=2)}
X, y = rng.normal(size=(7, 4)), rng.normal(size=(7, 2))
for i in range(3):
    loss, grads = loss_and_grads(params, X, y)
    for k in params:
        params[k] -= 0.1 * grads[k]
"""
SUMS = """import numpy as np
rng = np.random.default_rng(2)
x = rng.normal(size=(15, 3))
y = np.sin(x).sum(axis=1)
u, v = rng.normal(size=3), rng.normal(size=3)
for step in range(4):
    g = np.zeros(3)
    c = np.zeros(3)
    loss = 0.0
    for a, t in zip(x, y):
        h = np.tanh(a * u)
        e = h @ v - t
        loss += 0.5 * e ** 2
        g += e * v * (1 - h ** 2) * a
        c += e * h
    u -= 0.02 * g / len(x)
    v -= 0.02 * c / len(x)
"""
LAYERS = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out, rng):
        self.W, self.b = rng.normal(size=(n_in, n_out)) * 0.5, np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, g):
        self.dW, self.db = self.x.T @ g, g.sum(0)
        return g @ self.W.T
class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y
    def backward(self, g):
        dx = g
        return dx
rng = np.random.default_rng(0)
net = [Dense(4, 5, rng), Tanh(), Dense(5, 6, rng), Tanh(), Dense(6, 3, rng)]
X, Y = rng.normal(size=(12, 4)), rng.normal(size=(12, 3))
for step in range(3):
    a = X
    for layer in net:
        a = layer.forward(a)
    loss = 0.5 * np.mean(np.sum((a - Y) ** 2, 1))
    g = (a - Y) / len(X)
    for layer in reversed(net):
        g = layer.backward(g)
    for layer in net:
        if hasattr(layer, "W"):
            layer.W -= 0.1 * layer.dW
            layer.b -= 0.1 * layer.db
"""
ONE_OUTPUT = """import numpy as np
rng = np.random.default_rng(0)
x, y = rng.normal(size=4), 1.0
w1, b1, w2, b2 = rng.normal(size=(3, 4)), np.zeros(3), rng.normal(size=3), 0.1
for step in range(5):
    h = np.tanh(w1 @ x + b1)
    out = w2 @ h + b2
    error = (out - y) ** 3
    dw2, db2 = error * h, error
    dh = error * w2 * (1 - h * h)
    w2 -= 0.1 * dw2
    b2 -= 0.1 * db2
    w1 -= 0.1 * np.outer(dh, x)
    b1 -= 0.1 * dh
"""
RNN = """import numpy as np
rng = np.random.default_rng(0)
T, H = 5, 4
x, y = rng.normal(size=(T, 3)), rng.normal(size=(T, 2))
Wx, Wh, bh = rng.normal(size=(H, 3)) * 0.5, rng.normal(size=(H, H)) * 0.5, np.zeros(H)
Wy, by = rng.normal(size=(2, H)), np.zeros(2)
for step in range(3):
    hs, out = [np.zeros(H)], []
    for t in range(T):
        hs.append(np.tanh(Wx @ x[t] + Wh @ hs[-1] + bh))
        out.append(Wy @ hs[-1] + by)
    loss = 0.5 * sum(np.sum((out[t] - y[t]) ** 2) for t in range(T))
    dWx, dWh, dbh = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(bh)
    dWy, dby, dh_next = np.zeros_like(Wy), np.zeros_like(by), np.zeros(H)
    for t in reversed(range(T)):
        do = out[t] - y[t]
        dWy += np.outer(do, hs[t + 1])
        dby += do
        dz = (Wy.T @ do + dh_next) * (1 - hs[t + 1] ** 2)
        dWx += np.outer(dz, x[t])
        dWh += np.outer(dz, hs[t])
        dbh += dz
        dh_next = Wh.T @ dz
    for p, g in ((Wx, dWx), (Wh, dWh), (bh, dbh), (Wy, dWy), (by, dby)):
        p -= 0.1 * g
"""
FAULTS = {
    "not kept": (MOMENTUM, ("lr * vb2", "lr * db2"), "b2 = b2 - lr * db2", "it uses less"),
    "taken twice": (MOMENTUM, ("mu * vb2 + db2", "mu * vb2 + db1"), "mu * vb2 + db1", "`b1` is us"),
    "rates": (ADAM, ("p -= lr", "p -= (lr if i != 2 else 2 * lr)"), "i != 2", "it goes 2 times as"),
    "aliases": (SQUARED_IN_PLACE, ("", ""), "s = a1", "`s` is changed in place, and is the same"),
    "sums": (
        SUMS,
        ("c = np.zeros(3)", "c = g"),
        "c = g",
        "`c` is changed in place, and is the same",
    ),
    "both": (
        SUMS,
        ("g = np.zeros(3)\n    c = ", "g = c = "),
        "g = c = ",
        "is the same array as `g`",
    ),
    "handed": (LAYERS, ("", ""), "dx = g", "the derivative of `np.tanh(x)` (line 13) is missing"),
    "renamed": (
        MOMENTUM,
        ("dh = (d @ W2.T) * (1 - h ** 2)", "da = d @ W2.T\n    dh = da"),
        "dh = da",
        "the derivative of `np.tanh(X @ W1 + b1)` (line 10) is missing",
    ),
    "last": (RNN, ("reversed(range(T", "reversed(range(T - 1"), "T - 1", "leaves out the last of"),
    "first": (RNN, ("reversed(range(T", "reversed(range(1, T"), "1, T", "leaves out the first of"),
    "uneven": (ONE_OUTPUT, ("", ""), "(out - y) ** 3", "the number 3 has to be 1"),
    "sign": (
        ONE_OUTPUT,
        ("y) ** 3", "y) * out"),
        "(out - y) * out",
        "is the derivative of no known",
    ),
}


@pytest.mark.parametrize("rule", FAULTS)
def test_the_line_of_a_rare_fault_is_named(rule: str, tmp_path: Path) -> None:
    text, edit, line, why = FAULTS[rule]
    report = run_edited(tmp_path, text, edit) if edit[0] else run_edited(tmp_path, text)
    assert report.exit_code == 1
    blame = report.blames[0]
    assert line in (tmp_path / "script.py").read_text().splitlines()[int(blame.line or 0) - 1]
    assert why in str(report)


ONE_SAMPLE = """import numpy as np
class Net:
    def __init__(self):
        rng = np.random.default_rng(0)
        self.W1, self.b1 = rng.normal(size=(5, 4)), np.zeros(5)
        self.W2, self.b2 = rng.normal(size=(3, 5)), np.zeros(3)
    def forward(self, x):
        self.h = np.tanh(self.W1 @ x + self.b1)
        return self.W2 @ self.h + self.b2
    def loss(self, X, Y):
        return np.mean([0.5 * np.sum((self.forward(x) - y) ** 2) for x, y in zip(X, Y)])
    def train(self, X, Y, lr=0.1, epochs=2):
        for epoch in range(epochs):
            for x, y in zip(X, Y):
                d = self.forward(x) - y
                dh = (self.W2.T @ d) * (1 - self.h ** 2)
                self.W2 = self.W2 - lr * np.outer(d, self.h)
                self.b2 = self.b2 - lr * d
                self.W1 = self.W1 - lr * np.outer(dh, x)
                self.b1 = self.b1 - lr * dh
"""


@pytest.mark.parametrize(("new", "code"), [("self.h ** 2)", 0), ("self.h)", 1)])
def test_steps_of_a_sample_are_judged_beside_a_loss_of_all(
    new: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(ONE_SAMPLE.replace("self.h ** 2)", new))
    report = check_file(Asked(str(tmp_path / "net.py")), lambda _: pytest.fail("a book"))
    assert report.exit_code == code
    assert ("in `1 - self.h`, self.h has to be self.h²" in str(report)) == bool(code)


def test_a_look_ahead_that_is_taken_back_is_that_of_nesterov(tmp_path: Path) -> None:
    ahead = "for p, v in zip(params, m):\n        p += 0.9 * v\n    h = np.tanh"
    start, end = ADAM.index("        m[i] = "), len(ADAM)
    step = (
        "        p -= 0.9 * m[i]\n        m[i] *= 0.9\n        m[i] -= lr * g\n        p += m[i]\n"
    )
    report = run_edited(tmp_path, ADAM, (ADAM[start:end], step), ("h = np.tanh", ahead))
    assert report.exit_code == 0
    assert "by gradient descent with the momentum of Nesterov: η = 0.01, μ = 0.9" in str(report)


TWO = """import numpy as np
rng = np.random.default_rng(0)
X, Z = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
y = X @ np.array([1., -2., .5]) + .3
w, b = np.zeros(3), np.zeros(2)
mw, mb, sw, sb = np.zeros(3), np.zeros(2), np.zeros(3), np.zeros(2)
for t in range(1, 9):
    r = X @ w + Z @ b - y
    gw, gb = X.T @ r / 40, Z.T @ r / 40
    mw, mb = .9 * mw + .1 * gw, .9 * mb + .1 * gb
    sw, sb = .99 * sw + .01 * gw ** 2, .99 * sb + .01 * gb ** 2
    w = w - .1 * mw / (1 - .9 ** t) / np.sqrt(sw / (1 - .99 ** t))
    b = b - .1 * mb / (1 - .9 ** t) / np.sqrt(sb / (1 - .99 ** t))
"""
LINES = TWO.splitlines()[-2:]
BY_MEANS = (LINES[0], "    w = w - .1 * mw"), (LINES[1], "    b = b - .1 * mb")
UNUSED = {
    "no mean": (("b - .1 * mb", "b - .1 * gb"),),
    "none": ((LINES[1], "    b = b - .1 * gb"),),
    "no velocity": (*BY_MEANS, ("- .1 * mb", "- .1 * gb")),
    "no velocity of the weights": (*BY_MEANS, ("- .1 * mw", "- .1 * gw")),
}


@pytest.mark.parametrize("edits", UNUSED.values(), ids=UNUSED.keys())
def test_what_is_kept_of_gradients_and_moves_nothing_is_told(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, TWO, *edits)
    (blame,) = report.blames
    text = (tmp_path / "script.py").read_text().splitlines()[int(blame.line or 0) - 1]
    assert edits[-1][1].strip() in text
    assert blame.accused.cause.kind == "kept"


@pytest.mark.parametrize("edits", [(), BY_MEANS, (*BY_MEANS, ("* mw", "* gw"), ("* mb", "* gb"))])
def test_what_is_kept_of_all_gradients_may_move_nothing(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    assert run_edited(tmp_path, TWO, *edits).exit_code == 0


RATED = """import numpy as np
rng = np.random.default_rng(8)
users, items = rng.normal(0, 0.3, (6, 3)), rng.normal(0, 0.3, (5, 3))
seen, squares = np.full((6, 3), 1e-4), np.full((5, 3), 1e-4)
for u, i, stars in [(0, 1, 4.0), (2, 3, 2.0), (0, 4, 5.0), (5, 0, 1.0), (2, 1, 3.0)]:
    error = users[u] @ items[i] - stars
    loss = 0.5 * error ** 2
    of_user, of_item = error * items[i], error * users[u]
    seen[u] += of_user * of_user
    squares[i] += of_item ** 2
    users[u] -= 0.1 * of_user / np.sqrt(seen[u])
    items[i] -= 0.1 * of_item / np.sqrt(squares[i])
"""
TABLES = ("users[u] -=", "users -="), ("of_user / np.sqrt(seen[u])", "table / np.sqrt(seen)")
WHOLE = ("seen[u] +=", "table = np.eye(6)[u][:, None] * of_user; seen +="), *TABLES
OVERWRITTEN = {
    "rows": (("seen[u] += of", "seen[u] = of"),),
    "tables": (*WHOLE, ("seen += of_user * of_user", "seen = table ** 2 + 1e-12")),
}


def test_rows_that_keep_the_squares_of_their_gradients_are_right(tmp_path: Path) -> None:
    assert run_edited(tmp_path, RATED).exit_code == 0


@pytest.mark.parametrize("edits", OVERWRITTEN.values(), ids=OVERWRITTEN.keys())
def test_squares_that_are_overwritten_are_blamed_and_no_other_parameter(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, RATED, *edits).blames
    assert (blame.gradients, blame.line) == (("users",), 9)
    assert blame.accused.cause.kind == "kept"


def test_a_parameter_that_is_moved_by_another_rule_is_named(tmp_path: Path) -> None:
    edits = (LINES[1], "    b = b - .1 * gb"), (", mb = .9", " = .9"), (", .9 * mb + .1 * gb", "")
    sums = (", sb = .99", " = .99"), (", .99 * sb + .01 * gb ** 2", "")
    report = run_edited(tmp_path, TWO, *edits, *sums)
    assert report.exit_code == 0
    assert "note: b is moved by gradient descent" in str(report)


NEVER_KEPT = """import numpy as np
rng = np.random.default_rng(0)
x, target = rng.normal(size=3), np.zeros(2)
W, b = rng.normal(size=(2, 3)), rng.normal(size=2)
v = np.zeros(2)
for i in range(9):
    d = W @ x + b - target
    loss = 0.5 * np.sum(d ** 2)
    W -= 0.1 * np.outer(d, x)
    b -= 0.1 * d
"""


def test_a_target_of_zeros_is_no_velocity(tmp_path: Path) -> None:
    assert run_edited(tmp_path, NEVER_KEPT).exit_code == 0


def test_a_velocity_that_is_not_written_is_told_where_it_is_multiplied(tmp_path: Path) -> None:
    edit = "    b -= 0.1 * d", "    step = 0.9 * v\n    step -= 0.1 * d\n    b += step"
    (blame,) = run_edited(tmp_path, NEVER_KEPT, edit).blames
    assert (blame.line, blame.accused.cause.kind) == (10, "zero")


KEPT_IN_A_TUPLE = """import numpy as np
rng = np.random.default_rng(4)
x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
def moved(part, dk, db):
    kernel, bias, speed, slide = part
    new = 0.9 * speed + dk
    other = 0.9 * slide + db
    kernel, bias = kernel - 0.1 * new, bias - 0.1 * other
    return (kernel, bias,
            new, other)
part = rng.normal(size=(3, 2)), np.zeros(2), np.zeros((3, 2)), np.zeros(2)
for i in range(9):
    d = (x @ part[0] + part[1] - y) / 20
    loss = 10 * np.sum(d ** 2)
    part = moved(part, x.T @ d, d.sum(axis=0))
"""


def test_a_velocity_that_is_not_written_is_told_where_that_of_others_is(tmp_path: Path) -> None:
    assert run_edited(tmp_path, KEPT_IN_A_TUPLE).exit_code == 0
    (blame,) = run_edited(tmp_path, KEPT_IN_A_TUPLE, ("new, other)", "new, slide)")).blames
    assert (blame.line, blame.accused.cause.kind) == (10, "zero")
