"""The readings by which a program is judged: that for which it is written, not the first that runs."""

from pathlib import Path

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
