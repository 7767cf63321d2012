"""Any backward pass: a right one is right, a wrong line is blamed, and the report says why."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conformance
from conformance.backward.chain import Chain
from conformance.backward.judge_gradients import Forward
from conformance.backward.recorded_pass import NotAGradientError, Recorded, record
from conformance.tests.backward.program import module

TWO_LAYERS = """
import numpy as np

def f(p, X, y):
    n = len(X)
    z = X @ p['W1'] + p['b1']
    h = np.maximum(z, 0)
    s = h @ p['W2'] + p['b2']
    e = np.exp(s - s.max(axis=1, keepdims=True))
    P = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(P[range(n), y]).mean() + 0.05 * np.sum(p['W1'] ** 2)
    d = P.copy()
    d[range(n), y] -= 1
    d /= n
    g = {'W2': h.T @ d, 'b2': d.sum(0)}
    dh = d @ p['W2'].T
    dh[h <= 0] = 0
    g['W1'] = X.T @ dh + 0.1 * p['W1']
    g['b1'] = dh.sum(axis=0)
    return loss, g

def make():
    r = np.random.default_rng(0)
    p = {'W1': r.normal(size=(4, 5)), 'b1': r.normal(size=5)}
    p |= {'W2': r.normal(size=(5, 3)), 'b2': r.normal(size=3)}
    return p, r.normal(size=(6, 4)), np.array([0, 1, 2, 1, 0, 2])
"""

RECURRENT = """
import numpy as np

def f(params, xs, ys):
    Wx, Wh, Wy = params
    hs, loss = {-1: np.zeros(Wh.shape[0])}, 0
    for t in range(len(xs)):
        hs[t] = np.tanh(Wx @ xs[t] + Wh @ hs[t - 1])
        loss += 0.5 * np.sum((Wy @ hs[t] - ys[t]) ** 2)
    dWx, dWh, dWy = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy)
    dnext = np.zeros(Wh.shape[0])
    for t in reversed(range(len(xs))):
        dy = Wy @ hs[t] - ys[t]
        dWy += np.outer(dy, hs[t])
        dh = Wy.T @ dy + dnext
        da = dh * (1 - hs[t] ** 2)
        dWx += np.outer(da, xs[t])
        dWh += np.outer(da, hs[t - 1])
        dnext = Wh.T @ da
    return loss, (dWx, dWh, dWy)

def make():
    r = np.random.default_rng(0)
    return (r.normal(size=(4, 3)), r.normal(size=(4, 4)), r.normal(size=(2, 4))), r.normal(
        size=(5, 3)), r.normal(size=(5, 2))
"""

BY_NUMBERS = """
import math
import numpy as np

def f(p, xs, ys):
    loss, dw, db = 0.0, [0.0] * len(p['w']), 0.0
    for x, y in zip(xs, ys):
        z = sum(wi * xi for wi, xi in zip(p['w'], x)) + p['b']
        a = 1 / (1 + math.exp(-z))
        loss += -(y * math.log(a) + (1 - y) * math.log(1 - a))
        for i in range(len(dw)):
            dw[i] += (a - y) * x[i]
        db += a - y
    return loss, {'w': np.array(dw), 'b': db}

def make():
    r = np.random.default_rng(0)
    return {'w': r.normal(size=3), 'b': 0.2}, r.normal(size=(5, 3)), [0, 1, 1, 0, 1]
"""

LAYER = """
import numpy as np

def forward(x, gamma, beta):
    mu = x.mean(axis=0)
    std = np.sqrt(x.var(axis=0) + 1e-5)
    xhat = (x - mu) / std
    return gamma * xhat + beta, (xhat, gamma, std)

def backward(dout, cache):
    xhat, gamma, std = cache
    m = len(dout)
    dgamma = (dout * xhat).sum(0)
    dbeta = dout.sum(0)
    dxhat = dout * gamma
    dx = (m * dxhat - dxhat.sum(0) - xhat * (dxhat * xhat).sum(0)) / (m * std)
    return dx, dgamma, dbeta
