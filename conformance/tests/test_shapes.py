"""Programs of any shape: right ones are right, and the edited line of a wrong one comes first."""

from pathlib import Path

import pytest

from conformance.api import check
from conformance.errors import UnjudgedError
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.tests.parts import changes_of_edit, part
from conformance.tests.programs.shapes_faults import FAULTS
from conformance.tests.shapes.measure import judge

BACKWARD = Path(__file__).parent / "backward" / "programs"
PROGRAMS = Path(__file__).parent / "programs" / "shapes"


@pytest.mark.parametrize("name", FAULTS)
def test_a_right_program_is_not_accused(name: str, tmp_path: Path) -> None:
    judged = judge(name, None, tmp_path)
    assert judged.exit_code == 0, judged.words


SLOW = {
    "absent_data", "column_layers", "layer_functions", "lstm_columns", "neurons", "norm_pairs",
    "pure_python", "update_goes_forward", "zero_biases",
}  # fmt: skip
"""Programs of which it takes long to find how they are called."""

ALL = [(name, fault) for name, faults in FAULTS.items() for fault in range(len(faults))]


@pytest.mark.parametrize(
    ("name", "fault"),
    part(
        ALL,
        lambda each: changes_of_edit(*FAULTS[each[0]][each[1]]),
        slow=lambda each: each[0] in SLOW,
    ),
)
def test_a_fault_is_seen(name: str, fault: int, tmp_path: Path) -> None:
    judged = judge(name, fault, tmp_path)
    assert judged.exit_code == 1, judged.words
    assert "``" not in judged.words, "what is blamed has a name"


@pytest.mark.thorough
@pytest.mark.parametrize(
    "path",
    sorted(e for e in BACKWARD.rglob("*.py") if e.parent.name != "small"),  # some wrong
    ids=lambda path: path.stem,
)
def test_a_right_backward_pass_is_not_accused(path: Path) -> None:
    report = check_file(Asked(str(path)), check)
    assert report.exit_code == 0, str(report)


def test_what_begins_with_zeros_is_judged_by_its_second_update(tmp_path: Path) -> None:
    judged = judge("zeros_and_decay", None, tmp_path)
    assert "the cross-entropy" in judged.words, "of zeros the quadratic cost has the same gradient"
    assert "weight decay 0.02734" in judged.words


MASK = """
import numpy as np


def relu(x):
    return np.maximum(0, x), x


def relu_back(dout, x):
    dx = dout
    dx[x {}] = 0
    return dx
"""

RECURRENT = """
import numpy as np


class Recurrent:
    def __init__(self, vocab_size, hidden_size):
        self.V, self.H = vocab_size, hidden_size
        self.Wx = np.random.randn(hidden_size, vocab_size) * 0.1
        self.Wh = np.random.randn(hidden_size, hidden_size) * 0.1
        self.Wy = np.random.randn(vocab_size, hidden_size) * 0.1
        self.bh, self.by = np.zeros((hidden_size, 1)), np.zeros((vocab_size, 1))

    def forward(self, inputs, hprev):
        xs, hs, ps = {}, {-1: hprev}, {}
        for t, index in enumerate(inputs):
            xs[t] = np.zeros((self.V, 1))
            xs[t][index] = 1
            hs[t] = np.tanh(self.Wx @ xs[t] + self.Wh @ hs[t - 1] + self.bh)
            e = np.exp(self.Wy @ hs[t] + self.by)
            ps[t] = e / e.sum()
        return xs, hs, ps

    def loss_and_grads(self, inputs, targets, hprev):
        xs, hs, ps = self.forward(inputs, hprev)
        loss = sum(-np.log(ps[t][targets[t], 0]) for t in range(len(inputs)))
        dWx, dWh, dWy = map(np.zeros_like, (self.Wx, self.Wh, self.Wy))
        dbh, dby, dnext = np.zeros_like(self.bh), np.zeros_like(self.by), np.zeros_like(hprev)
        for t in reversed(range(len(inputs))):
            dy = ps[t].copy()
            dy[targets[t]] -= 1
            dWy += dy @ hs[t].T
            dby += dy
            raw = (1 - hs[t] ** 2) * (self.Wy.T @ dy + dnext)
            dbh += raw
            dWx += raw @ xs[t].T
            dWh += raw @ hs[t - 1].T
            dnext = self.Wh.T @ raw
        return loss, (dWx, dWh, dWy, dbh, dby), hs[len(inputs) - 1]
"""


def exit_code(text: str, folder: Path) -> int:
    file = folder / "net.py"
    file.write_text(text, encoding="utf-8")
    return check_file(Asked(str(file)), check).exit_code


