"""A recurrent network read in both directions; states are rows of preallocated arrays."""
import numpy as np


def run(x, W, U, b):
    T, N, _ = x.shape
    hs = np.zeros((T + 1, N, U.shape[0]))
    for t in range(T):
        hs[t + 1] = np.tanh(x[t] @ W + hs[t] @ U + b)
    return hs


def run_backward(dhs, hs, x, W, U):
    T = x.shape[0]
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(U.shape[0])
    carry = np.zeros_like(hs[0])
    for t in range(T - 1, -1, -1):
        dh = dhs[t] + carry
        da = dh * (1 - hs[t + 1] ** 2)
        dW += x[t].T @ da
        dU += hs[t].T @ da
        db += da.sum(axis=0)
        carry = da @ U.T
    return dW, dU, db


def f(params, x, y):
    (Wf, Uf, bf), (Wb, Ub, bb), (V, c) = params
    T, N, _ = x.shape
    left = run(x, Wf, Uf, bf)
    right = run(x[::-1], Wb, Ub, bb)
    both = np.concatenate((left[1:], right[1:][::-1]), axis=2)
    pred = both @ V + c
    diff = pred - y
    loss = np.mean(diff ** 2)

    # backward
    dpred = 2 * diff / diff.size
    dV = np.tensordot(both, dpred, axes=([0, 1], [0, 1]))
    dc = dpred.sum(axis=(0, 1))
    dboth = dpred @ V.T
    H = Uf.shape[0]
    dleft = dboth[:, :, :H]
    dright = dboth[:, :, H:][::-1]
    forwards = run_backward(dleft, left, x, Wf, Uf)
    backwards = run_backward(dright, right, x[::-1], Wb, Ub)
    return loss, (forwards, backwards, (dV, dc))


def make(seed):
    rng = np.random.default_rng(seed)
    T, N, D, H, G, K = 4, 3, 2, 4, 5, 2

    def cell(h):
        return rng.normal(size=(D, h)), rng.normal(size=(h, h)) * 0.4, rng.normal(size=h)

    params = (cell(H), cell(G), (rng.normal(size=(H + G, K)), rng.normal(size=K)))
    return params, (rng.normal(size=(T, N, D)), rng.normal(size=(T, N, K)))
