"""A function that goes forward and one that goes backward: with which arrays they are judged."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

AFFINE = """
import numpy as np

def affine_forward(x, w, b):
    return np.dot(x, w) + b, (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    dx = np.dot(dout, w.T)
    dw = np.dot(x.T, dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [
        ("dx = np.dot(dout, w.T)", "dx = np.dot(dout, w)"),
        ("dw = np.dot(x.T, dout)", "dw = np.dot(dout.T, x)"),
        ("db = np.sum(dout, axis=0)", "db = dout"),
    ],
    ids=["dx", "dw", "db"],
)
def test_numbers_clear_no_pair_that_takes_matrices(right: str, there: str, tmp_path: Path) -> None:
    code, _, said = judged(AFFINE.replace(right, there), tmp_path)
    assert code == 1, said
    assert there in said or "another shape" in said


def test_numbers_are_tried_where_no_arrays_are_taken(tmp_path: Path) -> None:
    for each in (NEURON, CHOICE):
        code, _, said = judged(each, tmp_path)
        assert code == 0, said


CELL_OF_ROWS = """
import numpy as np

def step_forward(x, prev_h, Wx, Wh, b):
    h = np.tanh(np.dot(x, Wx) + np.dot(prev_h, Wh) + b)
    return h, (x, prev_h, Wx, Wh, h)

def step_backward(dout, cache):
    x, prev_h, Wx, Wh, h = cache
    d = dout * (1 - h ** 2)
    return np.dot(d, Wx), np.dot(d, Wh.T), np.dot(x.T, d), np.dot(prev_h.T, d), np.sum(d, axis=0)
"""


def test_what_lacks_a_turn_is_judged_with_square_matrices(tmp_path: Path) -> None:
    code, _, said = judged(CELL_OF_ROWS, tmp_path)
    assert (code, said.count("wrong:")) == (1, 1), said
    assert "in `np.dot(d, Wx)`, the right operand has to be transposed" in said


PERCEPTRON = """
import numpy as np

def neuron_forward(x, w, b):
    return np.dot(x, w) + b, (x, w, b)

def neuron_backward(dout, cache):
    x, w, b = cache
    return dout * w, dout * x, dout
"""


def test_a_pair_for_vectors_that_runs_forward_with_matrices_is_not_judged(tmp_path: Path) -> None:
    code, _, said = judged(PERCEPTRON, tmp_path)
    assert code == 3, said


NEURON = """
import math

def neuron_forward(x, w, b):
    out = math.tanh(w * x + b)
    return out, (x, w, out)

def neuron_backward(dout, cache):
    x, w, out = cache
    dz = dout * (1 - out ** 2)
    return dz * w, dz * x, dz
"""


CHOICE = """
import numpy as np

def leaky_forward(x):
    return np.maximum(0.1 * x, x), x

def leaky_backward(dout, x):
    if x > 0:
        return dout
    return 0.1 * dout
"""


NORM = """
import numpy as np

def rmsnorm_forward(x, gamma, eps=1e-8):
    rms = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)
    return x / rms * gamma

def rmsnorm_backward(dout, x, gamma, eps=1e-8):
    rms = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)
    dgamma = np.sum(dout * x / rms, axis=0, keepdims=True)
    dy = dout * gamma
    dx = dy / rms - x * np.mean(dy * x, axis=-1, keepdims=True) / rms**3
    return dx, dgamma
"""


@pytest.mark.parametrize("power", [3, 2])
def test_what_takes_an_upstream_gradient_and_no_target_is_no_network(
    power: int, tmp_path: Path
) -> None:
    code, lines, said = judged(NORM.replace("rms**3", f"rms**{power}"), tmp_path)
    assert code == int(power != 3), said
    assert not code or "rms**2" in lines[0]


IN_PLACE = """
import numpy as np

def relu_forward(x):
    mask = x <= 0
    x[mask] = 0
    return x, mask

def relu_backward(dout, mask):
    dout[mask] = 0
    return dout

class Relu:
    def forward(self, input_tensor):
        self.mask = input_tensor <= 0
        input_tensor[self.mask] = 0
        return input_tensor

    def backward(self, error_tensor):
        error_tensor[self.mask] = 0
        return error_tensor
"""


def test_what_writes_into_its_input_is_judged_by_what_it_was_given(tmp_path: Path) -> None:
    code, _, said = judged(IN_PLACE, tmp_path)
    assert (code, said.count("1 gradient, all right")) == (0, 2), said
    code, _, said = judged(
        IN_PLACE.replace("[mask] = 0\n    return dout", "[mask] = 1\n    return dout"), tmp_path
    )
    assert code == 1, said


CUT = """
import numpy as np

def sigmoid_forward(a):
    return 1.0 / (1 + np.exp(-a))

def sigmoid_backward(b, gb):
    gb, b = np.delete(gb, 0), np.delete(b, 0)
    return gb * b * (1 - b)
"""


def test_a_pair_of_other_shapes_throughout_is_not_accused(tmp_path: Path) -> None:
    code, _, said = judged(CUT, tmp_path)
    assert code == 3, said
    assert "the shape" in said


CELL = """
import numpy as np

def cell_forward(xt, h_prev, p):
    h_next = np.tanh(np.dot(p["Wx"], xt) + np.dot(p["Wh"], h_prev) + p["b"])
    z = np.dot(p["Wy"], h_next)
    e = np.exp(z - z.max(axis=0))
    return h_next, e / e.sum(axis=0), (xt, h_prev, h_next, p)

def cell_backward(dlogits, dh_next, cache):
    xt, h_prev, h_next, p = cache
    dz = dh_next * (1 - h_next ** 2)
    return {"dxt": np.dot(p["Wx"].T, dz), "dh_prev": np.dot(p["Wh"].T, dz),
            "dWx": np.dot(dz, xt.T), "dWh": np.dot(dz, h_prev.T),
            "db": dz.sum(axis=1, keepdims=True), "dWy": np.dot(dlogits, h_next.T)}
"""


@pytest.mark.parametrize("power", [2, 3], ids=["right", "wrong"])
def test_what_is_made_of_another_gradient_than_those_of_outputs_is_left_out(
    power: int, tmp_path: Path
) -> None:
    code, _, said = judged(CELL.replace("h_next ** 2", f"h_next ** {power}"), tmp_path)
    assert code == {2: 3, 3: 1}[power], said
    assert "no gradient is found of Wy" in said
    assert "dlogits, h_next.T" not in said


def test_what_is_right_for_one_vector_alone_is_told(tmp_path: Path) -> None:
    edited = NORM.replace("np.sum(dout * x / rms, axis=0, keepdims=True)", "dout * x / rms")
    code, _, said = judged(edited, tmp_path)
    assert code == 0, said
    assert "note: right for a vector" in said
    assert "note" not in judged(NORM, tmp_path)[2]


@pytest.mark.parametrize(
    ("right", "there"),
    [
        ("np.mean(dy * x, axis=-1, keepdims=True)", "np.mean(dy * x, axis=0, keepdims=True)"),
        ("np.mean(dy * x, axis=-1,", "x.shape[-1] / len(x) * np.mean(dy * x, axis=-1,"),
    ],
    ids=["axis", "length"],
)
def test_a_vector_clears_no_pair_that_names_an_axis(right: str, there: str, tmp_path: Path) -> None:
    code, _, said = judged(NORM.replace(right, there), tmp_path)
    assert code == 1, said
    assert there in said


STEPS = """
import numpy as np

def rnn_forward(X, h0, params):
    H = np.zeros((X.shape[0], h0.shape[0]))
    h = h0
    for t in range(X.shape[0]):
        h = np.tanh(params["W_x"] @ X[t] + params["W_h"] @ h + params["b"])
        H[t] = h
    return H, (X, h0, H, params)

def rnn_backward(dH, cache):
    X, h0, H, params = cache
    grads = {k: np.zeros_like(v) for k, v in params.items()}
    dX, dh_next = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[0])):
        da = (dH[t] + dh_next) * (1 - H[t] ** 2)
        grads["W_x"] += np.outer(da, X[t])
        grads["W_h"] += np.outer(da, H[t - 1] if t > 0 else h0)
        grads["b"] += da
        dX[t] = params["W_x"].T @ da
        dh_next = params["W_h"].T @ da
    return grads, dh_next, dX
"""


@pytest.mark.parametrize("times", ["", "2 * "], ids=["right", "wrong"])
def test_gradients_in_a_dict_have_others_beside_them(times: str, tmp_path: Path) -> None:
    code, lines, said = judged(STEPS.replace("dX[t] = ", f"dX[t] = {times}"), tmp_path)
    assert code == bool(times), said
    assert "2 * " in lines[0] if code else "5 gradients" in said


BATCH_NORM = """
import numpy as np

def norm_forward(x, gamma, beta):
    x_mu = x - np.mean(x, axis=0)
    inv_std = 1.0 / np.sqrt(np.var(x, axis=0) + 1e-8)
    x_hat = x_mu * inv_std
    return gamma * x_hat + beta, (inv_std, x_hat, gamma)

def norm_backward(dout, cache):
    inv_std, x_hat, gamma = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(x_hat * dout, axis=0)
    dx_hat = np.dot(dout, gamma.T)
    dx = inv_std * (dx_hat - dx_hat.mean(axis=0) - x_hat * np.mean(dx_hat * x_hat, axis=0))
    return dx, dgamma, dbeta
"""


def test_shapes_with_which_gradients_have_as_many_entries_come_first(tmp_path: Path) -> None:
    code, lines, said = judged(BATCH_NORM, tmp_path)
    assert (code, lines[:1]) == (1, ["dx_hat = np.dot(dout, gamma.T)"]), said
    assert "gamma and beta are right" in said


AFFINE_OF_ROWS = """
import numpy as np

def affine_forward(x, s, t):
    return s * (x - x.mean(axis=1, keepdims=True)) + t, (x, s)

def affine_backward(dout, cache):
    x, s = cache
    ds = (dout * (x - x.mean(axis=1, keepdims=True))).sum(axis=0)
    d = dout * s
    return d - d.mean(axis=1, keepdims=True), ds, dout.sum(axis=0)
"""


def test_a_gain_may_have_the_name_of_a_state(tmp_path: Path) -> None:
    code, _, said = judged(AFFINE_OF_ROWS, tmp_path)
    assert code == 0, said
    assert "s (6), t (6)" in said


SCALED_IN_A_DICT = """
import numpy as np

def scale_fwd(x, p):
    xc = x - x.mean(-1, keepdims=True)
    return x + p['g'] * xc + p['s'], (xc, p)

def scale_bwd(dy, cache):
    xc, p = cache
    d = dy * p['g']
    return dy + d - d.mean(-1, keepdims=True), {'g': (dy * xc).sum(0), 's': dy.sum(0)}
"""


def test_what_has_a_gradient_is_no_setting(tmp_path: Path) -> None:
    code, _, said = judged(SCALED_IN_A_DICT, tmp_path)
    assert code == 0, said
    assert "g (6), s (6)" in said


BOUNDED = """
import numpy as np

def relu6_forward(x):
    return np.clip(x, 0, 6), x

def relu6_backward(dout, x):
    return dout * ((x > 0) & (x < 6))

def hardswish_forward(x):
    return x * np.minimum(np.maximum(x + 3, 0), 6) / 6, x

def hardswish_backward(dout, x):
    d = np.where(x <= -3, 0.0, np.where(x >= 3, 1.0, (2 * x + 3) / 6))
    return dout * d
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [("((x > 0) & (x < 6))", "(x > 0)"), ("np.where(x >= 3, 1.0, (2 * x + 3) / 6)", "x / 3 + 0.5")],
    ids=["clip", "minimum"],
)
def test_inputs_come_beyond_each_bound(right: str, there: str, tmp_path: Path) -> None:
    code, _, said = judged(BOUNDED, tmp_path)
    assert code == 0, said
    code, _, said = judged(BOUNDED.replace(right, there), tmp_path)
    assert code == 1, said


SOFTPLUS = """
import numpy as np

def softplus_forward(x, beta=1.0):
    return np.log1p(np.exp(beta * x)) / beta, (x, beta)

def softplus_backward(dout, cache):
    x, beta = cache
    return dout / (1 + np.exp(beta * x))
"""


def test_no_input_decays(tmp_path: Path) -> None:
    code, lines, said = judged(SOFTPLUS, tmp_path)
    assert (code, lines[:1]) == (1, ["return dout / (1 + np.exp(beta * x))"]), said
    assert "decay" not in said


FUSED = """
import numpy as np

def attention_forward(x, Wqkv, Wo):
    B, T, C = x.shape
    qkv = x @ Wqkv
    q, k, v = qkv.reshape(B, T, 3, C).transpose(2, 0, 1, 3)
    s = q @ k.transpose(0, 2, 1)
    return s @ v @ Wo, (x, Wqkv, Wo, q, k, v, s)

def attention_backward(dout, cache):
    x, Wqkv, Wo, q, k, v, s = cache
    dWo = np.einsum("btc,btd->cd", s @ v, dout)
    dy = dout @ Wo.T
    ds, dv = dy @ v.transpose(0, 2, 1), s.transpose(0, 2, 1) @ dy
    dq, dk = ds @ k, ds.transpose(0, 2, 1) @ q
    dqkv = np.concatenate([dq, dk, dv], axis=-1)
    return dqkv @ Wqkv.T, np.einsum("btc,btd->cd", x, dqkv), dWo
"""
STEPS_FIRST = """
import numpy as np

def scan_forward(x, h0, W, U):
    hs, gates = [h0], []
    for xt in x:
        f, i = np.split(xt @ W + hs[-1] @ U, 2, axis=1)
        gates.append(f)
        hs.append(f * hs[-1] + i)
    return np.stack(hs[1:]), (x, hs, gates, W, U)

def scan_backward(dhs, cache):
    x, hs, gates, W, U = cache
    dx, dW, dU, dh = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), 0
    for t in reversed(range(len(x))):
        dh = dh + dhs[t]
        dz = np.concatenate([dh * hs[t], dh], axis=1)
        dx[t] = dz @ W.T
        dW += x[t].T @ dz
        dU += hs[t].T @ dz
        dh = dh * gates[t] + dz @ U.T
    return dx, dh, dW, dU
