"""Which arrays of a script are its parameters, and which are data, states or steps on the way."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

GRAPH = """import numpy as np
rng = np.random.default_rng(1)
S, X, T = rng.random((6, 6)), rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
Ws = [rng.normal(size=(3, 4)), rng.normal(size=(4, 2))]
for step in range(20):
    hs = [X]
    for W in Ws:
        hs.append(np.tanh(S @ hs[-1] @ W))
    loss = np.mean((hs[-1] - T) ** 2)
    d = 2 * (hs[-1] - T) / T.size
    for i in (1, 0):
        dz = S.T @ (d * (1 - hs[i + 1] ** 2))
        d, Ws[i] = dz @ Ws[i].T, Ws[i] - 0.1 * (hs[i].T @ dz)
"""


def test_data_of_which_the_gradient_is_computed_are_no_parameter(tmp_path: Path) -> None:
    report = run_edited(tmp_path, GRAPH)
    assert report.exit_code == 0, str(report)


SHARP = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
T = np.sin(X[:, :1])
w = [rng.normal(size=(3, 4)), rng.normal(size=(4, 1))]

def loss_grad(w):
    h = np.tanh(X @ w[0])
    e = h @ w[1] - T
    d = e / len(X)
    return 0.5 * np.mean(e ** 2), [X.T @ (d @ w[1].T * (1 - h * h)), h.T @ d]

for step in range(20):
    loss, g = loss_grad(w)
    norm = np.sqrt(sum((each ** 2).sum() for each in g))
    beside = [p + 0.1 * each / norm for p, each in zip(w, g)]
    _, g = loss_grad(beside)
    for i in range(2):
        w[i] = w[i] - 0.1 * g[i]
"""


@pytest.mark.parametrize(("edit", "wrong"), [((), 0), ((("(1 - h * h)", "(1 - h)"),), 1)])
def test_gradients_that_are_taken_beside_the_parameters_are_held_to_the_loss_there(
    edit: tuple[tuple[str, str], ...], wrong: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, SHARP, *edit)
    assert report.exit_code == wrong, str(report)
    assert report.ran.parameters == ("w[0]", "w[1]")
    assert [each.ok for each in report.gradients] == [not wrong, True]
    assert dict(report.ran.rule.numbers) == pytest.approx({"η": 0.1})


SMOOTHING = """import numpy as np
series = np.cumsum(0.5 + 0.3 * np.sin(np.arange(12.0)))
raw = np.array([0.0, -1.0])
for sweep in range(20):
    alpha, beta = 1 / (1 + np.exp(-raw))
    level, slope = series[0], series[1] - series[0]
    dl_a = dl_b = ds_a = ds_b = 0.0
    sse, g_a, g_b = 0.0, 0.0, 0.0
    for value in series[1:]:
        pred = level + slope
        dp_a, dp_b = dl_a + ds_a, dl_b + ds_b
        err = pred - value
        sse = sse + err ** 2
        g_a, g_b = g_a + 2 * err * dp_a, g_b + 2 * err * dp_b
        new_level = pred - alpha * err
        dnl_a, dnl_b = dp_a - err - alpha * dp_a, dp_b - alpha * dp_b
        ds_a = beta * (dnl_a - dl_a) + (1 - beta) * ds_a
        ds_b = (new_level - level) - slope + beta * (dnl_b - dl_b) + (1 - beta) * ds_b
        slope = beta * (new_level - level) + (1 - beta) * slope
        level, dl_a, dl_b = new_level, dnl_a, dnl_b
    loss = sse / 11
    raw = raw - 0.5 * np.array([g_a * alpha * (1 - alpha), g_b * beta * (1 - beta)]) / 11
"""


def test_states_that_a_loop_hands_on_by_other_names_are_no_parameters(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SMOOTHING)
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == ("raw",)
    assert report.ran.rule.kind == "plain"


SMOOTHER = """import numpy as np
rng = np.random.default_rng(0)
seen = rng.normal(size=8)
made = seen.copy()
for step in range(20):
    steep = np.diff(made)
    energy = 0.5 * np.sum((made - seen) ** 2) + 0.2 * np.sum(steep ** 2)
    g = made - seen
    g[1:] += 0.4 * steep
    g[:-1] -= 0.4 * steep
    made -= 0.1 * g
"""
COUNTS = """import numpy as np
rng = np.random.default_rng(0)
tags = rng.integers(0, 3, size=40)
T = 0.1 * rng.normal(size=(3, 3))
for step in range(20):
    logp = T - np.log(np.exp(T).sum(1, keepdims=True))
    loss = -logp[tags[:-1], tags[1:]].sum()
    dT = np.exp(logp) * np.bincount(tags[:-1], minlength=3)[:, None]
    for i, j in zip(tags[:-1], tags[1:]):
        dT[i, j] -= 1
    T -= 0.01 * dT
"""


