"""How `check` makes a layer whose names tell little, what it gives it, and what it judges of it."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

MUL = """
import numpy as np

class MulLayer:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dout):
        return dout * self.y, dout * self.x
"""


@pytest.mark.parametrize("second", ["y", "b"])
def test_a_layer_may_take_two_arrays_that_are_alike(second: str, tmp_path: Path) -> None:
    source = MUL.replace("y", second).replace(f"nump{second}", "numpy")
    code, _, said = judged(source, tmp_path)
    assert (code, "2 gradients, all right" in said) == (0, True), said


def test_each_of_two_gradients_that_a_layer_returns_is_judged(tmp_path: Path) -> None:
    code, lines, said = judged(MUL.replace("dout * self.x", "dout * self.y"), tmp_path)
    assert (code, lines[:1]) == (1, ["return dout * self.y, dout * self.y"]), said


SCHICHT = """
import numpy as np

class Schicht:
    def __init__(self, n_in, n_out):
        self.gewichte = np.random.randn(n_in, n_out)
        self.bias = np.random.randn(1, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.gewichte + self.bias

    def backward(self, grad):
        self.gw = self.x.T @ grad
        self.bias_gradient = grad.sum(axis=0, keepdims=True)
        return grad @ self.gewichte.T
"""


def test_a_parameter_of_an_unknown_name_has_the_gradient_of_its_shape(tmp_path: Path) -> None:
    code, _, said = judged(SCHICHT, tmp_path)
    assert (code, "parameters gewichte, bias, the input" in said) == (0, True), said
    code, lines, said = judged(SCHICHT.replace("self.x.T @ grad", "self.x.T @ grad**2"), tmp_path)
    assert (code, lines[:1]) == (1, ["self.gw = self.x.T @ grad**2"]), said


def test_an_array_without_a_gradient_is_told(tmp_path: Path) -> None:
    code, _, said = judged(SCHICHT.replace("self.gw =", "zuletzt ="), tmp_path)
    told = "its output is made of gewichte as well, and no gradient of it is found"
    assert (code, told in said) == (0, True), said


def test_a_gradient_beside_its_parameter_needs_no_name(tmp_path: Path) -> None:
    source = SCHICHT.replace("self.gw =", "self.zuletzt =")
    code, _, said = judged(source, tmp_path)
    assert (code, "parameters gewichte, bias, the input" in said) == (0, True), said
    code, lines, said = judged(source.replace("self.x.T @ grad", "self.x.T @ grad**2"), tmp_path)
    assert (code, lines[:1]) == (1, ["self.zuletzt = self.x.T @ grad**2"]), said


COLUMNS = """
import numpy as np

class NNLayer:
    def __init__(self, m, n):
        self.b = np.zeros((m, 1))
        self.W = np.random.randn(m, n)

    def forward_pass(self, input):
        self.input = input
        return self.W @ input + self.b

    def backward_pass(self, dZ):
        self.dW, self.db = dZ @ self.input.T, dZ.sum(axis=1, keepdims=True)
        return self.W.T @ dZ
"""


def test_a_layer_may_be_told_its_outputs_first(tmp_path: Path) -> None:
    code, _, said = judged(COLUMNS, tmp_path)
    assert (code, "3 gradients, all right" in said) == (0, True), said


LAYERS = """
import numpy as np

class Net:
    def __init__(self, input_size, hidden_size1, hidden_size2, output_size):
        self.W1 = np.random.randn(input_size, hidden_size1)
        self.W2 = np.random.randn(hidden_size1, hidden_size2)
        self.W3 = np.random.randn(hidden_size2, output_size)

    def forward(self, X):
        self.X = X
        self.a1 = np.tanh(X @ self.W1)
        self.a2 = np.tanh(self.a1 @ self.W2)
        z = self.a2 @ self.W3
        return z

    def backward(self, dout):
        d2 = dout @ self.W3.T * (1 - self.a2**2)
        d1 = d2 @ self.W2.T * (1 - self.a1**2)
        return {"W1": self.X.T @ d1, "W2": self.a1.T @ d2, "W3": self.a2.T @ dout}
"""
SOFTMAX = (
    "e = np.exp(z - z.max(axis=1, keepdims=True))\n        return e / e.sum(axis=1, keepdims=True)"
)


def test_a_network_that_is_given_the_gradient_of_its_output_may_have_four_sizes(
    tmp_path: Path,
) -> None:
    code, _, said = judged(LAYERS, tmp_path)
    assert (code, "3 gradients, all right" in said) == (0, True), said


def test_what_goes_back_from_before_its_softmax_is_not_accused(tmp_path: Path) -> None:
    code, _, said = judged(LAYERS.replace("return z", SOFTMAX), tmp_path)
    assert (code, "as is right where its loss gives a − y" in said) == (3, True), said


STEPS = """
import numpy as np

class Integrator:
    def __init__(self, input_dim, hidden_dim):
        self.W = np.random.randn(input_dim, hidden_dim)

    def forward(self, x):
        self.x, self.hs = x, []
        h = np.zeros((x.shape[1], self.W.shape[1]))
        for t in range(len(x)):
            h = np.tanh(0.5 * h + x[t] @ self.W)
            self.hs.append(h)
        return np.stack(self.hs)

    def backward(self, dout):
        self.dW, dx, carry = np.zeros_like(self.W), np.zeros_like(self.x), 0
        for t in reversed(range(len(dout))):
            dz = (dout[t] + carry) * (1 - self.hs[t] ** 2)
            self.dW += self.x[t].T @ dz
            dx[t] = dz @ self.W.T
            carry = 0.5 * dz
        return dx
"""


def test_the_entries_that_are_tried_alone_are_of_every_step(tmp_path: Path) -> None:
    code, _, said = judged(STEPS, tmp_path)
    assert code == 0, said
    code, lines, said = judged(STEPS.replace("carry = 0.5 * dz", "carry = 0.7 * dz"), tmp_path)
    assert (code, lines[:1]) == (1, ["carry = 0.7 * dz"]), said


DROPOUT = """
import numpy as np

class Dropout:
    def __init__(self, retain):
        self.retain = retain

    def forward(self, x):
        self.mask = np.random.binomial(1, self.retain, size=x.shape) / self.retain
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask
"""


def test_a_layer_may_be_told_a_probability(tmp_path: Path) -> None:
    code, _, said = judged(DROPOUT, tmp_path)
    assert (code, "1 gradient, all right" in said) == (0, True), said


MANY_TO_ONE = """
import numpy as np

class RNN:
    def __init__(self, input_size, output_size, hidden_size=16):
        self.Whh = np.random.randn(hidden_size, hidden_size) / 10
        self.Wxh = np.random.randn(hidden_size, input_size) / 10
        self.Why = np.random.randn(output_size, hidden_size) / 10
        self.bh = np.zeros((hidden_size, 1))

    def forward(self, inputs):
        self.last_inputs = inputs
        h = np.zeros((self.Whh.shape[0], 1))
        self.last_hs, ys = {-1: h}, []
        for i, x in enumerate(inputs):
            h = np.tanh(self.Wxh @ x + self.Whh @ h + self.bh)
            self.last_hs[i] = h
            ys.append(self.Why @ h)
        return ys, h

    def backprop(self, d_out, learn_rate=1e-2):
        n = len(self.last_inputs)
        d_Whh, d_Wxh, d_bh = (np.zeros(e.shape) for e in (self.Whh, self.Wxh, self.bh))
        d_Why = d_out @ self.last_hs[n - 1].T
        d_h = self.Why.T @ d_out
        for t in reversed(range(n)):
            temp = (1 - self.last_hs[t] ** 2) * d_h
            d_bh += temp
            d_Whh += temp @ self.last_hs[t - 1].T
            d_Wxh += temp @ self.last_inputs[t].T
            d_h = self.Whh.T @ temp
        self.Whh -= learn_rate * d_Whh
        self.Wxh -= learn_rate * d_Wxh
        self.Why -= learn_rate * d_Why
        self.bh -= learn_rate * d_bh
"""


def test_a_layer_that_gives_an_output_a_step_may_be_judged_by_the_last(tmp_path: Path) -> None:
    code, _, said = judged(MANY_TO_ONE, tmp_path)
    assert code == 0, said
    wrong = MANY_TO_ONE.replace("d_h = self.Whh.T @ temp", "d_h = self.Whh @ temp")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines[:1]) == (1, ["d_h = self.Whh @ temp"]), said
    assert "Why is right" in said


STATIC_LAYER = """
import numpy as np

class Tanh:
    @staticmethod
    def forward(x):
        return np.tanh(x)

    @staticmethod
    def backward(x, dout):
        return dout * (1 - np.tanh(x) ** 2)
"""


def test_methods_of_a_layer_may_be_static(tmp_path: Path) -> None:
    code, _, said = judged(STATIC_LAYER, tmp_path)
    assert code == 0, said
    code, lines, said = judged(STATIC_LAYER.replace("np.tanh(x) ** 2", "np.tanh(x)"), tmp_path)
    assert (code, lines) == (1, ["return dout * (1 - np.tanh(x))"]), said


OF_STEPS = """
import numpy as np

class TimeAffine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]

    def forward(self, x):
        N, T, D = x.shape
        W, b = self.params
        self.x = x
        return (np.dot(x.reshape(N * T, -1), W) + b).reshape(N, T, -1)

    def backward(self, dout):
        N, T, D = self.x.shape
        W, b = self.params
        dout = dout.reshape(N * T, -1)
        self.grads[0][...] = np.dot(self.x.reshape(N * T, -1).T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return np.dot(dout, W.T).reshape(*self.x.shape)
"""


def test_a_layer_that_is_made_of_arrays_may_take_samples_of_steps(tmp_path: Path) -> None:
    code, _, said = judged(OF_STEPS, tmp_path)
    assert code == 0, said
    wrong = OF_STEPS.replace("= np.sum(dout, axis=0)", "= np.mean(dout, axis=0)")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines) == (1, ["self.grads[1][...] = np.mean(dout, axis=0)"]), said


OF_TWO_OUTPUTS = """
import numpy as np

class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        z = x @ self.W
        self.a = np.tanh(z)
        return z, self.a

    def backward(self, dout):
        dz = dout * (1 - self.a ** 2)
        self.dW = self.x.T @ dz
        return dz @ self.W.T
"""


def test_the_name_of_what_goes_back_may_tell_of_which_output_it_is(tmp_path: Path) -> None:
    code, _, said = judged(OF_TWO_OUTPUTS, tmp_path)
    assert code == 0, said
    wrong = OF_TWO_OUTPUTS.replace("dout", "dz")  # it is given ∂C/∂z, and goes through tanh again
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines[:1]) == (1, ["dz = dz * (1 - self.a ** 2)"]), said


ACTIVATED = """
import numpy as np

class Sigmoid:
    def forward(self, z):
        return 1 / (1 + np.exp(-z))

    def backward(self, dA, z):
        s = 1 / (1 + np.exp(-z))
        return dA * s * (1 - s)

class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.1

    def forward(self, A_prev):
        Z = A_prev @ self.W
        return np.maximum(0, Z), Z

    def backward(self, dA, A_prev, Z):
        dZ = dA * (Z > 0)
        self.dW = A_prev.T @ dZ
        return dZ @ self.W.T
"""


def test_what_goes_backward_is_given_what_went_forward_by_its_name(tmp_path: Path) -> None:
    code, _, said = judged(ACTIVATED, tmp_path)
    assert (code, said.count("all right")) == (0, 2), said


def test_an_argument_whose_name_says_nothing_is_first_what_went_forward(tmp_path: Path) -> None:
    code, _, said = judged(
        ACTIVATED.replace("forward(self, z)", "forward(self, v)").replace(
            "np.exp(-z))\n\n", "np.exp(-v))\n\n"
        ),
        tmp_path,
    )
    assert (code, said.count("all right")) == (0, 2), said


BY_WORD = """
import numpy as np

class Activation:
    def __init__(self, activation_type):
        self.type = activation_type

    def forward(self, z):
        if self.type == "relu":
            return np.maximum(0, z)
        return 1 / (1 + np.exp(-z))

    def backward(self, dA, z):
        if self.type == "relu":
            return dA * (z > 0)
        elif self.type == "sigmoid":
            s = self.forward(z)
            return dA * s * (1 - s)
"""


@pytest.mark.parametrize(
    ("right", "wrong"), [("(z > 0)", "(z < 0)"), ("* (1 - s)", "* (1 - s) * 2")]
)
def test_a_layer_that_has_to_be_told_its_activation_is_judged_by_each(
    right: str, wrong: str, tmp_path: Path
) -> None:
    code, _, said = judged(BY_WORD, tmp_path)
    assert code == 0, said
    code, lines, said = judged(BY_WORD.replace(right, wrong), tmp_path)
    assert (code, wrong in lines[0]) == (1, True), said


DENSE = """
import numpy as np

class Dense:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out) * 0.1
        self.b = np.zeros((1, n_out))
        self.grad_w = np.zeros_like(self.w)
        self.grad_b = np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, g):
        self.grad_w = self.x.T @ g
        self.grad_b += g.sum(axis=0, keepdims=True)
        return g @ self.w.T
