"""A program is judged as it is meant: by its arrays, within its bounds."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

NORM = """
import numpy as np

class LayerNorm:
    def __init__(self, d_model, eps=1e-6):
        self.gamma = np.ones(d_model)
        self.beta = np.zeros(d_model)
        self.eps = eps

    def forward(self, X):
        mean = np.mean(X, axis=-1, keepdims=True)
        self.X_norm = (X - mean) / np.sqrt(np.var(X, axis=-1, keepdims=True) + self.eps)
        return self.gamma * self.X_norm + self.beta

    def backward(self, dout, lr=0.01):
        self.gamma -= lr * np.sum(dout * self.X_norm, axis=(0, 1))
        self.beta -= lr * np.sum(dout, axis=(0, 1))
"""


def test_a_layer_that_sums_over_two_axes_is_judged_by_sequences(tmp_path: Path) -> None:
    code, lines, said = judged(NORM, tmp_path)
    assert code == 0, said
    code, lines, said = judged(NORM.replace("dout * self.X_norm", "dout"), tmp_path)
    assert code == 1, said
    assert lines[:1] == ["self.gamma -= lr * np.sum(dout, axis=(0, 1))"], said
    code, lines, said = judged(NORM.replace(", axis=(0, 1)", ""), tmp_path)
    assert (code, "``" in said) == (1, False), said


RUNNING = """
import numpy as np

class BatchNorm:
    def __init__(self, num_features, momentum=0.1):
        self.momentum = momentum
        self.gamma = np.ones((1, num_features))
        self.beta = np.zeros((1, num_features))
        self.running_mean = np.zeros((1, num_features))

    def forward(self, x, train=True):
        mu = np.mean(x, axis=0, keepdims=True)
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mu
        self.x_hat = x - (mu if train else self.running_mean)
        return self.gamma * self.x_hat + self.beta

    def backward(self, dout, lr):
        dx = dout * self.gamma
        self.gamma -= lr * (dout * self.x_hat).sum(axis=0, keepdims=True)
        self.beta -= lr * dout.sum(axis=0, keepdims=True)
        return dx - dx.mean(axis=0)
"""


def test_a_running_mean_beside_what_is_updated_is_no_parameter(tmp_path: Path) -> None:
    code, _, said = judged(RUNNING, tmp_path)
    assert code == 0, said
    code, _, said = judged(RUNNING.replace("dx - dx.mean(axis=0)", "dx"), tmp_path)
    assert (code, "running_mean" in said) == (1, False), said


DESCENT = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def NAME(X, y, w, b, alpha, num_iters):
    m = X.shape[0]
    for i in range(num_iters):
        f = sigmoid(X @ w + b)
        dw = X.T @ (f - y) / m
        db = np.sum(f - y) / m
        w = w - alpha * dw
        b = b - alpha * db
    return w, b
"""


@pytest.mark.parametrize("name", ["gradient_descent", "compute_logistic"])
def test_a_bias_that_is_returned_is_no_loss_and_is_that_of_one_output(
    name: str, tmp_path: Path
) -> None:
    code, _, said = judged(DESCENT.replace("NAME", name), tmp_path)
    assert code == 0, said
    wrong = DESCENT.replace("NAME", name).replace("w - alpha", "w + alpha")
    code, _, said = judged(wrong, tmp_path)
    assert code == 1, said


OUTPUT_FIRST = """
import numpy as np

def sigmoid(X, W, b):
    return 1 / (1 + np.exp(-(np.dot(X, W) + b)))

def fit(y, X, W, b, lr=0.1):
    output = sigmoid(X, W, b)
    gradient = np.dot(X.T, output - y) / y.shape[0]
    next_weights = W - lr * gradient
    return output, gradient, next_weights
"""


def test_an_output_that_stands_where_a_parameter_may_is_none(tmp_path: Path) -> None:
    code, _, said = judged(OUTPUT_FIRST, tmp_path)
    assert code in (0, 3), said


MADE_ANEW = """
import numpy as np

class SimpleNetwork:
    def __init__(self, n_in, n_hidden, n_out):
        self.hidden = n_hidden
        self.syn0, self.syn1 = np.zeros((n_in, n_hidden)), np.zeros((n_hidden, n_out))

    def think(self, X):
        return self.sigmoid(self.sigmoid(X @ self.syn0) @ self.syn1)

    def sigmoid(self, x):
        return 1 / (1 + np.exp(-x))

    def train(self, X, y):
        self.syn0 = 2 * np.random.random((X.shape[1], self.hidden)) - 1
        self.syn1 = 2 * np.random.random((self.hidden, y.shape[1])) - 1
        for i in range(100000):
            l1 = self.sigmoid(X @ self.syn0)
            l2 = self.sigmoid(l1 @ self.syn1)
            delta = (y - l2) * l2 * (1 - l2)
            self.syn0 += X.T @ (delta @ self.syn1.T * l1 * (1 - l1))
            self.syn1 += l1.T @ delta
"""


def test_weights_that_training_makes_anew_are_judged(tmp_path: Path) -> None:
    code, _, said = judged(MADE_ANEW, tmp_path)
    assert code == 0, said
    code, lines, said = judged(MADE_ANEW.replace("* l1 * (1 - l1)", "* l1"), tmp_path)
    assert (code, "syn0 += " in lines[0]) == (1, True), said


BIAS_FIRST = """
import numpy as np

class LinearNeuron:
    def __init__(self, rate=0.01, epochs=50):
        self.rate = rate
        self.epochs = epochs

    def fit(self, X, y):
        self.weights = np.zeros(1 + X.shape[1])
        self.costs = []
        for _ in range(self.epochs):
            out = self.net(X)
            errors = y - out
            self.weights[1:] += self.rate * X.T.dot(errors)
            self.weights[0] += self.rate * errors.sum()
            cost = (errors ** 2).sum() / 2.0
            self.costs.append(cost)
        return self

    def net(self, X):
        return np.dot(X, self.weights[1:]) + self.weights[0]
"""


def test_weights_of_zeros_that_are_moved_in_parts_are_judged(tmp_path: Path) -> None:
    code, _, said = judged(BIAS_FIRST, tmp_path)
    assert code == 0, said


@pytest.mark.parametrize(
    ("line", "right", "wrong"),
    [
        ("weights[1:]", "X.T.dot(errors)", "X.T.dot(out)"),
        ("weights[0]", "weights[0] +=", "weights[0] -="),
    ],
)
def test_a_wrong_part_of_weights_of_zeros_is_blamed(
    tmp_path: Path, line: str, right: str, wrong: str
) -> None:
    code, lines, said = judged(BIAS_FIRST.replace(right, wrong), tmp_path)
    assert (code, line in lines[0]) == (1, True), said


WIDTHS = """
import numpy as np

CENTRES = np.arange(5.0)[None, :, None] / 4

class RBFNetwork:
    def __init__(self, input_dim, hidden_dim, output_dim):
        self.sigma = np.ones((hidden_dim,)) * 1.0
        self.W = np.random.randn(hidden_dim, output_dim) * 0.1

    def forward(self, X):
        self.sq = np.sum((X[:, None, :] - CENTRES) ** 2, axis=2)
        self.H = np.exp(-self.sq / (2 * self.sigma ** 2))
        return np.dot(self.H, self.W)

    def backward(self, X, out, Y, lr):
        d = 2 * (out - Y) / X.shape[0]
        dH = np.dot(d, self.W.T)
        self.W -= lr * np.dot(self.H.T, d)
        dsigma = np.sum(dH * self.H * (self.sq / self.sigma ** 3), axis=0)
        self.sigma = np.maximum(self.sigma - lr * dsigma, 1e-4)
"""


def test_a_parameter_that_is_kept_above_0_is_judged_before(tmp_path: Path) -> None:
    code, _, said = judged(WIDTHS, tmp_path)
    assert code == 0, said
    code, _, said = judged(WIDTHS.replace("self.sigma ** 3", "self.sigma ** 2"), tmp_path)
    assert code == 1, said


CLIPPED = """
import numpy as np

class Net:
    def __init__(self, input_dim, output_dim, lr=0.01):
        self.W = np.random.randn(output_dim, input_dim) * 0.1
        self.b = np.zeros((output_dim, 1))
        self.lr = lr

    def forward(self, x):
        self.out = np.dot(self.W, x) + self.b
        return self.out

    def backward(self, x, target):
        dy = self.out - target
        dW, db = np.dot(dy, x.T), dy.sum(axis=1, keepdims=True)
        for param, dparam in zip([self.W, self.b], [dW, db]):
            np.clip(dparam, -1, 1, out=dparam)
            param -= self.lr * dparam
"""


def test_a_gradient_is_judged_before_it_is_clipped(tmp_path: Path) -> None:
    code, _, said = judged(CLIPPED, tmp_path)
    assert code == 0, said
    code, lines, said = judged(CLIPPED.replace("np.dot(dy, x.T)", "np.dot(dy * dy, x.T)"), tmp_path)
    assert code == 1, said
    assert lines[:1] == ["dW, db = np.dot(dy * dy, x.T), dy.sum(axis=1, keepdims=True)"], said


DRAWN = """
import numpy as np

def objective_function(x, y, w, b):
    return np.mean((y - np.dot(x, w) - b) ** 2)

def gradient_w(x, y, w, b):
    return -2 * np.dot(x.T, y - np.dot(x, w) - b) / len(x)

def gradient_b(x, y, w, b):
    return -2 * np.mean(y - np.dot(x, w) - b)

def sgd(x, y, w, b, learning_rate, n_iterations):
    for i in range(n_iterations):
        k = np.random.randint(0, len(x))
        x_i, y_i = x[k : k + 1], y[k : k + 1]
        grad_w = gradient_w(x_i, y_i, w, b)
        grad_b = gradient_b(x_i, y_i, w, b)
        w = w - learning_rate * grad_w
        b = b - learning_rate * grad_b
    return w, b
"""