@pytest.mark.parametrize(("script", "name"), [(SMOOTHER, "made"), (COUNTS, "T")])
def test_what_begins_as_the_data_or_is_moved_by_counts_is_a_parameter(
    script: str, name: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, script)
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == (name,)


FILTER = """import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=10)

def filtered(b, a):
    y = np.zeros(10)
    for t in range(10):
        y[t] = b[0] * x[t]
        if t >= 1:
            y[t] += b[1] * x[t - 1] - a[0] * y[t - 1]
    return y

d = filtered(np.array([0.5, 0.3]), np.array([-0.6]))
b, a = np.array([1.0, 0.0]), np.zeros(1)
for step in range(20):
    y = filtered(b, a)
    loss = np.mean((y - d) ** 2)
    g = 2 * (y - d) / 10
    lam = np.zeros(10)
    for t in range(9, -1, -1):
        lam[t] = g[t]
        if t < 9:
            lam[t] -= a[0] * lam[t + 1]
    b = b - 0.1 * np.array([lam @ x, lam[1:] @ x[:-1]])
    a = a - 0.1 * np.array([-(lam[1:] @ y[:-1])])
"""


def test_an_array_that_a_loop_fills_place_by_place_is_no_parameter(tmp_path: Path) -> None:
    report = run_edited(tmp_path, FILTER)
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == ("b", "a")


PAIR = """import numpy as np
rng = np.random.default_rng(1)

def train(X, T):
    W, b = rng.normal(size=(3, 2)), np.zeros(2)
    for step in range(3):
        d = 2 * (X @ W + b - T) / T.size
        loss = np.mean((X @ W + b - T) ** 2)
        W, b = W - 0.1 * X.T @ d, b - 0.1 * d.sum(axis=0)

train(rng.normal(size=(6, 3)), rng.normal(size=(6, 2)))
"""


def test_parameters_that_one_statement_assigns_have_names_of_their_own(tmp_path: Path) -> None:
    report = run_edited(tmp_path, PAIR)
    assert "3 updates of b, W, by" in str(report)


CLASS_BY_CLASS = """import numpy as np
rng = np.random.default_rng(0)
emb, out = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
for center, context in [(0, 1), (3, 4), (1, 2), (4, 0), (2, 3), (0, 4)]:
    h = emb[center].copy()
    p = np.exp(out @ h)
    p = p / p.sum()
    loss = -np.log(p[context])
    p[context] -= 1
    dh = out.T @ p
    for k in range(5):
        out[k] -= 0.1 * p[k] * h
    emb[center] -= 0.1 * dh
"""


def test_rows_that_are_moved_by_one_error_are_one_step(tmp_path: Path) -> None:
    report = run_edited(tmp_path, CLASS_BY_CLASS)
    assert report.exit_code == 0, str(report)
    assert len(report.ran.parameters) == 2
    wrong = run_edited(tmp_path, CLASS_BY_CLASS, ("emb[center] -=", "emb[center] +="))
    assert [each.ok for each in wrong.gradients] == [False, True], str(wrong)


CLOSURES = """import numpy as np
class Gradient:
    def __init__(self, value):
        self.sum = np.zeros_like(value)
    def clear(self):
        self.sum[...] = 0
def linear(W, b):
    w = Gradient(W)
    def forward(x):
        def backward(d):
            w.sum += x.T @ d
            return d @ W.T, [(W, w), (b, d.sum(axis=0))]
        return x @ W + b, backward
    return forward, w
rng = np.random.default_rng(4)
init = lambda i, o: (rng.normal(size=(i, o)), np.zeros(o))
one, v = linear(*init(3, 4))
two, u = linear(*init(4, 1))
X = rng.normal(size=(8, 3))
for step in range(9):
    v.clear(); u.clear()
    bs = 0
    for x in (X[:4], X[4:]):
        h, back1 = one(x)
        out, back2 = two(h)
        loss = np.mean((out - x[:, :1] * x[:, 1:2]) ** 2)
        d, of_two = back2(2 * (out - x[:, :1] * x[:, 1:2]) / 4)
        _, of_one = back1(d)
        bs = bs + np.concatenate([of_one[1][1], of_two[1][1]])
    for (p, w), (b, _), g in ((*of_one, bs[:4]), (*of_two, bs[4:])):
        p -= 0.01 * w.sum
        b -= 0.01 * g
"""


