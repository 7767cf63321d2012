"""Policies whose actions are drawn around what a network gives: the actions are constants."""

from pathlib import Path

import pytest

from conformance.errors import UnjudgedError
from conformance.tests.scripts import run_edited

BANDIT = """import numpy as np
rng = np.random.default_rng(44)
w, c, log_s = np.array([0.1, -0.1]), 0.0, -0.3
for it in range(30):
    ctx = rng.normal(size=(16, 2))
    mean = ctx @ w + c
    s = np.exp(log_s)
    a = mean + s * rng.normal(size=16)
    reward = -(a - (0.8 * ctx[:, 0] - 0.3 * ctx[:, 1] + 0.5)) ** 2
    adv = (reward - reward.mean()) / (reward.std() + 1e-8)
    zscore = (a - mean) / s
    loss = -(adv * (-0.5 * zscore ** 2 - log_s)).mean()
    d_mean = -adv * zscore / s / 16
    g_w = ctx.T @ d_mean
    g_c = d_mean.sum()
    g_ls = -(adv * (zscore ** 2 - 1)).mean()
    w = w - 0.05 * g_w
    c = c - 0.05 * g_c
    log_s = log_s - 0.05 * g_ls
"""
ACTOR_CRITIC = """import numpy as np
rng = np.random.RandomState(100)
W, log_std, v = rng.randn(3, 1) * 0.1, np.array([-0.5]), np.zeros((3, 1))
x = np.array([np.pi, 0.0])
def seen(x):
    return np.array([np.cos(x[0]), np.sin(x[0]), x[1] / 5])
for it in range(20):
    S, A, R = [], [], []
    for t in range(3):
        s = seen(x)
        u = (s @ W)[0] + np.exp(log_std[0]) * rng.randn()
        S.append(s)
        A.append([u])
        R.append(np.cos(x[0]) - 0.01 * u ** 2)
        speed = x[1] + 0.05 * (9.81 * np.sin(x[0]) + np.clip(u, -3, 3))
        x = np.array([x[0] + 0.05 * speed, speed])
    S, A = np.array(S), np.array(A)
    G, acc = np.zeros((3, 1)), (seen(x) @ v)[0]
    for t in reversed(range(3)):
        acc = R[t] + 0.9 * acc
        G[t] = acc
    V, mu, std = S @ v, S @ W, np.exp(log_std)
    adv, z = G - V, (A - mu) / std
    actor_loss = -(adv * (-0.5 * z ** 2 - log_std)).mean()
    critic_loss = 0.5 * ((V - G) ** 2).mean()
    g_W = S.T @ (-adv * z / std / 3)
    g_std = (-adv * (z ** 2 - 1)).mean(0)
    g_v = S.T @ (V - G) / 3
    W = W - 0.02 * g_W
    log_std = log_std - 0.01 * g_std
    v = v - 0.05 * g_v
"""


def test_actions_that_a_policy_draws_around_its_mean_are_held_constant(tmp_path: Path) -> None:
    assert run_edited(tmp_path, BANDIT).ok


def test_a_deviation_that_is_left_out_of_the_gradient_of_a_policy_is_told(tmp_path: Path) -> None:
    report = run_edited(tmp_path, BANDIT, ("zscore / s / 16", "zscore / 16"))
    assert [each.name for each in report.examined.gradients if not each.ok] == ["w", "c"]


@pytest.mark.parametrize(
    "begin", ["0.0", pytest.param("(seen(x) @ v)[0]", marks=pytest.mark.seldom)]
)
def test_an_actor_and_its_critic_hold_actions_and_returns_constant(
    begin: str, tmp_path: Path
) -> None:
    assert run_edited(tmp_path, ACTOR_CRITIC, ("(seen(x) @ v)[0]", begin)).ok


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("(V - G) / 3", "(G - V) / 3", "v"),
        pytest.param("(z ** 2 - 1)", "(z ** 2 + 1)", "log_std", marks=pytest.mark.seldom),
        pytest.param("z / std / 3", "z / 3", "W", marks=pytest.mark.seldom),
    ],
)
def test_a_wrong_gradient_is_blamed_alone_where_an_actor_and_its_critic_have_a_loss_each(
    right: str, wrong: str, name: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, ACTOR_CRITIC, (right, wrong))
    (blame,) = report.blames
    assert [each.name for each in report.examined.gradients if not each.ok] == [name]
    assert right in ACTOR_CRITIC.splitlines()[blame.lines[0].line - 1]


EPISODES = """import numpy as np
rng = np.random.default_rng(3)
model = {"W": rng.normal(size=(4, 3)) * 0.5}
buffer = {k: np.zeros_like(v) for k, v in model.items()}
def policy(x):
    e = np.exp(x @ model["W"])
    return e / e.sum(axis=-1, keepdims=True)
for episode in range(1, 30):
    xs, acts = [], []
    for t in range(5):
        x = rng.normal(size=4)
        xs.append(x)
        acts.append(rng.choice(3, p=policy(x)))
    X, reward = np.vstack(xs), rng.normal(size=5)
    p = policy(X)
    loss = -(np.log(p[np.arange(5), acts]) * reward).sum()
    onehot = np.zeros_like(p)
    onehot[np.arange(5), acts] = 1.0
    buffer["W"] += X.T @ ((p - onehot) * reward[:, None])
    if episode % 3 == 0:
        model["W"] -= 0.1 * buffer["W"]
        buffer["W"] = np.zeros_like(buffer["W"])
"""


