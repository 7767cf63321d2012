"""Scripts as people write them, run and judged: right ones, and ones with an edited line.

Those that are judged wrongly today are listed in `MISSED`; `python -m conformance.tests.scripts`
prints what is said of them.
"""

import json
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import conformance
from conformance.errors import SubjectError, UnjudgedError, UsageError
from conformance.report import BACKWARD_SCHEMA
from conformance.report.script_report import ScriptReport
from conformance.run_script import run_script
from conformance.script.parameters import Parameter, parameters
from conformance.tests.parts import changes_of_edit, few, part
from conformance.tests.programs.script_faults import FAULTS
from conformance.tests.scripts import (
    FOLDER,
    Edited,
    blamed_first,
    edited,
    quiet,
    report_on,
    run_edited,
)
from conformance.tracing.node import Node

MISSED = {
    "x.g = result.g": "the line before is blamed, which computes what is handed on",
    "D_m = (-2 / n) * sum(ys - y_pred)": "two numbers and no loss: no cost is known to be meant",
    "D_c = -2 * sum(ys - y_pred)": "two numbers and no loss: no cost is known to be meant",
    "ddiff = ddist[:, None] * diff": "the line is blamed of the value that is right of another",
    "return z * (1 - z)": "eight samples one by one",
    "        pass": "the line is blamed that reads what is kept",
    "sum_shifts = [each for total, each in zip(sum_shifts, by_shift)]": "another line is blamed",
}
"""Why the edited line is not blamed first."""

EDITS = list(edited([*FAULTS]))
SLOW = (
    *("batches.py", "minibatch.py", "rows.py", "schedule.py", "sentences.py", "tensor_letters.py"),
)
QUICK = (
    "toy.py",
    "moments.py",
    "rows.py",
    "dict_adam.py",
    "momentum.py",
    "csv_data/train.py",
    "several/xor.py",
)


def called_right(script: str) -> None:
    report = report_on(script)
    assert report.ok, str(report)
    assert report.exit_code == 0


@pytest.mark.parametrize("script", QUICK)
def test_a_right_script_is_right(script: str) -> None:
    called_right(script)


@pytest.mark.thorough
@pytest.mark.parametrize("script", [e for e in FAULTS if e not in QUICK])
def test_every_right_script_is_right(script: str) -> None:
    called_right(script)


def hit(edit: Edited) -> bool:
    report = report_on(edit.script, edit)
    return not report.ok and blamed_first(report) == (Path(edit.file).name, edit.line())


@pytest.mark.thorough
@pytest.mark.parametrize(
    "edit",
    part(
        EDITS,
        lambda each: changes_of_edit(each.old, each.new),
        slow=lambda each: each.script in SLOW,
    ),
    ids=lambda each: each.id,
)
def test_the_edited_line_is_blamed_first(edit: Edited, request: pytest.FixtureRequest) -> None:
    if edit.new in MISSED:
        request.applymarker(pytest.mark.xfail(reason=MISSED[edit.new], strict=False))
    assert hit(edit)


def test_a_parameter_that_is_never_moved_is_named_where_its_gradient_is_computed(
    tmp_path: Path,
) -> None:
    text = (FOLDER / "rows.py").read_text().replace("    b1 -= lr * db1\n", "")
    report = judged(text, tmp_path)
    assert report.exit_code == 1
    (blame,) = report.blames
    assert blame.gradients == ("b1",)
    assert blame.accused.cause.kind == "still"
    assert text.splitlines()[int(blame.line or 0) - 1].strip().startswith("db1 = ")


PUT_INSTEAD = """
import numpy as np

class Dense:
    def __init__(self, n, m, rng):
        self.w, self.b = rng.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)
    def forward(self, x):
        self.x = x
        return x @ self.w + self.b
    def backward(self, d, rate):
        back = d @ self.w.T
        self.w = -(rate * (self.x.T @ d))
        self.b = self.b - rate * d.sum(axis=0)
        return back

rng = np.random.default_rng(0)
first, second = Dense(4, 10, rng), Dense(10, 3, rng)
x, y = rng.normal(size=(90, 4)), rng.normal(size=(90, 3))
for epoch in range(20):
    h = first.forward(x)
    e = second.forward(h * (h > 0)) - y
    first.backward(second.backward(e / 90, 0.3) * (h > 0), 0.3)
"""


@pytest.mark.parametrize(("becomes", "told"), [("+= -", []), ("= -", [(12, "update")])])
def test_a_parameter_in_whose_place_its_step_is_put_is_told_where_others_move(
    becomes: str, told: list[tuple[int, str]], tmp_path: Path
) -> None:
    report = judged(PUT_INSTEAD.replace("= -", becomes), tmp_path)
    assert [(each.line, each.accused.cause.kind) for each in report.blames] == told, str(report)
    assert report.exit_code == (1 if told else 0)


TINY = """
import numpy as np
rng = np.random.default_rng(0)
w, v = rng.normal(size=(4, 6)), rng.normal(size=(6, 3))
x, y = rng.normal(size=(30, 4)), np.eye(3)[rng.integers(0, 3, 30)]
for epoch in range(20):
    z = x @ w
    h = 1 / (1 + np.exp(-z))
    e = np.exp(h @ v)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(y * np.log(p + 1e-300)) / 30
    d = (p - y) / 30
    w -= 0.5 * x.T @ (d @ v.T * z * (1 - z))
    v -= 0.5 * h.T @ d
"""


def test_a_number_whose_square_is_out_of_range_is_no_error_of_ours(tmp_path: Path) -> None:
    report = judged(TINY, tmp_path)
    assert [each.line for each in report.blames] == [13], str(report)


