"""The data that programs are tried on: each side of what they choose, and sensible losses."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

PAIRS = """
import numpy as np

class SiameseNet:
    def __init__(self, input_size, hidden_size, embedding_size, margin=1.0):
        self.margin = margin
        self.params = {
            "W1": np.random.randn(input_size, hidden_size),
            "b1": np.zeros((1, hidden_size)),
            "W2": np.random.randn(hidden_size, embedding_size),
        }

    def tower(self, X):
        a = np.tanh(X @ self.params["W1"] + self.params["b1"])
        return a @ self.params["W2"], (X, a)

    def tower_backward(self, de, cache):
        X, a = cache
        self.grads["W2"] += a.T @ de
        dz = de @ self.params["W2"].T * (1 - a ** 2)
        self.grads["W1"] += X.T @ dz
        self.grads["b1"] += dz.sum(axis=0, keepdims=True)

    def loss(self, X1, X2, same):
        N = X1.shape[0]
        e1, cache1 = self.tower(X1)
        e2, cache2 = self.tower(X2)
        diff = e1 - e2
        d = np.sqrt((diff ** 2).sum(axis=1) + 1e-9)
        gap = np.maximum(self.margin - d, 0)
        loss = np.sum(same * d ** 2 + (1 - same) * gap ** 2) / (2 * N)
        dd = (same * d - (1 - same) * gap) / N
        ddiff = (dd / d)[:, None] * diff
        self.grads = {k: np.zeros_like(v) for k, v in self.params.items()}
        self.tower_backward(ddiff, cache1)
        self.tower_backward(-ddiff, cache2)
        return loss, self.grads
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [("* gap) / N", "* gap) / N"), ("* gap) / N", "* gap ** 2) / N")],
    ids=["right", "wrong"],
)
def test_a_margin_is_tried_on_its_other_side(right: str, there: str, tmp_path: Path) -> None:
    code, lines, said = judged(PAIRS.replace(right, there), tmp_path)
    assert code == int(right != there), said
    assert lines[:1] == ["dd = (same * d - (1 - same) * gap ** 2) / N"] * code


ORDINAL = """
import numpy as np

def expit(x):
    return 1 / (1 + np.exp(-x))

class Ordinal:
    def __init__(self, n_classes=4):
        self.n_classes = n_classes

    def _objective(self, coef, d, X, y):
        n = X.shape[0]
        inner = np.cumsum(np.concatenate(([d[0]], np.exp(d[1:]))))
        th = np.concatenate(([-np.inf], inner, [np.inf]))
        up, lo = expit(th[y + 1] - X @ coef), expit(th[y] - X @ coef)
        prob = up - lo
        dup, dlo = up * (1 - up), lo * (1 - lo)
        g_coef = X.T @ ((dup - dlo) / prob) / n
        g_th = np.zeros(self.n_classes + 1)
        np.add.at(g_th, y + 1, -dup / prob / n)
        np.add.at(g_th, y, dlo / prob / n)
        tail = np.cumsum(g_th[1:-1][::-1])[::-1]
        return -np.log(prob).mean(), g_coef, tail * np.concatenate(([1.0], np.exp(d[1:])))

    def fit(self, X, y, steps=20):
        self.coef_, self.d_ = np.zeros(X.shape[1]), np.zeros(self.n_classes - 1)
        for _ in range(steps):
            value, g_coef, g_d = self._objective(self.coef_, self.d_, X, y)
            self.coef_ -= 0.1 * g_coef
            self.d_ -= 0.1 * g_d
        return self

def main():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(50, 3))
    Ordinal().fit(X, np.digitize(X @ [1.0, -2.0, 0.5], [-1.5, 0.0, 1.5]))

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("there", ["(dup - dlo) / prob", "(dup + dlo) / prob"])
def test_thresholds_at_infinity_are_judged(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(ORDINAL.replace("(dup - dlo) / prob", there), tmp_path)
    assert code == int("+" in there), said
    assert lines[:1] == [f"g_coef = X.T @ ({there}) / n"] * code


FRAMES = """
import numpy as np

NEVER = -1e30

def frame_loss(logits, labels, blank=0):
    T, K = logits.shape
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    path = [blank]
    for label in labels:
        path += [int(label), blank]
    fits = len(path) <= T
    path = (path + T * [blank])[:T]
    score = logp[np.arange(T), path].sum()
    total = np.logaddexp.reduce([NEVER, score if fits else NEVER + score])
    d = np.exp(logp)
    d[np.arange(T), path] -= 1
    return -total, d
"""


@pytest.mark.parametrize("there", ["-= 1", "-= 2"])
def test_labels_for_which_a_loss_has_no_value_are_not_judged(there: str, tmp_path: Path) -> None:
    code, _, said = judged(FRAMES.replace("-= 1", there), tmp_path)
    assert code == int(there == "-= 2"), said
    assert "fewer labels than rows" in said


BRAIN = """
import math, random

class Layer:
    def __init__(self, nin, nout):
        self.w = [[random.uniform(-1, 1) for _ in range(nin)] for _ in range(nout)]
        self.b = [random.uniform(-1, 1) for _ in range(nout)]
        self.gw = [[0.0] * nin for _ in range(nout)]
        self.gb = [0.0] * nout

    def forward(self, x):
        self.x = x
        self.out = [math.tanh(sum(w * v for w, v in zip(row, x)) + b)
                    for row, b in zip(self.w, self.b)]
        return self.out

    def backward(self, dout):
        dx = [0.0] * len(self.x)
        for o in range(len(dout)):
            d = dout[o] * (1 - self.out[o] ** 2)
            for i in range(len(self.x)):
                self.gw[o][i] += d * self.x[i]
                dx[i] += d * self.w[o][i]
            self.gb[o] += d
        return dx

    def step(self, lr):
        for o in range(len(self.b)):
            for i in range(len(self.w[o])):
                self.w[o][i] -= lr * self.gw[o][i]
                self.gw[o][i] = 0.0
            self.b[o] -= lr * self.gb[o]
            self.gb[o] = 0.0

class Brain:
    def __init__(self, n_sensors, n_hidden, n_actions):
        self.layers = [Layer(n_sensors, n_hidden), Layer(n_hidden, n_actions)]

    def think(self, sensors):
        for each in self.layers:
            sensors = each.forward(sensors)
        return sensors

    def learn(self, sensors, wanted, lr=0.05):
        error = [g - w for g, w in zip(self.think(sensors), wanted)]
        d = error
        for each in reversed(self.layers):
            d = each.backward(d)
        for each in self.layers:
            each.step(lr)
        return sum(e * e for e in error) / 2
"""


@pytest.mark.parametrize(
    ("right", "there", "expected"),
    [
        ("+= d * self.x", "+= d * self.x", 0),
        ("dx[i] +=", "dx[i] =", 1),
        ("gb[o] = 0", "gb[0] = 0", 3),
    ],
    ids=["right", "overwritten", "not cleared"],
)
def test_gradients_that_are_cleared_after_the_step_are_those_of_the_step(
    right: str, there: str, expected: int, tmp_path: Path
) -> None:
    code, lines, said = judged(BRAIN.replace(right, there), tmp_path)
    assert code == expected, said
    assert ("dx[i] = d * self.w[o][i]" in lines) == (expected == 1)
    assert ("are not cleared, where others are" in said) == (expected == 3)


GRU = """
import numpy as np

class Cell:
    def __init__(self, D, H, rng):
        self.W = rng.uniform(-1, 1, (D, H))
        self.U = rng.uniform(-1, 1, (H, H))

    def step(self, x, h):
        return np.tanh(x @ self.W + h @ self.U), (x, h)