"""
SETS_BACK = """
    def zero_grad(self):
        self.grad_w = np.zeros_like(self.w)
        self.grad_b = np.zeros_like(self.b)
"""
FILLS = """
    def gradients(self):
        return [self.grad_w, self.grad_b]

    def zero_grad(self):
        for each in self.gradients():
            each[:] = 0.0
"""


def test_a_gradient_that_is_added_up_where_another_is_set_is_wrong(tmp_path: Path) -> None:
    code, lines, said = judged(DENSE, tmp_path)
    assert (code, lines) == (1, ["self.grad_b += g.sum(axis=0, keepdims=True)"]), said
    set_to_0 = DENSE.replace("self.grad_b += g", "self.grad_b.fill(0)\n        self.grad_b += g")
    assert judged(set_to_0, tmp_path)[0] == 0


def test_gradients_that_are_added_up_are_told_unless_something_sets_them_back(
    tmp_path: Path,
) -> None:
    said = "note: each call adds to the gradients of w, b, and nothing in this file sets them back"
    adds = DENSE.replace("self.grad_w = self.x", "self.grad_w += self.x")
    for text, told in ((adds, True), (adds + SETS_BACK, False), (adds + FILLS, False)):
        code, _, report = judged(text, tmp_path)
        assert (code, said in report) == (0, told), report


BAG = """
import numpy as np

