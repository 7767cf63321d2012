import numpy as np


def normalize_forward(x, gamma, beta, eps):
    centred = x - x.mean(axis=0)
    var = (centred**2).mean(axis=0)
    inverse = 1.0 / np.sqrt(var + eps)
    xhat = centred * inverse
    return gamma * xhat + beta, (xhat, gamma, centred, inverse, var, eps)


def normalize_backward(dout, cache):
    xhat, gamma, centred, inverse, var, eps = cache
    n = len(dout)
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dvar = -0.5 * (dxhat * centred).sum(axis=0) * (var + eps) ** -1.5
    dcentred = dxhat * inverse + 2 * centred * dvar / n
    dx = dcentred - dcentred.mean(axis=0)
    return dx, dgamma, dbeta
