"""Number by number, without any matrix product: one hidden layer, loops over everything."""
import numpy as np


def f(params, xs, ys):
    w1, b1, w2, b2 = params
    hidden, outputs = len(b1), len(b2)
    m = len(xs)
    gw1, gb1 = np.zeros(w1.shape), np.zeros(b1.shape)
    gw2, gb2 = np.zeros(w2.shape), np.zeros(b2.shape)
    loss = 0.0
    for x, y in zip(xs, ys):
        h = []
        for j in range(hidden):
            s = b1[j]
            for k in range(len(x)):
                s = s + w1[j, k] * x[k]
            h.append(np.tanh(s))
        out = []
        for i in range(outputs):
            s = b2[i]
            for j in range(hidden):
                s += w2[i, j] * h[j]
            out.append(1 / (1 + np.exp(-s)))
        for i in range(outputs):
            loss += (out[i] - y[i]) ** 2 / 2

        # backward
        error = [0.0] * hidden
        for i in range(outputs):
            d = (out[i] - y[i]) * out[i] * (1 - out[i])
            gb2[i] += d
            for j in range(hidden):
                gw2[i, j] += d * h[j]
                error[j] += d * w2[i, j]
        for j in range(hidden):
            d = error[j] * (1 - h[j] ** 2)
            gb1[j] += d
            for k in range(len(x)):
                gw1[j, k] += d * x[k]
    for g in (gw1, gb1, gw2, gb2):
        g /= m
    return loss / m, [gw1, gb1, gw2, gb2]


def make(seed):
    rng = np.random.default_rng(seed)
    i, h, o, m = 3, 4, 2, 3
    params = [rng.normal(size=(h, i)), rng.normal(size=h), rng.normal(size=(o, h)), rng.normal(size=o)]
    return params, (rng.normal(size=(m, i)), rng.random((m, o)))
