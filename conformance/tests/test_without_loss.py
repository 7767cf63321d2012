"""Backward passes of programs that have no loss: the known cost that they fit, and what is wrong.

Left out: programs with a loss (`test_backward.py`).
"""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conformance
from conformance.backward import no_loss, without_loss
from conformance.backward.judge_gradients import Forward
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.recorded_pass import record
from conformance.report.backward_report import BackwardReport
from conformance.tests.backward.program import module
from conformance.tests.parts import part
from conformance.tests.scripts import run_edited
from reference.step import Array

COLUMNS = """
import numpy as np

def f(params, x, y):
    W1, b1, W2, b2 = params
    m = x.shape[1]
    z1 = W1 @ x + b1
    a1 = np.tanh(z1)
    z2 = W2 @ a1 + b2
    a2 = OUTPUT
    delta2 = ERROR
    delta1 = (W2.T @ delta2) * (1 - a1 ** 2)
    gW2, gb2 = delta2 @ a1.T / m, delta2.sum(axis=1, keepdims=True) / m
    gW1, gb1 = delta1 @ x.T / m, delta1.sum(axis=1, keepdims=True) / m
    return RESULT, [gW1, gb1, gW2, gb2]
"""
LABELS = """
import numpy as np

def f(params, x, y):
    W1, b1, W2, b2 = params
    h = np.maximum(x.T @ W1.T + b1.T, 0)
    scores = h @ W2.T + b2.T
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    d = p.copy()
    d[np.arange(len(y)), y] -= 1
    d = d / len(y)
    dh = d @ W2
    dh[h <= 0] = 0
    return None, [dh.T @ x.T + DECAY * W1, dh.sum(axis=0)[:, None],
                  d.T @ h + DECAY * W2, d.sum(axis=0)[:, None]]
"""
LOOP = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def backprop(params, x, y):
    W1, b1, W2, b2 = params
    a1 = sigmoid(W1 @ x + b1)
    a2 = sigmoid(W2 @ a1 + b2)
    delta = (a2 - y) * a2 * (1 - a2)
    g2, gb2 = delta @ a1.T, delta
    delta = W2.T @ delta * a1 * (1 - a1)
    return [delta @ x.T, delta, g2, gb2]

def f(params, x, y):
    sums = [np.zeros(each.shape) for each in params]
    for i in range(x.shape[1]):
        own = backprop(params, x[:, i:i + 1], y[:, i:i + 1])
        sums = [s + g for s, g in zip(sums, own)]
    return None, sums
