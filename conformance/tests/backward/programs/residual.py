"""Residual blocks, each x + W2 relu(W1 x), with a squared error; caches are tuples."""
import numpy as np


def affine_forward(x, W, b):
    return x @ W + b, (x, W)


def affine_backward(dout, cache):
    x, W = cache
    dx = dout @ W.T
    dW = x.T @ dout
    db = np.sum(dout, axis=0)
    return dx, dW, db


def block_forward(x, block):
    z, cache1 = affine_forward(x, block["W1"], block["b1"])
    h = np.maximum(z, 0)
    out, cache2 = affine_forward(h, block["W2"], block["b2"])
    return x + out, (cache1, h, cache2)


def block_backward(dout, cache):
    cache1, h, cache2 = cache
    dh, dW2, db2 = affine_backward(dout, cache2)
    dh[h <= 0] = 0
    dx, dW1, db1 = affine_backward(dh, cache1)
    dx += dout
    return dx, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def f(params, x, y):
    out, stem = affine_forward(x, params["stem"]["W"], params["stem"]["b"])
    caches = []
    for block in params["blocks"]:
        out, cache = block_forward(out, block)
        caches.append(cache)
    pred, head = affine_forward(out, params["head"]["W"], params["head"]["b"])
    err = pred - y
    loss = 0.5 * np.mean(np.sum(err ** 2, axis=1))

    # backward
    dpred = err / x.shape[0]
    dout, dW, db = affine_backward(dpred, head)
    grads = {"head": {"W": dW, "b": db}, "blocks": []}
    for cache in caches[::-1]:
        dout, g = block_backward(dout, cache)
        grads["blocks"].insert(0, g)
    _, dW, db = affine_backward(dout, stem)
    grads["stem"] = {"W": dW, "b": db}
    return loss, grads


def make(seed):
    rng = np.random.default_rng(seed)

    def layer(n, m):
        return rng.normal(size=(n, m)) / np.sqrt(n), rng.normal(size=m) * 0.3

    params = {"stem": dict(zip("Wb", layer(3, 4))), "blocks": [], "head": dict(zip("Wb", layer(4, 2)))}
    for width in (6, 5, 7):
        W1, b1 = layer(4, width)
        W2, b2 = layer(width, 4)
        params["blocks"].append({"W1": W1, "b1": b1, "W2": W2, "b2": b2})
    return params, (rng.normal(size=(8, 3)), rng.normal(size=(8, 2)))
