"""Scripts with a convention that no loss states: policies, decays beside a loss, Lion."""

from pathlib import Path

import pytest

from conformance.tests.scripts import blamed_first, run_edited

POLICY = """import numpy as np
rng = np.random.default_rng(7)
theta = rng.normal(0, 0.1, (4, 3))
w = np.zeros(4)
best = rng.integers(0, 3, 4)
for episode in range(20):
    S = np.eye(4)[rng.integers(0, 4, 32)]
    e = np.exp(S @ theta)
    pi = e / e.sum(1, keepdims=True)
    A = np.array([rng.choice(3, p=q) for q in pi])
    R = (A == best[S.argmax(1)]) + rng.normal(0, 0.1, 32)
    adv = R - 0.5
    dlog = -pi
    dlog[np.arange(32), A] += 1
    theta += 0.1 * (S.T @ (dlog * adv[:, None]) / 32)
    w += 0.1 * (S.T @ adv / 32)
"""
PINBALL = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)); y = np.abs(X).sum(1)
W = rng.normal(size=(3, 8)); b = np.zeros(8); v = rng.normal(size=8) / 3
def pinball(pred, y, tau=0.9):
    e = y - pred
    return np.mean(np.where(e > 0, tau * e, (tau - 1) * e)), np.where(e > 0, -tau, 1 - tau) / 60
for step in range(20):
    z = X @ W + b
    h = np.tanh(z)
    loss, d = pinball(h @ v, y)
    gv = h.T @ d + 0.01 * v
    dz = np.outer(d, v) * (1 - h ** 2)
    W -= 0.05 * (X.T @ dz + 0.01 * W); b -= 0.05 * dz.sum(0); v -= 0.05 * gv
"""
LION = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 5))
y = X.sum(1)
w, b, mw, mb = np.zeros(5), np.zeros(1), np.zeros(5), np.zeros(1)
lr = 3e-3
for it in range(20):
    j = rng.integers(0, 200, 32)
    d = X[j] @ w + b - y[j]
    loss = np.mean(d ** 2)
    gw, gb = X[j].T @ d / 16, d.sum(keepdims=True) / 16
    w = w - lr * (np.sign(0.9 * mw + 0.1 * gw) + 0.01 * w)
    b = b - lr * np.sign(0.9 * mb + 0.1 * gb)
    mw = 0.99 * mw + 0.01 * gw
    mb = 0.99 * mb + 0.01 * gb
"""


def test_a_policy_without_a_loss_is_judged_by_its_own_output_error(tmp_path: Path) -> None:
    report = run_edited(tmp_path, POLICY, ("    w += 0.1 * (S.T @ adv / 32)\n", ""))
    assert "1 gradient, all right" in str(report)
    assert "no known cost has this output error" in str(report)


BESIDE = """import numpy as np
rng = np.random.default_rng(6)
theta, value = 0.1 * rng.normal(size=(4, 2)), np.zeros(4)
rewards = rng.normal(size=4)
for episode in range(9):
    g_theta, g_value = np.zeros_like(theta), np.zeros_like(value)
    for s in (2, 1, 3, 2, 0):
        e = np.exp(theta[s] - theta[s].max())
        p = e / e.sum()
        a = int(rng.random() < p[1])
        grad_log = -p
        grad_log[a] += 1.0
        G = rewards[s] + 0.5 * a
        g_theta[s] += (G - 0.3) * grad_log
        g_value[s] += G - value[s]
    theta += 0.1 * g_theta
    value += 0.2 * g_value
"""


def test_a_policy_and_values_that_it_does_not_use_are_judged_one_by_one(tmp_path: Path) -> None:
    report = run_edited(tmp_path, BESIDE)
    assert report.exit_code == 0, str(report)
    assert {*report.ran.parameters} == {"theta", "value"}