class Net:
    def __init__(self, D, H, C):
        rng = np.random.default_rng(0)
        self.cell = Cell(D, H, rng)
        self.V = rng.normal(0, 0.3, (H, C))

    def forward(self, X, y=None):
        self.tape, h = [], np.zeros((len(X), len(self.V)))
        for t in range(X.shape[1]):
            h, kept = self.cell.step(X[:, t], h)
            self.tape.append((h, *kept))
        e = np.exp(h @ self.V)
        self.p, self.y = e / e.sum(1, keepdims=True), y
        return self.p if y is None else -np.log(self.p[range(len(X)), y]).mean()

    def backward(self):
        d = self.p.copy()
        d[range(len(d)), self.y] -= 1
        d /= len(d)
        self.dV, dh = self.tape[-1][0].T @ d, d @ self.V.T
        self.cell.dW, self.cell.dU = np.zeros_like(self.cell.W), np.zeros_like(self.cell.U)
        while self.tape:
            h, x, before = self.tape.pop()
            dz = dh * (1 - h ** 2)
            self.cell.dW += x.T @ dz
            self.cell.dU += before.T @ dz
            dh = dz @ self.cell.U.T
"""


@pytest.mark.parametrize("there", ["(1 - h ** 2)", "(1 - h)"])
def test_steps_of_several_samples_and_a_forward_pass_that_gives_the_loss(
    there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(GRU.replace("(1 - h ** 2)", there), tmp_path)
    assert code == int(there == "(1 - h)"), said
    assert lines[:1] == ["dz = dh * (1 - h)"] * code
    assert "samples of steps, labels from 0; forward(X, y), backward()" in said


CURVE = """
import numpy as np

class Curve:
    def __init__(self, n_hidden, n_out):
        self.w1 = np.random.randn(n_hidden, 1)
        self.b1 = np.random.randn(n_hidden)
        self.w2 = np.random.randn(n_out, n_hidden)
        self.b2 = np.random.randn(n_out)

    def forward(self, x):
        h = np.tanh(x.reshape(-1, 1) @ self.w1.T + self.b1)
        return h, self.w2 @ h.T + self.b2.reshape(-1, 1)

    def backward(self, x, y, h, out):
        d = 2 * (out - y) / len(x)
        dh = (self.w2.T @ d) * (1 - h.T ** 2)
        return dh @ x.reshape(-1, 1), dh.sum(axis=1), d @ h, d.sum(axis=1)

if __name__ == "__main__":
    net = Curve(12, n_out=1)
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [("d.sum(axis=1)", "d.sum(axis=1)"), (" d.sum(axis=1)", " d.mean(axis=1)")],
    ids=["right", "wrong"],
)
def test_the_gradient_of_a_single_bias_is_no_loss(right: str, there: str, tmp_path: Path) -> None:
    code, _, said = judged(CURVE.replace(right, there), tmp_path)
    assert code == int(right != there), said
    assert right == there or "mean has to be sum" in said


ONE_WEIGHT = """
import numpy as np

class Neuron:
    def __init__(self, lr=0.1):
        self.w = np.random.random()
        self.lr = lr

    def calcul(self, x):
        return self.w * x

    def calcul_dw(self, x, y):
        return (2 * (self.calcul(x) - y) * x).mean()

    def retropropagation(self, x, y):
        self.w -= self.lr * self.calcul_dw(x, y)
"""


def test_what_gives_the_only_gradient_gives_no_loss(tmp_path: Path) -> None:
    code, _, said = judged(ONE_WEIGHT, tmp_path)
    assert code != 1, said


OUTPUTS = """
import numpy as np

class Network:
    def __init__(self, input_size, hidden_size, output_size, rate=0.1):
        self.rate = rate
        self.w = np.random.randn(input_size, hidden_size)
        self.v = np.random.randn(hidden_size, output_size)

    def forward(self, inputs):
        self.hidden = np.tanh(inputs @ self.w)
        self.output = np.tanh(self.hidden @ self.v)
        return self.output

    def backward(self, inputs, outputs):
        delta = (outputs - self.output) * (1 - self.output ** 2)
        below = delta @ self.v.T * (1 - self.hidden ** 2)
        self.v += self.rate * self.hidden.T @ delta
        self.w += self.rate * inputs.T @ below
"""


def test_inputs_and_outputs_are_pairs_of_samples_and_targets(tmp_path: Path) -> None:
    code, _, said = judged(OUTPUTS, tmp_path)
    assert (code, "by the quadratic cost" in said) == (0, True), said


LATER = """
import numpy as np

class Tagger:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        e = np.exp(x @ self.W)
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, x):
        p = self.forward(x[:-1])
        return -np.log(p[np.arange(len(p)), x[1:].argmax(axis=1) % p.shape[1]]).mean()

    def sgd_step(self, x, y, lr):
        self.W -= lr * x.T @ (self.forward(x) - y) / len(x)
"""


def test_a_loss_of_other_targets_than_those_of_a_step_is_not_its_own(tmp_path: Path) -> None:
    code, _, said = judged(LATER, tmp_path)
    assert code == 0, said


def test_a_network_of_one_input_and_one_output_is_given_such(tmp_path: Path) -> None:
    code, _, said = judged(CURVE.partition("if __name__")[0], tmp_path)
    assert code == 0, said


MARGIN = """
import numpy as np

def svm_loss(w, X, y):
    return np.mean(np.maximum(0, 1 - y * np.dot(X, w)))

def svm_grad(w, X, y):
    dw = np.zeros(w.shape)
    for i, d in enumerate(1 - y * np.dot(X, w)):
        if d > 0:
            dw -= y[i] * X[i]
        else:
            dw += 0 * w
    return dw / len(y)
"""


