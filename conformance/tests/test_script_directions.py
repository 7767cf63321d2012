"""Scripts that go up or down a number, and how far: what tells the sign and the factor."""

import re
from pathlib import Path

import pytest

from conformance.errors import UnjudgedError
from conformance.tests.scripts import run_edited

EMBEDDED = """import numpy as np
rng = np.random.default_rng(0)
D = rng.random((8, 8))
D = D + D.T
Y, velocity = rng.normal(size=(8, 2)), np.zeros((8, 2))
for step in range(9):
    stress, grad = 0.0, np.zeros_like(Y)
    kl = np.sum(D * np.sum((Y[:, None] - Y) ** 2, axis=2) ** 2)
    for i in range(8):
        apart = Y[i] - Y
        grad[i] = 8 * (D[i] * np.sum(apart ** 2, axis=1)) @ apart
    velocity = 0.5 * velocity - 0.001 * grad
    Y = Y + velocity
    if step % 3 == 0:
        print(step, kl)
"""


def test_a_difference_of_two_rows_of_a_parameter_does_not_look_ahead(tmp_path: Path) -> None:
    report = run_edited(tmp_path, EMBEDDED)
    assert (report.exit_code, report.ran.rule.kind) == (0, "momentum"), str(report)


SHARPE = """import numpy as np
rng = np.random.default_rng(1)
R = rng.normal(0.05, 1, size=(200, 4))
mu, S, v = R.mean(axis=0), np.cov(R.T), rng.normal(size=4)
for i in range(20):
    w = np.exp(v) / np.exp(v).sum()
    m, sd = w @ mu, np.sqrt(w @ S @ w)
    objective = m / sd
    g = mu / sd - m * (S @ w) / sd ** 3
    v = v + 5.0 * w * (g - w @ g)
    if i % 10 == 0:
        print(f"{i} {objective * np.sqrt(252):.3f}")
"""


@pytest.mark.parametrize("name", ["objective", "sharpe"])
def test_a_multiple_of_an_objective_may_be_printed(name: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, SHARPE, ("objective", name))
    assert report.exit_code == 0, str(report)
    assert dict(report.ran.rule.numbers)["η"] == pytest.approx(5.0)


CLIPPED = """import numpy as np
rng = np.random.default_rng(2)
x, y = rng.normal(size=(9, 3)), 30 + rng.normal(size=9)
W, w, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 1)), np.zeros(1)
for step in range(9):
    h, out = np.tanh(x @ W), np.zeros(9)
    dW, dw, db = np.zeros_like(W), np.zeros_like(w), np.zeros_like(b)
    for i in range(9):
        out[i] = (h[i] @ w + b)[0]
    loss = np.mean((out - y) ** 2)
    for i in range(9):
        d = 2 * (out[i] - y[i]) / 9
        dw += d * h[i][:, None]
        db += d
        dW += np.outer(x[i], d * w[:, 0] * (1 - h[i] ** 2))
    for p, g in ((W, dW), (w, dw), (b, db)):
        p -= 0.05 * np.clip(g, -1, 1)
"""


def test_the_gradient_of_a_single_bias_may_be_clipped(tmp_path: Path) -> None:
    assert run_edited(tmp_path, CLIPPED).exit_code == 0
    report = run_edited(tmp_path, CLIPPED, ("(1 - h[i] ** 2)", "(1 - h[i])"))
    assert [each.gradients for each in report.blames] == [("W",)]


def test_what_clips_a_gradient_may_stand_before_the_update(tmp_path: Path) -> None:
    whole = "p -= 0.05 * np.clip(g, -1, 1)"
    before = "g = np.clip(g, -1, 1)\n        p -= 0.05 * g"
    assert run_edited(tmp_path, CLIPPED, (whole, before)).exit_code == 0


CRITIC = """import numpy as np
rng = np.random.default_rng(3)
theta, w = 0.1 * rng.normal(size=(2, 3)), 0.1 * rng.normal(size=3)
s = rng.normal(size=3)
for step in range(30):
    e = np.exp(theta @ s)
    p = e / e.sum()
    a, s2, r = int(rng.random() < p[1]), rng.normal(size=3), float(rng.normal())
    delta = r + 0.95 * (w @ s2) - w @ s
    w += 0.2 * delta * s
    theta += 0.1 * delta * np.outer(np.eye(2)[a] - p, s)
    s = s2
"""


