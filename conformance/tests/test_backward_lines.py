"""Wrong lines that people write, each blamed first, and why: programs as their authors write them.

Left out: edits of every kind, and how often they are found (`test_backward_mutants.py`).
"""

import contextlib
import io
from pathlib import Path

import pytest

import conformance
from conformance.api import check
from conformance.backward.findings import Cause, Changed, Named
from conformance.errors import SubjectError
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.report.backward_causes import why
from conformance.run_script import run_script
from conformance.tests.backward.program import module

NET = """
import numpy as np

def relu(z):
    return np.maximum(z, 0)

def tanh(x):
    return np.tanh(x)

def tanh_prime(x):
    return 1 - np.tanh(x) ** 2

def forward(p, X):
    Z1 = X @ p['W1'] + p['b1']
    A1 = relu(Z1)
    Z2 = A1 @ p['W2'] + p['b2']
    A2 = tanh(Z2)
    return Z1, A1, Z2, A2

def backward(p, X, Y, Z1, A1, Z2, A2):
    dZ2 = (A2 - Y) * tanh_prime(Z2) / len(X)
    dW2 = A1.T @ dZ2
    dZ1 = dZ2 @ p['W2'].T * (Z1 > 0)
    return {'W1': X.T @ dZ1, 'b1': dZ1.sum(0), 'W2': dW2, 'b2': dZ2.sum(0)}

def f(p, X, Y):
    cache = forward(p, X)
    loss = 0.5 * np.sum((cache[-1] - Y) ** 2) / len(X)
    g = backward(p, X, Y, *cache)
    norm = np.sqrt(sum((e ** 2).sum() for e in g.values()))
    if norm > 0.1:
        g = {k: 0.1 * e / norm for k, e in g.items()}
    return loss, g

def make():
    r = np.random.default_rng(0)
    p = {'W1': r.normal(size=(4, 5)), 'b1': r.normal(size=5)}
    p |= {'W2': r.normal(size=(5, 3)), 'b2': r.normal(size=3)}
    return p, r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

ENCODER = """
import numpy as np

def f(p, x, eps):
    W, V, U, s = p
    h = np.tanh(x @ W)
    mu = h @ V; size = len(x)
    z = mu + s * eps
    out = z @ U
    loss = 0.5 * np.sum((out - x) ** 2) + 0.5 * np.sum(mu ** 2)
    do = out - x
    dz = do @ U.T
    dmu = dz + mu
    dh = (dmu @ V.T) * (1 - h ** 2)
    grads = []
    for a, d in ((x, dh), (h, dmu), (z, do)):
        grads.append(a.T @ d)
    return loss, [*grads, (dz * eps).sum(0)]

def make():
    r = np.random.default_rng(0)
    p = [r.normal(size=(4, 5)), r.normal(size=(5, 3)), r.normal(size=(3, 4))]
    return [*p, r.normal(size=3)], r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

LAYERS = """
import numpy as np

class Dense:
    def __init__(self, n, m, r):
        self.W = r.normal(size=(n, m))
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, grad):
        self.dW = self.x.T @ grad
        return grad @ self.W.T

class Tanh:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out
    def backward(self, grad):
        return grad * (1 - self.out ** 2)

class Dropout:
    def __init__(self, r):
        self.r = r
    def forward(self, x):
        self.mask = (self.r.random(x.shape) < 0.5) / 0.5
        return x * self.mask
    def backward(self, grad):
        return grad * self.mask

r = np.random.default_rng(0)
layers = [Dense(3, 8, r), Tanh(), Dropout(r), Dense(8, 1, r)]
X, Y = r.normal(size=(10, 3)), r.normal(size=(10, 1))
for epoch in range(5):
    x = X
    for layer in layers:
        x = layer.forward(x)
    loss = 0.5 * np.mean((x - Y) ** 2)
    grad = (x - Y) / len(X)
    for layer in reversed(layers):
        grad = layer.backward(grad)
    for layer in layers:
        if hasattr(layer, "W"):
            layer.W -= 0.1 * layer.dW
"""

ONE_UNIT = """
import numpy as np

def tanh(x):
    return np.tanh(x)

def tanh_prime(x):
    return 1 - np.tanh(x) ** 2

r = np.random.default_rng(0)
W1, b1, W2, b2 = r.normal(size=(2, 3)), np.zeros((1, 3)), r.normal(size=(3, 1)), np.zeros((1, 1))
for x, y in zip(r.normal(size=(9, 1, 2)), r.normal(size=(9, 1, 1))):
    z1 = x @ W1 + b1
    a1 = tanh(z1)
    z2 = a1 @ W2 + b2
    a2 = tanh(z2)
    loss = np.mean((a2 - y) ** 2)
    d2 = 2 * (a2 - y) * tanh_prime(z2)
    d1 = d2 @ W2.T * tanh_prime(z1)
    W2 -= 0.1 * (a1.T @ d2)
    b2 -= 0.1 * d2
    W1 -= 0.1 * (x.T @ d1)
    b1 -= 0.1 * d1
"""

SOFTMAX = """
import numpy as np

r = np.random.default_rng(0)
W, b = r.normal(size=(4, 3)), np.zeros(3)
X, labels = r.normal(size=(8, 4)), r.integers(0, 3, size=8)
Y = np.eye(3)[labels]
for epoch in range(5):
    E = np.exp(X @ W + b)
    P = E / np.sum(E, axis=1, keepdims=True)
    d = (P - Y) / 8
    db = d.sum(axis=0)
    W -= 0.1 * (X.T @ d)
    b -= 0.1 * db
"""

MARGINS = """
import numpy as np

def f(p, X, y):
    W = p['W']
    dW, loss = np.zeros(W.shape), 0.0
    for i in range(len(X)):
        scores = X[i].dot(W)
        for j in range(W.shape[1]):
            margin = scores[j] - scores[y[i]] + 1
            if j != y[i] and margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    return loss / len(X), {'W': dW / len(X)}

def make():
    r = np.random.default_rng(0)
    return {'W': r.normal(size=(4, 3))}, r.normal(size=(6, 4)), r.integers(0, 3, size=6)
"""

