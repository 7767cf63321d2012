"""Multi-head self-attention with a residual and layer normalisation; the loss is squared."""
import numpy as np


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def split(x, heads):
    B, T, D = x.shape
    return x.reshape(B, T, heads, D // heads).transpose(0, 2, 1, 3)


def merge(x):
    B, H, T, d = x.shape
    return x.transpose(0, 2, 1, 3).reshape(B, T, H * d)


def forward(params, x, heads=2):
    q = split(x @ params["Wq"], heads)
    k = split(x @ params["Wk"], heads)
    v = split(x @ params["Wv"], heads)
    scale = 1 / np.sqrt(q.shape[-1])
    s = q @ k.transpose(0, 1, 3, 2) * scale
    a = softmax(s)
    o = merge(a @ v)
    r = x + o @ params["Wo"]
    mean = r.mean(axis=-1, keepdims=True)
    centred = r - mean
    std = np.sqrt((centred ** 2).mean(axis=-1, keepdims=True) + 1e-5)
    norm = centred / std
    out = norm * params["g"] + params["b"]
    return out, (x, q, k, v, a, o, scale, norm, std, heads)


def backward(dout, params, cache):
    x, q, k, v, a, o, scale, norm, std, heads = cache
    B, T, D = x.shape
    grads = {}
    grads["g"] = (dout * norm).sum(axis=(0, 1))
    grads["b"] = dout.sum(axis=(0, 1))
    dnorm = dout * params["g"]
    dr = dnorm - dnorm.mean(axis=-1, keepdims=True)
    dr = dr - norm * (dnorm * norm).mean(axis=-1, keepdims=True)
    dr = dr / std
    do = dr @ params["Wo"].T
    grads["Wo"] = o.reshape(B * T, D).T @ dr.reshape(B * T, D)
    dheads = split(do, heads)
    da = dheads @ v.transpose(0, 1, 3, 2)
    dv = a.transpose(0, 1, 3, 2) @ dheads
    ds = a * (da - (da * a).sum(axis=-1, keepdims=True))
    ds = ds * scale
    dq = ds @ k
    dk = ds.transpose(0, 1, 3, 2) @ q
    flat = x.reshape(B * T, D)
    grads["Wq"] = flat.T @ merge(dq).reshape(B * T, D)
    grads["Wk"] = flat.T @ merge(dk).reshape(B * T, D)
    grads["Wv"] = flat.T @ merge(dv).reshape(B * T, D)
    return grads


def f(params, x, target):
    out, cache = forward(params, x)
    diff = out - target
    loss = np.sum(diff ** 2) / x.shape[0]
    dout = 2 * diff / x.shape[0]  # backward
    return loss, backward(dout, params, cache)


def make(seed):
    rng = np.random.default_rng(seed)
    B, T, D = 2, 5, 6
    params = {name: rng.normal(size=(D, D)) * 0.6 for name in ("Wq", "Wk", "Wv", "Wo")}
    params["g"] = rng.normal(size=D) + 1
    params["b"] = rng.normal(size=D)
    return params, (rng.normal(size=(B, T, D)), rng.normal(size=(B, T, D)))
