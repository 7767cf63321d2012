import numpy as np
from types import SimpleNamespace as NS

def build(n_in=5, n_hidden=7, n_out=2, rng=np.random.default_rng(1)):
    return NS(U=rng.standard_normal((n_hidden, n_in)) / n_in, u=np.zeros((n_hidden, 1)),
              V=rng.standard_normal((n_out, n_hidden)) / n_hidden, v=np.zeros((n_out, 1)))

def softplus(z): return np.logaddexp(0, z)

def run(net, X):
    pre = net.U @ X + net.u
    hid = softplus(pre)
    return pre, hid, net.V @ hid + net.v

def fit_step(net, X, T, rate=0.05):
    pre, hid, out = run(net, X)
    n = X.shape[1]
    err = (out - T) / n
    gV, gv = np.einsum('is,js->ij', err, hid), err.sum(1, keepdims=True)
    back = net.V.T @ err / (1 + np.exp(-pre))
    gU, gu = np.einsum('is,js->ij', back, X), back.sum(1, keepdims=True)
    net.V -= rate * gV; net.v -= rate * gv
    net.U -= rate * gU; net.u -= rate * gu
    return ((out - T) ** 2).sum() / 2 / n
