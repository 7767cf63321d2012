"""What `check` judges beside the arrays that are easily found, or says that it does not judge."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

ADALINE = """
import numpy as np

class Adaline:
    def __init__(self, eta=0.1, n_iter=50, random_state=1):
        self.eta, self.n_iter, self.random_state = eta, n_iter, random_state

    def fit(self, X, y):
        rgen = np.random.RandomState(self.random_state)
        self.coef_ = rgen.normal(loc=0.0, scale=0.01, size=X.shape[1])
        self.intercept_ = np.float64(0.)
        for i in range(self.n_iter):
            errors = y - self.predict(X)
            self.coef_ += self.eta * 2.0 * X.T.dot(errors) / X.shape[0]
            self.intercept_ += self.eta * 2.0 * errors.mean()
            loss = (errors ** 2).mean()
        return self

    def predict(self, X):
        return np.dot(X, self.coef_) + self.intercept_
"""


def test_a_bias_that_begins_as_a_number_is_judged(tmp_path: Path) -> None:
    for begin in ("np.float64(0.)", "0.0", "0"):
        code, _, said = judged(ADALINE.replace("np.float64(0.)", begin), tmp_path)
        assert (code, "2 gradients, all right" in said) == (0, True), said
    code, lines, said = judged(ADALINE.replace("errors.mean()", "errors.sum()"), tmp_path)
    assert (code, lines[:1]) == (1, ["self.intercept_ += self.eta * 2.0 * errors.sum()"]), said


MOMENTUM = """
import numpy as np

class Adaline:
    def __init__(self, eta=0.1, n_iter=50, mu=0.9):
        self.eta, self.n_iter, self.mu = eta, n_iter, mu

    def fit(self, X, y):
        self.w, self.b = np.zeros(X.shape[1]), np.zeros(1)
        vw, vb = np.zeros_like(self.w), np.zeros(1)
        for i in range(self.n_iter):
            errors = X @ self.w + self.b - y
            vw = self.mu * vw + 2.0 * X.T @ errors / len(X)
            vb = self.mu * vb + 2.0 * errors.mean()
            self.w -= self.eta * vw
            self.b -= self.eta * vb
        return self
"""


def test_a_velocity_in_a_second_update_is_no_gradient(tmp_path: Path) -> None:
    code, _, said = judged(MOMENTUM, tmp_path)
    assert code == 0, said
    code, _, said = judged(MOMENTUM.replace("errors.mean()", "errors.sum()"), tmp_path)
    assert code == 1, said


def test_a_default_activation_is_judged_though_the_file_names_others(tmp_path: Path) -> None:
    code, _, said = judged(NETWORK, tmp_path)
    assert code == 0, said
    code, _, said = judged(NETWORK.replace("1 - a ** 2 if", "1 - a if"), tmp_path)
    assert code == 1, said


NETWORK = """
import numpy as np

class Regressor:
    def __init__(self, hidden_layer_sizes=(16,), activation="tanh", alpha=1e-4, lr=0.01, n_iter=9):
        self.hidden_layer_sizes, self.activation = hidden_layer_sizes, activation
        self.alpha, self.lr, self.n_iter = alpha, lr, n_iter

    def _act(self, z):
        return np.tanh(z) if self.activation == "tanh" else np.maximum(z, 0)

    def _act_deriv(self, a):
        return 1 - a ** 2 if self.activation == "tanh" else (a > 0).astype(float)

    def _loss_grad(self, X, y):
        (V, W), (b, c) = self.coefs_, self.intercepts_
        a = self._act(X @ V + b)
        loss = 0.5 * np.sum((a @ W + c - y) ** 2) / len(X)
        loss += 0.5 * self.alpha * sum(np.sum(W ** 2) for W in self.coefs_) / len(X)
        d = (a @ W + c - y) / len(X)
        dh = d @ W.T * self._act_deriv(a)
        coef_grads = [X.T @ dh + self.alpha * V / len(X), a.T @ d + self.alpha * W / len(X)]
        return loss, coef_grads, [dh.sum(axis=0), d.sum(axis=0)]

    def fit(self, X, y):
        y = y.reshape(len(X), -1)
        sizes = [X.shape[1], *self.hidden_layer_sizes, y.shape[1]]
        self.coefs_ = [np.random.randn(n, m) / np.sqrt(n) for n, m in zip(sizes, sizes[1:])]
        self.intercepts_ = [np.zeros(m) for m in sizes[1:]]
        for _ in range(self.n_iter):
            loss, coef_grads, intercept_grads = self._loss_grad(X, y)
            for i in range(len(self.coefs_)):
                self.coefs_[i] -= self.lr * coef_grads[i]
                self.intercepts_[i] -= self.lr * intercept_grads[i]
        return self
