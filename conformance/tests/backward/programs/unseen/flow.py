"""A normalising flow of affine couplings; the mean negative log-likelihood under a Gaussian."""
import numpy as np


def coupling(x, layer, flip):
    d = x.shape[1] // 2
    a, b = (x[:, d:], x[:, :d]) if flip else (x[:, :d], x[:, d:])
    h = np.tanh(a @ layer["W"] + layer["c"])
    s = np.tanh(h @ layer["S"])
    t = h @ layer["T"] + layer["e"]
    y = b * np.exp(s) + t
    out = np.hstack((y, a)) if flip else np.hstack((a, y))
    return out, s.sum(axis=1), {"a": a, "b": b, "h": h, "s": s, "flip": flip}


def coupling_backward(dout, dlogdet, layer, cache):
    a, b, h, s = cache["a"], cache["b"], cache["h"], cache["s"]
    d = a.shape[1]
    if cache["flip"]:
        k = dout.shape[1] - d
        dy, da = dout[:, :k], dout[:, k:].copy()
    else:
        dy, da = dout[:, d:], dout[:, :d].copy()
    g = {}
    db = dy * np.exp(s)
    ds = dy * b * np.exp(s) + dlogdet[:, None]
    dt = dy
    ds_pre = ds * (1 - s ** 2)
    g["S"] = h.T @ ds_pre
    g["T"] = h.T @ dt
    g["e"] = dt.sum(axis=0)
    dh = ds_pre @ layer["S"].T
    dh += dt @ layer["T"].T
    dz = dh * (1 - h * h)
    g["W"] = a.T @ dz
    g["c"] = dz.sum(axis=0)
    da += dz @ layer["W"].T
    dx = np.concatenate((db, da) if cache["flip"] else (da, db), axis=1)
    return dx, g


def f(layers, x):
    n, dims = x.shape
    z, caches, total = x, [], np.zeros(n)
    for i, layer in enumerate(layers):
        z, logdet, cache = coupling(z, layer, i % 2 == 1)
        total = total + logdet
        caches.append(cache)
    nll = 0.5 * (z ** 2).sum(axis=1) + 0.5 * dims * np.log(2 * np.pi) - total
    loss = nll.mean()

    # backward
    dz = z / n
    dlogdet = -np.ones(n) / n
    grads = []
    for layer, cache in zip(reversed(layers), reversed(caches)):
        dz, g = coupling_backward(dz, dlogdet, layer, cache)
        grads.append(g)
    return loss, grads[::-1]


def make(seed):
    rng = np.random.default_rng(seed)
    layers = []
    for i, width in enumerate((5, 6, 7)):
        given, moved = (2, 3) if i % 2 == 0 else (3, 2)
        layers.append({
            "W": rng.normal(size=(given, width)),
            "c": rng.normal(size=width),
            "S": rng.normal(size=(width, moved)) * 0.4,
            "T": rng.normal(size=(width, moved)),
            "e": rng.normal(size=moved),
        })
    return layers, (rng.normal(size=(8, 5)),)