"""


def checked(source: str, folder: Path) -> Any:
    program = module(source, folder)
    params, *data = program.make()
    return conformance.check_backward(program.f, params, *data)


def edited(source: str, old: str, new: str) -> tuple[str, int]:
    """A source with one piece of a line replaced, and the number of that line."""
    assert source.count(old) == 1
    return source.replace(old, new), source[: source.index(old)].count("\n") + 1


PROGRAMS = {"two_layers": TWO_LAYERS, "recurrent": RECURRENT, "by_numbers": BY_NUMBERS}


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS)
def test_a_right_program_is_right_and_balls_say_so(source: str, tmp_path: Path) -> None:
    report = checked(source, tmp_path)
    assert report.ok
    assert report.exit_code == 0
    assert not report.blames
    assert all(each.exact for each in report.gradients)


EDITS = (
    (TWO_LAYERS, "d[range(n), y] -= 1", "d[range(n), y] += 1", "+ has to be −"),
    (TWO_LAYERS, "d /= n", "d /= 2 * n", "`2 * n` (12 here) has to be multiplied by 0.5"),
    (TWO_LAYERS, "d.sum(0)}", "d.mean(0)}", "mean has to be sum"),
    (TWO_LAYERS, "dh[h <= 0] = 0", "dh[h <= 0] = 1", "the number has to be 0"),
    (TWO_LAYERS, "d @ p['W2'].T", "P @ p['W2'].T", "the first operand has to be `d` (line"),
    (TWO_LAYERS, "+ 0.1 * p['W1']", "+ 0.2 * p['W1']", "the number 0.2 has to be 0.1"),
    (TWO_LAYERS, "dh.sum(axis=0)", "dh.sum(axis=1)[:5]", "the axis 1 has to be 0"),
    (RECURRENT, "dh * (1 - hs[t] ** 2)", "dh * (1 + hs[t] ** 2)", "+ has to be −"),
    (RECURRENT, "Wh.T @ da", "Wh @ da", "the left operand has to be transposed"),
    (RECURRENT, "+ dnext", "- dnext", "− has to be +"),
    (BY_NUMBERS, "db += a - y", "db += a * y", "× has to be −"),
    (RECURRENT, "dWh += np.outer(da, hs[t - 1])", "dWh += np.outer(da, hs[t])", ""),
)


@pytest.mark.parametrize(("source", "old", "new", "said"), EDITS, ids=[e[2] for e in EDITS])
def test_the_edited_line_is_blamed(
    source: str, old: str, new: str, said: str, tmp_path: Path
) -> None:
    wrong, line = edited(source, old, new)
    report = checked(wrong, tmp_path)
    assert report.exit_code == 1
    assert [each.line for each in report.blames] == [line]
    assert report.blames[0].mends
    assert Path(report.blames[0].file).name == "program.py"
    assert said in report.blames[0].text


def test_the_first_three_lines_say_which_gradients_which_line_and_why(tmp_path: Path) -> None:
    wrong, line = edited(TWO_LAYERS, "    dh[h <= 0] = 0\n", "")
    first, second, third, *_ = str(checked(wrong, tmp_path)).splitlines()
    assert first == "wrong: the gradients of W1 and b1; W2 and b2 are right"
    assert second == f"program.py:{line - 1}: dh = d @ p['W2'].T"
    assert third == (
        "`d @ p['W2'].T` is ∂C/∂h (line 7); what follows needs ∂C/∂z (line 6): "
        "the derivative of `np.maximum(z, 0)` (line 7) is missing"
    )


def test_a_notebook_gets_well_formed_html(tmp_path: Path) -> None:
    wrong, _ = edited(TWO_LAYERS, "d[range(n), y] -= 1", "d[range(n), y] += 1")
    root = ET.fromstring(checked(wrong, tmp_path)._repr_html_())  # noqa: S314 - ours
    assert "W1, b1, W2 and b2" in "".join(root.itertext())


def test_two_faults_in_two_branches_are_two_blames(tmp_path: Path) -> None:
    wrong, first = edited(TWO_LAYERS, "h.T @ d,", "h.T @ P,")
    wrong, second = edited(wrong, "dh[h <= 0] = 0", "dh[h <= 0] = 1")
    report = checked(wrong, tmp_path)
    assert [each.line for each in report.blames] == [first, second]
    assert [each.gradients for each in report.blames] == [("W2",), ("W1", "b1")]


def test_a_layer_is_checked_by_its_vector_jacobian_product(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    args = rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=3)
    right = module(LAYER, tmp_path)
    assert conformance.check_vjp(right.forward, right.backward, *args).ok
    source, line = edited(LAYER, "- dxhat.sum(0) -", "+ dxhat.sum(0) -")
    wrong = module(source, tmp_path)
    report = conformance.check_vjp(wrong.forward, wrong.backward, *args)
    assert report.blames[0].line == line
    assert report.blames[0].gradients == ("x",)


CELL = """
import numpy as np

