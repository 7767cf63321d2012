"""Scripts that train several times, and those that limit the norms of what they have moved."""

from pathlib import Path

import pytest

from conformance.errors import SubjectError, UnjudgedError
from conformance.tests.scripts import run_edited

TWICE = """import numpy as np
rng = np.random.default_rng(13)
X = rng.uniform(-1, 1, (40, 4))
Y = (np.sum(X**2, axis=1, keepdims=True) > 1.2) * 1.0
def train(weights, steps=30, lr=0.5):
    W1, b1, W2 = [w * 1.0 for w in weights]
    for s in range(steps):
        z1 = X @ W1 + b1
        a1 = np.arctan(z1)
        d2 = (a1 @ W2 - Y) / len(X)
        d1 = (d2 @ W2.T) / (1 + z1**2)
        W1 -= lr * X.T @ d1
        b1 -= lr * d1.sum(0, keepdims=True)
        W2 -= lr * a1.T @ d2
        # here
    return [W1, b1, W2]
init = [rng.normal(0, 0.7, (4, 12)), np.zeros((1, 12)), rng.normal(0, 0.4, (12, 1))]
for rnd in range(2):
    final = train(init)
"""
LIMITS = {
    "in place": "W1 *= np.minimum(1, 3.0 / np.linalg.norm(W1, axis=0, keepdims=True))",
    "anew": "W1 = W1 * np.minimum(1, 3.0 / np.sqrt((W1**2).sum(0, keepdims=True)))",
    "unit columns": "W1 /= np.linalg.norm(W1, axis=0)",
    "unit norm": "W1 /= np.linalg.norm(W1)",
}


def test_a_network_is_judged_by_the_first_of_several_trainings(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TWICE, ("1 + z1**2", "1 + a1**2"))
    (blame,) = report.blames
    assert (blame.line, sorted(blame.gradients)) == (11, ["W1", "b1"])


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_what_is_scaled_by_its_own_norms_is_kept(limit: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, TWICE, ("# here", limit))
    assert (report.exit_code, len(report.gradients)) == (0, 3), str(report)


THEN = """
b, c = 0.0, 0.0
for step in range(50):
    error = Y[:, 0] - X[:, 0] * b - c
    b -= 0.01 * np.mean(error * X[:, 0])
    c = c - 0.01 * np.mean(error)
"""


def test_another_training_that_cannot_be_judged_is_told(tmp_path: Path) -> None:
    """Those before it, by the lines of the first, are."""
    again = "final = train(init)\n"
    report = run_edited(tmp_path, TWICE, (again, again + THEN))
    assert (report.exit_code, len(report.ran.later)) == (0, 1), str(report)
    assert "note: training 3 of the script was tried, and is not judged" in str(report)


FUNCTIONS = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
y = X @ np.array([1.0, -2.0, 0.5])
def ridge(lr=0.1):
    w = np.full(3, 0.1)
    for _ in range(20):
        w -= lr * X.T @ (X @ w - y) / len(y)
    return w
def lasso(lr=0.1):
    w = np.full(3, 0.1)
    for _ in range(20):
        w -= lr * (X.T @ (X @ w - y) / len(y) + 0.1 * np.sign(w))
    return w
print(ridge())
print(lasso())
"""


def test_a_function_that_trains_later_is_judged_if_it_is_called(tmp_path: Path) -> None:
    report = run_edited(tmp_path, FUNCTIONS)
    assert (report.exit_code, len(report.ran.later)) == (0, 1), str(report)
    report = run_edited(tmp_path, FUNCTIONS, ("print(lasso())", "print(lasso)"))
    assert (report.exit_code, len(report.ran.later)) == (0, 0), str(report)


def test_a_function_that_trains_later_by_a_velocity_is_judged(tmp_path: Path) -> None:
    step = "w -= lr * (X.T @ (X @ w - y) / len(y) + 0.1 * np.sign(w))"
    velocity = "v = 0.9 * v + lr * X.T @ (X @ w - y) / len(y)\n        w = w - v"
    report = run_edited(
        tmp_path, FUNCTIONS, ("def lasso(lr=0.1)", "def lasso(v=0, lr=0.1)"), (step, velocity)
    )
    assert [each.kind for each in report.ran.later] == ["momentum"], str(report)


LEAKY = """import numpy as np
X = np.array([[1.0, 2, 1], [-1, -2, 1], [-3, -2, 0], [2, 1, 1], [1, 1, 2]])
w = np.array([0.5, 0.25, 0.1])
for x, y in zip(X, [3.0, 2, 1, 2, 1]):
    z = w @ x
    a = np.where(z > 0, z, 0.1 * z)
    w = w - 0.01 * (a - y) * np.where(z > 0, 1, 0.0) * x
