"""Pairs, each sent through one network: a contrastive loss of their distance."""
import numpy as np
rng = np.random.default_rng(5)
W1 = rng.normal(0, .3, (6, 10)); b1 = np.zeros(10)
W2 = rng.normal(0, .3, (10, 4)); b2 = np.zeros(4)
def embed(x):
    a = np.tanh(x @ W1 + b1)
    return a, a @ W2 + b2
def embed_back(x, a, de):
    dW2 = a.T @ de; db2 = de.sum(0)
    dz = de @ W2.T * (1 - a * a)
    return x.T @ dz, dz.sum(0), dW2, db2
margin, lr = 1.0, 0.1
for epoch in range(100):
    x1 = rng.normal(size=(16, 6)); y = rng.integers(0, 2, 16)
    x2 = np.where(y[:, None] == 1, x1 + 0.1 * rng.normal(size=(16, 6)), rng.normal(size=(16, 6)))
    a1, e1 = embed(x1)
    a2, e2 = embed(x2)
    diff = e1 - e2
    dist = np.sqrt((diff ** 2).sum(1) + 1e-9)
    loss = np.mean(y * dist ** 2 + (1 - y) * np.maximum(0, margin - dist) ** 2)
    ddist = (2 * y * dist - 2 * (1 - y) * np.maximum(0, margin - dist)) / 16
    ddiff = (ddist / dist)[:, None] * diff
    g1 = embed_back(x1, a1, ddiff)
    g2 = embed_back(x2, a2, -ddiff)
    W1 -= lr * (g1[0] + g2[0]); b1 -= lr * (g1[1] + g2[1])
    W2 -= lr * (g1[2] + g2[2]); b2 -= lr * (g1[3] + g2[3])
    if epoch % 20 == 0: print("epoch", epoch, loss)