class Bag:
    def __init__(self, n_words, dim, n_classes):
        self.E = np.random.randn(n_words, dim)
        self.W = np.random.randn(dim, n_classes)

    def forward(self, ids, drop=None):
        self.ids = ids
        self.h = self.E[ids].mean(axis=1) * (1 if drop is None else drop)
        return self.h @ self.W

    def backward(self, dscore):
        self.dW = self.h.T @ dscore
        self.dE = np.zeros_like(self.E)
        each = dscore @ self.W.T / self.ids.shape[1]
        np.add.at(self.dE, self.ids, each[:, None, :])
"""


@pytest.mark.parametrize("name", ["dscore", "dpred"])
def test_what_is_named_after_an_output_is_no_label(name: str, tmp_path: Path) -> None:
    code, _, said = judged(BAG.replace("dscore", name), tmp_path)
    assert (code, "2 gradients, all right" in said) == (0, True), said
    code, lines, said = judged(BAG.replace("shape[1]", "shape[0]"), tmp_path)
    assert (code, lines[:1]) == (1, ["each = dscore @ self.W.T / self.ids.shape[0]"]), said


SCALES = """
import numpy as np

class Scale:
    def __init__(self, d):
        self.p = {"gain": np.ones(d), "shift": np.zeros(d)}
        self.g = {}

    def forward(self, x):
        self.x = x
        return x * self.p["gain"] + self.p["shift"]

    def back(self, d):
        self.g["gain"] = (d * self.x).sum(axis=0)
        self.g["shift"] = d.sum(axis=0)
        return d * self.p["gain"]