"""


def test_arrays_of_a_list_made_in_fit_are_part_of_the_loss_of_the_class(tmp_path: Path) -> None:
    wrong = "a.T @ d + self.alpha * W]"
    code, lines, said = judged(
        NETWORK.replace("a.T @ d + self.alpha * W / len(X)]", wrong), tmp_path
    )
    assert code == 1, said
    assert wrong in lines[0], said
    assert "coefs_[0], intercepts_[0] and intercepts_[1] are right" in said


DROPOUT = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, keep=0.8):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_hidden, 1), np.zeros(1)
        self.keep = keep

    def forward(self, x, train=False, noisy=False):
        self.x, self.z = x, x @ self.W1 + self.b1
        a = np.maximum(self.z, 0)
        self.mask = (np.random.random(a.shape) < self.keep) / self.keep if train else 1.0
        self.a = a * self.mask
        return self.a @ self.W2 + self.b2

    def backward(self, dy):
        dz = dy @ self.W2.T * self.mask * (self.z > 0)
        return {"W1": self.x.T @ dz, "b1": dz.sum(0), "W2": self.a.T @ dy, "b2": dy.sum(0)}
"""


def test_a_forward_pass_is_judged_where_it_trains_too(tmp_path: Path) -> None:
    code, _, said = judged(DROPOUT, tmp_path)
    assert (code, "forward(x, train=True, noisy)" in said) == (0, True), said
    code, lines, said = judged(DROPOUT.replace(" * self.mask * (", " * ("), tmp_path)
    assert (code, "train=True" in said) == (1, True), said
    assert lines[0].startswith("dz = dy @ self.W2.T"), said
    whole = DROPOUT.replace("backward(self, dy)", "backward(self, out, y)")
    whole = whole.replace("dz = dy", "dy = 2 * (out - y) / len(y)\n        dz = dy")
    code, _, said = judged(whole, tmp_path)
    assert (code, "forward(x, train=True, noisy)" in said) == (0, True), said
    assert "note: noisy=True is not tried" in said
    code, lines, said = judged(whole.replace(" * self.mask * (", " * ("), tmp_path)
    assert code == 1, said


SOFTMAX = """
import numpy as np

class Softmax:
    def __init__(self, input_len, nodes):
        self.weights = np.random.randn(input_len, nodes) / input_len
        self.biases = np.zeros(nodes)

    def forward(self, input):
        self.shape = input.shape
        self.last = input.flatten()
        e = np.exp(self.last @ self.weights + self.biases)
        self.out = e / np.sum(e)
        return self.out

    def backprop(self, label, learn_rate):
        d = self.out.copy()
        d[label] -= 1
        back = self.weights @ d
        self.weights -= learn_rate * self.last[:, None] @ d[None]
        self.biases -= learn_rate * d
        return back.reshape(self.shape)
"""


def test_the_gradient_of_the_input_is_judged_beside_updates(tmp_path: Path) -> None:
    code, _, said = judged(SOFTMAX, tmp_path)
    assert (code, "parameters weights, biases, the input" in said) == (0, True), said
    late = SOFTMAX.replace("        back = self.weights @ d\n", "")
    late = late.replace("return back", "return (self.weights @ d)")
    code, _, said = judged(late, tmp_path)
    assert (code, "wrong: the gradient of the input" in said) == (1, True), said


