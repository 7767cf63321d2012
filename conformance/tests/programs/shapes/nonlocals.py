import numpy as np


def network(n_in, n_hidden, n_out):
    rng = np.random.default_rng(0)
    w1 = rng.normal(size=(n_in, n_hidden))
    b1 = np.zeros((1, n_hidden))
    w2 = rng.normal(size=(n_hidden, n_out))
    b2 = np.zeros((1, n_out))
    hidden = None

    def predict(x):
        nonlocal hidden
        hidden = 1 / (1 + np.exp(-(x @ w1 + b1)))
        return 1 / (1 + np.exp(-(hidden @ w2 + b2)))

    def train(x, y, lr):
        nonlocal w1, b1, w2, b2
        out = predict(x)
        d2 = (out - y) * out * (1 - out) / len(x)
        d1 = d2 @ w2.T * hidden * (1 - hidden)
        w2 = w2 - lr * hidden.T @ d2
        b2 = b2 - lr * d2.sum(axis=0, keepdims=True)
        w1 = w1 - lr * x.T @ d1
        b1 = b1 - lr * d1.sum(axis=0, keepdims=True)

    return {"predict": predict, "train": train}
