"""A convolution by im2col, batch normalisation, ReLU, average pooling, logistic loss."""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def f(params, x, y):
    K, gamma, beta, w, b = params["K"], params["gamma"], params["beta"], params["w"], params["b"]
    N, C, H, W = x.shape
    F, _, R, S = K.shape
    OH, OW = H - R + 1, W - S + 1
    cols = sliding_window_view(x, (R, S), axis=(2, 3))
    cols = cols.transpose(0, 2, 3, 1, 4, 5).reshape(N * OH * OW, C * R * S)
    u = cols.dot(K.reshape(F, -1).T)
    mean = u.mean(axis=0)
    centred = u - mean
    var = np.mean(centred ** 2, axis=0)
    inv = 1 / np.sqrt(var + 1e-5)
    hat = centred * inv
    v = gamma * hat + beta
    a = v * (v > 0)
    img = a.reshape(N, OH, OW, F).transpose(0, 3, 1, 2)
    pool = img.reshape(N, F, OH // 2, 2, OW // 2, 2).mean(axis=(3, 5))
    flat = pool.reshape(N, -1)
    score = flat.dot(w) + b[0]
    margin = y * score
    loss = np.sum(np.log1p(np.exp(-margin))) / N

    # backward
    dscore = -y / (1 + np.exp(margin)) / N
    dw = flat.T.dot(dscore)
    db = np.array([dscore.sum()])
    dpool = np.outer(dscore, w).reshape(pool.shape)
    dimg = np.repeat(np.repeat(dpool, 2, axis=2), 2, axis=3) / 4
    da = dimg.transpose(0, 2, 3, 1).reshape(a.shape)
    dv = da * (v > 0)
    dbeta = dv.sum(axis=0)
    dgamma = (dv * hat).sum(axis=0)
    dhat = dv * gamma
    M = len(u)
    du = inv / M * (M * dhat - dhat.sum(axis=0) - hat * (dhat * hat).sum(axis=0))
    dK = du.T.dot(cols).reshape(K.shape)
    return loss, {"K": dK, "gamma": dgamma, "beta": dbeta, "w": dw, "b": db}


def make(seed):
    rng = np.random.default_rng(seed)
    params = {
        "K": rng.normal(size=(3, 2, 2, 3)),
        "gamma": rng.normal(size=3) + 1,
        "beta": rng.normal(size=3),
        "w": rng.normal(size=3 * 2 * 1),
        "b": rng.normal(size=1),
    }
    return params, (rng.normal(size=(4, 2, 5, 4)), rng.choice([-1.0, 1.0], size=4))