@pytest.mark.parametrize(
    ("there", "wrong"),
    [
        ("w += 0.2 * delta", ()),
        ("w -= 0.2 * -delta", ()),
        ("w -= 0.2 * delta", ("w",)),
    ],
)
def test_a_policy_and_its_critic_have_rates_of_their_own(
    there: str, wrong: tuple[str, ...], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, CRITIC, ("w += 0.2 * delta", there))
    assert tuple(n for each in report.blames for n in each.gradients) == wrong, str(report)


STATED = """import numpy as np
rng = np.random.default_rng(50)
phi = rng.normal(size=(5, 4))
theta, w, s = rng.normal(size=(4, 2)) * 0.1, np.zeros(4), 2
for step in range(40):
    x = phi[s]
    e = np.exp(x @ theta)
    p = e / e.sum()
    a = int(step % 5 > 0)
    s2 = min(max(s + (1 if a else -1), 0), 4)
    r = float(s2 == 4)
    value = x @ w
    target = r + 0.9 * (phi[s2] @ w)
    error = target - value
    critic_loss = 0.5 * error ** 2
    actor_loss = -error * np.log(p[a])
    d = p.copy()
    d[a] -= 1
    dw, dtheta = -error * x, np.outer(x, d) * error
    w -= 0.1 * dw
    theta -= 0.05 * dtheta
    s = 2 if s2 == 4 else s2
"""


def test_a_policy_and_its_critic_may_begin_without_an_error(tmp_path: Path) -> None:
    assert run_edited(tmp_path, STATED).exit_code == 0
    wrong = run_edited(tmp_path, STATED, ("-error * x", "error * x"))
    assert "w" in wrong.blames[0].gradients


LINE = """import numpy as np
rng = np.random.default_rng(4)
X = rng.normal(size=(50, 2))
y, w, b = X @ np.ones(2), rng.normal(size=2), np.zeros(1)
for i in range(9):
    error = X @ w + b - y
    loss = (error ** 2).mean()
    gw, gb = 2 * X.T @ error, 2 * error.sum()
    w -= 0.1 * gw / len(X)
    b -= 0.1 * gb / len(X)
"""


@pytest.mark.parametrize(("there", "times"), [("gb / len(X)", 0), ("gb", 50)])
def test_a_single_bias_goes_as_far_as_the_weights(there: str, times: float, tmp_path: Path) -> None:
    report = run_edited(tmp_path, LINE, ("gb / len(X)", there))
    assert report.exit_code == bool(times), str(report)
    for each in report.blames:
        assert each.gradients == ("b",)
        assert each.accused.cause.factor == pytest.approx(times)


RIDGE = """import numpy as np
rng = np.random.default_rng(5)
X = rng.normal(size=(40, 3))
Y = X @ rng.normal(size=(3, 1)) + 0.1 * rng.normal(size=(40, 1))
XTX, XTY = X.T @ X / 40, X.T @ Y / 40
w = np.zeros((3, 1))
for i in range(20):
    grad = 2 * (XTX @ w - XTY + 0.1 * w)
    w -= 0.01 * grad
"""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("2 * (", "2 * (", 0),
        (" + 0.1 * w", "", 0),
        ("- XTY", "+ XTY", 1),
        ("XTX, XTY = X.T @ X", "XTX, XTY = X.T @ X ** 2", 3),
        ("XTX, XTY = X.T @ X / 40, X.T @ Y", "XTX, XTY = X.T @ X + np.eye(3), X.T @ Y", 3),
    ],
)
def test_products_of_the_data_may_be_computed_first(
    old: str, new: str, code: int, tmp_path: Path
) -> None:
    if code < 3:
        assert run_edited(tmp_path, RIDGE, (old, new)).exit_code == code
    else:  # it is of another quadratic form
        with pytest.raises(UnjudgedError):
            run_edited(tmp_path, RIDGE, (old, new))


BOOTSTRAPPED = """import numpy as np
rng = np.random.default_rng(0)
w = rng.normal(size=4)
s = rng.normal(size=4)
for t in range(20):
    after = 0.5 * s + rng.normal(size=4)
    target = s[0] + 0.9 * (w @ after)
    delta = target - w @ s
    w += 0.1 * delta * s
    s = after
"""


