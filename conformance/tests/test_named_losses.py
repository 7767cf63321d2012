"""A loss that a program computes in its own training loop, and neither returns nor uses."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited
from conformance.tests.shapes.measure import judged_source as judged

ROBUST = """
import numpy as np

class RobustRegressor:
    def __init__(self, lr=0.05, n_iter=50):
        self.lr, self.n_iter = lr, n_iter

    def fit(self, X, y):
        self.w = np.random.randn(X.shape[1])
        self.b = np.zeros(1)
        for i in range(self.n_iter):
            e = X @ self.w + self.b - y
            loss = np.log(np.cosh(e)).mean()
            de = np.tanh(e) / len(X)
            self.w -= self.lr * X.T @ de
            self.b -= self.lr * de.sum()
        return self
"""
UP = ROBUST.replace("-= self.lr", "+= self.lr")
OBJECTIVE = UP.replace("loss = np", "objective = -np").replace("= np.tanh", "= -np.tanh")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (ROBUST, ""),
        (OBJECTIVE, ""),
        (ROBUST.replace("= np.tanh", "= -np.tanh"), "de = -np.tanh(e) / len(X)"),
        (UP, "self.w += self.lr * X.T @ de"),
    ],
    ids=["right", "objective", "error", "update"],
)
def test_what_is_called_a_loss_gets_less(source: str, line: str, tmp_path: Path) -> None:
    code, lines, said = judged(source, tmp_path)
    assert (code, lines[:1]) == (int(bool(line)), [line] if line else []), said


PEGASOS = """
import numpy as np

class Pegasos:
    def __init__(self, lam=0.05, n_iter=200, batch=8, seed=0):
        self.lam, self.n_iter, self.batch, self.seed = lam, n_iter, batch, seed

    def fit(self, X, y):
        rng = np.random.default_rng(self.seed)
        self.w = rng.normal(size=X.shape[1]) * 0.1
        for t in range(1, self.n_iter + 1):
            A = rng.choice(len(X), self.batch, replace=False)
            Xa, ya = X[A], y[A]
            hinge = np.maximum(0, 1 - ya * (Xa @ self.w)).mean()
            loss = 0.5 * self.lam * self.w @ self.w + hinge
            viol = ya * (Xa @ self.w) < 1
            grad = self.lam * self.w - (ya * viol) @ Xa / self.batch
            self.w = self.w - 1.0 / (self.lam * (t + 50)) * grad
        return self
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [
        ("", ""),
        ("= self.lam * self.w -", "= 2 * self.lam * self.w -"),
        ("Xa / self.batch", "Xa / viol.sum()"),
    ],
    ids=["right", "decay", "count"],
)
def test_a_loss_says_how_much_drawn_weights_decay(right: str, there: str, tmp_path: Path) -> None:
    code, lines, said = judged(PEGASOS.replace(right, there), tmp_path)
    assert (code, len(lines)) == ((1, 1) if there else (0, 0)), said


UPHILL = """
import numpy as np

class Adaline:
    def __init__(self, eta=0.01):
        self.eta = eta

    def fit(self, X, y):
        self.w_ = np.zeros(X.shape[1])
        for xi, target in zip(X, y):
            error = target - xi @ self.w_
            self.w_ += self.eta * 2.0 * xi * error
        return self
"""


@pytest.mark.parametrize("there", ["+= self.eta", "-= self.eta"])
def test_a_single_output_has_no_hinge_loss(there: str, tmp_path: Path) -> None:
    code, _, said = judged(UPHILL.replace("+= self.eta", there), tmp_path)
    assert code == int("-" in there), said


WEIGHTED = """
import numpy as np

class GammaRegressor:
    def __init__(self, lr=0.2):
        self.lr = lr

    def _loss_grad(self, X, y, w):
        mu = np.exp(X @ self.coef_)
        loss = np.sum(w * (X @ self.coef_ + y / mu)) / w.sum()
        r = w * (1 - y / mu) / w.sum()
        return loss, X.T @ r

    def fit(self, X, y, sample_weight=None):
        w = np.ones(len(X)) if sample_weight is None else sample_weight
        self.coef_ = np.zeros(X.shape[1])
        for i in range(9):
            loss, gradient = self._loss_grad(X, y, w)
            self.coef_ = self.coef_ - self.lr * gradient
        return self
"""