def test_arrays_that_a_star_hands_on_and_a_method_clears_are_followed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, CLOSURES)
    assert report.exit_code == 0, str(report)
    assert "4 gradients, all right" in str(report)


UNSEEN = """import numpy as np
rng = np.random.RandomState(9)
x = rng.uniform(0, 1, (50, 1))
y = 2 + np.sin(6 * x) + rng.exponential(0.3, (50, 1))
above = lambda u: np.frombuffer((u >= 0).tobytes(), dtype=bool).reshape(u.shape)
pinball = lambda u: np.where(above(u), 0.9, -0.1) * u
slope = lambda u: np.where(above(u), 0.9, -0.1)
w1, b1 = rng.randn(1, 4), rng.randn(4)
w2, b2 = rng.randn(4, 1), np.array([2.0])
for k in range(20):
    a = np.tanh(x @ w1 + b1)
    q = a @ w2 + b2
    loss = np.mean(pinball(y - q))
    dq = -slope(y - q) / 50
    da = dq @ w2.T * (1 - a * a)
    w2 -= 0.1 * a.T @ dq
    b2 -= 0.1 * dq.mean(axis=0)
    w1 -= 0.1 * x.T @ da
    b1 -= 0.1 * da.sum(axis=0)
"""


def test_a_parameter_whose_gradient_is_not_seen_to_be_computed_is_told(tmp_path: Path) -> None:
    assert "b2 is not judged" in str(run_edited(tmp_path, UNSEEN))


LOOP = """import numpy as np
rng = np.random.default_rng(1)
X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
W, b = rng.normal(size=3), np.zeros(1)
for it in range(10):
    r = X @ W + b - y
    loss = 0.5 * np.mean(r**2)
    for param, grad in ((W, X.T @ r / 20), (b, r.mean(keepdims=True))):
        param -= 0.1 * grad
"""


def test_the_variable_of_a_loop_over_all_parameters_is_the_name_of_none(tmp_path: Path) -> None:
    report = run_edited(tmp_path, LOOP)
    assert {*report.ran.parameters} == {"W", "b"}


SUMMED = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
w, b = rng.normal(size=3), 0.1
for it in range(10):
    r = b + X @ w - y
    dw = np.zeros(3)
    for i in range(20):
        dw = dw + r[i] * X[i] / 20
    w -= 0.1 * dw
    b -= 0.1 * r.mean()
"""


def test_a_sum_of_gradients_is_no_parameter_that_is_not_seen_to_be_computed(tmp_path: Path) -> None:
    assert "is not judged" not in str(run_edited(tmp_path, SUMMED))


TWICE = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
y = X[:, :1] * X[:, 1:2]
def train(name):
    w, v, c = rng.normal(size=(3, 4)), rng.normal(size=(4, 1)), [0, 0]
    for t in range(20):
        h = np.tanh(X @ w)
        d = (h @ v - y) / len(X)
        loss = 0.5 * np.sum((h @ v - y) ** 2) / len(X)
        gw, gv = 2 * X.T @ (d @ v.T * (1 - h ** 2)), h.T @ d
        if name == "sgd":
            w, v = w - 0.1 * gw, v - 0.1 * gv
        else:
            c = [0.9 * c[0] + gw, 0.9 * c[1] + gv]
            w, v = w - 0.01 * c[0], v - 0.01 * c[1]
for name in ("sgd", "momentum"):
    train(name)
"""


@pytest.mark.parametrize(("factor", "code"), [("", 0), ("2 * ", 1)])
def test_one_function_may_train_by_one_rule_and_by_another(
    factor: str, code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, TWICE, ("2 * X.T", f"{factor}X.T"))
    assert report.exit_code == code
    assert report.ran.rule.kind == "plain"