ATTENTION = """
import numpy as np

def f(p, X, Y):
    d = X.shape[-1]
    q, k = X @ p['Wq'], X @ p['Wk']
    e = np.exp(q @ k.T / np.sqrt(d))
    a = e / e.sum(-1, keepdims=True)
    out = a @ X
    loss = 0.5 * np.sum((out - Y) ** 2)
    da = (out - Y) @ X.T
    ds = a * (da - (da * a).sum(-1, keepdims=True))
    ds = ds / np.sqrt(d)
    return loss, {'Wq': X.T @ (ds @ k), 'Wk': X.T @ (ds.T @ q)}

def make():
    r = np.random.default_rng(0)
    X, Y = r.normal(size=(6, 5)), r.normal(size=(6, 5))
    return {'Wq': r.normal(size=(5, 5)), 'Wk': r.normal(size=(5, 5))}, X, Y
"""

DECAYS = """
import numpy as np

def f(p, X, Y, reg=0.3):
    h = np.tanh(X @ p['W1'])
    out = h @ p['W2']
    loss = 0.5 * np.sum((out - Y) ** 2) + reg * (np.sum(p['W1'] ** 2) + np.sum(p['W2'] ** 2))
    d = out - Y
    grads = {'W2': h.T @ d, 'W1': X.T @ ((d @ p['W2'].T) * (1 - h ** 2))}
    for name in p:
        grads[name] = grads[name] + 2 * reg * p[name]
    return loss, grads

def make():
    r = np.random.default_rng(0)
    p = {'W1': r.normal(size=(4, 5)), 'W2': r.normal(size=(5, 3))}
    return p, r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

UPDATED_FIRST = """W2 -= 0.1 * (a1.T @ d2)
    d1 = d2 @ W2.T * tanh_prime(z1)
"""
IN_ORDER = """d1 = d2 @ W2.T * tanh_prime(z1)
    W2 -= 0.1 * (a1.T @ d2)
"""

TWICE = """grads = {'W2': h.T @ d, 'W1': X.T @ ((d @ p['W2'].T) * (1 - h ** 2))}
    for name in p:
        grads[name] = grads[name] + 2 * reg * p[name]
"""
APART = """grads = {'W2': h.T @ d + reg * p['W2']}
    dh = (d @ p['W2'].T) * (1 - h ** 2)
    grads['W1'] = X.T @ dh + reg * p['W1']
"""

COURSE = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def f(params, X, Y, reg):
    T1, T2 = params[:20].reshape(4, 5), params[20:].reshape(3, 5)
    m = len(X)
    a1 = np.hstack([np.ones((m, 1)), X])
    z2 = a1.dot(T1.T)
    a2 = np.hstack([np.ones((m, 1)), sigmoid(z2)])
    h = sigmoid(a2.dot(T2.T))
    J = -np.sum(Y * np.log(h) + (1 - Y) * np.log(1 - h)) / m
    J = J + reg / (2 * m) * (np.sum(T1[:, 1:] ** 2) + np.sum(T2[:, 1:] ** 2))
    d3 = h - Y
    d2 = d3.dot(T2[:, 1:]) * sigmoid(z2) * (1 - sigmoid(z2))
    G1 = d2.T.dot(a1) / m
    G2 = d3.T.dot(a2) / m
    G1[:, 1:] += reg / m * T1[:, 1:]
    G2[:, 1:] += reg / m * T2[:, 1:]
    return J, np.concatenate([G1.ravel(), G2.ravel()])

def make():
    r = np.random.default_rng(0)
    return r.normal(size=35), r.normal(size=(7, 4)), np.eye(3)[r.integers(0, 3, 7)], 0.5
"""

POOLED = """
import numpy as np

def f(p, ids, y):
    e = p['E'][ids]
    s = np.tanh(e @ p['V'])
    out = (s * e).sum(axis=1)
    d = (out - y)[:, None, :]
    ds = d * e * (1 - s ** 2)
    de = d * s
    de += ds @ p['V'].T
    g = {'E': np.zeros_like(p['E']), 'V': np.einsum('nli,nlj->ij', e, ds)}
    np.add.at(g['E'], ids.ravel(), de.reshape(-1, e.shape[-1]))
    return 0.5 * np.sum((out - y) ** 2), g

def make():
    r = np.random.default_rng(0)
    p = {'E': r.normal(size=(9, 3)), 'V': r.normal(size=(3, 3))}
    return p, r.integers(0, 9, (4, 5)), r.normal(size=(4, 3))
"""

DILATED = """
import numpy as np

def conv(x, w, d):
    y = x @ w[0]
    y[:, d:] += x[:, :-d] @ w[1]
    return y

def conv_back(dy, x, w, d):
    dx = dy @ w[0].T
    dx[:, :-d] += dy[:, d:] @ w[1].T
    dw = np.zeros_like(w)
    dw[0] = np.einsum('nti,nto->io', x, dy)
    dw[1] = np.einsum('nti,nto->io', x[:, :-d], dy[:, d:])
    return dx, dw

def f(p, x, y):
    h = np.tanh(conv(x, p['w1'], 1) + p['b1'])
    out = conv(h, p['w2'], 2)
    dh, dw2 = conv_back(out - y, h, p['w2'], 2)
    dh += 0.1 * h
    d1 = dh * (1 - h ** 2)
    _, dw1 = conv_back(d1, x, p['w1'], 1)
    loss = 0.5 * np.sum((out - y) ** 2) + 0.05 * np.sum(h ** 2)
    return loss, {'w1': dw1, 'b1': d1.sum(axis=(0, 1)), 'w2': dw2}

def make():
    r = np.random.default_rng(0)
    p = {'w1': r.normal(size=(2, 3, 4)), 'b1': r.normal(size=4), 'w2': r.normal(size=(2, 4, 2))}
    return p, r.normal(size=(5, 7, 3)), r.normal(size=(5, 7, 2))
"""

GAUSSIAN = """
import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(30, 3))
y = X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3 * rng.normal(size=(30, 1))
W, s = np.zeros((3, 1)), np.zeros(1)
for step in range(50):
    z = (y - X @ W) / np.exp(s)
    loss = np.mean(0.5 * z**2 + s)
    dmean = (X @ W - y) / np.exp(2 * s) / len(X)
    ds = np.mean(1 - z**2, axis=0)
    W -= 0.05 * X.T @ dmean
    s -= 0.05 * ds
"""