"""


def test_updates_that_change_nothing_are_told(tmp_path: Path) -> None:
    report = str(run_edited(tmp_path, LEAKY))
    assert "not judged are the updates that change no parameter: 2, 3" in report


POLICY = """import numpy as np
rng = np.random.default_rng(4)
X, act = rng.normal(size=(48, 5)), rng.integers(0, 3, 48)
adv, idx = rng.normal(size=48), np.arange(48)
W, b = rng.normal(size=(5, 3)), np.zeros(3)
def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
logp_old = np.log(0.7 * softmax(X @ W + b) + 0.1)[idx, act]
for k in range(5):
    p = softmax(X @ W + b)
    ratio = np.exp(np.log(p[idx, act]) - logp_old)
    clipped = np.clip(ratio, 0.8, 1.2) * adv
    loss = -np.minimum(ratio * adv, clipped).mean()
    active = ratio * adv <= clipped
    d = (active * adv * ratio / 48)[:, None] * (p - np.eye(3)[act])
    W -= 0.3 * X.T @ d
    b -= 0.3 * d.sum(0)
"""


def test_what_was_computed_before_the_first_update_is_held_constant(tmp_path: Path) -> None:
    report = run_edited(tmp_path, POLICY)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, POLICY, ("active * adv * ratio", "active * adv"))
    assert [blame.line for blame in report.blames] == [16]


QUANTISER = """import numpy as np
rng = np.random.default_rng(21)
X = rng.normal(size=(40, 6))
We, Wd, code = rng.normal(size=(6, 3)), rng.normal(size=(3, 6)), rng.normal(size=(8, 3))
for step in range(5):
    z = X @ We
    k = ((z[:, None, :] - code[None]) ** 2).sum(-1).argmin(1)
    e = code[k]
    xr = e @ Wd
    loss = ((xr - X) ** 2).sum(1).mean() + 1.25 * ((z - e) ** 2).sum(1).mean()
    dxr = 2 * (xr - X) / 40
    diff = 2 * (z - e) / 40
    dcode = np.zeros_like(code)
    np.add.at(dcode, k, -diff)
    We -= 0.05 * X.T @ (dxr @ Wd.T + 0.25 * diff)
    Wd -= 0.05 * e.T @ dxr
    code -= 0.05 * dcode
"""


def test_what_is_handed_past_a_quantiser_is_not_judged(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="straight-through"):
        run_edited(tmp_path, QUANTISER)


HEAT = """import numpy as np
rng = np.random.default_rng(7)
u0 = np.exp(-0.5 * (np.arange(12) - 5.0) ** 2 / 2.0)
def D(u):
    return u[1:] - u[:-1]
def Dt(f):
    out = np.zeros(12)
    out[:-1] += f
    out[1:] -= f
    return out
def forward(k):
    us = [u0]
    for n in range(5):
        us.append(us[-1] + 0.1 * Dt(k * D(us[-1])))
    return us
data = forward(0.8 + 0.5 * np.sin(np.arange(11) / 2))[-1]
k = np.full(11, 0.6)
for it in range(5):
    us = forward(k)
    lam = us[-1] - data
    loss = 0.5 * np.sum(lam**2)
    gk = np.zeros(11)
    for n in reversed(range(5)):
        gk -= 0.1 * D(us[n]) * D(lam)
        lam = lam + 0.1 * Dt(k * D(lam))
    k = k - 2.0 * gk
    print(round(float(loss), 3))