class Two:
    def __init__(self, d):
        self.parts = [Scale(d), Scale(d)]

    def forward(self, x):
        return self.parts[1].forward(np.tanh(self.parts[0].forward(x)))

    def back(self, d):
        d = self.parts[1].back(d) * (1 - self.parts[1].x ** 2)
        return self.parts[0].back(d)
"""


def test_dicts_of_any_keys_hold_the_gradients_of_those_beside_them(tmp_path: Path) -> None:
    """Those of the layer that holds the parameters, where several have the same keys."""
    code, _, said = judged(SCALES, tmp_path)
    assert (code, said.count("3 gradients"), said.count("5 gradients")) == (0, 1, 1), said
    code, lines, said = judged(SCALES.replace("= d.sum(axis=0)", "= d.mean(axis=0)"), tmp_path)
    assert (code, lines[:1]) == (1, ['self.g["shift"] = d.mean(axis=0)']), said


TWO_BIASES = """
import numpy as np

class Net:
    def __init__(self, n_in, classes=3, units=3):
        rs = np.random.RandomState(0)
        self.filt, self.bias = rs.randn(n_in, units), np.zeros(units)
        self.w, self.b = rs.randn(units, classes), np.zeros(classes)

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.filt + self.bias)
        s = np.exp(self.h @ self.w + self.b)
        self.prob = s / s.sum()
        return self.prob

    def backward(self, label):
        d = self.prob.copy()
        d[label] -= 1
        self.dw, self.db = np.outer(self.h, d), d
        d = self.w @ d * (1 - self.h ** 2)
        self.dfilt, self.dbias = np.outer(self.x, d), d
