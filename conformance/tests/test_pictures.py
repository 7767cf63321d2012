"""Networks with convolutions as whole classes: they are given pictures, and told their sizes."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

BATCHES = """
import numpy as np

class ConvNet:
    def __init__(self, input_dim=(1, 28, 28), num_filters=8, filter_size=3, num_classes=10):
        C, H, W = input_dim
        self.f = filter_size
        self.F = np.random.randn(num_filters, C, filter_size, filter_size)
        self.b = np.zeros(num_filters)
        side = (H - filter_size + 1) // 2
        self.W = np.random.randn(num_filters * side * side, num_classes)

    def loss(self, X, y):
        n, _, H, W = X.shape
        out = H - self.f + 1
        patches = np.stack([
            X[:, :, i:i + out, j:j + out] for i in range(self.f) for j in range(self.f)
        ], axis=-1)
        z = np.einsum("nchwk,fck->nfhw", patches, self.F.reshape(*self.F.shape[:2], -1))
        z = z + self.b[None, :, None, None]
        a = np.maximum(z, 0)
        blocks = a.reshape(n, a.shape[1], out // 2, 2, out // 2, 2)
        pooled = blocks.max(axis=(3, 5))
        flat = pooled.reshape(n, -1)
        e = np.exp(flat @ self.W)
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(n), y]).mean()
        p[np.arange(n), y] -= 1
        d = p / n
        dpool = (d @ self.W.T).reshape(pooled.shape)
        mask = blocks == pooled[:, :, :, None, :, None]
        dz = (mask * dpool[:, :, :, None, :, None]).reshape(a.shape) * (z > 0)
        dF = np.einsum("nchwk,nfhw->fck", patches, dz).reshape(self.F.shape)
        return loss, {"F": dF, "b": dz.sum(axis=(0, 2, 3)), "W": flat.T @ d}
"""

ONE = """
import numpy as np

class CNN:
    def __init__(self, image_size, n_filters, n_classes):
        self.filters = np.random.randn(n_filters, 3, 3)
        self.weights = np.random.randn((image_size - 2) ** 2 * n_filters, n_classes)

    def conv(self, image):
        h, w = image.shape
        out = np.zeros((h - 2, w - 2, len(self.filters)))
        for i in range(h - 2):
            for j in range(w - 2):
                out[i, j] = np.sum(image[i:i + 3, j:j + 3] * self.filters, axis=(1, 2))
        return out

    def forward(self, image):
        self.image = image
        self.out = np.tanh(self.conv(image))
        self.flat = self.out.ravel()
        e = np.exp(self.flat @ self.weights)
        self.p = e / e.sum()
        return self.p

    def backward(self, label, lr=0.01):
        d = self.p.copy()
        d[label] -= 1
        dconv = (self.weights @ d).reshape(self.out.shape) * (1 - self.out ** 2)
        dfilters = np.zeros_like(self.filters)
        for i in range(dconv.shape[0]):
            for j in range(dconv.shape[1]):
                dfilters += dconv[i, j][:, None, None] * self.image[i:i + 3, j:j + 3]
        self.filters -= lr * dfilters
        self.weights -= lr * np.outer(self.flat, d)
"""
SIGNALS = """
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

class ConvNet:
    def __init__(self):
        rng = np.random.default_rng(0)
        self.k = rng.normal(size=(4, 1, 5))
        self.w = rng.normal(size=4)

    def loss(self, x, y):
        self.win = sliding_window_view(x, self.k.shape[2], axis=2)
        self.h = np.tanh(self.conv(self.win))
        self.mean = self.h.mean(axis=2)
        self.z, self.y = self.mean @ self.w, y
        return np.mean(np.logaddexp(0, self.z) - y * self.z)

    def conv(self, win):
        return np.einsum("bclk,ock->bol", win, self.k)

    def backward(self):
        d = (1 / (1 + np.exp(-self.z)) - self.y) / len(self.y)
        dh = (d[:, None] * self.w)[:, :, None] / self.h.shape[2] * (1 - self.h ** 2)
        self.dw = self.mean.T @ d
        self.dk = np.einsum("bol,bclk->ock", dh, self.win)
"""
WRONG = {
    "signals": (SIGNALS, "(1 - self.h ** 2)", "(1 - self.h)"),
    "batches": (BATCHES, "dz.sum(axis=(0, 2, 3))", "dz.mean(axis=(0, 2, 3))"),
    "one": (ONE, "(1 - self.out ** 2)", "(1 - self.out)"),
}


@pytest.mark.parametrize(
    "name", ["batches", "signals", pytest.param("one", marks=pytest.mark.seldom)]
)
def test_a_network_of_pictures_is_judged(name: str, tmp_path: Path) -> None:
    source, right, there = WRONG[name]
    code, _, said = judged(source, tmp_path)
    assert code == 0, said
    code, lines, said = judged(source.replace(right, there), tmp_path)
    assert code == 1, said
    assert there in lines[0]


def test_a_kernel_is_not_repeated_for_the_channels_of_other_data(tmp_path: Path) -> None:
    unnamed = SIGNALS.replace("ConvNet", "Scorer").replace("conv", "taken")
    code, _, said = judged(unnamed, tmp_path)
    assert code == 3, said