def test_a_policy_that_learns_by_a_critic_is_judged_with_it(tmp_path: Path) -> None:
    report = run_edited(tmp_path, POLICY, ("R - 0.5", "R - S @ w"))
    assert report.exit_code == 0
    assert "3 updates of theta, w, by gradient descent" in str(report)


SHARED = """import numpy as np
rng = np.random.default_rng(5)
W = rng.normal(0, .5, (6, 5)); P = rng.normal(0, .3, (5, 3)); v = rng.normal(0, .3, 5)
for episode in range(9):
    S = np.eye(6)[rng.integers(0, 6, 12)]; A = rng.integers(0, 3, 12); R = rng.normal(size=12)
    h = np.tanh(S @ W)
    e = np.exp(h @ P)
    pi = e / e.sum(1, keepdims=True)
    adv = R - h @ v
    policy_loss = -np.mean(np.log(pi[np.arange(12), A]) * adv)
    value_loss = 0.5 * np.mean(adv ** 2)
    loss = policy_loss + value_loss
    dz = pi.copy(); dz[np.arange(12), A] -= 1
    dz *= adv[:, None] / 12
    dv = -adv / 12
    dh = (dz @ P.T + np.outer(dv, v)) * (1 - h ** 2)
    W -= .05 * S.T @ dh; P -= .05 * h.T @ dz; v -= .05 * h.T @ dv
"""


def test_an_advantage_is_constant_in_the_loss_of_the_policy_alone(tmp_path: Path) -> None:
    assert run_edited(tmp_path, SHARED).exit_code == 0
    assert run_edited(tmp_path, SHARED, ("dv = -adv", "dv = adv")).exit_code == 1


DRAWN = """import numpy as np
rng = np.random.default_rng(5)
gain = rng.normal(size=(4, 3))
W = rng.normal(0, .5, (4, 6)); P = rng.normal(0, .2, (6, 3)); v = rng.normal(0, .2, 6)
for episode in range(9):
    S = rng.normal(size=(20, 4))
    h = np.tanh(S @ W)
    e = np.exp(h @ P)
    pi = e / e.sum(1, keepdims=True)
    act = (pi.cumsum(1) < rng.random((20, 1))).sum(1)
    won = (S @ gain)[np.arange(20), act]
    ahead = won - h @ v
    fit = 0.5 * np.mean(ahead ** 2)
    dz = ahead[:, None] * (pi - np.eye(3)[act]) / 20
    dv = -0.5 * ahead / 20
    dh = (dz @ P.T + np.outer(dv, v)) * (1 - h ** 2)
    W -= .3 * S.T @ dh; P -= .3 * h.T @ dz; v -= .3 * h.T @ dv
"""


def test_what_a_policy_draws_and_is_rewarded_with_is_constant(tmp_path: Path) -> None:
    report = run_edited(tmp_path, DRAWN)
    assert report.exit_code == 0, str(report)
    wrong = run_edited(tmp_path, DRAWN, ("(1 - h ** 2)", "(1 - np.tanh(h) ** 2)"))
    line = next(i for i, each in enumerate(DRAWN.splitlines(), 1) if "dh = " in each)
    assert blamed_first(wrong) == ("script.py", line)


MARGINS = """import numpy as np
rng = np.random.default_rng(9)
X = rng.normal(size=(400, 6)); y = np.sign(X @ rng.normal(size=6) + 0.3 * rng.normal(size=400))
w = np.zeros(6)
for t in range(9):
    i = rng.choice(400, size=20, replace=False)
    bad = y[i] * (X[i] @ w) < 1
    w -= 0.1 * (0.05 * w - (y[i][bad, None] * X[i][bad]).sum(0) / 20)
"""


@pytest.mark.parametrize(
    "edits", [(), ("y[i] * (X[i] @ w) < 1", "np.where(y[i] * (X[i] @ w) < 1)[0]")]
)
def test_samples_within_a_margin_are_not_drawn(edits: tuple[str, str], tmp_path: Path) -> None:
    report = run_edited(tmp_path, MARGINS, *filter(None, [edits]))
    assert "judged by the hinge loss" in str(report)
    assert report.exit_code == 0