@pytest.mark.parametrize(("mask", "code"), [("<= 0", 0), ("< 1", 1)])
def test_a_backward_pass_that_writes_into_what_it_is_given(
    mask: str, code: int, tmp_path: Path
) -> None:
    assert exit_code(MASK.format(mask), tmp_path) == code


def test_a_gradient_in_a_tuple_is_told_by_its_name(tmp_path: Path) -> None:
    assert exit_code(RECURRENT, tmp_path) == 0


IN_TWO_DICTS = """\
from types import SimpleNamespace
import numpy as np


class MLP:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(0)
        self.p = {"W1": rng.normal(size=(n_in, n_hidden)), "b1": np.zeros(n_hidden)}
        self.p |= {"W2": rng.normal(size=(n_hidden, n_out)), "b2": np.zeros(n_out)}
        self.g = {}

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.p["W1"] + self.p["b1"])
        return self.h @ self.p["W2"] + self.p["b2"]

    def backward(self, dy):
        self.g["W2"], self.g["b2"] = self.h.T @ dy, dy.sum(0)
        dz = dy @ self.p["W2"].T * (1 - self.h**2)
        self.g["W1"] = self.x.T @ dz
        self.g["b1"] = dz.sum(0)
        return dz @ self.p["W1"].T
"""
ZEROS = ("self.g = {}", "self.g = {k: np.zeros_like(v) for k, v in self.p.items()}")
SUMMED = (" = dz.sum(0)", " += dz.sum(0)")
LOCAL = (
    '        self.g["W2"]',
    '        self = SimpleNamespace(p=self.p, x=self.x, h=self.h, g={})\n        self.g["W2"]',
)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ([], 0, "p['W1'], p['b1'], p['W2'], p['b2'], the input"),
        ([ZEROS], 0, "p['W1'], p['b1'], p['W2'], p['b2'], the input"),
        ([ZEROS, SUMMED], 1, "wrong: the update of p['b1']"),
        ([("dz.sum(0)", "dz.mean(0)")], 1, "wrong: the gradient of p['b1']"),
        ([LOCAL], 3, "not judged: MLP: no gradient is found of p['W1'], p['b1']"),
    ],
)
def test_a_dict_with_the_keys_of_another_holds_gradients(
    changes: list[tuple[str, str]], code: int, said: str, tmp_path: Path
) -> None:
    source = IN_TWO_DICTS
    for each in changes:
        source = source.replace(*each)
    file = tmp_path / "two_dicts.py"
    file.write_text(source, encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert report.exit_code == code, str(report)
    assert said in str(report)


TRAINS_BY_ITS_LOSS = """\
import numpy as np


class Classifier:
    def __init__(self):
        self.W = None

    def train(self, X, y, learning_rate=0.1, reg=0.01, num_iters=5):
        if self.W is None:
            self.W = np.random.randn(X.shape[1], y.max() + 1)
        for _ in range(num_iters):
            loss, grad = self.loss(X, y, reg)
            self.W -= learning_rate * grad

    def loss(self, X, y, reg):
        n = len(X)
        scores = X @ self.W
        margins = np.maximum(0, scores - scores[range(n), y][:, None] + 1)
        margins[range(n), y] = 0
        loss = margins.sum() / n + reg * np.sum(self.W**2)
        mask = (margins > 0).astype(float)
        mask[range(n), y] = -mask.sum(axis=1)
        return loss, X.T @ mask / n + 2 * reg * self.W
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("", ""), ": 1 gradient, all right"),
        (("2 * reg * self.W", "reg * self.W"), "`reg` (0.21875 here) has to be multiplied by 2"),
        (("margins > 0", "margins >= 0"), "`margins >= 0` has to compare by >"),
    ],
)
def test_the_loss_that_a_program_asks_itself_for_while_it_trains_is_its_own(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "trains.py"
    file.write_text(TRAINS_BY_ITS_LOSS.replace(*change), encoding="utf-8")
    told = str(check_file(Asked(str(file)), check))
    assert said in told
    assert "no loss" not in told


RIDGE = """\
import numpy as np


class Ridge:
    def __init__(self, lr=0.1, lam=0.5):
        self.lr, self.lam, self.losses = lr, lam, []

    def fit(self, X, y):
        n, d = X.shape
        self.w, self.b = np.zeros(d), 0.0
        for _ in range(9):
            err = X @ self.w + self.b - y
            loss = np.mean(err**2) + self.lam * np.sum(self.w**2)
            self.losses.append(loss)
            self.w -= self.lr * (2 * X.T @ err / n + 2 * self.lam * self.w)
            self.b -= self.lr * 2 * err.mean()
        return self
"""


MORE = "`self.lam` (0.21875 here) has to be multiplied by 2"


@pytest.mark.parametrize("there", ["2 * self.lam", "self.lam"])
def test_the_loss_in_a_loop_says_how_much_the_weights_decay(there: str, tmp_path: Path) -> None:
    file = tmp_path / "ridge.py"
    file.write_text(RIDGE.replace("2 * self.lam", there), encoding="utf-8")
    told = str(check_file(Asked(str(file)), check))
    right = there == "2 * self.lam"
    said = ": 2 gradients, all right" if right else MORE
    assert said in told
    assert "no loss" not in told


def test_a_loss_of_other_samples_says_nothing_of_a_decay(tmp_path: Path) -> None:
    file = tmp_path / "ridge.py"
    others = "np.mean((X[1:] @ self.w + self.b - y[1:]) ** 2)"
    file.write_text(RIDGE.replace("np.mean(err**2)", others), encoding="utf-8")
    assert ": 2 gradients, all right" in str(check_file(Asked(str(file)), check))


AVERAGED = """\
import numpy as np


class Logistic:
    def __init__(self, lr=0.1):
        self.lr = lr

    def fit(self, X, y):
        self.w = np.zeros(X.shape[1])
        mean = np.zeros_like(self.w)
        for t in range(9):
            p = 1 / (1 + np.exp(-X @ self.w))
            self.w = self.w - self.lr * X.T @ (p - y) / len(y)
            mean += (self.w - mean) / (t + 1)
        self.mean_w = mean
"""


@pytest.mark.parametrize("held", [AVERAGED, AVERAGED.replace(" mean", " self.mean")])
def test_a_running_mean_of_parameters_is_none(held: str, tmp_path: Path) -> None:
    file = tmp_path / "averaged.py"
    file.write_text(held, encoding="utf-8")
    assert ": 1 gradient, all right" in str(check_file(Asked(str(file)), check))


EMBEDDING = """\
import numpy as np


class WordModel:
    def __init__(self, vocab_size=20, dim=5, n_classes=3):
        self.E = np.random.randn(vocab_size, dim)
        self.W = np.random.randn(dim, n_classes)

    def forward(self, words):
        self.words, self.e = words, self.E[words]
        z = np.exp(self.e @ self.W)
        self.p = z / z.sum(axis=1, keepdims=True)
        return self.p

    def loss(self, words, y):
        return -np.mean(np.log(self.forward(words)[np.arange(len(y)), y]))

    def backward(self, y):
        d = self.p.copy()
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        self.gE = np.zeros_like(self.E)
        np.add.at(self.gE, self.words, d @ self.W.T)
        return self.gE, self.e.T @ d
"""


def test_a_gradient_that_is_summed_up_is_no_parameter_that_was_moved(tmp_path: Path) -> None:
    file = tmp_path / "words.py"
    file.write_text(EMBEDDING, encoding="utf-8")
    assert ": 2 gradients, all right" in str(check_file(Asked(str(file)), check))


BESIDE_ITS_OPTIMISER = """\
import numpy as np


class AdaDelta:
    def __init__(self, rho=0.95):
        self.rho, self.Eg, self.Ed = rho, {}, {}

    def update(self, params, grads):
        for k in params:
            g, Ed = grads[k], self.Ed.get(k, 0 * grads[k])
            Eg = self.Eg[k] = self.rho * self.Eg.get(k, 0 * g) + (1 - self.rho) * g * g
            dx = -np.sqrt(Ed + 1e-6) / np.sqrt(Eg + 1e-6) * g
            self.Ed[k] = self.rho * Ed + (1 - self.rho) * dx * dx
            params[k] += dx


def loss_and_grads(params, X, y, delta=1.0):
    r = X @ params["w"] + params["b"] - y
    near = np.abs(r) <= delta
    loss = np.where(near, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)).mean()
    dr = np.where(near, r, delta * np.sign(r)) / len(y)
    return loss, {"w": X.T @ dr, "b": dr.sum(axis=0)}