def test_the_sign_of_an_error_beside_a_held_target_is_told_once(tmp_path: Path) -> None:
    assert run_edited(tmp_path, BOOTSTRAPPED).exit_code == 0
    (blame,) = run_edited(tmp_path, BOOTSTRAPPED, ("w += 0.1", "w -= 0.1")).blames
    assert blame.accused.cause.kind == "negated"


BANDIT = """import numpy as np
rng = np.random.default_rng(30)
lr, n = 0.2, 16
theta = np.zeros((4, 3))
for it in range(5):
    X, actions = rng.normal(size=(n, 4)), rng.integers(0, 3, n)
    gain = rng.normal(size=n)
    s = np.exp(X @ theta)
    pi = s / s.sum(axis=1, keepdims=True)
    loss = -(gain * np.log(pi[np.arange(n), actions])).mean()
    d = gain[:, None] * (np.eye(3)[actions] - pi) / n
    theta -= lr * X.T @ d
"""


def test_a_sign_is_blamed_on_no_rate_and_on_no_length(tmp_path: Path) -> None:
    report = run_edited(tmp_path, BANDIT)
    assert report.examined.accused[0].lines[0].line == 11
    assert "`lr`" not in str(report)


ENTROPY = """import numpy as np
rng = np.random.default_rng(9)
W, P, V = (rng.normal(0, 0.4, shape) for shape in [(4, 8), (8, 3), (8, 1)])

def learn(s, a, r):
    global W, P, V
    h = np.tanh(s @ W)
    z = h @ P
    pi = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    v = (h @ V)[:, 0]
    adv = r - v
    log_pi = np.log(pi)
    entropy = -(pi * log_pi).sum(1)
    dz = adv[:, None] * (pi - np.eye(3)[a]) + 0.01 * pi * (log_pi + entropy[:, None])
    dv = -0.5 * (r - v)
    dz, dv = dz / 16, dv[:, None] / 16
    dh = (dz @ P.T + dv @ V.T) * (1 - h * h)
    P -= 0.1 * h.T @ dz
    V -= 0.1 * h.T @ dv
    W -= 0.1 * s.T @ dh
    policy_loss = -(adv * log_pi[np.arange(16), a]).mean()
    value_loss = 0.5 * (adv ** 2).mean()
    return policy_loss, value_loss, entropy.mean()

for episode in range(9):
    learn(rng.normal(size=(16, 4)), rng.integers(3, size=16), rng.normal(size=16))
"""


def test_losses_that_are_printed_one_by_one_may_each_have_a_weight(tmp_path: Path) -> None:
    assert run_edited(tmp_path, ENTROPY).examined.ok


@pytest.mark.parametrize(
    "edit", [("pi - np.eye(3)[a]", "np.eye(3)[a] - pi"), ("-0.5 * (r", "0.5 * (r")]
)
def test_a_loss_that_is_printed_with_others_has_to_get_less(
    edit: tuple[str, str], tmp_path: Path
) -> None:
    assert not run_edited(tmp_path, ENTROPY, edit).examined.ok


CLIPPED_TARGETS = """import numpy as np
rng = np.random.default_rng(0)
W1, W2 = rng.normal(size=(5, 16)) * 0.4, rng.normal(size=(16, 2)) * 0.4
T1, T2 = W1.copy(), W2.copy()
rows = np.arange(16)
for step in range(9):
    S, S2 = rng.normal(size=(2, 16, 5))
    A, done = rng.integers(2, size=16), np.zeros(16)
    q_next = (np.maximum(0, S2 @ T1) @ T2).max(axis=1)
    targets = np.zeros(16) + 0.9 * q_next * (1 - done)
    h = np.maximum(0, S @ W1)
    q = h @ W2
    td = q[rows, A] - targets
    dq = np.zeros_like(q)
    dq[rows, A] = np.clip(td, -1, 1) / 16
    dh = (dq @ W2.T) * (h > 0)
    W2 -= 0.5 * h.T @ dq
    W1 -= 0.5 * S.T @ dh
"""


def test_a_part_of_a_target_is_no_target_itself(tmp_path: Path) -> None:
    assert run_edited(tmp_path, CLIPPED_TARGETS).examined.ok


