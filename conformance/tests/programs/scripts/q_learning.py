"""Q-learning with a small network: the target is computed by it too, and held constant."""
import numpy as np

rng = np.random.default_rng(0)
n_s, n_a, H, gamma, lr = 4, 2, 6, 0.95, 0.05
W1 = rng.normal(0, 0.4, (n_s, H)); b1 = np.zeros(H)
W2 = rng.normal(0, 0.4, (H, n_a)); b2 = np.zeros(n_a)


def q(s):
    h = np.tanh(s @ W1 + b1)
    return h, h @ W2 + b2


for step in range(200):
    s = rng.normal(size=(9, n_s))
    a = rng.integers(0, n_a, 9)
    s2 = s + 0.1 * rng.normal(size=s.shape)
    r = (s[:, 0] > 0).astype(float)
    _, q2 = q(s2)
    target = r + gamma * q2.max(axis=1)
    h, qs = q(s)
    td = qs[np.arange(9), a] - target
    huber = np.where(np.abs(td) < 1, 0.5 * td ** 2, np.abs(td) - 0.5)
    loss = huber.mean()
    g = np.zeros_like(qs)
    g[np.arange(9), a] = np.clip(td, -1, 1) / 9
    dh = g @ W2.T * (1 - h ** 2)
    W2 -= lr * h.T @ g
    b2 -= lr * g.sum(0)
    W1 -= lr * s.T @ dh
    b1 -= lr * dh.sum(0)
    if step % 50 == 0:
        print(step, loss)