"""
RIGHT = {
    "sigmoid": ("1 / (1 + np.exp(-z2))", "a2 - y", "cross-entropy"),
    "divided": (
        "1 / (1 + np.exp(-z2))", "-(y / a2 - (1 - y) / (1 - a2)) * a2 * (1 - a2)", "cross-entropy"
    ),
    "negative y": (
        "1 / (1 + np.exp(-z2))", "(-y / a2 + (1 - y) / (1 - a2)) * a2 * (1 - a2)", "cross-entropy"
    ),
    "quadratic": ("1 / (1 + np.exp(-z2))", "(a2 - y) * a2 * (1 - a2)", "quadratic"),
    "mean of squares": ("np.tanh(z2)", "2 * (a2 - y) / y.size * (1 - a2 ** 2)", "quadratic"),
    "linear": ("z2", "-2 * (y - a2)", "quadratic"),
    "softmax": ("np.exp(z2) / np.exp(z2).sum(axis=0)", "a2 - y", "log-likelihood"),
    "turned": ("np.exp(z2) / np.exp(z2).sum(axis=0)", "(a2.T - y.T).T", "log-likelihood"),
    "poisson": ("np.exp(z2)", "a2 - y", "poisson"),
    "huber": ("np.tanh(z2)", "np.clip(a2 - y, -0.5, 0.5) * (1 - a2 ** 2)", "unknown"),
    "log cosh": ("z2", "np.tanh(a2 - y)", "unknown"),
    "absolute": ("z2", "np.sign(a2 - y)", "unknown"),
    "weighted": ("1 / (1 + np.exp(-z2))", "SHARES * (a2 - y)", "weighted cross-entropy"),
}  # fmt: skip
"""The output, the output error and the cost of right programs."""

WRONG = {
    "negated": ("1 / (1 + np.exp(-z2))", "y - a2"),
    "sigma prime of a": ("1 / (1 + np.exp(-z2))", "(a2 - y) / (1 + np.exp(-a2)) * (1 - a2)"),
    "no tanh prime": ("np.tanh(z2)", "a2 - y"),
    "softmax twice": ("np.exp(z2) / np.exp(z2).sum(axis=0)", "(a2 - y) * a2 * (1 - a2)"),
    "plus": ("1 / (1 + np.exp(-z2))", "-(y / a2 + (1 - y) / (1 - a2)) * a2 * (1 - a2)"),
    "added": ("np.exp(z2) / np.exp(z2).sum(axis=0)", "a2 + y"),
}
"""The output and an output error that is none of it."""

FAULTS = {
    "no tanh prime": ("(W2.T @ delta2) * (1 - a1 ** 2)", "W2.T @ delta2"),
    "of z": ("(1 - a1 ** 2)", "(1 - z1 ** 2)"),
    "no mean": ("gW2, gb2 = delta2 @ a1.T / m", "gW2, gb2 = delta2 @ a1.T"),
    "bias of one sample": ("delta1.sum(axis=1, keepdims=True)", "delta1[:, :1]"),
    "own weights": ("W2.T @ delta2", "W2.T @ (delta2 * delta2)"),
}
"""A fault behind the output error, by its edit."""


@dataclass(frozen=True)
class Judged:
    """A program, judged: its report, and the number of the line that is wrong."""

    report: BackwardReport
    line: int

    def blames_the_line(self) -> bool:
        """Whether the first line that is blamed is the one that is wrong."""
        return bool(self.report.blames) and self.report.blames[0].line == self.line


def arguments(*, labels: bool = False, single: bool = False) -> tuple[list[Array], Array, Array]:
    """Parameters, x and y, a sample a column."""
    rng = np.random.default_rng(3)
    shapes = (5, 4), (5, 1), (3, 5), (3, 1)
    m = 1 if single else 7
    classes = np.arange(m) % 3
    y = classes if labels else np.eye(3)[:, classes]
    return [rng.normal(size=each) for each in shapes], rng.normal(size=(4, m)), y


def judged(
    source: str,
    tmp_path: Path,
    *,
    edit: tuple[str, str] = ("", ""),
    labels: bool = False,
    single: bool = False,
) -> Judged:
    """The report on a program, one of whose lines is edited."""
    changed = source.replace(*edit) if edit[0] else source
    pairs = zip(source.splitlines(), changed.splitlines(), strict=True)
    line = next((i for i, (one, other) in enumerate(pairs, 1) if one != other), 0)
    params, *data = arguments(labels=labels, single=single)
    return Judged(conformance.check_backward(module(changed, tmp_path).f, params, *data), line)


def columns(output: str, error: str, result: str = "None") -> str:
    """The program with a sample a column."""
    made = COLUMNS.replace("OUTPUT", output).replace("ERROR", error)
    return made.replace("RESULT", result).replace("SHARES", "np.array([[1], [2.5], [0.5]])")


@pytest.mark.parametrize("result", ["None", "a2"])
@pytest.mark.parametrize("name", RIGHT)
def test_the_cost_of_a_right_program_is_found(name: str, result: str, tmp_path: Path) -> None:
    output, error, cost = RIGHT[name]
    report = judged(columns(output, error, result), tmp_path).report
    assert (report.exit_code, report.examined.cost) == (0, cost), str(report)


def test_the_costs_after_one_that_fits_are_not_differentiated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def forward(run: Any, chain: Any) -> Forward:
        asked.append(run.loss)
        return Forward(run, chain)

    monkeypatch.setattr("conformance.backward.no_loss.Forward", forward)
    source = columns(*RIGHT["quadratic"][:2])
    assert judged(source, tmp_path).report.exit_code == 0
    assert len(asked) == 1


LIST = """
def f(params, x, y):
    w, b = params
    dw, db = [0.1 * e for e in w], [0.0]
    for k in range(len(y)):
        d = sum(e * x[j][k] for j, e in enumerate(w)) + b[0] - y[k]
        for j in range(len(w)):
            dw[j] += d * x[j][k]
        db[0] += 2 * d
    return None, [dw, db]
