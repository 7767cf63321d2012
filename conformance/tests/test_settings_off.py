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