PULLS = """
import numpy as np

def affine(x, W):
    return x @ W, lambda g: (g @ W.T, x.T @ g)

def elu(x, alpha=1.3):
    y = np.where(x > 0, x, alpha * np.expm1(x))

    def pull(g):
        return g * np.where(x > 0, 1.0, y + alpha)
    return y, pull

def f(p, X, Y):
    a, pull_in = affine(X, p['W0'])
    h, pull_first = elu(a)
    b, pull_middle = affine(h, p['W1'])
    g, pull_second = elu(b)
    o, pull_out = affine(g, p['W2'])
    dg, dW2 = pull_out(o - Y)
    dh, dW1 = pull_middle(pull_second(dg))
    _, dW0 = pull_in(pull_first(dh))
    return 0.5 * np.sum((o - Y) ** 2), {'W0': dW0, 'W1': dW1, 'W2': dW2}

def make():
    r = np.random.default_rng(0)
    p = {'W0': r.normal(size=(4, 5)), 'W1': r.normal(size=(5, 3)), 'W2': r.normal(size=(3, 2))}
    return p, r.normal(size=(6, 4)), r.normal(size=(6, 2))
"""

VIEWS = """
import numpy as np

def f(p, Z, tau):
    B = len(Z)
    u = np.concatenate([Z @ p['V'], Z @ p['W']])
    sim = u @ u.T / tau
    q = np.tanh(sim)
    G = 1 - q ** 2
    G = G / (2 * B)
    du = (G + G.T) @ u / tau
    return np.sum(q) / (2 * B), {'V': Z.T @ du[:B], 'W': Z.T @ du[B:]}

def make():
    r = np.random.default_rng(0)
    return {'V': r.normal(size=(4, 3)), 'W': r.normal(size=(4, 3))}, r.normal(size=(6, 4)), 0.5
"""

KEPT = """
import numpy as np

def softplus(z):
    return np.log1p(np.exp(z))

def backward(x, h, d, V):
    slope = 1 - np.exp(-h)
    return {'W': x.T @ (d @ V.T * slope), 'V': h.T @ d}

def f(p, X, Y):
    z = X @ p['W']
    h = softplus(z)
    d = (h @ p['V'] - Y) / len(X)
    return 0.5 * np.sum((h @ p['V'] - Y) ** 2) / len(X), backward(X, h, d, p['V'])

def make():
    r = np.random.default_rng(0)
    p = {'W': r.normal(size=(4, 5)), 'V': r.normal(size=(5, 3))}
    return p, r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

OTHERS = """
import numpy as np

def f(p, X, y):
    E = np.exp(X @ p['W'])
    total = E.sum(axis=1)
    P = E / total[:, None]
    loss, D = 0.0, np.copy(P)
    for i in range(len(X)):
        loss -= np.log(1 - P[i, y[i]])
        for k in range(3):
            if k != y[i]:
                D[i, k] -= E[i, k] / (total[i] - E[i, y[i]])
    return loss, {'W': X.T @ D}

def make():
    r = np.random.default_rng(0)
    return {'W': r.normal(size=(4, 3))}, r.normal(size=(6, 4)), r.integers(0, 3, 6)
"""

HANDED = """
import numpy as np

class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW = self.x.T @ d
        self.db = np.sum(d, axis=0)
        return d @ self.W.T

def f(p, X, Y):
    first, second = Affine(p['W1'], p['b1']), Affine(p['W2'], p['b2'])
    d = second.forward(np.tanh(first.forward(X))) - Y
    first.backward(second.backward(d) * (1 - second.x ** 2))
    g = {'W1': first.dW, 'W2': second.dW}
    g['b1'] = first.db
    g['b2'] = second.db
    return 0.5 * np.sum(d ** 2), g

def make():
    r = np.random.default_rng(0)
    p = {'W1': r.normal(size=(4, 3)), 'b1': r.normal(size=3)}
    p |= {'W2': r.normal(size=(3, 3)), 'b2': r.normal(size=3)}
    return p, r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

CHARACTERS = """
import numpy as np

def f(p, X, Y):
    U, W, V = p['U'], p['W'], p['V']
    hs, loss = [np.zeros(3)], 0.0
    for x, y in zip(X, Y):
        hs.append(np.tanh(U @ x + W @ hs[-1]))
        loss += 0.5 * np.sum((V @ hs[-1] - y) ** 2)
    g = {k: np.zeros_like(e) for k, e in p.items()}
    dnext = np.zeros(3)
    for t in reversed(range(len(X))):
        dy = V @ hs[t + 1] - Y[t]
        g['V'] += np.outer(dy, hs[t + 1])
        dh = V.T @ dy + dnext
        dz = dh * (1 - hs[t + 1] ** 2)
        g['U'] += np.outer(dz, X[t])
        g['W'] += np.outer(dz, hs[t])
        dnext = W.T @ dz
    return loss, g

def make():
    r = np.random.default_rng(0)
    p = {'U': r.normal(size=(3, 4)), 'W': r.normal(size=(3, 3)), 'V': r.normal(size=(2, 3))}
    return p, r.normal(size=(15, 4)), r.normal(size=(15, 2))
"""

TRANSLATOR = """
import numpy as np

def f(p, X, Y):
    W, U, V = p['W'], p['U'], p['V']
    enc = [np.zeros((5, 3))]
    for x in X:
        enc.append(np.tanh(x @ W + enc[-1] @ U))
    E = np.stack(enc[1:])
    states, loss = [enc[-1]], 0.0
    for y in Y:
        states.append(np.tanh(states[-1] @ V))
        loss += 0.5 * np.sum((states[-1] - y) ** 2) + np.sum(E * states[-1])
    g = {k: np.zeros_like(e) for k, e in p.items()}
    dE, ds = np.zeros_like(E), np.zeros((5, 3))
    for t in reversed(range(len(Y))):
        s = states[t + 1]
        dE += s
        ds = ds + s - Y[t] + E.sum(axis=0)
        da = ds * (1 - s ** 2)
        g['V'] += states[t].T @ da
        ds = da @ V.T
    dh = ds
    for t in reversed(range(len(X))):
        dh = dh + dE[t]
        da = dh * (1 - enc[t + 1] ** 2)
        g['W'] += X[t].T @ da
        g['U'] += enc[t].T @ da
        dh = da @ U.T
    return loss, g

def make():
    r = np.random.default_rng(0)
    p = {'W': r.normal(size=(4, 3)), 'U': r.normal(size=(3, 3)), 'V': r.normal(size=(3, 3))}
    return p, r.normal(size=(4, 5, 4)), r.normal(size=(3, 5, 3))
"""