def forward(x, h, c, W):
    a = np.hstack([x, h]) @ W
    gate, new = 1 / (1 + np.exp(-a[:, :2])), np.tanh(a[:, 2:])
    c2 = gate * c + (1 - gate) * new
    return gate * np.tanh(c2), c2, (x, h, c, W, gate, new, c2)

def backward(dh, dc, cache):
    x, h, c, W, gate, new, c2 = cache
    tc = np.tanh(c2)
    dc2 = dc + dh * gate * (1 - tc ** 2)
    dgate = dh * tc + dc2 * (c - new)
    da = np.hstack([dgate * gate * (1 - gate), dc2 * (1 - gate) * (1 - new ** 2)])
    dxh = da @ W.T
    return dxh[:, :3], dxh[:, 3:], dc2 * gate, np.hstack([x, h]).T @ da
"""


def test_a_layer_may_have_several_outputs(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    args = [rng.normal(size=each) for each in ((4, 3), (4, 2), (4, 2), (5, 4))]
    right = module(CELL, tmp_path)
    assert conformance.check_vjp(right.forward, right.backward, *args).ok
    source, line = edited(CELL, "dc2 = dc + dh", "dc2 = dh")
    wrong = module(source, tmp_path)
    (blame,) = conformance.check_vjp(wrong.forward, wrong.backward, *args).blames
    assert blame.line == line
    assert "`dc`" in blame.text
    with pytest.raises(NotAGradientError, match=r"\(dout, dout, cache\)"):
        conformance.check_vjp(right.forward, lambda dh, cache: (dh, cache), *args)
    with pytest.raises(NotAGradientError, match="output 2 is of <class 'dict'>"):
        conformance.check_vjp(lambda x: (x, {}, x), right.backward, args[0])


def test_a_slope_at_a_kink_is_a_choice(tmp_path: Path) -> None:
    source = TWO_LAYERS.replace("'b1': r.normal(size=5)}", "'b1': np.zeros(5)}")
    source = source.replace("r.normal(size=(6, 4)),", "np.eye(6, 4),")  # two samples of zeros
    for mask in ("h <= 0", "z < 0"):
        report = checked(source.replace("h <= 0", mask), tmp_path)
        assert report.ok, str(report)
        assert "kink" in str(report)


@pytest.mark.parametrize(("by", "ok"), [("1e5", True), ("1e11", False)])
def test_digits_that_are_lost_are_said_as_what_they_are(by: str, ok: bool, tmp_path: Path) -> None:
    source = f"""
import numpy as np

def f(w):
    moved = w + {by}
    return np.sum(w ** 3), (moved - {by}) * w * 3

def make():
    return (np.array([0.3, -1.7]),)
"""
    report = checked(source, tmp_path)
    assert report.ok == ok
    assert ("the right formula, evaluated badly" in str(report)) != ok
    assert [each.line for each in report.blames] == ([] if ok else [6])


def test_what_keeps_the_digits_is_said_with_how_many(tmp_path: Path) -> None:
    source = """
import numpy as np

def f(params, y):
    w = params["w"]
    s = np.log(1 + w)
    return np.sum(0.5 * np.log1p(w) ** 2 * y), {"w": s * y / (1 + w)}

def make():
    return {"w": np.array([1e-13, 0.3e-13])}, np.array([1.0, 2.0])
"""
    report = checked(source, tmp_path)
    assert "evaluated badly" in str(report)
    assert "`np.log1p(w)` on line 6 keeps 13 more" in str(report)


def test_an_epsilon_in_the_loss_is_said_with_its_size(tmp_path: Path) -> None:
    report = checked(
        TWO_LAYERS.replace("np.log(P[range(n), y])", "np.log(P[range(n), y] + 1e-12)"), tmp_path
    )
    assert report.ok
    assert "such as by an ε, or a constant" in str(report)


def test_an_epsilon_of_the_pass_is_not_that_of_the_loss(tmp_path: Path) -> None:
    source = """
import numpy as np

def f(w, x):
    s = np.sqrt(np.mean(w ** 2) + 1e-3)
    a = 0.97 - w / s
    z = np.sum(np.maximum(a, 0) * x)
    da = -x * (a > 0).astype(float) / z
    return -np.log(z + 1e-7), -da / s + np.sum(da * w) / s ** 3 * w / len(w)

def make():
    return np.array([0.1, 0.1, 0.1, -0.1]), np.array([1.0, 2.0, 0.5, 1.5])