def test_a_step_of_a_sample_that_is_drawn_is_not_judged_by_the_loss_of_all(tmp_path: Path) -> None:
    code, _, said = judged(DRAWN, tmp_path)
    assert code == 0, said
    assert "right for one output" in said
    code, lines, said = judged(DRAWN.replace("-2 * np.mean", "-np.mean"), tmp_path)
    assert (code, lines[:1]) == (1, ["return -np.mean(y - np.dot(x, w) - b)"]), said


INTERCEPT = """
import numpy as np

def cost_function_reg(theta, X, y, lambda_):
    m = X.shape[0]
    h = 1 / (1 + np.exp(-X.dot(theta)))
    j = -(1 / m) * np.sum(y * np.log(h) + (1 - y) * np.log(1 - h))
    j += (lambda_ / (2 * m)) * (theta[1:] ** 2).sum()
    grad = np.zeros(theta.size)
    grad[0] = (1 / m) * (h - y).sum()
    grad[1:] = (1 / m) * X[:, 1:].T.dot(h - y) + (lambda_ / m) * theta[1:]
    return j, grad
"""


def test_the_first_input_may_be_1_of_each_sample(tmp_path: Path) -> None:
    code, _, said = judged(INTERCEPT, tmp_path)
    assert code == 0, said
    assert "right where the first input of each sample is 1" in said
    code, lines, said = judged(INTERCEPT.replace("X[:, 1:].T", "2 * X[:, 1:].T"), tmp_path)
    assert (code, lines[0][:8]) == (1, "grad[1:]"), said


HINGE = """
import numpy as np

def hinge_loss(w, X, y, lambda_reg=0.01):
    return np.mean(np.maximum(0, 1 - y * np.dot(X, w))) + 0.5 * lambda_reg * np.sum(w**2)

def hinge_loss_gradient(w, X, y, lambda_reg=0.01):
    dw = np.zeros(w.shape)
    for i, d in enumerate(1 - y * np.dot(X, w)):
        if d <= 0:
            dw += 0 * w
        else:
            dw += -y[i] * X[i, :]
    return dw / len(y) + lambda_reg * w
"""


def test_a_first_input_of_1_clears_no_other_weight(tmp_path: Path) -> None:
    code, _, said = judged(HINGE, tmp_path)
    assert code == 0, said
    code, _, said = judged(HINGE.replace("0 * w", "w"), tmp_path)
    assert code == 1, said


GATE = """
import numpy as np

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

class Gate:
    def __init__(self, d, H, seed=1):
        r = np.random.RandomState(seed)
        self.Wf, self.Wg, self.v = r.randn(H, d), r.randn(H, d), r.randn(1, H)
        self.params = ["Wf", "Wg", "v"]

    def forward(self, X):
        c = np.zeros((self.Wf.shape[0], 1))
        self.X, self.cache = X, []
        for t in range(X.shape[1]):
            x = X[:, [t]]
            f, g = sigmoid(self.Wf @ x), np.tanh(self.Wg @ x)
            self.cache.append((x, c, f, g))
            c = f * c + g
        self.c = c
        return self.v @ c

    def backward(self, y_true):
        y_pred = self.v @ self.c
        dy = 2.0 * (y_pred - y_true)
        G = {"v": dy @ self.c.T, "Wf": np.zeros_like(self.Wf), "Wg": np.zeros_like(self.Wg)}
        dc = self.v.T @ dy
        for x, c, f, g in reversed(self.cache):
            G["Wf"] += (dc * c * f * (1 - f)) @ x.T
            G["Wg"] += (dc * (1 - g * g)) @ x.T
            dc = dc * f
        return float(np.mean((y_pred - y_true) ** 2)), G

    def step(self, G, lr):
        for k in self.params:
            setattr(self, k, getattr(self, k) - lr * G[k])
"""


@pytest.mark.parametrize(
    ("right", "wrong"), [("", ""), ("dc = dc * f", "dc = dc * g"), ("dc * c * f", "dc * f")]
)
def test_what_does_nothing_in_the_first_step_is_judged_by_a_sequence(
    right: str, wrong: str, tmp_path: Path
) -> None:
    code, lines, said = judged(GATE.replace(right, wrong) if right else GATE, tmp_path)
    assert code == bool(right), said
    assert all(wrong in each for each in lines)
    assert "has to be 0" not in said


TRAINED_ON_OUTPUTS = """
import numpy

class NeuralNetwork:
    def __init__(self):
        self.input_weights = numpy.random.randn(2, 3)
        self.hidden_weights = numpy.random.randn(3, 1)

    def get_output(self, inputs):
        self.inputs = inputs
        self.hidden = self.sigmoid(numpy.dot(inputs, self.input_weights))
        return self.sigmoid(numpy.dot(self.hidden, self.hidden_weights))

    def train(self, ai_output, output_right):
        output_delta = (output_right - ai_output) * self.derivative(ai_output)
        hidden_delta = output_delta.dot(self.hidden_weights.T) * self.derivative(self.hidden)
        self.hidden_weights += self.hidden.T.dot(output_delta)
        self.input_weights += self.inputs.T.dot(hidden_delta)

    def sigmoid(self, x):
        return 1 / (1 + numpy.exp(-x))

    def derivative(self, s):
        return s * (1 - s)
"""


def test_what_trains_may_be_given_the_output_that_went_before(tmp_path: Path) -> None:
    code, _, said = judged(TRAINED_ON_OUTPUTS, tmp_path)
    assert code == 0, said
    wrong = TRAINED_ON_OUTPUTS.replace(" * self.derivative(self.hidden)", "")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines[0][:12]) == (1, "hidden_delta"), said


PENALIZED = """
import numpy as np

def ridge_loss(w, tx, y, lmd):
    e = np.sum((tx.dot(w) - y) ** 2)
    return (e + lmd * np.sum(w[1:] ** 2)) / (2 * y.size)

def ridge_gradient(w, tx, y, lmd):
    decay = lmd * w / y.size
    decay[0] = 0
    return tx.T.dot(tx.dot(w) - y) / y.size + decay
"""


def test_the_loss_of_a_file_decides_before_a_known_cost_with_any_decay(tmp_path: Path) -> None:
    code, _, said = judged(PENALIZED, tmp_path)
    assert code == 0, said
    wrong = PENALIZED.replace("    decay[0] = 0\n", "").replace("ridge_gradient", "ridge_loss_der")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines[0][:5]) == (1, "decay"), said


SOFTMAX = """
import numpy as np

class Net:
    def __init__(self, n_in, n_out, lr=0.1):
        self.W = np.random.randn(n_in, n_out) * 0.01
        self.b = np.zeros((1, n_out))
        self.lr = lr

    def forward(self, X):
        self.z = np.dot(X, self.W) + self.b
        e = np.exp(self.z - np.max(self.z, axis=1, keepdims=True))
        self.a = e / np.sum(e, axis=1, keepdims=True)
        return self.a

    def backward(self, X, y):
        dz = (self.a - y) / len(X)
        self.W -= self.lr * np.dot(X.T, dz)
        self.b -= self.lr * np.sum(dz, axis=0, keepdims=True)
"""


def test_what_softmax_is_made_of_is_no_output(tmp_path: Path) -> None:
    code, _, said = judged(SOFTMAX, tmp_path)
    assert code == 0, said
    code, lines, said = judged(SOFTMAX.replace("(self.a - y)", "(self.z - y)"), tmp_path)
    assert (code, lines) == (1, ["dz = (self.z - y) / len(X)"]), said
    linear = SOFTMAX.replace("(self.a - y)", "(self.z - y)").replace(
        "return self.a", "return self.z"
    )
    code, _, said = judged(linear, tmp_path)
    assert code == 0, said


STRAIGHT = """
import numpy as np

def straight_cost(w, X, y):
    return np.sum((X.dot(w) - y) ** 2)

def straight_slope(w, X, y):
    return 2 * X.T.dot(X.dot(w) - y)
"""
BESIDE = """

def tilted_cost(w, X, y, c):
    return np.sum((X.dot(w) - y) ** 2) + c * np.sum(w ** 2)

def tilted_slope(w, X, y, c):
    return unheard_of(X, y) + 2 * c * w
"""


def test_a_gradient_that_a_cost_stands_beside_is_not_left_out_in_silence(tmp_path: Path) -> None:
    code, _, said = judged(STRAIGHT + BESIDE, tmp_path)
    assert code == 0, said
    assert "not judged: tilted_slope: NameError: name 'unheard_of' is not defined" in said


MARGIN = """
import numpy as np

def svm_gradient(X, y, theta, C):
    error = np.maximum(0, np.multiply(y, X.dot(theta)))
    x = X.copy()
    x[np.where(error == 0), :] = 0
    return theta - C * x.T.dot(y) / len(y)
"""


def test_a_decay_beside_a_product_is_no_output_error(tmp_path: Path) -> None:
    code, _, said = judged(MARGIN, tmp_path)
    assert code == 3, said


RATED = """
import numpy as np

class Dense:
    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size)
        self.bias = np.random.randn(output_size, 1)

    def forward(self, input):
        self.input = input
        return np.dot(self.weights, self.input) + self.bias

    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights.T, output_gradient)
        self.weights -= weights_gradient
        self.bias -= learning_rate * output_gradient
        return input_gradient
"""