SHORT = """
import numpy as np

def bce_with_logits(logits, target):
    loss = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    prob = 1 / (1 + np.exp(-logits))
    return loss.mean(), (prob - target) / logits.size

def gaussian_kl(mu, logvar):
    n = mu.shape[0]
    value = 0.5 * np.sum(np.exp(logvar) + mu ** 2 - 1.0 - logvar) / n
    return value, (mu / n, 0.5 * (np.exp(logvar) - 1) / n)
"""


def test_a_loss_that_is_called_for_short_is_judged(tmp_path: Path) -> None:
    code, _, said = judged(SHORT, tmp_path)
    assert (code, said.count("all right")) == (0, 2), said
    for right, wrong in (("(prob - target)", "(target - prob)"), ("logvar) - 1)", "logvar) + 1)")):
        code, lines, said = judged(SHORT.replace(right, wrong), tmp_path)
        assert (code, wrong in lines[0]) == (1, True), said


TENSORS = """
import numpy as np
import torch

def linear_forward(x, w_gate, b):
    return torch.relu(x) @ w_gate + b, (x, w_gate)

def linear_backward(dout, cache):
    x, w_gate = cache
    return dout @ w_gate.t() * (x > 0), x.clamp(min=0).t() @ dout, dout.sum(0)

def mse_loss(pred, y):
    return ((pred - y) ** 2).mean(), 2 * (pred - y) / pred.numel()

if __name__ == "__main__":
    print(np.zeros(3))
"""


def test_functions_of_plain_tensors_are_called_with_tensors(tmp_path: Path) -> None:
    code, _, said = judged(TENSORS, tmp_path)
    assert (code, said.count("all right")) == (0, 2), said
    wrong = TENSORS.replace("dout.sum(0)", "dout.mean(0)").replace("2 * (pred", "(pred")
    code, _, said = judged(wrong, tmp_path)
    assert (code, "gradient of b" in said, "gradient of the output" in said) == (1, True, True), (
        said
    )


LAYERS = """
import numpy as np

class Bilinear:
    def __init__(self, n1, n2, n_out):
        self.A, self.b = np.random.randn(n_out, n1, n2), np.zeros(n_out)

    def forward(self, x1, x2):
        self.x1, self.x2 = x1, x2
        return np.einsum("ni,kij,nj->nk", x1, self.A, x2) + self.b

    def backward(self, dout):
        self.dA = np.einsum("nk,ni,nj->kij", dout, self.x1, self.x2)
        self.db = dout.sum(axis=0)
        dx1 = np.einsum("nk,kij,nj->ni", dout, self.A, self.x2)
        dx2 = np.einsum("nk,kij,ni->nj", dout, self.A, self.x1)
        return dx1, dx2

class Dropout:
    def __init__(self, p=0.5):
        self.p = p

    def forward(self, x):
        self.mask = np.random.random(x.shape) > self.p
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask
"""


def test_a_layer_of_two_inputs_and_one_that_hands_on_what_it_is_given(tmp_path: Path) -> None:
    code, _, said = judged(LAYERS, tmp_path)
    assert (code, "parameters A, b, the input, x2" in said) == (0, True), said
    wrong = LAYERS.replace(
        '"nk,kij,ni->nj", dout, self.A, self.x1', '"nk,kij,nj->ni", dout, self.A, self.x2'
    )
    code, lines, said = judged(wrong, tmp_path)
    assert (code, "wrong: the gradient of x2" in said) == (1, True), said
    assert lines[0].startswith("dx2 ="), said
    code, lines, said = judged(LAYERS.replace("dout * self.mask", "dout"), tmp_path)
    assert (code, lines[:1]) == (1, ["return dout"]), said


