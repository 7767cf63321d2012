"""Radial features, a highway of maxout layers, and ordinal regression with ordered thresholds."""
import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def radial(x, centres, width):
    diff = x[:, None, :] - centres[None]
    square = (diff ** 2).sum(axis=2)
    return np.exp(-square * width), diff, square


def radial_backward(dphi, phi, diff, square, width):
    dexponent = dphi * phi
    dwidth = -(dexponent * square).sum(axis=0)
    dsquare = -dexponent * width
    dcentres = -2 * (dsquare[:, :, None] * diff).sum(axis=0)
    return dcentres, dwidth


def highway(h, layer):
    pieces = np.einsum("ni,pio->npo", h, layer["W"]) + layer["b"]
    best = pieces.argmax(axis=1)
    out = np.take_along_axis(pieces, best[:, None, :], axis=1)[:, 0]
    carry = sigma(h @ layer["C"] + layer["c"])
    return carry * h + (1 - carry) * out, (h, pieces, best, out, carry)


def highway_backward(dh, layer, cache):
    h, pieces, best, out, carry = cache
    dcarry = dh * (h - out)
    dout = dh * (1 - carry)
    dpieces = np.zeros(pieces.shape)
    np.put_along_axis(dpieces, best[:, None, :], dout[:, None, :], axis=1)
    dgate = dcarry * carry * (1 - carry)
    grads = {
        "W": np.einsum("ni,npo->pio", h, dpieces),
        "b": dpieces.sum(axis=0),
        "C": h.T @ dgate,
        "c": dgate.sum(axis=0),
    }
    below = dh * carry
    below += np.einsum("npo,pio->ni", dpieces, layer["W"])
    below += dgate @ layer["C"].T
    return below, grads


def f(params, x, y):
    n = len(x)
    h, diff, square = radial(x, params["centres"], params["width"])
    phi = h
    caches = []
    for layer in params["layers"]:
        h, cache = highway(h, layer)
        caches.append(cache)
    score = h @ params["v"]
    steps = np.exp(params["steps"])
    cuts = np.cumsum(steps) - params["shift"]
    above = sigma(score[:, None] - cuts)                 # P(y > k)
    full = np.hstack([np.ones((n, 1)), above, np.zeros((n, 1))])
    p = full[np.arange(n), y] - full[np.arange(n), y + 1]
    loss = -np.log(p).sum() / n

    # backward
    dp = -1 / (p * n)
    dfull = np.zeros(full.shape)
    dfull[np.arange(n), y] += dp
    dfull[np.arange(n), y + 1] -= dp
    dabove = dfull[:, 1:-1]
    dmargin = dabove * above * (1 - above)
    dscore = dmargin.sum(axis=1)
    dcuts = -dmargin.sum(axis=0)
    dshift = -dcuts.sum()
    dsteps = np.cumsum(dcuts[::-1])[::-1] * steps
    dv = h.T @ dscore
    dh = np.outer(dscore, params["v"])
    dlayers = []
    for layer, cache in zip(params["layers"][::-1], caches[::-1]):
        dh, grads = highway_backward(dh, layer, cache)
        dlayers.append(grads)
    dcentres, dwidth = radial_backward(dh, phi, diff, square, params["width"])
    return loss, {
        "centres": dcentres, "width": dwidth, "layers": dlayers[::-1], "v": dv, "steps": dsteps, "shift": dshift,
    }


def make(seed):
    rng = np.random.default_rng(seed)
    n, d, k, classes = 7, 3, 5, 4
    layers = [
        {"W": rng.normal(size=(2, k, k)), "b": rng.normal(size=(2, k)), "C": rng.normal(size=(k, k)), "c": rng.normal(size=k)}
        for _ in range(2)
    ]
    params = {
        "centres": rng.normal(size=(k, d)), "width": 0.2 + 0.1 * rng.random(k), "layers": layers,
        "v": rng.normal(size=k), "steps": 0.3 * rng.normal(size=classes - 1), "shift": np.array(2.0),
    }
    return params, (rng.normal(size=(n, d)), rng.permutation(np.arange(n) % classes))
