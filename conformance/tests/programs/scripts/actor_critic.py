"""A policy and its critic, each with a loss of its own, moved in one step."""
import numpy as np
rng = np.random.default_rng(0)
W1 = rng.normal(size=(4, 10)) * .3; W2 = rng.normal(size=(10, 3)) * .3
V = rng.normal(size=(4, 1)) * .1
for ep in range(30):
    S = rng.normal(size=(25, 4)); h = np.tanh(S @ W1); z = h @ W2
    p = np.exp(z - z.max(1, keepdims=True)); p /= p.sum(1, keepdims=True)
    a = np.array([rng.choice(3, p=q) for q in p])
    R = rng.normal(size=25) + (a == 1)
    adv = R - (S @ V)[:, 0]
    loss = -np.mean(np.log(p[np.arange(25), a]) * adv)
    vloss = 0.5 * np.mean(adv ** 2)
    g = p.copy(); g[np.arange(25), a] -= 1; g *= adv[:, None] / 25
    dh = g @ W2.T * (1 - h ** 2)
    W2 -= .1 * h.T @ g; W1 -= .1 * S.T @ dh
    V -= .1 * (S.T @ -adv[:, None]) / 25
print(loss, vloss)
