import numpy as np


def train_step(w1, b1, w2, b2, x, y, lr):
    a1 = np.tanh(x @ w1 + b1)
    a2 = 1 / (1 + np.exp(-(a1 @ w2 + b2)))
    loss = -np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    dz2 = (a2 - y) / len(x)
    dz1 = dz2 @ w2.T * (1 - a1**2)
    w1 = w1 - lr * x.T @ dz1
    b1 = b1 - lr * dz1.sum(axis=0)
    w2 = w2 - lr * a1.T @ dz2
    b2 = b2 - lr * dz2.sum(axis=0)
    return loss, w1, b1, w2, b2