"""


def test_an_optimiser_is_no_network_and_the_loss_of_huber_is_no_metric(tmp_path: Path) -> None:
    file = tmp_path / "optimised.py"
    file.write_text(BESIDE_ITS_OPTIMISER, encoding="utf-8")
    told = str(check_file(Asked(str(file)), check))
    assert "loss_and_grads: 2 gradients, all right" in told
    assert "note: right for one output; for several the gradient is not that of the loss" in told
    assert "parameters Eg" not in told


def test_a_class_that_no_cost_judges_does_not_vanish_beside_what_is_judged(tmp_path: Path) -> None:
    file = tmp_path / "beside.py"
    lossless = TRAINS_BY_ITS_LOSS.replace("loss, grad = self.loss", "grad = self.push")
    lossless = lossless.replace("def loss", "def push").replace("return loss,", "return")
    lossless = lossless.replace("loss", "told")  # else it is judged by that
    right = (
        "def squared_error(output, y):\n    return np.sum((output - y) ** 2), 2 * (output - y)\n"
    )
    wrong = lossless.replace("X.T @ mask", "np.abs(X).T @ mask")
    file.write_text(f"{wrong}\n\n{right}", encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert report.exit_code == 3, str(report)
    assert "not judged: Classifier: no known cost gives any of them" in str(report)


HOLDS = """
import numpy as np