@pytest.mark.parametrize(
    ("edit", "line"), [(("np.clip(td", "np.clip(-td"), 15), ((" * (h > 0)", ""), 16)]
)
def test_what_is_wrong_beside_a_held_target_is_told_by_its_own_error(
    edit: tuple[str, str], line: int, tmp_path: Path
) -> None:
    examined = run_edited(tmp_path, CLIPPED_TARGETS, edit).examined
    assert examined.accused[0].lines[0].line == line


COX = """import numpy as np
rng = np.random.default_rng(14)
Z = rng.normal(size=(30, 3))
event = rng.random(30) < .7
coef = np.zeros(3)
for k in range(9):
    eta = Z @ coef
    r = np.exp(eta)
    at_risk = np.cumsum(r)
    log_lik = np.sum(event * (eta - np.log(at_risk)))
    weighted = np.cumsum(r[:, None] * Z, axis=0)
    score = (event[:, None] * (Z - weighted / at_risk[:, None])).sum(axis=0)
    coef = coef + .02 * score
"""


@pytest.mark.parametrize(("there", "code"), [("r[:, None] * Z", 0), ("Z", 1)])
def test_a_number_that_grows_at_one_update_has_to_at_the_next(
    there: str, code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, COX, ("r[:, None] * Z", there))
    assert (report.exit_code, report.ran.at) == (code, 1 + code)


ELO = """import numpy as np
rng = np.random.default_rng(1)
rating, home = np.zeros(10), np.zeros(1)
for i in range(9):
    order = rng.permutation(10)
    white, black = order[:5], order[5:]
    expected = 1 / (1 + np.exp(-(rating[white] - rating[black] + home[0])))
    score = (rng.random(5) < .6).astype(float)
    logloss = -np.sum(score * np.log(expected) + (1 - score) * np.log(1 - expected))
    surprise = score - expected
    change = np.zeros(10)
    change[white] += surprise
    change[black] -= surprise
    rating += .3 * change
    home += .3 * surprise.sum()
"""


def test_a_wrong_number_is_told_beside_a_right_array(tmp_path: Path) -> None:
    assert run_edited(tmp_path, ELO).exit_code == 0
    (blame,) = run_edited(tmp_path, ELO, ("* surprise.sum", "* expected.sum")).blames
    assert blame.gradients == ("home",)


LIKELIHOOD = """import numpy as np
rng = np.random.default_rng(4)
X = rng.normal(size=(40, 3))
t = (X[:, 0] + rng.logistic(size=40) > 0) * 1.0
onehot = np.stack([1 - t, t], axis=1)
beta = rng.normal(size=3)
for it in range(5):
    p = 1 / (1 + np.exp(-(X @ beta)))
    prob = np.stack([1 - p, p], axis=1)
    loss = -np.sum(onehot * np.log(prob)) / 40
    dprob = -onehot / prob / 40
    dp = dprob[:, 1] - dprob[:, 0]
    ds = dp * p * (1 - p)
    beta = beta - 0.5 * X.T @ ds
"""


def test_targets_of_the_other_sign_are_compared_with_nothing(tmp_path: Path) -> None:
    assert run_edited(tmp_path, LIKELIHOOD).exit_code == 0
    wrong = ("dp * p * (1 - p)", "dp * p")
    (accused,) = run_edited(tmp_path, LIKELIHOOD, wrong).examined.accused
    assert accused.cause.worst is not None
    assert accused.cause.worst.right == pytest.approx(-0.24278766)  # by differences


DEAD = """import numpy as np
rng = np.random.default_rng(2)
X, t = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
V, W, U = (rng.normal(size=shape) * 0.5 for shape in [(3, 2), (2, 5), (5, 1)])
b = np.zeros(5)
for it in range(5):
    G = np.maximum(X @ V, 0)
    Z = G @ W + b
    H = np.maximum(Z, 0)
    loss = np.mean((H @ U - t) ** 2)
    d = 2 * (H @ U - t) / 40
    dZ = d @ U.T * (Z > 0)
    dG = dZ @ W.T * (G > 0)
    U = U - 0.1 * H.T @ d
    b = b - 0.1 * dZ.sum(axis=0)
    W = W - 0.1 * G.T @ dZ
    V = V - 0.1 * X.T @ dG
"""