MACHINE = """
import numpy as np

class LinearSVM:
    def __init__(self, learning_rate=0.001, lambda_param=0.01, n_iters=1000):
        self.lr, self.lambda_param, self.n_iters = learning_rate, lambda_param, n_iters

    def fit(self, X, y):
        y_ = np.where(y <= 0, -1, 1)
        self.w, self.b = np.random.rand(X.shape[1]), 0
        for _ in range(self.n_iters):
            for i, x in enumerate(X):
                if y_[i] * (np.dot(x, self.w) - self.b) >= 1:
                    self.w -= self.lr * (2 * self.lambda_param * self.w)
                else:
                    self.w -= self.lr * (2 * self.lambda_param * self.w - np.dot(x, y_[i]))
                    self.b -= self.lr * y_[i]
"""


def test_all_that_a_bias_moves_is_not_compared_with_a_first_step(tmp_path: Path) -> None:
    code, _, said = judged(MACHINE, tmp_path)
    assert code == 3, said


ARRAYS = """
import numpy as np
import torch

class Linear:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T

if __name__ == "__main__":
    print(torch.zeros(3))
"""


@pytest.mark.seldom  # torch is imported again
def test_layers_of_numpy_in_a_file_that_imports_torch_are_given_arrays(tmp_path: Path) -> None:
    code, _, said = judged(ARRAYS, tmp_path)
    assert (code, "3 gradients, all right" in said) == (0, True), said


MAIN_ALONE = """
import numpy as np

def heads_forward(x, w, u):
    assert x.shape == (4, 5, 6)
    h = np.einsum("bte,hed->bhtd", x, w)
    return np.einsum("bhtd,hde->bte", h, u), (x, h, w, u)

def heads_backward(dy, cache):
    x, h, w, u = cache
    dh = np.einsum("bte,hde->bhtd", dy, u)
    return 0 * x, np.einsum("bte,bhtd->hed", x, dh), np.einsum("bhtd,bte->hde", h, dy)

if __name__ == "__main__":
    r = np.random.default_rng(0)
    x, w, u = r.normal(size=(4, 5, 6)), r.normal(size=(2, 6, 3)), r.normal(size=(2, 3, 6))
    for i in range(9):
        y, cache = heads_forward(x, w, u)
        loss = ((y - x) ** 2).sum() / 2
        _, dw, du = heads_backward(y - x, cache)
        w -= 0.01 * dw
        u -= 0.01 * du
"""


def test_what_a_run_leaves_out_is_judged_as_the_file_calls_it(tmp_path: Path) -> None:
    code, _, said = judged(MAIN_ALONE, tmp_path)
    assert (code, "wrong: the gradient of x; w and u are right" in said) == (1, True), said
    code, _, said = judged(
        MAIN_ALONE.replace("0 * x", 'np.einsum("bhtd,hed->bte", dh, w)'), tmp_path
    )
    assert (code, "3 gradients, all right" in said) == (0, True), said


OF_OUT = """
import numpy as np

class MLP:
    def __init__(self, eta=0.1):
        self.eta = eta
        self.w1, self.w2 = np.random.randn(2, 4), np.random.randn(4, 2)

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.w1)
        self.o = np.tanh(self.h @ self.w2)
        return self.o

    def backward(self, out):
        d2 = (out - self.o) * (1 - self.o**2)
        d1 = d2 @ self.w2.T * (1 - self.h**2)
        self.w2 += self.eta * self.h.T @ d2
        self.w1 += self.eta * self.x.T @ d1
"""


def test_gradients_that_are_all_0_accuse_nothing(tmp_path: Path) -> None:
    code, _, said = judged(OF_OUT, tmp_path)
    assert (code, "every gradient is 0" in said) == (3, True), said
    train = "\n    def train(self, x, y):\n        self.forward(x)\n        self.backward(y)\n"
    code, _, said = judged(OF_OUT + train, tmp_path)
    assert (code, "train(x, y) updates the parameters itself" in said) == (0, True), said


