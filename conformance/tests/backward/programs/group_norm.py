"""A 1x1 convolution, group normalisation, ReLU, the mean over the image, a softmax."""
import numpy as np

EPS = 1e-5


def f(params, x, labels):
    K, gamma, beta, W, b = params
    N, _, H, Wd = x.shape
    C = K.shape[0]
    G = 2
    u = np.einsum("oc,nchw->nohw", K, x)
    # group norm
    ug = u.reshape(N, G, C // G, H, Wd)
    mu = ug.mean(axis=(2, 3, 4), keepdims=True)
    var = ug.var(axis=(2, 3, 4), keepdims=True)
    ivar = 1 / np.sqrt(var + EPS)
    uhat = ((ug - mu) * ivar).reshape(N, C, H, Wd)
    out = gamma.reshape(1, C, 1, 1) * uhat + beta.reshape(1, C, 1, 1)
    act = np.where(out > 0, out, 0)
    pooled = act.mean(axis=(2, 3))
    s = pooled @ W.T + b
    s = s - s.max(axis=1, keepdims=True)
    logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(N), labels].mean()

    # backward
    ds = np.exp(logp)
    ds[np.arange(N), labels] -= 1
    ds /= N
    dW = ds.T @ pooled
    db = ds.sum(axis=0)
    dpooled = ds @ W
    dact = dpooled[:, :, None, None] * np.ones_like(act) / (H * Wd)
    dout = np.where(out > 0, dact, 0)
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = np.sum(dout * uhat, axis=(0, 2, 3))
    duhat = (dout * gamma[None, :, None, None]).reshape(N, G, C // G, H, Wd)
    M = C // G * H * Wd
    dvar = np.sum(duhat * (ug - mu) * -0.5 * ivar ** 3, axis=(2, 3, 4), keepdims=True)
    dmu = np.sum(-duhat * ivar, axis=(2, 3, 4), keepdims=True)
    dug = duhat * ivar
    dug += dvar * 2 * (ug - mu) / M
    dug += dmu / M
    du = dug.reshape(N, C, H, Wd)
    dK = np.einsum("nohw,nchw->oc", du, x)
    return loss, (dK, dgamma, dbeta, dW, db)


def make(seed):
    rng = np.random.default_rng(seed)
    N, D, C, H, W, L = 5, 3, 4, 2, 3, 3
    params = (
        rng.normal(size=(C, D)),
        rng.normal(size=C) + 1,
        rng.normal(size=C) * 0.5,
        rng.normal(size=(L, C)),
        rng.normal(size=L),
    )
    return params, (rng.normal(size=(N, D, H, W)), rng.permutation(np.arange(N) % L))