@pytest.mark.parametrize("comparison", ["(Z > 0)", "(Z >= 0)", "(0 < Z)", "(1.0 - (Z <= 0))"])
def test_where_numbers_are_equal_the_slope_is_that_of_the_program(
    comparison: str, tmp_path: Path
) -> None:
    edit = "(Z > 0)", comparison
    assert run_edited(tmp_path, DEAD, edit).exit_code == 0
    (blame,) = run_edited(tmp_path, DEAD, edit, ("2 * (H @ U - t)", "2 * (H @ U + t)")).blames
    assert blame.line == 11


THRESHOLDS = """import numpy as np
rng = np.random.default_rng(12)
X, Y = rng.normal(size=(6, 2)), rng.normal(size=(6, 1))
w, theta = rng.normal(size=(2, 1)), rng.normal(size=1)
v, tau = rng.normal(size=(1, 1)), rng.normal(size=1)
for sweep in range(9):
    h = 1 / (1 + np.exp(-(X @ w - theta)))
    out = 1 / (1 + np.exp(-(h @ v - tau)))
    delta = (Y - out) * out * (1 - out)
    below = delta @ v.T * h * (1 - h)
    v += 0.25 * h.T @ delta
    w += 0.25 * X.T @ below
    tau -= 0.25 * delta.sum(axis=0)
    theta -= 0.25 * below.sum(axis=0)
"""


def test_thresholds_that_are_subtracted_go_the_other_way_than_weights(tmp_path: Path) -> None:
    assert run_edited(tmp_path, THRESHOLDS).ok
    report = run_edited(tmp_path, THRESHOLDS, ("theta -= 0.25", "theta += 0.25"))
    assert report.examined.accused[0].lines[0].line == 14


SURVIVAL = """import numpy as np
rng = np.random.default_rng(5)
Z, logt = np.c_[np.ones(30), rng.normal(size=(30, 2))], rng.normal(size=30)
event = (rng.random(30) < 0.6) * 1.0
coef, logk = np.zeros(3), np.zeros(1)
for sweep in range(9):
    k = np.exp(logk)
    u = k * (logt - Z @ coef)
    loglik = (event * (logk + u) - np.exp(u)).sum() / 30
    du = (event - np.exp(u)) / 30
    coef = coef - 0.1 * k * Z.T @ du
    logk = logk + 0.1 * ((du * u).sum() + event.sum() / 30)
"""


def test_a_likelihood_tells_where_no_gradient_is_right(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SURVIVAL, ("du = (event -", "du = (1 -"))
    assert (report.exit_code, [each.line for each in report.blames][:1]) == (1, [10])


RATES = """import numpy as np
rng = np.random.default_rng(2)
t = np.linspace(0, 3, 20)
y = 2 * np.exp(-0.7 * t) + 0.01 * rng.normal(size=20)
p, rates = np.array([1.0, 0.3]), np.array([0.5, 0.05])
for k in range(9):
    e = np.exp(-p[1] * t)
    r = p[0] * e - y
    loss = 0.5 * np.mean(r ** 2)
    g = np.array([np.mean(r * e), -np.mean(r * t * p[0] * e)])
    p = p - rates * g
"""


def test_each_entry_may_have_a_rate_of_its_own(tmp_path: Path) -> None:
    report = run_edited(tmp_path, RATES)
    assert (report.exit_code, report.ran.rule.kind) == (0, "plain"), str(report)
    turned = run_edited(tmp_path, RATES, ("0.5, 0.05", "0.5, -0.05"))
    assert turned.exit_code != 0, str(turned)


PENALISED = """import numpy as np
rng = np.random.default_rng(5)
z, event = rng.normal(size=(12, 3)), rng.integers(0, 2, 12)
beta, n = np.full(3, 0.1), 12
for k in range(9):
    eta, ll, grad = z @ beta, 0.0, np.zeros(3)
    for i in range(n):
        if event[i]:
            w = np.exp(eta[i:])
            ll += eta[i] - np.log(w.sum())
            grad += z[i] - (w[:, None] * z[i:]).sum(axis=0) / w.sum()
    objective = ll / n - 0.05 * beta @ beta
    grad = grad / n - 0.1 * beta
    beta = beta + 0.5 * grad
    print(objective)
"""


