"""Batch normalisation, forward and backward. One axis of the backward pass is wrong."""

import numpy as np


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=0)
    std = np.sqrt(x.var(axis=0) + eps)
    xhat = (x - mean) / std
    return gamma * xhat + beta, (xhat, std, gamma)


def batchnorm_backward(dout, cache):
    xhat, std, gamma = cache
    m = len(dout)
    dgamma = (dout * xhat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dxhat = dout * gamma
    along = (dxhat * xhat).sum(axis=1, keepdims=True)
    dx = (m * dxhat - dxhat.sum(axis=0) - xhat * along) / (m * std)
    return dx, dgamma, dbeta