"""


@pytest.mark.parametrize("text", [FUSED, STEPS_FIRST], ids=["several times the width", "steps"])
def test_weights_may_be_fused_and_steps_may_come_before_samples(text: str, tmp_path: Path) -> None:
    code, _, said = judged(text, tmp_path)
    assert code == 0, said


MASKED = """
import numpy as np

def dropout_forward(h, keep):
    u = np.random.binomial(1, keep, size=h.shape) / keep
    return h * u, u

def dropout_backward(dh, dropout_mask):
    return dh * dropout_mask
"""


@pytest.mark.parametrize("name", ["dropout_mask", "drop"])
def test_a_mask_is_no_gradient_though_its_name_begins_with_d(name: str, tmp_path: Path) -> None:
    code, _, said = judged(MASKED.replace("dropout_mask", name), tmp_path)
    assert code == 0, said


RUNNING = """
import numpy as np

def bn_forward(X, gamma, beta, cache, momentum=0.9):
    running_mean, running_var = cache
    mu, var = np.mean(X, axis=0), np.var(X, axis=0)
    X_norm = (X - mu) / np.sqrt(var + 1e-8)
    out = gamma * X_norm + beta
    cache = (X_norm, var, gamma)
    running_mean = momentum * running_mean + (1 - momentum) * mu
    running_var = momentum * running_var + (1 - momentum) * var
    return out, cache, running_mean, running_var