def test_the_error_of_a_policy_adds_up_to_0(tmp_path: Path) -> None:
    critic = ("adv = R - 0.5", "adv = R - S @ w")
    (blame,) = run_edited(tmp_path, POLICY, critic, ("A] += 1", "A] -= 1")).blames
    assert (blame.gradients, blame.accused.cause.kind) == (("theta",), "uneven")
    assert POLICY.splitlines()[int(blame.line or 0) - 1].strip() == "dlog[np.arange(32), A] += 1"


BANDIT = """import numpy as np
rng = np.random.default_rng(8)
mean = rng.normal(size=(4, 3))
H = rng.normal(size=(4, 3)) * 0.1
for t in range(30):
    s = t % 4
    e = np.exp(H[s] - np.max(H[s]))
    pi = e / e.sum()
    a = rng.choice(3, p=pi)
    r = mean[s, a]
    d = pi.copy()
    d[a] -= 1
    H[s] -= 0.4 * r * d
"""
SCORE = ("d = pi.copy()\n    d[a] -= 1", "d = -pi\n    d[a] += 1"), ("H[s] -=", "H[s] +=")


@pytest.mark.parametrize("edits", [[], SCORE], ids=["down", "up"])
def test_a_reward_of_either_sign_is_the_weight_of_its_sample(
    edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, BANDIT, *edits)
    assert report.exit_code == 0
    assert "each sample with a weight of its own" in str(report)
    objective = ("    d = ", "    objective = r * np.log(pi[a])\n    d = ")
    assert not edits or run_edited(tmp_path, BANDIT, *edits, objective).exit_code == 0
    sign = ("H[s] -=", "H[s] +=") if not edits else ("H[s] +=", "H[s] -=")
    assert run_edited(tmp_path, BANDIT, *edits, sign).exit_code == 1


FACTORS = """import numpy as np
rng = np.random.default_rng(1)
ratings = [(u, i, float(rng.normal(3, 1))) for u in range(8) for i in range(6) if rng.random() < .5]
mu = np.mean([r for _, _, r in ratings])
P = rng.normal(0, .1, (8, 3)); Q = rng.normal(0, .1, (6, 3))
bu, bi = np.zeros(8), np.zeros(6)
rate, reg = .02, .05
for epoch in range(2):
    total = 0
    for u, i, r in ratings:
        err = r - (mu + bu[u] + bi[i] + P[u] @ Q[i])
        total += err ** 2
        bu[u] += rate * (err - reg * bu[u])
        bi[i] += rate * (err - reg * bi[i])
        before = P[u].copy()
        P[u] += rate * (err * Q[i] - reg * P[u])
        Q[i] += rate * (err * before - reg * Q[i])
"""


def test_the_rows_of_one_rating_decay_beside_its_error(tmp_path: Path) -> None:
    report = run_edited(tmp_path, FACTORS)
    assert report.exit_code == 0
    assert "with weight decay 0.1 beside it" in str(report)  # of err², twice that of err² / 2
    line = "P[u] += rate * (err * Q[i] - reg * P[u])"
    grown = run_edited(tmp_path, FACTORS, (line, line.replace("-", "+")))
    assert grown.exit_code == 1
    assert FACTORS.splitlines()[int(grown.blames[0].line or 0) - 1].strip().startswith("P[u] +=")


@pytest.mark.parametrize("reg", ["reg = .02, .05", "reg = .02, 0.0"])
def test_a_row_that_is_updated_before_it_is_used_is_no_decay(reg: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, FACTORS, ("reg = .02, .05", reg), ("err * before", "err * P[u]"))
    (blame,) = report.blames
    assert (blame.accused.gradients, blame.accused.cause.kind) == (("Q",), "updated")