def test_a_term_of_an_objective_tells_that_it_has_to_grow(tmp_path: Path) -> None:
    assert run_edited(tmp_path, PENALISED).exit_code == 0
    report = run_edited(tmp_path, PENALISED, ("beta + 0.5", "beta - 0.5"))
    (accused,) = report.examined.accused
    assert (accused.cause.kind, accused.lines[0].line) == ("downhill", 14)
    report = run_edited(tmp_path, PENALISED, ("/ n - 0.1", "/ n + 0.1"))
    (accused,) = report.examined.accused
    assert accused.lines[0].line == 13


@pytest.mark.parametrize("name", ["logvrais", "log_vraisemblance", "lml"])
def test_what_is_called_a_likelihood_has_to_grow(name: str, tmp_path: Path) -> None:
    french = re.sub(r"\bll\b", name, PENALISED)
    assert run_edited(tmp_path, french).exit_code == 0
    report = run_edited(tmp_path, french, ("beta + 0.5", "beta - 0.5"))
    (accused,) = report.examined.accused
    assert (accused.cause.kind, accused.lines[0].line) == ("downhill", 14)


EVIDENCE = """import numpy as np
rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, 12)
y = np.sin(x) + 0.1 * rng.normal(size=12)
D, h = (x[:, None] - x) ** 2, np.array([0.3, -1.0])
def nlml(h):
    E = np.exp(-0.5 * D / np.exp(2 * h[0]))
    K = np.linalg.inv(E + np.exp(2 * h[1]) * np.eye(12))
    a = K @ y
    value = 0.5 * y @ a - 0.5 * np.log(np.linalg.det(K))
    inner = K - np.outer(a, a)
    dE = E * D / np.exp(2 * h[0])
    return value, np.array([0.5 * np.sum(inner * dE), np.trace(inner) * np.exp(2 * h[1])])
for i in range(9):
    v, g = nlml(h)
    h = h - 0.01 * g
    print(i, v)
"""


def test_where_nothing_tells_whether_a_number_has_to_grow_it_is_said(tmp_path: Path) -> None:
    assert "goes up" not in str(run_edited(tmp_path, EVIDENCE))
    turned = "K - np.outer(a, a)", "np.outer(a, a) - K"
    assert run_edited(tmp_path, EVIDENCE, turned).exit_code == 1
    report = run_edited(tmp_path, EVIDENCE.replace("nlml", "evaluated"), turned)
    assert (report.exit_code, "note: it goes up the number of" in str(report)) == (0, True)


def test_a_parameter_that_is_taken_off_itself_is_told(tmp_path: Path) -> None:
    plain = re.sub(r" - 0.\d+ \* beta( @ beta)?", "", PENALISED)
    edits = ("beta + 0.5 * grad", "beta - (beta - 0.5 * grad)"), ("np.full(3, 0.1)", "np.zeros(3)")
    (accused,) = run_edited(tmp_path, plain, *edits).examined.accused
    assert (accused.cause.kind, accused.lines[0].line) == ("turned", 14)


def test_a_parameter_that_is_itself_subtracted_is_told(tmp_path: Path) -> None:
    report = run_edited(tmp_path, PENALISED, ("beta + 0.5 * grad", "0.5 * grad - beta"))
    (accused,) = report.examined.accused
    assert (accused.cause.kind, accused.lines[0].line) == ("turned", 14)


BIAS = """import numpy as np

rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), (rng.random(20) > 0.5) * 1.0
w, b = rng.normal(size=3), -0.5
for epoch in range(5):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    print(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
    e = y - p
    w = w + 0.1 * X.T @ e / len(X)
    b = b + 0.1 * e.mean()
"""


def test_a_single_number_that_is_itself_subtracted_is_told(tmp_path: Path) -> None:
    report = run_edited(tmp_path, BIAS, ("b + 0.1 * e.mean()", "0.1 * e.mean() - b"))
    (accused,) = report.examined.accused
    assert (accused.cause.kind, accused.lines[0].line) == ("turned", 11)


SQUARES = """import numpy as np
zufall = np.random.RandomState(7)
muster, ziele = zufall.uniform(-1, 1, (5, 3)), zufall.uniform(-0.5, 0.5, (5, 2))
W, eta = zufall.uniform(-0.4, 0.4, (2, 3)), 0.1
for runde in range(9):
    fehler = 0.0
    for x, t in zip(muster, ziele):
        y = np.tanh(W @ x)
        fehler += 0.5 * np.sum((t - y) ** 2)
        delta = (t - y) * (1 - y * y)
        W += eta * np.outer(delta, x)
    print(runde, fehler)
"""