def bn_backward(dout, cache):
    X_norm, var, gamma = cache
    d = dout * gamma
    dX = (d - d.mean(axis=0) - X_norm * (d * X_norm).mean(axis=0)) / np.sqrt(var + 1e-8)
    return dX, np.sum(dout * X_norm, axis=0), np.sum(dout, axis=0)
"""


@pytest.mark.parametrize("there", ["d - d.mean(axis=0) -", "d -"])
def test_the_cache_of_the_way_back_is_the_one_that_is_returned(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(RUNNING.replace("d - d.mean(axis=0) -", there), tmp_path)
    assert code == int(there == "d -"), said
    assert all("dX =" in each for each in lines[:1]), said


BY_DEFAULTS = """
import numpy as np

def batchnorm_forward(x, gamma, beta, bn_param):
    mu, var = x.mean(axis=0), x.var(axis=0)
    istd = 1.0 / np.sqrt(var + bn_param.get("eps", 1e-5))
    xhat = (x - mu) * istd
    bn_param["mean"] = 0.9 * bn_param.get("mean", 0.0) + 0.1 * mu
    return gamma * xhat + beta, (xhat, gamma, istd)

def batchnorm_backward(dout, cache):
    xhat, gamma, istd = cache
    dxhat = dout * gamma
    dx = istd * (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0))
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)
"""


@pytest.mark.parametrize("there", ["dout * gamma", "dout"], ids=["right", "wrong"])
def test_a_dict_may_be_read_with_defaults_alone(there: str, tmp_path: Path) -> None:
    text = BY_DEFAULTS.replace("dxhat = dout * gamma", f"dxhat = {there}")
    code, _, said = judged(text, tmp_path)
    assert code == int(there == "dout"), said


SAMPLES = """
import numpy as np