def test_weights_decay_beside_a_loss_that_is_no_known_cost(tmp_path: Path) -> None:
    report = run_edited(tmp_path, PINBALL)
    assert report.exit_code == 0
    assert "judged by the loss, with weight decay 0.01 beside it: a convention" in str(report)


@pytest.mark.parametrize(
    ("old", "new"), [("X.T @ dz + 0.01 * W", "X.T @ dz - 0.01 * W"), ("(1 - h ** 2)", "(1 - h)")]
)
def test_a_loss_that_a_function_returns_tells_what_is_wrong(
    old: str, new: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, PINBALL, (old, new))
    assert new in PINBALL.replace(old, new).splitlines()[int(report.blames[0].line or 0) - 1]


def test_lion_is_a_rule(tmp_path: Path) -> None:
    report = run_edited(tmp_path, LION)
    assert report.exit_code == 0
    assert "by Lion: η = 0.003, β1 = 0.9, β2 = 0.99" in str(report)
    assert "times those of" not in str(report)
    assert run_edited(tmp_path, LION, ("d.sum(keepdims=True)", "d[:1]")).exit_code == 1


def test_a_search_that_takes_too_long_leaves_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.script.conclude.SEARCHING", 0.001)
    report = run_edited(tmp_path, PINBALL, ("(1 - h ** 2)", "(1 - h)"))
    assert report.exit_code == 1
    assert "the line to blame was not found in 0.001 s" in str(report)


def test_a_loss_that_the_program_names_contradicts_other_gradients(tmp_path: Path) -> None:
    assert run_edited(tmp_path, LION, ("d ** 2", "np.log(np.cosh(d))")).exit_code == 1


def test_rmsprop_whose_rate_decays_is_rmsprop(tmp_path: Path) -> None:
    text = (
        LION[: LION.index("    w = w")]
        + """
    mw = 0.9 * mw + 0.1 * gw ** 2
    mb = 0.9 * mb + 0.1 * gb ** 2
    step = lr / (1 + 0.01 * it)
    w -= step * gw / (np.sqrt(mw) + 1e-8)
    b -= step * gb / (np.sqrt(mb) + 1e-8)
"""
    )
    report = run_edited(tmp_path, text)
    assert "by RMSProp: η = 0.003, β = 0.9, ε = 1e-08" in str(report)


EMBEDDING = """import numpy as np
rng = np.random.default_rng(0)
E, w = rng.normal(size=(9, 4)), rng.normal(size=4)
words, y = rng.integers(0, 9, 30), rng.normal(size=30)
for step in range(5):
    h = np.tanh(E[words])
    d = (h @ w - y) / 30
    loss = 15 * np.sum(d ** 2)
    dE = np.zeros_like(E)
    np.add.at(dE, words, np.outer(d, w) * (1 - h ** 2))
    w -= 0.1 * h.T @ d
    E -= 0.1 * dE
"""


def test_an_index_that_is_repeated_is_added_once(tmp_path: Path) -> None:
    assert run_edited(tmp_path, EMBEDDING).exit_code == 0
    report = run_edited(tmp_path, EMBEDDING, ("np.add.at(dE, words, ", "dE[words] += ("))
    assert "adds once where an index is repeated: use `np.add.at`" in str(report)


PAIRS = """import numpy as np
rng = np.random.default_rng(2)
ids, goal = rng.integers(0, 6, (40, 2)), rng.normal(size=40)
table, head = rng.normal(size=(6, 3)), rng.normal(size=3)
for s in range(0, 40, 8):
    w = ids[s:s + 8]
    h = table[w].mean(axis=1)
    d = (h @ head - goal[s:s + 8]) / 8
    loss = 4 * np.sum(d ** 2)
    dh = np.repeat(np.outer(d, head)[:, None, :] / 2, 2, axis=1)
    head -= 0.1 * h.T @ d
    np.add.at(table, w, -0.1 * dh)
"""


