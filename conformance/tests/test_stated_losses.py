"""Scripts whose loss is a sum of several, or is stated beside a decay or an advantage."""

from pathlib import Path

import pytest

from conformance.errors import UnjudgedError
from conformance.tests.scripts import run_edited

LOOKS_AHEAD = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(12, 4)), rng.normal(size=(12, 3))
w, b = rng.normal(size=(4, 3)) * 0.5, np.zeros(3)
vw, vb = np.zeros_like(w), np.zeros_like(b)
for step in range(5):
    wa, ba = w + 0.9 * vw, b + 0.9 * vb
    error = X @ wa + ba - Y
    loss = np.sum(np.log(np.cosh(error))) / len(X) + 0.01 * np.abs(wa).sum()
    d = np.tanh(error) / len(X)
    vw = 0.9 * vw - 0.01 * (X.T @ d + 0.01 * np.sign(wa))
    vb = 0.9 * vb - 0.01 * d.sum(0)
    w = w + vw
    b = b + vb
"""


def test_a_decay_is_held_to_the_loss_that_states_another(tmp_path: Path) -> None:
    assert run_edited(tmp_path, LOOKS_AHEAD).exit_code == 0
    report = run_edited(tmp_path, LOOKS_AHEAD, ("np.sign(wa)", "wa"))
    assert report.exit_code == 1
    assert report.blames[0].gradients == ("w",)
    assert "`0.01 * wa`" in str(report)


DISTILLED = """import numpy as np
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
rng = np.random.default_rng(6)
X = rng.normal(size=(20, 4))
teacher = np.tanh(X @ rng.normal(size=(4, 3)))
y, q = teacher.argmax(1), softmax(teacher)
W1, W2, b = rng.normal(size=(4, 5)) / 2, rng.normal(size=(5, 3)) / 2, np.zeros(3)
T, alpha = 3.0, 0.7
for step in range(5):
    h = np.tanh(X @ W1)
    z = h @ W2 + b
    soft = -(q * np.log(softmax(z / T))).sum() / len(X)
    hard = -np.log(softmax(z)[np.arange(len(X)), y]).sum() / len(X)
    loss = alpha * T ** 2 * soft + (1 - alpha) * hard
    d = (alpha * T * (softmax(z / T) - q) + (1 - alpha) * (softmax(z) - np.eye(3)[y])) / len(X)
    W1 -= 0.3 * X.T @ (d @ W2.T * (1 - h ** 2))
    W2 -= 0.3 * h.T @ d
    b -= 0.3 * d.sum(axis=0)
"""


def test_a_weighted_sum_of_two_losses_is_the_loss(tmp_path: Path) -> None:
    assert run_edited(tmp_path, DISTILLED).exit_code == 0
    report = run_edited(tmp_path, DISTILLED, ("(1 - h ** 2)", "(1 - h)"))
    assert report.blames[0].gradients == ("W1",)
    assert "in `1 - h`, h has to be h²" in str(report)


ACTOR = """import numpy as np
rng = np.random.default_rng(4)
W, w = rng.normal(0, 0.5, (8, 2)), np.full(8, 0.05)
theta = rng.normal(0, 0.1, (2, 8))
gamma, lr = 0.95, 0.02
s = rng.normal(size=2)
for step in range(20):
    h = np.tanh(W @ s)
    logits = theta @ h
    e = np.exp(logits - logits.max())
    pi = e / e.sum()
    a = int(rng.random() < pi[1])
    s2, r = 0.9 * s + 0.3 * rng.normal(size=2), float(a == 1)
    v = w @ h
    target = r + gamma * (w @ np.tanh(W @ s2))
    delta = target - v
    actor_loss = -np.log(pi[a]) * delta
    critic_loss = 0.5 * delta ** 2
    dlogits = pi.copy()
    dlogits[a] -= 1.0
    dlogits *= delta
    dtheta = np.outer(dlogits, h)
    dv = -delta
    dw = dv * h
    dh = theta.T @ dlogits + dv * w
    dW = np.outer(dh * (1 - h ** 2), s)
    theta -= lr * dtheta
    w -= lr * dw
    W -= lr * dW
    s = s2
"""


def test_one_wrong_gradient_of_an_actor_and_its_critic_is_told_apart(tmp_path: Path) -> None:
    turned = run_edited(tmp_path, ACTOR, ("dv = -delta", "dv = delta")).blames
    assert [each.line for each in turned] == [23]
    report = run_edited(tmp_path, ACTOR, ("(1 - h ** 2)", "(1 - h)"))
    (blame,) = report.blames
    assert blame.gradients == ("W",)
    assert "in `1 - h`, h has to be h²" in str(report)


@pytest.mark.xfail(raises=UnjudgedError, reason="of its two losses one alone is looked at")
def test_an_actor_and_its_critic_are_judged_by_both_losses(tmp_path: Path) -> None:
    assert run_edited(tmp_path, ACTOR).exit_code == 0


SATURATED = """import numpy as np
rng = np.random.default_rng(1)
x = rng.uniform(18, 70, 100)
y = (x > 45).astype(float)
w, b = 0.0, 0.0
for i in range(5):
    p = 1 / (1 + np.exp(-(w * x + b)))
    loss = -np.mean(y * np.log(p + 1e-9) + (1 - y) * np.log(1 - p + 1e-9))
    d = (p - y) / len(x)
    w -= 0.1 * (d @ x)
    b -= 0.1 * d.sum()
"""
NO_EPSILON = [(" + 1e-9", ""), ("0.1 *", "1.0 *")]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("edits", [[], NO_EPSILON], ids=["ε", "no ε: the loss is not finite"])
def test_a_loss_tells_nothing_where_its_output_is_saturated(
    edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, SATURATED, *edits)
    assert report.exit_code == 0, str(report)
    assert "at saturated outputs its derivative is that of an ε, a bound or none" in str(report)
    wrong = run_edited(tmp_path, SATURATED, *edits, ("(p - y)", "(p - y) * p * (1 - p)"))
    assert wrong.exit_code == 1
