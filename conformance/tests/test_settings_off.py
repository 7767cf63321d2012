"""What a class does not do by default: activations and a decay are tried, the rest is told."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

NET = """
import numpy as np

class NeuralNetwork:
    def __init__(self, input_dim, hidden_dim, output_dim, learning_rate=0.01,
                 activation='relu', reg_lambda=0.0, use_momentum=False):
        self.lr, self.activation, self.reg_lambda = learning_rate, activation, reg_lambda
        self.use_momentum = use_momentum
        self.W1 = np.random.randn(input_dim, hidden_dim)
        self.W2 = np.random.randn(hidden_dim, output_dim)

    def activate(self, z):
        if self.activation == 'relu': return np.maximum(0, z)
        if self.activation == 'tanh': return np.tanh(z)
        raise ValueError("Unsupported activation")

    def derivative(self, z):
        if self.activation == 'relu': return (z > 0).astype(float)
        return 1 - np.tanh(z) ** 2

    def forward(self, X):
        self.z1 = X @ self.W1
        self.a1 = self.activate(self.z1)
        e = np.exp(self.a1 @ self.W2)
        self.a2 = e / e.sum(axis=1, keepdims=True)
        return self.a2

    def backward(self, X, y):
        d = (self.a2 - y) / X.shape[0]
        dW2 = self.a1.T @ d + self.reg_lambda * self.W2
        dW1 = X.T @ (d @ self.W2.T * self.derivative(self.z1)) + self.reg_lambda * self.W1
        self.W1 -= self.lr * dW1
        self.W2 -= self.lr * dW2
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [
        ("", ""),
        ("1 - np.tanh(z) ** 2", "1 - z ** 2"),
        ("+ self.reg_lambda * self.W2", "- self.reg_lambda * self.W2"),
    ],
    ids=["right", "tanh", "decay"],
)
def test_what_is_off_by_default_is_tried_or_told(right: str, there: str, tmp_path: Path) -> None:
    code, lines, said = judged(NET.replace(right, there), tmp_path)
    assert code == int(right != there), said
    assert all(there in each for each in lines[:1]), lines
    assert "note: use_momentum=True is not tried" in said


LAYER = """
import numpy as np

class Dense:
    def __init__(self, n_in, n_out, l2_regularization_weights=0):
        self.weights = np.random.randn(n_in, n_out)
        self.l2_regularization_weights = l2_regularization_weights

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.weights

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        if self.l2_regularization_weights > 0:
            self.dweights += self.l2_regularization_weights * self.dweights
        return dvalues @ self.weights.T
"""


@pytest.mark.parametrize("name", ["l2_regularization_weights", "l2_w", "l1_lambda"])
def test_a_penalty_of_a_layer_that_is_0_is_told(name: str, tmp_path: Path) -> None:
    code, _, said = judged(LAYER.replace("l2_regularization_weights", name), tmp_path)
    assert code == 0, said
    assert f"note: {name} other than 0 is not tried" in said


OPTIONS = """
import numpy as np

class Net:
    def __init__(self, n_in, n_out, drop=0.0, out_type="linear"):
        self.W, self.drop, self.out_type = np.random.randn(n_in, n_out), drop, out_type

    def forward(self, X):
        self.X, z = X, X @ self.W
        if self.drop > 0:
            self.mask = np.random.rand(*z.shape) > self.drop
            z = z * self.mask / (1 - self.drop)
        return 1 / (1 + np.exp(-z)) if self.out_type == "logistic" else z

    def backward(self, out, Y):
        d = (out - Y) / len(Y)
        if self.out_type == "logistic":
            d = d * out
        return self.X.T @ d
"""


def test_a_fraction_that_is_0_and_words_for_an_output_are_told(tmp_path: Path) -> None:
    code, _, said = judged(OPTIONS, tmp_path)
    assert code == 0, said
    assert "note: drop other than 0 is not tried" in said
    assert "note: out_type other than 'linear' is not tried" in said


PENALISED = """
import numpy as np

class Logistic:
    def __init__(self, lr=0.1, iters=3, lmbda=0.0, reg="none"):
        self.beta, self.lr, self.iters, self.lmbda, self.reg = None, lr, iters, lmbda, reg

    def bce_loss(self, y_true, y_pred):
        loss = -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))
        if self.reg == "ridge":
            loss += self.lmbda / (2 * len(y_true)) * np.sum(self.beta ** 2)
        return loss

    def fit(self, X, y):
        self.beta = np.random.rand(X.shape[1])
        y = y.reshape(-1)
        losses = np.zeros(self.iters)
        for i in range(self.iters):
            p = 1 / (1 + np.exp(-X @ self.beta))
            losses[i] += self.bce_loss(y, p)
            grad = X.T @ (p - y) / len(y)
            if self.reg == "ridge":
                grad += self.lmbda / len(y) * self.beta
            self.beta -= self.lr * grad
        return self.beta, losses
"""