@pytest.mark.parametrize("there", ["0 * w", "w"])
def test_a_decay_of_some_samples_is_none(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(MARGIN.replace("0 * w", there), tmp_path)
    assert code == int(there == "w"), said
    assert lines[:1] == ["dw += w"] * code


CHANNELS_LAST = """
import numpy as np

def conv_forward(A_prev, W, b, hparameters):
    step, f = hparameters["stride"], W.shape[0]
    (m, height, width, _), n = A_prev.shape, W.shape[3]
    Z = np.zeros((m, (height - f) // step + 1, (width - f) // step + 1, n))
    for i, j in np.ndindex(Z.shape[1:3]):
        part = A_prev[:, i * step:i * step + f, j * step:j * step + f, :]
        Z[:, i, j] = np.tensordot(part, W, 3) + b[0, 0, 0]
    return Z, (A_prev, W, b, hparameters)

def conv_backward(dZ, cache):
    A_prev, W, b, hparameters = cache
    step, f = hparameters["stride"], W.shape[0]
    dA, dW = np.zeros(A_prev.shape), np.zeros(W.shape)
    for i, j in np.ndindex(dZ.shape[1:3]):
        at = np.s_[:, i * step:i * step + f, j * step:j * step + f, :]
        dA[at] += np.tensordot(dZ[:, i, j], W, (1, 3))
        dW += np.tensordot(A_prev[at], dZ[:, i, j], (0, 0))
    return dA, dW, dZ.sum(axis=(0, 1, 2)).reshape(b.shape)
"""


@pytest.mark.parametrize("there", ["dW +=", "dW ="])
def test_a_convolution_may_have_its_channels_last(there: str, tmp_path: Path) -> None:
    code, _, said = judged(CHANNELS_LAST.replace("dW +=", there), tmp_path)
    assert code == int(there == "dW ="), said


RETURNS = """
import numpy as np

def train_logistic_regression(X, y, lr=0.1, steps=100):
    w = np.zeros(X.shape[1])
    b = 0.0
    for _ in range(steps):
        e = 1 / (1 + np.exp(-(X @ w + b))) - y
        w -= lr * X.T @ e / len(y)
        b -= lr * np.sum(e) / len(y)
    return (w, b)
"""


@pytest.mark.parametrize("there", ["np.sum(e)", "np.sum(e**2)"])
def test_a_function_that_returns_the_parameters_that_it_makes_is_judged(
    there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(RETURNS.replace("np.sum(e)", there), tmp_path)
    assert code == int(there != "np.sum(e)"), said
    assert lines[:1] == ["b -= lr * np.sum(e**2) / len(y)"] * code


MASKED = """
import numpy as np

class Factorizer:
    def __init__(self, n_rows, n_cols, rank=3):
        rng = np.random.default_rng(0)
        self.U = rng.normal(size=(n_rows, rank)) * 0.4
        self.V = rng.normal(size=(n_cols, rank)) * 0.4

    def loss(self, R, mask):
        return 0.5 * np.sum(np.where(mask, self.U @ self.V.T - R, 0.0) ** 2)

    def gradients(self, R, mask):
        E = np.where(mask, self.U @ self.V.T - R, 0.0)
        return {"U": E @ self.V, "V": E.T @ self.U}
"""


def test_a_mask_tells_which_entries_of_a_table_are_known(tmp_path: Path) -> None:
    code, _, said = judged(MASKED, tmp_path)
    assert code == 0, said
    error = "E = np.where(mask, self.U @ self.V.T - R, 0.0)"
    code, _, said = judged(MASKED.replace(error, "E = self.U @ self.V.T - R"), tmp_path)
    assert code == 1, said


VOTES = """
import numpy as np

class Films:
    def __init__(self, people, films, width=2):
        rng = np.random.default_rng(7)
        self.people = rng.normal(size=(people, width))
        self.films = rng.normal(size=(films, width))
        self.middle = 0.5

    def score(self, votes):
        return sum((self.middle + self.people[a] @ self.films[b] - v) ** 2 for a, b, v in votes)

    def loss(self, votes):
        return self.score(votes) / len(votes)

    def grad(self, votes):
        dpeople, dfilms, dmiddle = np.zeros_like(self.people), np.zeros_like(self.films), 0.0
        for a, b, v in votes:
            e = 2 * (self.middle + self.people[a] @ self.films[b] - v) / len(votes)
            dmiddle += e
            dpeople[a] += e * self.films[b]
            dfilms[b] += e * self.people[a]
        return dpeople, dfilms, dmiddle
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [
        ("dmiddle += e", "dmiddle += e"),
        ("dmiddle += e", "dmiddle += 2 * e"),
        ("dpeople[a] +=", "dpeople[a] ="),
        ("dfilms[b] +=", "dfilms[b] ="),
    ],
)
def test_samples_may_be_of_a_user_an_item_and_a_number(
    right: str, there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(VOTES.replace(right, there), tmp_path)
    assert code == int(right != there), said
    assert all(there in each for each in lines[:1]), said
    assert "triples, values; loss(votes), grad(votes) gives the gradients" in said


MASKED_LOSS = """
def masked_mse(W, X, Y, mask):
    E = X @ W - Y
    return 0.5 * (mask * E**2).sum(), X.T @ (mask * E)
"""


def test_a_mask_has_the_shape_of_the_targets(tmp_path: Path) -> None:
    code, _, said = judged(MASKED_LOSS, tmp_path)
    assert code == 0, said
    code, _, said = judged(MASKED_LOSS.replace("(mask * E)", "E"), tmp_path)
    assert code == 1, said


GRAPH = """
import numpy as np

class GCN:
    def __init__(self, A_hat, f_in, n_cls):
        self.A, self.W = A_hat, np.random.randn(f_in, n_cls)

    def forward(self, X):
        self.AX = self.A @ X
        z = self.AX @ self.W
        z = z - z.max(axis=1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))

    def loss(self, X, labels, mask):
        logp = self.forward(X)
        return -(mask * logp[np.arange(len(labels)), labels]).sum() / mask.sum()

    def backward(self, X, labels, mask):
        d = np.exp(self.forward(X))
        d[np.arange(len(labels)), labels] -= 1
        return self.AX.T @ (d * mask[:, None] / mask.sum())
"""


def test_the_labels_of_some_nodes_of_a_graph_count(tmp_path: Path) -> None:
    code, _, said = judged(GRAPH, tmp_path)
    assert (code, "1 gradient, all right" in said) == (0, True), said
    code, _, said = judged(GRAPH.replace("mask[:, None] / mask.sum()", "1 / len(X)"), tmp_path)
    assert (code, "wrong: the gradient of W" in said) == (1, True), said


TOKENS = """
import numpy as np

class BagOfWords:
    def __init__(self, vocab_size, dim, n_classes):
        rng = np.random.default_rng(0)
        self.E = rng.normal(size=(vocab_size, dim))
        self.V = rng.normal(size=(dim, n_classes))

    def loss_and_grads(self, tokens, labels):
        n, length = tokens.shape
        mean = self.E[tokens].mean(axis=1)
        z = mean @ self.V
        e = np.exp(z - z.max(axis=1, keepdims=True))
        d = e / e.sum(axis=1, keepdims=True)
        loss = -np.mean(np.log(d[np.arange(n), labels]))
        d[np.arange(n), labels] -= 1.0
        d /= n
        dE = np.zeros_like(self.E)
        np.add.at(dE, tokens, np.repeat((d @ self.V.T)[:, None, :] / length, length, axis=1))
        return loss, {"E": dE, "V": mean.T @ d}
"""


def test_a_sample_may_be_a_row_of_words(tmp_path: Path) -> None:
    code, _, said = judged(TOKENS, tmp_path)
    assert code == 0, said
    code, lines, said = judged(TOKENS.replace("np.add.at(dE, tokens,", "dE[tokens] += ("), tmp_path)
    assert (code, lines[0][:13]) == (1, "dE[tokens] +="), said


CONVOLUTION = """
import numpy as np

class Convolution:
    def __init__(self, nb_filtres, nb_canaux, taille):
        self.W = np.random.RandomState(3).normal(0, 0.3, (nb_filtres, nb_canaux, taille))

    def forward(self, x):
        n, _, length = x.shape
        f, _, k = self.W.shape
        self.x = x
        out = np.zeros((n, f, length - k + 1))
        for i in range(length - k + 1):
            out[:, :, i] = np.einsum("nck,fck->nf", x[:, :, i:i + k], self.W)
        return out

    def backward(self, dout):
        k = self.W.shape[2]
        self.dW, dx = np.zeros_like(self.W), np.zeros_like(self.x)
        for i in range(dout.shape[2]):
            self.dW += np.einsum("nf,nck->fck", dout[:, :, i], self.x[:, :, i:i + k])
            dx[:, :, i:i + k] += np.einsum("nf,fck->nck", dout[:, :, i], self.W)
        return dx
"""


def test_filters_may_come_before_channels_by_any_name(tmp_path: Path) -> None:
    code, _, said = judged(CONVOLUTION, tmp_path)
    assert code == 0, said
    code, lines, said = judged(CONVOLUTION.replace("i:i + k] += np", "i:i + k] = np"), tmp_path)
    assert (code, lines[0][:19]) == (1, "dx[:, :, i:i + k] ="), said


RIDGE = """
import numpy as np

class Ridge:
    def __init__(self, n_in, n_out, beta=0.3):
        self.W, self.b = np.random.default_rng(1).normal(size=(n_in, n_out)), np.zeros(n_out)
        self.beta = beta

    def cost(self, X, Y):
        R = X @ self.W + self.b - Y
        J = 0.5 * np.sum(R**2) / len(X) + 0.5 * self.beta * np.sum(self.W**2)
        return J, {"W": X.T @ R / len(X) + self.beta * self.W, "b": R.sum(axis=0) / len(X)}
"""


def test_a_number_that_multiplies_is_no_bias(tmp_path: Path) -> None:
    code, _, said = judged(RIDGE, tmp_path)
    assert (code, "parameters W, b" in said) == (0, True), said
    code, _, said = judged(RIDGE.replace("+ self.beta * self.W", ""), tmp_path)
    assert code == 1, said


LISTS = """
import numpy as np

class Red:
    def __init__(self, estructura):
        self.pesos = [np.random.randn(n, k) for n, k in zip(estructura[1:], estructura[:-1])]
        self.sesgos = [np.random.randn(n, 1) for n in estructura[1:]]

    def retropropagacion(self, x, y):
        a = [x]
        for p, s in zip(self.pesos, self.sesgos):
            a.append(1.0 / (1.0 + np.exp(-(np.dot(p, a[-1]) + s))))
        delta = (a[-1] - y) * a[-1] * (1 - a[-1])
        nablaP, nablaS = [], []
        for capa in range(1, len(self.pesos) + 1):
            nablaP.insert(0, np.dot(delta, a[-1 - capa].T))
            nablaS.insert(0, delta)
            delta = np.dot(self.pesos[-capa].T, delta) * a[-1 - capa] * (1 - a[-1 - capa])
        return nablaP, nablaS
"""


def test_parameters_whose_names_say_nothing_have_the_shapes_of_gradients(tmp_path: Path) -> None:
    code, _, said = judged(LISTS, tmp_path)
    assert (code, "4 gradients, all right" in said) == (0, True), said
    wrong = "delta = np.dot(self.pesos[-capa].T, delta)"
    code, lines, said = judged(LISTS.replace("delta) * a[-1 - capa]", "delta)"), tmp_path)
    assert (code, lines[:1]) == (1, [f"{wrong} * (1 - a[-1 - capa])"]), said


ONE_VECTOR = """
import numpy as np

def NAME(x, W1, b1, W2, b2, y_true):
    z1 = x @ W1.T + b1
    a1 = np.maximum(0, z1)
    z2 = a1 @ W2.T + b2
    d = 2 * (z2 - y_true) / len(y_true)
    dz1 = (d @ W2) * (z1 > 0)
    loss = np.mean((z2 - y_true) ** 2)
    return {"loss": loss, "dW1": np.outer(dz1, x), "db1": dz1, "dW2": np.outer(d, a1), "db2": d}
"""


@pytest.mark.parametrize("name", ["forward_and_backward", "loss_and_gradients"])
def test_a_loss_may_be_in_a_dict_with_its_gradients(name: str, tmp_path: Path) -> None:
    source = ONE_VECTOR.replace("NAME", name)
    code, _, said = judged(source, tmp_path)
    assert (code, "judged by" in said) == (0, False), said
    code, lines, said = judged(source.replace(" * (z1 > 0)", ""), tmp_path)
    assert (code, lines[:1]) == (1, ["dz1 = (d @ W2)"]), said


IMAGE = """
import numpy as np

def conv_forward(x, filters, biases):
    h, w, c = x.shape
    f, k, _, _ = filters.shape
    out = np.zeros((h - k + 1, w - k + 1, f))
    for i in range(h - k + 1):
        for j in range(w - k + 1):
            for n in range(f):
                out[i, j, n] = np.sum(x[i:i + k, j:j + k, :] * filters[n]) + biases[n]
    return out, (x, filters)

def conv_backward(d_output, cache):
    x, filters = cache
    k = filters.shape[1]
    dx, dw = np.zeros_like(x), np.zeros_like(filters)
    for i in range(d_output.shape[0]):
        for j in range(d_output.shape[1]):
            for n in range(d_output.shape[2]):
                dx[i:i + k, j:j + k, :] += d_output[i, j, n] * filters[n]
                dw[n] += d_output[i, j, n] * x[i:i + k, j:j + k, :]
    return dx, dw, d_output.sum(axis=(0, 1))
"""


def test_a_convolution_may_be_of_one_image(tmp_path: Path) -> None:
    code, _, said = judged(IMAGE, tmp_path)
    assert code == 0, said
    code, lines, said = judged(IMAGE.replace("dw[n] +=", "dw[n] ="), tmp_path)
    assert (code, lines[0][:7]) == (1, "dw[n] ="), said


NEURON = """
import numpy as np

class Neuron:
    def train(self, X, Y):
        self.w = np.random.randn(X.shape[1])
        self.b = 0.5
        for epoch in range(50):
            z = X @ self.w + self.b
            p = 1 / (1 + np.exp(-z))
            delta = (p - Y) * p * (1 - p)
            self.w -= 0.1 * X.T @ delta
            self.b -= 0.1 * np.sum(delta)
"""


@pytest.mark.parametrize("first", ["0.5", "1", "-1.5", "np.random.randn() * 0.01"])
def test_a_number_that_training_makes_and_moves_is_a_parameter(first: str, tmp_path: Path) -> None:
    source = NEURON.replace("0.5", first)
    code, _, said = judged(source, tmp_path)
    assert (code, "parameters w, b" in said) == (0, True), said
    code, lines, said = judged(source.replace("self.b -=", "self.b +="), tmp_path)
    assert (code, lines[0][:9]) == (1, "self.b +="), said


PERCEPTRON = """
import math
import random

class Perceptron:
    def fit(self, X, y, lr=0.1, epochs=10):
        self.weights = [random.uniform(-1, 1) for _ in range(len(X[0]))]
        self.bias = random.uniform(-1, 1)
        for _ in range(epochs):
            for xi, target in zip(X, y):
                z = sum(w * v for w, v in zip(self.weights, xi)) + self.bias
                error = 1 / (1 + math.exp(-z)) - target
                for j in range(len(self.weights)):
                    self.weights[j] -= lr * error * xi[j]
                self.bias -= lr * error
"""


def test_the_numbers_of_a_list_that_training_makes_are_parameters(tmp_path: Path) -> None:
    code, _, said = judged(PERCEPTRON, tmp_path)
    assert (code, "7 gradients" in said) == (0, True), said
    code, lines, said = judged(PERCEPTRON.replace("bias -=", "bias +="), tmp_path)
    assert (code, lines[0][:12]) == (1, "self.bias +="), said


SLOPE = """
class Line:
    def fit(self, xs, ys):
        self.m: float = 0
        self.c = 0.25
        n = len(xs)
        for _ in range(4):
            loss = 0
            for x, y in zip(xs, ys):
                loss += (self.m * x + self.c - y) ** 2 / n
            self.loss = loss
            dm = sum((self.m * x + self.c - y) * x for x, y in zip(xs, ys)) / n
            dc = sum(self.m * x + self.c - y for x, y in zip(xs, ys)) / n
            self.m -= 0.01 * dm
            self.c -= 0.01 * dc
"""


ONE_ZERO = "self.m: float = 0\n        self.c = 0.25", "self.m = self.c = 0"


def test_a_line_through_points_is_judged_whatever_its_numbers_are_called(tmp_path: Path) -> None:
    code, _, said = judged(SLOPE, tmp_path)
    assert (code, "parameters m, c" in said) == (0, True), said
    for right, wrong in (("self.m -=", "self.m +="), ("self.c -=", "self.c +=")):
        code, lines, said = judged(SLOPE.replace(right, wrong), tmp_path)
        assert (code, lines[0][:9]) == (1, wrong), said
    code, _, said = judged(SLOPE.replace(*ONE_ZERO), tmp_path)
    assert (code, "parameters m, c" in said) == (0, True), said
    code, lines, said = judged(SLOPE.replace(" - y) * x for", " - y) for"), tmp_path)
    assert (code, lines[0][:6]) == (1, "dm = s"), said


SAMPLES = """
import numpy as np

def init():
    return np.random.rand(), np.random.rand()

def train(xs, ys, lr=0.01, epochs=100):
    slope, intercept = init()
    history = []
    for epoch in range(epochs):
        total = 0
        for x, y in zip(xs, ys):
            error = slope * x + intercept - y
            slope, intercept = slope - lr * error * x, intercept - lr * error
            total += error ** 2
        history.append(total / len(xs))
    return slope, intercept, history
"""


def test_a_function_that_trains_may_be_given_two_numbers_by_another(tmp_path: Path) -> None:
    code, _, said = judged(SAMPLES, tmp_path)
    assert (code, "parameters slope, intercept" in said) == (0, True), said
    code, lines, said = judged(SAMPLES.replace("intercept - lr", "intercept + lr"), tmp_path)
    assert (code, lines[0][:18]) == (1, "slope, intercept ="), said


RATES = """
import numpy as np

class Linear:
    def __init__(self, n_in):
        self.W = np.random.randn(n_in, 3)
        self.rates = [0.1 / (1 + k) for k in range(800)]

    def train(self, X, Y):
        for rate in self.rates:
            self.W -= rate * X.T @ (X @ self.W - Y) / len(X)
"""


def test_a_class_may_hold_more_numbers_than_a_step_has_operations(tmp_path: Path) -> None:
    code, _, said = judged(RATES, tmp_path)
    assert (code, "parameters W" in said) == (0, True), said


LISTS_OF_NUMBERS = """
import math
import random

class PureNet:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1 = [[random.gauss(0, 0.5) for _ in range(n_in)] for _ in range(n_hidden)]
        self.W2 = [[random.gauss(0, 0.5) for _ in range(n_hidden)] for _ in range(n_out)]
        self.b2 = [0.1] * n_out

    def forward(self, x):
        self.h = [math.tanh(sum(w * v for w, v in zip(row, x))) for row in self.W1]
        rows = zip(self.W2, self.b2)
        return [sum(w * v for w, v in zip(row, self.h)) + b for row, b in rows]

    def backward(self, x, t):
        err = [yi - ti for yi, ti in zip(self.forward(x), t)]
        dW2 = [[e * v for v in self.h] for e in err]
        delta = []
        for j, v in enumerate(self.h):
            back = sum(err[k] * self.W2[k][j] for k in range(len(err)))
            delta.append(back * (1 - v * v))
        dW1 = [[d * v for v in x] for d in delta]
        return dW1, dW2, list(err)
"""


def test_gradients_in_lists_are_those_of_the_numbers_in_lists(tmp_path: Path) -> None:
    code, _, said = judged(LISTS_OF_NUMBERS, tmp_path)
    assert (code, "48 gradients" in said) == (0, True), said
    code, lines, said = judged(LISTS_OF_NUMBERS.replace("(1 - v * v)", "v * (1 - v)"), tmp_path)
    assert (code, lines[0][:12]) == (1, "delta.append"), said


COUNTED = """
class Net:
    def __init__(self, n_in):
        self.w = [0.1 * (i + 1) for i in range(n_in)]
        self.b = 0.2

    def train(self, X, y, lr=0.1, step=1):
        at = 0
        while at < len(X):
            row, out, k = X[at], self.b, 0
            while k < len(self.w):
                out += self.w[k] * row[k]
                k += step
            e = out - y[at]
            for k in range(len(self.w)):
                self.w[k] -= lr * e * row[k]
            self.b -= lr * e
            at += step
"""


def test_a_number_that_counts_may_be_an_index(tmp_path: Path) -> None:
    code, _, said = judged(COUNTED, tmp_path)
    assert (code, "7 gradients" in said) == (0, True), said


SCHEDULE = """
class Line:
    def fit(self, xs, ys):
        self.slope = 0.5
        self.offset = 1.5
        self.step = 0.1
        self.average = 0.0
        for _ in range(2):
            for x, y in zip(xs, ys):
                error = self.slope * x + self.offset - y
                self.average += 0.1 * (error**2 - self.average)
                self.slope -= self.step * error * x
                self.offset -= self.step * error
            self.step -= 0.01 * self.step
"""


def test_a_rate_and_a_running_mean_that_are_moved_are_no_parameters(tmp_path: Path) -> None:
    code, _, said = judged(SCHEDULE, tmp_path)
    assert (code, "parameters slope, offset" in said) == (0, True), said


SAME_LIST = """
import random

class Unit:
    def __init__(self):
        self.w = None

    def weights(self):
        return self.w

    def fit(self, X, y, lr=0.1):
        self.w = [random.random() for _ in X[0]]
        for row, target in zip(X, y):
            w = self.weights()
            error = sum(a * b for a, b in zip(w, row)) - target
            for k in range(len(w)):
                w[k] -= lr * error * row[k]
"""


def test_a_list_that_is_moved_stays_the_list_that_is_held(tmp_path: Path) -> None:
    code, _, said = judged(SAME_LIST, tmp_path)
    assert (code, "6 gradients" in said) == (0, True), said


GATED = """
import numpy as np

class Experts:
    def __init__(self, d, k, n_experts):
        self.E = np.random.randn(n_experts, d, k)
        self.G = np.random.randn(d, n_experts)

    def forward(self, X):
        z = np.exp(X @ self.G)
        self.X, self.gate = X, z / z.sum(axis=-1, keepdims=True)
        self.outs = np.einsum("nd,edk->nek", X, self.E)
        self.y = np.einsum("ne,nek->nk", self.gate, self.outs)
        return self.y

    def loss(self, X, T):
        return 0.5 * np.sum((self.forward(X) - T) ** 2)

    def backward(self, X, T):
        dy = self.forward(X) - T
        dgate = np.einsum("nk,nek->ne", dy, self.outs)
        dE = np.einsum("nd,nek->edk", X, np.einsum("ne,nk->nek", self.gate, dy))
        dz = self.gate * (dgate - np.sum(self.gate * dgate, axis=1, keepdims=True))
        return dE, X @ dz
"""


def test_what_fails_for_several_of_each_is_not_cleared_by_one_of_each(tmp_path: Path) -> None:
    code, _, said = judged(GATED, tmp_path)
    assert (code, "backward: ValueError: matmul" in said) == (3, True), said
    assert "net.py:24" in said


ELMAN = """
import numpy as np

class ElmanRNN:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wx = np.random.randn(n_in, n_hidden) * 0.3
        self.Wh = np.random.randn(n_hidden, n_hidden) * 0.3
        self.Wy = np.random.randn(n_hidden, n_out) * 0.3

    def forward(self, x):
        self.x = x
        self.hs = [np.zeros((x.shape[1], self.Wh.shape[0]))]
        for t in range(len(x)):
            self.hs.append(np.tanh(x[t] @ self.Wx + self.hs[-1] @ self.Wh))
        self.out = self.hs[-1] @ self.Wy
        return self.out

    def loss(self, x, y):
        return np.mean((self.forward(x) - y) ** 2)

    def backward(self, y):
        d = 2 * (self.out - y) / y.size
        self.dWy = self.hs[-1].T @ d
        self.dWx, self.dWh = np.zeros_like(self.Wx), np.zeros_like(self.Wh)
        dh = d @ self.Wy.T
        for t in reversed(range(len(self.x))):
            dz = dh * (1 - self.hs[t + 1] ** 2)
            self.dWx += self.x[t].T @ dz
            self.dWh += self.hs[t].T @ dz
            dh = dz @ self.Wh.T
"""
SAMPLES_FIRST = {
    "(x.shape[1]": "(len(x)",
    "(len(x))": "(x.shape[1])",
    "(len(self.x))": "(self.x.shape[1])",
    "x[t]": "x[:, t]",
}
SUMMED = {"np.mean(": "0.5 * np.sum(", "2 * (self.out - y) / y.size": "self.out - y"}
EACH_STEP = {
    "self.hs[-1] @ self.Wy": "np.array([h @ self.Wy for h in self.hs[1:]])",
    "self.hs[-1].T @ d": "sum(h.T @ e for h, e in zip(self.hs[1:], d))",
    "dh = d @ self.Wy.T": "dh = 0",
    "dz = dh": "dz = (dh + d[t] @ self.Wy.T)",
}


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({}, "steps of samples, one-hot;"),
        (SUMMED, "steps of samples, one-hot;"),
        (SAMPLES_FIRST, "samples of steps, one-hot;"),
        (EACH_STEP, "one-hot at each step;"),
    ],
)
@pytest.mark.parametrize("there", ["(1 - self.hs[t + 1] ** 2)", "(1 - self.hs[t + 1])"])
def test_samples_of_steps_are_no_rows_whose_targets_are_compared_with_more_outputs(
    changes: dict[str, str], known: str, there: str, tmp_path: Path
) -> None:
    source = ELMAN
    for old, new in changes.items():
        source = source.replace(old, new)
    source = source.replace("(1 - self.hs[t + 1] ** 2)", there)
    code, lines, said = judged(source, tmp_path)
    assert (code, known in said) == (int("**" not in there), True), said
    assert all(there in each for each in lines[:1]), said


ONE_ANSWER = """
import numpy as np

class Spam:
    def __init__(self, n_features, n_state):
        rng = np.random.default_rng(4)
        self.enter = rng.normal(size=(n_features, n_state)) / 2
        self.W = rng.normal(size=(n_state, n_state)) / 2
        self.leave = rng.normal(size=n_state)

    def __call__(self, mails):
        self.mails, s = mails, np.zeros((len(mails), len(self.leave)))
        self.s = [s]
        for k in range(mails.shape[1]):
            s = np.tanh(mails[:, k] @ self.enter + s @ self.W)
            self.s.append(s)
        self.p = 1 / (1 + np.exp(-s @ self.leave))
        return self.p

    def loss(self, y):
        return -np.mean(y * np.log(self.p) + (1 - y) * np.log(1 - self.p))

    def backward(self, y):
        e = (self.p - y) / len(y)
        g = {"enter": 0, "W": 0, "leave": e @ self.s[-1]}
        d = np.outer(e, self.leave)
        for k in reversed(range(self.mails.shape[1])):
            d = d * (1 - self.s[k + 1] ** 2)
            g["enter"] = g["enter"] + self.mails[:, k].T @ d
            g["W"] = g["W"] + self.s[k].T @ d
            d = d @ self.W.T
        return g
"""


@pytest.mark.parametrize("there", ["d @ self.W.T", "d @ self.W"])
def test_each_sequence_may_have_one_number_for_a_target(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(ONE_ANSWER.replace("d @ self.W.T", there), tmp_path)
    assert code == int(there == "d @ self.W"), said
    assert all("d = d @ self.W" in each for each in lines[:1]), said
    assert "samples of steps, a flat array of values" in said


FORECAST = """
import numpy as np

class Forecast:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(1)
        self.Wx = rng.normal(size=(n_hidden, n_in)) / 2
        self.Wh = rng.normal(size=(n_hidden, n_hidden)) / 2
        self.Wy = rng.normal(size=(n_out, n_hidden)) / 2
        self.bh = np.zeros((n_hidden, 1))

    def forward(self, series):
        self.h, self.x, outputs = [np.zeros_like(self.bh)], series, []
        for x in series:
            self.h.append(np.tanh(self.Wx @ x + self.Wh @ self.h[-1] + self.bh))
            outputs.append(self.Wy @ self.h[-1])
        return outputs

    def loss(self, outputs, targets):
        return sum(0.5 * np.sum((o - t) ** 2) for o, t in zip(outputs, targets))

    def backward(self, outputs, targets):
        g = {k: np.zeros_like(getattr(self, k)) for k in ("Wx", "Wh", "Wy", "bh")}
        back = np.zeros_like(self.bh)
        for t in reversed(range(len(targets))):
            d = outputs[t] - targets[t]
            g["Wy"] += d @ self.h[t + 1].T
            dz = (self.Wy.T @ d + back) * (1 - self.h[t + 1] ** 2)
            g["Wx"] += dz @ self.x[t].T
            g["Wh"] += dz @ self.h[t].T
            g["bh"] += dz
            back = self.Wh.T @ dz
        return g
"""


@pytest.mark.parametrize("laid", ["column", "row"])
@pytest.mark.parametrize("there", ["+ back)", "- back)"])
def test_each_step_of_a_sequence_may_have_an_output_in_a_list(
    there: str, laid: str, tmp_path: Path
) -> None:
    source = FORECAST.replace("+ back)", there)
    for old, new in ROWS_OF_STEPS.items() if laid == "row" else ():
        source = source.replace(old, new)
    code, lines, said = judged(source, tmp_path)
    assert code == int(there == "- back)"), said
    assert all("back)" in each for each in lines[:1]), said
    assert f"one sequence of {laid}s, one-hot at each step" in said


ROWS_OF_STEPS = {
    "(n_hidden, 1)": "(1, n_hidden)",
    "self.Wx @ x + self.Wh @ self.h[-1]": "x @ self.Wx.T + self.h[-1] @ self.Wh.T",
    "self.Wy @ self.h[-1]": "self.h[-1] @ self.Wy.T",
    "d @ self.h[t + 1].T": "d.T @ self.h[t + 1]",
    "self.Wy.T @ d": "d @ self.Wy",
    "dz @ self.x[t].T": "dz.T @ self.x[t]",
    "dz @ self.h[t].T": "dz.T @ self.h[t]",
    "self.Wh.T @ dz": "dz @ self.Wh",
}


CHARACTERS = """
import numpy as np

n_chars, n_state = 7, 9

def init_weights(seed=1):
    r = np.random.RandomState(seed)
    return {
        "Wxh": r.randn(n_state, n_chars) * 0.3,
        "Whh": r.randn(n_state, n_state) * 0.3,
        "Why": r.randn(n_chars, n_state) * 0.3,
    }

def loss_fun(weights, inputs, targets, hprev):
    hs, ps, loss = {-1: np.copy(hprev)}, {}, 0.0
    for t in range(len(inputs)):
        hs[t] = np.tanh(weights["Wxh"][:, [inputs[t]]] + weights["Whh"] @ hs[t - 1])
        e = np.exp(weights["Why"] @ hs[t])
        ps[t] = e / np.sum(e)
        loss += -np.log(ps[t][targets[t], 0])
    grads = {k: np.zeros_like(w) for k, w in weights.items()}
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        grads["Why"] += dy @ hs[t].T
        draw = (1 - hs[t] ** 2) * (weights["Why"].T @ dy + dhnext)
        grads["Wxh"][:, [inputs[t]]] += draw
        grads["Whh"] += draw @ hs[t - 1].T
        dhnext = weights["Whh"].T @ draw
    return loss, grads, hs[len(inputs) - 1]
"""


@pytest.mark.parametrize("there", ["@ hs[t - 1].T", "@ hs[t].T"])
def test_a_state_that_is_handed_over_is_as_wide_as_the_square_weights(
    there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(CHARACTERS.replace("@ hs[t - 1].T", there), tmp_path)
    assert code == int(there == "@ hs[t].T"), said
    assert all("Whh" in each for each in lines[:1]), said


NOISE = """
import numpy as np

class VAE:
    def __init__(self, n_x=8, n_h=6, n_z=2):
        rng = np.random.default_rng(0)
        self.W, self.V = rng.normal(size=(n_x, n_h)), rng.normal(size=(n_h, n_z))
        self.S, self.U = rng.normal(size=(n_h, n_z)), rng.normal(size=(n_z, n_x))

    def forward(self, x, eps):
        h = np.tanh(x @ self.W)
        std = np.exp(0.5 * h @ self.S)
        z = h @ self.V + std * eps
        self.cache = x, eps, h, std, z
        return z @ self.U

    def loss(self, x, eps):
        self.y = self.forward(x, eps)
        return 0.5 * np.sum((self.y - x) ** 2) / len(x)

    def backward(self):
        x, eps, h, std, z = self.cache
        d = (self.y - x) / len(x)
        dz = d @ self.U.T
        ds = dz * eps * 0.5 * std
        dh = (dz @ self.V.T + ds @ self.S.T) * (1 - h ** 2)
        return {"U": z.T @ d, "V": h.T @ dz, "S": h.T @ ds, "W": x.T @ dh}
"""


@pytest.mark.parametrize("there", ["eps * 0.5 * std", "eps * std"])
def test_a_network_whose_sizes_have_defaults_is_no_loss(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(NOISE.replace("eps * 0.5 * std", there), tmp_path)
    assert code == int(there == "eps * std"), said
    assert all("ds =" in each for each in lines[:1]), said


TWO_INPUTS = """
import numpy as np

class SiameseNet:
    def __init__(self, d_in, d_hidden, d_embed, margin=1.5):
        self.margin = margin
        self.W1 = 0.5 * np.random.randn(d_in, d_hidden)
        self.W2 = 0.5 * np.random.randn(d_hidden, d_embed)

    def embed(self, x):
        h = np.tanh(x @ self.W1)
        return h @ self.W2, (x, h)

    def loss(self, xa, xb, same):
        ea, self.cache_a = self.embed(xa)
        eb, self.cache_b = self.embed(xb)
        self.diff, self.same = ea - eb, same
        self.dist = np.sqrt(np.sum(self.diff ** 2, axis=1))
        self.gap = np.maximum(0.0, self.margin - self.dist)
        return 0.5 * np.mean(same * self.dist ** 2 + (1 - same) * self.gap ** 2)

    def _back(self, cache, de):
        x, h = cache
        return x.T @ ((de @ self.W2.T) * (1 - h ** 2)), h.T @ de

    def backward(self):
        ddist = self.same * self.dist - (1 - self.same) * self.gap
        ddiff = ddist[:, None] * self.diff / self.dist[:, None] / len(self.same)
        ga, gb = self._back(self.cache_a, ddiff), self._back(self.cache_b, -ddiff)
        self.dW1, self.dW2 = [a + b for a, b in zip(ga, gb)]
"""


@pytest.mark.parametrize("there", ["self.dist - (1", "self.dist + (1"])
def test_a_loss_may_be_of_pairs_of_inputs(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(TWO_INPUTS.replace("self.dist - (1", there), tmp_path)
    assert code == int(there == "self.dist + (1"), said
    assert all("ddist =" in each for each in lines[:1]), said


TRIPLETS = """
import numpy as np

class FaceNet:
    def __init__(self, d_in, d_embed, margin=1.0):
        self.margin, self.W = margin, 0.5 * np.random.randn(d_in, d_embed)

    def embed(self, x):
        return np.tanh(x @ self.W)

    def pair_loss(self, xa, xb, same):
        ea, eb = self.embed(xa), self.embed(xb)
        dist = np.sqrt(np.sum((ea - eb) ** 2, axis=1))
        gap = np.maximum(0.0, self.margin - dist)
        g = (same * dist - (1 - same) * gap) / dist / len(same)
        g = g[:, None] * (ea - eb)
        dW = xa.T @ (g * (1 - ea ** 2)) - xb.T @ (g * (1 - eb ** 2))
        return 0.5 * np.mean(same * dist ** 2 + (1 - same) * gap ** 2), {"W": dW}

    def triplet_loss(self, anchor, pos, neg):
        ea, ep, en = self.embed(anchor), self.embed(pos), self.embed(neg)
        gap = np.sum((ea - ep) ** 2, axis=1) - np.sum((ea - en) ** 2, axis=1) + self.margin
        on = 2 * (gap > 0)[:, None] / len(gap)
        dW = anchor.T @ (on * (en - ep) * (1 - ea ** 2))
        dW -= pos.T @ (on * (ea - ep) * (1 - ep ** 2))
        dW += neg.T @ (on * (ea - en) * (1 - en ** 2))
        return np.mean(np.maximum(gap, 0.0)), {"W": dW}
"""


@pytest.mark.parametrize("there", ["(en - ep)", "(ea - ep)", "/ dist / len"])
def test_each_method_that_gives_a_loss_and_gradients_is_judged(there: str, tmp_path: Path) -> None:
    wrong = TRIPLETS.replace("(en - ep)", there, 1)
    if "dist" in there:
        wrong = TRIPLETS.replace(there, "/ len")
    code, _, said = judged(wrong, tmp_path)
    assert code == int(wrong != TRIPLETS), said
    assert code or ("pair_loss(" in said and "triplet_loss(" in said), said
    assert code or "not tried" not in said, said


DROPPED = """
import numpy as np

def initialize(layer_dims):
    rng = np.random.default_rng(3)
    return {f"W{i}": rng.normal(size=(layer_dims[i], layer_dims[i - 1])) for i in (1, 2)}

def forward(X, parameters, keep_prob=1.0):
    H = np.tanh(parameters["W1"] @ X)
    D = np.random.rand(*H.shape) < keep_prob
    A = H * D / keep_prob
    return parameters["W2"] @ A, (H, D, A)

def compute_cost(AL, Y):
    return 0.5 * np.sum((AL - Y) ** 2) / Y.shape[1]

def backward(AL, Y, X, cache, parameters, keep_prob=1.0):
    H, D, A = cache
    dZ = (AL - Y) / Y.shape[1]
    dH = parameters["W2"].T @ dZ * D / keep_prob
    return {"dW1": (dH * (1 - H ** 2)) @ X.T, "dW2": dZ @ A.T}
"""


def test_neurons_are_dropped_where_a_program_may_be_told_to(tmp_path: Path) -> None:
    code, _, said = judged(DROPPED, tmp_path)
    assert (code, "keep_prob=0.75" in said) == (0, True), said
    code, lines, said = judged(
        DROPPED.replace("* D / keep_prob\n    return {", "* D\n    return {"), tmp_path
    )
    assert code == 1, said
    assert "dH = " in lines[0]


def test_a_second_pass_drops_other_neurons(tmp_path: Path) -> None:
    twice = DROPPED.replace("Y, X, cache, parameters", "Y, X, parameters")
    twice = twice.replace("H, D, A = cache", "AL, (H, D, A) = forward(X, parameters, keep_prob)")
    code, _, said = judged(twice, tmp_path)
    assert (code, "keep_prob other than 1 is not tried" in said) == (0, True), said


def test_that_no_neurons_are_dropped_is_said(tmp_path: Path) -> None:
    given = DROPPED.replace("np.random.rand(*H.shape) < keep_prob", "masks[0]")
    given = given.replace("forward(X, parameters, keep", "forward(X, parameters, masks=None, keep")
    given = given.replace("D = masks[0]", "D = 1.0 if keep_prob == 1 else masks[0]")
    assert "note: keep_prob other than 1 is not tried" in judged(given, tmp_path)[2]


GAIN = """
import numpy as np

class GainNet:
    def __init__(self, input_dim=5, hidden_dim=6, num_classes=3):
        self.params = {
            "W1": 0.5 * np.random.randn(input_dim, hidden_dim),
            "g": np.ones(hidden_dim),
            "W2": 0.5 * np.random.randn(hidden_dim, num_classes),
        }

    def loss(self, X, y=None):
        W1, g, W2 = self.params["W1"], self.params["g"], self.params["W2"]
        t = np.tanh(X @ W1)
        h = g * t
        scores = h @ W2
        if y is None:
            return scores
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(X)), y]).mean()
        d = p.copy()
        d[np.arange(len(X)), y] -= 1
        d /= len(X)
        dh = d @ W2.T
        dt = dh * g
        grads = {"W2": h.T @ d, "g": (dh * t).sum(axis=0), "W1": X.T @ (dt * (1 - t ** 2))}
        return loss, grads