REGRESSION = """
import numpy as np

class LinearRegression:
    def __init__(self, learning_rate, iterations):
        self.learning_rate, self.iterations = learning_rate, iterations

    def fit(self, X, Y):
        self.m, self.n = X.shape
        self.w, self.b = np.zeros(self.n), 0
        for i in range(self.iterations):
            error = Y - (X.dot(self.w) + self.b)
            dw = -2 * np.sum(X.T.dot(error)) / self.m
            db = -2 * np.sum(error) / self.m
            self.w = self.w - self.learning_rate * dw
            self.b = self.b - self.learning_rate * db
"""


def test_a_gradient_that_is_summed_to_a_number_is_blamed(tmp_path: Path) -> None:
    code, lines, said = judged(REGRESSION, tmp_path)
    assert (code, lines[:1]) == (1, ["dw = -2 * np.sum(X.T.dot(error)) / self.m"]), said
    code, _, said = judged(REGRESSION.replace("np.sum(X.T.dot(error))", "X.T.dot(error)"), tmp_path)
    assert code == 0, said


def test_a_shape_of_one_gradient_does_not_hide_that_one_sample_is_asked_for(tmp_path: Path) -> None:
    code, lines, said = judged(ONE_SAMPLE, tmp_path)
    assert code == 1, said
    assert {*lines} == {"nabla_w[-l] = delta @ activations[-l].T"}, said


ONE_SAMPLE = """
import numpy as np

class Network:
    def __init__(self, sizes):
        self.sizes = sizes
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n, k) for k, n in zip(sizes[:-1], sizes[1:])]

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activations = [x]
        for b, w in zip(self.biases, self.weights):
            activations.append(np.tanh(w @ activations[-1] + b))
        a = activations[-1]
        delta = (a - y) * (1 - a**2)
        nabla_b[-1] = delta
        nabla_w[-1] = delta @ activations[-2].T
        for l in range(2, len(self.sizes)):
            a = activations[-l]
            delta = (self.weights[-l + 1].T @ delta) * (1 - a**2)
            nabla_b[-l] = delta
            nabla_w[-l] = delta @ activations[-l].T
        return nabla_b, nabla_w
"""


GERMAN = """
import numpy as np

class Netz:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out)

    def vor(self, x):
        self.x = x
        return x @ self.w

    def zurueck(self, d):
        self.dw = self.x.T @ d
"""
OF_GLOBALS = """
import numpy as np

W = np.random.randn(4, 4)

def lossFun(inputs, targets):
    p = np.exp(W[inputs]) / np.exp(W[inputs]).sum()
    dW = np.zeros_like(W)
    dW[inputs] = p
    dW[inputs, targets] -= 1
    return -np.log(p[targets]), dW
"""


@pytest.mark.parametrize(
    ("source", "reason"),
    [(GERMAN, "no name says what goes backward"), (OF_GLOBALS, "lossFun: IndexError")],
    ids=["names", "labels"],
)
def test_there_is_a_reason_where_nothing_fits(source: str, reason: str, tmp_path: Path) -> None:
    code, _, said = judged(source, tmp_path)
    assert (code, reason in said) == (3, True), said


LISTED = """
import numpy as np

class Net:
    def __init__(self, input_size, hidden_size_list, output_size):
        sizes = [input_size] + hidden_size_list + [output_size]
        self.W = [np.random.randn(i, o) for i, o in zip(sizes, sizes[1:])]

    def predict(self, x):
        self.xs = [x]
        for W in self.W:
            self.xs.append(np.tanh(self.xs[-1] @ W))
        return self.xs[-1]

    def loss(self, x, t):
        return 0.5 * np.sum((self.predict(x) - t) ** 2)

    def gradient(self, x, t):
        grads, d = [], self.predict(x) - t
        for W, a, b in zip(self.W[::-1], self.xs[-2::-1], self.xs[::-1]):
            d = d * (1 - b**2)
            grads.insert(0, a.T @ d)
            d = d @ W.T
        return grads
"""


def test_hidden_sizes_may_be_a_list_beside_the_others(tmp_path: Path) -> None:
    code, _, said = judged(LISTED, tmp_path)
    assert (code, "2 gradients, all right" in said) == (0, True), said