NORM = """
import numpy as np

def f(p, x, y):
    n = len(x)
    xc = x @ p['W'] - (x @ p['W']).mean(axis=0)
    inv = 1 / np.sqrt((xc ** 2).mean(axis=0) + 1e-5)
    xhat = xc * inv
    d = xhat - y
    dvar = -0.5 * inv ** 3 * (d * xc).sum(axis=0)
    dxc = d * inv + 2 / n * xc * dvar
    dx = dxc - dxc.mean(axis=0)
    return 0.5 * np.sum((xhat - y) ** 2), {'W': x.T @ dx}

def make():
    r = np.random.default_rng(0)
    return {'W': r.normal(size=(4, 3))}, r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

MADE_OF_NOISE = """
import numpy as np

def f(p, y):
    z = np.random.default_rng(1).normal(size=(6, 3))
    a = np.tanh(z @ p['W'])
    fake = a @ p['V']
    d = fake - y
    dpre = d @ p['V'].T * (1 - a ** 2)
    return 0.5 * np.sum(d ** 2), {'V': a.T @ d, 'W': z.T @ dpre}

def make():
    r = np.random.default_rng(0)
    p = {'W': r.normal(size=(3, 5)), 'V': r.normal(size=(5, 3))}
    return p, r.normal(size=(6, 3))
"""

LEAKY = """
import numpy as np

class Leaky:
    def forward(self, x):
        self.inp = x
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, d):
        return np.where(self.inp > 0, 1.0, 0.1) * d

def forward(p, X, layer):
    x = X @ p['W']
    return layer.forward(x) @ p['V']

def f(p, X, Y):
    layer = Leaky()
    d = forward(p, X, layer) - Y
    dh = layer.backward(d @ p['V'].T)
    h = np.where(layer.inp > 0, layer.inp, 0.1 * layer.inp)
    return 0.5 * np.sum(d ** 2), {'W': X.T @ dh, 'V': h.T @ d}

def make():
    r = np.random.default_rng(0)
    p = {'W': r.normal(size=(4, 5)), 'V': r.normal(size=(5, 3))}
    return p, r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

NORMALISED = """
import numpy as np

def norm_forward(x, gamma, beta):
    mean = x.mean(-1, keepdims=True)
    inv = (x.var(-1, keepdims=True) + 1e-5) ** -0.5
    xhat = (x - mean) * inv
    return xhat * gamma + beta, (xhat, inv, gamma)

def norm_backward(dout, cache):
    xhat, inv, gamma = cache
    dgamma, dbeta = (dout * xhat).sum(0), dout.sum(0)
    dxhat = dout * gamma
    dx = dxhat - dxhat.mean(-1, keepdims=True) - xhat * (dxhat * xhat).mean(-1, keepdims=True)
    return dx * inv, dgamma, dbeta

def f(p, x, y):
    a, first = norm_forward(x, p['g1'], p['b1'])
    h = np.tanh(a @ p['W'])
    out, second = norm_forward(h, p['g2'], p['b2'])
    dh, dg2, db2 = norm_backward(out - y, second)
    da = dh * (1 - h ** 2)
    _, dg1, db1 = norm_backward(da @ p['W'].T, first)
    grads = {'g1': dg1, 'b1': db1, 'W': a.T @ da, 'g2': dg2, 'b2': db2}
    return 0.5 * np.sum((out - y) ** 2), grads

def make():
    r = np.random.default_rng(0)
    p = {'g1': r.normal(size=4), 'b1': r.normal(size=4), 'W': r.normal(size=(4, 5))}
    p |= {'g2': r.normal(size=5), 'b2': r.normal(size=5)}
    return p, r.normal(size=(6, 4)), r.normal(size=(6, 5))
"""

RESIDUAL = (
    NORMALISED[: NORMALISED.index("def f(")]
    + """
def f(p, y):
    x = p['x']
    a, first = norm_forward(x, p['g1'], p['b1'])
    t = np.tanh(a @ p['W'])
    out, second = norm_forward(x + t, p['g2'], p['b2'])
    dh, dg2, db2 = norm_backward(out - y, second)
    dt = dh * (1 - t ** 2)
    dx, dg1, db1 = norm_backward(dt @ p['W'].T, first)
    grads = {'g1': dg1, 'b1': db1, 'W': a.T @ dt, 'g2': dg2, 'b2': db2}
    grads['x'] = dx + dh
    return 0.5 * np.sum((out - y) ** 2), grads

def make():
    r = np.random.default_rng(0)
    p = {'g1': r.normal(size=4), 'b1': r.normal(size=4), 'W': r.normal(size=(4, 4))}
    p |= {'g2': r.normal(size=4), 'b2': r.normal(size=4), 'x': r.normal(size=(6, 4))}
    return p, r.normal(size=(6, 4))
"""
)

POOLS = """
import numpy as np

def f(p, x, y):
    c = x * p['k']
    a = np.where(c > 0, c, 0.1 * c)
    pooled = a.reshape(6, 4, 2).mean(axis=2)
    d = pooled @ p['W'] - y
    dpooled = d @ p['W'].T
    da = np.repeat(dpooled, 2, axis=1) / 2
    dc = da * np.where(c > 0, 1.0, 0.1)
    grads = {'k': (x * dc).sum(0), 'W': pooled.T @ d}
    return 0.5 * np.sum(d ** 2), grads

def make():
    r = np.random.default_rng(0)
    p = {'k': r.normal(size=8), 'W': r.normal(size=(4, 3))}
    return p, r.normal(size=(6, 8)), r.normal(size=(6, 3))
"""

HUBER = """
import numpy as np

def f(p, x, y):
    e = x @ p['w'] - y
    small = np.abs(e) <= 0.5
    loss = np.where(small, 0.5 * e ** 2, 0.5 * (np.abs(e) - 0.25)).mean()
    slope = np.where(small, e, 0.5 * np.sign(e))
    g = slope / e.size
    return loss, {'w': x.T @ g}

def make():
    r = np.random.default_rng(0)
    return {'w': r.normal(size=(4, 3))}, r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

SAMPLED = """
import numpy as np

