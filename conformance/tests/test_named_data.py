"""Arguments that are data by their names: actions and returns, a graph, users and their ratings."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

POLICY = """
import numpy as np

class ActorCritic:
    def __init__(self, obs_dim, n_actions, hidden=4, seed=0):
        rng = np.random.default_rng(seed)
        self.W1 = rng.normal(0, 0.5, (obs_dim, hidden))
        self.Wp = rng.normal(0, 0.5, (hidden, n_actions))
        self.Wv = rng.normal(0, 0.5, (hidden, 1))

    def loss_and_grads(self, obs, actions, returns, advantages):
        n = len(obs)
        h = np.tanh(obs @ self.W1)
        e = np.exp(h @ self.Wp)
        probs = e / e.sum(axis=1, keepdims=True)
        value = (h @ self.Wv)[:, 0]
        taken = np.log(probs[np.arange(n), actions])
        loss = (-taken * advantages + 0.5 * (value - returns) ** 2).mean()
        dlogits = probs.copy()
        dlogits[np.arange(n), actions] -= 1
        dlogits *= advantages[:, None] / n
        dvalue = ((value - returns) / n)[:, None]
        dh = dlogits @ self.Wp.T + dvalue @ self.Wv.T
        dW1 = obs.T @ (dh * (1 - h ** 2))
        return loss, {"W1": dW1, "Wp": h.T @ dlogits, "Wv": h.T @ dvalue}
"""

GRAPH = """
import numpy as np

class GCN:
    def __init__(self, n_features, n_hidden, n_classes):
        self.W0 = np.random.randn(n_features, n_hidden)
        self.W1 = np.random.randn(n_hidden, n_classes)

    def forward(self, A, X):
        D = np.diag(1 / np.sqrt(A.sum(1) + 1))
        self.S = D @ (A + np.eye(len(A))) @ D
        self.X = X
        self.H = np.tanh(self.S @ X @ self.W0)
        e = np.exp(self.S @ self.H @ self.W1)
        self.P = e / e.sum(1, keepdims=True)
        return self.P

    def backward(self, Y):
        d = (self.P - Y) / len(Y)
        dH = self.S @ d @ self.W1.T
        self.dW1 = (self.S @ self.H).T @ d
        self.dW0 = (self.S @ self.X).T @ (dH * (1 - self.H ** 2))
"""

RATINGS = """
import numpy as np

class MF:
    def __init__(self, n_users, n_items, k=4):
        self.P = np.random.randn(n_users, k)
        self.Q = np.random.randn(n_items, k)

    def predict(self, users, items):
        return np.sum(self.P[users] * self.Q[items], axis=1)

    def loss(self, users, items, ratings):
        return 0.5 * np.mean((self.predict(users, items) - ratings) ** 2)

    def gradients(self, users, items, ratings):
        err = (self.predict(users, items) - ratings) / len(ratings)
        dP, dQ = np.zeros_like(self.P), np.zeros_like(self.Q)
        np.add.at(dP, users, err[:, None] * self.Q[items])
        np.add.at(dQ, items, err[:, None] * self.P[users])
        return dP, dQ
"""
WORDS = """
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def neg_sampling_loss_and_gradient(center_vec, outside_idx, outside_vectors, neg_idx):
    u_o, u_k = outside_vectors[outside_idx], outside_vectors[neg_idx]
    pos, neg = sigmoid(u_o @ center_vec), sigmoid(-(u_k @ center_vec))
    loss = -np.log(pos) - np.sum(np.log(neg))
    grad_center = (pos - 1) * u_o + (1 - neg) @ u_k
    grad_outside = np.zeros_like(outside_vectors)
    grad_outside[outside_idx] += (pos - 1) * center_vec
    np.add.at(grad_outside, neg_idx, (1 - neg)[:, None] * center_vec)
    return loss, grad_center, grad_outside
"""

RECORD = """
from collections import namedtuple
import numpy as np

Params = namedtuple("Params", ["w1", "b1", "w2", "b2"])
Grads = namedtuple("Grads", ["w1", "b1", "w2", "b2"])

def loss_and_grad(params, x, y):
    h = np.tanh(x @ params.w1 + params.b1)
    d = h @ params.w2 + params.b2 - y
    dh = (d @ params.w2.T) * (1 - h ** 2)
    return 0.5 * np.sum(d ** 2), Grads(x.T @ dh, dh.sum(axis=0), h.T @ d, d.sum(axis=0))
"""
WRONG = {
    "words": (WORDS, "+ (1 - neg) @", "+ neg @"),
    "record": (RECORD, "(1 - h ** 2)", "(1 - h)"),
    "policy": (POLICY, "*= advantages[:", "*= returns[:"),
    "graph": (GRAPH, "self.S @ d @", "d @"),
    "ratings": (RATINGS, "np.add.at(dP, users, ", "dP[users] += ("),
}


@pytest.mark.parametrize("name", WRONG)
def test_data_are_known_by_their_names(name: str, tmp_path: Path) -> None:
    source, right, there = WRONG[name]
    code, _, said = judged(source, tmp_path)
    assert code == 0, said
    code, lines, said = judged(source.replace(right, there), tmp_path)
    assert code == 1, said
    assert there in lines[0]