"""


@pytest.mark.parametrize("there", ["dt = dh * g", "dt = dh"], ids=["right", "wrong"])
def test_a_parameter_that_begins_as_ones_and_has_a_gradient_is_generic(
    there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(GAIN.replace("dt = dh * g", there), tmp_path)
    assert code == int(there == "dt = dh"), said
    assert lines[:1] == [there] * code


FED = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros((1, n_hidden))
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros((1, n_out))
        self.fed = {"x": None, "y": None}

    def feed(self, values):
        self.fed.update(values)

    def forward(self):
        self.h = np.tanh(self.fed["x"] @ self.W1 + self.b1)
        self.p = 1 / (1 + np.exp(-(self.h @ self.W2 + self.b2)))

    def compute_loss(self):
        y = self.fed["y"]
        return -np.mean(y * np.log(self.p + 1e-6) + (1 - y) * np.log(1 - self.p + 1e-6))

    def backward(self):
        d2 = (self.p - self.fed["y"]) / len(self.p)
        self.grad_W2, self.grad_b2 = self.h.T @ d2, d2.sum(0, keepdims=True)
        dh = d2 @ self.W2.T
        d1 = dh * (1 - self.h ** 2)
        self.grad_W1 = self.fed["x"].T @ d1
        self.grad_b1 = d1.sum(0, keepdims=True)

    def update(self, learning_rate=1e-3):
        for name in ("W1", "b1", "W2", "b2"):
            moved = getattr(self, name) - learning_rate * getattr(self, "grad_" + name)
            setattr(self, name, moved)
"""


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_data_are_fed_where_an_object_has_none_and_an_epsilon_hides_no_number_of_outputs(
    wrong: bool, tmp_path: Path
) -> None:
    right, line = "self.grad_b1 = d1.sum(", "self.grad_b1 = dh.sum(0, keepdims=True)"
    source = FED.replace(right, "self.grad_b1 = dh.sum(") if wrong else FED
    code, lines, said = judged(source, tmp_path)
    assert (code, lines[:1]) == (int(wrong), [line] if wrong else []), said
    assert wrong or "right for one output" in said


