"""A gated recurrent unit that predicts a class at each time step (rows are samples)."""
import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def f(params, inputs, targets):
    Wz, Wr, Wh = params["Wz"], params["Wr"], params["Wh"]
    bz, br, bh = params["bz"], params["br"], params["bh"]
    Wy, by = params["Wy"], params["by"]
    T, N, D = inputs.shape
    H = bz.shape[0]

    h = {-1: np.zeros((N, H))}
    z, r, c, hx, rhx, p = {}, {}, {}, {}, {}, {}
    loss = 0
    for t in range(T):
        hx[t] = np.concatenate([h[t - 1], inputs[t]], axis=1)
        z[t] = sigmoid(hx[t].dot(Wz) + bz)
        r[t] = sigmoid(hx[t].dot(Wr) + br)
        rhx[t] = np.concatenate([r[t] * h[t - 1], inputs[t]], axis=1)
        c[t] = np.tanh(rhx[t].dot(Wh) + bh)
        h[t] = (1 - z[t]) * h[t - 1] + z[t] * c[t]
        scores = h[t].dot(Wy) + by
        e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
        p[t] = e / np.sum(e, axis=1, keepdims=True)
        loss += -np.sum(np.log(p[t][np.arange(N), targets[t]])) / (T * N)

    # backward
    dWz, dWr, dWh, dWy = np.zeros_like(Wz), np.zeros_like(Wr), np.zeros_like(Wh), np.zeros_like(Wy)
    dbz, dbr, dbh, dby = np.zeros_like(bz), np.zeros_like(br), np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros((N, H))
    for t in reversed(range(T)):
        dy = np.copy(p[t])
        dy[np.arange(N), targets[t]] -= 1
        dy /= T * N
        dWy += np.dot(h[t].T, dy)
        dby += dy.sum(axis=0)
        dh = np.dot(dy, Wy.T) + dhnext

        dc = dh * z[t]
        dc_raw = dc * (1 - c[t] * c[t])
        dWh += np.dot(rhx[t].T, dc_raw)
        dbh += dc_raw.sum(axis=0)
        drhx = np.dot(dc_raw, Wh.T)
        drh = drhx[:, :H]

        dr = drh * h[t - 1]
        dr_raw = dr * r[t] * (1 - r[t])
        dWr += np.dot(hx[t].T, dr_raw)
        dbr += dr_raw.sum(axis=0)

        dz = dh * (c[t] - h[t - 1])
        dz_raw = dz * z[t] * (1 - z[t])
        dWz += np.dot(hx[t].T, dz_raw)
        dbz += dz_raw.sum(axis=0)

        dhx = np.dot(dr_raw, Wr.T) + np.dot(dz_raw, Wz.T)
        dhnext = dh * (1 - z[t]) + drh * r[t] + dhx[:, :H]

    grads = dict(Wz=dWz, Wr=dWr, Wh=dWh, bz=dbz, br=dbr, bh=dbh, Wy=dWy, by=dby)
    return loss, grads


def make(seed):
    rng = np.random.default_rng(seed)
    T, N, D, H, K = 4, 3, 2, 5, 6
    params = {}
    for gate in "zrh":
        params["W" + gate] = rng.normal(size=(H + D, H)) * 0.5
        params["b" + gate] = rng.normal(size=H) * 0.5
    params["Wy"] = rng.normal(size=(H, K))
    params["by"] = rng.normal(size=K)
    targets = rng.permutation(np.arange(T * N) % K).reshape(T, N)
    return params, (rng.normal(size=(T, N, D)), targets)
