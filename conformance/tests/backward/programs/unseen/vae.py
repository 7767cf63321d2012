"""A variational autoencoder with given noise; the Bernoulli likelihood from logits."""
import numpy as np


def f(params, x, eps):
    W, b, Wm, bm, Wv, bv, D, d, O, o = (params[k] for k in
                                        ["W", "b", "Wm", "bm", "Wv", "bv", "D", "d", "O", "o"])
    m = x.shape[0]
    pre = x @ W + b
    h = np.maximum(0.2 * pre, pre)
    mu, logvar = h @ Wm + bm, h @ Wv + bv
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    g = np.tanh(z @ D + d)
    logits = g @ O + o
    bce = np.sum(np.logaddexp(0, logits) - x * logits)
    kl = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar))
    loss = (bce + kl) / m

    # backward
    recon = 1 / (1 + np.exp(-logits))
    dlogits = (recon - x) / m
    grads = {"O": g.T @ dlogits, "o": dlogits.sum(0)}
    dg = dlogits @ O.T
    dpre_g = dg * (1 - g ** 2)
    grads["D"] = z.T @ dpre_g
    grads["d"] = dpre_g.sum(0)
    dz = dpre_g @ D.T
    dmu = dz + mu / m
    dstd = dz * eps
    dlogvar = dstd * 0.5 * std
    dlogvar += 0.5 * (np.exp(logvar) - 1) / m
    grads.update(Wm=h.T @ dmu, bm=dmu.sum(0))
    grads.update(Wv=h.T @ dlogvar, bv=dlogvar.sum(0))
    dh = dmu @ Wm.T
    dh += dlogvar @ Wv.T
    dpre = np.where(pre > 0, dh, 0.2 * dh)
    grads["W"] = x.T @ dpre
    grads["b"] = dpre.sum(0)
    return loss, grads


def make(seed):
    rng = np.random.default_rng(seed)
    n, h, z, g, m = 5, 6, 2, 4, 7

    def w(i, o):
        return rng.normal(size=(i, o)) / np.sqrt(i)

    params = {"W": w(n, h), "b": w(1, h)[0], "Wm": w(h, z), "bm": w(1, z)[0], "Wv": w(h, z), "bv": w(1, z)[0]}
    params.update({"D": w(z, g), "d": w(1, g)[0], "O": w(g, n), "o": w(1, n)[0]})
    return params, (rng.random((m, n)), rng.normal(size=(m, z)))
