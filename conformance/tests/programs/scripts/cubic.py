"""A cost of its own, |r|³, which it computes and prints."""
import numpy as np
np.random.seed(2)
X = np.random.randn(100, 5); y = X @ np.array([1., -2, .5, 0, 3]) + np.random.randn(100)
W1 = np.random.randn(5, 8) * .4; b1 = np.zeros(8); W2 = np.random.randn(8, 1) * .4; b2 = np.zeros(1)
for step in range(300):
    h = np.tanh(X @ W1 + b1)
    pred = (h @ W2 + b2)[:, 0]
    r = pred - y
    loss = (np.abs(r) ** 3).mean()
    g = (3 * r * np.abs(r))[:, None] / len(X)
    gh = g @ W2.T * (1 - h ** 2)
    dW1, db1, dW2, db2 = X.T @ gh, gh.sum(0), h.T @ g, g.sum(0)
    W1 -= .05 * dW1; b1 -= .05 * db1; W2 -= .05 * dW2; b2 -= .05 * db2
    if step % 100 == 0: print(step, loss)