FLAGS = """
import numpy as np

class Dense:
    fixed = False
    def __init__(self, n, m, rng):
        self.w = rng.normal(size=(n, m)) / np.sqrt(n)
    def forward(self, x):
        self.x = x
        return x @ self.w
    def backward(self, d):
        self.g = self.x.T @ d
        return d @ self.w.T

rng = np.random.default_rng(0)
layers = [Dense(4, 6, rng), Dense(6, 3, rng)]
layers[0].fixed = True
x, y = rng.normal(size=(90, 4)), rng.normal(size=(90, 3))
for epoch in range(20):
    e = layers[1].forward(np.tanh(layers[0].forward(x))) - y
    layers[0].backward(layers[1].backward(e / 90) * (1 - layers[1].x ** 2))
    for i, each in enumerate(layers):
        if not each.fixed:
            each.w -= 0.3 * each.g
"""
PASSES_ON = "if each.fixed: continue\n        else:"


@pytest.mark.parametrize(
    ("test", "told"),
    [("if not each.fixed:", []), (PASSES_ON, []), ("if i > 0:", [12])],
    ids=["a flag", "a flag to go on", "a place"],
)
def test_a_parameter_that_has_a_flag_not_to_be_moved_is_frozen(
    test: str, told: list[int], tmp_path: Path
) -> None:
    report = judged(FLAGS.replace("if not each.fixed:", test), tmp_path)
    assert [each.line for each in report.blames] == told, str(report)
    assert ("is used as the parameters are, and is not updated" in str(report)) != bool(told)


@pytest.mark.parametrize(
    ("wrong", "line", "said"),
    [
        ("return x", 27, "squash(out, True)"),
        ("return 1 - x * x", 7, "1 - x * x"),
    ],
)
def test_a_wrong_derivative_is_told_by_what_it_has_to_be_of(
    tmp_path: Path, wrong: str, line: int, said: str
) -> None:
    text = (FOLDER / "toy.py").read_text().replace("return x * (1 - x)", wrong)
    report = judged(text, tmp_path)
    (blame,) = report.blames
    assert blame.line == line
    of = "the derivative of `squash(np.dot(hidden, second))`"
    assert f"`{said}` has to be {of}" in blame.text


def test_an_update_that_is_not_kept_is_blamed_where_it_is_computed(tmp_path: Path) -> None:
    text = (FOLDER / "toy.py").read_text()
    text = text.replace("    second += hidden.T", "    second + hidden.T")
    report = judged(text, tmp_path)
    (blame,) = report.blames
    assert blame.accused.cause.kind == "unkept"
    assert text.splitlines()[int(blame.line or 0) - 1].strip().startswith("second + ")


def test_what_is_kept_for_an_update_must_be_kept(tmp_path: Path) -> None:
    text = (FOLDER / "momentum.py").read_text()
    for name in ("W1", "b1", "W2", "b2"):
        text = text.replace(f"v{name} = mu * v{name} -", f"u{name} = mu * v{name} -")
        text = text.replace(f"{name} += v{name}", f"{name} += u{name}")
    report = judged(text, tmp_path)
    assert {each.accused.cause.kind for each in report.blames} == {"zero"}


def test_gradients_that_are_never_set_to_zero_accumulate(tmp_path: Path) -> None:
    loop = "for i in range(9):\n    g += X.T @ (X @ w - y) / 20\n    w -= 0.1 * g\n"
    text = f"{LINE}g = np.zeros(3)\n{loop}"
    (blame,) = judged(text, tmp_path).blames
    assert blame.accused.cause.kind == "accumulates"
    assert blame.line == text.splitlines().index("    g += X.T @ (X @ w - y) / 20") + 1


@pytest.mark.parametrize(("again", "line"), [("", 0), ("    g = [1.0 * e for e in g]\n", 2)])
def test_gradients_that_all_accumulate_are_one_mistake_where_all_are_kept(
    again: str, line: int, tmp_path: Path
) -> None:
    """Else where the last of them is added to."""
    loop = f"""for i in range(9):
{again}    e = (X @ w + c - y) / 20
    g[0] = g[0] + X.T @ e
    g[1] = g[1] + e.sum()
    w, c = w - 0.1 * g[0], c - 0.1 * g[1]
"""
    begin = f"{LINE}c, g = np.zeros(1), [np.zeros(3), np.zeros(1)]\n"
    (blame,) = judged(begin + loop, tmp_path).blames
    assert blame.accused.cause.kind == "accumulates"
    assert blame.accused.gradients == ("w", "c")
    assert blame.line == begin.count("\n") + (line or 3)


NEVER_CLEARED = """import numpy as np
rng = np.random.default_rng(4)
class Lin:
    def __init__(self, W, c):
        self.W, self.c = W, c
        self.dW, self.dc = np.zeros_like(W), np.zeros_like(c)
    def __call__(self, x):
        self.x = x
        return x @ self.W + self.c
    def back(self, d):
        self.dW += self.x.T @ d
        self.dc += d.sum(axis=0)
        return d @ self.W.T
    def clear(self):
        self.dW[...] = 0
        self.dc.fill(0)
class RMSProp:
    def __init__(self, lin):
        self.lin, self.v = lin, {"W": 0.0 * lin.W, "c": 0.0 * lin.c}
    def step(self):
        for k, p, g in (("W", self.lin.W, self.lin.dW), ("c", self.lin.c, self.lin.dc)):
            self.v[k] = 0.9 * self.v[k] + 0.1 * g ** 2
            p -= 0.01 * g / (np.sqrt(self.v[k]) + 1e-8)
X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
lin = Lin(rng.normal(size=(3, 2)), np.zeros(2))
rule = RMSProp(lin)
def epoch():
    d = lin(X) - Y
    loss = (d ** 2).sum() / 60
    lin.back(d / 30)
    rule.step()
    return loss
for t in range(9):
    print(epoch())
"""
PLAIN = (
    "            self.v[k] = 0.9 * self.v[k] + 0.1 * g ** 2\n",
    " / (np.sqrt(self.v[k]) + 1e-8)",
)


