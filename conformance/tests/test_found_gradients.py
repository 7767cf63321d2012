"""Classes of one sample at a time: each parameter has its gradient, or it is said to have none."""

from pathlib import Path

import pytest

from conformance.api import check
from conformance.errors import SubjectError, UnjudgedError
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.report.file_report import FileReport
from conformance.run_script import run_script

NET = """\
import numpy as np


class Net:
    def __init__(self, n_in, n_hid, n_out):
        self.V, self.c = np.random.randn(n_hid, n_in), np.zeros(n_hid)
        self.U, self.d = np.random.randn(n_out, n_hid), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        self.s = self.V.dot(x) + self.c
        self.h = np.tanh(self.s)
        self.o = self.U.dot(self.h) + self.d
        return self.o

    def loss(self, x, y):
        return 0.5 * np.sum((self.forward(x) - y) ** 2)

    def backward(self, x, y):
        e = self.forward(x) - y
        dU, dd = np.outer(e, self.h), e
        dc = self.U.T.dot(e) * (1 - self.h ** 2)
        dV = np.outer(dc, self.x)
        return {"V": dV, "c": dc, "U": dU, "d": dd}
"""
RETURN = 'return {"V": dV, "c": dc, "U": dU, "d": dd}'
TUPLE = (RETURN, "return dV, dc, dU, dd")
TURNED = ("np.outer(dc, self.x)", "np.outer(self.x, dc)")
SHAPE = "wrong: the gradient of V; c, U and d are right"
RIGHT = "4 gradients, all right"
NONE = "not judged: Net: no gradient is found of V"


def checked(source: str, tmp_path: Path) -> FileReport:
    file = tmp_path / "program.py"
    file.write_text(source, encoding="utf-8")
    return check_file(Asked(str(file)), check)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ([], 0, RIGHT),
        ([TURNED], 1, SHAPE),
        ([TURNED, TUPLE], 1, SHAPE),
        ([TUPLE, ("np.outer(dc, self.x)", "np.zeros((2, 2))")], 1, SHAPE),
        ([TUPLE, ("return dV", "return None")], 3, NONE),
        ([('"V": dV, ', "")], 3, NONE),
    ],
)
def test_a_parameter_without_a_gradient_is_told(
    changes: list[tuple[str, str]], code: int, said: str, tmp_path: Path
) -> None:
    source = NET
    for each in changes:
        source = source.replace(*each)
    report = checked(source, tmp_path)
    assert report.exit_code == code, str(report)
    assert said in str(report)


@pytest.mark.parametrize(
    ("kept", "code", "said"),
    [
        ("self.g = (dV, dc, dU, dd)", 0, RIGHT),
        ("self.grads = [dV, dc, dU, dd]", 0, RIGHT),
        ("dc = 2 * dc; self.g = (dV, dc, dU, dd)", 1, "the gradient of c; V, U and d are right"),
    ],
)
def test_gradients_that_a_class_keeps_in_a_tuple_are_its_gradients(
    kept: str, code: int, said: str, tmp_path: Path
) -> None:
    report = checked(NET.replace(RETURN, kept), tmp_path)
    assert report.exit_code == code, str(report)
    assert said in str(report)


FITS = """\
import numpy as np


class MLP:
    def __init__(self, hidden=8, lr=0.1, epochs=30):
        self.hidden, self.lr, self.epochs = hidden, lr, epochs

    def fit(self, X, y):
        T, rng = np.eye(y.max() + 1)[y], np.random.default_rng(0)
        self.coef1_ = rng.normal(size=(X.shape[1], self.hidden))
        self.coef2_ = rng.normal(size=(self.hidden, T.shape[1]))
        for _ in range(self.epochs):
            h = np.tanh(X @ self.coef1_)
            e = np.exp(h @ self.coef2_)
            ds = (e / e.sum(axis=1, keepdims=True) - T) / len(X)
            g1 = X.T @ (ds @ self.coef2_.T * (1 - h ** 2))
            self.coef2_ = self.coef2_ - self.lr * h.T @ ds
            self.coef1_ = self.coef1_ - self.lr * g1
        return self
"""