def test_the_gradient_without_the_rate_is_to_blame(tmp_path: Path) -> None:
    code, lines, said = judged(RATED, tmp_path)
    assert (code, lines) == (1, ["self.weights -= weights_gradient"]), said
    code, _, said = judged(RATED.replace("-= weights", "-= learning_rate * weights"), tmp_path)
    assert code == 0, said


BUILT = """
import copy
import numpy as np

class Optimizer:
    def __init__(self, lr=0.1):
        self.lr = lr

    def update(self, w, grad):
        return w - self.lr * grad

class Dense:
    def __init__(self, output_size):
        self.output_size = output_size
        self.weights = self.bias = None

    def initialize(self, input_shape, optimizer):
        self.weights = np.random.uniform(-1, 1, size=(input_shape[0], self.output_size))
        self.bias = np.zeros((1, self.output_size))
        self.W_opt, self.b_opt = copy.copy(optimizer), copy.copy(optimizer)

    def forward(self, x):
        self.input = x
        return np.dot(x, self.weights) + self.bias

    def backward(self, output_gradient):
        dw = np.dot(self.input.T, output_gradient)
        input_gradient = np.dot(output_gradient, self.weights.T)
        self.weights = self.W_opt.update(self.weights, dw)
        self.bias = self.b_opt.update(self.bias, output_gradient.sum(axis=0, keepdims=True))
        return input_gradient
"""


def test_a_layer_that_is_built_later_is_judged(tmp_path: Path) -> None:
    code, _, said = judged(BUILT, tmp_path)
    assert (code, "net.py:Dense: 3 gradients, all right" in said) == (0, True), said
    code, lines, said = judged(BUILT.replace("self.input.T", "-self.input.T"), tmp_path)
    assert (code, lines[:1]) == (1, ["dw = np.dot(-self.input.T, output_gradient)"]), said


STRIDED = """
import numpy as np

class Conv:
    def __init__(self, filters, kernel_size):
        self.filters, self.k = filters, kernel_size

    def build(self, input_shape):
        self.W = np.random.randn(self.k, self.k, input_shape[3], self.filters)

    def patches(self, X):
        m, h, w, c = X.shape
        shape = m, h - self.k + 1, w - self.k + 1, self.k, self.k, c
        s = X.strides
        made = np.lib.stride_tricks.as_strided(X, shape, (s[0], s[1], s[2], s[1], s[2], s[3]))
        return made.reshape(-1, self.k * self.k * c), shape[:3]

    def forward(self, X):
        self.X = X.copy()
        p, shape = self.patches(X)
        return np.dot(p, self.W.reshape(-1, self.filters)).reshape(*shape, self.filters)

    def backward(self, dout):
        p, shape = self.patches(self.X)
        d = dout.reshape(-1, self.filters)
        self.dW = np.dot(p.T, d).reshape(self.W.shape)
        each = np.dot(d, self.W.reshape(-1, self.filters).T).reshape(*shape, self.k, self.k, -1)
        dX = np.zeros_like(self.X)
        for i in range(shape[1]):
            for j in range(shape[2]):
                dX[:, i : i + self.k, j : j + self.k, :] += each[:, i, j]
        return dX
"""


def test_an_input_that_leaves_the_record_is_not_judged(tmp_path: Path) -> None:
    code, _, said = judged(STRIDED, tmp_path)
    assert (code, "Conv: 1 gradient, all right" in said) == (3, True), said
    turned = STRIDED.replace("d = dout.r", "d = dout.transpose(1, 2, 0, 3).r")
    code, lines, said = judged(turned, tmp_path)
    assert code == 1, said
    assert "transpose" in lines[0], said


STRIDES = """
import numpy as np

class Conv1d:
    def __init__(self, c_in, c_out, k=3, stride=2):
        self.W = np.random.randn(c_out, c_in, k)
        self.b = np.zeros(c_out)
        self.k, self.stride = k, stride

    def forward(self, x):
        self.x = x
        n = (x.shape[2] - self.k) // self.stride + 1
        parts = [x[:, :, t * self.stride : t * self.stride + self.k] for t in range(n)]
        return np.stack([np.einsum("nck,ock->no", e, self.W) + self.b for e in parts], axis=2)

    def backward(self, dout):
        dx, self.dW = np.zeros_like(self.x), np.zeros_like(self.W)
        self.db = dout.sum(axis=(0, 2))
        for t in range(dout.shape[2]):
            lo = t * self.stride
            self.dW += np.einsum("no,nck->ock", dout[:, :, t], self.x[:, :, lo : lo + self.k])
            dx[:, :, lo : lo + self.k] += np.einsum("no,ock->nck", dout[:, :, t], self.W)
        return dx
"""


def test_a_layer_goes_on_by_the_stride_that_it_has_by_default(tmp_path: Path) -> None:
    assert judged(STRIDES, tmp_path)[0] == 0
    code, lines, said = judged(STRIDES.replace("lo = t * self.stride", "lo = t"), tmp_path)
    assert (code, lines[0][:9]) == (1, "self.dW +"), said


CLIMBS = """
import numpy as np

class Net:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out)

    def forward(self, X):
        self.out = np.tanh(X @ self.w)
        return self.out

    def backward(self, X, y):
        self.dw = X.T @ ((y - self.out) * (1 - self.out**2))

    def update(self, lr):
        self.w += lr * self.dw
"""


def test_a_class_may_ascend_with_the_negative_gradients_that_it_keeps(tmp_path: Path) -> None:
    code, _, said = judged(CLIMBS, tmp_path)
    assert (code, "convention" in said) == (0, True), said
    code, _, said = judged(CLIMBS.replace("self.w +=", "self.w -="), tmp_path)
    assert code == 1, said


EPOCHS = """
import numpy as np

class Net:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out)

    def forward(self, X):
        self.out = np.tanh(X @ self.w)
        return self.out

    def fit(self, X, y, rate):
        for _ in range(20):
            self.forward(X)
            self.dw = X.T @ ((self.out - y) * (1 - self.out**2))
            self.w -= rate * self.dw
"""


def test_gradients_that_are_kept_after_many_steps_are_those_of_the_last(tmp_path: Path) -> None:
    code, _, said = judged(EPOCHS, tmp_path)
    assert code == 0, said
    code, lines, said = judged(EPOCHS.replace(" * (1 - self.out**2)", ""), tmp_path)
    assert (code, lines[:1]) == (1, ["self.dw = X.T @ ((self.out - y))"]), said


ACTIVATION = """
import numpy as np

class Activation:
    def __init__(self, activation="tanh"):
        if activation == "tanh":
            self.f, self.prime = np.tanh, lambda x: 1 - np.tanh(x) ** 2
        elif activation == "sigmoid":
            self.f = lambda x: 1 / (1 + np.exp(-x))
            self.prime = lambda x: self.f(x) * (1 - self.f(x))
        elif activation == "softmax":
            self.f = lambda x: np.exp(x) / np.exp(x).sum(axis=0)
            self.prime = lambda x: np.ones_like(x)

    def forward(self, x):
        self.x = x
        return self.f(x)

    def backward(self, dout):
        return dout * self.prime(self.x)
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("self.f(x) * (1 - self.f(x))", "self.f(x)"),
        ("np.ones_like(x)", "self.f(x) * (1 - self.f(x))"),
    ],
    ids=["sigmoid", "softmax"],
)
def test_a_layer_is_judged_by_each_activation_that_it_may_be_told(
    right: str, wrong: str, tmp_path: Path
) -> None:
    code, _, said = judged(ACTIVATION, tmp_path)
    assert (code, "activation='softmax' is not tried" in said) == (0, True), said
    code, _, said = judged(ACTIVATION.replace(right, wrong), tmp_path)
    assert code == 1, said


DENSE = """
import numpy as np

class Dense:
    def __init__(self, n, m):
        self.W = np.random.normal(0, 1, (n, m))
        self.b = np.zeros((1, m))
        self.weights_velocity = np.zeros((n, m))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = np.sum(dout, axis=0, keepdims=True)
        return dout @ self.W.T

    def update_weights(self, lr):
        self.weights_velocity = 0.9 * self.weights_velocity - lr * self.dW
        self.W += self.weights_velocity

    def update_biases(self, lr):
        self.b -= lr * self.db
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [
        ("self.b -= lr", "self.b -= lr"),
        ("self.b -= lr", "self.b += lr"),
        ("velocity - lr * self.dW", "velocity + lr * self.dW"),
    ],
)
def test_the_update_of_a_layer_is_judged(right: str, there: str, tmp_path: Path) -> None:
    code, lines, said = judged(DENSE.replace(right, there), tmp_path)
    assert code == int(right != there), said
    assert len(lines) == code, said


def test_what_a_layer_keeps_for_its_update_is_no_parameter(tmp_path: Path) -> None:
    code, _, said = judged(DENSE.replace("weights_velocity", "W_v"), tmp_path)
    assert code == 0, said


def test_a_layer_that_adds_all_that_it_is_given_may_be_right(tmp_path: Path) -> None:
    adding = DENSE.replace("- lr", "+ lr").replace("self.b -=", "self.b +=")
    code, _, said = judged(adding, tmp_path)
    assert code == 3, said


DT = """
import numpy as np

class Densa:
    def __init__(self, output_size, input_size):
        self.pesos = np.random.randn(output_size, input_size)

    def forward(self, x):
        self.x = x
        return np.dot(self.pesos, self.x)

    def backward(self, grad_output, dt):
        grad_pesos = grad_output @ self.x.T
        grad_input = self.pesos.T @ grad_output
        self.pesos -= grad_pesos * dt
        return grad_input
"""


def test_what_is_named_as_a_gradient_is_no_target(tmp_path: Path) -> None:
    code, _, said = judged(DT, tmp_path)
    assert code == 0, said
    code, lines, said = judged(DT.replace("self.x.T", "(self.x**2).T"), tmp_path)
    assert (code, lines) == (1, ["grad_pesos = grad_output @ (self.x**2).T"]), said


