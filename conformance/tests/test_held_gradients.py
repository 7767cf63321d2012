"""Objects of a value and its gradient, which layers hold and an optimiser moves."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

HELD = """
import numpy as np

DECAY = 0.1

class Tensor:
    def __init__(self, data):
        self.data, self.grad, self.m = data, 0 * data, 0 * data

class Affine:
    def __init__(self, n_in, n_out):
        self.w = Tensor(np.random.default_rng(n_in).normal(size=(n_in, n_out)))
        self.b = Tensor(np.zeros(n_out))

    def __call__(self, x):
        self.x = x
        return x @ self.w.data + self.b.data

    def backward(self, dy):
        self.w.grad += self.x.T @ dy
        self.b.grad += dy.sum(axis=0)
        return dy @ self.w.data.T

class Model:
    def __init__(self, n_in, n_out):
        self.layer = Affine(n_in, n_out)

    def parameters(self):
        return [self.layer.w, self.layer.b]

    def __call__(self, X):
        return np.tanh(self.layer(X))

    def loss(self, X, Y):
        return np.sum((self(X) - Y) ** 2) / 2 + DECAY / 2 * np.sum(self.layer.w.data ** 2)

    def backward(self, X, Y):
        out = self(X)
        self.layer.backward((out - Y) * (1 - out ** 2))

class Momentum:
    def __init__(self, params, lr=0.01):
        self.params, self.lr = params, lr

    def zero_grad(self):
        for p in self.params:
            p.grad = np.zeros_like(p.data)

    def step(self):
        for p in self.params:
            if p.data.ndim == 2:
                p.grad = p.grad + DECAY * p.data
            p.m = 0.9 * p.m + p.grad
            p.data -= self.lr * p.m
"""


@pytest.mark.parametrize(
    ("was", "now", "code"),
    [
        pytest.param("", "", 0, id="right"),
        pytest.param("p.grad + DECAY", "p.grad - DECAY", 1, id="decay"),
        pytest.param("p.data -= self", "p.data += self", 1, id="sign", marks=pytest.mark.seldom),
    ],
)
def test_gradients_are_set_back_before_each_update(
    was: str, now: str, code: int, tmp_path: Path
) -> None:
    found, lines, said = judged(HELD.replace(was, now), tmp_path)
    assert found == code, said
    assert [now in each for each in lines[:1]] == [True] * (code == 1), said
    assert ("gradient descent with momentum" in said) == (code == 0 or "+=" in now), said