def f(p, x, eps):
    h = np.tanh(x @ p['W'])
    mu, logvar = h @ p['V'] + p['c'], h @ p['S']
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    out = z @ p['U']
    loss = np.sum((out - x) ** 2) - 0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar))
    do = 2 * (out - x)
    dz = do @ p['U'].T
    dmu = dz + mu
    dlogvar = dz * eps * 0.5 * std + 0.5 * (np.exp(logvar) - 1)
    dh = dmu @ p['V'].T + dlogvar @ p['S'].T
    dh = dh * (1 - h ** 2)
    grads = {'W': x.T @ dh, 'V': h.T @ dmu, 'c': dmu.sum(axis=0)}
    return loss, grads | {'S': h.T @ dlogvar, 'U': z.T @ do}

def make():
    r = np.random.default_rng(0)
    p = {'W': r.normal(size=(4, 5)), 'V': r.normal(size=(5, 3)), 'c': r.normal(size=3)}
    p |= {'S': r.normal(size=(5, 3)), 'U': r.normal(size=(3, 4))}
    return p, r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

RECTIFIED = """
import numpy as np

def rectify_back(d, kept):
    z = kept
    return d * (z > 0)

def f(p, X, Y):
    u = X @ p['V']
    c = u - u.mean(axis=0)
    s = np.sqrt((c ** 2).mean(axis=0) + 1e-5)
    n = c / s
    z = p['g'] * n
    e = np.maximum(z, 0) @ p['W'] - Y
    dz = rectify_back(e @ p['W'].T, z)
    dn = dz * p['g']
    du = (dn - dn.mean(axis=0) - n * (dn * n).mean(axis=0)) / s
    g = {'V': X.T @ du, 'W': np.maximum(z, 0).T @ e, 'g': (dz * n).sum(axis=0)}
    return 0.5 * np.sum(e ** 2), g

def make():
    r = np.random.default_rng(0)
    p = {'V': r.normal(size=(4, 5)), 'W': r.normal(size=(5, 3)), 'g': np.ones(5)}
    return p, r.normal(size=(6, 4)), r.normal(size=(6, 3))
"""

BENT = """
import numpy as np

def bend(v):
    return np.where(v > 0, v, np.exp(np.minimum(v, 0)) - 1)

def bend_slope(v):
    return np.where(v > 0, 1.0, np.exp(np.minimum(v, 0)))

def f(p, x, y):
    v = p['V'] @ x
    h = bend(v)
    e = p['W'] @ h - y
    d = p['W'].T @ e * bend_slope(v)
    return 0.5 * np.sum(e ** 2), {'V': np.outer(d, x), 'W': np.outer(e, h)}

def make():
    r = np.random.default_rng(0)
    p = {'V': np.array([[-1.0, 0.2], [-0.5, -0.4]]), 'W': r.normal(size=(2, 2))}
    return p, np.array([0.5, 0.7]), r.normal(size=2)
"""

COUNTED = """
import math
import random

random.seed(5)
N = [2, 4, 3]
W = [[[random.gauss(0, 1) for _ in range(m)] for _ in range(n)] for m, n in zip(N, N[1:])]
b = [[random.gauss(0, 1) for _ in range(n)] for n in N[1:]]

def add_up(x, y, dW, db):
    a = [x]
    for l in range(2):
        z = [b[l][j] + sum(w * n for w, n in zip(W[l][j], a[l])) for j in range(N[l + 1])]
        a.append([math.tanh(n) for n in z])
    e = [(a[2][j] - y[j]) * (1 - a[2][j] ** 2) for j in range(3)]
    for l in (1, 0):
        for j in range(N[l + 1]):
            db[l][j] += e[j]
            for i in range(N[l]):
                dW[l][j][i] += e[j] * a[l][i]
        before = []
        for i in range(N[l] if l else 0):
            total = 0.0
            for j in range(N[l + 1]):
                total += W[l][j][i] * e[j]
            before.append(total * (1 - a[l][i] ** 2))
        e = before
    total = 0.0
    for p, q in zip(a[2], y):
        total += 0.5 * (p - q) ** 2
    return total

for turn in range(9):
    dW = [[[0.0] * m for _ in range(n)] for m, n in zip(N, N[1:])]
    db, loss = [[0.0] * n for n in N[1:]], 0.0
    for _ in range(2):
        x = [random.uniform(-1, 1), random.uniform(-1, 1)]
        loss += add_up(x, [x[0] * x[1], x[0], x[1] ** 2], dW, db)
    for l in range(2):
        for j in range(N[l + 1]):
            b[l][j] -= 0.1 * db[l][j]
            for i in range(N[l]):
                W[l][j][i] -= 0.1 * dW[l][j][i]
    print(loss)
"""