"""


def test_a_gradient_is_that_of_its_own_name_where_two_mean_the_same(tmp_path: Path) -> None:
    code, _, said = judged(TWO_BIASES, tmp_path)
    assert (code, "4 gradients, all right" in said) == (0, True), said


SCHICHTEN = """
import numpy as np

class Schicht:
    def __init__(self, ein, aus, rng):
        self.gewicht = rng.uniform(-1, 1, (aus, ein))
        self.schwelle = np.zeros((aus, 1))

    def vorwaerts(self, eingabe):
        self.eingabe = eingabe
        self.ausgabe = 1 / (1 + np.exp(-(self.gewicht @ eingabe + self.schwelle)))
        return self.ausgabe

    def ableitung(self):
        return self.ausgabe * (1 - self.ausgabe)

    def rueckwaerts(self, fehler):
        delta = fehler * self.ableitung()
        self.grad_gewicht = delta @ self.eingabe.T
        self.grad_schwelle = delta.sum(axis=1, keepdims=True)
        return self.gewicht.T @ delta
"""


def test_a_derivative_of_the_shape_of_a_bias_is_not_its_gradient(tmp_path: Path) -> None:
    """Of the weights beside it no gradient is found then."""
    code, lines, said = judged(SCHICHTEN, tmp_path)
    assert (code == 1, lines) == (False, []), said


MIXED = """
import numpy as np

