"""Gradients of micro-batches add up in a dict, which is cleared in place after each update."""

import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 5))
y = (X[:, 0] + X[:, 1] ** 2 > 0.8).astype(int)
H, C, micro, steps_per_update, lr = 16, 2, 10, 4, 0.5

params = {
    "W1": rng.normal(0, 0.5, (5, H)),
    "b1": np.zeros(H),
    "W2": rng.normal(0, 0.5, (H, C)),
    "b2": np.zeros(C),
}
accum = {k: np.zeros_like(v) for k, v in params.items()}


def forward(x):
    h = np.tanh(x @ params["W1"] + params["b1"])
    s = h @ params["W2"] + params["b2"]
    s = s - s.max(axis=1, keepdims=True)
    p = np.exp(s)
    return h, p / p.sum(axis=1, keepdims=True)


def backward(x, t, h, p):
    d = p.copy()
    d[np.arange(len(t)), t] -= 1
    d /= len(t)
    dh = d @ params["W2"].T * (1 - h**2)
    return {"W1": x.T @ dh, "b1": dh.sum(0), "W2": h.T @ d, "b2": d.sum(0)}


for epoch in range(5):
    order = rng.permutation(len(X))
    total = 0.0
    for i in range(0, len(X), micro):
        idx = order[i : i + micro]
        h, p = forward(X[idx])
        loss = -np.mean(np.log(p[np.arange(len(idx)), y[idx]]))
        total += loss
        grads = backward(X[idx], y[idx], h, p)
        for k in accum:
            accum[k] += grads[k] / steps_per_update
        if (i // micro + 1) % steps_per_update == 0:
            for k in params:
                params[k] -= lr * accum[k]
            for k in accum:
                accum[k][:] = 0
    print(epoch, total)