def test_a_penalty_that_is_chosen_by_its_name_is_tried(tmp_path: Path) -> None:
    code, _, said = judged(PENALISED, tmp_path)
    assert code == 0, said
    code, lines, said = judged(PENALISED.replace("/ len(y) * self", "* self"), tmp_path)
    assert (code, lines[:1]) == (1, ["grad += self.lmbda * self.beta"]), said


BOOK = """
import numpy as np

class Network:
    def __init__(self, sizes):
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.zeros((y, 1)) for y in sizes[1:]]

    def feedforward(self, a):
        acts = [a]
        for b, w in zip(self.biases, self.weights):
            acts.append(np.tanh(w @ acts[-1] + b))
        return acts[-1]

    def update_mini_batch(self, mini_batch, eta):
        X, Y = (np.hstack(each) for each in zip(*mini_batch))
        nabla_b, nabla_w = self.backprop(X, Y)
        self.weights = [w - eta / X.shape[1] * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - eta / X.shape[1] * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, X, Y):
        acts = [X]
        for b, w in zip(self.biases, self.weights):
            acts.append(np.tanh(w @ acts[-1] + b))
        delta = (acts[-1] - Y) * (1 - acts[-1] ** 2)
        nabla_b, nabla_w = [], []
        for l in range(1, len(acts)):
            nabla_b.insert(0, delta.sum(1, keepdims=True))
            nabla_w.insert(0, delta @ acts[-l - 1].T)
            delta = (self.weights[-l].T @ delta) * (1 - acts[-l - 1] ** 2)
        return nabla_b, nabla_w
"""

OTHERWISE = {
    "an update of arrays": [
        ("mini_batch, eta", "X, Y, eta"),
        ("        X, Y = (np.hstack(each) for each in zip(*mini_batch))\n", ""),
    ],
    "a forward pass that returns more": [("return acts[-1]", "return acts[:-1], acts[-1]")],
    "no forward pass": [("def feedforward", "def forward_pass")],
}


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("name", OTHERWISE)
def test_of_a_class_that_is_like_the_books_the_gradients_and_updates_are_judged(
    name: str, right: bool, tmp_path: Path
) -> None:
    text = BOOK if right else BOOK.replace("(1 - acts[-l - 1] ** 2)", "acts[-l - 1] ** 2")
    for here, there in OTHERWISE[name]:
        assert text.count(here) == 1
        text = text.replace(here, there)
    code, _, said = judged(text, tmp_path)
    assert code == int(not right), said
    if right:
        assert "; update_mini_batch: gradient descent" in said


def test_a_list_may_be_the_default_of_a_setting(tmp_path: Path) -> None:
    source = NET.replace("use_momentum=False", "use_momentum=False, names=['relu']")
    code, _, said = judged(source, tmp_path)
    assert code == 0, said


def test_an_array_that_has_the_name_of_a_setting_is_no_setting_of_zero(tmp_path: Path) -> None:
    source = """
import numpy as np

class Net:
    def __init__(self, d=3, h=4, k=2):
        self.W = np.random.randn(d, h)
        self.V = np.random.randn(h, k)

    def forward(self, X):
        self.h = np.tanh(X @ self.W)
        return self.h @ self.V

    def backward(self, X, y):
        do = (self.forward(X) - y) / len(X)
        self.dV = self.h.T @ do
        self.dW = X.T @ (do @ self.V.T * (1 - self.h ** 2))
"""
    code, _, said = judged(source, tmp_path)
    assert code == 0, said


WORDED = """import numpy as np
class Line:
    def __init__(self, num_features):
        self.w, self.b = np.random.rand(num_features), 0.0
    def train(self, X, y, lr=0.01, epochs=10, regularization=None, alpha=0.01):
        for _ in range(epochs):
            error = X @ self.w + self.b - y
            grad = X.T @ error / len(X)
            if regularization == "L2":
                grad -= alpha * self.w
            self.w -= lr * grad
            self.b -= lr * error.mean()
"""


def test_a_word_that_a_method_compares_its_argument_with_is_told(tmp_path: Path) -> None:
    code, _, said = judged(WORDED, tmp_path)
    assert (code, "note: regularization other than None is not tried" in said) == (0, True), said