@pytest.mark.parametrize("rate", ["self.lr * self.lr", "1"])
def test_an_update_by_no_rate_or_by_its_square_is_blamed_and_no_gradient(
    rate: str, tmp_path: Path
) -> None:
    wrong = FITS.replace("self.lr * h.T", f"{rate} * (h.T").replace("@ ds\n", "@ ds)\n", 1)
    report = checked(wrong.replace("1 * (h.T", "(h.T"), tmp_path)
    assert report.exit_code == 1, str(report)
    first, line, *_ = str(report).splitlines()
    assert "wrong: the update of" in first, str(report)
    assert "self.coef2_ = self.coef2_ -" in line, str(report)


@pytest.mark.parametrize("moved", [True, False])
def test_a_parameter_that_is_never_moved_is_told(moved: bool, tmp_path: Path) -> None:
    source = FITS if moved else FITS.replace("self.coef1_ = self.coef1_ - self.lr * g1", "pass")
    report = checked(source, tmp_path)
    assert report.exit_code == (0 if moved else 3), str(report)
    assert ("no gradient is found of coef1_" in str(report)) != moved


@pytest.mark.parametrize("name", ["coef1_", "coef2_"])
def test_a_parameter_that_is_overwritten_by_its_step_is_told(name: str, tmp_path: Path) -> None:
    moved = f"self.{name} = self.{name} - "
    report = checked(FITS.replace(moved, f"self.{name} = "), tmp_path)
    assert report.exit_code in (1, 3), str(report)
    assert f"no gradient is found of {name}" in str(report), str(report)


@pytest.mark.parametrize("body", ["pass", '"""Write it here."""\n        # TODO'])
def test_a_backward_pass_that_is_not_written_yet_is_told(body: str, tmp_path: Path) -> None:
    start = NET.index("        e = self.forward")
    report = checked(f"{NET[:start]}        {body}\n", tmp_path)
    assert report.exit_code == 3, str(report)
    words = "program.py:19: backward computes nothing and returns nothing"
    assert str(report).startswith(f"not judged: Net: {words}"), str(report)


def test_a_backward_pass_that_forgets_its_return_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError, match=r"program.py:19: backward returns nothing, and no g"):
        checked(NET.replace(RETURN, ""), tmp_path)


LISTS = """\
import math
import random


class Network:
    def __init__(self, sizes):
        pairs = list(zip(sizes, sizes[1:]))
        self.w = [[[random.random() for _ in range(a)] for _ in range(b)] for a, b in pairs]
        self.b = [[random.random() for _ in range(b)] for _, b in pairs]

    def forward(self, x):
        self.acts = [list(x)]
        for W, B in zip(self.w, self.b):
            z = [sum(wi * xi for wi, xi in zip(row, x)) + bi for row, bi in zip(W, B)]
            x = [1 / (1 + math.exp(-each)) for each in z]
            self.acts.append(x)
        return x

    def train_step(self, x, y, lr=0.5):
        out = self.forward(x)
        delta = [(o - t) * o * (1 - o) for o, t in zip(out, y)]
        for W, B, a in zip(self.w[::-1], self.b[::-1], self.acts[-2::-1]):
            back = [sum(row[j] * d for row, d in zip(W, delta)) for j in range(len(a))]
            for row, d in zip(W, delta):
                for j, each in enumerate(a):
                    row[j] -= lr * d * each
            for i, d in enumerate(delta):
                B[i] -= lr * d
            delta = [e * each * (1 - each) for e, each in zip(back, a)]
        return sum((o - t) ** 2 for o, t in zip(out, y)) / 2
"""


def test_what_a_function_returns_by_the_name_of_its_inputs_is_given_to_no_other(
    tmp_path: Path,
) -> None:
    report = checked(LISTS, tmp_path)
    assert report.exit_code == 0, str(report)
    assert "53 gradients, all right" in str(report)


LONG = """\
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(0)
        self.W, self.V = rng.normal(size=(n_hidden, n_in)), rng.normal(size=(n_hidden, n_hidden))
        self.U = rng.normal(size=(n_out, n_hidden))

    def train_step(self, x, y, lr=0.1):
        hs = [np.zeros(len(self.V))]
        for _ in range(50):
            hs.append(np.tanh(self.W @ x + self.V @ hs[-1]))
        e = self.U @ hs[-1] - y
        dh = self.U.T @ e
        self.U = self.U - lr * np.outer(e, hs[-1])
        dW, dV = np.zeros_like(self.W), np.zeros_like(self.V)
        for h, before in zip(hs[:0:-1], hs[-2::-1]):
            dz = dh * (1 - h ** 2)
            dW = dW + np.outer(dz, x)
            dV = dV + np.outer(dz, before)
            dh = self.V.T @ dz
        self.W = self.W - lr * dW
        self.V = self.V - lr * dV
        return np.sum(e ** 2) / 2
"""