@pytest.mark.parametrize("plain", [False, True])
def test_what_a_method_would_clear_is_to_be_cleared_in_the_loop(
    plain: bool, tmp_path: Path
) -> None:
    text = NEVER_CLEARED
    for each in PLAIN if plain else ():
        text = text.replace(each, "")
    (blame,) = judged(text, tmp_path).blames
    assert blame.accused.cause.kind == "accumulates"
    assert text.splitlines()[int(blame.line or 0) - 1] == "    lin.back(d / 30)"
    right = judged(text.replace("    d = lin", "    lin.clear()\n    d = lin"), tmp_path)
    assert right.exit_code == 0, str(right)


def test_where_no_method_clears_a_sum_it_is_to_be_none(tmp_path: Path) -> None:
    text = NEVER_CLEARED.replace("self.dW[...] = 0", "pass").replace("self.dc.fill(0)", "pass")
    (blame,) = judged(text, tmp_path).blames
    assert (blame.line, blame.gradients) == (11, ("lin.W", "lin.c"))
    (blame,) = judged(text.replace("self.dW +=", "self.dW ="), tmp_path).blames
    assert (blame.line, blame.gradients) == (12, ("lin.c",))


def test_a_sum_is_to_be_cleared_where_the_other_of_its_layer_is(tmp_path: Path) -> None:
    text = NEVER_CLEARED.replace("    rule.step()\n", "    rule.step()\n    lin.clear()\n")
    for each in PLAIN:
        text = text.replace(each, "")
    assert judged(text, tmp_path).exit_code == 0
    (blame,) = judged(text.replace("        self.dc.fill(0)\n", ""), tmp_path).blames
    assert text.splitlines()[int(blame.line or 0) - 1].strip() == "self.dW[...] = 0"
    assert "others are cleared here, and `self.dc` is not" in blame.text


ONE_OF_TWO = """        self.dW.fill(0)
        self.dc.fill(0)
class Net:
    def __init__(self):
        self.a, self.b = Lin(W0, np.zeros(4)), Lin(W1, np.zeros(2))
    def clear(self):
        self.a.clear()
        self.b.clear()
W0, W1 = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
X, Y, net = rng.normal(size=(30, 3)), rng.normal(size=(30, 2)), Net()
for t in range(9):
    h = np.tanh(net.a(X))
    d = net.b(h) - Y
    print(0.5 * np.sum(d * d) / 30)
    net.clear()
    net.a.back(net.b.back(d / 30) * (1 - h * h))
    for p in (net.a, net.b):
        p.W -= 0.1 * p.dW
        p.c -= 0.1 * p.dc
"""
ONE_OF_TWO = NEVER_CLEARED.partition("        self.dW[...] = 0")[0] + ONE_OF_TWO


@pytest.mark.parametrize("instead", ["self.b.clear()", ""])
def test_where_one_layer_is_cleared_twice_the_other_accumulates(
    instead: str, tmp_path: Path
) -> None:
    assert judged(ONE_OF_TWO, tmp_path).exit_code == 0
    wrong = ONE_OF_TWO.replace("        self.a.clear()\n", f"        {instead or 'pass'}\n")
    (blame,) = judged(wrong, tmp_path).blames
    assert (blame.gradients, blame.accused.cause.kind) == (("net.a.W", "net.a.c"), "accumulates")
    told = wrong.splitlines()[int(blame.line or 0) - 1].strip()
    assert told == (instead or "net.a.back(net.b.back(d / 30) * (1 - h * h))")


def test_a_loop_that_clears_a_part_of_the_layers_is_to_blame(tmp_path: Path) -> None:
    loop = "    for one in (net.a, net.b)[1:]:\n        one.clear()\n"
    wrong = ONE_OF_TWO.replace("    net.clear()\n", loop)
    assert judged(wrong.replace("[1:]", "[:]"), tmp_path).exit_code == 0
    (blame,) = judged(wrong, tmp_path).blames
    assert (blame.gradients, blame.accused.cause.kind) == (("net.a.W", "net.a.c"), "accumulates")
    assert "for one in" in wrong.splitlines()[int(blame.line or 0) - 1]


BY_SAMPLES = """import numpy as np
rng = np.random.default_rng(1)
X, Y = rng.normal(size=(12, 3)), rng.normal(size=12)
w, g = rng.normal(size=3), np.zeros(3)
for turn in range(3):
    for k in range(0, 12, 4):
        loss = 0.0
        for x, y in zip(X[k:k + 4], Y[k:k + 4]):
            loss += np.logaddexp(0, -y * (x @ w))
            g += -y * x / (1 + np.exp(y * (x @ w)))
        w -= 0.1 * g
        print(loss)
"""


def test_gradients_of_samples_that_are_never_set_to_zero_accumulate(tmp_path: Path) -> None:
    (blame,) = judged(BY_SAMPLES, tmp_path).blames
    assert blame.accused.cause.kind == "accumulates"
    assert blame.line == 10


@pytest.mark.parametrize(
    "clears",
    few(
        ["accum[k].fill(0)", "accum[k] *= 0", "accum[k].T[:] = 0",
         "accum[k] = accum[k] - accum[k]"],
        ["accum[k][...] = 0.0", "accum[k].fill(0)", "accum[k] *= 0", "np.copyto(accum[k], 0)",
         "accum[k].T[:] = 0", "accum[k] -= accum[k]", "accum[k] = accum[k] - accum[k]",
         "accum[k] = np.zeros_like(accum[k])"],
    ),
)  # fmt: skip
def test_sums_of_gradients_are_no_parameters_however_they_are_cleared(
    clears: str, tmp_path: Path
) -> None:
    text = (FOLDER / "micro_batches.py").read_text()
    assert "accum[k][:] = 0" in text
    report = judged(text.replace("accum[k][:] = 0", clears), tmp_path)
    assert sorted(report.ran.parameters) == [f"params['{e}']" for e in ("W1", "W2", "b1", "b2")]
    assert report.ok


