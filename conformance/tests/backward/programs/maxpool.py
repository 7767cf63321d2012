"""A convolution with stride, ReLU, max-pooling and one dense layer, in loops as in a course."""
import numpy as np


def conv_forward(x, w, b, stride):
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    OH, OW = (H - HH) // stride + 1, (W - WW) // stride + 1
    out = np.zeros((N, F, OH, OW))
    for n in range(N):
        for k in range(F):
            for i in range(OH):
                for j in range(OW):
                    window = x[n, :, i * stride:i * stride + HH, j * stride:j * stride + WW]
                    out[n, k, i, j] = np.sum(window * w[k]) + b[k]
    return out


def conv_backward(dout, x, w, b, stride):
    N, F, OH, OW = dout.shape
    _, _, HH, WW = w.shape
    dw = np.zeros_like(w)
    db = np.zeros_like(b)
    for n in range(N):
        for k in range(F):
            for i in range(OH):
                for j in range(OW):
                    window = x[n, :, i * stride:i * stride + HH, j * stride:j * stride + WW]
                    dw[k] += window * dout[n, k, i, j]
                    db[k] += dout[n, k, i, j]
    return dw, db


def pool_forward(x, size):
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // size, W // size))
    for i in range(H // size):
        for j in range(W // size):
            block = x[:, :, i * size:(i + 1) * size, j * size:(j + 1) * size]
            out[:, :, i, j] = np.max(block, axis=(2, 3))
    return out


def pool_backward(dout, x, size):
    dx = np.zeros_like(x)
    _, _, H, W = dout.shape
    for i in range(H):
        for j in range(W):
            block = x[:, :, i * size:(i + 1) * size, j * size:(j + 1) * size]
            top = np.max(block, axis=(2, 3), keepdims=True)
            mask = block == top
            dx[:, :, i * size:(i + 1) * size, j * size:(j + 1) * size] += mask * dout[:, :, i, j][:, :, None, None]
    return dx


def f(params, x, y):
    w, b, V, c = params["w"], params["b"], params["V"], params["c"]
    conv = conv_forward(x, w, b, 2)
    act = np.maximum(conv, 0.01 * conv)
    pool = pool_forward(act, 2)
    flat = pool.reshape(pool.shape[0], -1)
    scores = np.dot(flat, V) + c
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    p = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
    n = x.shape[0]
    loss = np.sum(-np.log(p[np.arange(n), y])) / n

    # backward
    dscores = p.copy()
    dscores[np.arange(n), y] -= 1
    dscores /= n
    grads = {}
    grads["V"] = np.dot(flat.T, dscores)
    grads["c"] = np.sum(dscores, axis=0)
    dpool = np.dot(dscores, V.T).reshape(pool.shape)
    dact = pool_backward(dpool, act, 2)
    dconv = dact * np.where(conv > 0, 1, 0.01)
    grads["w"], grads["b"] = conv_backward(dconv, x, w, b, 2)
    return loss, grads


def make(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 2, 9, 11))
    params = {
        "w": rng.normal(size=(2, 2, 3, 3)) * 0.5,
        "b": rng.normal(size=2),
        "V": rng.normal(size=(2 * 2 * 2, 3)),
        "c": rng.normal(size=3),
    }
    return params, (x, rng.permutation(3))
