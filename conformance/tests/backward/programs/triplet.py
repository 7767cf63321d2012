"""One network for three inputs; the triplet loss of normalised vectors, and weight decay."""
import numpy as np


def embed(W1, b1, W2, x):
    h = 1.0 / (1.0 + np.exp(-(x @ W1.T + b1)))
    e = h @ W2.T
    norm = np.linalg.norm(e, axis=1, keepdims=True)
    return e / norm, (x, h, norm)


def embed_backward(W1, W2, u, du, cache):
    x, h, norm = cache
    de = (du - u * np.sum(u * du, axis=1, keepdims=True)) / norm
    dW2 = de.T @ h
    dh = de @ W2
    dz = dh * h * (1 - h)
    return dz.T @ x, np.sum(dz, 0), dW2


def f(params, anchor, positive, negative):
    W1, b1, W2 = params
    a, ca = embed(W1, b1, W2, anchor)
    p, cp = embed(W1, b1, W2, positive)
    n, cn = embed(W1, b1, W2, negative)
    near = ((a - p) ** 2).sum(1)
    far = ((a - n) ** 2).sum(1)
    gap = near - far + 0.5
    active = gap > 0
    loss = gap[active].sum() / len(gap) + 0.01 * (W1 ** 2).sum() + 0.01 * (W2 ** 2).sum()

    # backward
    s = (active / len(gap))[:, None]
    da = 2 * s * ((a - p) - (a - n))
    dp = -2 * s * (a - p)
    dn = 2 * s * (a - n)
    gW1, gb1, gW2 = 0.02 * W1, 0, 0.02 * W2
    for u, du, cache in ((a, da, ca), (p, dp, cp), (n, dn, cn)):
        dW1, db1, dW2 = embed_backward(W1, W2, u, du, cache)
        gW1 = gW1 + dW1
        gb1 = gb1 + db1
        gW2 = gW2 + dW2
    return loss, (gW1, gb1, gW2)


def make(seed):
    rng = np.random.default_rng(seed)
    i, h, e, m = 4, 6, 3, 8
    params = (rng.normal(size=(h, i)), rng.normal(size=h), rng.normal(size=(e, h)))
    return params, tuple(rng.normal(size=(m, i)) for _ in range(3))
