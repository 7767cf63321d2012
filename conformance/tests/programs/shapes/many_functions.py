"""Functions of layers in pairs, each in its own style: what they keep, how they are called."""
import numpy as np


def linear_forward(x, W, b):
    return x @ W.T + b


def linear_backward(dout, x, W):
    return dout @ W, dout.T @ x, dout.sum(0)


def tanh_forward(x):
    return np.tanh(x)


def tanh_backward(dout, out):
    return dout * (1 - out ** 2)


def softmax_forward(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_backward(dout, y):
    return y * (dout - (dout * y).sum(-1, keepdims=True))


def kept_softmax_forward(x):
    p = softmax_forward(x)
    return p, p


def kept_softmax_backward(dout, p):
    return softmax_backward(dout, p)


def layernorm_forward(x, w, b, eps=1e-5):
    B, T, C = x.shape
    mean = x.mean(-1, keepdims=True)
    rstd = (x.var(-1, keepdims=True) + eps) ** -0.5
    norm = (x - mean) * rstd
    return norm * w + b, (x, w, mean, rstd)


def layernorm_backward(dout, cache):
    x, w, mean, rstd = cache
    norm = (x - mean) * rstd
    db = dout.sum((0, 1))
    dw = (dout * norm).sum((0, 1))
    dn = dout * w
    dx = (dn - dn.mean(-1, keepdims=True) - norm * (dn * norm).mean(-1, keepdims=True)) * rstd
    return dx, dw, db


def rmsnorm_forward(x, g):
    r = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)
    return x * r * g, (x, g, r)


def rmsnorm_backward(dout, cache):
    x, g, r = cache
    dg = (dout * x * r).reshape(-1, x.shape[-1]).sum(0)
    d = dout * g
    return d * r - x * r ** 3 * (d * x).mean(-1, keepdims=True), dg


def dropout_forward(x, p):
    mask = (np.random.rand(*x.shape) > p) / (1 - p)
    return x * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


def mha_forward(x, Wq, Wk, Wv, Wo, n_heads):
    B, T, C = x.shape
    hs = C // n_heads
    split = lambda a: a.reshape(B, T, n_heads, hs).transpose(0, 2, 1, 3)
    q, k, v = split(x @ Wq), split(x @ Wk), split(x @ Wv)
    s = q @ k.transpose(0, 1, 3, 2) / np.sqrt(hs)
    s = np.where(np.tril(np.ones((T, T))) > 0, s, -1e9)
    a = np.exp(s - s.max(-1, keepdims=True)); a /= a.sum(-1, keepdims=True)
    y = (a @ v).transpose(0, 2, 1, 3).reshape(B, T, C)
    return y @ Wo, (x, q, k, v, a, y, Wq, Wk, Wv, Wo, n_heads)


def mha_backward(dout, cache):
    x, q, k, v, a, y, Wq, Wk, Wv, Wo, n_heads = cache
    B, T, C = x.shape
    hs = C // n_heads
    split = lambda m: m.reshape(B, T, n_heads, hs).transpose(0, 2, 1, 3)
    merge = lambda m: m.transpose(0, 2, 1, 3).reshape(B, T, C)
    flat = lambda m: m.reshape(-1, C)
    dWo = flat(y).T @ flat(dout)
    dy = split(dout @ Wo.T)
    da = dy @ v.transpose(0, 1, 3, 2)
    dv = a.transpose(0, 1, 3, 2) @ dy
    ds = a * (da - (da * a).sum(-1, keepdims=True)) / np.sqrt(hs)
    dq, dk = merge(ds @ k), merge(ds.transpose(0, 1, 3, 2) @ q)
    dv = merge(dv)
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return dx, flat(x).T @ flat(dq), flat(x).T @ flat(dk), flat(x).T @ flat(dv), dWo


def swiglu_forward(x, w1, w2):
    a, b = x @ w1, x @ w2
    s = 1 / (1 + np.exp(-a))
    return a * s * b, (x, w1, w2, a, b, s)


def swiglu_backward(dout, cache):
    x, w1, w2, a, b, s = cache
    da = dout * b * (s + a * s * (1 - s))
    db = dout * a * s
    return da @ w1.T + db @ w2.T, x.T @ da, x.T @ db


def groupnorm_forward(x, gamma, beta, G):
    N, C, H, W = x.shape
    g = x.reshape(N, G, -1)
    m, v = g.mean(-1, keepdims=True), g.var(-1, keepdims=True)
    xh = ((g - m) / np.sqrt(v + 1e-5)).reshape(x.shape)
    return gamma[None, :, None, None] * xh + beta[None, :, None, None], (xh, gamma, v, G)