def test_a_long_step_is_recorded_to_its_last_update(tmp_path: Path) -> None:
    report = checked(LONG, tmp_path)
    assert report.exit_code == 0, str(report)
    assert "3 gradients, all right" in str(report)


def test_a_file_that_python_cannot_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "latin.py"
    file.write_bytes(b'"""A network."""\n# caf\xe9\n' + NET.encode())
    with pytest.raises(SubjectError, match=r"latin.py:2: it is not UTF-8"):
        check_file(Asked(str(file)), check)
    with pytest.raises(SubjectError, match=r"latin.py:2: it is not UTF-8"):
        run_script(str(file))


STEPS = """\
import numpy as np


class RNN:
    def __init__(self, n_in, n_h):
        self.W, self.U = np.random.randn(n_in, n_h), np.random.randn(n_h, n_h)

    def forward(self, xs):
        h = np.zeros((xs.shape[1], len(self.U)))
        self.tape = []
        for x in xs:
            self.tape.append((x, h))
            h = np.tanh(x @ self.W + h @ self.U)
        self.h = h
        return h

    def backward(self, dh):
        self.dW, self.dU = np.zeros_like(self.W), np.zeros_like(self.U)
        dxs, after = [], self.h
        for x, h in reversed(self.tape):
            a = dh * (1 - after ** 2)
            self.dW += x.T @ a
            self.dU += h.T @ a
            dxs.append(a @ self.W.T)
            dh, after = a @ self.U.T, h
        return np.stack(dxs[::-1])
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [(("", ""), "3 gradients, all right"), (("a @ self.U.T", "a @ self.U"), "program.py:25: dh, ")],
)
def test_a_layer_of_steps_is_given_steps(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    assert said in str(checked(STEPS.replace(*change), tmp_path))


CS231N = """\
import numpy as np


class TwoLayerNet:
    def __init__(self, input_dim=5, hidden_dim=7, num_classes=3):
        self.params = {"W1": np.random.randn(input_dim, hidden_dim), "b1": np.zeros(hidden_dim)}
        self.params["W2"] = np.random.randn(hidden_dim, num_classes)

    def loss(self, X, y=None):
        h = np.maximum(0, X.dot(self.params["W1"]) + self.params["b1"])
        scores = h.dot(self.params["W2"])
        if y is None:
            return scores
        N, ex, grads = len(X), np.exp(scores), {}
        ds = ex / ex.sum(axis=1, keepdims=True)
        loss = -np.log(ds[np.arange(N), y]).sum() / N
        ds[np.arange(N), y] -= 1
        grads["W2"] = h.T.dot(ds) / N
        dh = ds.dot(self.params["W2"].T) / N * (h > 0)
        grads["W1"], grads["b1"] = X.T.dot(dh), dh.sum(axis=0)
        return loss, grads
"""


def test_the_last_return_of_a_function_is_the_last_in_its_text(tmp_path: Path) -> None:
    report = checked(CS231N.replace("h.T.dot(ds)", "ds.T.dot(h)"), tmp_path)
    assert "program.py:18: " in str(report), str(report)
    assert "the gradient has another shape than its parameter" in str(report)


SUMS = """\
import numpy as np


class Gated:
    def __init__(self, d):
        self.Wa, self.Wb = np.random.randn(d, 3), np.random.randn(d, 3)

    def forward(self, x):
        self.x, self.a, self.b = x, x @ self.Wa, x @ self.Wb
        return self.a * self.b

    def backward(self, dout):
        da, db = dout * self.b, dout * self.a
        self.dWa = np.einsum("btd,bth->dh", self.x, da)
        return da @ self.Wa.T + db @ self.Wb.T
