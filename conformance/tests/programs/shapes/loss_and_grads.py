import numpy as np


def init(n_in, n_hid, n_out):
    rng = np.random.default_rng(0)
    return {
        "W": [rng.standard_normal((n_in, n_hid)) * 0.1, rng.standard_normal((n_hid, n_out)) * 0.1],
        "b": [np.zeros(n_hid), np.zeros(n_out)],
    }


def loss_and_grads(params, X, y):
    (W1, W2), (b1, b2) = params["W"], params["b"]
    n = len(X)
    h = np.tanh(X @ W1 + b1)
    s = h @ W2 + b2
    s = s - s.max(axis=1, keepdims=True)
    logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    loss = -(y * logp).sum() / n
    ds = (np.exp(logp) - y) / n
    dW2 = h.T @ ds
    db2 = ds.sum(axis=0)
    dz = (ds @ W2.T) * (1 - h ** 2)
    dW1 = X.T @ dz
    db1 = dz.sum(axis=0)
    return loss, {"W": [dW1, dW2], "b": [db1, db2]}


def sgd(params, grads, lr):
    for key in params:
        for p, g in zip(params[key], grads[key]):
            p -= lr * g
