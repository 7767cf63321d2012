"""A loss of arrays of any shapes, with its gradients: the arguments are found by running it."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged
from conformance.tests.test_named_data import WORDS

PAIRS_OF_INPUTS = """
import numpy as np

def contrastive(W, b, X1, X2, same):
    E1, E2 = np.tanh(X1 @ W + b), np.tanh(X2 @ W + b)
    diff = E1 - E2
    dist = (diff ** 2).sum(axis=1)
    gap = np.maximum(1 - dist, 0)
    loss = (same * dist + (1 - same) * gap).mean()
    ddist = (same - (1 - same) * (dist < 1)) / len(X1)
    ddiff = 2 * ddist[:, None] * diff
    g1, g2 = ddiff * (1 - E1 ** 2), -ddiff * (1 - E2 ** 2)
    return loss, X1.T @ g1 + X2.T @ g2, g1.sum(axis=0) + g2.sum(axis=0)
"""

UNPACKED = """
import numpy as np

def rbf_loss_grad(params, X, t):
    C, log_s, w, bias = params
    D = X[:, None, :] - C[None, :, :]
    d2 = (D ** 2).sum(axis=2)
    inv = np.exp(-2 * log_s)
    G = np.exp(-0.5 * d2 * inv)
    r = G @ w + bias - t
    n = len(t)
    dG = np.outer(r, w) * G / n
    dC = np.einsum('nk,nkd->kd', dG, D) * inv[:, None]
    dlog_s = (dG * d2).sum(axis=0) * inv
    return 0.5 * np.dot(r, r) / n, [dC, dlog_s, G.T @ r / n, r.sum() / n]
"""

IN_A_DICT = """
import numpy as np

def affine(p, name, x):
    return x @ p['W_' + name] + p['b_' + name]

def elbo_grad(p, x, eps):
    h = np.tanh(affine(p, 'enc', x))
    mu, lv = affine(p, 'mu', h), affine(p, 'lv', h)
    logit = affine(p, 'out', mu + np.exp(0.5 * lv) * eps)
    n, g = len(x), {}
    loss = (np.sum(np.logaddexp(0, logit) - x * logit)
            - 0.5 * np.sum(1 + lv - mu ** 2 - np.exp(lv))) / n

    def back(name, inp, d):
        g['W_' + name], g['b_' + name] = inp.T @ d, d.sum(0)
        return d @ p['W_' + name].T

    dz = back('out', mu + np.exp(0.5 * lv) * eps, (1 / (1 + np.exp(-logit)) - x) / n)
    dlv = dz * eps * 0.5 * np.exp(0.5 * lv) + 0.5 * (np.exp(lv) - 1) / n
    dh = back('mu', h, dz + mu / n) + back('lv', h, dlv)
    back('enc', x, dh * (1 - h ** 2))
    return loss, g
"""

THRESHOLDS = """
import numpy as np

def nll_ordinal(beta, cuts, X, y):
    eta = X @ beta
    lo = np.concatenate([[-np.inf], cuts])[y] - eta
    hi = np.concatenate([cuts, [np.inf]])[y] - eta
    Fl, Fh = 1 / (1 + np.exp(-lo)), 1 / (1 + np.exp(-hi))
    pr = Fh - Fl
    fl, fh = Fl * (1 - Fl), Fh * (1 - Fh)
    dbeta = X.T @ ((fh - fl) / pr)
    dcuts = np.zeros_like(cuts)
    for k in range(len(cuts)):
        dcuts[k] = -(fh / pr)[y == k].sum() + (fl / pr)[y == k + 1].sum()
    return -np.log(pr).sum(), dbeta, dcuts
"""

ONE_OF_TWO = """
import numpy as np

def nll_gamma(beta, shape, X, y):
    eta = X @ beta
    rate = shape * np.exp(-eta)
    return np.sum(rate * y + shape * eta), X.T @ (shape - rate * y)
"""

UNKNOWN = """

def nll_of(model, data):
    nll, grad = model.nll(data), model.grad(data)
    return nll, grad
"""


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize(
    ("source", "right", "there"),
    [
        pytest.param(PAIRS_OF_INPUTS, "-ddiff * (1", "ddiff * (1", marks=pytest.mark.seldom),
        (UNPACKED, "(dG * d2).sum(axis=0) * inv", "0.5 * (dG * d2).sum(axis=0) * inv"),
        (IN_A_DICT, "dz + mu / n", "dz + mu"),
        (THRESHOLDS, "y == k + 1", "y == k"),
        (ONE_OF_TWO, "X.T @ (shape - rate * y)", "X.T @ (shape - rate)"),
    ],
    ids=["pairs of inputs", "unpacked", "in a dict", "thresholds", "one of two"],
)
def test_the_arguments_of_a_loss_are_found(
    source: str, right: str, there: str, tmp_path: Path
) -> None:
    code, _, said = judged(source, tmp_path)
    assert code == 0, said
    code, lines, said = judged(source.replace(right, there), tmp_path)
    assert (code, [there in each for each in lines[:1]]) == (1, [True]), said


def test_a_loss_whose_arguments_are_not_found_is_no_success(tmp_path: Path) -> None:
    code, _, said = judged(ONE_OF_TWO + UNKNOWN, tmp_path)
    assert code == 3, said
    assert said.count("not judged: nll_of") == 1


OF_LISTS = """
import math