"""


def test_states_that_are_appended_to_a_list_are_no_parameters(tmp_path: Path) -> None:
    report = run_edited(tmp_path, HEAT)
    assert (report.exit_code, [each.name for each in report.gradients]) == (0, ["k"]), str(report)
    report = run_edited(tmp_path, HEAT, ("Dt(k * D(lam))", "Dt(D(lam))"))
    assert [blame.line for blame in report.blames] == [25]


TWO_LOSSES = """import numpy as np
rng = np.random.default_rng(0)
X, y, c = rng.normal(size=(50, 3)), rng.normal(size=50), rng.normal(size=50)
w, v, s = rng.normal(size=3), rng.normal(size=3), np.array([0.3, -0.2])
for it in range(5):
    d, e = X @ w - y, X @ v - c
    L = np.array([0.5 * np.mean(d**2), 0.5 * np.mean(e**2)])
    loss = (np.exp(-s) * L).sum() + 0.5 * s.sum()
    w -= 0.1 * np.exp(-s[0]) * X.T @ d / 50
    v -= 0.1 * np.exp(-s[1]) * X.T @ e / 50
    s -= 0.1 * (0.5 - np.exp(-s) * L)
"""


def test_a_known_cost_is_a_term_of_the_loss_that_weighs_it(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TWO_LOSSES)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, TWO_LOSSES, ("np.exp(-s[1]) * X.T", "X.T"))
    assert [blame.line for blame in report.blames] == [10]


COMPARED = """import torch
torch.manual_seed(0)
X, y = torch.randn(20, 3), torch.randn(20, 1)
W, b = torch.randn(3, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
for i in range(5):
    out = torch.tanh(X @ W + b)
    loss = ((out - y) ** 2).mean()
    W.grad = b.grad = None
    loss.backward()
    with torch.no_grad():
        d = 2 * (out - y) / 20 * (1 - out**2)
        dW, db = X.T @ d, d.sum(0)
        print(torch.allclose(dW, W.grad), torch.allclose(db, b.grad))
        W.data += -0.1 * dW
        b.data += -0.1 * db
"""


def test_gradients_that_are_compared_with_those_of_torch_are_judged(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    report = run_edited(tmp_path, COMPARED)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, COMPARED, ("1 - out**2", "1 - out"))
    assert [blame.line for blame in report.blames] == [11]
    assert sorted(report.blames[0].gradients) == ["W", "b"]
    with pytest.raises(SubjectError, match="PyTorch computes its gradients"):
        run_edited(tmp_path, COMPARED, ("-0.1 * dW", "-0.1 * W.grad"))


FLAT = """import numpy as np
rng = np.random.default_rng(1)
X, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
W1, W2 = rng.normal(size=(2, 3)), rng.normal(size=(3, 1))
for it in range(5):
    a = np.tanh(X @ W1)
    d2 = (a @ W2 - y) / 20
    cost = 0.5 * np.mean((a @ W2 - y) ** 2)
    dW1 = X.T @ (d2 @ W2.T * (1 - a**2))
    grad = np.concatenate((dW1.ravel(), (a.T @ d2).ravel()))
    flat = np.concatenate((W1.ravel(), W2.ravel())) - 0.5 * grad
    W1, W2 = np.reshape(flat[:6], (2, 3)), np.reshape(flat[6:], (3, 1))
"""


def test_parameters_that_are_set_from_one_flat_array_are_judged(tmp_path: Path) -> None:
    report = run_edited(tmp_path, FLAT)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, FLAT, ("1 - a**2", "1 - a"))
    assert [blame.line for blame in report.blames] == [9]


LAST_ALONE = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.random((10, 3)), rng.random((10, 2))
W = [rng.normal(size=(3, 4)), rng.normal(size=(4, 2))]
for epoch in range(5):
    a = [X]
    for w in W:
        a.append(np.tanh(a[-1] @ w))
    d = (a[2] - Y) * (1 - a[2] ** 2)
    W[1] -= 0.1 * a[1].T @ d
"""


def test_a_layer_that_is_used_as_the_updated_one_and_stays_is_noted(tmp_path: Path) -> None:
    report = run_edited(tmp_path, LAST_ALONE)
    assert report.exit_code == 0
    assert "W[0] is used as the parameters are, and is not updated" in str(report)


COLUMN = """import numpy as np
class Net:
    def __init__(self):
        r = np.random.RandomState(0)
        self.A, self.B = r.randn(4, 3), r.randn(2, 5)
        self.A[:, 0] = 0
        self.B[:, 0] = 0
    def fit(self, X, Y):
        for it in range(9):
            H = np.vstack([np.ones(20), np.tanh(self.A @ X)])
            d = (self.B @ H - Y) / 20
            gB = d @ H.T
            gA = (self.B[:, 1:].T @ d * (1 - H[1:] ** 2)) @ X.T
            self.A -= 0.1 * gA
            self.B -= 0.1 * gB
r = np.random.RandomState(1)
Net().fit(np.vstack([np.ones((1, 20)), r.randn(2, 20)]), r.randn(2, 20))
"""
"""The biases are a column of the weights, and begin as 0."""


def test_a_step_that_is_put_in_the_place_of_a_parameter_is_blamed(tmp_path: Path) -> None:
    assert run_edited(tmp_path, COLUMN).exit_code == 0
    (blame,) = run_edited(tmp_path, COLUMN, ("self.B -= 0.1", "self.B = -0.1")).blames
    assert (blame.gradients, blame.line) == (("self.B",), 15)


FROZEN = """import numpy as np
r = np.random.RandomState(0)
class Dense:
    def __init__(self, n, m):
        self.W = r.randn(n, m)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, d):
        self.dW = self.x.T @ d
        return d @ self.W.T
class Scale:
    def __init__(self, n):
        self.W = r.randn(n)
    def forward(self, x):
        self.x = x
        return x * self.W
    def backward(self, d):
        self.dW = (d * self.x).sum(0)
        return d * self.W
X, Y, layers = r.randn(20, 3), r.randn(20, 2), [Dense(3, 4), Scale(4), Dense(4, 2)]
for epoch in range(9):
    out = X
    for layer in layers:
        out = layer.forward(out)
    d = (out - Y) / 20
    for layer in layers[::-1]:
        d = layer.backward(d)
    clip = min(1, 1 / np.sqrt(sum(np.sum(layer.dW ** 2) for layer in layers)))
    for layer in layers:
        if isinstance(layer, Dense):
            layer.W = layer.W - 0.1 * clip * layer.dW
"""


def test_a_layer_that_stays_is_not_moved_by_the_step_of_another_of_that_name(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, FROZEN).exit_code == 0


ARMIJO = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), np.sign(rng.normal(size=20))