"""


def test_a_missing_gradient_is_told_and_not_that_other_data_do_not_fit(tmp_path: Path) -> None:
    said = str(checked(SUMS, tmp_path))
    assert "not judged: Gated: no gradient is found of Wb" in said


def test_a_layer_with_a_weight_that_no_gradient_is_of_is_judged_by_the_others(
    tmp_path: Path,
) -> None:
    report = checked(SUMS.replace("self.x, da)", "self.x, db)"), tmp_path)
    assert "wrong: the gradient of Wa; the input is right" in str(report)


def test_samples_are_rows_though_a_gradient_has_an_axis_more_than_what_is_added(
    tmp_path: Path,
) -> None:
    blocks = Path(__file__).parent / "programs" / "shapes" / "two_blocks.py"
    text = blocks.read_text(encoding="utf-8").replace("gradients.sum", "gradients.mean")
    assert "Affine:\nwrong: the gradient of bias" in str(checked(text, tmp_path))


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ([("dy.sum(0)", "dy.mean(0)")], "wrong: the gradient of b;"),
        ([("dy.sum(0)", "dy.mean(0)"), ("(dy * n).sum(0)", "(dy * n).mean(0)")], "all right"),
    ],
)
def test_a_mean_over_the_samples_is_one_for_all_that_holds_none(
    edits: list[tuple[str, str]], said: str, tmp_path: Path
) -> None:
    pairs = Path(__file__).parent / "programs" / "shapes" / "norm_pairs.py"
    text = pairs.read_text(encoding="utf-8").partition("def gelu")[0]
    for edit in edits:
        text = text.replace(*edit)
    assert said in str(checked(text, tmp_path))


FLAT_LIST = """\
import numpy as np


class MLP:
    def __init__(self, n_in, n_out, hidden=(7, 5)):
        sizes = [n_in, *hidden, n_out]
        self.W = [np.random.randn(a, b) for a, b in zip(sizes[:-1], sizes[1:])]
        self.b = [np.zeros(b) for b in sizes[1:]]
        self.params = [*self.W, *self.b]

    def forward(self, x, keep=False):
        acts = [x]
        for i, (W, b) in enumerate(zip(self.W, self.b)):
            z = acts[-1] @ W + b
            acts.append(z if i == len(self.W) - 1 else np.tanh(z))
        if keep:
            self._cache = acts
        return acts[-1]

    def backward(self, dout):
        acts, d = self._cache, dout
        gW, gb = [None] * len(self.W), [None] * len(self.W)
        for i in reversed(range(len(self.W))):
            gW[i] = acts[i].T @ d
            gb[i] = d.sum(0)
            if i > 0:
                d = (d @ self.W[i].T) * (1 - acts[i] ** 2)
        return [*gW, *gb]
"""


@pytest.mark.parametrize("given", ["[*gW, *gb]", "gW, gb"])
def test_a_list_of_gradients_is_in_the_order_of_the_list_of_parameters(
    given: str, tmp_path: Path
) -> None:
    source = FLAT_LIST.replace("[*gW, *gb]", given)
    said = str(checked(source, tmp_path))
    assert "6 gradients, all right" in said
    assert "not judged" not in said
    said = str(checked(source.replace("d.sum(0)", "d.mean(0)"), tmp_path))
    assert "wrong: the gradients of b[0], b[1] and b[2]" in said


LISTED = """\
import numpy as np


def loss_and_gradients(params, x, y):
    W0, b0, W1, b1, W2, b2 = params
    h = np.tanh(x @ W0 + b0)
    t = np.tanh(h @ W1 + b1)
    e = (h + t) @ W2 + b2 - y
    dr = e @ W2.T
    dg = dr * (1 - t ** 2)
    dh = (dr + dg @ W1.T) * (1 - h ** 2)
    dW0, db0 = x.T @ dh, dh.sum(0)
    dW1, db1 = h.T @ dg, dg.sum(0)
    dW2, db2 = (h + t).T @ e, e.sum(0)
    return 0.5 * np.sum(e ** 2), [dW0, db0, dW1, db1, dW2, db2]


def make_params(rng, d_in, width, n_out):
    make = lambda a, b: rng.normal(size=(a, b))
    return [make(d_in, width), np.zeros(width), make(width, width), np.zeros(width),
            make(width, n_out), np.zeros(n_out)]
"""


def test_gradients_that_a_list_names_are_in_the_order_of_the_list_of_parameters(
    tmp_path: Path,
) -> None:
    said = str(checked(LISTED, tmp_path))
    assert "6 gradients, all right" in said
    assert "not judged" not in said


LOSS_WITH_PULL = """

def xent(logits, labels):
    n = len(labels)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def pull(g=1.0):
        d = np.exp(logp)
        d[np.arange(n), labels] -= 1
        return g * d / n
    return -logp[np.arange(n), labels].mean(), pull
"""


def test_what_a_function_makes_of_targets_is_no_parameter(tmp_path: Path) -> None:
    said = str(checked(LISTED + LOSS_WITH_PULL, tmp_path))
    assert "6 gradients, all right" in said
    assert "parameters logp" not in said


SHARED = """import numpy as np