FAULTS = (
    (
        COUNTED,
        "        for i in range(N[l] if l else 0):\n            total = 0.0",
        "        total = 0.0\n        for i in range(N[l] if l else 0):",
        "has to begin with 0 after each use",
    ),
    (COUNTED, "e[j] * a[l][i]", "e[j] * a[l + 1][j]", "the gradients of W[0] and W[1]; b"),
    (BENT, "_slope(v)\n    return 0", "_slope(h)\n    return 0", "the derivative of `bend(v)`"),
    (RECTIFIED, "'].T, z)", "'].T, u)", "the first operand has to be `z` (line 13)"),
    (NORMALISED, "dxhat = dout * gamma", "dxhat = dout", "`dout` is ∂C/∂out (line 20)"),
    (RESIDUAL, "= dx + dh", "= dx", "`dh` (line 23) has to be added to `dx`"),
    (POOLS, "axis=1) / 2", "axis=1)", "has to be multiplied by 0.5"),
    (HUBER, "0.5 * np.sign(e))\n    g", "0.5 + 0 * e)\n    g", "has to give"),
    (SAMPLED, "dmu = dz + mu", "dmu = dz", "has to be added to `dz`"),
    (LEAKY, "(self.inp > 0", "(d > 0", "the first operand has to be `self.inp` (line 6)"),
    (
        CHARACTERS,
        "dh = V.T @ dy + dnext",
        "dh = V.T @ dy",
        "`dnext` has to be added to `V.T @ dy`",
    ),
    (TRANSLATOR, "dh = ds\n", "dh = np.zeros_like(ds)\n", "`ds` has to be added to"),
    (NORM, "inv ** 3", "inv ** 2", "in `inv ** 2`, the number 2 has to be 3"),
    (MADE_OF_NOISE, "z.T @ dpre", "fake.T @ dpre", "the first operand has to be `z`"),
    (HANDED, "= second.db", "= first.db", "this is the gradient of b1, and that of b2 is needed"),
    (
        OTHERS,
        "E[i, k] / (total[i] - E[i, y[i]])",
        "E[i, k] / total[i]",
        "`total[i]` has to be multiplied by `1 - P[i, y[i]]` (line 10)",
    ),
    (KEPT, "1 - np.exp(-h)", "1 / (1 + np.exp(-h))", "the first operand has to be `z` (line 12)"),
    (PULLS, "1.0, y + alpha)", "1.0, y)", "`np.where(x > 0, 1.0, y)` has to be the derivative of"),
    (VIEWS, "G = G / (2 * B)", "G = G / B", "in `G / B`, `B` (6 here) has to be multiplied by 2"),
    (GAUSSIAN, "(X @ W - y)", "(y - X @ W)", "the gradient of W; s is right"),
    (
        DILATED,
        "y, h, p['w2'], 2)",
        "y, h, p['w2'], 1)",
        "has to give one of the terms of ∂C/∂h (line 18)",
    ),
    (COURSE, " * sigmoid(z2) * (1 - sigmoid(z2))", "", "the derivative of `sigmoid(z2)`"),
    (COURSE, "d2.T.dot(a1) / m", "d2.T.dot(a1)", "has to be divided by `m` (line 14)"),
    (POOLED, "de += ds", "de = ds", "`de` (line 10) has to be added to"),
    (DECAYS, TWICE, APART, "`reg * p['W2']` is 0.5 times the derivative of the decay in the loss"),
    (ONE_UNIT, IN_ORDER, UPDATED_FIRST, "`W2` is used on line 20 after its update on line 19"),
    (NET, "(A2 - Y) * tanh_prime(Z2)", "(Y - A2) * tanh_prime(Z2)", "the other way round"),
    (NET, "(A2 - Y) * tanh", "(A2 - Y) * A2 * (1 - A2) * tanh", "`A2 * (1 - A2)` is too much"),
    (MARGINS, "np.zeros(W.shape)", "np.ones(W.shape)", "the number 1 has to be 0"),
    (MARGINS, "dW[:, y[i]] -= X[i]", "dW[:, y[i]] = -X[i]", "has to add (`+=`)"),
    (ATTENTION, "ds = ds / np.sqrt(d)", "ds = ds / d", "d has to be np.sqrt(d)"),
    (SOFTMAX, "d.sum(axis=0)", "np.abs(d.mean(axis=0))", "has to become ∂C/∂b"),
    (SOFTMAX, "np.sum(E, axis=1, keepdims=True)", "np.sum(E)", "has to be along axis 1, and is"),
    (SOFTMAX, "np.sum(E, axis=1, keepdims=True)", "sum(E)", "has to be 1"),
    (NET, "dW2 = A1.T @ dZ2", "dW2 = Z1.T @ dZ2", "the first operand has to be `A1`"),
    (NET, "* (Z1 > 0)", "* (A1 > 1)", "`A1 > 1`"),
    (NET, "* (Z1 > 0)", "* relu(Z1)", "the value of `relu(Z1)` (line 15) stands here"),
    (ENCODER, "dmu = dz + mu", "dmu = dz", "`dz` is only a part of ∂C/∂mu (line 7)"),
    (LAYERS, "return grad * self.mask", "return grad", "`grad` is ∂C/∂(x * self.mask)"),
    (ONE_UNIT, "1 - np.tanh(x) ** 2", "1 - x ** 2", "in `x ** 2`, the first operand has to be"),
)


def said(source: str, folder: Path) -> tuple[list[int | None], str]:
    """The lines to blame, the first to be read first, and the report."""
    if "def f(" in source:
        program = module(source, folder)
        params, *data = program.make()
        report = conformance.check_backward(program.f, params, *data)
        return [each.line for each in report.blames], str(report)
    path = folder / "program.py"
    path.write_text(source, encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):
        script = run_script(str(path))
    return [line.line for each in script.examined.accused for line in each.lines], str(script)


@pytest.mark.parametrize(
    "source",
    [
        NET,
        ENCODER,
        LAYERS,
        ONE_UNIT,
        SOFTMAX,
        MARGINS,
        ATTENTION,
        DECAYS,
        COURSE,
        POOLED,
        DILATED,
        GAUSSIAN,
        PULLS,
        VIEWS,
        KEPT,
        OTHERS,
        HANDED,
        CHARACTERS,
        TRANSLATOR,
        NORM,
        MADE_OF_NOISE,
        LEAKY,
        NORMALISED,
        SAMPLED,
        RESIDUAL,
        POOLS,
        HUBER,
        COUNTED,
    ],
    ids=range(28),
)
def test_what_is_right_is_right(source: str, tmp_path: Path) -> None:
    lines, report = said(source, tmp_path)
    assert not lines, report


@pytest.mark.parametrize(("source", "old", "new", "words"), FAULTS, ids=[e[3] for e in FAULTS])
def test_the_wrong_line_is_first(
    source: str, old: str, new: str, words: str, tmp_path: Path
) -> None:
    assert source.count(old) == 1
    lines, report = said(source.replace(old, new), tmp_path)
    assert lines[0] == source[: source.index(old)].count("\n") + 1, report
    assert words in report
    assert "a convention" not in report


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("p - y", "in `p - y`, the operands have to be the other way round"),
        ("1 - h ** 2", "`1 - h ** 2` has to be multiplied by -1"),
        ("v -= dv", "in `v -= dv`, `-=` has to be `+=`"),
    ],
)
def test_what_is_subtracted_the_wrong_way_is_told_as_people_mend_it(
    operation: str, words: str
) -> None:
    assert why(Cause("changed", changed=Changed("order", "", "", operation))) == words


def test_a_number_of_the_wrong_sign_is_told_as_that_of_the_operation() -> None:
    changed = Changed("constant", "24", "-24", "(mu - y).sum() / r.size", Named("r.size", None))
    assert why(Cause("changed", changed=changed)) == (
        "`(mu - y).sum() / r.size` has to be multiplied by -1"
    )