def objective(w):
    return np.mean(np.log1p(np.exp(-y * (X @ w)))) + 0.05 * w @ w

w = np.zeros(3)
f = objective(w)
for step in range(9):
    g = -X.T @ (y / (1 + np.exp(y * (X @ w)))) / 20 + 0.1 * w
    t = 4.0
    while objective(w - t * g) > f - 0.5 * t * (g @ g):
        t *= 0.5
    w = w - t * g
    f = objective(w)
"""


def test_what_a_line_search_computes_of_the_gradient_is_no_loss(tmp_path: Path) -> None:
    ran = run_edited(tmp_path, ARMIJO).ran
    assert (ran.examined.ok, ran.examined.cost, ran.notes) == (True, "own", ())


@pytest.mark.parametrize(
    "edit", [("+ 0.1 * w", "+ 0.2 * w"), ("np.exp(y * (X", "np.exp(-y * (X"), ("(y / (", "(1 / (")]
)
def test_a_wrong_gradient_that_a_line_search_takes_is_blamed(
    edit: tuple[str, str], tmp_path: Path
) -> None:
    accused = run_edited(tmp_path, ARMIJO, edit).examined.accused
    assert [line.line for each in accused for line in each.lines] == [11]


ONE_CLASS = """import numpy as np
rng = np.random.default_rng(0)
w = rng.normal(size=3)
for x, y in zip(rng.normal(size=(9, 3)), [1, 0, 1, 0, 1, 0, 1, 0, 1]):
    p = 1 / (1 + np.exp(-w @ x))
    loss = -np.log(p if y else 1 - p)
    d = p - y
    w -= 0.1 * d * x
