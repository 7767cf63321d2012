"""Scripts that move some parameters at other rates than the rest."""

from pathlib import Path

import pytest

from conformance.report.script_report import ScriptReport
from conformance.tests.scripts import run_edited

SCRIPT = """import numpy as np
rng = np.random.default_rng(3)
X, T = rng.normal(size=(9, 4)), rng.uniform(0.1, 0.9, (9, 2))
w0, w1 = rng.normal(size=(4, 5)), rng.normal(size=(5, 2))
rates, lr, n = [0.1, 0.2], 0.1, len(X)
for epoch in range(9):
    h = 1 / (1 + np.exp(-X @ w0))
    y = 1 / (1 + np.exp(-h @ w1))
    d1 = (y - T) * y * (1 - y)
    d0 = d1 @ w1.T * h * (1 - h)
    w1 -= rates[1] * h.T @ d1
    w0 -= rates[0] * X.T @ d0
"""
BOTH = """    w1 -= rates[1] * h.T @ d1
    w0 -= rates[0] * X.T @ d0
"""


def run(folder: Path, *edits: tuple[str, str]) -> ScriptReport:
    return run_edited(folder, SCRIPT, *edits)


@pytest.mark.parametrize(
    "stated",
    [
        BOTH,
        BOTH.replace("rates[1]", "0.2").replace("rates[0]", "0.1"),
        BOTH.replace("rates[1]", "{'w': 0.2}['w']"),
        """    for w, g, rate in zip([w0, w1], [X.T @ d0, h.T @ d1], rates):
        w -= rate * g
""",
        """    g = [X.T @ d0, h.T @ d1]
    for i, w in enumerate([w0, w1]):
        w -= rates[i] * g[i]
""",
    ],
    ids=["list", "literals", "dict", "zip", "index"],
)
def test_each_parameter_may_have_a_rate_that_is_stated(stated: str, tmp_path: Path) -> None:
    report = run(tmp_path, (BOTH, stated))
    assert report.exit_code == 0, str(report)
    assert "η = 0.2" in str(report), str(report)


def test_a_factor_beside_the_rate_is_no_rate(tmp_path: Path) -> None:
    report = run(tmp_path, ("rates[1]", "lr / n"), ("rates[0]", "lr"))
    assert [each.accused.cause.kind for each in report.blames] == ["step"], str(report)


@pytest.mark.parametrize(("divisor", "code"), [("n", 1), ("4", 0)])
def test_a_rate_is_that_which_it_divides_unless_by_a_number_that_is_stated(
    divisor: str, code: int, tmp_path: Path
) -> None:
    step = f"rate = lr / {divisor}\n    w1 -= rate * h.T @ d1"
    report = run(tmp_path, ("w1 -= rates[1] * h.T @ d1", step), ("rates[0]", "lr"))
    assert report.exit_code == code, str(report)
    assert ("a rate of its own" in str(report)) is not bool(code)


def test_a_wrong_gradient_beside_stated_rates_is_the_only_one(tmp_path: Path) -> None:
    report = run(tmp_path, ("d1 @ w1.T * h * (1 - h)", "d1 @ w1.T * h"))
    (blame,) = report.blames
    assert blame.accused.gradients == ("w0",)
    assert (blame.accused.lines[0].line, blame.accused.cause.kind) == (10, "slope")