def test_rows_that_are_all_written_and_some_again_are_those_of_a_parameter(tmp_path: Path) -> None:
    right = run_edited(tmp_path, PAIRS)
    assert (right.exit_code, {*right.ran.parameters}) == (0, {"table", "head"})
    report = run_edited(tmp_path, PAIRS, ("np.add.at(table, w, -0.1 * dh)", "table[w] -= 0.1 * dh"))
    assert blamed_first(report) == ("script.py", 12)
    assert "adds once where an index is repeated: use `np.add.at`" in str(report)


GATES = """import numpy as np
rng = np.random.default_rng(1)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
T = np.array([[1, 0], [0, 1], [0, 1], [0, 1]])
V, W = rng.uniform(-1, 1, (2, 4)), rng.uniform(-1, 1, (4, 2))
for epoch in range(100):
    h = 1 / (1 + np.exp(-X @ V))
    o = 1 / (1 + np.exp(-h @ W))
    e = T - o
    d = e * o * (1 - o)
    dh = d @ W.T * h * (1 - h)
    W += 0.1 * h.T @ d
    V += 0.1 * X.T @ dh
    print("loss", np.mean(np.abs(e)))
"""


def test_a_mean_of_absolute_values_states_no_loss(tmp_path: Path) -> None:
    report = run_edited(tmp_path, GATES)
    assert report.exit_code == 0, "with two classes it is a hinge loss of the outputs, but printed"
    assert run_edited(tmp_path, GATES, ("d @ W.T * h", "e @ W.T * h")).exit_code == 1


COUNTS = """import numpy as np
rng = np.random.default_rng(0)
T = 0.1 * rng.normal(size=(3, 3)); tags = np.array([0, 1, 1, 2, 0, 2])
for i in range(4):
    p = np.exp(T) / np.exp(T).sum()
    loss = -np.log(p[tags[:-1], tags[1:]]).sum()
    dT = np.zeros_like(T)
    for t in range(5):
        dT += p
    np.add.at(dT, (tags[:-1], tags[1:]), -1)
    T -= 0.05 * dT
"""
APART = ("np.add.at(dT,", "c = np.zeros_like(T); np.add.at(c,"), ("0.05 * dT", "0.05 * (dT + c)")