"""


def test_gradients_that_are_all_0_are_held_to_the_loss_of_the_others(tmp_path: Path) -> None:
    examined = run_edited(tmp_path, ONE_CLASS, ("p - y", "p - y * p")).examined
    assert examined.accused[0].lines[0].line == 7


STANDING = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(20, 3))
y = np.sign(X[:, 0])
w = np.zeros(3)
for t in range(1, 9):
    wrong = y * (X @ w) > 1
    w = w - (w - (y[wrong, None] * X[wrong]).sum(0)) / t
    norm = np.linalg.norm(w)
    w = w * min(1, 1 / (norm + 1e-9))
"""


def test_updates_that_all_change_nothing_are_not_judged(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError, match="change no parameter"):
        run_edited(tmp_path, STANDING)


WORKED = """import numpy as np
rng = np.random.default_rng(0)
X = np.array([[1, 0, 1, 0], [1, 0, 1, 1], [0, 1, 0, 1]])
Y = np.array([[1], [1], [0]])
W1, W2 = rng.random((4, 3)), rng.random((3, 1))
H = 1 / (1 + np.exp(-X @ W1))
O = 1 / (1 + np.exp(-H @ W2))
d = (Y - O) * O * (1 - O)
dh = d @ W2.T * H * (1 - H)
W2 = W2 + 0.1 * H.T @ d
W1 = W1 + 0.1 * X.T @ dh
print(W1, W2)
"""


@pytest.mark.parametrize(
    ("old", "new", "line"), [("", "", None), ("* H * (1 - H)", "* H", 9), ("(1 - O)", "O", 8)]
)
def test_a_worked_example_of_one_step_is_judged(
    old: str, new: str, line: int | None, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, WORKED, (old, new))
    assert [each.line for each in report.blames[:1]] == ([] if line is None else [line])
    assert report.ran.parameters == ("W1", "W2")


NET = """import numpy as np
class Net:
    def __init__(self):
        rng = np.random.default_rng(0)
        self.W = [rng.normal(size=(5, 3)), rng.normal(size=(2, 5))]
        self.b = [np.zeros((5, 1)), np.zeros((2, 1))]

    def feedforward(self, a):
        for W, b in zip(self.W, self.b):
            a = np.tanh(W @ a + b)
        return a

    def step(self, x, y):
        a = [x]
        for W, b in zip(self.W, self.b):
            a.append(np.tanh(W @ a[-1] + b))
        delta = (a[-1] - y) * (1 - a[-1] ** 2)
        for l in (1, 0):
            gW, gb = delta @ a[l].T, delta.sum(axis=1, keepdims=True)
            if l:
                delta = (self.W[l].T @ delta) * (1 - a[l] ** 2)
            self.W[l] = self.W[l] - 0.1 * gW
            self.b[l] = self.b[l] - 0.1 * gb

data = np.random.default_rng(1)
net = Net()
for _ in range(20):
    x = data.normal(size=(3, 6))
    net.step(x, np.sin(x[:2]))
"""


def test_a_method_that_goes_forward_in_a_loop_hands_nothing_back(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, NET, (" * (1 - a[-1] ** 2)", "")).blames
    lines = NET.splitlines()
    assert [lines[each.line - 1].strip()[:5] for each in blame.accused.lines] == ["delta"]


