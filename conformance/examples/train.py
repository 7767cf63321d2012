"""Train a network on two rings of points. One line is wrong, and the loss falls all the same."""

import numpy as np

rng = np.random.default_rng(7)
n, hidden, lr = 200, 16, 0.5

labels = np.arange(n) % 2
angle = rng.uniform(0, 2 * np.pi, n)
radius = 1 + labels + 0.1 * rng.normal(size=n)
X = np.column_stack((radius * np.cos(angle), radius * np.sin(angle)))

W1 = rng.normal(size=(2, hidden))
b1 = np.zeros(hidden)
W2 = rng.normal(size=(hidden, 2)) / 4
b2 = np.zeros(2)

for step in range(500):
    h = np.tanh(X @ W1 + b1)
    scores = h @ W2 + b2
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), labels]).mean()

    dscores = p.copy()
    dscores[np.arange(n), labels] -= 1
    dscores /= n
    dh = (dscores @ W2.T) * (1 - h**2)
    W2 -= lr * (h.T @ dscores)
    b2 -= lr * dscores.sum(axis=0)
    W1 -= lr * (X.T @ dh)
    b1 -= lr * dh.mean(axis=0)

    if step % 100 == 0:
        print(f"step {step}: loss {loss:.4f}")

print(f"right: {(p.argmax(axis=1) == labels).mean():.1%}")
