"""AMSGrad, AdaDelta, AdaMax, AdaBelief and NAdam are rules; each of their mistakes is named."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import UnjudgedError
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.report.script_report import UpdateReport
from conformance.script_outcome import Rule, is_judged_as_far
from conformance.tests.scripts import run_edited

PROGRAM = Path(__file__).parent / "programs" / "kin_of_adam.py"
RULES = ["amsgrad", "amsgrad", "adadelta", "adamax", "adabelief", "nadam"]
WRONG = [
    ("AMSGrad", "np.maximum", "np.minimum", "the larger of the two has to be kept here"),
    ("AMSGrad", "* grads[k] ** 2", "* grads[k]", "the mean of the square of the gradient has"),
    ("AMSGradCorrected", "(1 - self.b2**", "(1 - self.b1**", "β1 is in the correction of the mea"),
    ("AdaDelta", "* dx * dx", "* g * g", "the mean of the squares of the steps has to be kept"),
    ("AdaDelta", "Ed + (1 - self.rho)", "Ed + self.rho", "multiplied by 0.95, and has to be by 0."),
    (
        "AdaDelta",
        "eps) / np.sqrt(Eg + self.eps) * g",
        "eps) * g",
        "has to be divided by that of its",
    ),
    ("AdaMax", "np.abs(g)", "g", "the largest |g| has to be kept here"),
    ("AdaMax", "(1 - self.beta1**", "(1 - self.beta2**", "β2 is in the correction of the mean of"),
    ("AdaBelief", "* diff**2", "* (g + self.m[k])**2", "the mean of (g − m)² has to be kept here"),
    ("AdaBelief", "self.s[k] / (1 - self.beta2**self.t)", "self.s[k]", "that of the squares is n"),
    ("Nadam", "v_hat = self.v[k] / (1 - self.beta2", "v_hat = self.v[k] / (1 - self.beta1", "β1 "),
]


def no_book(_: str) -> Any:
    raise AssertionError("it is no network of the book")


def test_each_kin_of_adam_is_a_rule() -> None:
    report = check_file(Asked(str(PROGRAM)), no_book)
    assert report.left == ()
    assert report.exit_code == 0
    kinds = [each.ran.rule.kind for each in report.parts if isinstance(each, UpdateReport)]
    assert kinds == RULES


def test_each_mistake_in_them_is_named_on_its_line(tmp_path: Path) -> None:
    start, *classes = PROGRAM.read_text().split("\n\n\nclass ")
    texts = [start]
    for i, (name, old, new, _) in enumerate(WRONG):
        (text,) = (each for each in classes if each.startswith(f"{name}:"))
        assert old in text
        texts.append(text.replace(f"{name}:", f"Kin{i}:", 1).replace(old, new, 1))
    place = tmp_path / "file.py"
    place.write_text("\n\n\nclass ".join(texts))
    lines = place.read_text().splitlines()
    found = [e for e in check_file(Asked(str(place)), no_book).parts if isinstance(e, UpdateReport)]
    assert len(found) == len(WRONG)
    for each, (_, _, new, why) in zip(found, WRONG, strict=True):
        assert why in str(each), each
        line = lines[int(each.blames[0].line or 0) - 1]
        hat = "v_hat = " in new or "self.s[k]" in new  # the correction is seen where it is used
        assert new in line or (hat and "_hat" in line), line


ADAGRAD = """import numpy as np
class Adagrad:
    def __init__(self, params, lr=0.05):
        self.params, self.lr = params, lr
        self.sums = [np.full_like(p, 0.1) for p in params]

    def step(self, grads):
        for i, g in enumerate(grads):
            self.sums[i] += g * g
            self.params[i] -= self.lr * g / (np.sqrt(self.sums[i]) + 1e-7)
"""


def test_the_sums_of_adagrad_may_begin_with_another_number_than_0(tmp_path: Path) -> None:
    (tmp_path / "adagrad.py").write_text(ADAGRAD)
    (part,) = check_file(Asked(str(tmp_path / "adagrad.py")), no_book).parts
    assert isinstance(part, UpdateReport)
    assert (part.exit_code, part.ran.rule.kind) == (0, "adagrad")


SCRIPT = """import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(40, 3))
Y = np.sin(X[:, :1]) + 0.3 * X[:, 1:2]
W1, b1 = rng.normal(size=(3, 6)) * 0.5, np.zeros(6)
W2, b2 = rng.normal(size=(6, 1)) * 0.5, np.zeros(1)
params = [W1, b1, W2, b2]
old = [np.zeros_like(p) for p in params]
rate = [np.full_like(p, 0.01) for p in params]
rho, eps = 0.9, 1e-6
for epoch in range(20):
    h = np.tanh(X @ W1 + b1)
    out = h @ W2 + b2
    loss = np.mean((out - Y) ** 2)
    d = 2 * (out - Y) / len(X)
    dh = d @ W2.T * (1 - h ** 2)
    for i, g in enumerate([X.T @ dh, dh.sum(axis=0), h.T @ d, d.sum(axis=0)]):