SLOPES_OF_ONE = """import numpy as np
X, T = np.array([[1.0], [1.5], [2.0]]), np.array([[1.0], [3.0], [2.0]])
U, a = np.array([[1.0], [-2.0], [0.5]]), np.zeros((3, 1))
W, b = np.array([[1.0, 2.0, 0.5], [-1.0, 0.5, -1.0], [0.5, 1.0, 1.0]]), np.zeros((3, 1))
V, c = np.array([[0.5, 1.0, -1.5]]), np.zeros((1, 1))
for epoch in range(20):
    S = U @ X.T + a
    R = np.maximum(0, S)
    Z = W @ R + b
    A = np.maximum(0, Z)
    y = V @ A + c
    loss = np.mean((y - T.T) ** 2)
    dy = 2 * (y - T.T) / len(X)
    turned = V.T
    dZ = (turned @ dy) * np.ones_like(Z)
    dS = (W.T @ dZ) * np.ones_like(S)
    U, a = U - 0.01 * dS @ X, a - 0.01 * dS.sum(axis=1, keepdims=True)
    W, b = W - 0.01 * dZ @ R.T, b - 0.01 * dZ.sum(axis=1, keepdims=True)
    V, c = V - 0.01 * dy @ A.T, c - 0.01 * dy.sum(axis=1, keepdims=True)
"""


def test_a_parameter_that_is_turned_is_not_blamed_for_a_slope(tmp_path: Path) -> None:
    lines, text = said(SLOPES_OF_ONE, tmp_path)
    told = [SLOPES_OF_ONE.splitlines()[int(each or 0) - 1].strip()[:2] for each in lines]
    assert told == ["dZ", "dS"], text


VIEW = """import numpy as np
rng = np.random.default_rng(2)
P, Q = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
for i, j, r in [(0, 1, 1.0), (2, 3, 0.5), (0, 2, -1.0), (1, 1, 2.0)] * 5:
    p = P[i]
    q = Q[j]
    error = p @ q - r
    loss = error**2 / 2
    P[i] -= 0.1 * error * q
    Q[j] -= 0.1 * error * p
"""


def test_a_row_that_was_changed_is_told_as_such(tmp_path: Path) -> None:
    _, text = said(VIEW, tmp_path)
    assert "has to be `p` (line 5), as it was there: it was changed later" in text, text


POOLED_BY_RESHAPE = """import numpy as np
rng = np.random.default_rng(4)
X, Y = rng.normal(size=(5, 6)), rng.normal(size=(5, 2))
W, V = rng.normal(size=(6, 4, 4)), rng.normal(size=(4, 2))
for i in range(20):
    z = np.tensordot(X, W, 1)
    a = np.maximum(z, 0)
    p = a.reshape(5, 2, 2, 2, 2).mean(axis=(2, 4)).reshape(5, 4)
    loss = np.sum((p @ V - Y) ** 2) / 2
    dp = (p @ V - Y) @ V.T
    dV = p.T @ (p @ V - Y)
    da = dp.reshape(5, 2, 2).repeat(2, axis=1).repeat(2, axis=2)
    dz = da * (z > 0)
    W -= 0.01 * np.tensordot(X.T, dz, 1)
    V -= 0.01 * dV
"""


def test_a_mean_that_is_spread_without_its_share_is_told_where_it_is(tmp_path: Path) -> None:
    lines, text = said(POOLED_BY_RESHAPE, tmp_path)
    assert lines[0] == 12, text
    assert (
        said(POOLED_BY_RESHAPE.replace("axis=2)\n    dz", "axis=2) / 4\n    dz"), tmp_path)[0] == []
    )


FLAT = """import math
n = [2, 3, 3, 1]
w = [[], [0.5, -0.4, 0.3, 0.8, -0.7, 0.2], [0.1, 0.6, -0.5, 0.9, -0.2, 0.4, 0.7, -0.3, 0.35], []]
w[3] = [0.8, -0.6, 0.45]
out, err = [[0.0] * k for k in n], [[0.0] * k for k in n]
for x, y in 3 * [([0.3, -1.2], 0.4), ([1.1, 0.6], -0.7)]:
    out[0] = x
    for k in (1, 2, 3):
        for i in range(n[k]):
            acc = 0.0
            for j in range(n[k - 1]):
                acc += w[k][i * n[k - 1] + j] * out[k - 1][j]
            out[k][i] = math.tanh(acc)
    loss = 0.5 * (out[3][0] - y) ** 2
    err[3][0] = (out[3][0] - y) * (1.0 - out[3][0] ** 2)
    for k in (2, 1):
        for j in range(n[k]):
            acc = 0.0
            for i in range(n[k + 1]):
                acc += err[k + 1][i] * w[k + 1][j * n[k + 1] + i]
            err[k][j] = acc * (1.0 - out[k][j] ** 2)
    for k in (1, 2, 3):
        for i in range(n[k]):
            for j in range(n[k - 1]):
                w[k][i * n[k - 1] + j] -= 0.1 * err[k][i] * out[k - 1][j]
"""


def test_what_would_have_to_be_several_numbers_is_not_to_blame(tmp_path: Path) -> None:
    lines, text = said(FLAT, tmp_path)
    assert lines[0] == 20, text
    right = FLAT.replace("j * n[k + 1] + i]", "i * n[k] + j]")
    assert said(right, tmp_path)[0] == []


MAXOUT = """import numpy as np
rng = np.random.default_rng(1)
X, y = rng.normal(size=(9, 4)), rng.normal(size=9)
W, v = rng.normal(size=(4, 6)), rng.normal(size=3)
for step in range(4):
    z = X @ W
    a = np.clip(z, -2, 2)
    pieces = a.reshape(9, 3, 2)
    h = pieces.max(axis=2)
    d = (h @ v - y) / 9
    loss = 4.5 * np.sum(d ** 2)
    win = pieces.argmax(axis=2)
    dz = np.zeros((9, 6))
    for n in range(9):
        for k in range(3):
            dz[n, 2 * k + win[n, k]] = d[n] * v[k]
    dz[np.abs(z) > 2] = 0
    W -= 0.1 * X.T @ dz
    v -= 0.1 * h.T @ d
"""
WRITTEN = [(" + win[n, k]", "", 16), ("(z) > 2", "(z) < 2", 17)]