CLIPPED = """import numpy as np
rng = np.random.default_rng(0)
U, W, V = rng.normal(size=(3, 2)), rng.normal(size=(3, 3)), rng.normal(size=(1, 3))
for it in range(30):
    xs = rng.normal(size=(4, 2, 5))
    hs, loss = [np.zeros((3, 5))], 0
    for x in xs:
        hs.append(np.tanh(U @ x + W @ hs[-1]))
    e = V @ hs[-1] - xs[0, :1]
    loss = 0.5 * (e ** 2).sum()
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), e @ hs[-1].T
    dh = V.T @ e
    for t in (4, 3, 2, 1):
        raw = (1 - hs[t] ** 2) * dh
        dU += raw @ xs[t - 1].T
        dW += raw @ hs[t].T
        dh = W.T @ raw
    for g in (dU, dW, dV):
        np.clip(g, -5, 5, out=g)
    for p, g in ((U, dU), (W, dW), (V, dV)):
        p -= 0.1 * g
"""


def test_what_clips_other_gradients_rightly_is_no_line_in_question(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, CLIPPED).blames
    lines = CLIPPED.splitlines()
    assert [lines[each.line - 1].strip()[:2] for each in blame.accused.lines] == ["dW"]


SOFTMAX = """import numpy as np
rng = np.random.default_rng(0)
X, T = rng.normal(size=(20, 4)), np.eye(3)[rng.integers(0, 3, 20)]
W, b = rng.normal(size=(4, 3)), np.zeros(3)
for it in range(20):
    e = np.exp(X @ W + b)
    P = e / e.sum(1, keepdims=True)
    loss = -(T * np.log(P)).sum() / 20
    err = (P - T) / 20
    W -= 0.1 * X.T @ err
    b -= 0.1 * err.sum(0)
"""


def test_what_is_handed_on_in_the_place_of_a_derivative_is_shown(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SOFTMAX, ("err = (P - T) / 20", "err = P"))
    assert "script.py:9: err = P\n`P` is handed on here, and ∂C/∂(X @ W + b)" in str(report)


TD = """import numpy as np
rng = np.random.default_rng(50)
phi = rng.normal(size=(5, 4))
w, s = np.zeros(4), 2
for step in range(400):
    s2 = min(s + rng.integers(0, 2), 4)
    target = float(s2 == 4) + .9 * (phi[s2] @ w)
    td_error = target - phi[s] @ w
    w -= .1 * -td_error * phi[s]
    s = 2 if s2 == 4 else s2
"""


@pytest.mark.parametrize(("sign", "code"), [("-", 0), ("", 1)])
def test_a_script_goes_on_until_something_moves(sign: str, code: int, tmp_path: Path) -> None:
    report = run_edited(tmp_path, TD, ("* -td_error", f"* {sign}td_error"))
    assert report.exit_code == code
    assert ("unchanged", "1, 2, 3, 4") in report.ran.notes


STAR = """from numpy import *
from pylab import *
X = linspace(-1.0, 1.0, 12).reshape(6, 2)
y = X[:, :1] - 2 * X[:, 1:] ** 2
theta = zeros(shape=(2, 1))
for i in range(9):
    errors = X.dot(theta) - y
    sigma = array([(errors * X[:, j : j + 1]).sum() for j in range(2)])
    theta = theta - 0.1 / 6 * sigma.reshape(2, 1)
"""


def test_functions_of_numpy_that_another_module_gives_are_followed(tmp_path: Path) -> None:
    pytest.importorskip("pylab")
    report = run_edited(tmp_path, STAR)
    assert report.ok
    assert report.ran.updates == 3


ONE_STEP = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
V, w = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))
a = np.tanh(X @ V)
e = a @ w - y
V -= 0.1 * X.T @ (e @ w.T * (1 - a**2))
w -= 0.1 * a.T @ e
print(missing)
"""


def test_one_step_is_judged_though_the_script_fails_after_it(tmp_path: Path) -> None:
    report = run_edited(tmp_path, ONE_STEP)
    assert report.ok
    assert "after these updates it raised NameError" in str(report)
    assert not run_edited(tmp_path, ONE_STEP, ("w -= 0.1 *", "w = 0.1 *")).ok


SLOPE = """import numpy as np
x = np.linspace(0.0, 1.0, 20)
y = 3 * x + np.cos(7 * x)
a, b = np.array([0.3]), np.array([0.1])
for epoch in range(50):
    f = a * x + b
    loss = np.sum((y - f) ** 2)
    grad_a = -2 * np.sum(x * (y - f))
    grad_b = -2 * np.sum(y - f)
    a = a - 0.01 * grad_a
    b = b - 0.01 * grad_b