def norm_forward(x, weight, bias):
    mean = x.mean(-1, keepdims=True)
    rstd = (((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5) ** -0.5
    return (x - mean) * rstd * weight + bias, (x, weight, mean, rstd)

def norm_backward(dout, cache):
    x, weight, mean, rstd = cache
    norm, d = (x - mean) * rstd, dout * weight
    db = dout.reshape(-1, dout.shape[-1]).sum(0)
    dw = (dout * norm).reshape(-1, dout.shape[-1]).sum(0)
    dx = d - d.mean(-1, keepdims=True) - norm * (d * norm).mean(-1, keepdims=True)
    return dx * rstd, dw, db
"""


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_pair_that_is_right_for_a_vector_is_tried_with_samples_of_it(
    reduction: str, tmp_path: Path
) -> None:
    source = SAMPLES.replace(
        "dout.shape[-1]).sum(0)\n    dw", f"dout.shape[-1]).{reduction}(0)\n    dw"
    )
    code, _, said = judged(source, tmp_path)
    assert (code, "x (8, 6), weight (6), bias (6)" in said) == (int(reduction == "mean"), True), (
        said
    )


STRIDED = """
import numpy as np

def conv_forward(x, w, b, stride=1):
    n, c, h, k = *x.shape, w.shape[-1]
    steps = (h - k) // stride + 1
    out = np.zeros((n, len(w), steps))
    for i in range(steps):
        out[:, :, i] = np.tensordot(x[:, :, i * stride:i * stride + k], w, ((1, 2), (1, 2))) + b
    return out, (x, w, stride)

def conv_backward(dout, cache):
    x, w, stride = cache
    k, dx, dw = w.shape[-1], np.zeros_like(x), np.zeros_like(w)
    for i in range(dout.shape[-1]):
        r = i * stride
        g = dout[:, :, i]
        dw += np.tensordot(g, x[:, :, r:r + k], (0, 0))
        dx[:, :, r:r + k] += np.tensordot(g, w, (1, 0))
    return dx, dw, dout.sum(axis=(0, 2))
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_a_setting_is_tried_with_another_number_than_its_default(
    wrong: bool, tmp_path: Path
) -> None:
    text = STRIDED.replace("r = i * stride", "r = i") if wrong else STRIDED
    code, _, said = judged(text, tmp_path)
    assert code == int(wrong), said
    assert ("stride 2" in said) == wrong


SLOPED = """
import numpy as np

def leaky_forward(x, alpha=1.0):
    return np.where(x > 0, x, alpha * x), x

def leaky_backward(dout, cache, alpha=1.0):
    return dout * np.where(cache > 0, 1.0, alpha)
"""


def test_two_functions_are_given_the_same_setting(tmp_path: Path) -> None:
    code, _, said = judged(SLOPED, tmp_path)
    assert code == 0, said
    code, _, said = judged(SLOPED.replace("1.0, alpha)", "1.0, 1.0)"), tmp_path)
    assert code == 1, said


EXCITED = '''
import numpy as np

def excite_forward(x, w1, w2):
    """Scale each channel.

    x: (N, C, H, W);  w1: (C, R), w2: (R, C)
    """
    s = x.mean(axis=(2, 3))
    r = np.tanh(s @ w1)
    gate = 1.0 / (1.0 + np.exp(-(r @ w2)))
    return x * gate[:, :, None, None], (x, s, r, gate, w1, w2)


def excite_backward(dout, cache):
    x, s, r, gate, w1, w2 = cache
    dz = (dout * x).sum(axis=(2, 3)) * gate * (1 - gate)
    da = (dz @ w2.T) * (1 - r**2)
    ds = (da @ w1.T)[:, :, None, None] / np.prod(x.shape[2:])
    return dout * gate[:, :, None, None] + ds, s.T @ da, r.T @ dz
'''


@pytest.mark.parametrize("wrong", [False, True])
def test_a_pair_is_given_the_shapes_that_its_docstring_states(wrong: bool, tmp_path: Path) -> None:
    source = EXCITED.replace("np.prod(x.shape[2:])", "x.shape[2]") if wrong else EXCITED
    code, _, said = judged(source, tmp_path)
    assert (code, "x (8, 6, 3, 5), w1 (6, 7)" in said) == (int(wrong), True), said


UNROLLED = """
import numpy as np

def rnn_cell_forward(x, h_prev, parameters):
    Wx, Wh = parameters["Wx"], parameters["Wh"]
    h = np.tanh(Wx @ x + Wh @ h_prev)
    return h, (h, h_prev, x, parameters)

def rnn_forward(x, h0, parameters):
    caches, h = [], np.zeros((*h0.shape, x.shape[2]))
    h_prev = h0
    for t in range(x.shape[2]):
        h_prev, cache = rnn_cell_forward(x[:, :, t], h_prev, parameters)
        h[:, :, t] = h_prev
        caches.append(cache)
    return h, caches

def rnn_cell_backward(dh, cache):
    h, h_prev, x, parameters = cache
    dz = dh * (1 - h**2)
    dWx = dz @ x.T
    dWh = dz @ h_prev.T
    return {"dx": parameters["Wx"].T @ dz, "dh_prev": parameters["Wh"].T @ dz,
            "dWx": dWx, "dWh": dWh}

def rnn_backward(dh, caches):
    parameters = caches[0][-1]
    dx = np.zeros((*caches[0][2].shape, dh.shape[2]))
    dWx, dWh = np.zeros_like(parameters["Wx"]), np.zeros_like(parameters["Wh"])
    dh_prev = np.zeros_like(caches[0][1])
    for t in reversed(range(dh.shape[2])):
        step = rnn_cell_backward(dh[:, :, t] + dh_prev, caches[t])
        dx[:, :, t] = step["dx"]
        dh_prev = step["dh_prev"]
        dWx += step["dWx"]
        dWh += step["dWh"]
    return {"dx": dx, "dh0": dh_prev, "dWx": dWx, "dWh": dWh}
"""


@pytest.mark.parametrize("name", ["dWx", "dWh"])
def test_a_gradient_that_a_cell_gives_is_added_where_the_loop_is(name: str, tmp_path: Path) -> None:
    code, _, said = judged(UNROLLED, tmp_path)
    assert code == 0, said
    code, lines, said = judged(UNROLLED.replace(f"{name} += ", f"{name} = "), tmp_path)
    assert (code, lines[:1]) == (1, [f'{name} = step["{name}"]']), said


PENDULUM = """
import numpy as np

def init_params():
    return {"W1": np.random.randn(4, 5), "b1": np.zeros(5), "W2": np.random.randn(5, 1)}

def derivatives(z, u):
    th, thd = z
    return np.array([thd, 9.81 * np.sin(th) + u])

def step(z, u, dt=0.01):
    return z + dt * derivatives(z, u)

def forward(X, p):
    h = np.tanh(X @ p["W1"] + p["b1"])
    return h[:, -1, :] @ p["W2"], (X, h)

def backward(du, cache, p):
    X, h = cache
    g = {"W2": h[:, -1, :].T @ du}
    dh = np.zeros_like(h)
    dh[:, -1, :] = du @ p["W2"].T
    dz = dh * (1 - h ** 2)
    g["W1"] = np.einsum("bti,btj->ij", X, dz)
    g["b1"] = dz.sum(axis=(0, 1))
    return g

if __name__ == "__main__":
    p, X, y = init_params(), np.load("states.npy"), np.load("forces.npy")
    for epoch in range(20):
        u, cache = forward(X, p)
        g = backward(2 * (u - y) / len(y), cache, p)
        for k in p:
            p[k] -= 0.01 * g[k]
"""


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_a_network_that_is_given_an_upstream_gradient_is_a_pair(
    wrong: bool, tmp_path: Path
) -> None:
    line = "dz = dh * (1 - h)" if wrong else ""
    source = PENDULUM.replace("dz = dh * (1 - h ** 2)", line) if wrong else PENDULUM
    code, lines, said = judged(source, tmp_path)
    assert (code, lines[:1]) == (int(wrong), [line] if wrong else []), said
    assert "derivatives" not in said


ATTENTION = """
import numpy as np

SCALE = 1 / np.sqrt(6)

def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def softmax_backward(dout, out):
    return out * (dout - (dout * out).sum(axis=-1, keepdims=True))

def attention_forward(q, k, v):
    a = softmax(q @ k.T * SCALE)
    return a @ v, (q, k, v, a)

def attention_backward(dout, cache):
    q, k, v, a = cache
    ds = softmax_backward(dout @ v.T, a) * SCALE
    return ds @ k, ds.T @ q, a.T @ dout
"""


def test_what_is_right_by_itself_is_not_to_blame_where_it_is_called(tmp_path: Path) -> None:
    source = ATTENTION.replace(", a) * SCALE", ", a)")
    code, lines, said = judged(source, tmp_path)
    assert (code, lines[:1]) == (1, ["ds = softmax_backward(dout @ v.T, a)"]), said


RESIDUAL = """
import numpy as np

def rms_norm(v, g):
    r = np.sqrt(np.mean(v * v, axis=1, keepdims=True) + 1e-5)
    return v / r * g, (v, r, g)

def rms_norm_back(up, kept):
    v, r, g = kept
    n = v / r
    back = up * g
    return (back - n * np.mean(back * n, axis=1, keepdims=True)) / r, np.sum(up * n, axis=0)

class Net:
    def __init__(self, n_in=4, n_mid=5, n_out=3, blocks=2, seed=0):
        rng = np.random.default_rng(seed)
        self.first, self.last = rng.normal(size=(n_in, n_mid)), rng.normal(size=(n_mid, n_out))
        self.g = [np.ones(n_mid) for _ in range(blocks)]
        self.W = [rng.normal(size=(n_mid, n_mid)) for _ in range(blocks)]

    def forward(self, X):
        self.X, self.kept = X, []
        h = X @ self.first
        for W, g in zip(self.W, self.g):
            n, kept = rms_norm(h, g)
            t = np.tanh(n @ W)
            self.kept.append((n, t, kept))
            h = h + t
        self.h = h
        return h @ self.last

    def loss(self, out, y):
        return 0.5 * np.sum((out - y) ** 2) / len(y)

    def backward(self, out, y):
        d = (out - y) / len(y)
        self.dlast = self.h.T @ d
        dh = d @ self.last.T
        self.dW, self.dg = [None] * len(self.W), [None] * len(self.g)
        for i in range(len(self.W) - 1, -1, -1):
            n, t, kept = self.kept[i]
            dz = dh * (1 - t ** 2)
            self.dW[i] = n.T @ dz
            dn, self.dg[i] = rms_norm_back(dz @ self.W[i].T, kept)
            dh = dh + dn
        self.dfirst = self.X.T @ dh
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("dh = dh + dn", "dh = dn"), ("/ r, np.sum", "* r, np.sum")],
)
def test_functions_that_a_network_uses_are_judged_by_themselves_where_they_are_blamed(
    right: str, wrong: str, tmp_path: Path
) -> None:
    code, lines, said = judged(RESIDUAL.replace(right, wrong), tmp_path)
    assert code == 1, said
    assert wrong in lines[0], said


ROWS = """
import numpy as np

class RowSoftmax:
    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, up):
        out = np.zeros_like(up)
        for i, (p, u) in enumerate(zip(self.p, up)):
            out[i] = (np.diag(p) - np.outer(p, p)) @ u
        return out

class Mixer:
    def __init__(self, width):
        rng = np.random.default_rng(3)
        self.A, self.V = rng.normal(size=(width, width)), rng.normal(size=(width, 3))
        self.soft = RowSoftmax()

    def forward(self, x):
        self.x, self.scale = x, 1 / np.sqrt(x.shape[1])
        self.p = self.soft.forward(x @ self.A * self.scale)
        return self.p @ self.V

    def backward(self, up):
        self.dV = self.p.T @ up
        dz = self.soft.backward(up @ self.V.T) * self.scale
        self.dA = self.x.T @ dz
        return dz @ self.A.T
"""


def test_a_class_that_is_right_by_itself_is_not_to_blame_where_it_is_called(
    tmp_path: Path,
) -> None:
    code, lines, said = judged(
        ROWS.replace(" * self.scale\n        self.dA", "\n        self.dA"), tmp_path
    )
    assert (code, lines[:1]) == (1, ["dz = self.soft.backward(up @ self.V.T)"]), said


UNIT = """
import numpy as np

def unit(v):
    size = np.sqrt((v ** 2).sum(axis=1, keepdims=True))
    return v / size, size

def unit_backward(dw, w, size):
    return (dw - w * (dw * w).sum(axis=1, keepdims=True)) / size
"""


@pytest.mark.parametrize("name", ["size", "r"])
@pytest.mark.parametrize("there", ["dw - w", "dw + w"])
def test_what_went_forward_gave_may_be_given_beside_its_output(
    there: str, name: str, tmp_path: Path
) -> None:
    first, back, rest = UNIT.replace("dw - w", there).partition("def unit_backward")
    code, lines, said = judged(first + back + rest.replace("size", name), tmp_path)
    assert code == int(there != "dw - w"), said
    assert all(there in each for each in lines[:1]), said


GATED = """
import numpy as np

def cell_forward(x, h_prev, Wx, Wh, b):
    gx, gh = x @ Wx + b, h_prev @ Wh
    ux, cx = np.split(gx, 2, axis=1)
    uh, ch = np.split(gh, 2, axis=1)
    u, c = 1 / (1 + np.exp(-ux - uh)), np.tanh(cx + ch)
    return (1 - u) * c + u * h_prev, (x, h_prev, Wx, Wh, u, c)

def cell_backward(dh, cache):
    x, h_prev, Wx, Wh, u, c = cache
    du, dc = dh * (h_prev - c) * u * (1 - u), dh * (1 - u) * (1 - c ** 2)
    d = np.concatenate([du, dc], axis=1)
    return d @ Wx.T, d @ Wh.T + dh * u, x.T @ d, h_prev.T @ d, d.sum(axis=0)
"""


@pytest.mark.parametrize("there", ["(1 - c ** 2)", "(1 - c)"])
def test_a_state_is_as_wide_as_one_of_the_gates_that_weights_hold(
    there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(GATED.replace("(1 - c ** 2)", there), tmp_path)
    assert code == int("**" not in there), said
    assert all(there in each for each in lines[:1]), said


BY_DEVIATION = """
import numpy as np

def scaled_forward(x, gain, shift):
    centred = x - x.mean(axis=0)
    deviation = np.sqrt(np.mean(centred ** 2, axis=0) + 1e-6)
    return gain * centred / deviation + shift, (centred, deviation, gain)

def scaled_backward(dout, cache):
    centred, deviation, gain = cache
    d = gain * dout
    by_deviation = -np.sum(d * centred / deviation ** 2, axis=0)
    by_variance = 0.5 * by_deviation / deviation
    by_centred = d / deviation + (2.0 / len(d)) * centred * by_variance
    dgain, dshift = np.sum(dout * centred / deviation, axis=0), dout.sum(axis=0)
    return by_centred - by_centred.mean(axis=0), dgain, dshift
"""


def test_what_goes_into_a_derivative_that_is_right_alone_is_not_to_blame(tmp_path: Path) -> None:
    """Twice of it would mend the gradient, too."""
    wrong = BY_DEVIATION.replace("(2.0 / len", "(1.0 / len")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines[:1]) == (1, [wrong.splitlines()[13].strip()]), said
