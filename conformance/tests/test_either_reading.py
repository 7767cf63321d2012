"""Programs whose names do not tell what they are given: ∂C/∂(an output), labels, or a mask."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

NET = """
import numpy as np

class Net:
    def __init__(self, d, h, k):
        self.w1 = np.random.randn(d, h) / np.sqrt(d)
        self.b1 = np.zeros(h)
        self.w2 = np.random.randn(h, k) / np.sqrt(h)

    def forward(self, x):
        self.x = x
        self.a = np.tanh(x @ self.w1 + self.b1)
        return self.a @ self.w2

    def backward(self, dlogits):
        da = dlogits @ self.w2.T
        dz = da * (1 - self.a**2)
        return [self.x.T @ dz, dz.sum(0), self.a.T @ dlogits]
"""


@pytest.mark.parametrize("name", ["dlogits", "loss_grad", "eps"])
def test_the_name_of_an_upstream_gradient_decides_nothing(name: str, tmp_path: Path) -> None:
    code, _, said = judged(NET.replace("dlogits", name), tmp_path)
    assert code == 0, said
    assert "quadratic" not in said


def test_a_wrong_network_that_is_given_such_a_gradient_is_seen(tmp_path: Path) -> None:
    code, lines, said = judged(NET.replace("(1 - self.a**2)", "(1 - self.a)"), tmp_path)
    assert (code, lines[0]) == (1, "dz = da * (1 - self.a)"), said


CLOSURES = """
import numpy as np

rng = np.random.default_rng(11)

def linear(n_in, n_out):
    p = {"W": rng.standard_normal((n_in, n_out)), "b": np.zeros(n_out)}
    g, memo = {}, {}

    def fwd(x):
        memo["x"] = x
        return x @ p["W"] + p["b"]

    def bwd(dy):
        g["W"] = memo["x"].T @ dy
        g["b"] = dy.sum(axis=0)
        return dy @ p["W"].T

    return fwd, bwd, p, g

def elu(alpha=1.0):
    memo = {}

    def fwd(x):
        memo["x"], memo["neg"] = x, alpha * (np.exp(np.minimum(x, 0)) - 1)
        return np.where(x > 0, x, memo["neg"])

    def bwd(dy):
        return dy * np.where(memo["x"] > 0, 1.0, memo["neg"] + alpha)

    return fwd, bwd, {}, {}

def sequential(*mods):
    def fwd(x):
        for f, *_ in mods:
            x = f(x)
        return x

    def bwd(d):
        for _, b, *_ in mods[::-1]:
            d = b(d)
        return d

    return fwd, bwd, [m[2] for m in mods], [m[3] for m in mods]
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [("", ""), ("dy.sum(axis=0)", "dy.mean(axis=0)"), ('memo["neg"] + alpha', 'memo["neg"]')],
    ids=["right", "bias", "elu"],
)
def test_functions_around_variables_are_layers(right: str, there: str, tmp_path: Path) -> None:
    code, lines, said = judged(CLOSURES.replace(right, there), tmp_path)
    assert code == int(right != there), said
    assert [there in each for each in lines[:1]] == [True] * code
    assert "linear" in said
    assert "elu" in said


RANKING = """
import numpy as np

def masked_softmax(s, mask):
    s = np.where(mask, s, -np.inf)
    e = np.exp(s - s.max(axis=-1, keepdims=True)) * mask
    return e / e.sum(axis=-1, keepdims=True)

def listnet_loss(scores, rel, mask):
    p = masked_softmax(scores, mask)
    t = masked_softmax(rel, mask)
    loss = -(t * np.log(p + 1e-12))[mask].sum() / len(scores)
    return loss, (p - t) * mask / len(scores)
"""


@pytest.mark.parametrize("there", ["(p - t) * mask", "(p - t) * ~mask"])
def test_a_mask_says_which_entries_count(there: str, tmp_path: Path) -> None:
    code, _, said = judged(RANKING.replace("(p - t) * mask", there), tmp_path)
    assert code == int("~" in there), said