def loss_and_grad(W1, b1, W2, b2, X, Y):
    gW1, gb1 = [[0.0 for _ in row] for row in W1], [0.0 for _ in b1]
    gW2, gb2 = [[0.0 for _ in row] for row in W2], [0.0 for _ in b2]
    loss = 0.0
    for x, y in zip(X, Y):
        h = [math.tanh(b1[i] + sum(W1[i][j] * x[j] for j in range(len(x)))) for i in range(len(b1))]
        e = [b2[k] + sum(W2[k][i] * h[i] for i in range(len(h))) - y[k] for k in range(len(b2))]
        loss += sum(0.5 * v * v for v in e)
        for k in range(len(b2)):
            gb2[k] += e[k]
            for i in range(len(h)):
                gW2[k][i] += e[k] * h[i]
        for i in range(len(h)):
            d = 0.0
            for k in range(len(b2)):
                d += e[k] * W2[k][i]
            d *= 1 - h[i] ** 2
            gb1[i] += d
            for j in range(len(x)):
                gW1[i][j] += d * x[j]
    return loss, gW1, gb1, gW2, gb2
"""


@pytest.mark.usefixtures("no_search")
def test_gradients_may_be_lists_of_numbers(tmp_path: Path) -> None:
    code, _, said = judged(OF_LISTS, tmp_path)
    assert code == 0, said
    code, _, said = judged(OF_LISTS.replace("gb1[i] += d", "gb1[i] = d"), tmp_path)
    assert (code, "wrong: the gradient of b1" in said) == (1, True), said


@pytest.mark.usefixtures("no_search")
def test_one_output_clears_nothing_that_is_wrong_for_several(tmp_path: Path) -> None:
    wrong = OF_LISTS.replace("d += e[k] * W2[k][i]", "d = e[k] * W2[k][i]")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines[:1]) == (1, ["d = e[k] * W2[k][i]"]), said


WORD = """
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def neg_sampling_loss_and_gradient(center_vec, outside_idx, outside_vectors, neg_indices):
    s = sigmoid(outside_vectors[outside_idx] @ center_vec)
    loss = -np.log(s)
    grad_center = (s - 1) * outside_vectors[outside_idx]
    grad_outside = np.zeros_like(outside_vectors)
    grad_outside[outside_idx] += (s - 1) * center_vec
    for k in neg_indices:
        s_k = sigmoid(-outside_vectors[k] @ center_vec)
        loss -= np.log(s_k)
        grad_center += (1 - s_k) * outside_vectors[k]
        grad_outside[k] += (1 - s_k) * center_vec
    return loss, grad_center, grad_outside
"""


@pytest.mark.usefixtures("no_search")
def test_a_loss_of_a_word_is_given_others_beside_it(tmp_path: Path) -> None:
    code, _, said = judged(WORD, tmp_path)
    assert code == 0, said
    wrong = WORD.replace("grad_outside[k] +=", "grad_outside[k] =")
    code, lines, said = judged(wrong, tmp_path)
    assert (code, lines[:1]) == (1, ["grad_outside[k] = (1 - s_k) * center_vec"]), said


STATED = """
import math
import numpy as np

log_gamma = np.vectorize(math.lgamma)

def psi(x):
    shift = 0.0
    for k in range(8):
        shift = shift - 1 / (x + k)
    z = x + 8
    return shift + np.log(z) - 0.5 / z - (1 / 12 - (1 / 120 - 1 / (252 * z**2)) / z**2) / z**2

def beta_loss(w, v, X, y):
    \"\"\"Beta regression for y in (0, 1).

    X: (n, d), y: (n,), w and v: (d,)
    \"\"\"
    mu, prec = 1 / (1 + np.exp(-X @ w)), np.exp(X @ v)
    a, b = mu * prec, (1 - mu) * prec
    ll = log_gamma(prec) - log_gamma(a) - log_gamma(b)
    ll = ll + (a - 1) * np.log(y) + (b - 1) * np.log(1 - y)
    da, db = psi(a) - np.log(y), psi(b) - np.log(1 - y)
    d_prec = da * mu + db * (1 - mu) - psi(prec)
    dw = X.T @ ((da - db) * prec * mu * (1 - mu)) / len(y)
    return -np.mean(ll), {"w": dw, "v": X.T @ (d_prec * prec) / len(y)}
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_the_shapes_that_a_docstring_states_are_those_of_arguments(
    wrong: bool, tmp_path: Path
) -> None:
    source = STATED.replace("(da - db) * prec", "(da + db) * prec") if wrong else STATED
    code, lines, said = judged(source, tmp_path)
    assert (code, "X (8, 6), w (6), v (6), y (8)" in said) == (int(wrong), True), said
    assert not wrong or "(da + db)" in lines[0]