REGULARISED = """
import numpy as np

def cost_reg(theta, X, y, lam):
    m = len(y)
    h = 1 / (1 + np.exp(-X.dot(theta)))
    cost = COST
    return cost + lam / (2 * m) * np.sum(theta[1:] ** 2)

def gradient_reg(theta, X, y, lam):
    m = len(y)
    h = 1 / (1 + np.exp(-X.dot(theta)))
    grad = X.T.dot(h - y) / m
    grad[1:] += lam / m * theta[1:]
    return grad
"""


@pytest.mark.parametrize(
    "cost",
    [
        "-np.mean(y * np.log(h) + (1 - y) * np.log(1 - h))",  # of one output: theta is a vector
        "-(y.dot(np.log(h)) + (1 - y).dot(np.log(1 - h))) / m",  # y is an array of integers
    ],
)
def test_a_loss_may_be_of_one_output_or_of_labels(cost: str, tmp_path: Path) -> None:
    right = REGULARISED.replace("COST", cost)
    code, _, said = judged(right, tmp_path)
    assert code == 0, said
    code, _, said = judged(right.replace("+= lam", "-= lam"), tmp_path)
    assert code == 1, said


STEPPING = """
import numpy as np

class Network:
    def __init__(self, sizes, eta):
        self.eta = eta
        self.weights = [np.random.randn(k, n) for n, k in zip(sizes[:-1], sizes[1:])]

    def backprop(self, x, y):
        nabla_w = [0] * len(self.weights)
        a = [x]
        for w in self.weights:
            a.append(np.tanh(np.dot(w, a[-1])))
        delta = (a[-1] - y) * (1 - a[-1] ** 2)
        for l in range(1, len(a)):
            nabla_w[-l] = np.dot(delta, a[-l - 1].T)
            delta = np.dot(self.weights[-l].T, delta) * (1 - a[-l - 1] ** 2)
        self.weights = [w - self.eta * nw for w, nw in zip(self.weights, nabla_w)]
        return self.weights
"""


def test_weights_that_are_returned_after_a_step_are_no_gradients(tmp_path: Path) -> None:
    code, _, said = judged(STEPPING, tmp_path)
    assert code == 0, said
    code, lines, said = judged(STEPPING.replace("l - 1] **", "l - 1] *"), tmp_path)
    assert (code, lines[0][:13]) == (1, "delta = np.do"), said


WHOLE = """
import numpy as np

class Neuron:
    def __init__(self, nx):
        self.__W = np.random.randn(1, nx)
        self.__b = 0

    def forward_prop(self, X):
        self.__A = 1 / (1 + np.exp(-(np.dot(self.__W, X) + self.__b)))
        return self.__A

    def cost(self, Y, A):
        return -(Y * np.log(A) + (1 - Y) * np.log(1 - A)).mean()

    def gradient_descent(self, X, Y, A, alpha=0.05):
        m = X.shape[1]
        dz = A - Y
        self.__W = self.__W - alpha * np.matmul(dz, X.T) / m
        self.__b = self.__b - alpha * np.sum(dz, axis=1, keepdims=True) / m
"""


def test_a_bias_of_the_whole_number_0_may_become_an_array(tmp_path: Path) -> None:
    code, _, said = judged(WHOLE, tmp_path)
    assert code == 0, said
    assert "__b" in said
    code, lines, said = judged(WHOLE.replace("keepdims=True) / m", "keepdims=True)"), tmp_path)
    assert (code, lines[0][:8]) == (1, "self.__b"), said


ONE_OUTPUT = """
import numpy as np

class Network:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1 = np.random.randn(n_hidden, n_in)
        self.W2 = np.random.randn(1, n_hidden)

    def backprop(self, x, y):
        x = np.array([x]).T
        z1 = self.W1 @ x
        a1 = sigmoid(z1)
        z2 = self.W2 @ a1
        delta = (sigmoid(z2) - y) * sigmoid_prime(z2)
        dW2 = delta @ a1.T
        dW1 = (self.W2.T @ delta * sigmoid_prime(z1)) @ x.T
        return dW1, dW2

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))
"""


def test_a_factor_that_depends_on_the_sample_is_no_convention(tmp_path: Path) -> None:
    code, _, said = judged(ONE_OUTPUT, tmp_path)
    assert code == 0, said
    wrong = ONE_OUTPUT.replace("* sigmoid_prime(z2)", "* sigmoid_prime(sigmoid(z2))")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines[0][:5]) == (1, "delta"), said


EMBEDDING = """
import numpy as np

class Embedding:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]

    def forward(self, idx):
        W, = self.params
        self.idx = idx.unheard_of()
        return W[idx]

    def backward(self, dout):
        dW, = self.grads
        dW[...] = 0
        np.add.at(dW, self.idx, dout)

class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dout):
        return dout * (1 - self.y ** 2)
"""


def test_a_class_that_goes_backward_and_is_not_judged_is_no_success(tmp_path: Path) -> None:
    code, _, said = judged(EMBEDDING, tmp_path)
    assert code == 3, said
    assert "not judged: Embedding" in said


LINEAR_SVM = """
import numpy as np

class LinearSVM:
    def __init__(self, learning_rate=0.001, lambda_param=0.01, n_iters=1000):
        self.lr, self.lambda_param, self.n_iters = learning_rate, lambda_param, n_iters

    def fit(self, X, y):
        self.weights = np.zeros(X.shape[1])
        self.bias = 0
        y_ = np.where(y <= 0, -1, 1)
        for _ in range(self.n_iters):
            for idx, x_i in enumerate(X):
                if y_[idx] * (np.dot(x_i, self.weights) - self.bias) >= 1:
                    self.weights -= self.lr * (2 * self.lambda_param * self.weights)
                else:
                    decay = 2 * self.lambda_param * self.weights
                    self.weights -= self.lr * (decay - np.dot(x_i, y_[idx]))
                    self.bias -= self.lr * y_[idx]
"""


def test_a_multiple_of_a_parameter_is_no_output(tmp_path: Path) -> None:
    code, _, said = judged(LINEAR_SVM, tmp_path)
    assert code != 1, said


MOMENTUM = """
import numpy as np

class MomentumLogistic:
    def __init__(self, learning_rate=0.01, n_iterations=1000, momentum=0.9):
        self.lr, self.n_iterations, self.momentum = learning_rate, n_iterations, momentum

    def fit(self, X, y):
        self.weights, self.velocity_w = np.zeros(X.shape[1]), np.zeros(X.shape[1])
        for _ in range(self.n_iterations):
            y_pred = 1 / (1 + np.exp(-np.dot(X, self.weights)))
            error = y_pred - y
            dw = np.dot(X.T, error) / len(X)
            self.velocity_w = self.momentum * self.velocity_w - self.lr * dw
            self.weights += self.velocity_w
        return self
"""


def test_a_factor_of_weights_of_zeros_is_no_convention(tmp_path: Path) -> None:
    code, _, said = judged(MOMENTUM, tmp_path)
    assert code == 0, said
    code, _, said = judged(MOMENTUM.replace("= y_pred - y", "= y_pred * (y_pred - y)"), tmp_path)
    assert code == 1, said


def test_the_gradient_of_a_table_may_be_written_into_the_one_that_is_kept(tmp_path: Path) -> None:
    right = EMBEDDING.replace(".unheard_of()", "")
    code, _, said = judged(right, tmp_path)
    assert code == 0, said
    assert "not judged" not in said
    wrong = right.replace("np.add.at(dW, self.idx, dout)", "dW[self.idx] = dout")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines) == (1, ["dW[self.idx] = dout"]), said


TRAINS = """
import numpy as np

class Red:
    def __init__(self, n_entradas, n_ocultas, n_salidas=1):
        azar = np.random.RandomState(7)
        self.W1 = azar.randn(n_ocultas, n_entradas) * 0.3
        self.W2 = azar.randn(n_salidas, n_ocultas) * 0.3

    def coste(self, A2, Y):
        return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]

    def entrenar(self, X, Y, veces=5, alfa=0.5):
        historia = []
        for _ in range(veces):
            A1 = np.tanh(self.W1 @ X)
            A2 = 1.0 / (1.0 + np.exp(-(self.W2 @ A1)))
            historia.append(self.coste(A2, Y))
            dZ2 = (A2 - Y) / Y.shape[1]
            dZ1 = (self.W2.T @ dZ2) * (1 - A1**2)
            self.W2 -= alfa * dZ2 @ A1.T
            self.W1 -= alfa * dZ1 @ X.T
        return historia
"""


def test_the_loss_of_a_class_decides_where_it_trains_several_times(tmp_path: Path) -> None:
    code, _, said = judged(TRAINS, tmp_path)
    assert code == 0, said
    right, wrong = "(A2 - Y) / Y", "(A2 - Y) * A2 * (1 - A2) / Y"
    code, lines, said = judged(TRAINS.replace(right, wrong), tmp_path)
    assert (code, lines[:1]) == (1, [f"dZ2 = {wrong}.shape[1]"]), said


def test_what_was_known_of_values_is_forgotten_with_them(tmp_path: Path) -> None:
    computed = "loss = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]"
    program = TRAINS.replace("historia.append(self.coste(A2, Y))", computed)
    program = program.replace("(A2 - Y) / Y.shape[1]", "A2 - Y").replace("veces", "iteraciones")
    code, lines, said = judged(program.replace("(1 - A1**2)", "(1 - A1)"), tmp_path)
    assert (code, lines[:1]) == (1, ["dZ1 = (self.W2.T @ dZ2) * (1 - A1)"]), said