class Mixed:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.m = np.random.RandomState(1).randint(0, 3, (x.shape[1], x.shape[1]))
        return np.einsum("mi,ij,jk->mk", x, self.m, self.W)

    def loss(self, x, y):
        return 0.5 * np.sum((self.forward(x) - y) ** 2)

    def backward(self, x, y):
        return {"W": np.einsum("mi,ij,mk->jk", x, self.m, self.forward(x) - y)}
"""


def test_einsum_may_take_whole_numbers(tmp_path: Path) -> None:
    """They are no values of a trace."""
    code, _, said = judged(MIXED, tmp_path)
    assert (code, "1 gradient, all right" in said) == (0, True), said


PADDED = """
import numpy as np

class Lookup:
    def __init__(self, words, width):
        self.vectors = np.random.default_rng(3).normal(size=(words, width))
        self.vectors[0] = 0

    def forward(self, places):
        self.places = places
        return self.vectors[places]

    def backward(self, grad):
        self.dvectors = np.zeros_like(self.vectors)
        np.add.at(self.dvectors, self.places, grad)
        self.dvectors[0] = 0
"""


@pytest.mark.parametrize(
    ("right", "there", "code"),
    [
        ("", "", 0),
        ("self.dvectors[0] = 0", "self.dvectors[self.vectors < 0] = 0", 1),
        ("np.add.at(self.dvectors, self.places, grad)", "self.dvectors[self.places] = 1", 1),
    ],
    ids=["right", "entries", "rest"],
)
def test_a_row_of_a_gradient_may_be_set_to_0(
    right: str, there: str, code: int, tmp_path: Path
) -> None:
    found, _, said = judged(PADDED.replace(right, there) if right else PADDED, tmp_path)
    assert found == code, said
    assert ("rows of it are set to 0" in said) == (not code), said


BESIDE_POOLING = """
import numpy as np

class Scorer:
    def __init__(self, dim):
        self.w, self.b = np.zeros(dim), 0.0

    def forward(self, x, y):
        self.x, s = x, x @ self.w + self.b
        self.err = 1 / (1 + np.exp(-s)) - y
        return np.mean(np.logaddexp(0, s) - y * s)

    def backward(self):
        self.dw, self.db = self.err @ self.x / len(self.err), self.err.mean()
        return self.err[:, None] * self.w / len(self.err)

def pooled(x):
    return x.mean(axis=1)
"""


def test_pictures_are_not_given_to_what_only_stands_beside_what_takes_some(tmp_path: Path) -> None:
    code, _, said = judged(BESIDE_POOLING, tmp_path)
    assert code == 0, said
    code, lines, said = judged(
        BESIDE_POOLING.replace("self.err @ self.x", "self.x.sum(0)"), tmp_path
    )
    assert (code, len(lines)) == (1, 1), said


STRIP = """
import numpy as np

class Strip:
    def __init__(self):
        self.P = [np.random.randn(1, 6), np.random.randn(6, 1)]
        self.G = [np.zeros((1, 6)), np.zeros((6, 1))]

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.P[0])
        return self.h @ self.P[1]

    def backward(self, d):
        self.G[1][...] = self.h.T @ d
        d = d @ self.P[1].T * (1 - self.h ** 2)
        self.G[0][...] = self.x.T @ d
        return d @ self.P[0].T
"""


def test_what_goes_back_to_the_input_is_the_gradient_of_no_parameter_as_large(
    tmp_path: Path,
) -> None:
    code, _, said = judged(STRIP, tmp_path)
    assert (code, "parameters P[0], P[1], the input" in said) == (0, True), said
    code, lines, said = judged(STRIP.replace("d @ self.P[0].T", "2 * d @ self.P[0].T"), tmp_path)
    assert (code, lines[:1]) == (1, ["return 2 * d @ self.P[0].T"]), said


KEPT_BESIDE_THE_INPUT = """
import numpy as np