@pytest.mark.parametrize("edits", [[], APART], ids=["in place", "apart"])
def test_what_was_counted_in_the_data_is_a_part_of_the_gradient(
    edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    assert run_edited(tmp_path, COUNTS, *edits).exit_code == 0
    assert run_edited(tmp_path, COUNTS, *edits, ("1:]), -1)", "1:]), 1)")).exit_code == 1


STOCHASTIC = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.random((20, 4)), rng.random((20, 1))
V, W = rng.random((4, 6)), rng.random((6, 1))
for j in range(20):
    h = 1 / (1 + np.exp(-X[j] @ V))
    out = np.tanh(h @ W)
    delta = (y[j] - out) * (1 - out**2)
    back = np.dot(W, delta) * h * (1 - h)
    V += back * np.atleast_2d(X[j]).T * 0.1
    W += delta * np.atleast_2d(h).T * 0.1
"""


def test_what_one_error_multiplies_is_not_counted_in_the_data(tmp_path: Path) -> None:
    assert run_edited(tmp_path, STOCHASTIC).exit_code == 0
    assert run_edited(tmp_path, STOCHASTIC, ("(1 - h)", "(1 + h)")).exit_code == 1


COUPLINGS = """import numpy as np
rng = np.random.default_rng(9)
S = rng.choice([-1.0, 1.0], (30, 4)); J = np.zeros((4, 4)); mask = 1 - np.eye(4)
for t in range(3):
    local = S @ (J * mask)
    loss = np.sum(np.log1p(np.exp(-2 * S * local))) / 30
    r = -2 * S / (1 + np.exp(2 * S * local)) / 30
    g = (S.T @ r) * mask
    g = (g + g.T) / 2
    J = J - 0.1 * g
"""


def test_a_symmetric_parameter_has_the_symmetric_part_of_the_gradient(tmp_path: Path) -> None:
    assert run_edited(tmp_path, COUPLINGS).exit_code == 0
    (blame,) = run_edited(tmp_path, COUPLINGS, ("r = -2 * S", "r = -2")).blames
    assert blame.line == 7


SPINS = """import numpy as np
rng = np.random.default_rng(4)
S = np.sign(rng.normal(size=(40, 4)) + rng.normal(size=(40, 1)))
J, h = np.zeros((4, 4)), np.zeros(4)
for t in range(9):
    field = S @ J.T + h
    loglik = -np.log1p(np.exp(-2 * S * field)).sum() / len(S)
    r = S - np.tanh(field)
    dJ = r.T @ S / len(S)
    np.fill_diagonal(dJ, 0)
    dh = r.mean(0)
    J += 0.2 * dJ
    h += 0.2 * dh
"""


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (("dh =", "dh ="), []),
        (("np.fill_diagonal(dJ, 0)", "dJ = dJ * (1 - np.eye(4))"), []),
        (("dh = r", "dh = (S - field)"), [11]),
        (("h += 0.2", "h -= 0.2"), [13]),
        (("J += 0.2", "J -= 0.2"), [12]),
    ],
)
def test_couplings_without_a_diagonal_have_no_gradient_there(
    edit: tuple[str, str], lines: list[int], tmp_path: Path
) -> None:
    assert [each.line for each in run_edited(tmp_path, SPINS, edit).blames] == lines


GRAPH = """import numpy as np
class Layer:
    def __init__(self, n, m):
        self.W = rng.normal(size=(n, m))
    def __call__(self, H):
        self.H = H
        return np.tanh(S @ H @ self.W)
    def grad(self, d, out):
        d = S.T @ (d * (1 - out ** 2))
        self.gW = self.H.T @ d
        return d @ self.W.T
rng = np.random.default_rng(1)
S, X, Y = rng.random((5, 5)) / 3, np.eye(5), rng.normal(size=(5, 2))
one, two = Layer(5, 4), Layer(4, 2)
for epoch in range(4):
    h = one(X)
    out = two(h)
    loss = ((out - Y) ** 2).sum()
    one.grad(two.grad(2 * (out - Y), out), h)
    one.W -= 0.01 * one.gW
    two.W -= 0.01 * two.gW
"""


def test_a_layer_that_gives_the_gradient_of_its_input_does_not_make_the_data_a_parameter(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, GRAPH).exit_code == 0
    report = run_edited(tmp_path, GRAPH, ("    two.W -= 0.01 * two.gW\n", ""))
    assert report.exit_code == 1


PRINTED = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(32, 3)), rng.normal(size=(32, 2))
W = rng.normal(size=(3, 2))
for step in range(20):
    e = X @ W - Y
    loss = 0.5 * np.sum(e ** 2) + 0.25 * np.sum(W ** 2)
    W -= 0.02 * (X.T @ e + 0.5 * W)
    mean = loss / 32
"""


def test_what_a_gradient_is_times_the_mean_of_the_loss_is_no_part_of_the_rate(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, PRINTED)
    assert report.ok
    assert report.examined.factor == pytest.approx(32)
    assert dict(report.ran.rule.numbers)["η"] == pytest.approx(0.02)


def test_a_loss_that_gradients_are_not_judged_by_is_named_with_why(tmp_path: Path) -> None:
    loss = "0.5 * np.sum(e ** 2) + 0.25 * np.sum(W ** 2)"
    edits = (loss, "np.sum(np.abs(e))"), (" + 0.5 * W)", ")")
    (said,) = (e for e in str(run_edited(tmp_path, PRINTED, *edits)).splitlines() if "a loss" in e)
    assert said.endswith("script.py:7), of which these are not the gradients")


ONLINE = """import numpy as np
rng = np.random.default_rng(33)
A = rng.uniform(-1, 1, (9, 3))
t = A @ np.array([1.0, 2.0, -3.0])
w = np.zeros(3)
for i in range(9):
    err = A[i].dot(w) - t[i]
    lr = 0.1 / np.sqrt(i + 1)
    w -= lr * err * A[i]
"""


@pytest.mark.parametrize(("error", "code"), [("A[i].dot(w) - t[i]", 0), ("A[i].dot(w) + t[i]", 1)])
def test_a_rate_that_decays_is_no_part_of_the_error_of_one_sample(
    error: str, code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, ONLINE, ("A[i].dot(w) - t[i]", error))
    assert report.exit_code == code, str(report)


BY_STEPS = """import numpy as np
rng = np.random.default_rng(6)
theta = 0.1 * rng.normal(size=(4, 2))

rewards = np.array([-1.0, -0.7, -0.4, -0.1])

def policy(s):
    e = np.exp(theta[s] - theta[s].max())
    return e / e.sum()

for episode in range(9):
    path = [(s, int(rng.random() < policy(s)[1])) for s in (0, 1, 2, 1)]
    for k, (s, a) in enumerate(path):
        advantage = rewards[s] - 0.1 * k
        grad_log = -policy(s)
        grad_log[a] += 1.0
        theta[s] += 0.1 * advantage * grad_log
"""


@pytest.mark.usefixtures("no_search")
def test_a_policy_that_is_moved_by_each_step_of_an_episode_follows_its_rewards(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, BY_STEPS)
    assert report.exit_code == 0, str(report)


IN_TWO = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 1))
y = 5 * X[:, 0] + 3
w = rng.normal(size=2)
for epoch in range(50):
    lr = 0.01 * 0.95 ** epoch
    error = y - (X @ w[1:] + w[0])
    w[1:] -= lr * (-2 * X.T @ error / 20)
    w[0] -= lr * (-2 * np.mean(error))