def test_what_a_forward_pass_keeps_may_have_another_name(tmp_path: Path) -> None:
    program = """
import numpy as np

class Red:
    def __init__(self, n_entradas, n_salidas):
        self.W = np.random.RandomState(7).randn(n_salidas, n_entradas) * 0.3

    def propagar(self, X):
        A = 1.0 / (1.0 + np.exp(-(self.W @ X)))
        return A, (X, 1.0)

    def coste(self, A, Y):
        return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1]

    def retropropagar(self, A, Y, memoria):
        X, _ = memoria
        return {"W": (A - Y) @ X.T / Y.shape[1]}
"""
    code, _, said = judged(program, tmp_path)
    assert code == 0, said
    code, _, said = judged(program.replace("(A - Y) @", "((A - Y) * A) @"), tmp_path)
    assert code == 1, said


def test_an_update_of_a_layer_may_compute_the_gradients(tmp_path: Path) -> None:
    source = """
import numpy as np

class Layer:
    def __init__(self, input_dim, units):
        self.weights = np.random.randn(input_dim, units)
        self.bias = np.zeros((1, units))

    def forward(self, X):
        self.input = X
        self.output = np.tanh(self.input @ self.weights + self.bias)
        return self.output

    def backward(self, delta):
        self.delta = (1 - self.output**2) * delta
        return self.delta @ self.weights.T

    def update(self, learning_rate):
        self.weights = self.weights - learning_rate * self.input.T @ self.delta
        self.bias = self.bias - learning_rate * np.sum(self.delta, axis=0)
"""
    code, _, said = judged(source, tmp_path)
    assert (code, "3 gradients, all right" in said) == (0, True), said
    code, lines, said = judged(source.replace("np.sum(", "np.mean("), tmp_path)
    assert (code, "np.mean(" in lines[0]) == (1, True), said


BEGINS_AS_A_NUMBER = """
import numpy as np

class NeuralNetwork:
    def __init__(self, input_size, hidden_size):
        self.W1 = np.random.randn(hidden_size, input_size)
        self.b1 = np.zeros((hidden_size, 1))
        self.W2 = np.random.randn(1, hidden_size)
        self.b2 = 0

    def forward_prop(self, X):
        A1 = np.tanh(np.dot(self.W1, X) + self.b1)
        A2 = 1 / (1 + np.exp(-(np.dot(self.W2, A1) + self.b2)))
        return A1, A2

    def backward_prop(self, X, Y, A1, A2):
        m = Y.shape[1]
        dZ2 = A2 - Y
        dZ1 = np.dot(self.W2.T, dZ2) * (1 - A1 ** 2)
        dW2 = np.dot(dZ2, A1.T) / m
        db2 = np.sum(dZ2, axis=1, keepdims=True) / m
        dW1 = np.dot(dZ1, X.T) / m
        db1 = np.sum(dZ1, axis=1, keepdims=True) / m
        return dW1, db1, dW2, db2
"""


def test_a_number_becomes_the_array_of_one_number_that_its_gradient_is(tmp_path: Path) -> None:
    code, _, said = judged(BEGINS_AS_A_NUMBER, tmp_path)
    assert code == 0, said
    right = "db2 = np.sum(dZ2, axis=1, keepdims=True) / m"
    for wrong in ("db2 = np.sum(dZ2, axis=1, keepdims=True)", "db2 = dZ2 / m"):
        code, lines, said = judged(BEGINS_AS_A_NUMBER.replace(right, wrong), tmp_path)
        assert (code, lines) == (1, [wrong]), said


ONE_ARRAY_OF_TWO_NAMES = """
import numpy as np

def forward_pass(X, W1, b1, W2, b2):
    Z1 = np.dot(X, W1) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(A1, W2) + b2
    A2 = Z2
    return Z1, A1, Z2, A2

def backward_pass(X, y_true, Z1, A1, Z2, A2, W1, b1, W2, b2, lr=0.1):
    dZ2 = (A2 - y_true) / len(X)
    dW2 = np.dot(A1.T, dZ2)
    db2 = np.sum(dZ2, axis=0)
    dZ1 = np.dot(dZ2, W2.T) * (1 - A1 ** 2)
    dW1 = np.dot(X.T, dZ1)
    db1 = np.sum(dZ1, axis=0)
    W2 -= lr * dW2
    b2 -= lr * db2
    W1 -= lr * dW1
    b1 -= lr * db1
    return W1, b1, W2, b2
"""


def test_an_array_to_which_the_program_gives_two_names_is_given_by_each(tmp_path: Path) -> None:
    code, _, said = judged(ONE_ARRAY_OF_TWO_NAMES, tmp_path)
    assert code == 0, said
    wrong = ONE_ARRAY_OF_TWO_NAMES.replace(" * (1 - A1 ** 2)", " * (1 - A1)")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines) == (1, ["dZ1 = np.dot(dZ2, W2.T) * (1 - A1)"]), said


TENSORS_OF_A_TYPE = """
import torch

class Net:
    def __init__(self):
        self.w1 = torch.randn(9, 30, dtype=torch.float)
        self.w2 = torch.randn(30, 9, dtype=torch.float)

    def forward(self, x):
        self.x = x
        self.h = x.mm(self.w1).clamp(min=0)
        return self.h.mm(self.w2)

    def backward(self, y_pred, y, lr=1e-3):
        g = 2.0 * (y_pred - y)
        g2 = self.h.t().mm(g)
        g1 = self.x.t().mm(g.mm(self.w2.t()) * (self.h > 0))
        self.w1 -= lr * g1
        self.w2 -= lr * g2
"""

LAYER_OF_A_TYPE = """
import torch

class Linear:
    def __init__(self, n_in, n_out):
        self.w = torch.randn(n_in, n_out, dtype=torch.float32)

    def forward(self, x):
        self.x = x
        return x.mm(self.w)

    def backward(self, dout):
        self.dw = self.x.t().mm(dout)
        return dout.mm(self.w.t())
"""


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        (TENSORS_OF_A_TYPE, " * (self.h > 0)", ""),
        (LAYER_OF_A_TYPE, "dout.mm(self.w.t())", "2 * dout.mm(self.w.t())"),
    ],
    ids=["a network", "a layer"],
)
def test_tensors_are_given_in_the_type_of_those_that_a_program_holds(
    source: str, right: str, wrong: str, tmp_path: Path
) -> None:
    code, _, said = judged(source, tmp_path)
    assert code == 0, said
    code, lines, said = judged(source.replace(right, wrong), tmp_path)
    assert (code, len(lines)) == (1, 1), said


MADE_OF_TENSORS = """
import numpy as np
import torch

class Bilinear:
    def __init__(self, weights_left, weights_right):
        self.W_left, self.W_right = weights_left, weights_right

    def forward(self, X):
        self.X, self.scale = X, 1 / np.sqrt(X.shape[-1])
        self.P, self.Q = torch.matmul(X, self.W_left), torch.matmul(X, self.W_right)
        return torch.mul(self.P, self.Q) * self.scale

    def backward(self, dout):
        dP, dQ = torch.mul(dout, self.Q) * self.scale, torch.mul(dout, self.P) * self.scale
        self.dW_left = torch.matmul(self.X.t(), dP)
        self.dW_right = torch.matmul(self.X.t(), dQ)
        return torch.matmul(dP, self.W_left.t()) + torch.matmul(dQ, self.W_right.t())
"""


def test_a_layer_may_be_made_of_tensors_and_numbers_of_numpy(tmp_path: Path) -> None:
    code, _, said = judged(MADE_OF_TENSORS, tmp_path)
    assert (code, "3 gradients, all right" in said) == (0, True), said
    wrong = MADE_OF_TENSORS.replace(
        "torch.mul(dout, self.P) * self.scale", "torch.mul(dout, self.P)"
    )
    code, lines, said = judged(wrong, tmp_path)
    assert (code, "torch.mul(dout, self.P)" in lines[0]) == (1, True), said


OF_NUMBERS = """
import numpy as np

def compute_cost(x, y, w, b):
    m = x.shape[0]
    cost = 0
    for i in range(m):
        f_wb = w * x[i] + b
        cost = cost + (f_wb - y[i]) ** 2
    return 1 / (2 * m) * cost

def compute_gradient(x, y, w, b):
    m = x.shape[0]
    dj_dw = 0
    dj_db = 0
    for i in range(m):
        f_wb = w * x[i] + b
        dj_dw += (f_wb - y[i]) * x[i]
        dj_db += f_wb - y[i]
    return dj_dw / m, dj_db / m
"""


def test_the_inputs_may_be_a_number_for_each_sample(tmp_path: Path) -> None:
    code, _, said = judged(OF_NUMBERS, tmp_path)
    assert code == 0, said
    for right, wrong in (
        ("(f_wb - y[i]) * x[i]", "f_wb - y[i] * x[i]"),
        ("f_wb - y[i]\n", "f_wb\n"),
    ):
        code, lines, said = judged(OF_NUMBERS.replace(f"+= {right}", f"+= {wrong}"), tmp_path)
        assert (code, lines[0].rstrip().endswith(f"+= {wrong.rstrip()}")) == (1, True), said


OF_ONE_ROW = """
import numpy as np

def one_hot(a, num_classes):
    return np.eye(num_classes)[a.reshape(-1)]

def logreg_gradient(x, t, w, b):
    ln_q = np.matmul(x, w) + b
    ln_p = ln_q - np.log(np.sum(np.exp(ln_q)))
    delta = one_hot(t, len(b)) - np.exp(ln_p)
    return ln_p[:, t].squeeze(), np.matmul(x.T, delta), delta.squeeze()
"""