RECORDS = """import numpy as np
neuron = np.dtype([("w", "f8", (3,)), ("b", "f8"), ("out", "f8")])
rng = np.random.default_rng(31)
hidden = np.zeros(6, dtype=neuron)
hidden["w"] = rng.normal(size=(6, 3))
hidden["out"] = rng.normal(size=6)
X = rng.normal(size=(8, 3))
y, offset = X[:, 0] * X[:, 1], 0.1
for epoch in range(9):
    act = np.tanh(X @ hidden["w"].T + hidden["b"])
    err = act @ hidden["out"] + offset - y
    loss = np.mean(err ** 2) / 2
    d = err / len(y)
    d_pre = np.outer(d, hidden["out"]) * (1 - act ** 2)
    g_out = act.T @ d
    g_w = d_pre.T @ X
    hidden["out"] -= 0.05 * g_out
    hidden["w"] -= 0.05 * g_w
    hidden["b"] -= 0.05 * d_pre.sum(axis=0)
    offset -= 0.05 * d.sum()
"""


@pytest.mark.usefixtures("no_search")
def test_the_fields_of_a_structured_array_are_parameters(tmp_path: Path) -> None:
    examined = run_edited(tmp_path, RECORDS).examined
    assert [each.ok for each in examined.gradients] == [True] * 4
    (blame,) = run_edited(tmp_path, RECORDS, ("d_pre.T @ X", "3 * d_pre.T @ X")).blames
    assert (blame.gradients, blame.line) == (("hidden['w']",), 16)


ADJOINT = """import numpy as np
STEPS, DT = 24, 0.25
def simulate(beta, gamma, i0):
    S, I = np.zeros(STEPS + 1), np.zeros(STEPS + 1)
    S[0], I[0] = 1.0 - i0, i0
    for k in range(STEPS):
        new, healed = beta * S[k] * I[k] * DT, gamma * I[k] * DT
        S[k + 1] = S[k] - new
        I[k + 1] = I[k] + new - healed
    return S, I
_, truth = simulate(0.6, 0.2, 0.05)
observed = truth[::4] * (1 + 0.05 * np.random.default_rng(1).standard_normal(7))
log_beta, log_gamma, log_i0 = np.log(0.5), np.log(0.25), np.log(0.06)
for iteration in range(9):
    beta, gamma, i0 = np.exp(log_beta), np.exp(log_gamma), np.exp(log_i0)
    S, I = simulate(beta, gamma, i0)
    misfit = I[::4] - observed
    loss = np.mean(misfit ** 2)
    adj_S, adj_I = 0.0, 2 * misfit[-1] / len(misfit)
    grad_beta = grad_gamma = 0.0
    for k in range(STEPS - 1, -1, -1):
        adj_new, adj_healed = adj_I - adj_S, -adj_I
        grad_beta += adj_new * S[k] * I[k] * DT
        grad_gamma += adj_healed * I[k] * DT
        adj_S += adj_new * beta * I[k] * DT
        adj_I += adj_new * beta * S[k] * DT + adj_healed * gamma * DT
        if k % 4 == 0:
            adj_I += 2 * misfit[k // 4] / len(misfit)
    log_beta -= 2.0 * grad_beta * beta
    log_gamma -= 2.0 * grad_gamma * gamma
    log_i0 -= 2.0 * (adj_I - adj_S) * i0
"""


def test_single_numbers_that_a_long_recurrence_uses_are_no_states_of_it(tmp_path: Path) -> None:
    report = run_edited(tmp_path, ADJOINT)
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == ("log_beta", "log_gamma", "log_i0")


INITIAL = """import numpy as np
rng = np.random.default_rng(3)
A = np.eye(4) + 0.1 * rng.normal(size=(4, 4))
k = 0.3
target = rng.normal(size=2)
start = rng.normal(size=4)
for it in range(50):
    xs = [start]
    for _ in range(5):
        xs.append(xs[-1] + 0.1 * k * (A @ xs[-1]))
    r = xs[-1][[0, 2]] - target
    loss = 0.5 * r @ r
    lam = np.zeros(4)
    lam[[0, 2]] = r
    gk = 0.0
    for n in range(4, -1, -1):
        gk += 0.1 * lam @ (A @ xs[n])
        lam = lam + 0.1 * k * (A.T @ lam)
    start = start - 0.1 * lam
    k = k - 0.1 * gk
"""

COPIED = ("[start]", "[start.copy()]")


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize(
    ("edits", "wrong"),
    [((), 0), ((COPIED,), 0), ((("0.1 * lam\n", "0.1 * lam * np.arange(4)\n"), COPIED), 1)],
)
def test_a_recurrence_within_a_step_is_no_parameter_and_what_it_begins_with_may_be_one(
    edits: tuple[tuple[str, str], ...], wrong: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, INITIAL, *edits)
    assert report.exit_code == wrong, str(report)
    assert report.ran.parameters == ("start", "k")