"""
RPROP = """        turn = g * old[i]
        less = np.where(turn < 0, np.maximum(rate[i] * 0.5, 1e-6), rate[i])
        rate[i] = np.where(turn > 0, np.minimum(rate[i] * 1.2, 50.0), less)
        params[i] -= np.sign(g) * rate[i]
        old[i] = g
"""
ADADELTA = """        old[i] = rho * old[i] + (1 - rho) * g ** 2
        delta = g * np.sqrt(rate[i] + eps) / np.sqrt(old[i] + eps)
        params[i] -= delta
        rate[i] = rho * rate[i] + (1 - rho) * delta ** 2
"""
NADAM = """        m, v, t = kept.get(i, (0.0, 0.0, 0))
        m, v, t = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g ** 2, t + 1
        kept[i] = m, v, t
        ahead = 0.9 * m / (1 - 0.9 ** (t + 1)) + 0.1 * g / (1 - 0.9 ** t)
        params[i] -= 0.01 * ahead / (np.sqrt(v / (1 - 0.99 ** t)) + eps)
"""
KEPT = "rho, eps =", "kept = {}\nrho, eps ="
MOVED = "        params[i] -= np.sign(g)"
ZEROED = MOVED, "        g = np.where(turn < 0, 0.0, g)\n" + MOVED
WRITTEN = MOVED, "        g[turn < 0] = 0\n" + MOVED
CLIPPED = MOVED, "        rate[i] = np.clip(rate[i], 1e-6, 1)\n" + MOVED
ZEROS = "np.full_like(p, 0.01)", "np.zeros_like(p)"


@pytest.mark.parametrize(
    ("step", "edits", "code"),
    [
        (ADADELTA, (ZEROS,), 0),
        (NADAM, (KEPT,), 0),
        (RPROP, (), 0),
        (RPROP, (ZEROED,), 0),
        (RPROP, (WRITTEN,), 0),
        (RPROP, (CLIPPED,), 0),
        (RPROP, (CLIPPED, ("turn > 0", "turn < 0")), 3),  # it is no rule that is known
        (RPROP, (CLIPPED, ("h.T @ d,", "2 * h.T @ d,")), 1),
        (ADADELTA, (ZEROS, ("* delta ** 2", "* g ** 2")), 1),
        (ADADELTA, (ZEROS, ("h.T @ d,", "2 * h.T @ d,")), 1),
    ],
)
def test_in_a_script_they_move_parameters(
    step: str, edits: tuple[tuple[str, str], ...], code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, SCRIPT + step, *edits)
    assert report.exit_code == code, str(report)
    assert all(each.ok for each in report.gradients) == ("h.T @ d," not in str(edits))


DELTA = """
import numpy as np

class Adadelta:
    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6):
        self.params, self.lr, self.rho, self.eps = params, lr, rho, eps
        self.eg = [np.zeros_like(p) for p in params]
        self.ed = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.eg[i] = self.rho * self.eg[i] + (1 - self.rho) * g * g
            d = np.sqrt(self.ed[i] + self.eps) / np.sqrt(self.eg[i] + self.eps) * g
            self.ed[i] = self.rho * self.ed[i] + (1 - self.rho) * g * g
            p -= self.lr * d
"""


def test_adadelta_is_not_right_as_rmsprop(tmp_path: Path) -> None:
    place = tmp_path / "file.py"
    place.write_text(DELTA)
    (report,) = check_file(Asked(str(place)), no_book).parts
    assert isinstance(report, UpdateReport)
    for kind, far in (("rmsprop", False), ("adadelta", True)):
        assert is_judged_as_far(replace(report.ran, rule=Rule(kind)), report.ran) is far


ROWS = """import numpy as np
rng = np.random.default_rng(6)
X, y = rng.normal(size=(20, 4)), rng.normal(size=20)
w, u = rng.normal(size=4), rng.normal(size=4)
means, squares = np.zeros((2, 4)), np.zeros((2, 4))
for t in range(1, 9):
    e = X @ w + np.tanh(X) @ u - y
    loss = (e ** 2).mean() / 2
    grads = X.T @ e / 20, np.tanh(X).T @ e / 20
    for k, g in enumerate(grads):
        means[k] = 0.9 * means[k] + 0.1 * g
        squares[k] = 0.99 * squares[k] + 0.01 * g * g
    m, s = means / (1 - 0.9 ** t), squares / (1 - 0.99 ** t)
    w = w - 0.05 * m[0] / (np.sqrt(s[0]) + 1e-8)
    u = u - 0.05 * m[1] / (np.sqrt(s[1]) + 1e-8)
"""


def test_means_that_are_rows_of_one_array_are_no_parameters(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError, match="the loss does not depend on means, squares"):
        run_edited(tmp_path, ROWS)
