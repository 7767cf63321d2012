"""Regression with a decaying learning rate and weight decay."""
import numpy as np

rs = np.random.RandomState(4)
X = rs.uniform(-2, 2, size=(120, 2))
T = np.sin(X[:, [0]]) * X[:, [1]]

n_hidden = 10
theta = {
    "w_in": rs.randn(2, n_hidden) * 0.7,
    "b_in": np.zeros(n_hidden),
    "w_mid": rs.randn(n_hidden, n_hidden) * 0.3,
    "b_mid": np.zeros(n_hidden),
    "w_out": rs.randn(n_hidden, 1) * 0.3,
    "b_out": np.zeros(1),
}
eta0, decay, l2 = 0.1, 0.01, 1e-3


def predict(x):
    h1 = np.tanh(x @ theta["w_in"] + theta["b_in"])
    h2 = np.tanh(h1 @ theta["w_mid"] + theta["b_mid"])
    return h1, h2, h2 @ theta["w_out"] + theta["b_out"]


losses = []
for t in range(400):
    eta = eta0 / (1 + decay * t)
    h1, h2, out = predict(X)
    diff = out - T
    reg = 0.5 * l2 * sum((theta[k] ** 2).sum() for k in theta if k.startswith("w"))
    losses.append(0.5 * (diff ** 2).sum(axis=1).mean() + reg)

    g = {}
    d = diff / len(X)
    g["w_out"] = h2.T @ d + l2 * theta["w_out"]
    g["b_out"] = d.sum(axis=0)
    d = (d @ theta["w_out"].T) * (1 - h2 ** 2)
    g["w_mid"] = h1.T @ d + l2 * theta["w_mid"]
    g["b_mid"] = d.sum(axis=0)
    d = (d @ theta["w_mid"].T) * (1 - h1 ** 2)
    g["w_in"] = X.T @ d + l2 * theta["w_in"]
    g["b_in"] = d.sum(axis=0)

    for name in theta:
        theta[name] -= eta * g[name]

print(losses[0], losses[-1])