BEFORE_IT_IS_FED = """
import numpy as np

class Perceptron:
    def __init__(self):
        self.inputs, self.targets = 0, 0
        self.w_hidden = np.random.rand(4, 6)
        self.w_out = np.random.rand(6, 3)

    def feed_forward(self):
        self.hidden = np.tanh(self.inputs @ self.w_hidden)
        self.guess = 1 / (1 + np.exp(-(self.hidden @ self.w_out)))

    def move_w_out(self):
        d = (self.targets - self.guess) * self.guess * (1 - self.guess)
        self.w_out += 0.1 * self.hidden.T @ d

    def move_w_hidden(self):
        d = (self.targets - self.guess) * self.guess * (1 - self.guess)
        self.w_hidden += 0.1 * self.inputs.T @ (d @ self.w_out.T * (1 - self.hidden ** 2))

    def backprop(self):
        self.move_w_hidden()
        self.move_w_out()
"""


def test_data_are_fed_where_an_object_begins_with_0_for_them(tmp_path: Path) -> None:
    code, _, said = judged(BEFORE_IT_IS_FED, tmp_path)
    assert (code, "backprop() updates" in said, "move_w_out" in said) == (0, True, False), said
    source = BEFORE_IT_IS_FED.replace("(1 - self.hidden ** 2)", "(1 - self.hidden)")
    code, lines, said = judged(source, tmp_path)
    assert (code, lines[0][:16]) == (1, "self.w_hidden +="), said