"""

AT_ONCE = """import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=30)
y = 4 * x + 1
w = np.zeros(2)
for k in range(100):
    lr = 0.1 / (1 + 0.1 * k)
    error = y - (w[0] + w[1] * x)
    w[0], w[1] = w[0] + lr * error.mean(), w[1] + lr * (error * x).mean()
"""


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [(IN_TWO, "", 0), (AT_ONCE, "", 0), (IN_TWO, "abs(w[0] - 2) * ", 1)],
    ids=["slices", "entries", "uneven error"],
)
def test_a_rate_that_decays_may_move_the_parts_of_one_array(
    text: str, error: str, code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, text, ("error = ", f"error = {error}"))
    assert report.exit_code == code, str(report)


EQUAL_OUTPUTS = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(12, 3)), np.eye(3)[rng.integers(0, 3, 12)]
W = np.zeros((3, 3))
for k in range(9):
    u = X @ W
    e = np.exp(u - u.max(axis=1, keepdims=True))
    P = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / 12
    W -= 0.5 * X.T @ (P - Y) / 12
"""


def test_the_largest_output_within_a_softmax_is_no_kink(tmp_path: Path) -> None:
    examined = run_edited(tmp_path, EQUAL_OUTPUTS).examined
    assert (examined.ok, examined.kinks) == (True, False)


SLOWER = """import numpy as np
rng = np.random.default_rng(0)
X, y, w = rng.normal(size=(20, 3)), rng.normal(size=20), np.zeros(3)
taxa = 0.1
for epoca in range(20):
    taxa_epoca = taxa / (1 + 0.1 * epoca)
    e = X @ w - y
    w -= taxa_epoca * X.T @ e / len(y)
    print((e ** 2).mean() / 2)
"""