class Straight:
    def __init__(self, n_in, n_out, rng):
        self.weight = rng.normal(size=(n_out, n_in))
        self.bias = np.zeros(n_out)

    def __call__(self, inp):
        self.inp = inp
        return inp @ self.weight.T + self.bias

    def pull(self, up):
        self.weight_grad, self.bias_grad = up.T @ self.inp, up.sum(0)
        return up @ self.weight

class Bend:
    def __call__(self, inp):
        self.out = np.tanh(inp)
        return self.out

    def pull(self, up):
        return up * (1 - self.out ** 2)

class Chain:
    def __init__(self, widths):
        rng, self.stack = np.random.default_rng(2), []
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            self.stack += ([Bend()] if i else []) + [Straight(a, b, rng)]

    def __call__(self, inp):
        for piece in self.stack:
            inp = piece(inp)
        return inp

    def pull(self, up):
        for piece in self.stack[::-1]:
            up = piece.pull(up)

if __name__ == "__main__":
    net = Chain([1, 16, 16, 2])
    x = np.linspace(-2, 2, 30)[:, None]
    out = net(x)
    net.pull(2 * (out - np.hstack([np.sin(x), np.cos(x)])) / out.size)
"""


def test_what_is_kept_beside_a_parameter_is_no_gradient_of_the_input(tmp_path: Path) -> None:
    """The inputs may be as large as the weights."""
    code, _, said = judged(KEPT_BESIDE_THE_INPUT, tmp_path)
    assert code == 0, said


LISTED = """
import numpy as np

class Listed(type):
    kinds = []

    def __init__(cls, name, bases, own):
        super().__init__(name, bases, own)
        Listed.kinds.append(cls)

class Cube(metaclass=Listed):
    def __call__(self, x):
        self.x = x
        return x**3

    def back(self, dy):
        return 3 * self.x**2 * dy
"""


@pytest.mark.parametrize(("power", "code"), [("**2", 0), ("", 1)])
def test_a_class_of_classes_is_no_layer(power: str, code: int, tmp_path: Path) -> None:
    found, _, said = judged(LISTED.replace("self.x**2", f"self.x{power}"), tmp_path)
    assert (found, "Cube" in said) == (code, True), said


KEPT = """
import numpy as np

class Affine:
    def __init__(self, inputs, neurons):
        self.kernel = np.random.randn(inputs, neurons)

    def forward(self, x):
        self.x = x
        self.scores = x @ self.kernel

    def backward(self, dvalues):
        self.dkernel = self.x.T @ dvalues
        self.dx = dvalues @ self.kernel.T

class Swish:
    def forward(self, x):
        self.given = x
        self.gate = 1 / (1 + np.exp(-x))
        self.results = x * self.gate

    def backward(self, dvalues):
        self.dx = dvalues * (self.gate + self.results * (1 - self.gate))

class SoftmaxEntropy:
    def forward(self, scores, y_true):
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.shares = e / e.sum(axis=1, keepdims=True)
        return -np.mean(np.log(np.sum(self.shares * y_true, axis=1)))

    def backward(self, dvalues, y_true):
        self.dx = (dvalues - y_true) / len(dvalues)
"""


def test_what_all_that_a_layer_keeps_leads_to_is_its_output(tmp_path: Path) -> None:
    code, _, said = judged(KEPT, tmp_path)
    assert code == 0, said
    assert said.count("all right") == KEPT.count("class "), said
    code, lines, said = judged(KEPT.replace("(1 - self.gate))", "self.gate)"), tmp_path)
    assert code == 1, said
    assert lines[:1] == ["self.dx = dvalues * (self.gate + self.results * self.gate)"]


def test_a_loss_may_be_given_back_the_probabilities_that_it_keeps(tmp_path: Path) -> None:
    source = KEPT[: KEPT.index("class Affine")] + KEPT[KEPT.index("class SoftmaxEntropy") :]
    code, _, said = judged(source, tmp_path)
    assert code == 0, said
    code, _, said = judged(source.replace("(dvalues - y_true)", "(dvalues + y_true)"), tmp_path)
    assert code == 1, said
