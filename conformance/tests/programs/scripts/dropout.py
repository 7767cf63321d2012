import numpy as np
rng = np.random.default_rng(1)
X = rng.standard_normal((400, 6)).astype(np.float32); Y = (X[:, :2].sum(1) > 0).astype(np.float32)[:, None]
Xtr, Ytr, Xva, Yva = X[:300], Y[:300], X[300:], Y[300:]
W = {1: (rng.standard_normal((6, 10)) * .4).astype(np.float32), 2: (rng.standard_normal((10, 1)) * .4).astype(np.float32)}
B = {1: np.zeros((1, 10), np.float32), 2: np.zeros((1, 1), np.float32)}
best, best_loss = None, np.inf
def fwd(x, train):
    z1 = x @ W[1] + B[1]; a1 = np.where(z1 > 0, z1, 0.01 * z1)
    mask = (rng.random(a1.shape) > 0.3) / np.float32(0.7) if train else np.ones_like(a1)
    h = a1 * mask
    p = 1 / (1 + np.exp(-(h @ W[2] + B[2])))
    return z1, a1, mask, h, p
def bce(p, y): return float(-np.mean(y * np.log(p + 1e-7) + (1 - y) * np.log(1 - p + 1e-7)))
for epoch in range(30):
    for i in range(0, 300, 50):
        x, y = Xtr[i:i+50], Ytr[i:i+50]
        z1, a1, mask, h, p = fwd(x, True)
        dz2 = (p - y) / len(x)
        gW2, gB2 = h.T @ dz2, dz2.sum(0, keepdims=True)
        dz1 = (dz2 @ W[2].T) * mask * np.where(z1 > 0, 1, 0.01)
        gW1, gB1 = x.T @ dz1, dz1.sum(0, keepdims=True)
        for k, (gw, gb) in {1: (gW1, gB1), 2: (gW2, gB2)}.items():
            W[k] -= 0.5 * gw; B[k] -= 0.5 * gb
    vl = bce(fwd(Xva, False)[-1], Yva)
    if vl < best_loss: best_loss, best = vl, {k: v.copy() for k, v in W.items()}
print(best_loss)
