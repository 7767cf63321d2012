import numpy as np
rng = np.random.RandomState(2)
X = rng.randn(96, 4); y = rng.randint(0, 3, 96)
W1, W2 = rng.randn(4, 7) * .3, rng.randn(7, 3) * .3
lr = .2
for epoch in range(10):
    for start in range(0, 96, 32):
        G1, G2 = np.zeros_like(W1), np.zeros_like(W2)
        total = 0
        for s in range(start, start + 32, 8):
            xb, yb = X[s:s+8], y[s:s+8]
            h = np.tanh(xb @ W1)
            logits = h @ W2
            logits -= logits.max(1, keepdims=True)
            p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            total += -np.log(p[np.arange(8), yb]).sum()
            d = p.copy(); d[np.arange(8), yb] -= 1
            G2 += h.T @ d
            G1 += xb.T @ ((d @ W2.T) * (1 - h * h))
        norm = np.sqrt((G1 ** 2).sum() + (G2 ** 2).sum())
        scale = min(1.0, 5.0 / norm)
        W1 -= lr / 32 * scale * G1
        W2 -= lr / 32 * scale * G2
    print(epoch, total / 32)