ADDED = """
import torch
torch.manual_seed(0)
X, y = torch.randn(20, 3), torch.randn(20, 2)
w, b = torch.empty(3, 2).normal_(0, 0.1), torch.empty(2).fill_(0.01)
dw, db = torch.empty(w.shape).zero_(), torch.empty(b.shape).zero_()
for epoch in range(9):
    p = (X @ w + b).tanh()
    loss = (p - y).pow(2).mean()
    dw.zero_(), db.zero_()
    d = 2 * (p - y) / p.numel() * (1 - p.pow(2))
    dw.add_(X.t() @ d)
    db.add_(d.sum(0))
    for p, g in ((w, dw), (b, db)):
        p.sub_(0.1 * g)
"""


ADAM = """
import torch
torch.manual_seed(0)
X, y = torch.randn(20, 3), torch.randn(20, 2)
params = {'w': torch.randn(3, 2), 'b': torch.zeros(2)}
m, v = ({k: torch.zeros_like(p) for k, p in params.items()} for _ in range(2))
for t in range(1, 9):
    a = torch.sigmoid(X.mm(params['w']).add(params['b']))
    loss = (a - y).pow(2).sum() / 20
    d = 2 * (a - y) / 20 * a * (1 - a)
    grads = {'w': X.t().mm(d), 'b': d.sum(0)}
    for k in params:
        m[k].mul_(0.9).add_(grads[k], alpha=0.1)
        v[k].mul_(0.999).addcmul_(grads[k], grads[k], value=0.001)
        mhat, vhat = m[k] / (1 - 0.9 ** t), v[k] / (1 - 0.999 ** t)
        params[k].addcdiv_(mhat, vhat.sqrt().add_(1e-8), value=-0.01)
"""


def test_what_torch_adds_as_a_quotient_moves_a_parameter(tmp_path: Path) -> None:
    report = judged(ADAM, tmp_path)
    assert report.ok, str(report)
    assert len(report.ran.parameters) == 2
    (blame,) = judged(ADAM.replace("d.sum(0)", "d.mean(0)"), tmp_path).blames
    assert (
        blame.line == ADAM.splitlines().index("    grads = {'w': X.t().mm(d), 'b': d.sum(0)}") + 1
    )


def test_what_is_cleared_at_each_step_is_not_what_is_never_written(tmp_path: Path) -> None:
    there = "'torch._dynamo' in sys.modules"
    text = ADDED.replace("    dw.zero_()", f"    assert before == ({there})\n    dw.zero_()")
    report = judged(f"import sys\nbefore = {there}{text}", tmp_path)
    assert report.ok, str(report)
    assert not report.ran.notes, "a trace imports no compiler"
    assert not judged(ADDED.replace("db.add_(d.sum(0))", "db.add_(d.mean(0))"), tmp_path).ok


def test_what_torch_compiles_is_traced_as_it_is_written(tmp_path: Path) -> None:
    compiled = "f = torch.compile(lambda x, w, b: (x @ w + b).tanh(), backend='eager')\nfor epoch"
    text = ADDED.replace("for epoch", compiled).replace("(X @ w + b).tanh()", "f(X, w, b)")
    report = judged(text, tmp_path)
    assert report.ok, str(report)
    assert not report.ran.notes


SOFTMAX = """import numpy as np
rng = np.random.default_rng(0)
x, t = rng.normal(size=(20, 4)), np.eye(3)[rng.integers(0, 3, 20)]
W, b, v = rng.normal(size=(4, 3)) * 0.3, np.zeros(3), {'W': 0, 'b': 0}
for i in range(6):
    e = np.exp(x @ W + b)
    q = e / e.sum(axis=1, keepdims=True)
    loss = -(t * np.log(q)).sum() / len(x)
    d = (q - t) / len(x)
    g = {'W': x.T @ d, 'b': d.sum(axis=0)}
    for k, p in (('W', W), ('b', b)):
        v[k] = 0.9 * v[k] + g[k]
        p -= 0.1 * v[k]
"""


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        ([("p -= 0.1", "p += 0.1")], ["p += 0.1 * v[k]", "d = (q - t) / len(x)"]),
        (
            [("+ g[k]", "- g[k]")],
            ["p -= 0.1 * v[k]", "v[k] = 0.9 * v[k] - g[k]", "d = (q - t) / len(x)"],
        ),
        (
            [
                ("x.T @ d,", "x.T @ d + 0.02 * W,"),
                ("+ g[k]", "+ 0.1 * g[k]"),
                ("p -= 0.1 * v", "p += v"),
            ],
            [
                "v[k] = 0.9 * v[k] + 0.1 * g[k]",
                "p += v[k]",
                "g = {'W': x.T @ d + 0.02 * W, 'b': d.sum(axis=0)}",
            ],
        ),
        ([("(q - t)", "(t - q)")], ["d = (t - q) / len(x)"]),
        ([("(q - t)", "(t - q)"), ("p -= 0.1", "p += 0.1")], []),
        ([("+ g[k]", "- g[k]"), ("p -= 0.1", "p += 0.1")], []),
    ],
)
def test_right_gradients_that_are_added_are_the_updates_fault(
    edits: list[tuple[str, str]], lines: list[str], tmp_path: Path
) -> None:
    text = SOFTMAX
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    report = judged(text, tmp_path)
    source = [each.strip() for each in text.splitlines()]
    accused = [each for blame in report.examined.accused for each in blame.lines]
    assert [source[each.line - 1] for each in accused] == lines, str(report)
    assert report.ok is (not lines)


OF_EACH_SAMPLE = """import math
cases = [([0.5, 1.0], 0), ([0.0, 1.0], 1), ([1.0, 0.2], 1), ([1.0, 1.0], 0)]
w, b = [0.3, -0.4], 0.1
for epoch in range(20):
    gw, gb, E = [0.0, 0.0], 0.0, 0.0
    for x, t in cases:
        y = 1 / (1 + math.exp(-(w[0] * x[0] + w[1] * x[1] + b)))
        E += (y - t) ** 2 / 2
        d = (y - t) * y * (1 - y)
        gb += d
        for i in range(2):
            gw[i] += d * x[i]
    b -= 0.5 * gb
    for i in range(2):
        w[i] -= 0.5 * gw[i]
"""