@pytest.mark.parametrize("there", ["r = w * (1", "r = (1"])
def test_weights_of_samples_are_tried(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(WEIGHTED.replace("r = w * (1", there), tmp_path)
    assert code == int("w" not in there), said
    assert len(lines) >= code


def test_a_mask_that_leaves_out_too_much_is_to_blame_itself(tmp_path: Path) -> None:
    code, lines, said = judged(PEGASOS.replace("self.w) < 1", "self.w) < 0"), tmp_path)
    assert (code, lines[:1]) == (1, ["viol = ya * (Xa @ self.w) < 0"]), said
    assert "the number has to be 1" in said


SHORT = """
import numpy as np

def binary_cross_entropy(predictions, targets, eps=1e-15):
    p = np.clip(predictions, eps, 1 - eps)
    return -np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p))

def bce_gradient(predictions, targets, eps=1e-15):
    p = np.clip(predictions, eps, 1 - eps)
    return (p - targets) / (p * (1 - p)) / predictions.size
"""


def test_the_gradient_of_a_loss_may_be_called_by_its_initials(tmp_path: Path) -> None:
    code, _, said = judged(SHORT, tmp_path)
    assert (code, "binary_cross_entropy: 1 gradient, all right" in said) == (0, True), said
    code, lines, said = judged(SHORT.replace("(p - targets)", "(p + targets)"), tmp_path)
    assert (code, "(p + targets)" in lines[0]) == (1, True), said


STATED = """
import numpy as np

def cross_entropy_loss(logits, Y_ind):
    shifted = logits - logits.max(axis=1, keepdims=True)
    true = shifted[np.arange(logits.shape[0]), Y_ind]
    return (np.log(np.exp(shifted).sum(axis=1)) - true).mean()

def softmax_cross_entropy_grad(logits, Y_ind):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(p.shape[0]), Y_ind] -= 1.0
    return p / logits.shape[0]

def MSE(y, y_pred):
    return 0.5 * np.mean((y - y_pred) ** 2)

def MSEgradient(y, y_pred):
    return (y_pred - y) / y.size
"""


def test_a_gradient_is_that_of_the_only_loss_of_its_arguments(tmp_path: Path) -> None:
    code, _, said = judged(STATED, tmp_path)
    assert (code, said.count("all right")) == (0, 2), said
    code, lines, said = judged(STATED.replace("-= 1.0", "+= 1.0"), tmp_path)
    assert (code, lines[:1]) == (1, ["p[np.arange(p.shape[0]), Y_ind] += 1.0"]), said


def test_a_loss_of_each_sample_has_the_gradient_of_its_mean(tmp_path: Path) -> None:
    source = """
import numpy as np

def softmax_crossentropy_with_logits(logits, answers):
    own = logits[np.arange(len(logits)), answers]
    return np.log(np.sum(np.exp(logits), axis=-1)) - own

def grad_softmax_crossentropy_with_logits(logits, answers):
    ones = np.zeros_like(logits)
    ones[np.arange(len(logits)), answers] = 1
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return (softmax - ones) / logits.shape[0]

class ReLU:
    def forward(self, input):
        return np.maximum(0, input)

    def backward(self, input, grad_output):
        return grad_output * (input > 0)
"""
    code, _, said = judged(source, tmp_path)
    assert (code, said.count("all right")) == (0, 2), said
    code, _, said = judged(source.replace("(softmax - ones)", "(softmax + ones)"), tmp_path)
    assert code == 1, said


def test_a_loss_of_each_sample_has_the_gradient_of_its_sum(tmp_path: Path) -> None:
    source = """
import numpy as np

def triplet_loss(anchor, near, far):
    d_near, d_far = ((anchor - near) ** 2).sum(axis=1), ((anchor - far) ** 2).sum(axis=1)
    loss = np.log1p(np.exp(d_near - d_far))
    s = 1 / (1 + np.exp(d_far - d_near))
    return loss, 2 * s[:, None] * (far - near), 2 * s[:, None] * (near - anchor)
"""
    code, _, said = judged(source, tmp_path)
    assert (code, "2 gradients, all right" in said) == (0, True), said
    code, lines, said = judged(source.replace("(far - near),", "(anchor - near),"), tmp_path)
    assert (code, "2 * s[:, None] * (anchor - near)" in lines[0]) == (1, True), said


LOGISTIC = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(30, 3)), rng.integers(0, 2, 30).astype(float)
w = np.zeros(3)
for it in range(5):
    p = 1 / (1 + np.exp(-(X @ w)))
    NAME = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    w -= 0.3 * X.T @ ((p - y) * p * (1 - p)) / 30
    print(NAME)