NOISY = """
import numpy as np

class Tied:
    def __init__(self, n_vis, n_hid, lr=0.5):
        self.W = np.random.default_rng(0).uniform(-0.5, 0.5, (n_vis, n_hid))
        self.lr = lr

    def cost(self, x, noisy):
        self.h = np.tanh(noisy @ self.W)
        self.r = self.h @ self.W.T
        return 0.5 * ((self.r - x) ** 2).sum() / len(x)

    def gradients(self, x, noisy):
        do = (self.r - x) / len(x)
        return noisy.T @ (do @ self.W * (1 - self.h**2)) + do.T @ self.h

    def step(self, x, rng):
        noisy = x * (rng.random(x.shape) > 0.3)
        loss = self.cost(x, noisy)
        self.W -= self.lr * self.gradients(x, noisy)
        return loss
"""


def test_a_step_that_is_given_inputs_has_gradients_of_its_own(tmp_path: Path) -> None:
    code, _, said = judged(NOISY, tmp_path)
    assert code == 0, said


CELL = """
import numpy as np

def layer_forward(x, prm):
    z = x @ prm["W"] + prm["b"]
    return np.tanh(z), (x, z)

def layer_backward(dy, prm, cache):
    x, z = cache
    dz = dy * (1 - np.tanh(z) ** 2)
    return dz @ prm["W"].T, dict(W=x.T @ dz, b=dz.sum(0))
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [("", ""), ("W=x.T @ dz", "W=x.T @ dy"), ("dict(W=", "dict(dW=")],
    ids=["right", "wrong", "named"],
)
def test_gradients_in_a_dict_beside_another_are_judged(
    right: str, there: str, tmp_path: Path
) -> None:
    code, _, said = judged(CELL.replace(right, there), tmp_path)
    assert code == int("dy" in there), said
    assert "parameters x, W, b" in said


HEAD = """
import numpy as np

class SoftmaxHead:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.3

    def loss_and_grads(self, X, y):
        n = len(X)
        p = np.exp(X @ self.W)
        p /= p.sum(1, keepdims=True)
        loss = -np.log(p[np.arange(n), y]).mean()
        d = p.copy()
        d[np.arange(n), y] -= 1
        d /= n
        return loss, d @ self.W.T, X.T @ d
"""


@pytest.mark.parametrize("there", ["d @ self.W.T", "-d @ self.W.T", "n * d @ self.W.T"])
def test_the_gradient_of_the_inputs_is_judged(there: str, tmp_path: Path) -> None:
    code, _, said = judged(HEAD.replace("d @ self.W.T", there), tmp_path)
    assert code == int(there[0] == "-"), said
    assert "parameters W, the input" in said


@pytest.mark.parametrize("there", ["d @ self.W.T", "d @ abs(self.W.T)"])
def test_what_goes_back_through_all_layers_is_the_gradient_of_the_inputs(
    there: str, tmp_path: Path
) -> None:
    last = "        return loss, d @ self.W.T, X.T @ d\n"
    named = f"        dW, d = X.T @ d, {there}\n        return loss, d, dW\n"
    code, _, said = judged(HEAD.replace(last, named), tmp_path)
    assert code == int("abs" in there), said
    assert "parameters W, the input" in said


def test_a_gradient_that_is_not_judged_is_named(tmp_path: Path) -> None:
    more = "b=dz.sum(0), dgain=dz.sum(), dshift=2 * dy)"
    _, _, said = judged(CELL.replace("b=dz.sum(0))", more), tmp_path)
    assert "not judged: layer_backward: it returns dshift as well, and of what is not known" in said


POOLED = """
import numpy as np

def gate_forward(x, w, b):
    s = x.mean(axis=(2, 3))
    e = 1 / (1 + np.exp(-(s @ w + b)))
    return x * e[:, :, None, None], (x, s, e, w)

def gate_backward(dout, cache):
    x, s, e, w = cache
    da = (dout * x).sum(axis=(2, 3)) * e * (1 - e)
    ds = da @ w.T
    dx = dout * e[:, :, None, None] + ds[:, :, None, None] / (x.shape[2] * x.shape[3])
    return dx, s.T @ da, da.sum(0)
"""


def test_a_mean_over_pixels_is_none_over_samples(tmp_path: Path) -> None:
    code, lines, said = judged(POOLED.replace("x).sum(", "x).mean("), tmp_path)
    assert (code, lines[0][:4]) == (1, "da ="), said
    assert "right are" not in said