@pytest.mark.parametrize(
    ("there", "code"), [("(p - onehot)", 0), ("(p + onehot)", 1)], ids=["right", "wrong"]
)
def test_the_gradients_of_several_episodes_are_those_of_the_sum_of_their_losses(
    there: str, code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, EPISODES, ("(p - onehot)", there))
    assert report.exit_code == code, str(report)


BONUS = """import numpy as np
rng = np.random.default_rng(5)
W1, W2, v = 0.5 * rng.normal(size=(4, 5)), 0.5 * rng.normal(size=(5, 3)), np.zeros(4)
for episode in range(20):
    S = rng.normal(size=(7, 4))
    logits = np.tanh(S @ W1) @ W2
    h = np.tanh(S @ W1)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    pi = np.exp(logp)
    A = np.array([rng.choice(3, p=p) for p in pi])
    G = (A == S.argmax(axis=1) % 3) + 0.1 * rng.normal(size=7)
    V = S @ v
    adv = G - V
    H = -(pi * logp).sum(axis=1)
    policy_loss = -(adv * logp[np.arange(7), A]).mean() - 0.05 * H.mean()
    value_loss = 0.5 * ((V - G) ** 2).mean()
    dlogits = adv[:, None] * (pi - np.eye(3)[A]) / 7
    dlogits += 0.05 * pi * (logp + H[:, None]) / 7
    dW2 = h.T @ dlogits
    dW1 = S.T @ (dlogits @ W2.T * (1 - h ** 2))
    W1 -= 0.1 * dW1
    W2 -= 0.1 * dW2
    v -= 0.05 * S.T @ (V - G) / 7
    print(episode, H.mean(), policy_loss, value_loss)
"""


@pytest.mark.seldom
def test_the_loss_of_a_policy_is_all_of_it_and_not_its_bonus(tmp_path: Path) -> None:
    report = run_edited(tmp_path, BONUS, ("dlogits += 0.05", "dlogits -= 0.05"))
    line = BONUS.splitlines().index("    dlogits += 0.05 * pi * (logp + H[:, None]) / 7") + 1
    assert [each.lines[0].line for each in report.examined.accused] == [line], str(report)


@pytest.mark.seldom
def test_a_policy_with_a_bonus_is_right(tmp_path: Path) -> None:
    assert run_edited(tmp_path, BONUS).ok


SHARED = """import numpy as np
rng = np.random.default_rng(1)
W, U, v = rng.normal(size=(5, 3)), rng.normal(size=(2, 5)), rng.normal(size=5)
gain = rng.normal(size=(2, 3))
for episode in range(30):
    gW, gU, gv, total = 0 * W, 0 * U, 0 * v, 0.0
    for _ in range(4):
        s = rng.normal(size=3)
        h = np.tanh(W @ s)
        u = U @ h
        p = np.exp(u - u.max())
        p = p / p.sum()
        a = rng.choice(2, p=p)
        value = v @ h
        better = gain[a] @ s - value
        total += (-better * np.log(p)[a] + 0.25 * better ** 2) / 4
        one = np.zeros(2)
        one[a] = 1.0
        du = better * (p - one)
        dv = -0.5 * better
        gU += np.outer(du, h) / 4
        gv += dv * h / 4
        gW += np.outer((U.T @ du + dv * v) * (1 - h ** 2), s) / 4
    W, U, v = W - 0.1 * gW, U - 0.1 * gU, v - 0.1 * gv
"""


@pytest.mark.seldom  # of an actor and its critic there are others
def test_the_advantage_of_a_chosen_action_is_constant_whatever_it_is_called(tmp_path: Path) -> None:
    run = run_edited(tmp_path, SHARED)
    assert (run.exit_code, run.ran.examined.cost) == (0, "own")


WALK = """import numpy as np
rng = np.random.default_rng(9)
W, U, V = rng.normal(0, 0.5, (6, 5)), rng.normal(0, 0.5, (2, 6)), np.zeros(5)
for episode in range(40):
    s, seen, acts, gains, hidden, chances = 2, [], [], [], [], []
    while 0 < s < 4 and len(seen) < 9:
        h = np.tanh(W[:, s])
        e = np.exp(U @ h)
        p = e / e.sum()
        a = int(rng.random() < p[1])
        seen.append(s)
        acts.append(a)
        hidden.append(h)
        chances.append(p)
        s += 2 * a - 1
        gains.append((s == 4) - (s == 0) - 0.1)
    gW, gU, gV, G = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V), 0.0
    for t in reversed(range(len(seen))):
        G = gains[t] + 0.9 * G
        p, h, s = chances[t], hidden[t], seen[t]
        adv = G - V[s]
        logp = np.log(p)
        d = adv * (p - np.eye(2)[acts[t]]) + 0.02 * p * (logp - (p * logp).sum())
        gU += np.outer(d, h)
        gW[:, s] += (U.T @ d) * (1 - h ** 2)
        gV[s] -= adv
    W -= 0.05 * gW
    U -= 0.05 * gU
    V -= 0.1 * gV
"""