@pytest.mark.parametrize(("old", "new", "line"), WRITTEN)
def test_values_in_wrong_places_are_told_where_they_are_written_and_not_where_zeros_are(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    lines, text = said(MAXOUT.replace(old, new), tmp_path)
    assert lines[0] == line, text


WORDS = """import numpy as np


def pair(c, o, noise, O):
    grads = np.zeros(O.shape)
    u = O[o]
    p = 1 / (1 + np.exp(-u @ c))
    loss = -np.log(p)
    grad = (p - 1) * u
    grads[o] += (p - 1) * c
    for k in noise:
        q = 1 / (1 + np.exp(-O[k] @ c))
        loss += -np.log(1 - q)
        grad = grad + q * O[k]
        grads[k] += q * c
    return loss, grad, grads


class Words:
    def __init__(self, n_words, dim, seed=0):
        self.rng = np.random.RandomState(seed)
        self.n_words = n_words
        self.C, self.O = self.rng.rand(n_words, dim), self.rng.rand(n_words, dim)

    def train(self, ids, epochs=8, lr=0.3):
        for _ in range(epochs):
            for i, c in enumerate(ids[1:], 1):
                loss, gc, go = 0.0, np.zeros(self.C.shape), np.zeros(self.O.shape)
                for o in ids[i - 1:i] + ids[i + 1:i + 2]:
                    noise = self.rng.randint(self.n_words, size=2)
                    more, grad, grads = pair(self.C[c], o, noise, self.O)
                    loss += more
                    gc[c] += grad
                    go += grads
                self.C -= lr * gc
                self.O -= lr * go
"""


@pytest.mark.seldom
def test_a_term_that_is_left_out_of_one_part_of_a_sum_is_told_where_that_is_made(
    tmp_path: Path,
) -> None:
    file = tmp_path / "words.py"
    file.write_text(WORDS.replace("(p - 1) * u\n", "p * u\n"), encoding="utf-8")
    (blame,) = check_file(Asked(str(file)), check).blames
    assert blame.line == 9, str(blame)
    file.write_text(WORDS, encoding="utf-8")
    assert check_file(Asked(str(file)), check).exit_code == 0


def test_the_losses_of_the_parts_of_a_step_are_added_where_the_program_adds_gradients_alone(
    tmp_path: Path,
) -> None:
    unread = WORDS.replace("more, grad, grads", "_, grad, grads").replace("loss += more", "pass")
    trained = f"{unread}\n\nWords(6, 4).train([0, 3, 1, 2, 4, 1, 3, 5])\n"
    assert said(trained, tmp_path)[0] == []
    lines, text = said(trained.replace("(p - 1) * u\n", "p * u\n"), tmp_path)
    assert lines[0] == 9, text


@pytest.mark.seldom
def test_the_loss_of_one_part_of_a_step_alone_accuses_nobody(tmp_path: Path) -> None:
    file = tmp_path / "words.py"
    unread = WORDS.replace("more, grad, grads", "_, grad, grads").replace("loss += more", "pass")
    file.write_text(unread, encoding="utf-8")
    with pytest.raises(SubjectError):
        check_file(Asked(str(file)), check)


GATED = """import numpy as np

rng = np.random.default_rng(3)
W = 0.5 * rng.normal(size=(6, 8))

def forward(xs):
    c, h, kept, outs = np.zeros((5, 4)), np.zeros((5, 4)), [], []
    for x in xs:
        both = np.concatenate([x, h], axis=1)
        a = both @ W
        f, g = 1 / (1 + np.exp(-a[:, :4])), np.tanh(a[:, 4:])
        old = c
        c = f * old + g
        h = np.tanh(c)
        kept.append((both, f, g, old, h))
        outs.append(h)
    return outs, kept

def backward(errors, kept):
    dW, later = np.zeros_like(W), np.zeros_like(errors[0])
    dh_later = later
    for (both, f, g, old, h), e in zip(kept[::-1], errors[::-1]):
        dc = (e + dh_later) * (1 - h ** 2) + later
        df = later * old
        da = np.concatenate([df * f * (1 - f), dc * (1 - g ** 2)], axis=1)
        dW += both.T @ da
        dh_later = (da @ W.T)[:, 2:]
        later = dc * f
    return dW

for step in range(3):
    xs = rng.normal(size=(3, 5, 2))
    outs, kept = forward(xs)
    errors = [out - x.sum(axis=1, keepdims=True) for out, x in zip(outs, xs)]
    loss = sum(0.5 * np.sum(e ** 2) for e in errors)
    W -= 0.01 * backward(errors, kept)
"""


def test_what_a_loop_carries_on_begins_right_where_a_round_takes_it_for_something_else(
    tmp_path: Path,
) -> None:
    lines, text = said(GATED, tmp_path)
    assert lines[:1] == [GATED[: GATED.index("df =")].count("\n") + 1], text
    assert said(GATED.replace("df = later", "df = dc"), tmp_path)[0] == []


RESET = """import numpy as np

rng = np.random.default_rng(6)
A, R, U = (0.6 * rng.normal(size=shape) for shape in ((2, 4), (2, 4), (4, 4)))
for turn in range(20):
    xs, h, seen = rng.normal(size=(3, 7, 2)), np.zeros((7, 4)), []
    for x in xs:
        r = 1 / (1 + np.exp(-x @ R))
        new = np.tanh(x @ A + (r * h) @ U)
        seen.append((x, h, r, new))
        h = 0.5 * h + new
    e = h - xs.sum()
    loss = 0.5 * np.sum(e ** 2)
    dA, dR, dU = np.zeros_like(A), np.zeros_like(R), np.zeros_like(U)
    for x, h, r, new in seen[::-1]:
        dnew = e * (1 - new ** 2)
        dA += x.T @ dnew
        dU += (r * h).T @ dnew
        drh = dnew @ U.T
        dR += x.T @ (drh * h * r * (1 - r))
        e = 0.5 * e
        e += drh * r
    A, R, U = A - 0.01 * dA, R - 0.01 * dR, U - 0.01 * dU
"""


def test_a_term_that_lacks_the_derivative_of_a_gate_is_told_where_it_is_added(
    tmp_path: Path,
) -> None:
    assert said(RESET, tmp_path)[0] == []
    lines, text = said(RESET.replace("e += drh * r", "e += drh"), tmp_path)
    assert lines[:1] == [RESET[: RESET.index("e += drh")].count("\n") + 1], text
    assert "the derivative of `r * h` (line 9) is missing" in text