"""


def test_a_step_from_another_parameter_is_blamed_where_it_is_computed(tmp_path: Path) -> None:
    assert run_edited(tmp_path, SLOPE).ok
    report = run_edited(tmp_path, SLOPE, ("b = b - 0.01", "b = a - 0.01"))
    assert report.examined.accused[0].lines[0].line == 11


ADDED_AGAIN = """import numpy as np
rng = np.random.default_rng(1)

class Dense:
    def __init__(self, i, o):
        self.M = rng.normal(size=(i + 1, o)) / np.sqrt(i + 1)

    def __call__(self, x):
        self.x1 = np.hstack([x, np.ones((len(x), 1))])
        return self.x1 @ self.M

    def back(self, g):
        self.dM = self.x1.T @ g
        return g @ self.M[:-1].T

X, Y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
net = [Dense(3, 6), Dense(6, 6), Dense(6, 2)]
for k in range(300):
    h = np.tanh(net[0](X))
    t = np.tanh(net[1](h))
    out = net[2](h + t)
    loss = 0.5 * np.mean(np.sum((out - Y) ** 2, axis=1))
    g = net[2].back((out - Y) / len(X))
    g = g + net[1].back(g - g * t ** 2)
    net[0].back(g - g * h ** 2)
    for layer in net:
        layer.M -= 0.1 * layer.dM
"""


def test_what_is_added_to_once_a_step_is_no_parameter(tmp_path: Path) -> None:
    ran = run_edited(tmp_path, ADDED_AGAIN).ran
    assert (ran.updates, dict(ran.notes)) == (3, {})


VARIATION = """import numpy as np
rng = np.random.default_rng(0)
f, u = rng.normal(size=(5, 6)), rng.normal(size=(5, 6))
for it in range(5):
    ux, uy = np.zeros_like(u), np.zeros_like(u)
    ux[:, :-1] = u[:, 1:] - u[:, :-1]
    uy[:-1, :] = u[1:, :] - u[:-1, :]
    norm = np.sqrt(ux ** 2 + uy ** 2 + 0.001)
    energy = 0.5 * ((u - f) ** 2).sum() + 0.3 * norm.sum()
    px, py = ux / norm, uy / norm
    div = px + py
    div[:, 1:] -= px[:, :-1]
    div[1:, :] -= py[:-1, :]
    g = u - f - 0.3 * div
    u = u - 0.1 * g
"""


def test_what_several_lines_of_a_step_write_into_is_no_parameter(tmp_path: Path) -> None:
    assert run_edited(tmp_path, VARIATION).exit_code == 0
    wrong = "div[:, 1:] -= px[:, :-1]", "div[:, 1:] -= px[:, 1:]"
    (blame,) = run_edited(tmp_path, VARIATION, wrong).blames
    assert blame.line in (12, 13)


CARRIED = """import numpy as np
rng = np.random.default_rng(0)
P = {k: rng.normal(size=(4, 3 if k[0] == "W" else 4)) * 0.5 for k in ("Wz", "Uz", "Wn", "Un")}
P["V"] = rng.normal(size=(2, 4)) * 0.5
steps = [(rng.normal(size=3), rng.normal(size=2)) for _ in range(60)]
def forward(seq, h):
    kept, loss = [], 0.0
    for x, y in seq:
        old = h
        z = 1 / (1 + np.exp(-(P["Wz"] @ x + P["Uz"] @ old)))
        n = np.tanh(P["Wn"] @ x + P["Un"] @ (z * old))
        h = z * old + (1 - z) * n
        o = P["V"] @ h
        loss += 0.5 * np.sum((o - y) ** 2)
        kept.append((x, y, old, z, n, h, o))
    return loss, h, kept