@pytest.mark.parametrize("name", ["error", "fehler", "sse"])
def test_a_sum_of_errors_is_a_loss_in_any_language(name: str, tmp_path: Path) -> None:
    named = ("fehler", name)
    assert run_edited(tmp_path, SQUARES, named).exit_code == 0
    report = run_edited(tmp_path, SQUARES, named, ("(t - y) * (1 - y * y)", "y - t * (1 - y * y)"))
    (accused,) = report.examined.accused
    assert accused.lines[0].line == 10


RISKS = """import numpy as np
rng = np.random.default_rng(0)
X, time = rng.normal(size=(20, 3)), rng.exponential(size=20)

def partial_likelihood(beta):
    eta = X @ beta
    w = np.exp(eta)
    total, grad = 0.0, np.zeros(3)
    for i in range(20):
        risk = time >= time[i]
        S0, S1 = w[risk].sum(), (w[risk, None] * X[risk]).sum(axis=0)
        total -= eta[i] - np.log(S0)
        grad -= X[i] - S1 / S0
    return total / 20, grad / 20

b = np.zeros(3)
for k in range(9):
    value, g = partial_likelihood(b)
    b -= 0.5 * g
"""


@pytest.mark.parametrize("edit", [("total", "total"), ("total", "loss")])
def test_what_a_function_called_a_likelihood_returns_may_be_its_negative(
    edit: tuple[str, str], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, RISKS, edit)
    assert report.exit_code == 0, str(report)


def test_a_likelihood_that_has_a_maximum_is_not_gone_down(tmp_path: Path) -> None:
    report = run_edited(tmp_path, RISKS, ("-= eta", "+= eta"), ("-= X[i]", "+= X[i]"))
    assert report.exit_code == 1, str(report)


SHARES = """import numpy as np
rng = np.random.default_rng(4)
A = rng.normal(size=(30, 5))
t = A @ np.array([0.5, 0.2, 0.1, 0.1, 0.1]) + 0.3
p, c = np.ones(5) / 5, 0.0
for _ in range(20):
    r = A @ p + c - t
    cost = np.mean(r ** 2)
    gp, gc = 2 * A.T @ r / 30, 2 * r.mean()
    p = p * np.exp(-0.2 * gp)
    p /= p.sum()
    c -= 0.05 * gc
"""
SHARED = "    p = p * np.exp(-0.2 * gp)\n    p /= p.sum()\n"


@pytest.mark.parametrize(
    ("edit", "count", "rule"),
    [
        ((" + c - t", " + c - t"), 2, "exponentiated"),
        (("    p /= p.sum()\n", ""), 2, "exponentiated"),
        ((SHARED, "    p = p * (1 - 0.2 * (gp - p @ gp))\n"), 1, "plain"),  # not followed
    ],
    ids=["of a sum of 1", "alone", "by a factor that is no exponential"],
)
def test_a_parameter_may_be_multiplied(
    edit: tuple[str, str], count: int, rule: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, SHARES, edit)
    assert (report.exit_code, report.ran.rule.kind) == (0, rule), str(report)
    assert len(report.examined.gradients) == count


@pytest.mark.parametrize(
    ("edit", "line", "kind"),
    [
        (("= 2 * A.T @ r / 30", "= 2 * A.T @ (r - c) / 30"), 9, None),
        (("exp(-0.2", "exp(0.2"), 10, "ascends"),
        (("c -= ", "c += "), 12, "ascends"),
    ],
    ids=["gradient", "up", "other up"],
)
def test_what_is_wrong_beside_a_parameter_that_is_multiplied_is_blamed(
    edit: tuple[str, str], line: int, kind: str | None, tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, SHARES, edit).blames
    assert blame.lines[0].line == line
    assert kind in (None, blame.accused.cause.kind)


AVERAGED = """import numpy as np
rng = np.random.default_rng(5)
A = rng.normal(size=(40, 3))
b = A @ np.array([0.7, 0.2, 0.1]) + 0.1 * rng.normal(size=40)
p, total = np.ones(3) / 3, np.zeros(3)
for step in range(50):
    r = A @ p - b
    loss = (r ** 2).mean() / 2
    total += A.T @ r / len(b)
    e = np.exp(-0.5 * (total - total.min()))
    p = e / e.sum()
    if step % 10 == 0:
        print(step, loss)
"""


