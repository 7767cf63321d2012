"""A loss is computed only once, after the first update, by a function of its own."""

import numpy as np

rng = np.random.default_rng(1)
X = rng.normal(size=(30, 2))
y = (X[:, 0] * X[:, 1] > 0).astype(int)


def loss(model):
    hidden = np.tanh(X.dot(model["a"]) + model["p"])
    scores = np.exp(hidden.dot(model["b"]) + model["q"])
    chosen = (scores / scores.sum(axis=1, keepdims=True))[range(len(X)), y]
    data = -np.log(chosen).sum()
    data += 0.01 / 2 * (np.sum(np.square(model["a"])) + np.sum(np.square(model["b"])))
    return data / len(X)


def build(width, passes):
    a, p = rng.normal(size=(2, width)), np.zeros((1, width))
    b, q = rng.normal(size=(width, 2)), np.zeros((1, 2))
    for i in range(passes):
        hidden = np.tanh(X.dot(a) + p)
        scores = np.exp(hidden.dot(b) + q)
        delta = scores / scores.sum(axis=1, keepdims=True)
        delta[range(len(X)), y] -= 1
        db, dq = hidden.T.dot(delta), delta.sum(axis=0, keepdims=True)
        below = delta.dot(b.T) * (1 - np.power(hidden, 2))
        da, dp = X.T.dot(below), below.sum(axis=0)
        db += 0.01 * b
        da += 0.01 * a
        a += -0.01 * da
        p += -0.01 * dp
        b += -0.01 * db
        q += -0.01 * dq
        if i % 1000 == 0:
            print(loss({"a": a, "p": p, "b": b, "q": q}))


build(3, 4000)