def test_a_rate_that_is_computed_and_not_used_is_named(tmp_path: Path) -> None:
    assert "unread" not in dict(run_edited(tmp_path, SLOWER).ran.notes)
    report = run_edited(tmp_path, SLOWER, ("w -= taxa_epoca", "w -= taxa"))
    assert report.exit_code == 0
    assert dict(report.ran.notes)["unread"].startswith("taxa_epoca (")


def test_a_value_of_the_forward_pass_that_is_not_used_is_named(tmp_path: Path) -> None:
    two = ("    e = X @ w - y", "    z = X @ w\n    h = 1 / (1 + np.exp(-z))\n    e = z - y")
    report = run_edited(tmp_path, SLOWER, two)
    assert report.exit_code == 0
    assert dict(report.ran.notes)["unread"].startswith("h (")


A_RATE_A_LAYER = """import numpy as np
rng = np.random.default_rng(0)
X, Y, nu = rng.normal(size=(9, 3)), rng.random((9, 2)), [1.0, 2.0]
W1, W2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for _ in range(9):
    h = 1 / (1 + np.exp(-X @ W1))
    o = 1 / (1 + np.exp(-h @ W2))
    d2 = (o - Y) * o * (1 - o)
    d1 = d2 @ W2.T * h * (1 - h)
    W2 -= nu[1] * h.T @ d2
    W1 -= nu[0] * X.T @ d1
"""


def test_each_layer_may_have_a_rate_in_a_list(tmp_path: Path) -> None:
    assert run_edited(tmp_path, A_RATE_A_LAYER).exit_code == 0
    report = run_edited(
        tmp_path, A_RATE_A_LAYER, ("nu[1] * h", "nu[0] * h"), ("X.T", "2 / 9 * X.T")
    )
    assert report.exit_code == 1


COUNTED = """import numpy as np
rng = np.random.default_rng(4)
X, T = rng.normal(size=(9, 3)), rng.integers(0, 2, (9, 2))
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for epoch in range(3):
    h = 1 / (1 + np.exp(-X @ W))
    y = 1 / (1 + np.exp(-h @ V))
    d = (y - T) * y * (1 - y)
    e = d @ V.T * h * (1 - h)
    V -= 0.1 * h.T @ d
    W -= 0.1 * X.T @ e
    error = np.sum((np.where(y > 0.5, 1, 0) - T) ** 2)
    print("error", error / T.size)
"""


def test_the_number_of_wrong_samples_is_no_other_loss(tmp_path: Path) -> None:
    report = run_edited(tmp_path, COUNTED)
    assert report.exit_code == 0
    assert "it computes a loss" not in str(report)


AS_PRINTED = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for _ in range(20):
    h = np.tanh(X @ W)
    e = h @ V - Y
    print(0.5 * (e**2).sum() / len(X))
    g = e / len(X)
    gW, gV = X.T @ (g @ V.T * (1 - h**2)), h.T @ g
    V, W = V - 0.1 * gV, W - 0.1 * gW
"""


def test_a_loss_is_what_is_printed_or_what_that_is_a_multiple_of(tmp_path: Path) -> None:
    assert "times those of" not in str(run_edited(tmp_path, AS_PRINTED))


BOUND = """    norm = np.sqrt((gW**2).sum() + (gV**2).sum())
    gW, gV = [g * min(1.0, 0.1 / norm) for g in (gW, gV)]
    V, W = V"""
CLIPPED = ("    V, W = V", BOUND)


def test_what_a_factor_makes_of_a_bound_on_the_norm_is_told(tmp_path: Path) -> None:
    assert "times" not in str(run_edited(tmp_path, AS_PRINTED, CLIPPED))
    summed = run_edited(tmp_path, AS_PRINTED, ("g = e / len(X)", "g = e"), CLIPPED)
    told = "a convention but for the bound that they are clipped by"
    assert (summed.exit_code, told in str(summed)) == (0, True), str(summed)