@pytest.mark.parametrize(
    ("edit", "wrong"),
    [
        (("", ""), False),
        (("A.T @ r", "np.array([1, 2, 1]) * (A.T @ r)"), False),
        (("A.T @ r", "A.T @ (r + 0.2 * b)"), True),
        (("total += A.T", "total -= A.T"), True),
    ],
    ids=["right", "rates", "another error", "up"],
)
def test_a_parameter_may_be_made_of_the_sum_of_its_gradients(
    edit: tuple[str, str], wrong: bool, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, AVERAGED, edit)
    assert report.exit_code == wrong, str(report)


def test_what_a_parameter_is_made_of_goes_down_its_own_gradient(tmp_path: Path) -> None:
    softmax = "    e = np.exp(-0.5 * (total - total.min()))\n    p = e / e.sum()\n"
    first = softmax.replace("-0.5 * (total - total.min())", "total") + "    r ="
    edits = (softmax, ""), ("    r =", first), ("total += ", "total -= 0.5 * ")
    report = run_edited(tmp_path, AVERAGED, *edits)
    assert (report.exit_code, report.blames[0].lines[0].line) == (1, 11), str(report)


ACCELERATED = """import numpy as np
def hinge(w, b, X, y):
    return (np.maximum(0, 1 - y * (X @ w + b)) ** 2).mean()
def slopes(w, b, X, y):
    r = -2 * y * np.maximum(0, 1 - y * (X @ w + b)) / len(y)
    return X.T @ r, r.sum()
rng = np.random.default_rng(4)
X, y = rng.normal(size=(60, 5)), np.sign(rng.normal(size=60))
w, b = np.zeros(5), 0.0
u, c = w, b
for k in range(50):
    gw, gb = slopes(u, c, X, y)
    new, now = u - 0.05 * gw, c - 0.05 * gb
    u, c = new + k / (k + 3) * (new - w), now + k / (k + 3) * (now - b)
    w, b = new, now
print(hinge(w, b, X, y))
"""


def test_steps_that_begin_where_momentum_has_led_add_up_no_gradients(tmp_path: Path) -> None:
    report = run_edited(tmp_path, ACCELERATED)
    assert not report.blames, str(report)
    (blame,) = run_edited(tmp_path, ACCELERATED, ("u - 0.05", "u + 0.05")).blames
    assert (blame.lines[0].line, blame.accused.cause.kind) == (13, "ascends")


BOUNDED = """import numpy as np
rng = np.random.default_rng(7)
X, t = rng.normal(size=(50, 4)), rng.normal(size=(50, 1))
V, w = rng.normal(size=(4, 3)), rng.normal(size=(3, 1))
for k in range(40):
    h = np.tanh(X @ V)
    e = h @ w - t
    if k % 10 == 0:
        print("loss", (e ** 2).mean() / 2)
    d = e * w.T * (1 - h ** 2)
    of_V, of_w = X[:, :, None] * d[:, None, :], (h * e)[:, :, None]
    norm = np.sqrt((of_V ** 2).sum(axis=(1, 2)) + (of_w ** 2).sum(axis=(1, 2)))
    scale = np.minimum(1, 0.5 / norm)[:, None, None]
    V -= 0.3 * ((of_V * scale).mean(axis=0) + 0.01 * rng.normal(size=V.shape))
    w -= 0.3 * ((of_w * scale).mean(axis=0) + 0.01 * rng.normal(size=w.shape))
"""


@pytest.mark.parametrize("scale", ["np.minimum(1, 0.5 / norm)", "0.5 / np.maximum(0.5, norm)"])
@pytest.mark.parametrize("slope", ["(1 - h ** 2)", "(1 - h)"], ids=["right", "wrong"])
def test_the_gradient_of_each_sample_may_be_clipped(scale: str, slope: str, tmp_path: Path) -> None:
    edits = ("np.minimum(1, 0.5 / norm)", scale), ("(1 - h ** 2)", slope)
    report = run_edited(tmp_path, BOUNDED, *edits)
    assert report.exit_code == (slope == "(1 - h)"), str(report)
    assert all(each.lines[0].line == 10 for each in report.blames)
