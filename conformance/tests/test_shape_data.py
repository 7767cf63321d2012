"""The data that programs are tried on: each side of what they choose, and sensible losses."""

from pathlib import Path

import pytest

from conformance.api import check
from conformance.errors import ConformanceError
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.tests.shapes.measure import blamed


def judged(source: str, folder: Path) -> tuple[int, list[str], str]:
    """The exit code, the lines to blame, and what is said."""
    file = folder / "net.py"
    file.write_text(source, encoding="utf-8")
    try:
        report = check_file(Asked(str(file)), check)
    except ConformanceError as error:
        return error.exit_code, [], str(error)
    lines = source.splitlines()
    return report.exit_code, [lines[n - 1].strip() for n in blamed(report)], str(report)


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