def test_a_number_times_a_target_is_no_decay(tmp_path: Path) -> None:
    code, lines, said = judged(LISTED.replace("(x) - t\n", "(x) - 2 * t\n"), tmp_path)
    assert (code, lines[:1]) == (1, ["grads, d = [], self.predict(x) - 2 * t"]), said
    assert "decay" not in said, said


VARIABLE = """
import numpy as np

class Variable:
    def __init__(self, data):
        self.data, self.grad, self.creator = data, None, None

    def backward(self):
        if self.grad is None:
            self.grad = np.ones_like(self.data)
        creators = [self.creator]
        while creators:
            f = creators.pop()
            f.input.grad = f.backward(f.output.grad)
            if f.input.creator is not None:
                creators.append(f.input.creator)

class Function:
    def __call__(self, x):
        self.input, self.output = x, Variable(self.forward(x.data))
        self.output.creator = self
        return self.output

class Square(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        return gy * 2 * self.input.data

class Exp(Function):
    def forward(self, x):
        return np.exp(x)

    def backward(self, gy):
        return gy * np.exp(self.input.data)

def square(x):
    return Square()(x)
"""


def test_values_may_be_made_by_functions_alone(tmp_path: Path) -> None:
    code, _, said = judged(VARIABLE, tmp_path)
    assert (code, "Variable: 6 gradients, all right" in said) == (0, True), said
    line = "return gy * np.exp(self.input.data)"
    for wrong in ("return np.exp(self.input.data)", "return gy * self.input.data"):
        code, lines, said = judged(VARIABLE.replace(line, wrong), tmp_path)
        assert (code, lines[:1]) == (1, [wrong]), said


LIKE_THE_BOOKS = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

class Red:
    def __init__(self, capas):
        self.capas = capas
        self.sesgos = [np.random.randn(y, 1) for y in capas[1:]]
        self.pesos = [np.random.randn(y, x) for x, y in zip(capas[:-1], capas[1:])]

    def retropropagar(self, x, y):
        grad_b = [np.zeros(b.shape) for b in self.sesgos]
        grad_w = [np.zeros(w.shape) for w in self.pesos]
        acts = [x]
        for b, w in zip(self.sesgos, self.pesos):
            acts.append(sigmoid(np.dot(w, acts[-1]) + b))
        delta = (acts[-1] - y) * acts[-1] * (1 - acts[-1])
        for l in range(1, len(self.capas)):
            if l > 1:
                a = acts[-l]
                delta = np.dot(self.pesos[-l + 1].T, delta) * a * (1 - a)
            grad_b[-l] = delta
            grad_w[-l] = np.dot(delta, acts[-l - 1].T)
        return grad_b, grad_w

    def lote(self, datos, eta):
        for x, y in datos:
            db, dw = self.retropropagar(x, y)
            self.pesos = [w - eta * g for w, g in zip(self.pesos, dw)]
            self.sesgos = [b - eta * g for b, g in zip(self.sesgos, db)]