def test_a_function_that_ends_in_gradient_gives_those_of_one_row(tmp_path: Path) -> None:
    code, _, said = judged(OF_ONE_ROW, tmp_path)
    assert code == 0, said
    wrong = "delta = one_hot(t, len(b)) - np.exp(ln_q)"
    source = OF_ONE_ROW.replace("delta = one_hot(t, len(b)) - np.exp(ln_p)", wrong)
    code, lines, said = judged(source, tmp_path)
    assert (code, lines[:1]) == (1, [wrong]), said


LOGITS = """
import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def cross_entropy_loss(logits, y):
    most = logits.max(axis=1, keepdims=True)
    total = most + np.log(np.exp(logits - most).sum(axis=1, keepdims=True))
    return np.mean(total.ravel() - logits[np.arange(len(y)), y])

def initialize_parameters(n_in, n_out):
    return {"W": np.random.randn(n_in, n_out), "b": np.zeros(n_out)}

def forward(X, parameters):
    A = X @ parameters["W"] + parameters["b"]
    P = softmax(A)
    return P, {"X": X, "A": A, "P": P}

def backward(y, parameters, cache):
    d = cache["P"].copy()
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    return {"W": cache["X"].T @ d, "b": d.sum(axis=0)}
"""
TOTAL = "total.ravel() - logits[np.arange(len(y)), y]"


def test_a_loss_that_asks_for_logits_is_given_what_a_softmax_was_made_of(tmp_path: Path) -> None:
    code, _, said = judged(LOGITS, tmp_path)
    assert code == 0, said
    code, lines, said = judged(LOGITS.replace("] -= 1", "] -= 2"), tmp_path)
    assert (code, lines[0]) == (1, "d[np.arange(len(y)), y] -= 2"), said


def test_a_loss_may_call_probabilities_logits(tmp_path: Path) -> None:
    start, end = LOGITS.index("    most ="), LOGITS.index("    return np.mean(total")
    source = LOGITS[:start] + LOGITS[end:]
    source = source.replace(TOTAL, "-np.log(logits[np.arange(len(y)), y])")
    code, _, said = judged(source, tmp_path)
    assert code == 0, said


@pytest.mark.parametrize(("number", "code"), [("2.71828", 0), ("2.718", 0), ("2.7", 1)])
def test_e_may_be_rounded_to_some_digits(number: str, code: int, tmp_path: Path) -> None:
    source = STEPPING.replace("np.tanh(np.dot(w, a[-1]))", f"1 / (1 + {number} ** -(w @ a[-1]))")
    for each in ("a[-1]", "a[-l - 1]"):
        source = source.replace(f"(1 - {each} ** 2)", f"{each} * (1 - {each})")
    assert judged(source, tmp_path)[0] == code


NODES = """
import numpy as np

class Classifier:
    def __init__(self, nx, nodes):
        if type(nx) is not int or type(nodes) is not int:
            raise TypeError("nx and nodes must be integers")
        self.W1 = np.random.randn(nodes, nx)
        self.b1 = np.zeros((nodes, 1))
        self.W2 = np.random.randn(1, nodes)
        self.b2 = 0

    def forward(self, X):
        self.A1 = 1 / (1 + np.exp(-(self.W1 @ X + self.b1)))
        self.A2 = 1 / (1 + np.exp(-(self.W2 @ self.A1 + self.b2)))
        return self.A1, self.A2

    def cost(self, Y, A):
        return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1.0000001 - A))

    def gradient_descent(self, X, Y, A1, A2, alpha=0.05):
        m = X.shape[1]
        dZ2 = A2 - Y
        dZ1 = self.W2.T @ dZ2 * A1 * (1 - A1)
        self.W2 = self.W2 - alpha * dZ2 @ A1.T / m
        self.b2 = self.b2 - alpha * dZ2.mean(axis=1, keepdims=True)
        self.W1 = self.W1 - alpha * dZ1 @ X.T / m
        self.b1 = self.b1 - alpha * dZ1.sum(axis=0, keepdims=True) / m
"""


def test_what_is_wrong_for_several_neurons_is_not_cleared_by_one(tmp_path: Path) -> None:
    code, lines, said = judged(NODES, tmp_path)
    assert (code, "self.b1 - alpha" in lines[0]) == (1, True), said


KEPT_TRANSPOSED = """
import numpy as np

class Net:
    def __init__(self, d, h, k):
        self.hidden_w = np.random.randn(d, h)
        self.out_w = np.random.randn(h, k)

    @property
    def out_w(self):
        return self._w

    @out_w.setter
    def out_w(self, v):
        self._w = v
        self._wT = v.T

    def predict(self, X):
        self.a = np.tanh(X @ self.hidden_w)
        return self.a @ self.out_w

    def fit_batch(self, X, y, lr=0.1):
        do = (self.predict(X) - y) / len(X)
        dz = do @ self._wT * (1 - self.a ** 2)
        self.out_w = self.out_w - lr * self.a.T @ do
        self.hidden_w = self.hidden_w - lr * X.T @ dz
"""


def test_an_array_that_is_kept_transposed_as_well_is_one_parameter(tmp_path: Path) -> None:
    code, _, said = judged(KEPT_TRANSPOSED, tmp_path)
    assert code == 0, said


NEXT_LETTER = """
import numpy as np

class NextLetter:
    def __init__(self, letters, units):
        self.U = np.random.randn(units, letters)
        self.W = np.random.randn(units, units)
        self.V = np.random.randn(letters, units)

    def forward(self, text):
        self.text, self.states = text, [np.zeros((len(self.W), 1))]
        for letter in text:
            state = np.tanh(self.U[:, [letter]] + self.W @ self.states[-1])
            self.states.append(state)
        e = np.exp(self.V @ state)
        self.p = e / e.sum()
        return self.p

    def backward(self, target_letter):
        error = self.p.copy()
        error[target_letter] -= 1
        dU, dW, dV = (np.zeros_like(e) for e in (self.U, self.W, self.V))
        dV += error @ self.states[-1].T
        ds = self.V.T @ error
        for t in range(len(self.text) - 1, -1, -1):
            dz = (1 - self.states[t + 1] ** 2) * ds
            dU[:, [self.text[t]]] += dz
            dW += dz @ self.states[t].T
            ds = self.W.T @ dz
        return dU, dW, dV
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_the_target_of_a_sequence_may_be_one_label(wrong: bool, tmp_path: Path) -> None:
    text = NEXT_LETTER.replace("ds = self.W.T", "ds = self.W") if wrong else NEXT_LETTER
    code, lines, said = judged(text, tmp_path)
    assert code == wrong, said
    assert lines[:1] == ["ds = self.W @ dz"] * wrong
    assert "a sequence of labels, a label from 0" in said


CARRIED = """
import numpy as np

class Elman:
    def __init__(self, n_in, n_out):
        self.W, self.U = np.random.randn(n_out, n_in), np.random.randn(n_out, n_out)

    def train(self, X, y, lr=0.1, epochs=5):
        h = np.zeros((len(self.U), 1))
        for epoch in range(epochs):
            for x, target in zip(X, y):
                x = x.reshape(-1, 1)
                h_new = np.tanh(self.W @ x + self.U @ h)
                dz = (h_new - target) * (1 - h_new ** 2)
                self.W -= lr * dz @ x.T
                self.U -= lr * dz @ h.T
                h = h_new
"""
SEQUENCES = """
import numpy as np

class Last:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.U = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.V = np.random.randn(n_out, n_hidden)

    def forward(self, x):
        self.h = [np.zeros((len(self.U), 1))]
        for x_t in x:
            self.h.append(np.tanh(self.W @ x_t.reshape(-1, 1) + self.U @ self.h[-1]))
        return self.V @ self.h[-1]

    def train(self, X, y, lr=0.1, epochs=5):
        for epoch in range(epochs):
            for x, target in zip(X, y):
                error = self.forward(x) - target
                dW, dU, dh = np.zeros_like(self.W), np.zeros_like(self.U), self.V.T @ error
                for t in reversed(range(len(x))):
                    dz = dh * (1 - self.h[t + 1] ** 2)
                    dW += dz @ x[t].reshape(1, -1)
                    dU += dz @ self.h[t].T
                    dh = self.U.T @ dz
                self.V -= lr * error @ self.h[-1].T
                self.W -= lr * dW
                self.U -= lr * dU
"""


@pytest.mark.parametrize(
    ("program", "right", "wrong"),
    [
        (CARRIED, "", ""),
        (CARRIED, "dz @ h.T", "h @ dz.T"),
        (SEQUENCES, "", ""),
        (SEQUENCES, "dh = self.U.T", "dh = self.U"),
    ],
    ids=["carried", "carried-wrong", "sequences", "sequences-wrong"],
)
def test_a_recurrence_is_judged_beyond_its_first_step(
    program: str, right: str, wrong: str, tmp_path: Path
) -> None:
    code, lines, said = judged(program.replace(right, wrong) if right else program, tmp_path)
    assert code == bool(right), said
    assert all(wrong in each for each in lines[:1])
    assert "has to be 0" not in said


NUMBERS_IN_LISTS = """
import math, random

class Net:
    def __init__(self, n_in, n_out):
        self.w = [[random.uniform(-1, 1) for _ in range(n_in)] for _ in range(n_out)]
        self.b = [0.0 for _ in range(n_out)]

    def forward(self, x):
        self.x = x
        self.y = [1 / (1 + math.exp(-sum(w * e for w, e in zip(row, x)) - b))
                  for row, b in zip(self.w, self.b)]
        return self.y

    def loss(self, t):
        return 0.5 * sum((a - e) ** 2 for a, e in zip(self.y, t))

    def backward(self, t):
        d = [(a - e) for a, e in zip(self.y, t)]
        return [[g * e for e in self.x] for g in d], d