CLIPPED_SUMS = """
import numpy as np

class Ranker:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.c = np.zeros(n_out)

    def forward(self, X):
        return X @ self.W + self.c

    def backward(self, X, Y, lr=0.01):
        d = self.forward(X) - Y
        dW, dc = X.T @ d, d.sum(axis=0)
        for param, grad in ((self.W, dW), (self.c, dc)):
            np.clip(grad, -0.5, 0.5, out=grad)
            param -= lr * grad / len(X)
"""


def test_a_sum_may_be_clipped_before_it_is_divided_by_the_number_of_samples(tmp_path: Path) -> None:
    code, _, said = judged(CLIPPED_SUMS, tmp_path)
    assert code == 0, said
    code, lines, said = judged(CLIPPED_SUMS.replace("X.T @ d,", "X.T @ d ** 2,"), tmp_path)
    assert (code, lines[0][:6]) == (1, "dW, dc"), said


TOLD_ITS_LAYERS = """
import numpy as np

class Mlp:
    def __init__(self, sizes):
        self.W = [np.random.randn(n, k) * 0.5 for n, k in zip(sizes, sizes[1:])]
        self.b = [np.zeros(k) for k in sizes[1:]]

    def forward(self, X):
        self.acts = [X]
        for W, b in zip(self.W, self.b):
            self.acts.append(np.tanh(self.acts[-1] @ W + b))
        return self.acts[-1]

    def backward(self, Y):
        delta = (self.acts[-1] - Y) * (1 - self.acts[-1] ** 2) / len(Y)
        self.dW, self.db = [None] * len(self.W), [None] * len(self.W)
        for l in reversed(range(len(self.W))):
            self.dW[l] = self.acts[l].T @ delta
            self.db[l] = delta.sum(axis=0)
            if l:
                delta = delta @ self.W[l].T * (1 - self.acts[l] ** 2)
"""
MADE_OF_SIZES = """
import numpy as np

def init_params(n_x, n_h, n_y):
    return {"W1": np.random.randn(n_h, n_x), "W2": np.random.randn(n_y, n_h)}

def init_params_deep(layer_dims):
    return {f"W{l}": np.random.randn(layer_dims[l], layer_dims[l - 1])
            for l in range(1, len(layer_dims))}

def forward(X, params):
    acts = [X]
    for l in range(1, len(params) + 1):
        acts.append(np.tanh(params[f"W{l}"] @ acts[-1]))
    return acts[-1], acts

def compute_cost(A, Y):
    return np.sum((A - Y) ** 2) / (2 * Y.shape[1])

def backward(A, Y, acts, params):
    m, L = Y.shape[1], len(params)
    back, grads = {L: (A - Y) / m}, {}
    for l in reversed(range(1, L + 1)):
        dZ = back[l] * (1 - acts[l] ** 2)
        grads[f"dW{l}"] = dZ @ acts[l - 1].T
        back[l - 1] = params[f"W{l}"].T @ dZ
    return grads
"""


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        (TOLD_ITS_LAYERS, "1 - self.acts[l] ** 2", "1 - self.acts[-2] ** 2"),
        (MADE_OF_SIZES, "back[l] * ", "(back[l] if l == L else back[L - 1]) * "),
    ],
    ids=["a class", "functions"],
)
def test_a_network_of_any_number_of_layers_is_judged_with_more_than_one_hidden_layer(
    source: str, right: str, wrong: str, tmp_path: Path
) -> None:
    code, _, said = judged(source, tmp_path)
    assert code == 0, said
    code, lines, said = judged(source.replace(right, wrong), tmp_path)
    assert (code, wrong in lines[0]) == (1, True), said


