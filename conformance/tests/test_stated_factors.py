"""A factor of all gradients is a convention, a rate, or made of a number within the loss."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

CONTRASTIVE = """import numpy as np
rng = np.random.default_rng(0)
tau = 0.5
X = rng.normal(size=(8, 5))
W = rng.normal(size=(5, 4))
pair = np.arange(8) ^ 1
for step in range(9):
    z = np.tanh(X @ W)
    e = np.exp(z @ z.T / tau)
    e[np.arange(8), np.arange(8)] = 0.0
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(8), pair]))
    d = p.copy()
    d[np.arange(8), pair] -= 1
    d = d / 8 / tau
    W -= 0.1 * X.T @ ((d + d.T) @ z * (1 - z ** 2))
"""


@pytest.mark.parametrize(("there", "code"), [("/ 8 / tau", 0), ("/ tau", 0), ("/ 8", 1)])
def test_a_factor_that_is_a_temperature_is_no_convention(
    there: str, code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, CONTRASTIVE, ("/ 8 / tau", there))
    assert report.exit_code == code, str(report)
    assert [each.line for each in report.blames[:1]] == [15] * code


TOTAL = """import numpy as np
rng = np.random.default_rng(0)
X, w = rng.normal(size=(12, 3)), rng.normal(size=3)
total = 0.0
for x in X:
    r = np.tanh(x @ w) - x[0]
    loss = 0.5 * r ** 2
    total += loss
    w = w - 0.1 * r * (1 - np.tanh(x @ w) ** 2) * x
print(total)
"""


def test_the_half_of_a_loss_that_is_added_up_is_its_own(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TOTAL)
    assert report.exit_code == 0
    assert "convention" not in str(report)


AS_WIDE = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(60, 5)), rng.normal(size=(60, 1))
W, v, lr = rng.normal(size=(5, 6)), rng.normal(size=(6, 1)), 0.05
for step in range(9):
    i = rng.integers(0, 60, 6)
    h = np.tanh(X[i] @ W)
    r = h @ v - y[i]
    loss = 0.5 * np.mean(r ** 2)
    dW = X[i].T @ (r @ v.T * (1 - h ** 2))
    dv = h.T @ r
    W, v = W - lr * dW, v - lr * dv
"""


def test_a_sum_over_as_many_samples_as_there_are_neurons_is_said(tmp_path: Path) -> None:
    report = str(run_edited(tmp_path, AS_WIDE))
    assert "the gradients are 6 times those of the loss: a convention" in report
    assert "η = 0.05" in report


ONE_BY_ONE = """import numpy as np
rng = np.random.default_rng(9)
W, b, v, alpha = rng.normal(size=(4, 3)), np.zeros(4), rng.normal(size=4), 0.05
for x in rng.normal(size=(20, 3)):
    h = np.tanh(W @ x + b)
    delta = x[0] * x[1] - v @ h
    loss = 0.5 * delta ** 2
    dh = v * (1 - h ** 2)
    v = v + alpha * delta * h
    W = W + alpha * delta * np.outer(dh, x)
    b = b + alpha * delta * dh
"""


def test_the_rate_is_known_where_one_gradient_alone_is_right(tmp_path: Path) -> None:
    assert run_edited(tmp_path, ONE_BY_ONE).exit_code == 0
    report = run_edited(tmp_path, ONE_BY_ONE, ("v * (1 - h ** 2)", "v * h * (1 - h)"))
    assert [each.name for each in report.examined.gradients if each.ok] == ["v"]
    assert {each.line for each in report.blames} == {8}, str(report)