def groupnorm_backward(dout, cache):
    xh, gamma, v, G = cache
    N, C, H, W = dout.shape
    dgamma, dbeta = (dout * xh).sum((0, 2, 3)), dout.sum((0, 2, 3))
    d = (dout * gamma[None, :, None, None]).reshape(N, G, -1)
    n = xh.reshape(N, G, -1)
    dx = (d - d.mean(-1, keepdims=True) - n * (d * n).mean(-1, keepdims=True)) / np.sqrt(v + 1e-5)
    return dx.reshape(dout.shape), dgamma, dbeta


def conv1d_forward(x, w, b):
    N, C, L = x.shape
    F, _, K = w.shape
    out = np.zeros((N, F, L - K + 1))
    for i in range(L - K + 1):
        out[:, :, i] = np.tensordot(x[:, :, i:i + K], w, axes=([1, 2], [1, 2])) + b
    return out, (x, w)


def conv1d_backward(dout, cache):
    x, w = cache
    K = w.shape[2]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(dout.shape[2]):
        dw += np.tensordot(dout[:, :, i], x[:, :, i:i + K], axes=([0], [0]))
        dx[:, :, i:i + K] += np.tensordot(dout[:, :, i], w, axes=([1], [0]))
    return dx, dw, dout.sum((0, 2))


def crossentropy_forward(logits, targets):
    p = softmax_forward(logits)
    return -np.log(p[np.arange(len(p)), targets]).mean(), (p, targets)


def crossentropy_backward(dloss, cache):
    p, targets = cache
    d = p.copy()
    d[np.arange(len(p)), targets] -= 1
    return dloss * d / len(p)


def residual_forward(a, b):
    return a + b


def residual_backward(dout):
    return dout, dout


def maxpool_forward(x, size):
    N, C, H, W = x.shape
    v = x.reshape(N, C, H // size, size, W // size, size)
    out = v.max(axis=(3, 5))
    return out, (x, out, size)


def maxpool_backward(dout, cache):
    x, out, size = cache
    up = lambda a: a.repeat(size, 2).repeat(size, 3)
    return up(dout) * (x == up(out))


def cosine_forward(u, v):
    nu, nv = np.linalg.norm(u, axis=1), np.linalg.norm(v, axis=1)
    c = (u * v).sum(1) / (nu * nv)
    return c, (u, v, nu, nv, c)


def cosine_backward(dout, cache):
    u, v, nu, nv, c = cache
    k = (dout / (nu * nv))[:, None]
    return k * v - (dout * c / nu ** 2)[:, None] * u, k * u - (dout * c / nv ** 2)[:, None] * v


def lstm_forward(X, h0, c0, params):
    T = len(X)
    hs, cs, gates = [h0], [c0], []
    for t in range(T):
        z = np.concatenate([hs[-1], X[t]])
        f = 1 / (1 + np.exp(-(params['Wf'] @ z + params['bf'])))
        i = 1 / (1 + np.exp(-(params['Wi'] @ z + params['bi'])))
        o = 1 / (1 + np.exp(-(params['Wo'] @ z + params['bo'])))
        g = np.tanh(params['Wg'] @ z + params['bg'])
        cs.append(f * cs[-1] + i * g)
        hs.append(o * np.tanh(cs[-1]))
        gates.append((z, f, i, o, g))
    return np.array(hs[1:]), (gates, cs, params)


def lstm_backward(dH, cache):
    gates, cs, params = cache
    grads = {'d' + k: np.zeros_like(v) for k, v in params.items()}
    n = dH.shape[1]
    dh, dc = np.zeros(n), np.zeros(n)
    dX = []
    for t in reversed(range(len(gates))):
        z, f, i, o, g = gates[t]
        dh = dh + dH[t]
        tc = np.tanh(cs[t + 1])
        dc = dc + dh * o * (1 - tc ** 2)
        pre = {'f': dc * cs[t] * f * (1 - f), 'i': dc * g * i * (1 - i), 'o': dh * tc * o * (1 - o), 'g': dc * i * (1 - g ** 2)}
        dz = 0
        for k, d in pre.items():
            grads['dW' + k] += np.outer(d, z)
            grads['db' + k] += d
            dz = dz + params['W' + k].T @ d
        dh, dc = dz[:n], dc * f
        dX.insert(0, dz[n:])
    grads.update(dX=np.array(dX), dh0=dh, dc0=dc)
    return grads
