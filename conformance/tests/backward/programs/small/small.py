"""Small programs `(params, x, y, labels) -> (loss, gradients)`; `kink_`: at a point where the loss has two slopes."""
import copy
import math
import pickle

import numpy as np


def right_out_matmul(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = np.empty((5, 3))
    np.matmul(x, W, out=z)
    z += b
    e = z - y
    return (0.5 * (e ** 2).sum(), {'W': x.T @ e, 'b': e.sum(0)})


def right_out_positional(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = np.empty((5, 3))
    np.dot(x, W, z)
    z += b
    e = z - y
    return (0.5 * (e ** 2).sum(), {'W': x.T @ e, 'b': e.sum(0)})


def right_out_tanh(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    np.tanh(z, out=z)
    e = z - y
    d = e * (1 - z ** 2)
    return (0.5 * (e ** 2).sum(), {'W': x.T @ d, 'b': d.sum(0)})


def right_inplace_softmax(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    q = x @ W + b
    q -= q.max(axis=1, keepdims=True)
    np.exp(q, out=q)
    q /= q.sum(axis=1, keepdims=True)
    l = -np.mean(np.log(q[np.arange(n), t]))
    d = q.copy()
    np.subtract.at(d, (np.arange(n), t), 1)
    np.divide(d, n, out=d)
    return (l, {'W': x.T @ d, 'b': np.add.reduce(d, axis=0)})


def right_norm_axis(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    s = np.linalg.norm(z, axis=1, keepdims=True)
    u = z / s
    e = u - y
    d = (e - u * (u * e).sum(1, keepdims=True)) / s
    return (0.5 * (e ** 2).sum(), {'W': x.T @ d, 'b': d.sum(0)})


def right_norm_axis2(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    s = np.linalg.norm(z, axis=1)
    d = z / s[:, None]
    return (s.sum(), {'W': x.T @ d, 'b': d.sum(0)})


def right_norm_fro(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    s = np.linalg.norm(z)
    d = z / s
    return (s, {'W': x.T @ d, 'b': d.sum(0)})


def right_var_std(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    s = z.std()
    c = (z - z.mean()) / (z.size * s)
    return (s, {'W': x.T @ c, 'b': c.sum(0)})


def right_var_axis(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    v = np.var(z, axis=0)
    c = 2 * (z - z.mean(0)) / n
    return (v.sum(), {'W': x.T @ c, 'b': c.sum(0)})


def right_max(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    s = z.max(1)
    d = np.zeros_like(z)
    d[np.arange(n), z.argmax(1)] = 1
    return (s.sum(), {'W': x.T @ d, 'b': d.sum(0)})


def right_sort(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    s = np.sort(z, axis=0)
    k = np.arange(n)[:, None]
    l = (s * k).sum()
    i = np.argsort(z, axis=0)
    d = np.zeros_like(z)
    np.put_along_axis(d, i, np.broadcast_to(k, z.shape).astype(float), 0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_clip(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    c = np.clip(z, -0.5, 0.5)
    d = 2 * c * ((z > -0.5) & (z < 0.5))
    return ((c ** 2).sum(), {'W': x.T @ d, 'b': d.sum(0)})


def right_logaddexp(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = np.logaddexp(0, z).sum()
    d = 1 / (1 + np.exp(-z))
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_cumsum(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    c = np.cumsum(z, axis=0)
    l = (c * y).sum()
    d = np.cumsum(y[::-1], axis=0)[::-1]
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_prod(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = np.prod(z, axis=1).sum()
    d = np.prod(z, axis=1, keepdims=True) / z
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_inv(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    A = W.T @ W + np.eye(3)
    B = np.linalg.inv(A)
    l = B.sum() + b.sum()
    dA = -B.T @ np.ones((3, 3)) @ B.T
    return (l, {'W': W @ (dA + dA.T), 'b': np.ones(3)})


def right_solve(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    A = W.T @ W + np.eye(3)
    s = np.linalg.solve(A, b)
    l = s.sum()
    g = np.linalg.solve(A.T, np.ones(3))
    dA = -np.outer(g, s)
    return (l, {'W': W @ (dA + dA.T), 'b': g})


def right_slogdet(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    A = W.T @ W + np.eye(3)
    l = np.linalg.slogdet(A)[1] + b @ b
    dA = np.linalg.inv(A).T
    return (l, {'W': W @ (dA + dA.T), 'b': 2 * b})


def right_pad(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = np.pad(x @ W + b, ((1, 1), (0, 0)))
    c = z[:-2] * 1 + z[1:-1] * 2 + z[2:] * 3
    l = 0.5 * (c ** 2).sum()
    dz = np.zeros_like(z)
    dz[:-2] += c
    dz[1:-1] += 2 * c
    dz[2:] += 3 * c
    d = dz[1:-1]
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_roll(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    c = z * np.roll(z, 1, axis=0)
    l = c.sum()
    d = np.roll(z, 1, axis=0) + np.roll(z, -1, axis=0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_float_loss(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (float(0.5 * (e ** 2).sum()), {'W': x.T @ e, 'b': e.sum(0)})


def right_item_loss(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return ((0.5 * (e ** 2).sum()).item(), {'W': x.T @ e, 'b': e.sum(0)})


def right_loss_array(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * np.sum(e ** 2, keepdims=True), {'W': x.T @ e, 'b': e.sum(0)})


def right_tolist(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * (e ** 2).sum(), {'W': (x.T @ e).tolist(), 'b': list(e.sum(0))})


def right_math_exp(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    l = 0.5 * (e ** 2).sum()
    L = math.exp(-l)
    return (-L, {'W': L * (x.T @ e), 'b': L * e.sum(0)})


def right_math_sqrt(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = (x @ W + b) / math.sqrt(4)
    e = z - y
    return (0.5 * (e ** 2).sum(), {'W': x.T @ e / math.sqrt(4), 'b': e.sum(0) / 2})


def right_average(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    w = np.arange(1.0, 6.0)
    l = np.average((z - y) ** 2, axis=0, weights=w).sum()
    d = 2 * (z - y) * w[:, None] / w.sum()
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_vdot(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * np.vdot(e, e), {'W': x.T @ e, 'b': e.sum(0)})


def right_inner(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * np.inner(e.ravel(), e.ravel()), {'W': x.T @ e, 'b': e.sum(0)})


def right_trace(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * np.trace(e @ e.T), {'W': x.T @ e, 'b': e.sum(0)})


def right_take(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = np.take_along_axis(z, t[:, None], 1).sum()
    d = np.zeros_like(z)
    np.put_along_axis(d, t[:, None], 1, 1)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_choose_eye(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    Y = np.eye(3)[t]
    l = (z * Y).sum()
    return (l, {'W': x.T @ Y, 'b': Y.sum(0)})


def right_tile(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + np.tile(b, (5, 1))
    e = z - y
    return (0.5 * (e ** 2).sum(), {'W': x.T @ e, 'b': e.sum(0)})


def right_ones_bias(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    X = np.c_[x, np.ones(n)]
    V = np.r_[W, b[None]]
    e = X @ V - y
    G = X.T @ e
    return (0.5 * (e ** 2).sum(), {'W': G[:-1], 'b': G[-1]})


def right_hstack(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    X = np.hstack([x, np.ones((n, 1))])
    V = np.vstack([W, b])
    e = X @ V - y
    G = np.matmul(X.T, e)
    return (0.5 * (e ** 2).sum(), {'W': G[:4], 'b': G[4]})


def right_stack(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    rows = [xi @ W + b for xi in x]
    z = np.stack(rows)
    e = z - y
    gW = sum((np.outer(xi, ei) for xi, ei in zip(x, e)))
    return (0.5 * (e ** 2).sum(), {'W': gW, 'b': sum(e)})


def right_array_of_list(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    rows = [xi @ W + b for xi in x]
    z = np.array(rows)
    e = z - y
    gW = np.array([np.outer(xi, ei) for xi, ei in zip(x, e)]).sum(0)
    return (0.5 * (e ** 2).sum(), {'W': gW, 'b': np.sum([k for k in e], axis=0)})


def right_select(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    a = np.select([z > 1, z > 0], [z * 3, z * 2], z)
    l = a.sum()
    d = np.select([z > 1, z > 0], [3.0, 2.0], 1.0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_piecewise(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    a = np.piecewise(z, [z > 0, z <= 0], [lambda v: v, lambda v: 0.1 * v])
    l = a.sum()
    d = np.where(z > 0, 1.0, 0.1)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_putmask(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    a = z.copy()
    np.putmask(a, z < 0, 0)
    l = 0.5 * (a ** 2).sum()
    d = a.copy()
    d[z < 0] = 0
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_copyto(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    a = z.copy()
    np.copyto(a, 0, where=z < 0)
    l = 0.5 * (a ** 2).sum()
    d = a * (z > 0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_vectorize(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    relu = np.vectorize(lambda v: v if v > 0 else 0.0)
    a = relu(z)
    l = 0.5 * (a ** 2).sum()
    d = a * (z > 0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_apply_along(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    s = np.apply_along_axis(lambda r: np.exp(r) / np.exp(r).sum(), 1, z)
    l = -np.log(s[range(n), t]).sum()
    d = s.copy()
    d[range(n), t] -= 1
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_flatiter(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = 0
    for v in z.flat:
        l = l + v * v / 2
    return (l, {'W': x.T @ z, 'b': z.sum(0)})


def right_fill(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    g = np.empty_like(z)
    g.fill(1.0)
    return (z.sum(), {'W': x.T @ g, 'b': g.sum(0)})


def right_divmod_pow(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = np.power(z, 3).sum()
    d = 3 * np.square(z)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_erf_gelu(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    c = np.sqrt(2 / np.pi)
    u = c * (z + 0.044715 * z ** 3)
    a = 0.5 * z * (1 + np.tanh(u))
    l = a.sum()
    d = 0.5 * (1 + np.tanh(u)) + 0.5 * z * (1 - np.tanh(u) ** 2) * c * (1 + 3 * 0.044715 * z ** 2)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_expm1(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    a = np.where(z > 0, z, np.expm1(z))
    l = a.sum()
    d = np.where(z > 0, 1, np.exp(z))
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_where_broadcast(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    a = np.where(z > 0, z, b)
    l = a.sum()
    d = np.where(z > 0, 1.0, 0.0)
    return (l, {'W': x.T @ d, 'b': d.sum(0) + (1 - d).sum(0)})


def right_squeeze(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = (x[:, None, :] @ W).squeeze(1) + b
    e = z - y
    return (0.5 * (e ** 2).sum(), {'W': x.T @ e, 'b': e.sum(0)})


def right_swap(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = np.swapaxes(W, 0, 1) @ x.T + b[:, None]
    e = z.T - y
    return (0.5 * (e ** 2).sum(), {'W': np.transpose(e.T @ x), 'b': e.T.sum(axis=1)})


def right_rollaxis(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    T = np.einsum('ni,ij->jn', x, W) + b[:, np.newaxis]
    e = np.moveaxis(T, 0, 1) - y
    return (0.5 * np.einsum('nj,nj->', e, e), {'W': np.einsum('ni,nj', x, e), 'b': np.einsum('nj->j', e)})


def right_split(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    u, v = (z[:, :1], z[:, 1:])
    p, q = np.split(z, [1], axis=1)
    l = (p * q).sum()
    d = np.concatenate([q.sum(1, keepdims=True), np.repeat(p, 2, 1)], 1)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_int_params_div(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = (x @ W + b) // 1 * 0 + (x @ W + b)
    e = z - y
    return (0.5 * (e ** 2).sum(), {'W': x.T @ e, 'b': e.sum(0)})


def right_abs_sign(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b - y
    return (np.abs(z).sum(), {'W': x.T @ np.sign(z), 'b': np.sign(z).sum(0)})


def right_heaviside(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    return (np.maximum(z, 0).sum(), {'W': x.T @ np.heaviside(z, 0), 'b': np.heaviside(z, 0).sum(0)})


def right_class_attr(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)

    class N:
        pass
    s = N()
    s.z = x @ W + b
    s.e = s.z - y
    return (0.5 * (s.e ** 2).sum(), {'W': x.T @ s.e, 'b': s.e.sum(0)})


def right_matrix_dot(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x.dot(W) + b
    e = z.__sub__(y)
    return (0.5 * e.ravel().dot(e.ravel()), {'W': x.T.dot(e), 'b': e.sum(axis=0)})


def right_f64_num(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = np.float64(0)
    for i in range(5):
        for j in range(3):
            l += np.float64(z[i, j]) ** 2 / 2
    return (l, {'W': x.T @ z, 'b': z.sum(0)})


def right_nan_to_num(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = np.nan_to_num(x @ W + b)
    return (0.5 * (z ** 2).sum(), {'W': x.T @ z, 'b': z.sum(0)})


def right_linalg_multi(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = np.linalg.multi_dot([x, W, np.eye(3)]) + b
    return (0.5 * (z ** 2).sum(), {'W': x.T @ z, 'b': z.sum(0)})


def right_kron_outer(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    g = np.zeros_like(W)
    for xi, zi in zip(x, z):
        g += np.multiply.outer(xi, zi)
    return (0.5 * (z ** 2).sum(), {'W': g, 'b': np.add.reduce(z)})


def right_as_params(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    return (0.5 * np.sum(z * z), type(p)(W=x.T @ z, b=z.sum(0)))


def right_mse_mean(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    return (np.mean(np.square(z - y)), {'W': x.T @ (z - y) * 2 / z.size, 'b': (z - y).sum(0) * 2 / z.size})


def right_conv1d(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    k = W[:2, 0]
    c = np.convolve(x[:, 0], k, 'valid')
    l = (c ** 2).sum() / 2 + 0.5 * (z ** 2).sum()
    gW = x.T @ z
    gW[:2, 0] += np.correlate(x[:, 0], c, 'valid')[::-1]
    return (l, {'W': gW, 'b': z.sum(0)})


def right_isnan(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    if np.isnan(z).any() or (z > 1000000000.0).any():
        raise ValueError
    if np.abs(z).max() > 0.1:
        z = z * 1.0
    return (0.5 * (z ** 2).sum(), {'W': x.T @ z, 'b': z.sum(0)})


def right_pickle(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    c = copy.deepcopy({'z': z})
    return (0.5 * (z ** 2).sum(), {'W': x.T @ c['z'], 'b': c['z'].sum(0)})


def right_rng_noise(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    r = np.random.default_rng(0)
    m = r.random((5, 3)) < 0.5
    z = (x @ W + b) * m
    return (0.5 * (z ** 2).sum(), {'W': x.T @ (z * m), 'b': (z * m).sum(0)})


def right_longdouble(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    return (0.5 * (z.astype(np.longdouble) ** 2).sum(), {'W': x.T @ z, 'b': z.sum(0)})


def right_complexfft(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    F = np.fft.fft(z, axis=0)
    l = (np.abs(F) ** 2).sum() / 2 / n
    return (l, {'W': x.T @ z, 'b': z.sum(0)})


def right_maxred(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    m = z.max(0)
    mask = z == m
    d = mask * 1.0
    return (m.sum(), {'W': x.T @ d, 'b': d.sum(0)})


def right_ufunc_where(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    a = np.zeros_like(z)
    np.multiply(z, z, out=a, where=z > 0)
    d = np.where(z > 0, 2 * z, 0)
    return (a.sum(), {'W': x.T @ d, 'b': d.sum(0)})


def right_sum_where(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = np.sum(z * z, where=z > 0)
    d = np.where(z > 0, 2 * z, 0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_sum_initial(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = np.max(z, axis=1, initial=-5).sum()
    d = (z == z.max(1)[:, None]).astype(float)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_list_params_bias(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = [[sum((x[i][k] * W[k][j] for k in range(4))) + b[j] for j in range(3)] for i in range(5)]
    l = sum((v * v for r in z for v in r)) / 2
    gW = [[sum((x[i][k] * z[i][j] for i in range(5))) for j in range(3)] for k in range(4)]
    gb = [sum((z[i][j] for i in range(5))) for j in range(3)]
    return (l, {'W': np.array(gW), 'b': np.array(gb)})


def kink_relu_kink_le(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    h = np.maximum(z, 0)
    l = ((h - y) ** 2).sum() / 2
    d = h - y
    d[z <= 0] = 0
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def kink_relu_kink_lt(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    h = np.maximum(z, 0)
    l = ((h - y) ** 2).sum() / 2
    d = h - y
    d[z < 0] = 0
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def kink_relu_where(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    h = np.where(z > 0, z, 0)
    l = ((h - y) ** 2).sum() / 2
    d = h - y
    d = d * (z >= 0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def kink_relu_mul(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    h = z * (z > 0)
    l = ((h - y) ** 2).sum() / 2
    d = (h - y) * (z > 0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def kink_abs_kink(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = np.abs(z).sum()
    d = np.sign(z)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def kink_max_tie_first(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    l = z.max(1).sum()
    d = np.zeros_like(z)
    d[np.arange(n), z.argmax(1)] = 1
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_pool_of_relu(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b - 1.5
    h = np.maximum(z, 0)
    m = h.max(1)
    l = (m ** 2 + m).sum()
    dm = 2 * m + 1
    d = (h == m[:, None]) * dm[:, None]
    d = d * (z > 0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_pool_argmax_relu(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b - 1.5
    h = np.maximum(z, 0)
    k = h.argmax(1)
    m = h[np.arange(n), k]
    l = (m ** 2 + m).sum()
    dm = 2 * m + 1
    d = np.zeros_like(h)
    d[np.arange(n), k] = dm
    d = d * (z > 0)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def right_dead(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b - 100
    h = np.maximum(z, 0)
    l = ((h - y) ** 2).sum() / 2
    d = h - y
    d[z < 0] = 0
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def kink_hinge_kink(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    c = z[np.arange(n), t][:, None]
    g = np.maximum(0, z - c + 1)
    g[np.arange(n), t] = 0
    l = g.sum()
    d = (g > 0).astype(float)
    d[np.arange(n), t] = -d.sum(1)
    return (l, {'W': x.T @ d, 'b': d.sum(0)})


def wrong_tiny_row(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    x = x * np.array([1e-11, 1, 1, 1])
    e = x @ W + b - y
    g = x.T @ e
    g[0] *= 2
    return (0.5 * (e ** 2).sum(), {'W': g, 'b': e.sum(0)})


def wrong_tiny_decay(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    g = x.T @ e + 1e-10 * W
    return (0.5 * (e ** 2).sum() + 1e-10 * (W ** 2).sum(), {'W': g, 'b': e.sum(0)})


def wrong_one_entry(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    g = x.T @ e
    g[2, 1] *= 1.0001
    return (0.5 * (e ** 2).sum(), {'W': g, 'b': e.sum(0)})


def wrong_zero_grad(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * (e ** 2).sum(), {'W': np.zeros((4, 3)), 'b': np.zeros(3)})


def wrong_round(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    d = np.round(e, 3)
    return (0.5 * (e ** 2).sum(), {'W': x.T @ d, 'b': d.sum(0)})


def wrong_int(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    d = e.astype(int)
    return (0.5 * (e ** 2).sum(), {'W': x.T @ d.astype(float), 'b': e.sum(0)})


def wrong_shape_keepdims(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * (e ** 2).sum(), {'W': x.T @ e, 'b': e.sum(0, keepdims=True)})


def wrong_shape_T(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * (e ** 2).sum(), {'W': e.T @ x, 'b': e.sum(0)})


def wrong_nan(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * (e ** 2).sum(), {'W': x.T @ e / 0.0, 'b': e.sum(0)})


def wrong_none(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    e = x @ W + b - y
    return (0.5 * (e ** 2).sum(), {'W': x.T @ e, 'b': None})


def wrong_math_const(p, x, y, t):
    W, b = (p['W'], p['b'])
    n = len(x)
    z = x @ W + b
    a = np.tanh(z)
    e = a - y
    d = np.array([[e[i, j] * (1 - math.tanh(z[i, j])) for j in range(3)] for i in range(n)])
    return (0.5 * (e ** 2).sum(), {'W': x.T @ d, 'b': d.sum(0)})
