"""Scripts with a mistake, whose gradients no known cost has: their own objective decides."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

EVIDENCE = """import numpy as np
rng = np.random.RandomState(6)
x = np.sort(rng.uniform(-3, 3, 12))
y = np.sin(1.5 * x) + 0.15 * rng.randn(12)
D2 = (x[:, None] - x[None, :]) ** 2
hyp = np.array([0.5, 0.1, -1.0])
def evidence(h):
    ell, sf, sn = np.exp(h)
    Kf = sf ** 2 * np.exp(-0.5 * D2 / ell ** 2)
    K = Kf + sn ** 2 * np.eye(12)
    alpha = np.linalg.solve(K, y)
    value = 0.5 * y @ alpha + 0.5 * np.linalg.slogdet(K)[1]
    inner = np.linalg.inv(K) - np.outer(alpha, alpha)
    dK_ell = Kf * D2 / ell ** 2
    dK_sf = 2 * Kf
    dK_sn = 2 * sn ** 2 * np.eye(12)
    grad = 0.5 * np.array([(inner * each).sum() for each in (dK_ell, dK_sf, dK_sn)])
    return value, grad
for i in range(5):
    value, grad = evidence(hyp)
    hyp = hyp - 0.01 * grad
"""


@pytest.mark.parametrize(
    "edit",
    [
        ("D2 / ell ** 2\n    dK_sf", "D2 / ell ** 3\n    dK_sf"),
        ("2 * sn ** 2 * np.eye", "2 * sn * np.eye"),
    ],
    ids=["power", "chain rule"],
)
def test_a_number_that_is_returned_beside_the_gradient_is_the_loss(
    tmp_path: Path, edit: tuple[str, str]
) -> None:
    assert run_edited(tmp_path, EVIDENCE).exit_code == 0
    report = run_edited(tmp_path, EVIDENCE, edit)
    assert report.exit_code == 1
    assert edit[1].split("\n")[0].strip() in str(report)


COX = """import numpy as np
rng = np.random.default_rng(2)
n = 14
Z = rng.normal(size=(n, 3))
event = (rng.uniform(size=n) < 0.6).astype(float)
beta = np.array([0.1, -0.2, 0.3])
for it in range(5):
    eta = Z @ beta
    w = np.exp(eta)
    S0 = np.cumsum(w)
    S1 = np.cumsum(w[:, None] * Z, axis=0)
    logvrais = np.sum(event * (eta - np.log(S0))) / event.sum()
    score = np.sum(event[:, None] * (Z - S1 / S0[:, None]), axis=0) / event.sum()
    beta = beta + 0.5 * score
"""


@pytest.mark.parametrize("edit", [("S1 / S0[:, None]", "S1 / n"), ("event[:, None] * (", "(")])
def test_a_likelihood_of_another_language_decides(tmp_path: Path, edit: tuple[str, str]) -> None:
    assert run_edited(tmp_path, COX).exit_code == 0
    report = run_edited(tmp_path, COX, edit)
    assert report.exit_code == 1
    assert report.blames[0].gradients == ("beta",)