def test_a_gradient_that_a_loop_overwrites_is_told_where_it_does(tmp_path: Path) -> None:
    assert judged(OF_EACH_SAMPLE, tmp_path).ok
    report = judged(OF_EACH_SAMPLE.replace("gb += d", "gb = d"), tmp_path)
    (blame,) = report.examined.accused
    assert (blame.gradients, blame.lines[0].line) == (("b",), 10), str(report)
    assert "`gb = d` has to add (`+=`)" in str(report)


BY_BACKPROP = """import numpy as np
rng = np.random.default_rng(5)
B = [rng.normal(size=(n, 1)) for n in (4, 4, 2)]
W = [rng.normal(size=(n, m)) for n, m in ((4, 3), (4, 4), (2, 4))]
data = [(rng.normal(size=(3, 1)), rng.random((2, 1))) for _ in range(12)]
def backprop(x, y):
    a, db, dw = [x], [0, 0, 0], [0, 0, 0]
    for b, w in zip(B, W):
        a.append(1 / (1 + np.exp(-(w @ a[-1] + b))))
    delta = (a[-1] - y) * a[-1] * (1 - a[-1])
    db[-1], dw[-1] = delta, delta @ a[-2].T
    for l in (2, 3):
        delta = W[1 - l].T @ delta * a[-l] * (1 - a[-l])
        db[-l], dw[-l] = delta, delta @ a[-l - 1].T
    return db, dw
for start in (0, 4, 8):
    sum_b, sum_w = [0, 0, 0], [0, 0, 0]
    for x, y in data[start:start + 4]:
        db, dw = backprop(x, y)
        sum_b = [s + d for s, d in zip(sum_b, db)]
        sum_w = [s + d for s, d in zip(sum_w, dw)]
    B = [b - 0.2 * s for b, s in zip(B, sum_b)]
    W = [w - 0.2 * s for w, s in zip(W, sum_w)]
"""


@pytest.mark.parametrize("there", ["[d for s, d in zip(sum_b, db)]", "db"])
def test_gradients_of_all_layers_are_overwritten_where_a_sample_is_done(
    there: str, tmp_path: Path
) -> None:
    assert judged(BY_BACKPROP, tmp_path).ok
    report = judged(BY_BACKPROP.replace("[s + d for s, d in zip(sum_b, db)]", there), tmp_path)
    (blame,) = report.examined.accused
    assert blame.gradients == ("B[0]", "B[1]", "B[2]"), str(report)
    assert blame.lines[0].line == 20


def test_the_logarithm_of_a_loss_is_printed(tmp_path: Path) -> None:
    loop = "for i in range(9):\n    e = X @ w - y\n    loss = (e**2).mean()\n"
    text = f"{LINE}{loop}    w -= 0.1 * (2 * X.T @ e / 20)\n    print(np.log10(loss).item())\n"
    report = judged(text, tmp_path)
    assert report.ok
    assert round(report.examined.factor, 6) in (1, 20)  # no factor of the loss itself


def test_a_parameter_that_two_lines_move_one_after_another_is_judged() -> None:
    report = report_on("word_pairs.py")
    assert report.ok
    assert set(report.ran.parameters) == {"near", "far"}


def test_the_preparation_of_data_is_forgotten(tmp_path: Path) -> None:
    text = (
        f"{NUMPY}rng = np.random.default_rng(0)\nX = rng.normal(size=(3000, 3))\n"
        "for i in range(len(X)):\n    X[i] = X[i] / np.linalg.norm(X[i])\n"
        "y = X @ np.array([1.0, 2.0, 3.0])\nw = np.zeros(3)\n"
        "for i in range(9):\n    w -= 0.1 * (X.T @ (X @ w - y) / 3000)\n"
    )
    report = judged(text, tmp_path)
    assert report.ok
    assert report.ran.parameters == ("w",)


def test_two_biases_are_wrong_and_not_the_two_weights(tmp_path: Path) -> None:
    """The first sample is zero, and so at a kink: of the first bias no factor is known."""
    text = (
        f"{NUMPY}rng = np.random.default_rng(0)\nX = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])\n"
        "Y = np.eye(2)[[0, 1, 1, 0]]\nw1, b1 = rng.normal(size=(2, 3)), np.zeros(3)\n"
        "w2, b2 = rng.normal(size=(3, 2)), np.zeros(2)\nfor i in range(9):\n"
        "    z = X @ w1 + b1\n    h = np.maximum(z, 0)\n    e = np.exp(h @ w2 + b2)\n"
        "    p = e / e.sum(axis=1, keepdims=True)\n"
        "    loss = -np.mean(np.log(np.sum(p * Y, axis=1)))\n    d2 = (p - Y) / 4\n"
        "    d1 = (d2 @ w2.T) * (z > 0)\n    w2 -= 0.5 * h.T @ d2\n"
        "    b2 -= 0.5 * d2.mean(axis=0)\n"
        "    w1 -= 0.5 * X.T @ d1\n    b1 -= 0.5 * d1.mean(axis=0)\n"
    )
    report = judged(text, tmp_path)
    wrong = {each.name for each in report.gradients if not each.ok}
    assert wrong == {"b1", "b2"}


