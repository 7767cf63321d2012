"""Programs with a loss of their own that their updates do not compute, or seldom."""

from pathlib import Path

import pytest

from conformance.errors import UnjudgedError
from conformance.tests.scripts import run_edited

RATES = """import numpy as np
rng = np.random.default_rng(1854)
n, p = 60, 4
X = np.column_stack([np.ones(n), rng.normal(size=(n, p - 1))])
exposure = rng.uniform(0.5, 2.0, n)
counts = rng.poisson(exposure * np.exp(X @ np.array([0.3, 0.5, -0.4, 0.2])))
beta, velocity = np.zeros(p), np.zeros(p)

def neg_loglik(b):
    eta = X @ b + np.log(exposure)
    return np.sum(np.exp(eta) - counts * eta) / n + 0.05 * b[1:] @ b[1:]

def gradient(b):
    g = X.T @ (exposure * np.exp(X @ b) - counts) / n
    g[1:] += 0.1 * b[1:]
    return g

for k in range(40):
    velocity = 0.9 * velocity - 0.02 * gradient(beta)
    beta = beta + velocity
    if k % 20 == 0:
        print(k, neg_loglik(beta))
"""
SURVIVAL = """import numpy as np
rng = np.random.default_rng(8)
X = rng.normal(size=(20, 3))
time = rng.exponential(np.exp(-X[:, 0]))
event = (rng.random(20) < 0.7).astype(float)
beta, W = rng.normal(size=4), rng.normal(size=(3, 4))
at_risk = time[None, :] >= time[:, None]

def loss():
    eta = np.tanh(X @ W) @ beta
    return -np.sum(event * (eta - np.log((at_risk * np.exp(eta)).sum(1)))) / event.sum()

for _ in range(20):
    A = np.tanh(X @ W)
    weights = at_risk * np.exp(A @ beta)
    weights = weights / weights.sum(axis=1, keepdims=True)
    d = (event @ weights - event) / event.sum()
    gW, g = X.T @ (np.outer(d, beta) * (1 - A**2)), A.T @ d
    W, beta = W - 0.2 * gW, beta - 0.2 * g
print(loss())
"""
CALLS = """import numpy as np
rng = np.random.default_rng(7)
X = rng.uniform(0, 1, (30, 2))
calls = rng.poisson(np.exp(0.5 + X @ np.array([1.0, -0.8])))
a, b = np.zeros(2), 0.0
for step in range(20):
    rate = np.exp(X @ a + b)
    strata = np.mean(rate - calls * (X @ a + b))
    r = (rate - calls) / len(X)
    a -= 0.1 * (X.T @ r)
    b -= 0.1 * r.sum()
    print(step, strata)
"""


def test_updates_that_do_not_compute_the_loss_of_others_are_not_judged_by_another(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, RATES).ok


VELOCITY = "    velocity = 0.9 * velocity - 0.02 * gradient("
AHEAD = (f"{VELOCITY}beta", f"    ahead = beta + 0.9 * velocity\n{VELOCITY}ahead")


def test_a_loss_is_known_where_momentum_looks_ahead(tmp_path: Path) -> None:
    assert run_edited(tmp_path, RATES, AHEAD).ok
    (blame,) = run_edited(tmp_path, RATES, AHEAD, ("+= 0.1 * b", "+= 0.2 * b")).blames
    assert blame.line == 15
    assert not run_edited(tmp_path, RATES, AHEAD, ("ahead = beta +", "ahead = beta -")).ok


def test_an_exposure_leaves_the_poisson_loss_what_it_is(tmp_path: Path) -> None:
    silent = ("    if k % 20 == 0:\n        print(k, neg_loglik(beta))\n", "")
    report = run_edited(tmp_path, RATES, silent)
    assert (report.exit_code, report.examined.cost) == (0, "poisson")


def test_a_wrong_gradient_is_told_by_the_update_that_computes_the_loss(tmp_path: Path) -> None:
    assert not run_edited(tmp_path, RATES, ("- counts) / n", "- exposure * counts) / n")).ok


def test_a_likelihood_that_is_computed_after_the_training_is_not_replaced_by_squares(
    tmp_path: Path,
) -> None:
    with pytest.raises(UnjudgedError, match=r"the loss, which `loss` gives"):
        run_edited(tmp_path, SURVIVAL)


@pytest.mark.parametrize("name", ["strata", "koszt"])
def test_a_loss_has_a_name_in_other_languages(name: str, tmp_path: Path) -> None:
    assert run_edited(tmp_path, CALLS, ("strata", name)).ok
    wrong = ("(rate - calls)", "(rate - calls) * rate")
    assert not run_edited(tmp_path, CALLS, ("strata", name), wrong).ok


WEIGHTED = """import numpy as np
rng = np.random.default_rng(5)
X = rng.normal(size=(40, 3))
y = (X @ [1.0, -2.0, 0.5] > 1).astype(float)
rare = (1 - y).sum() / y.sum()
def logloss(t, q):
    return -np.mean(rare * t * np.log(q) + (1 - t) * np.log(1 - q))
def slope(w, X, y):
    p = 1 / (1 + np.exp(-X @ w))
    return X.T @ (np.where(y == 1, rare, 1.0) * (p - y)) / len(y)
w = np.zeros(3)
for step in range(20):
    w -= 0.1 * slope(w, X, y)
print(logloss(y, 1 / (1 + np.exp(-X @ w))))
"""
ROBUST = """import numpy as np
rng = np.random.default_rng(5)
X = rng.normal(size=(40, 3))
y = X @ [1.0, -2.0, 0.5] + rng.standard_t(1, size=40)
def huber(r, edge):
    return np.where(np.abs(r) <= edge, 0.5 * r**2, edge * (np.abs(r) - 0.5 * edge)).mean()
def slope(w, X, y, edge):
    e = X @ w - y
    return X.T @ np.where(np.abs(e) <= edge, e, edge * np.sign(e)) / len(y)
w = np.zeros(3)
for t in range(20):
    w -= 0.05 * slope(w, X, y, 0.7)
print(huber(X @ w - y, 0.7))
"""


@pytest.mark.parametrize("script", [WEIGHTED, ROBUST], ids=["weighted logarithms", "huber"])
def test_weights_and_bounds_of_an_error_are_no_slips(script: str, tmp_path: Path) -> None:
    run = run_edited(tmp_path, script)
    known = "weighted cross-entropy" if script is WEIGHTED else "unknown"
    assert (run.exit_code, run.ran.examined.cost) == (0, known), str(run)