"""


@pytest.mark.parametrize("name", ["loss", "ce", "cross_entropy", "perte", "verlust", "custo"])
def test_a_loss_may_have_its_name_in_other_words(name: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, LOGISTIC, ("NAME", name))
    assert report.examined.accused[0].lines[0].line == 8
    assert run_edited(tmp_path, LOGISTIC, ("NAME", name), (" * p * (1 - p)", "")).examined.ok


LOSSES_OF_WEIGHTS = """
import numpy as np

def exp_loss(w, X, y):
    t = 2 * y - 1
    e = np.exp(-t * (X @ w))
    return e.mean(), -X.T @ (t * e) / len(y)

def brier(w, X, y):
    p = 1 / (1 + np.exp(-X @ w))
    return np.mean((p - y) ** 2), 2 * X.T @ ((p - y) * p * (1 - p)) / len(y)
"""


def test_no_function_has_the_verdict_of_another(tmp_path: Path) -> None:
    code, _, said = judged(LOSSES_OF_WEIGHTS, tmp_path)
    assert code == 0, said
    assert "brier(w, X, y) gives the gradients" in said
    code, lines, said = judged(LOSSES_OF_WEIGHTS.replace(" * p * (1 - p)", ""), tmp_path)
    assert (code, "(p - y) ** 2" in lines[0]) == (1, True), said


HUBER = """
import numpy as np

def huber(beta, X, y, k=1.345):
    r = y - X @ beta
    small = np.abs(r) <= k
    loss = np.where(small, 0.5 * r ** 2, k * np.abs(r) - 0.5 * k ** 2).sum()
    psi = np.where(small, r, k * np.sign(r))
    return loss, -X.T @ psi
"""


def test_what_is_large_is_tried_with_either_sign(tmp_path: Path) -> None:
    code, lines, said = judged(HUBER.replace("k * np.sign(r)", "k"), tmp_path)
    assert (code, lines[:1]) == (1, ["psi = np.where(small, r, k)"]), said


PATCHES = """
import numpy as np

def patch_indices(shape, k):
    N, H = shape
    i = np.arange(k).reshape(1, -1) + np.arange(H - k + 1).reshape(-1, 1)
    n = np.arange(N).reshape(-1, 1, 1)
    return n.astype(int), i.astype(int)

def conv_forward(x, w):
    n, i = patch_indices(x.shape, len(w))
    cols = x[n, i]
    return cols @ w, (x, w, cols)

def conv_backward(dout, cache):
    x, w, cols = cache
    dx = np.zeros(x.shape)
    n, i = patch_indices(x.shape, len(w))
    np.add.at(dx, (n, i), dout[:, :, None] * w)
    return dx, np.einsum("np,npk->k", dout, cols)
"""


def test_indices_are_no_dice_loss(tmp_path: Path) -> None:
    code, _, said = judged(PATCHES, tmp_path)
    assert code == 0, said


TRIPLETS = """
import numpy as np
rng = np.random.default_rng(2)
A, B, C = rng.normal(size=(3, 30, 5))
W = rng.normal(size=(5, 3)) * 0.4
for epoch in range(40):
    near, far = (A - B) @ W, (A - C) @ W
    a, b = (near ** 2).sum(1), (far ** 2).sum(1)
    loss = np.logaddexp(0, a - b).mean()
    s = 1 / (1 + np.exp(b - a)) / len(A)
    dW = (A - B).T @ (2 * near * s[:, None]) - (A - C).T @ (2 * far * s[:, None])
    W -= 0.1 * dW
    if epoch % 10 == 0:
        print("loss %.4f, near %.3f, far %.3f" % (loss, a.mean(), b.mean()))