@pytest.mark.parametrize("many", [156, 162, 170])
def test_a_step_of_which_a_part_is_forgotten_is_not_judged(
    many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.tracing.long.MANY", many)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    first, second = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    with conformance.recording() as run:
        for _ in range(6):
            for _ in range(40):  # what comes before an update is as long as what is remembered
                middle = np.tanh(x @ first)
                miss = middle @ second - y
            back = (miss @ second.T) * (1 - middle**2)
            second -= 0.1 * middle.T @ miss / 9
            first -= 0.1 * x.T @ back / 9
    assert run.report.ok, str(run.report)


def said(text: str, folder: Path, **options: Any) -> str:
    """The error that a script ends with."""
    (folder / "script.py").write_text(text)
    with pytest.raises(SubjectError) as caught, quiet():
        run_script(str(folder / "script.py"), **options)
    return str(caught.value).removeprefix(f"{folder / 'script.py'}: ")


def python(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - Python itself
        [sys.executable, *words], cwd=folder, capture_output=True, check=False, text=True
    )


NUMPY = "import numpy as np\n"
STEPS = "for i in range(9):\n  step()"
PERCEPTRON = """X, I = np.arange(12.0).reshape(4, 3) % 5, np.eye(3)
w = X[:3] * 0.1
for i in range(9):
    w -= 0.1 * X.T @ (I[np.argmax(X @ w, 1)] - I[[0, 1, 2, 1]])
"""


def test_a_parameter_that_becomes_what_nothing_uses_is_told(tmp_path: Path) -> None:
    start = f"{NUMPY}x = np.ones(3)\ndef step():\n  w = x\n"
    report = judged(f"{start}  w = w - (w * w).sum() * w\n{STEPS}", tmp_path)
    (blame,) = report.blames
    assert (blame.line, blame.gradients, report.exit_code) == (5, ("w",), 1), str(report)
    assert "what comes of it is not kept in its place" in str(report)


ONCE = """x, w, v = np.ones(2), np.ones((3, 2)) / 4, np.ones((1, 3)) / 5
h = np.tanh(w @ x)
out = v @ h
d = out - 1
gv = d.reshape(-1, 1) * h
dh = v.T * d * (1 - h ** 2)
"""
ROW_BY_ROW = """X, Y = np.array([[0.1, 0.3], [0.2, 0.7]]), np.eye(2)
w = np.array([[0.5, -0.2], [0.3, 0.4]])
for x, y in zip(X, Y):
  out = np.tanh(w @ x.reshape(2, 1))
  d = -(y - out) * (1 - out ** 2)
  w -= 0.1 * np.dot(d, np.ones((2, 1)))
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = [0.5]\nx[0] -= 0.1 * x[0]", "no output was found that is compared with a target"),
        (f"{NUMPY}x = np.arange(5.0) * 2", "no parameter was seen to be updated"),
        (
            f"{NUMPY}x = np.ones(3)\nfor i in range(9):\n    y = x * i",
            "script.py:4 ran 9 times, and",
        ),
        (
            f"{NUMPY}w, X = np.ones(3), np.eye(3)\nfor i in range(9):\n  X @ w\n  w = w - X[0]",
            "script.py:5 moves `w` step by step by what was not computed from it",
        ),
        (
            "w = 0.0\nfor i in range(5):\n  p = 1 if w * 2.0 > 1 else 0\n  w += 0.1 * (1 - p) * 2",
            "as in the perceptron rule, there is no gradient",
        ),
        (
            f"{NUMPY}class Series(list):\n  pass\nSeries.__module__ = 'pandas'\nx = Series()",
            "with columns of pandas (take their `.to_numpy()`) is not followed",
        ),
        (
            f"{NUMPY}{PERCEPTRON}",
            "no output was found that is compared with a target",  # a step function gives it
        ),
        (f"{NUMPY}{ONCE}", "script.py:7 makes (3, 3) of (3, 1) and (3,): give both the same shape"),
        (f"{NUMPY}{ROW_BY_ROW}", "script.py:6 makes (2, 2) of (2, 1) and (2,): give both"),
        (f"{NUMPY}z = np.ones(3) + 1j\nz = z * np.abs(z)", "with complex numbers is not followed"),
        (
            f"{NUMPY}a, w = np.ones(2) + 1j, np.zeros(2)\nfor k in range(9): w -= (a * w - 1).real",
            "no output was found that is compared with a target; what it computes with complex",
        ),
        (f"{NUMPY}n = input('how many? ')", "asks for input"),
        (f"{NUMPY}raise ValueError('bad data')", "raised ValueError: bad data"),
        ("def f(:", "invalid syntax"),
        ("import os\nos._exit(3)", "exited with status 3"),
        (
            "import no_such\nx = no_such.load() * 2",
            "it calls no_such.load, and no_such is not installed",
        ),
        ("import no_such\nx = -(no_such.load() ** 2)", "it calls no_such.load, and no_such is not"),
        (
            "import no_such\nclass A(no_such.B): pass",
            "its class is a no_such.B, and no_such",
        ),
        (
            f"import no_such\n{NUMPY}@no_such.command()\ndef main():\n  np.ones(3) * 2\nmain()",
            "it ran to its end without what it imports and is not installed (no_such) and",
        ),
        ("import sys\nsys.exit('give DATA')", "script.py:2 it left with exit status 1: give DATA"),
    ],
)
def test_what_cannot_be_judged_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    found = said(text, tmp_path)
    assert words in found
    assert len(found.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="its stdin tells nothing before it is read")
def test_what_is_piped_into_a_script_answers_it(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(f"{LINE}for i in range(int(input())):\n    {STEP}")
    command = [sys.executable, "-m", "conformance", "run", "script.py"]
    subprocess.run(command, cwd=tmp_path, input="9\n", text=True, check=True)  # noqa: S603


def test_an_endless_loop_without_an_update_ends_with_its_line(tmp_path: Path) -> None:
    found = said(f"{NUMPY}while True:\n    pass", tmp_path, timeout=1.0)
    assert "ran for 1 s, and no parameter was seen to be updated" in found
    assert "script.py:" in found


LINE = f"""{NUMPY}
np.random.seed(0)
X = np.random.randn(20, 3)
y = X @ np.array([1.0, 2.0, 3.0])
w = np.zeros(3)
"""
STEP = "w -= 0.1 * (X.T @ (X @ w - y) / 20)\n"


def judged(text: str, folder: Path, **options: Any) -> ScriptReport:
    (folder / "script.py").write_text(text)
    with quiet():
        return run_script(str(folder / "script.py"), **options)


def test_a_script_is_stopped_once_however_long_it_takes_to_find_its_parameters(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def slow(nodes: Sequence[Node], **options: Any) -> list[Parameter]:
        time.sleep(0.3)
        return parameters(nodes, **options)

    monkeypatch.setattr("conformance.script.script_child.AGAIN", 0.01)
    monkeypatch.setattr("conformance.script.script_child.parameters", slow)
    text = f"{LINE}for i in range(3):\n    {STEP}while True:\n    pass\n"
    report = judged(text, tmp_path, timeout=1.0)
    assert report.ok
    assert dict(report.ran.notes)["time"] == "1"
    assert len(report.ran.notes) == 1


def test_numbers_that_are_made_of_each_other_are_looked_at_once(tmp_path: Path) -> None:
    numbers = "a = np.exp(-0.7)\nfor i in range(60):\n    a = (a * a + a) / 2\n"
    assert judged(f"{LINE}{numbers}for i in range(9):\n    {STEP}", tmp_path, timeout=9.0).ok


def test_a_script_that_catches_everything_is_stopped(tmp_path: Path) -> None:
    loop = (
        f"while True:\n    try:\n        while True:\n            {STEP}    except:\n        pass\n"
    )
    assert judged(LINE + loop, tmp_path).ok


def test_what_a_script_did_before_it_failed_is_judged(tmp_path: Path) -> None:
    report = judged(
        f"{LINE}for i in range(2):\n    {STEP}import no.such\nno.such.f() + 1\n", tmp_path
    )
    assert report.ok
    assert "after these updates it raised MissingError" in str(report)


def test_as_many_updates_are_judged_as_are_asked_for(tmp_path: Path) -> None:
    report = judged(f"{LINE}for i in range(99):\n    {STEP}", tmp_path, updates=5)
    assert report.ran.updates == 5
    assert dict(report.ran.rule.numbers) == {"η": pytest.approx(0.1)}


@pytest.mark.parametrize("root", ["np.sqrt(s)", "s**0.5"])
def test_the_only_update_with_a_root_is_not_judged(root: str, tmp_path: Path) -> None:
    begin, one = STEP.split("w -= 0.1 * ")
    step = f"g = {one.strip()}; s = 0.1 * g**2; w -= 0.1 * g / ({root} + 1e-8)\n"
    with pytest.raises(SubjectError, match="let it take two steps"):
        judged(f"{LINE}{begin}{step}print(X @ w)\n", tmp_path)


def test_a_syntax_error_is_told_with_the_file_once(tmp_path: Path) -> None:
    with pytest.raises(SubjectError) as raised:
        judged("x =", tmp_path)
    assert str(raised.value).count(".py:") == 1


def test_one_update_is_too_few_to_tell_a_rule(tmp_path: Path) -> None:
    shell, words = Shell(), "updates 1: give 2 or more"
    conformance.load_ipython_extension(shell)
    with pytest.raises(conformance.UsageError, match=words):
        judged(LINE, tmp_path, updates=1)
    with pytest.raises(conformance.UsageError, match=words):
        conformance.recording(updates=1)
    with pytest.raises(conformance.UsageError, match=words):
        shell.magic("--updates 1", "")


def test_a_script_sees_its_arguments_its_folder_and_its_name(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("factor = 0.1\n")
    text = (
        "import sys, os\nfrom beside import factor\n"
        "assert sys.argv[1:] == ['--lr', '3'], sys.argv\nassert __name__ == '__main__'\n"
        "assert os.path.samefile(sys.path[0], os.path.dirname(os.path.abspath(__file__)))\n"
    )
    report = judged(
        f"{text}{LINE}for i in range(9):\n    {STEP}", tmp_path, arguments=("--lr", "3")
    )
    assert report.ok


def test_random_numbers_are_the_same_each_time(tmp_path: Path) -> None:
    text = LINE.replace("np.random.seed(0)", "rng = np.random.default_rng()").replace(
        "np.random.randn(20, 3)", "rng.normal(size=(20, 3))"
    )
    text += f"for i in range(9):\n    {STEP.replace('- y', '+ y')}"
    first, again = (judged(text, tmp_path).to_json() for _ in range(2))
    assert first == again
    assert not first["ok"]


def test_what_a_script_prints_is_what_it_prints_without_us(tmp_path: Path) -> None:
    text = (
        f"{NUMPY}a = np.array([1.5, 2.0])\ns = a.sum()\n"
        "print(a, s, [a, s, float(s)], f'{s:.2f} {a[0]!r}', '%.3f' % s, {'a': a})\n"
    )
    (tmp_path / "script.py").write_text(text)
    plain, ours = (
        python(words, tmp_path)
        for words in (["script.py"], ["-m", "conformance", "run", "script.py"])
    )
    assert ours.stdout == plain.stdout
    assert ours.returncode == 3


def test_there_is_one_report_in_every_form(tmp_path: Path) -> None:
    words = ["--json", "r.json", "--html", "r.html", "--markdown", "r.md", str(FOLDER / "rows.py")]
    ran = python(["-m", "conformance", "run", *words], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "4 gradients, all right" in ran.stdout
    values = json.loads((tmp_path / "r.json").read_text())
    jsonschema.validate(values, json.loads(BACKWARD_SCHEMA.read_text()))
    assert values["script"]["parameters"] == ["W1", "b1", "W2", "b2"]
    assert values["script"]["rule"] == {"kind": "plain", "η": 0.5}
    assert "gradient descent" in (tmp_path / "r.html").read_text()
    assert "gradient descent" in (tmp_path / "r.md").read_text()


def test_there_must_be_a_script(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        run_script(str(tmp_path / "none.py"))


def test_a_block_is_judged_and_its_arrays_stay_plain() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(20, 3)), np.zeros(3)
    y = x @ np.array([1.0, 2.0, 3.0])
    with conformance.recording() as right:
        for _ in range(200):
            w -= 0.1 * (x.T @ (x @ w - y) / 20)
    assert right.report.ok
    assert type(w) is type(x) is np.ndarray
    assert np.allclose(w, [1, 2, 3], atol=0.1)  # the whole block has run
    with conformance.recording() as wrong:
        for _ in range(5):
            w -= 0.1 * (x.T @ (x @ w + y) / 20)
    assert wrong.report.exit_code == 1
    assert Path(str(wrong.report.blames[0].file)).name == Path(__file__).name


def test_a_block_that_cannot_be_judged_is_one_line_and_no_way_through_ours() -> None:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(3, 2))
    with conformance.recording() as run:
        for _ in range(4):
            w = w + np.sign(rng.normal(size=w.shape)) * w
    with pytest.raises(SubjectError, match="no output was found") as caught:
        str(run.report)
    assert "".join(traceback.format_exception(caught.value)).count("File ") == 2


class Shell:
    """As much of a shell of IPython as a magic needs."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}

    def register_magic_function(self, function: Any, kind: str, name: str) -> None:
        """Keep it."""
        assert (kind, name) == ("cell", "conformance")
        self.magic = function


def test_a_cell_of_a_notebook_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    conformance.load_ipython_extension(shell)
    exec(LINE, shell.user_ns)  # noqa: S102 - as an earlier cell
    report = shell.magic("", f"for i in range(20):\n    {STEP}")
    assert report.ok
    assert type(shell.user_ns["w"]) is np.ndarray
    wrong = shell.magic("--updates 2", f"for i in range(20):\n    {STEP.replace('- y', '+ y')}")
    assert not wrong.ok
    assert "+ has to be −" in str(wrong)
    assert wrong.ran.updates == 2
    assert shell.magic("", "z = 3") is None
    assert "no parameter was seen to be updated" in capsys.readouterr().err


DECAYED = f"""{LINE}
z = (y > 0) * 1.0
for i in range(9):
    h = 1 / (1 + np.exp(-X @ w))
    g = X.T @ (h - z) / 20
    g[1:] += 0.1 / 20 * w[1:]
    w -= 0.5 * g
    if i % 10 == 0:
        h = 1 / (1 + np.exp(-X @ w))
        print(-np.mean(z * np.log(h) + (1 - z) * np.log(1 - h)) + 0.1 / 40 * np.sum(w[1:] ** 2))
"""


@pytest.mark.parametrize("edit", [("", ""), ("20 * w[1:]", "20 * w[:-1]")])
def test_a_script_is_judged_where_it_computes_its_loss(
    edit: tuple[str, str], tmp_path: Path
) -> None:
    assert edit[0] in DECAYED
    assert judged(DECAYED.replace(*edit), tmp_path).ok is (edit[0] == "")


SATURATED = f"""{LINE}
X, w, b = 3 * X, np.array([2.5, 1.5, -2.0]), np.zeros(1)
t = (y > 0) * 1.0
for i in range(9):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    q = 1 - p
    cost = -np.sum(t * np.log(p) + (1 - t) * np.log(q))
    dp = (-t / p + (1 - t) / q) / len(t)
    dz = dp * p * q
    w -= 0.1 * X.T @ dz
    b -= 0.1 * dz.sum()
"""


@pytest.mark.parametrize("edit", [("", ""), ("dz.sum", "dz.mean"), ("(1 - t) / q", "(1 - t) / p")])
def test_a_difference_that_has_lost_its_digits_hides_no_factor(
    edit: tuple[str, str], tmp_path: Path
) -> None:
    text = SATURATED.replace(*edit) if edit[0] else SATURATED
    report = judged(text, tmp_path)
    if not edit[0]:
        assert report.ok, str(report)
    else:
        assert text.splitlines()[int(report.blames[0].line or 0) - 1].find(edit[1]) >= 0


SMOOTHED = f"""{NUMPY}
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)).astype(np.float32)
W, b = rng.normal(size=(4, 3)).astype(np.float32), np.zeros(3, np.float32)
t = np.full((60, 3), 0.1 / 3, np.float32)
t[np.arange(60), rng.integers(0, 3, 60)] += 1 - 0.1
for _ in range(5):
    s = X @ W + b
    logp = s - np.log(np.exp(s).sum(1, keepdims=True))
    loss = -(t * logp).sum() / 60
    d = (np.exp(logp) - t) / 60
    W -= 0.5 * X.T @ d
    b -= 0.5 * d.sum(0)
"""


def test_labels_that_float32_has_rounded_are_no_mistake(tmp_path: Path) -> None:
    report = judged(SMOOTHED, tmp_path)
    assert report.ok, str(report)
    assert dict(report.ran.rule.numbers) == {"η": pytest.approx(0.5)}


def test_a_float32_gradient_that_is_wrong_is_wrong(tmp_path: Path) -> None:
    assert not judged(SMOOTHED.replace("0.5 * d.sum(0)", "0.5 * d.mean(0)"), tmp_path).ok


FACTORS = """import numpy as np
rng = np.random.default_rng(0)
R = rng.integers(1, 6, (4, 3))
P, Q = rng.random((4, 2)), rng.random((2, 3))
for step in range(20):
    for i in range(4):
        for j in range(3):
            error = R[i, j] - P[i, :] @ Q[:, j]
            for k in range(2):
                P[i][k] = P[i][k] + 0.01 * (2 * error * Q[k][j] - 0.02 * P[i][k])
                Q[k][j] = Q[k][j] + 0.01 * (2 * error * P[i][k] - 0.02 * Q[k][j])
"""


def test_what_is_used_after_its_update_beside_the_error_of_before_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError, match="`P` is used on line 11 after its update on line 10"):
        run_edited(tmp_path, FACTORS)