"""


def test_one_line_is_told_once_for_all_numbers_in_lists(tmp_path: Path) -> None:
    code, _, said = judged(NUMBERS_IN_LISTS, tmp_path)
    assert code == 1
    assert said.count("net.py:19: d = [(a - e) for a, e in zip(self.y, t)]") == 1, said
    assert said.count("wrong:") == 1


LATER = """
import numpy as np

class Net:
    def __init__(self):
        self.name = "two layers"

    def init_two_layer_net(self, input_size, hidden_size, output_size):
        self.model = {"W1": 0.1 * np.random.randn(input_size, hidden_size)}
        self.model["W2"] = 0.1 * np.random.randn(hidden_size, output_size)

    def loss(self, x, y):
        h = np.maximum(0, x.dot(self.model["W1"]))
        e = np.exp(h.dot(self.model["W2"]))
        p = e / np.sum(e, axis=1, keepdims=True)
        loss = -np.mean(np.log(p[range(len(x)), y]))
        p[range(len(x)), y] -= 1
        p /= len(x)
        d = p.dot(self.model["W2"].T) * (h > 0)
        return loss, {"W1": x.T.dot(d), "W2": h.T.dot(p)}
"""


def test_a_second_method_may_make_the_parameters(tmp_path: Path) -> None:
    code, _, said = judged(LATER, tmp_path)
    assert code == 0, said
    code, lines, said = judged(LATER.replace(" * (h > 0)", ""), tmp_path)
    assert (code, lines[:1]) == (1, ['d = p.dot(self.model["W2"].T)']), said


NORMALISED = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(0)
        self.W1, self.b1 = rng.normal(size=(n_in, n_hidden)), np.zeros(n_hidden)
        self.gamma, self.beta = np.ones(n_hidden), np.zeros(n_hidden)
        self.W2 = rng.normal(size=(n_hidden, n_out))

    def forward(self, X):
        z = X @ self.W1 + self.b1
        self.inv = 1 / np.sqrt(z.var(axis=0) + 1e-5)
        self.xhat = (z - z.mean(axis=0)) * self.inv
        self.h = self.gamma * self.xhat + self.beta
        return self.h @ self.W2

    def train_step(self, X, y, lr):
        d = (self.forward(X) - y) / len(X)
        grads = {"W2": self.h.T @ d}
        dh = d @ self.W2.T
        grads["gamma"], grads["beta"] = (dh * self.xhat).sum(axis=0), dh.sum(axis=0)
        dx = dh * self.gamma
        dz = self.inv * (dx - dx.mean(axis=0) - self.xhat * (dx * self.xhat).mean(axis=0))
        grads["W1"], grads["b1"] = X.T @ dz, dz.sum(axis=0)
        for name, grad in grads.items():
            setattr(self, name, getattr(self, name) - lr * grad)
"""


def test_the_root_of_a_normalisation_is_none_of_an_update(tmp_path: Path) -> None:
    code, _, said = judged(NORMALISED, tmp_path)
    assert (code, "5 gradients, all right" in said) == (0, True), said


CLASSES = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1 = np.random.randn(n_in, n_hidden)
        self.W2 = np.random.randn(n_hidden, n_out)

    def forward(self, X):
        self.hidden = np.tanh(X @ self.W1)
        e = np.exp(self.hidden @ self.W2)
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, X, y):
        p = self.forward(X)
        return -np.mean(np.log(p[np.arange(len(y)), y]))

    def grads(self, X, y):
        delta = self.forward(X)
        delta[np.arange(len(y)), y] -= 1
        delta /= X.shape[0]
        below = delta @ self.W2.T * (1 - self.hidden**2)
        return {"W1": X.T @ below, "W2": self.hidden.T @ delta}
"""


def test_no_factor_of_the_number_of_inputs_is_a_convention(tmp_path: Path) -> None:
    """Of 6 inputs it is the one of 8 samples and of twice 3 outputs."""
    code, _, said = judged(CLASSES, tmp_path)
    assert code == 0, said
    code, lines, said = judged(CLASSES.replace("X.shape[0]", "X.shape[1]"), tmp_path)
    assert (code, lines[:1]) == (1, ["delta /= X.shape[1]"]), said
    code, _, said = judged(CLASSES.replace("        delta /= X.shape[0]\n", ""), tmp_path)
    assert (code, "8 times those of the loss" in said) == (0, True), said


APPLIED = """
import numpy as np

class Applied:
    def __init__(self, function, function_prime):
        self.function = function
        self.function_prime = function_prime

    def forward(self, inputs):
        self.inputs = inputs
        self.outputs = self.function(inputs)
        return self.outputs

    def backward(self, output_gradient):
        return output_gradient * self.function_prime(self.inputs)

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))
"""


def test_a_layer_of_a_function_and_its_derivative_is_given_those_of_its_file(
    tmp_path: Path,
) -> None:
    """The derivative may take what the function gives."""
    code, _, said = judged(APPLIED, tmp_path)
    assert (code, "Applied(sigmoid, sigmoid_prime)" in said) == (0, True), said
    of_inputs, of_outputs = "prime(self.inputs)", "prime(self.outputs)"
    code, lines, said = judged(APPLIED.replace(of_inputs, of_outputs), tmp_path)
    assert code == 1, said
    assert lines[:1] == ["return output_gradient * self.function_prime(self.outputs)"], said
    given = APPLIED.replace("sigmoid(z) * (1 - sigmoid(z))", "z * (1 - z)")
    code, _, said = judged(given.replace(of_inputs, of_outputs), tmp_path)
    assert code == 0, said


LIST_OF_LAYERS = """
import numpy as np

def start(rng, pixels, middle, digits):
    return [
        (rng.normal(size=(pixels, middle)) / 2, np.zeros(middle)),
        (rng.normal(size=(middle, digits)) / 2, np.zeros(digits)),
    ]

def value_and_slopes(stack, x, truth, decay=0.0):
    tape = []
    for i, (w, b) in enumerate(stack):
        tape.append(x)
        x = x @ w + b
        x = np.tanh(x) if i + 1 < len(stack) else x
    error = (x - truth) / len(x)
    loss = 0.5 * np.sum((x - truth) ** 2) / len(x)
    loss += 0.5 * decay * sum(np.sum(w ** 2) for w, _ in stack)
    found = []
    for (w, b), a in zip(stack[::-1], tape[::-1]):
        found.insert(0, (a.T @ error + decay * w, error.sum(axis=0)))
        error = error @ w.T * (1 - a ** 2)
    return loss, found
"""


@pytest.mark.parametrize("there", ["(1 - a ** 2)", "(1 - a)"])
def test_sizes_whose_names_say_nothing_are_told_beside_what_draws(
    there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(LIST_OF_LAYERS.replace("(1 - a ** 2)", there), tmp_path)
    assert code == int(there == "(1 - a)"), said
    assert all(there in each for each in lines[:1]), said
    assert "start(rng, pixels, middle, digits); rows, one-hot" in said


SURVIVAL = """
import numpy as np

class Survival:
    def __init__(self, p, hidden=5):
        rng = np.random.default_rng(6)
        self.W, self.beta = rng.normal(size=(p, hidden)) / 2, rng.normal(size=hidden) / 2

    def risk(self, X):
        H = np.tanh(X @ self.W)
        return H @ self.beta, H

    def loss(self, X, time, event):
        eta, _ = self.risk(X)
        later = time[None, :] >= time[:, None]
        of_all = np.log((later * np.exp(eta)).sum(axis=1))
        return 0.01 * np.sum(self.W ** 2) - np.mean(event * (eta - of_all))

    def gradient(self, X, time, event):
        eta, H = self.risk(X)
        part = (time[None, :] >= time[:, None]) * np.exp(eta)
        d = (event @ (part / part.sum(axis=1, keepdims=True)) - event) / len(event)
        dW = X.T @ (np.outer(d, self.beta) * (1 - H ** 2)) + 0.02 * self.W
        return {"beta": H.T @ d, "W": dW}

if __name__ == "__main__":
    model = Survival(4)
"""


def test_a_loss_that_takes_what_goes_back_takes_decides_or_nothing_does(tmp_path: Path) -> None:
    code, _, said = judged(SURVIVAL, tmp_path)
    assert code in (0, 3), said


GATED = """
import numpy as np

class Gated:
    def __init__(self, n_in, n_mid, n_out, rng):
        self.w = {"down": rng.normal(size=(n_in, n_mid)), "gate": rng.normal(size=n_mid),
                  "drift": rng.normal(size=n_mid), "up": rng.normal(size=(n_mid, n_out))}

    def predict(self, x):
        self.x, self.z = x, x @ self.w["down"] + self.w["drift"]
        self.a = np.tanh(self.z)
        return (self.a * self.w["gate"]) @ self.w["up"]

    def loss(self, out, target):
        return np.sum((out - target) ** 2) / (2 * len(out))

    def backward(self, out, target):
        delta = (out - target) / len(out)
        back = delta @ self.w["up"].T
        dz = back * self.w["gate"] * (1 - self.a ** 2)
        return {"up": (self.a * self.w["gate"]).T @ delta, "gate": (back * self.a).sum(axis=0),
                "down": self.x.T @ dz, "drift": dz.sum(axis=0)}

if __name__ == "__main__":
    net = Gated(4, 6, 2, np.random.default_rng(1))
"""


@pytest.mark.parametrize("there", ["self.x.T @ dz", "2 * self.x.T @ dz"])
def test_a_parameter_may_begin_as_gradients_do(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(GATED.replace("self.x.T @ dz", there), tmp_path)
    assert code == int(there[0] == "2"), said
    assert all(there in each for each in lines[:1]), said
    assert "not judged" not in said


ONE_BY_ONE = """
import numpy as np

