"""Functions of many arrays: attention, a gated cell, a bilinear form; one takes tokens."""
import numpy as np


def attention_forward(q, k, v):
    d = q.shape[-1]
    s = q @ k.transpose(0, 2, 1) / np.sqrt(d)
    s = s - s.max(-1, keepdims=True)
    p = np.exp(s); p = p / p.sum(-1, keepdims=True)
    return p @ v, (q, k, v, p)


def attention_backward(dout, cache):
    q, k, v, p = cache
    d = q.shape[-1]
    dv = p.transpose(0, 2, 1) @ dout
    dp = dout @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(d)
    return ds @ k, ds.transpose(0, 2, 1) @ q, dv


def gru_cell_forward(x, h, Wz, Uz, bz, Wr, Ur, br, Wh, Uh, bh):
    z = 1 / (1 + np.exp(-(x @ Wz + h @ Uz + bz)))
    r = 1 / (1 + np.exp(-(x @ Wr + h @ Ur + br)))
    n = np.tanh(x @ Wh + (r * h) @ Uh + bh)
    out = (1 - z) * n + z * h
    return out, (x, h, Wz, Uz, Wr, Ur, Wh, Uh, z, r, n)


def gru_cell_backward(dout, cache):
    x, h, Wz, Uz, Wr, Ur, Wh, Uh, z, r, n = cache
    dn = dout * (1 - z); dz = dout * (h - n); dh = dout * z
    an = dn * (1 - n * n)
    drh = an @ Uh.T
    dr = drh * h; dh = dh + drh * r
    az = dz * z * (1 - z); ar = dr * r * (1 - r)
    dh = dh + az @ Uz.T + ar @ Ur.T
    dx = an @ Wh.T + az @ Wz.T + ar @ Wr.T
    return dx, dh, x.T @ az, h.T @ az, az.sum(0), x.T @ ar, h.T @ ar, ar.sum(0), x.T @ an, (r * h).T @ an, an.sum(0)


def bilinear_forward(x1, x2, W, b):
    return np.einsum('ni,oij,nj->no', x1, W, x2) + b, (x1, x2, W)


def bilinear_backward(dout, cache):
    x1, x2, W = cache
    return (np.einsum('no,oij,nj->ni', dout, W, x2), np.einsum('no,oij,ni->nj', dout, W, x1),
            np.einsum('no,ni,nj->oij', dout, x1, x2), dout.sum(0))


def embedding_forward(tokens, table):
    return table[tokens], (tokens, table.shape)


def embedding_backward(dout, cache):
    tokens, shape = cache
    dtable = np.zeros(shape)
    np.add.at(dtable, tokens, dout)
    return dtable