EULER = """import numpy as np
rng = np.random.default_rng(2)
start = rng.normal(size=(2, 30))
goal = np.roll(start, 1, axis=0)
mean = None
P, q = rng.normal(size=(2, 2)) * 0.3, np.zeros((2, 1))
for step in range(10**9):
    x, seen = start, []
    for _ in range(6):
        seen.append(x)
        x = x + 0.2 * (P @ x + q)
    cost = np.sum((x - goal) ** 2) / 30
    back = 2 * (x - goal) / 30
    gP, gq = 0, 0
    for x in reversed(seen):
        gP, gq = gP + 0.2 * back @ x.T, gq + 0.2 * back.sum(1, keepdims=True)
        back = back + 0.2 * P.T @ back
    P, q = [w - 0.1 * g for w, g in ((P, gP), (q, gq))]
    mean = [0.9 * o + 0.1 * w for o, w in zip(mean or (P, q), (P, q))]
"""


def test_what_each_step_begins_with_has_no_steps_that_parameters_are_made_within(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, EULER)
    assert (report.exit_code, len(report.examined.gradients)) == (0, 2), str(report)


def test_an_initial_state_may_be_the_only_parameter(tmp_path: Path) -> None:
    report = run_edited(tmp_path, INITIAL, ("    k = k - 0.1 * gk\n", ""))
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == ("start",)


BASELINE = """import numpy as np
rng = np.random.default_rng(31)
theta, baseline = rng.normal(0, 0.1, (6, 2)), 0.0
def policy(s):
    e = np.exp(theta[s] - theta[s].max())
    return e / e.sum()
for episode in range(80):
    s, steps, rewards = 0, [], []
    while s < 5 and len(steps) < 8:
        p = policy(s)
        a = int(rng.random() < p[1])
        steps.append((s, a))
        s = s + 1 if a else max(0, s - 1)
        rewards.append(1.0 if s == 5 else -0.04)
    returns = np.cumsum(rewards[::-1])[::-1]
    grad = np.zeros_like(theta)
    loss = 0.0
    for (s, a), R in zip(steps, returns):
        p = policy(s)
        advantage = R - baseline
        loss -= advantage * np.log(p[a])
        grad[s] += advantage * (p - np.eye(2)[a])
    theta -= 0.2 * grad
    baseline += 0.1 * (returns.mean() - baseline)
"""


def test_a_running_mean_of_data_is_no_parameter_and_leaves_what_it_moves_one(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, BASELINE)
    assert report.exit_code == 0, str(report)
    assert "updates of theta" in str(report)


ARMS = """import numpy as np
rng = np.random.default_rng(2)
theta, level = np.zeros(3), 0.0
for draw in range(90):
    p = np.exp(theta) / np.exp(theta).sum()
    arm = (rng.random((25, 1)) > np.cumsum(p)).sum(axis=1)
    gain = np.where(arm == 1, 1.0, 0.2) + 0.1 * rng.normal(size=25)
    above = gain - level
    loss = -np.mean(above * np.log(p[arm]))
    theta -= 0.5 * (above @ (p - np.eye(3)[arm])) / 25
    level += 0.1 * (gain.mean() - level)
"""


def test_what_a_policy_only_chose_may_be_in_a_running_mean(tmp_path: Path) -> None:
    report = run_edited(tmp_path, ARMS)
    assert (report.exit_code, report.ran.parameters) == (0, ("theta",)), str(report)
    report = run_edited(tmp_path, ARMS, ("p - np.eye(3)[arm]", "np.eye(3)[arm] - p"))
    assert report.exit_code == 1, str(report)


NUMBER = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
y = (X[:, 0] > 0).astype(float)
w, c = rng.normal(size=3), 0.0
sw, sc = np.zeros_like(w), np.zeros_like(np.array(c))
for step in range(20):
    s = X @ w + c
    loss = np.mean(np.logaddexp(0.0, s) - y * s)
    d = (1 / (1 + np.exp(-s)) - y) / len(y)
    dw, dc = X.T @ d, d.sum()
    sw = 0.9 * sw + 0.1 * dw ** 2
    sc = 0.9 * sc + 0.1 * dc ** 2
    w -= 0.01 * dw / (np.sqrt(sw) + 1e-8)
    c -= 0.01 * dc / (np.sqrt(sc) + 1e-8)