def initialise(sizes, rng):
    return [{"k": rng.normal(size=(n, m)), "s": rng.normal(size=(n, 1))}
            for m, n in zip(sizes, sizes[1:])]

def forward(layers, x):
    seen = [x]
    for part in layers:
        seen.append(np.tanh(part["k"] @ seen[-1] + part["s"]))
    return seen

def gradients(layers, x, y):
    seen = forward(layers, x)
    e, found = (seen[-1] - y) * (1 - seen[-1] ** 2), []
    for part, before in zip(reversed(layers), reversed(seen[:-1])):
        found.insert(0, {"k": e @ before.T, "s": e})
        e = part["k"].T @ e * (1 - before ** 2)
    return found
"""


def test_a_bias_is_told_by_its_use_where_a_function_takes_one_sample(tmp_path: Path) -> None:
    code, _, said = judged(ONE_BY_ONE, tmp_path)
    assert code == 0, said
    code, lines, said = judged(ONE_BY_ONE.replace("before.T", "(2 * before).T"), tmp_path)
    assert (code, len(lines)) == (1, 1), said
    assert '"k": e @ (2 * before).T' in lines[0]


GETTER = """
import numpy as np

class Netz:
    def __init__(self, n_ein, n_aus):
        self.g = np.random.randn(n_aus, n_ein)
        self.s = np.zeros((n_aus, 1))
        self.schwung = [0 * each for each in self.teile()]

    def teile(self):
        return [self.g, self.s]

    def hin(self, eingabe):
        self.x, self.a = eingabe, self.g @ eingabe + self.s
        return self.a

    def fehler(self, ziel):
        return 0.5 * np.sum((self.a - ziel) ** 2) / ziel.shape[1]

    def her(self, ziel):
        d = (self.a - ziel) / ziel.shape[1]
        return [d @ self.x.T, d.sum(axis=1, keepdims=True)]

    def lerne(self, eingabe, ziel, rate=0.1):
        self.hin(eingabe)
        wert = self.fehler(ziel)
        for k, (teil, d) in enumerate(zip(self.teile(), self.her(ziel))):
            self.schwung[k] = 0.9 * self.schwung[k] - rate * d
            teil += self.schwung[k]
        return wert
"""


def test_what_returns_the_parameters_gives_no_gradients(tmp_path: Path) -> None:
    code, _, said = judged(GETTER, tmp_path)
    assert (code, "her(ziel) gives the gradients" in said) == (0, True), said
    code, lines, said = judged(GETTER.replace("d.sum(axis=1", "2 * d.sum(axis=1"), tmp_path)
    assert (code, len(lines)) == (1, 1), said
    assert "2 * d.sum" in lines[0]


SCORER = """
import numpy as np

class Scorer:
    def __init__(self, features, units, rng):
        self.w1 = rng.normal(0, features ** -0.5, (features, units))
        self.w2 = rng.normal(0, units ** -0.5, units)

    def forward(self, x, y):
        self.x, self.h = x, np.tanh(x @ self.w1)
        self.err = self.h @ self.w2 - y
        return np.log(np.cosh(self.err)).mean()

    def backward(self):
        de = np.tanh(self.err) / self.err.shape[0]
        dh = de[:, None] * self.w2
        return dict(w1=self.x.T @ (dh * (1 - self.h ** 2)), w2=self.h.T @ de)
"""


def test_a_generator_is_no_size_and_a_forward_that_takes_targets_gives_the_loss(
    tmp_path: Path,
) -> None:
    code, _, said = judged(SCORER, tmp_path)
    assert (code, "Scorer(features, units, rng); rows" in said) == (0, True), said
    code, lines, said = judged(SCORER.replace(" * self.w2\n", " + self.w2\n"), tmp_path)
    assert (code, lines[:1]) == (1, ["dh = de[:, None] + self.w2"]), said


OF_MATRICES = """
import numpy as np

class Pair:
    def __init__(self, n_in, n_hidden, n_out):
        self.U = np.asmatrix(np.random.randn(n_hidden, n_in))
        self.v = np.matrix(np.random.randn(n_out, n_hidden))

    def forward(self, x):
        self.x = np.asmatrix(x)
        self.h = np.tanh(self.U * self.x)
        return self.v * self.h

    def train(self, x, t, lr):
        e = (self.forward(x) - t) / self.x.shape[1]
        back = np.multiply(self.v.T * e, 1 - np.power(self.h, 2))
        self.v -= lr * e * self.h.T
        self.U -= lr * back * self.x.T
"""


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_class_may_keep_matrices(tmp_path: Path) -> None:
    code, _, said = judged(OF_MATRICES, tmp_path)
    assert (code, "2 gradients, all right" in said) == (0, True), said
    code, lines, said = judged(OF_MATRICES.replace("np.power(self.h, 2)", "self.h"), tmp_path)
    assert (code, [e[:4] for e in lines[:1]]) == (1, ["back"]), said


TIED = """
import numpy as np

def start(n_visible, n_hidden):
    rng = np.random.RandomState(4)
    return [rng.randn(n_visible, n_hidden) * 0.4, np.zeros(n_hidden), np.zeros(n_visible)]

def loss(params, X):
    W, b, c = params
    return np.mean((np.tanh(X @ W + b) @ W.T + c - X) ** 2)

def gradients(params, X):
    W, b, c = params
    h = np.tanh(X @ W + b)
    d = 2 * (h @ W.T + c - X) / X.size
    dh = d @ W * (1 - h**2)
    return [X.T @ dh + d.T @ h, dh.sum(axis=0), d.sum(axis=0)]
"""


@pytest.mark.parametrize(("wrong", "code"), [("+ d.T @ h", 0), ("- d.T @ h", 1)])
def test_what_makes_parameters_may_be_told_two_sizes(wrong: str, code: int, tmp_path: Path) -> None:
    found, lines, said = judged(TIED.replace("+ d.T @ h", wrong), tmp_path)
    assert found == code, said
    assert all(wrong in each for each in lines)


FIRST_COLUMN = """
import numpy as np

def start(n_in, n_out, rng):
    return {"W": rng.normal(size=(n_in, n_out)), "b": np.zeros(n_out)}

def forward(params, x):
    return x @ params["W"] + params["b"]

def loss(params, x, y):
    s = forward(params, x)[:, 0]
    return np.mean(np.logaddexp(0, s) - y * s)

def gradients(params, x, y):
    d = (1 / (1 + np.exp(-forward(params, x))) - y[:, None]) / len(y)
    return {"W": x.T @ d, "b": d.sum(0)}
"""


@pytest.mark.seldom
@pytest.mark.parametrize(("way", "code"), [("d.sum(0)", 0), ("d.mean(0)", 1)])
def test_a_loss_of_the_first_output_is_that_of_a_network_with_one(
    way: str, code: int, tmp_path: Path
) -> None:
    found, _, said = judged(FIRST_COLUMN.replace("d.sum(0)", way), tmp_path)
    assert (found, "a flat array of values" in said) == (code, True), said


GIVEN_OBJECT = """
import numpy as np

class Model:
    def __init__(self, layers):
        self.W = [np.random.randn(a, b) * 0.5 for a, b in zip(layers[:-1], layers[1:])]
        self.b = [np.zeros(b) for b in layers[1:]]

def forward(x, mlp):
    acts = [x]
    for W, b in zip(mlp.W, mlp.b):
        acts.append(1 / (1 + np.exp(-(acts[-1] @ W + b))))
    return acts

def backprop(x, y, mlp):
    acts = forward(x, mlp)
    d = (acts[-1] - y) * acts[-1] * (1 - acts[-1])
    dW, db = [None] * len(mlp.W), [None] * len(mlp.b)
    for i in reversed(range(len(mlp.W))):
        dW[i] = acts[i].T @ d / len(x)
        db[i] = d.sum(axis=0) / len(x)
        d = d @ mlp.W[i].T * acts[i] * (1 - acts[i])
    return dW, db
"""


def test_functions_may_be_given_an_object_of_a_class_of_the_file(tmp_path: Path) -> None:
    code, _, said = judged(GIVEN_OBJECT, tmp_path)
    assert code == 0, said
    assert "4 gradients, all right" in said
    wrong = GIVEN_OBJECT.replace("mlp.W[i].T * acts[i] *", "mlp.W[i].T *")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines[:1]) == (1, ["d = d @ mlp.W[i].T * (1 - acts[i])"]), said


FROM_ELSEWHERE = """
import numpy as np

def gradients(machine, X, y):
    hidden = np.tanh(X @ machine.inner)
    d = hidden @ machine.outer - y
    return (d @ machine.outer.T * (1 - hidden ** 2)).T @ X, hidden.T @ d
"""
OF_THE_FILE = """
import numpy as np

inner = np.random.randn(5, 7)

def step_gradient(words, goals, state):
    loss, slope = 0.0, np.zeros_like(inner)
    for word, goal in zip(words, goals):
        state = np.tanh(inner[:, [word]] + state)
        loss += 0.5 * (state[goal, 0] - 1) ** 2
        slope[goal, word] += (state[goal, 0] - 1) * (1 - state[goal, 0] ** 2)
    return loss, slope
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (FROM_ELSEWHERE, "`machine` is an object with inner, outer: let the file train"),
        (OF_THE_FILE, "it reads inner of the file, and is given none: let the file train"),
    ],
    ids=["object", "arrays"],
)
def test_what_a_function_reads_and_is_not_given_is_told(
    source: str, words: str, tmp_path: Path
) -> None:
    code, _, said = judged(source, tmp_path)
    assert (code, words in said) == (3, True), said