"""


def test_a_step_that_is_judged_again_is_neither_tried_nor_searched_for_decay_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    params = [[*map(float, rng.normal(size=3))], [0.4]]
    x, y = rng.normal(size=(3, 4)).tolist(), rng.normal(size=4).tolist()
    step = record(module(LIST, tmp_path).f, params, (x, y))
    counted = Counter[str]()

    def count(owner: Any, name: str) -> None:
        plain = getattr(owner, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            counted[name] += 1
            return plain(*args, **kwargs)

        monkeypatch.setattr(owner, name, counting)

    count(without_loss, "tried")
    count(no_loss, "decayed")
    first = examine_pass(step, None, blame=False)
    searched = counted["decayed"]
    again = examine_pass(step, None)
    assert [each.ok for each in again.gradients] == [each.ok for each in first.gradients]
    assert (counted["tried"], counted["decayed"]) == (1, searched)
    assert searched


@pytest.mark.parametrize("name", WRONG)
def test_an_output_error_that_no_cost_has_is_wrong(name: str, tmp_path: Path) -> None:
    output, error = WRONG[name]
    found = judged(columns(output, "0 * z2"), tmp_path, edit=("0 * z2", error))
    assert found.report.exit_code == 1
    assert found.blames_the_line(), str(found.report)


@pytest.mark.parametrize(
    ("name", "fault"),
    part(product(RIGHT, FAULTS), lambda each: each[0], lambda each: each[1]),
)
def test_what_is_wrong_behind_the_output_error_is_blamed(
    name: str, fault: str, tmp_path: Path
) -> None:
    output, error, cost = RIGHT[name]
    found = judged(columns(output, error), tmp_path, edit=FAULTS[fault])
    assert (found.report.exit_code, found.report.examined.cost) == (1, cost), str(found.report)
    assert found.blames_the_line(), str(found.report)


@pytest.mark.parametrize("decay", ["0", "0.1"])
def test_labels_and_decay_are_recognized(decay: str, tmp_path: Path) -> None:
    source = LABELS.replace("DECAY", decay)
    report = judged(source, tmp_path, labels=True).report
    assert (report.exit_code, report.examined.cost) == (0, "log-likelihood"), str(report)
    assert abs(report.examined.decay - float(decay)) < 1e-9
    found = judged(source, tmp_path, edit=("dh[h <= 0] = 0", "pass"), labels=True)
    assert found.report.exit_code == 1
    assert [each.line for each in found.report.blames] == [found.line - 1]  # which `dh` is there


def test_a_sum_sample_by_sample_is_a_convention(tmp_path: Path) -> None:
    examined = judged(LOOP, tmp_path).report.examined
    assert examined.cost == "quadratic"
    assert abs(examined.factor - 7) < 1e-9
    assert not examined.accused
    edit = ("W2.T @ delta * a1 * (1 - a1)", "W2.T @ delta * a1")
    assert judged(LOOP, tmp_path, edit=edit).blames_the_line()


@pytest.mark.parametrize("name", ["sigmoid", "quadratic", "softmax"])
def test_one_sample_does(name: str, tmp_path: Path) -> None:
    output, error, cost = RIGHT[name]
    report = judged(columns(output, error), tmp_path, single=True).report
    assert (report.exit_code, report.examined.cost) == (0, cost), str(report)


def test_a_saturated_output_is_judged_by_its_logits(tmp_path: Path) -> None:
    for name in ("sigmoid", "softmax"):
        output, error, cost = RIGHT[name]
        source = columns(output, error).replace("W2 @ a1 + b2", "W2 @ a1 * 400 + b2")
        source = source.replace("@ delta2)", "@ delta2 * 400)").replace(
            "a1.T / m", "a1.T * 400 / m"
        )
        report = judged(
            source.replace("np.exp(z2)", "np.exp(z2 - z2.max(axis=0))"), tmp_path
        ).report
        assert (report.exit_code, report.examined.cost) == (0, cost), str(report)


def test_the_cost_that_is_asked_for_decides(tmp_path: Path) -> None:
    output, error, _ = RIGHT["sigmoid"]
    params, *data = arguments()
    program = module(columns(output, error), tmp_path)
    report = conformance.check_backward(program.f, params, *data, cost="quadratic")
    assert (report.exit_code, report.examined.cost) == (1, "quadratic")


LOSS = (
    COLUMNS.replace("OUTPUT", "1 / (1 + np.exp(-z2))")
    .replace("ERROR", "a2 - y")
    .replace("RESULT", "-np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2)) / m")
)


def step_of(source: str, tmp_path: Path, **options: Any) -> OwnPass:
    """The recorded step of a program, which promises nothing."""
    params, *data = arguments()
    step = record(module(source, tmp_path).f, params, tuple(data))
    return replace(step, promised=False, **options)


@pytest.mark.parametrize(
    ("by", "factor"), [("", 1), (" * m", 7), (" * 2", 2), (" / m / 3", 1 / 21)]
)
def test_a_usual_factor_of_all_gradients_is_a_convention(
    by: str, factor: float, tmp_path: Path
) -> None:
    source = LOSS.replace("delta2 = a2 - y", f"delta2 = (a2 - y){by}")
    examined = examine_pass(step_of(source, tmp_path))
    assert examined.ok
    assert examined.factor == pytest.approx(factor)
    assert all(each.exact for each in examined.gradients)


@pytest.mark.parametrize("by", [" * -1", " * 1.7", " * np.array([[1], [2], [1]])"])
def test_any_other_factor_is_wrong(by: str, tmp_path: Path) -> None:
    source = LOSS.replace("delta2 = a2 - y", f"delta2 = (a2 - y){by}")
    examined = examine_pass(step_of(source, tmp_path))
    assert not any(each.ok for each in examined.gradients)
    assert examined.accused[0].lines[0].line == 11


def test_a_factor_of_some_gradients_is_wrong(tmp_path: Path) -> None:
    source = LOSS.replace("gW1, gb1 = delta1 @ x.T / m", "gW1, gb1 = delta1 @ x.T")
    examined = examine_pass(step_of(source, tmp_path))
    assert [each.name for each in examined.gradients if not each.ok] == ["params[0]"]


@pytest.mark.parametrize(("by", "ok"), [(" * 1.7", True), (" * -1.7", False)])
def test_gradients_read_off_an_update_have_any_positive_factor(
    by: str, ok: bool, tmp_path: Path
) -> None:
    source = LOSS.replace("delta2 = a2 - y", f"delta2 = (a2 - y){by}")
    assert examine_pass(step_of(source, tmp_path, scaled=True)).ok == ok


def test_a_program_that_compares_nothing_is_refused(tmp_path: Path) -> None:
    source = columns("z2", "z2 * 2")
    with pytest.raises(ValueError, match="no output was found"):
        judged(source, tmp_path)


ADVANTAGES = """
import numpy as np
rng = np.random.default_rng(3)
one, two = rng.normal(size=(5, 8)), rng.normal(size=(8, 2))
for round in range(20):
    x = np.eye(5)[rng.integers(0, 5, 24)]
    h = np.tanh(x @ one)
    e = np.exp(h @ two)
    p = e / e.sum(axis=1, keepdims=True)
    actions = np.array([rng.choice(2, p=each) for each in p])
    gains = np.where(actions == 1, 1.0, -0.5) + rng.normal(size=24)
    d = (p - np.eye(2)[actions]) * (gains - gains.mean())[:, None]
    d /= 4
    back = d @ two.T * (1 - h**2)
    two -= 0.1 * h.T @ d
    one -= 0.1 * x.T @ back
