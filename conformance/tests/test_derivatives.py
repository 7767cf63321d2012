"""Functions with their derivatives are judged where a file has nothing else."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

ACTIVATIONS = """
import math

import numpy as np

def relu(Z):
    return np.maximum(0, Z)

def relu_backward(Z):
    return Z > 0

def tanh(z):
    return np.tanh(z)

def d_tanh(a):
    return 1 - a ** 2

def sigmoid(z):
    return 1 / (1 + math.exp(-z))

def sigmoid_prime(z):
    s = sigmoid(z)
    return s * (1 - s)

def scaled(x):
    return 3 * x

def scaled_grad(x):
    return x
"""

COSTS = """
import numpy as np

def ridge_cost(theta):
    return np.sum(theta ** 2)

def ridge_grad(theta):
    return 2 * theta
"""


@pytest.mark.parametrize(
    ("source", "right", "there"),
    [
        (ACTIVATIONS, "", ""),
        (ACTIVATIONS, "s * (1 - s)", "s * (1 + s)"),
        (ACTIVATIONS, "1 - a ** 2", "1 - a"),
        (COSTS, "", ""),
        (COSTS, "2 * theta", "2 * theta ** 2"),
    ],
    ids=["right", "sigmoid", "tanh", "cost", "wrong cost"],
)
def test_a_derivative_is_judged_by_its_function(
    source: str, right: str, there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(source.replace(right, there), tmp_path)
    assert code == int(right != there), said
    assert all(there in each for each in lines[:1]), lines
    assert "scaled" not in said  # it may be differentiated by something else


def test_derivatives_beside_a_network_are_not_judged_for_it(tmp_path: Path) -> None:
    network = "class Net:\n    def fit(self, a, q, z):\n        raise ValueError(a)\n"
    code, _, said = judged(ACTIVATIONS + "\n" + network, tmp_path)
    assert code != 0, said


SOFTMAX = """
import numpy as np

def softmax(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)

def cross_entropy(pred, y):
    return -np.sum(np.log(pred[range(len(y)), y])) / len(y)

def softmax_backward(pred, y):
    grad = pred.copy()
    grad[range(len(y)), y] -= 1
    return grad / len(y)
"""


def test_the_gradient_of_a_loss_before_its_softmax_is_judged(tmp_path: Path) -> None:
    code, _, said = judged(SOFTMAX, tmp_path)
    assert code == 0, said
    code, lines, said = judged(SOFTMAX.replace("pred.copy()", "pred ** 2"), tmp_path)
    assert (code, lines[:1]) == (1, ["grad = pred ** 2"]), said


NESTED = """
import numpy as np

class Net:
    class Linear:
        def __init__(self, features, neurons):
            self.weights = np.random.randn(neurons, features)

        def forward(self, x):
            self.input = x
            return self.weights @ x.T

        def backward(self, dL_dZ):
            return dL_dZ @ self.input
"""


def test_a_class_within_a_class_is_judged(tmp_path: Path) -> None:
    code, _, said = judged(NESTED, tmp_path)
    assert code == 0, said
    code, lines, said = judged(
        NESTED.replace("dL_dZ @ self.input", "dL_dZ @ self.input ** 2"), tmp_path
    )
    assert (code, lines[:1]) == (1, ["return dL_dZ @ self.input ** 2"]), said


WITHIN = """
    class activation:
        def relu(out):
            return np.maximum(0, out)

        def relu_derivative(out):
            return (out > 0).astype(float)
"""


def test_a_class_within_a_class_may_be_no_layer(tmp_path: Path) -> None:
    code, _, said = judged(NESTED + WITHIN, tmp_path)
    assert code == 0, said


HANDS_ON = """
import numpy as np

class Softmax:
    def forward(self, inputs):
        e = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = e / np.sum(e, axis=1, keepdims=True)
        return self.output

    def backward(self, grad):
        return grad

class ReLU:
    def forward(self, inputs):
        return np.maximum(0, inputs)

    def backward(self, grad):
        return grad
"""


def test_a_softmax_may_hand_on_what_its_loss_gives(tmp_path: Path) -> None:
    code, _, said = judged(HANDS_ON.partition("class ReLU")[0], tmp_path)
    assert code == 3, said
    code, _, said = judged(HANDS_ON, tmp_path)
    assert (code, "not judged: Softmax" in said) == (1, True), said


def test_a_derivative_beside_a_loss_that_does_not_use_it_is_judged(tmp_path: Path) -> None:
    source = """
import numpy as np

def MSE(y, y_pred):
    return 0.5 * np.mean((y - y_pred) ** 2)

def MSEgradient(y, y_pred):
    return (y_pred - y) / y.size

def tanH(x):
    return np.tanh(x)

def tanHGradient(y):
    return 1 - y**2
"""
    code, _, said = judged(source, tmp_path)
    assert (code, said.count("all right")) == (0, 2), said
    code, _, said = judged(source.replace("1 - y**2", "1 - y"), tmp_path)
    assert code == 1, said


def test_a_function_may_write_into_what_it_is_given(tmp_path: Path) -> None:
    source = """
import numpy as np

def relu(z):
    z[:] = np.maximum(0.01 * z, z)
    return z

def relu_prime(z):
    return np.where(z <= 0, 0.01, 1)
"""
    code, _, said = judged(source, tmp_path)
    assert code == 0, said
    code, _, said = judged(source.replace("0.01, 1)", "0, 1)"), tmp_path)
    assert code == 1, said


@pytest.mark.parametrize(
    "name", ["sigmoide_derivada", "derivada_da_sigmoide", "sigmoide_ableitung"]
)
@pytest.mark.parametrize("there", ["s * (1 - s)", "s * (1 + s)"])
def test_a_derivative_may_be_called_so_in_another_language(
    name: str, there: str, tmp_path: Path
) -> None:
    source = f"""
import numpy as np

def sigmoide(x):
    return 1 / (1 + np.exp(-x))

def {name}(x):
    s = sigmoide(x)
    return {there}
"""
    code, _, said = judged(source, tmp_path)
    assert code == int("+" in there), said