"""


@pytest.mark.parametrize(("edit", "wrong"), [((), 0), ((("d, d.sum()", "d, d.mean()"),), 1)])
def test_what_is_kept_for_a_number_is_no_parameter(
    edit: tuple[tuple[str, str], ...], wrong: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, NUMBER, *edit)
    assert report.exit_code == wrong, str(report)


DRAWN = """import numpy as np

class Neuron:
    def __init__(self):
        self.w = np.random.normal()
        self.b = np.random.normal()

    def fit(self, xs, ts):
        for x, t in zip(xs, ts):
            y = np.tanh(self.w * x + self.b)
            d = 2 * (y - t) * (1 - y ** 2)
            self.w -= 0.1 * d * x
            self.b -= 0.1 * d

Neuron().fit(np.array([0.5, 30.0, -40.0, 50.0]), np.array([0, 1, 0, 1]))
"""


def test_the_first_update_of_numbers_that_are_drawn_is_judged(tmp_path: Path) -> None:
    assert run_edited(tmp_path, DRAWN).ok  # the later ones change nothing
    report = run_edited(tmp_path, DRAWN, ("0.1 * d * x", "0.1 * d"))
    assert "script.py:12" in str(report)


UPHILL = """import numpy as np
u, v, c = np.random.randn(3)
X = np.array([[-2.0, -1.0], [0.5, 0.2], [1.0, 3.0], [0.3, -1.0]])
for x, t in zip(X, [1, 0, 1, 0]):
    y = 1 / (1 + np.exp(-(u * x[0] + v * x[1] + c)))
    d = 2 * (t - y) * y * (1 - y)
    u -= 0.1 * d * x[0]
    v -= 0.1 * d * x[1]
    c -= 0.1 * d
"""


def test_gradients_that_are_each_others_with_the_wrong_sign_are_not_exchanged(
    tmp_path: Path,
) -> None:
    report = str(run_edited(tmp_path, UPHILL))
    assert "script.py:6" in report
    assert "in the place of" not in report


RESIDUAL = """
import numpy as np
rng = np.random.default_rng(0)
blocks = [{"in": rng.normal(size=(5, 8)) * 0.4, "out": rng.normal(size=(8, 5)) * 0.3} for _ in "ab"]
last = rng.normal(size=(5, 2))
data, target = rng.normal(size=(20, 5)), rng.normal(size=(20, 2))

def through(x, w):
    h = np.tanh(x @ w["in"])
    return x + h @ w["out"], (x, h)

for step in range(30):
    x, kept = data, []
    for w in blocks:
        x, each = through(x, w)
        kept.append(each)
    d = (x @ last - target) / 20
    grad, d, grads = x.T @ d, d @ last.T, []
    for w, (x, h) in zip(blocks[::-1], kept[::-1]):
        dz = d @ w["out"].T * (1 - h**2)
        grads.insert(0, {"in": x.T @ dz, "out": h.T @ d})
        d = d + dz @ w["in"].T
    for w, g in zip(blocks, grads):
        for k in w:
            w[k] -= 0.1 * g[k]
    last -= 0.1 * grad
"""


@pytest.mark.parametrize(
    ("back", "lines"), [("d = d + dz", []), ("d = dz", [22, 21])], ids=["right", "wrong"]
)
def test_what_residual_blocks_hand_on_is_no_parameter(
    back: str, lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, RESIDUAL, ("d = d + dz", back))
    assert len(report.ran.parameters) == 5, str(report)
    assert {e.line for e in report.blames} <= {*lines}, str(report)
    assert report.exit_code == (1 if lines else 0), str(report)


TOGETHER = """
from functools import reduce
import numpy as np
rng = np.random.default_rng(0)
x, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))

def step(state, i):
    w, m, v, t = state
    g = x[i].T @ (x[i] @ w - y[i]) / len(i)
    m, v, t = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g, t + 1
    return w - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8), m, v, t

nothing = np.zeros((4, 2))
state = (rng.normal(size=(4, 2)), nothing, nothing, 0)
reduce(step, [rng.integers(0, 30, 10) for _ in range(40)], state)
"""


def test_means_that_begin_with_one_array_of_zeros_are_kept_apart(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TOGETHER)
    assert (report.exit_code, report.ran.rule.kind) == (0, "adam"), str(report)
