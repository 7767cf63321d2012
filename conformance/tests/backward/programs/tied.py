"""An autoencoder whose decoder is the encoder transposed; the bias is a column of the weights."""
import numpy as np

LAM, SPARSE, RHO = 0.1, 0.3, 0.2


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def f(params, X):
    W, c = params
    n, m = X.shape
    ones = np.ones((1, m))
    Xb = np.vstack([ones, X])
    H = sigmoid(W @ Xb)
    R = sigmoid(W[:, 1:].T @ H + c)
    rho = H.mean(axis=1, keepdims=True)
    cost = 0.5 / m * np.sum((R - X) ** 2)
    cost = cost + LAM / 2 * np.sum(W[:, 1:] ** 2)
    cost = cost + SPARSE * np.sum(RHO * np.log(RHO / rho) + (1 - RHO) * np.log((1 - RHO) / (1 - rho)))

    # backward
    d2 = (R - X) * R * (1 - R)
    dH = W[:, 1:] @ d2
    penalty = SPARSE * ((1 - RHO) / (1 - rho) - RHO / rho)
    d1 = (dH + penalty) * H * (1 - H)
    grad = d1 @ Xb.T / m
    grad[:, 1:] += H @ d2.T / m
    grad[:, 1:] += LAM * W[:, 1:]
    gc = np.sum(d2, axis=1, keepdims=True) / m
    return cost, (grad, gc)


def make(seed):
    rng = np.random.default_rng(seed)
    n, h, m = 5, 3, 7
    return (rng.normal(size=(h, n + 1)), rng.normal(size=(n, 1))), (rng.random((n, m)),)