"""


def test_a_text_is_of_what_is_called_a_loss_among_what_is_printed(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, TRIPLETS, ("np.exp(b - a)", "np.exp(a - b)")).blames
    assert blame.line == TRIPLETS[: TRIPLETS.index("s = 1 /")].count("\n") + 1


RATIOS = """import numpy as np

class Claims:
    def __init__(self, n, h):
        r = np.random.default_rng(2)
        self.V, self.u, self.k = r.normal(size=(n, h)), r.normal(size=h), np.zeros(1)

    def predict(self, X):
        self.X, self.T = X, np.tanh(X @ self.V)
        return np.exp(self.T @ self.u + self.k)

    def itakura(self, s, t):
        return np.mean(t / s - np.log(t / s) - 1)

    def gradients(self, s, t):
        d = (1 - t / s) / len(t)
        e = d[:, None] * self.u * (1 - self.T**2)
        return self.X.T @ e, self.T.T @ d, np.array([d.sum()])
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("", "", ""),
        ("- t / s) /", "- t) /", "d = (1 - t) / len(t)"),
        ("* self.u * (1", "* (1", "e = d[:, None] * (1 - self.T**2)"),
    ],
    ids=["right", "error", "factor"],
)
def test_a_loss_is_known_by_the_arguments_that_its_gradients_take_too(
    right: str, wrong: str, line: str, tmp_path: Path
) -> None:
    code, lines, said = judged(RATIOS.replace(right, wrong), tmp_path)
    assert (code, lines) == (int(bool(line)), [line] if line else []), said


SPARSE = """import numpy as np

def start(n, h, c):
    r = np.random.default_rng(4)
    return {"V": r.normal(size=(n, h)), "U": r.normal(size=(h, c))}

def through(p, X):
    h = np.tanh(X @ p["V"])
    return h, h @ p["U"]

def tightness(p, X, T, rho=0.5):
    h, s = through(p, X)
    return np.mean(np.sum(np.log1p(np.exp(s)) - T * s, 1) + rho * np.sum(h**2, 1))

def gradients(p, X, T, rho=0.5):
    h, s = through(p, X)
    d = (1 / (1 + np.exp(-s)) - T) / len(X)
    e = (d @ p["U"].T + 2 * rho * h / len(X)) * (1 - h**2)
    return {"V": X.T @ e, "U": h.T @ d}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("", "", ""),
        ("+ 2 * rho", "- 2 * rho", 'e = (d @ p["U"].T - 2 * rho * h / len(X)) * (1 - h**2)'),
        ("* (1 - h**2)", "* (1 - h)", 'e = (d @ p["U"].T + 2 * rho * h / len(X)) * (1 - h)'),
    ],
    ids=["right", "sign", "derivative"],
)
def test_a_function_of_a_file_is_its_loss_by_the_arguments_of_its_gradients(
    right: str, wrong: str, line: str, tmp_path: Path
) -> None:
    code, lines, said = judged(SPARSE.replace(right, wrong), tmp_path)
    assert (code, lines) == (int(bool(line)), [line] if line else []), said


QUANTILES = """import numpy as np

def check_mark(pred, y, level):
    e = y - pred
    return np.mean(np.maximum(level * e, (level - 1) * e))

def check_mark_grad(pred, y, level):
    return np.where(y > pred, -level, 1 - level) / len(y)
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("", "", ""),
        ("-level, 1", "level, 1", "return np.where(y > pred, level, 1 - level) / len(y)"),
    ],
    ids=["right", "sign"],
)
def test_a_loss_of_an_output_and_targets_may_have_any_name_beside_its_gradient(
    right: str, wrong: str, line: str, tmp_path: Path
) -> None:
    code, lines, said = judged(QUANTILES.replace(right, wrong), tmp_path)
    assert (code, [*{*lines}]) == (int(bool(line)), [line] if line else []), said