@pytest.mark.seldom
@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [("", "", []), ("(1 - h ** 2)", "(1 - h)", [25]), ("gV[s] -=", "gV[s] =-", [26])],
    ids=["right", "slope", "overwritten"],
)
def test_errors_of_steps_that_are_gone_back_through_are_those_of_their_own_outputs(
    old: str, new: str, lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, WALK, *([(old, new)] if old else []))
    assert [e.lines[0].line for e in report.examined.accused] == lines, str(report)


DRAWN_BY_COMPARISON = """import numpy as np
rng = np.random.default_rng(7)
a, b, c = rng.normal(size=(3, 5)), rng.normal(size=(5, 2)), np.zeros(3)
for episode in range(6):
    s = rng.normal(size=(12, 3))
    h = np.tanh(s @ a)
    p = np.exp(h @ b)
    p /= p.sum(axis=1, keepdims=True)
    act = (rng.random((12, 1)) > p[:, :1]).sum(axis=1)
    adv = (act == (s[:, 0] > 0)) + 0.1 * rng.normal(size=12) - s @ c
    policy_loss = -(adv * np.log(p)[np.arange(12), act]).mean()
    value_loss = 0.5 * (adv ** 2).mean()
    d = adv[:, None] * (p - np.eye(2)[act]) / 12
    db = h.T @ d
    da = s.T @ (d @ b.T * (1 - h ** 2))
    dc = -(s.T @ adv) / 12
    a -= 0.3 * da
    b -= 0.3 * db
    c -= 0.1 * dc
"""


def test_the_error_of_values_has_no_derivative_by_the_policy_that_has_drawn(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, DRAWN_BY_COMPARISON).exit_code == 0
    wrong = run_edited(tmp_path, DRAWN_BY_COMPARISON, ("(1 - h ** 2)", "h * (1 - h)"))
    assert [(each.accused.gradients, each.line) for each in wrong.blames] == [(("a",), 15)]


GUESSES = """import numpy as np
rng = np.random.default_rng(4)
wanted, table, worth = rng.integers(0, 3, 5), np.zeros((5, 3)), np.zeros(5)
for it in range(90):
    at = rng.integers(0, 5, 32)
    p = np.exp(table[at])
    p /= p.sum(axis=1, keepdims=True)
    guess = (p.cumsum(axis=1) < rng.random((32, 1))).sum(axis=1)
    gain = (guess == wanted[at]) * 1.0 - worth[at]
    d = (p - np.eye(3)[guess]) * gain[:, None] / 32
    g, h = np.zeros_like(table), np.zeros_like(worth)
    np.add.at(g, at, d)
    np.add.at(h, at, -gain / 32)
    table -= 2.0 * g
    worth -= 1.0 * h
"""
LOSSES = """    actor = -np.mean(gain * np.log(p[np.arange(32), guess]))
    loss = 0.5 * np.mean(gain ** 2)
    g, h ="""


ALONE = ("    worth -= 1.0 * h\n", "")


@pytest.mark.parametrize(
    "edits",
    [(), (("* 1.0 - worth[at]", "- 0.5"), ALONE), (("    g, h =", LOSSES),)],
    ids=["critic", "mean", "losses"],
)
def test_what_an_action_gains_is_constant(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, GUESSES, *edits)
    assert report.exit_code == 0, str(report)
    assert "of which these are not the gradients" not in str(report)


def test_a_score_that_is_multiplied_by_what_an_action_gains_is_judged(tmp_path: Path) -> None:
    assert run_edited(tmp_path, GUESSES, ALONE).exit_code == 0
    wrong = ("p - np.eye(3)[guess]", "p * np.eye(3)[guess]")
    report = run_edited(tmp_path, GUESSES, ALONE, wrong)
    assert [each.line for each in report.blames] == [10], str(report)


ENTROPY = """import numpy as np
rng = np.random.RandomState(8)
secret, W = rng.randn(4, 3), rng.randn(4, 3) / 2
for turn in range(40):
    s = rng.randn(50, 4)
    logits = s @ W
    logp = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    pi = np.exp(logp)
    a = np.minimum((rng.rand(50, 1) > pi.cumsum(1)).sum(1), 2)
    gain = (s @ secret)[np.arange(50), a]
    entropy = -(pi * logp).sum(1, keepdims=True)
    up = gain[:, None] * (np.eye(3)[a] - pi) - 0.01 * pi * (logp + entropy)
    W += 0.1 * s.T @ up / 50
"""


def test_a_policy_that_states_no_loss_of_what_it_draws_is_not_judged_by_a_known_cost(
    tmp_path: Path,
) -> None:
    with pytest.raises(UnjudgedError, match="drawn by what the parameters give"):
        run_edited(tmp_path, ENTROPY)
