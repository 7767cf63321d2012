import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)); Y = np.eye(3)[np.argmax(X, 1)]
W1 = rng.normal(size=(3, 8)) * .5; b1 = np.zeros(8); W2 = rng.normal(size=(8, 3)) * .5; b2 = np.zeros(3)
vW1, vb1, vW2, vb2 = (np.zeros_like(p) for p in (W1, b1, W2, b2))
lr, mu, wd = 0.1, 0.9, 1e-3
for it in range(50):
    h = np.tanh(X @ W1 + b1)
    s = h @ W2 + b2
    e = np.exp(s - s.max(1, keepdims=True))
    q = e / e.sum(1, keepdims=True)
    loss = -np.log((q * Y).sum(1)).mean() + wd / 2 * ((W1**2).sum() + (W2**2).sum())
    d = (q - Y) / len(X)
    gW2 = h.T @ d + wd * W2; gb2 = d.sum(0)
    dh = (d @ W2.T) * (1 - h * h)
    gW1 = X.T @ dh + wd * W1; gb1 = dh.sum(0)
    vW1 = mu * vW1 - lr * gW1; vb1 = mu * vb1 - lr * gb1
    vW2 = mu * vW2 - lr * gW2; vb2 = mu * vb2 - lr * gb2
    W1 += vW1; b1 += vb1; W2 += vW2; b2 += vb2
    print(it, loss)