def backward(kept):
    g = {k: np.zeros_like(v) for k, v in P.items()}
    later = np.zeros(4)
    for x, y, old, z, n, h, o in reversed(kept):
        d = o - y
        g["V"] += np.outer(d, h)
        dh = P["V"].T @ d + later
        dn = dh * (1 - z) * (1 - n * n)
        du = P["Un"].T @ dn
        dz = (dh * (old - n) + du * old) * z * (1 - z)
        for gate, e, into in (("z", dz, old), ("n", dn, z * old)):
            g["W" + gate] += np.outer(e, x)
            g["U" + gate] += np.outer(e, into)
        later = dh * z + du * z + P["Uz"].T @ dz
    return g
h = np.zeros(4)
for i in range(0, 60, 5):
    loss, h, kept = forward(steps[i:i + 5], h)
    for k, e in backward(kept).items():
        P[k] -= 0.05 * e
"""


def test_the_gradient_of_a_state_that_is_carried_on_may_move_nothing(tmp_path: Path) -> None:
    assert run_edited(tmp_path, CARRIED).exit_code == 0


DECAYS = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
W = rng.normal(size=(3, 2))
for step in range(30):
    total, loss = [np.zeros_like(W)], 0.0
    for i in range(0, 40, 10):
        e = X[i:i + 10] @ W - y[i:i + 10]
        loss += 0.5 * np.sum(e ** 2) / 40
        for one, g in zip(total, [X[i:i + 10].T @ e / 40]):
            one += g
    W = W - 0.1 * total[0] - 0.1 * 0.05 * W
"""


@pytest.mark.parametrize(("line", "exit_code"), [("one += g", 0), ("one = one + g", 1)])
def test_a_parameter_that_only_decays_goes_down_no_loss(
    line: str, exit_code: int, tmp_path: Path
) -> None:
    assert run_edited(tmp_path, DECAYS, ("one += g", line)).exit_code == exit_code


FLOW = """import numpy as np
rng = np.random.default_rng(21)
x0, goal = rng.normal(size=(9, 2)), rng.normal(size=(9, 2))
A, C = rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
def euler(x):
    return x + 0.25 * np.tanh(x @ A) @ C, x
def back(x, lam, g):
    a = np.tanh(x @ A)
    u = 0.25 * (lam @ C.T) * (1 - a * a)
    g[0] += x.T @ u
    g[1] += 0.25 * a.T @ lam
    return lam + u @ A.T
for k in range(5):
    x, kept = x0, []
    for _ in range(4):
        x, old = euler(x)
        kept.append(old)
    loss = ((x - goal) ** 2).sum() / 9
    lam, g = 2 * (x - goal) / 9, [np.zeros_like(A), np.zeros_like(C)]
    while kept:
        lam = back(kept.pop(), lam, g)
    A -= 0.05 * g[0]
    C -= 0.05 * g[1]
"""


SEGMENT = """def segment(x):
    out = [x]
    for _ in range(2):
        out.append(euler(out[-1])[0])
    return out
def back("""
FORWARD = (
    ("range(4):", "range(2):"),
    (
        "        x, old = euler(x)\n        kept.append(old)\n",
        "        kept.append(x)\n        x = segment(x)[-1]\n",
    ),
)
BACKWARD = (
    "        lam = back(kept.pop(), lam, g)\n",
    "        for x in segment(kept.pop())[1::-1]:\n            lam = back(x, lam, g)\n",
)
SEGMENTS = ("def back(", SEGMENT), *FORWARD, BACKWARD


@pytest.mark.parametrize(("edits", "line"), [((), 12), (SEGMENTS, 17)], ids=["steps", "segments"])
def test_a_state_that_functions_hand_on_from_step_to_step_is_no_parameter(
    edits: tuple[tuple[str, str], ...], line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, FLOW, *edits)
    assert report.exit_code == 0, str(report)
    (blame,) = run_edited(tmp_path, FLOW, *edits, ("return lam + u", "return u")).blames
    assert blame.line == line