"""


@pytest.mark.parametrize("name", ["pesos", "weights"])
@pytest.mark.parametrize("bias", ["sesgos", "biases"])
def test_lists_of_parameters_are_judged_by_whatever_names(
    name: str, bias: str, tmp_path: Path
) -> None:
    text = LIKE_THE_BOOKS.replace("pesos", name).replace("sesgos", bias)
    code, _, said = judged(text, tmp_path)
    assert (code, "4 gradients, all right" in said) == (0, True), said
    for right, wrong in (
        ("grad_b[-l] = delta", "grad_b[-l] = 2 * delta"),
        ("acts[-l - 1].T)", "acts[-l - 1].T) * 2"),
    ):
        assert judged(text.replace(right, wrong), tmp_path)[0] == 1, wrong


def test_what_moves_the_parameters_is_tried_by_whatever_name(
    tmp_path: Path,
) -> None:
    assert "lote: gradient descent" in judged(LIKE_THE_BOOKS, tmp_path)[2]


def test_a_list_of_parameters_without_gradients_is_told(tmp_path: Path) -> None:
    text = LIKE_THE_BOOKS.replace("pesos", "weights")
    text = text.replace("return grad_b, grad_w", "return grad_w")
    code, _, said = judged(text, tmp_path)
    assert (code, "no gradient is found of sesgos[0]" in said) == (3, True), said


def test_an_update_that_lacks_a_method_is_wrong(tmp_path: Path) -> None:
    text = LIKE_THE_BOOKS.replace("def lote", "def update_network")
    text = text.replace("db, dw = self.retropropagar", "db, dw = self.retropropogar")
    code, lines, said = judged(text, tmp_path)
    assert (code, lines[:1]) == (1, ["db, dw = self.retropropogar(x, y)"]), said
    text = text.replace(
        "class Red:", "class Red:\n    retropropogar = None\n"
    )  # set by who uses it
    assert judged(text, tmp_path)[0] == 0


def test_an_update_that_computes_nothing_is_wrong(tmp_path: Path) -> None:
    text = LIKE_THE_BOOKS[: LIKE_THE_BOOKS.index("    def lote")]
    text += "    def gradient_descent(self, datos, eta):\n        pass\n"
    code, lines, said = judged(text, tmp_path)
    assert (code, lines[:1]) == (1, ["def gradient_descent(self, datos, eta):"]), said
    text = text.replace("(self, datos, eta)", "(self)")  # called after each step, perhaps
    assert judged(text, tmp_path)[0] == 0


LAYERED = """
import numpy as np

class Linear:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, X):
        self.X = X
        return X @ self.W

    def backward(self, G):
        self.dW = self.X.T @ G
        return G @ self.W.T