def test_a_loss_that_could_not_be_tried_is_named(tmp_path: Path) -> None:
    other = STATED.replace("beta_loss", "other_loss").split("def psi")[1]
    source = STATED + "def psi" + other.replace("    mu, prec", "    y.unknown()\n    mu, prec")
    code, _, said = judged(source, tmp_path)
    assert (code, "not judged: other_loss" in said) == (3, True), said


CONTRASTIVE = """
import numpy as np

def clip_loss(img, txt, log_t):
    ni, nt = (np.linalg.norm(e, axis=1, keepdims=True) for e in (img, txt))
    u, v = img / ni, txt / nt
    scale, idx = np.exp(log_t), np.arange(len(img))
    S = scale * (u @ v.T)
    P = np.exp(S - S.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    loss = -np.log(P[idx, idx]).mean()
    dS = (P - np.eye(len(img))) / len(img)
    dlog_t = (dS * S).sum()
    du, dv = scale * dS @ v, scale * dS.T @ u
    dimg = (du - u * (du * u).sum(1, keepdims=True)) / ni
    dtxt = (dv - v * (dv * v).sum(1, keepdims=True)) / nt
    return loss, dimg, dtxt, dlog_t
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("(dS * S).sum()", "(dS * (u @ v.T)).sum()"),
        ("* u).sum(1, keepdims=True)) / ni", "* u).sum(1, keepdims=True))"),
    ],
    ids=["right", "of a number", "of an array"],
)
def test_each_gradient_that_is_named_after_an_argument_is_judged(
    old: str, new: str, tmp_path: Path
) -> None:
    code, _, said = judged(CONTRASTIVE.replace(old, new), tmp_path)
    assert code == int(bool(old)), said
    assert "parameters img, txt, log_t" in said


def test_a_gradient_of_no_argument_is_named(tmp_path: Path) -> None:
    _, _, said = judged(CONTRASTIVE.replace("dlog_t\n", "dlog_t, dS\n"), tmp_path)
    assert "it returns dS as well, and of what is not known" in said


OF_ONE_WORD = """
import numpy as np

def softmax_loss_and_gradient(v_c, outside_idx, outside_vectors):
    s = outside_vectors @ v_c
    yhat = np.exp(s) / np.exp(s).sum()
    loss = -np.log(yhat[outside_idx])
    d = yhat.copy()
    d[outside_idx] -= 1
    grad_v = outside_vectors.T @ d
    grad_U = np.outer(d, v_c)
    return loss, grad_v, grad_U
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_gradients_by_other_names_than_the_arguments_are_judged(
    wrong: bool, tmp_path: Path
) -> None:
    text = OF_ONE_WORD.replace("vectors.T @ d\n", "vectors.T @ yhat\n") if wrong else OF_ONE_WORD
    code, _, said = judged(text, tmp_path)
    assert code == int(wrong), said
    assert "outside_vectors (5, 6)" in said


OF_PAIRS = """
import numpy as np

def bradley_terry_loss(theta, winners, losers):
    p = 1 / (1 + np.exp(theta[losers] - theta[winners]))
    loss = -np.log(p).sum()
    grad = np.zeros_like(theta)
    np.add.at(grad, winners, p - 1)
    np.add.at(grad, losers, p - 1)
    return loss, grad
"""


def test_two_numbers_of_which_nothing_is_known_are_not_equal(tmp_path: Path) -> None:
    code, _, said = judged(OF_PAIRS, tmp_path)
    assert code == 1, said
    assert "net.py:9: np.add.at(grad, losers, p - 1)" in said


OF_OTHER_WORDS = WORDS.replace("neg_sampling_loss_and_gradient", "negative_sampling_loss")


@pytest.mark.parametrize("wrong", [False, True])
def test_what_is_named_as_a_vector_has_one_axis(wrong: bool, tmp_path: Path) -> None:
    each = "np.add.at(grad_outside, neg_idx, (1 - neg)[:, None] * center_vec)"
    once = "grad_outside[neg_idx] += (1 - neg)[:, None] * center_vec"
    text = OF_OTHER_WORDS.replace(each, once) if wrong else OF_OTHER_WORDS
    code, lines, said = judged(text, tmp_path)
    assert code == int(wrong), said
    assert lines[:1] == [once] * wrong, said
