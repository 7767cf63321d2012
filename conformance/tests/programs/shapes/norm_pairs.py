import numpy as np

def layernorm(x, g, b, eps=1e-6):
    mu = x.mean(-1, keepdims=True)
    v = ((x - mu) ** 2).mean(-1, keepdims=True)
    rs = 1 / np.sqrt(v + eps)
    n = (x - mu) * rs
    return n * g + b, (n, rs, g)

def layernorm_back(dy, cache):
    n, rs, g = cache
    dn = dy * g
    dx = rs * (dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True))
    return dx, (dy * n).sum(0), dy.sum(0)

def gelu(x):
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x ** 3))
    return 0.5 * x * (1 + t), (x, t)

def gelu_back(dy, cache):
    x, t = cache
    c = np.sqrt(2 / np.pi)
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t ** 2) * c * (1 + 3 * 0.044715 * x ** 2))