"""

NET = """
class Net:
    def __init__(self, input_size, hidden_size_list, output_size):
        sizes = [input_size] + hidden_size_list + [output_size]
        self.layers = [Linear(i, o) for i, o in zip(sizes, sizes[1:])]

    def predict(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return 0.5 * np.sum((self.predict(x) - t) ** 2) / len(x)

    def gradient(self, x, t):
        dout = (self.predict(x) - t) / len(x)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return {f"W{i}": layer.dW for i, layer in enumerate(self.layers)}
"""


def test_a_network_beside_layers_is_judged_or_told(tmp_path: Path) -> None:
    code, _, said = judged(LAYERED + NET, tmp_path)
    assert (code, "Net: 2 gradients, all right" in said) == (0, True), said
    assert (
        judged(
            LAYERED + NET.replace("- t) / len(x)\n        for", "- 2 * t) / len(x)\n        for"),
            tmp_path,
        )[0]
        == 1
    )
    code, _, said = judged(LAYERED + NET.replace("hidden_size_list", "what"), tmp_path)
    assert (code, "not judged: Net: " in said) == (0, True), said


SEQUENTIAL = """
class Sequential:
    def __init__(self, *modules):
        self.modules = list(modules)

    def add(self, module):
        self.modules.append(module)
        return self

    def forward(self, X):
        for m in self.modules:
            X = m.forward(X)
        return X

    def backward(self, G):
        for m in reversed(self.modules):
            G = m.backward(G)
        return G
"""
FILLED = """
if __name__ == "__main__":
    model = Sequential()
    model.add(Linear(10, 16)).add(Linear(16, 4))
"""


@pytest.mark.parametrize("main", ["", FILLED])
def test_a_container_of_layers_is_judged_with_layers_in_it(main: str, tmp_path: Path) -> None:
    text = LAYERED + SEQUENTIAL
    code, _, said = judged(text + main, tmp_path)
    assert (code, "Sequential: 3 gradients, all right" in said) == (0, True), said
    missing = "reversed(self.modules[1:])", "no gradient is found of modules[0].W"
    for order, why in (("self.modules", "backward: ValueError"), missing):
        wrong = text.replace("reversed(self.modules)", order)
        code, _, said = judged(wrong + main, tmp_path)
        assert (code, f"not judged: Sequential: {why}" in said) == (3, True), said


def test_a_loss_that_keeps_its_gradient_is_judged(tmp_path: Path) -> None:
    text = (
        LAYERED
        + """
class MSE:
    def __call__(self, p, y):
        self.grad = (p - y) / len(y)
        return 0.5 * np.sum((p - y) ** 2) / len(y)
"""
    )
    code, _, said = judged(text, tmp_path)
    assert (code, "MSE: 1 gradient, all right" in said) == (0, True), said
    code, lines, said = judged(
        text.replace("/ len(y)\n        ret", "/ len(y) * p\n        ret"), tmp_path
    )
    assert (code, lines[:1]) == (1, ["self.grad = (p - y) / len(y) * p"]), said


def test_an_update_of_inputs_and_targets_is_judged_by_how_far_it_moves(tmp_path: Path) -> None:
    text = LIKE_THE_BOOKS.replace("pesos", "weights").replace("sesgos", "biases")
    text = text.replace("retropropagar", "backprop")
    text = (
        text[: text.index("    def lote")]
        + """
    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(w @ a + b)
        return a

    def update_mini_batch(self, X, Y):
        nb, nw = self.backprop(X, Y)
        m = X.shape[1]
        self.weights = [w - 0.5 / m * g for w, g in zip(self.weights, nw)]
        self.biases = [b - 0.5 / m * g.sum(axis=1, keepdims=True) for b, g in zip(self.biases, nb)]
"""
    )
    code, _, said = judged(text, tmp_path)
    assert (code, "update_mini_batch(X, Y) updates" in said) == (0, True), said
    assert judged(text.replace("0.5 / m * g.sum", "0.5 * g.sum"), tmp_path)[0] == 1


SLOW = """import numpy as np
class Recurrent:
    def __init__(self, n_in, n_out, n_hidden=96):
        self.U = np.random.randn(n_hidden, n_in) / 1000
        self.W = np.random.randn(n_hidden, n_hidden) / 1000
        self.V = np.random.randn(n_out, n_hidden) / 1000
    def forward(self, inputs):
        self.inputs, self.hs = inputs, [np.zeros((self.W.shape[0], 1))]
        for x in inputs:
            self.hs.append(np.tanh(self.U @ x + self.W @ self.hs[-1]))
        return self.V @ self.hs[-1]
    def backprop(self, d_y, lr=0.02):
        dV, dW, dU = d_y @ self.hs[-1].T, 0 * self.W, 0 * self.U
        d = self.V.T @ d_y
        for t in reversed(range(len(self.inputs))):
            d = (1 - self.hs[t + 1] ** 2) * d
            dW += d @ self.hs[t].T
            dU += d @ self.inputs[t].T
            d = self.W.T @ d
        self.V -= lr * dV
        self.W -= lr * dW
        self.U -= lr * dU
"""


def test_steps_through_time_are_no_iteration_that_comes_to_rest(tmp_path: Path) -> None:
    assert judged(SLOW, tmp_path)[0] == 0
    code, lines, _ = judged(SLOW.replace("self.W.T @ d", "self.W @ d"), tmp_path)
    assert (code, lines[0]) == (1, "d = self.W @ d")


def test_a_constructor_is_told_the_words_that_it_compares(tmp_path: Path) -> None:
    text = LIKE_THE_BOOKS.replace("(self, capas):", "(self, capas, activations, kind):")
    text = text.replace(
        "        self.capas = capas",
        """        self.capas = capas
        self.activations = activations
        if kind == "classification":
            self.out = sigmoid""",
    )
    text = text.replace(
        "            acts.append(sigmoid(np.dot(w, acts[-1]) + b))",
        """
            name = self.activations[len(acts) - 1]
            f = self.out if name == "sigmoid" else None
            acts.append(f(np.dot(w, acts[-1]) + b))""",
    )
    code, _, said = judged(text, tmp_path)
    assert (code, "4 gradients, all right" in said) == (0, True), said
