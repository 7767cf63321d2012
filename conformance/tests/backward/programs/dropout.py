"""Columns are samples: a tanh and a softplus layer, dropout with given masks, a logistic loss."""
import numpy as np


def logistic(t):
    return 1 / (1 + np.exp(-t))


def f(params, X, Y, mask1, mask2):
    W1, b1, W2, b2, W3, b3 = [params[k] for k in ("W1", "b1", "W2", "b2", "W3", "b3")]
    keep = 0.8
    m = X.shape[1]

    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    D1 = A1 * mask1 / keep
    Z2 = np.dot(W2, D1) + b2
    A2 = np.log(1 + np.exp(Z2))
    D2 = A2 * mask2 / keep
    Z3 = np.dot(W3, D2) + b3
    A3 = logistic(Z3)
    cost = -1. / m * np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3))

    # backward
    dZ3 = A3 - Y
    dW3 = 1. / m * np.dot(dZ3, D2.T)
    db3 = 1. / m * np.sum(dZ3, axis=1, keepdims=True)
    dD2 = np.dot(W3.T, dZ3)
    dA2 = dD2 * mask2
    dA2 = dA2 / keep
    dZ2 = np.multiply(dA2, logistic(Z2))
    dW2 = 1. / m * np.dot(dZ2, D1.T)
    db2 = 1. / m * np.sum(dZ2, axis=1, keepdims=True)
    dD1 = np.dot(W2.T, dZ2)
    dA1 = dD1 * mask1
    dA1 = dA1 / keep
    dZ1 = np.multiply(dA1, 1 - np.power(A1, 2))
    dW1 = 1. / m * np.dot(dZ1, X.T)
    db1 = 1. / m * np.sum(dZ1, axis=1, keepdims=True)
    return cost, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "W3": dW3, "b3": db3}


def make(seed):
    rng = np.random.default_rng(seed)
    n0, n1, n2, n3, m = 4, 6, 5, 2, 7
    params = {}
    for l, (i, o) in enumerate([(n0, n1), (n1, n2), (n2, n3)], 1):
        params[f"W{l}"] = rng.normal(size=(o, i))
        params[f"b{l}"] = rng.normal(size=(o, 1))
    X = rng.normal(size=(n0, m))
    Y = (rng.random((n3, m)) < 0.5).astype(float)
    mask1 = (rng.random((n1, m)) < 0.8).astype(float)
    mask2 = (rng.random((n2, m)) < 0.8).astype(float)
    return params, (X, Y, mask1, mask2)