class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T

class Scale:
    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta
    def forward(self, x):
        self.x = np.tanh(x)
        return self.gamma * self.x + self.beta
    def backward(self, dout):
        self.dgamma, self.dbeta = (dout * self.x).sum(axis=0), dout.sum(axis=0)
        return dout * self.gamma * (1 - self.x ** 2)

class TwoLayerNet:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.RandomState(1)
        self.params = {"W1": rng.randn(n_in, n_hidden), "b1": np.zeros(n_hidden),
                       "gamma": np.ones(n_hidden), "beta": np.zeros(n_hidden),
                       "W2": rng.randn(n_hidden, n_out), "b2": np.zeros(n_out)}
        p = self.params
        self.layers = {"Affine1": Affine(p["W1"], p["b1"]), "Scale": Scale(p["gamma"], p["beta"]),
                       "Affine2": Affine(p["W2"], p["b2"])}
    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x
    def loss(self, x, t):
        return 0.5 * np.sum((self.predict(x) - t) ** 2) / len(x)
    def gradient(self, x, t):
        dout = (self.predict(x) - t) / len(x)
        for layer in reversed(list(self.layers.values())):
            dout = layer.backward(dout)
        one, two, scale = (self.layers[k] for k in ("Affine1", "Affine2", "Scale"))
        return {"W1": one.dW, "b1": one.db, "gamma": scale.dgamma, "beta": scale.dbeta,
                "W2": two.dW, "b2": two.db}
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_what_is_returned_is_judged_and_not_what_a_layer_keeps(wrong: bool, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        SHARED.replace('"beta": scale.dbeta', '"beta": one.db') if wrong else SHARED
    )
    report = check_file(Asked(str(tmp_path / "net.py")), check)
    assert report.exit_code == wrong
    assert "not judged" not in str(report)


UPWARD = """\
import numpy as np


class Affine:
    def __init__(self, n, m):
        self.w, self.up = np.random.randn(n, m), None

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, g):
        self.up = self.x.T @ g
        return g @ self.w.T


class Net:
    def __init__(self, n_in, n_hid, n_out):
        self.layers = [Affine(n_in, n_hid), Affine(n_hid, n_out)]

    def forward(self, x):
        for each in self.layers:
            x = each.forward(x)
        return x

    def fit_batch(self, x, y, lr):
        error = y - self.forward(x)
        g = 2 * error / len(x)
        for each in self.layers[::-1]:
            g = each.backward(g)
        for each in self.layers:
            each.w += lr * each.up
        return np.sum(error ** 2) / len(x)
"""


def test_what_a_layer_keeps_by_another_name_is_judged_in_the_network_that_moves_it(
    tmp_path: Path,
) -> None:
    report = checked(UPWARD, tmp_path)
    assert (report.exit_code, "not judged" in str(report)) == (0, False), str(report)
    alone = UPWARD.partition("class Net")[0]
    assert "not judged: Affine: no gradient is found of w" in str(checked(alone, tmp_path))
    wrong = checked(UPWARD.replace("g @ self.w.T", "g @ self.w.T / 2"), tmp_path)
    assert wrong.exit_code == 1, str(wrong)


NESTED = """\
import numpy as np


def init(sizes):
    pairs = zip(sizes[:-1], sizes[1:])
    return {f"dense{i}": {"w": np.random.randn(m, n) / np.sqrt(m), "b": np.zeros(n)}
            for i, (m, n) in enumerate(pairs)}


def predict(params, x):
    kept, last = [], max(params)
    for name in sorted(params):
        z = x @ params[name]["w"] + params[name]["b"]
        kept.append((name, x, z))
        x = z if name == last else np.arctan(z)
    return x, kept


def loss_and_grads(params, x, y):
    out, kept = predict(params, x)
    d, grads = (out - y) / len(x), {}
    for i, (name, a, z) in enumerate(reversed(kept)):
        if i > 0:
            d = d / (1 + z ** 2)
        grads[name] = {"w": a.T @ d, "b": d.sum(axis=0)}
        d = d @ params[name]["w"].T
    return 0.5 * np.sum((out - y) ** 2) / len(x), grads
"""


def test_a_gradient_in_a_dict_of_dicts_is_that_of_the_parameter_at_its_place(
    tmp_path: Path,
) -> None:
    report = checked(NESTED, tmp_path)
    assert (report.exit_code, "all right" in str(report)) == (0, True), str(report)