"""


@pytest.mark.parametrize(
    ("slope", "told"), [("(1 - h**2)", []), ("(1 - np.tanh(h)**2)", [14])], ids=["right", "wrong"]
)
def test_each_sample_of_a_batch_may_have_a_weight(
    slope: str, told: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, ADVANTAGES, ("(1 - h**2)", slope))
    assert [each.line for each in report.blames] == told, str(report)
    assert "each sample with a weight of its own" in str(report)


MASKED = """
import numpy as np
rng = np.random.default_rng(3)
x, y, t = rng.normal(size=(20, 3)), rng.normal(size=20), rng.integers(0, 2, 20)
known = ~np.isnan(np.where(rng.random(20) < 0.7, y, np.nan))
one, two, three = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=4)
for step in range(5):
    h = np.tanh(x @ one)
    q = 1 / (1 + np.exp(-h @ three))
    d = 2 * (h @ two - y) * known / known.sum()
    e = 0.5 * (q - t) / 20
    back = (np.outer(d, two) + np.outer(e, three)) * (1 - h**2)
    two -= 0.1 * h.T @ d
    three -= 0.1 * h.T @ e
    one -= 0.1 * x.T @ back
"""


def test_each_sample_of_a_batch_may_be_kept_by_a_mask(tmp_path: Path) -> None:
    report = run_edited(tmp_path, MASKED)
    assert report.exit_code == 0, str(report)
