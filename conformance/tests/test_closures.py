"""Layers that are functions: each goes forward, and hands back the function that goes backward."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

PASSES = """
import numpy as np

def affine(x, W, b):
    def pull(dy):
        return dy @ W.T, x.T @ dy, dy.sum(0)

    return x @ W + b, pull

def squash(z):
    h = np.tanh(z)

    def pull(dh):
        return dh * (1 - h ** 2)

    return h, pull

def loss_and_grads(theta, X, T, reg):
    z, pull_in = affine(X, theta[0], theta[1])
    h, pull_mid = squash(z)
    y, pull_out = affine(h, theta[2], theta[3])
    loss = np.sum((y - T) ** 2) / 2 + reg / 2 * (np.sum(theta[0] ** 2) + np.sum(theta[2] ** 2))
    dh, *last = pull_out(y - T)
    return loss, [*pull_in(pull_mid(dh))[1:], *last]

def descend(theta, grads, reg):
    for t, g in zip(theta, grads):
        if t.ndim == 2:
            g = g + reg * t
        t -= 0.01 * g

if __name__ == "__main__":
    rng = np.random.default_rng(3)
    X, T = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    theta = [rng.normal(size=(3, 4)), np.zeros(4), rng.normal(size=(4, 2)), np.zeros(2)]
    for epoch in range(9):
        loss, grads = loss_and_grads(theta, X, T, 0.1)
        descend(theta, grads, 0.1)
"""


@pytest.mark.parametrize(
    ("was", "now", "blamed"),
    [
        ("", "", ""),
        ("g + reg * t", "g - reg * t", "g = g - reg * t"),
        ("g + reg * t", "1 * g", "g = 1 * g"),
        ("dh * (1 - h ** 2)", "dh", "return dh"),
    ],
    ids=["right", "sign", "nowhere", "no slope"],
)
def test_a_decay_of_the_loss_may_be_added_where_the_file_trains(
    was: str, now: str, blamed: str, tmp_path: Path
) -> None:
    code, lines, said = judged(PASSES.replace(was, now), tmp_path)
    assert (code, lines[:1]) == (int(bool(blamed)), [blamed] * bool(blamed)), said


ADAM = """
import numpy as np

def start(n_in, n_out):
    return [np.random.default_rng(1).normal(size=(n_in, n_out)), np.zeros(n_out)]

def loss_and_grads(theta, X, T):
    e = X @ theta[0] + theta[1] - T
    return np.sum(e ** 2) / 2, [X.T @ e, e.sum(axis=0)]

def update(theta, grads, memory, t, lr=0.01):
    for p, g, own in zip(theta, grads, memory):
        own.mean = 0.9 * own.mean + 0.1 * g
        own.square = 0.99 * own.square + 0.01 * g ** 2
        p -= lr * own.mean / (1 - 0.9 ** t) / (np.sqrt(own.square / (1 - 0.99 ** t)) + 1e-8)
"""


@pytest.mark.parametrize("wrong", ["", "0.01 * g\n"], ids=["right", "no square"])
def test_what_a_step_keeps_may_be_in_objects(wrong: str, tmp_path: Path) -> None:
    source = ADAM.replace("0.01 * g ** 2\n", wrong or "0.01 * g ** 2\n")
    code, lines, said = judged(source, tmp_path)
    assert code == bool(wrong), said
    assert ("update: its updates are right" in said) == (not wrong), said
    assert [each.startswith("own.square") for each in lines[:1]] == [True] * bool(wrong), said