COUNTED_LABELS = """
import numpy as np

class Classifier:
    def __init__(self, n_in, n_hidden, n_out, lr):
        self.V = np.random.randn(n_in, n_hidden)
        self.c = np.zeros((1, n_hidden))
        self.U = np.random.randn(n_hidden, n_out)
        self.lr = lr
        self.wrong = []

    def forward(self, X):
        self.h = np.tanh(X @ self.V + self.c)
        e = np.exp(self.h @ self.U)
        return e / e.sum(axis=1, keepdims=True)

    def train(self, X, labels, y_onehot, epochs=30):
        for _ in range(epochs):
            out = self.forward(X)
            self.wrong.append(np.sum(out.argmax(axis=1) != labels))
            d = (out - y_onehot) / len(X)
            dh = d @ self.U.T * (1 - self.h ** 2)
            self.U -= self.lr * self.h.T @ d
            self.V -= self.lr * X.T @ dh
            self.c -= self.lr * dh.sum(axis=0)
"""
SWAPPED = "X, labels, y_onehot", "X, y_onehot, labels"
SQUARED_H = "(1 - self.h ** 2)", "(1 - self.h)"


@pytest.mark.parametrize("order", [SWAPPED[:1] * 2, SWAPPED], ids=["last", "first"])
def test_targets_may_be_given_one_hot_and_as_labels(order: tuple[str, str], tmp_path: Path) -> None:
    source = COUNTED_LABELS.replace(*order)
    code, _, said = judged(source, tmp_path)
    assert code == 0, said
    code, lines, said = judged(source.replace(*SQUARED_H), tmp_path)
    assert code == 1, said
    assert lines[:1] == ["dh = d @ self.U.T * (1 - self.h)"]