"""
    report = checked(source, tmp_path)
    assert report.ok, str(report)


def test_a_constant_with_ten_digits_is_right_to_ten_digits(tmp_path: Path) -> None:
    source = """
import numpy as np

def f(params, y):
    w = params["w"]
    t = np.tanh(0.79788456 * w * (1 + 0.044715 * w * w))
    slope = 0.5 * w * (1 - t * t) * (0.79788456 + 0.1070322243 * w * w) + 0.5 * (1 + t)
    return np.sum(0.5 * w * (1 + t) * y), {"w": slope * y}

def make():
    return {"w": np.array([0.7, -1.2])}, np.array([1.0, 2.0])
"""
    report = checked(source, tmp_path)
    assert report.ok
    assert "or a constant that is rounded" in str(report)


def test_a_loss_that_leaves_numpy_accuses_nobody(tmp_path: Path) -> None:
    decay = "float(str(np.sum(p['W1'] ** 2))) * 0.05"
    report = checked(TWO_LAYERS.replace("0.05 * np.sum(p['W1'] ** 2)", decay), tmp_path)
    assert report.ok
    assert "could not be followed" in str(report)


def test_a_gradient_of_another_shape_is_said_to_be_that(tmp_path: Path) -> None:
    wrong, line = edited(TWO_LAYERS, "dh.sum(axis=0)", "dh.sum()")
    report = checked(wrong, tmp_path)
    assert report.blames[0].gradients == ("b1",)
    assert report.blames[0].line == line
    assert "shape" in report.blames[0].text


def test_what_gives_no_loss_and_gradients_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAGradientError, match="no gradient for b1"):
        checked(TWO_LAYERS.replace("    g['b1'] = dh.sum(axis=0)\n", ""), tmp_path)
    with pytest.raises(NotAGradientError, match="the loss"):
        checked(TWO_LAYERS.replace("return loss, g", "return 1, g"), tmp_path)


OPERATIONS = {
    "logaddexp": "np.logaddexp(w, 2 * w[::-1]).sum()",
    "norm": "np.linalg.norm(w)",
    "empty": "w[:0] @ w[:0] + np.inner(w[:0], w[1:1]) + (w ** 2).sum()",
    "std": "w.std(ddof=1) + w.reshape(2, 2).var(axis=1).sum()",
    "sort": "(np.sort(w) * np.arange(4.0)).sum()",
    "where": "np.where(w > 0, w, 0.1 * w[0]).sum()",
    "clip": "np.clip(w, -0.5, 0.5).sum() * w[0]",
    "convolve": "(np.convolve(w, w[:2]) ** 2).sum()",
    "windows": "(np.lib.stride_tricks.sliding_window_view(w, 2) ** 3).sum()",
    "einsum": "np.einsum('ij,jk->', w.reshape(2, 2), w.reshape(2, 2))",
    "cumsum": "(np.cumsum(w) ** 2).sum()",
    "prod": "np.prod(w) + w.max() * w.min()",
    "pad": "(np.pad(w, 2) ** 2).sum()",
    "inverse": "np.linalg.inv(w.reshape(2, 2)).sum()",
    "slogdet": "np.linalg.slogdet(np.kron(np.eye(12), w.reshape(2, 2))).logabsdet",
    "many entries": "np.trapezoid(np.repeat(w, 150) ** 2)",
    "stacked": "(np.vstack([w, w * 2]) ** 2).sum() + np.hstack([w, w ** 2]).sum()",
    "added_at": "added(w)",
}

ADDED = """
def added(w):
    out = np.zeros(3)
    np.add.at(out, [0, 2, 2, 0], w ** 2)
    out[1:] *= w[:2]
    return (out ** 2).sum()
"""


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_gradient_by_the_chain_rule_is_the_slope_of_the_loss(name: str, tmp_path: Path) -> None:
    source = f"import numpy as np\n{ADDED}\ndef f(w):\n    return {OPERATIONS[name]}, w * 1.0\n"
    program = module(source, tmp_path)
    w = np.array([0.31, -0.73, 1.21, 0.44])
    made = record(program.f, w, ())
    assert made.loss is not None
    run = Recorded(made.trace, made.loss, made.goals)
    forward = Forward(run, Chain(run.trace))
    assert not forward.chain.underived
    step = 1e-6
    slopes = [
        (program.f(w + step * e)[0] - program.f(w - step * e)[0]) / (2 * step) for e in np.eye(4)
    ]
    assert np.allclose(forward.right(run.goals[0].parameter), slopes, rtol=1e-6, atol=1e-8)
