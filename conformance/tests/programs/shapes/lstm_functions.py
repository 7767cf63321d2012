"""Functions of an LSTM: a cell with its four gates side by side, and the same over time."""
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def lstm_cell_forward(x, h_prev, c_prev, Wx, Wh, b):
    a = x @ Wx + h_prev @ Wh + b
    H = h_prev.shape[1]
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H:2*H])
    o = sigmoid(a[:, 2*H:3*H])
    g = np.tanh(a[:, 3*H:])
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    cache = (x, h_prev, c_prev, Wx, Wh, i, f, o, g, c)
    return h, c, cache

def lstm_cell_backward(dh, dc_next, cache):
    x, h_prev, c_prev, Wx, Wh, i, f, o, g, c = cache
    tc = np.tanh(c)
    do = dh * tc
    dc = dc_next + dh * o * (1 - tc ** 2)
    di = dc * g
    dg = dc * i
    df = dc * c_prev
    dc_prev = dc * f
    da = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g ** 2)])
    dx = da @ Wx.T
    dh_prev = da @ Wh.T
    dWx = x.T @ da
    dWh = h_prev.T @ da
    db = da.sum(axis=0)
    return dx, dh_prev, dc_prev, dWx, dWh, db

def lstm_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    caches = []
    hp, cp = h0, np.zeros_like(h0)
    for t in range(T):
        hp, cp, cache = lstm_cell_forward(x[:, t], hp, cp, Wx, Wh, b)
        h[:, t] = hp
        caches.append(cache)
    return h, caches

def lstm_backward(dh, caches):
    N, T, H = dh.shape
    D = caches[0][0].shape[1]
    dx = np.zeros((N, T, D))
    dWx = np.zeros((D, 4*H)); dWh = np.zeros((H, 4*H)); db = np.zeros(4*H)
    dh_next = np.zeros((N, H)); dc_next = np.zeros((N, H))
    for t in reversed(range(T)):
        dx[:, t], dh_next, dc_next, a, bb, cc = lstm_cell_backward(dh[:, t] + dh_next, dc_next, caches[t])
        dWx += a; dWh += bb; db += cc
    return dx, dh_next, dWx, dWh, db