FIXED_CLASSES = """
import numpy as np

class Digits:
    def __init__(self, X, y, breite, tempo):
        self.X, self.y, self.tempo = X, y, tempo
        self.w1 = np.random.randn(breite, X.shape[0])
        self.b1 = np.zeros((breite, 1))
        self.w2 = np.random.randn(y.shape[0], breite)
        self.b2 = np.zeros((7, 1))

    def forward(self, x):
        self.a1 = np.tanh(self.w1 @ x + self.b1)
        e = np.exp(self.w2 @ self.a1 + self.b2)
        self.a2 = e / np.sum(e, axis=0)

    def backward(self, x, y):
        d2 = (self.a2 - y) / y.shape[1]
        d1 = self.w2.T @ d2 * (1 - self.a1 ** 2)
        self.w2 -= self.tempo * d2 @ self.a1.T
        self.b2 -= self.tempo * d2.sum(axis=1, keepdims=True)
        self.w1 -= self.tempo * d1 @ x.T
        self.b1 -= self.tempo * d1.sum(axis=1, keepdims=True)

    def train(self):
        self.forward(self.X)
        self.backward(self.X, self.y)
"""


def test_a_bias_may_tell_the_number_of_classes_of_a_network_made_of_data(tmp_path: Path) -> None:
    code, _, said = judged(FIXED_CLASSES, tmp_path)
    assert code == 0, said
    code, lines, said = judged(
        FIXED_CLASSES.replace("self.w2.T @ d2", "self.w2.T @ d2 * 2"), tmp_path
    )
    assert code == 1, said
    assert lines[:1] == ["d1 = self.w2.T @ d2 * 2 * (1 - self.a1 ** 2)"]