class Red:
    def __init__(self, entradas, salidas, epocas=10):
        self.entradas, self.salidas, self.epocas = entradas, salidas, epocas
        self.pesos1 = np.random.rand(entradas.shape[1], 4)
        self.pesos2 = np.random.rand(4, 1)

    def entrenar(self):
        for _ in range(self.epocas):
            h = np.tanh(self.entradas @ self.pesos1)
            e = self.salidas - h @ self.pesos2
            d = e @ self.pesos2.T * {}
            self.pesos2 += h.T @ e * 0.1
            self.pesos1 += self.entradas.T @ d * 0.1
"""


@pytest.mark.parametrize(("slope", "code"), [("(1 - h ** 2)", 0), ("(1 - h)", 1)])
def test_what_takes_nothing_trains_an_object_that_has_its_data(
    slope: str, code: int, tmp_path: Path
) -> None:
    assert exit_code(HOLDS.format(slope), tmp_path) == code


def test_why_a_class_cannot_be_made_is_said(tmp_path: Path) -> None:
    text = HOLDS.format("1").replace("np.random.rand(4, 1)", "np.rand(4, 1)")
    with pytest.raises(UnjudgedError, match="Red: AttributeError: module 'numpy' has no"):
        exit_code(text, tmp_path)


MOMENTS = """\
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(0)
        self.theta = {"W1": rng.normal(size=(n_in, n_hidden)), "b1": np.zeros(n_hidden)}
        self.theta |= {"W2": rng.normal(size=(n_hidden, n_out)), "b2": np.zeros(n_out)}
        self.m, self.v, self.d = ({k: 0 * e for k, e in self.theta.items()} for _ in range(3))
        self.best, self.sizes, self.t = {k: e.copy() for k, e in self.theta.items()}, {}, 0

    def forward(self, X):
        self.X, self.sizes = X, {k: np.abs(e) for k, e in self.theta.items()}
        self.a = np.tanh(X @ self.theta["W1"] + self.theta["b1"])
        return self.a @ self.theta["W2"] + self.theta["b2"]

    def loss(self, out, y):
        return np.mean((out - y) ** 2)

    def backward(self, out, y):
        dz = 2 * (out - y) / y.size
        self.d["W2"][:], self.d["b2"][:] = self.a.T @ dz, dz.sum(0)
        da = dz @ self.theta["W2"].T * (1 - self.a**2)
        self.d["W1"][:], self.d["b1"][:] = self.X.T @ da, da.sum(0)

    def step(self, lr=0.01):
        self.t += 1
        for k in self.theta:
            self.m[k] = 0.9 * self.m[k] + 0.1 * self.d[k]
            self.v[k] = 0.99 * self.v[k] + 0.01 * self.d[k] ** 2
            root = np.sqrt(self.v[k] / (1 - 0.99**self.t)) + 1e-8
            self.theta[k] -= lr * (self.m[k] / (1 - 0.9**self.t)) / root
"""


@pytest.mark.parametrize(
    ("change", "code"), [(("", ""), 0), (("self.d", "self.grads"), 0), (("da.sum(0)", "da[0]"), 1)]
)
def test_moments_and_copies_in_dicts_of_the_same_keys_are_no_gradients(
    change: tuple[str, str], code: int, tmp_path: Path
) -> None:
    file = tmp_path / "moments.py"
    file.write_text(MOMENTS.replace(*change), encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert report.exit_code == code, str(report)
    assert "parameters theta (4 of them)" in str(report) or "theta['b1']" in str(report)


@pytest.mark.parametrize("edit", ["", "if i == 0: "])
def test_biases_at_the_end_of_weights_may_stay_all_or_none(edit: str, tmp_path: Path) -> None:
    text = (PROGRAMS / "rows_of_a_table.py").read_text(encoding="utf-8")
    line = 'neuron["weights"][-1] -= l_rate * neuron["delta"]'
    file = tmp_path / "neurons.py"
    file.write_text(text.replace(line, edit and edit + line), encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert report.exit_code == bool(edit), str(report)
    assert edit or "never moved: _layers[0][0]['weights'][6]" in str(report)
