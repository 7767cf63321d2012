"""The change of one line that makes a program of any shape right is told, with its line."""

import ast
import os
import re
import signal
from html import unescape
from pathlib import Path

import pytest

import conformance
from conformance import file_judging
from conformance.tests.parts import in_ci

RETURNS = """import numpy as np

def soft(z):
    return np.log1p(np.exp(z))

class Drop:
    def __init__(self, n_in, n_hidden, n_out):
        self.w1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.w2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)

    def forward(self, x):
        self.z = x @ self.w1 + self.b1
        self.h = soft(self.z)
        return self.h @ self.w2 + self.b2

    def loss(self, x, t):
        return 0.5 * np.sum((self.forward(x) - t) ** 2)

    def backprop(self, x, t):
        d = self.forward(x) - t
        dh = d @ self.w2.T
        dz = dh / (1 + np.exp(-self.z))
        return {"w1": x.T @ dz, "b1": dz.sum(0), "w2": self.h.T @ d, "b2": d.sum(0)}
"""
MOVES = RETURNS.replace(
    '        return {"w1": x.T @ dz, "b1": dz.sum(0), "w2": self.h.T @ d, "b2": d.sum(0)}\n',
    """        for p, g in zip(self.parts(), (x.T @ dz, dz.sum(0), self.h.T @ d, d.sum(0))):
            p -= 0.1 * g

    def parts(self):
        return self.w1, self.b1, self.w2, self.b2
""",
).replace("def backprop", "def train")

ONE_OUTPUT = """import numpy as np

class Line:
    def __init__(self, n_in):
        self.w, self.b = np.random.randn(n_in), 0.0

    def gradients(self, x, t):
        e = x @ self.w + self.b - t
        return 0.5 * np.mean(e**2), {"w": x.T @ e / len(x), "b": np.mean(e)}
"""

OWN_CALL = """import numpy as np

def value_and_grads(params, X, y):
    w, b = params
    e = X @ w + b - y
    return 0.5 * np.mean(e**2), (X.T @ e / len(X), np.mean(e))

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    params, X, y = [np.zeros(3), 0.0], rng.normal(size=(20, 3)), rng.normal(size=20)
    for _ in range(100):
        loss, grads = value_and_grads(params, X, y)
        params = [p - 0.1 * g for p, g in zip(params, grads)]
"""
HELPER = """import numpy as np

def huber(r, delta):
    return np.where(np.abs(r) <= delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta))

def huber_slope(r, delta):
    return np.clip(r, -delta, delta)

def objective(params, X, y, delta=1.0, ridge=0.01):
    w, b = params["w"], params["b"]
    r = X @ w + b - y
    n = y.shape[0]
    value = huber(r, delta).sum() / n + 0.5 * ridge * (w @ w)
    g = huber_slope(r, delta) / n
    return value, {"w": X.T @ g + ridge * w, "b": g.sum()}

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    params, X, y = {"w": np.zeros(3), "b": 0.0}, rng.normal(size=(20, 3)), rng.normal(size=20)
    for _ in range(100):
        _, g = objective(params, X, y)
        params = {k: v - 0.2 * g[k] for k, v in params.items()}
"""
KERNEL = """import numpy as np

def loss_and_grads(p, x, y):
    steps = x.shape[2] - p["w"].shape[2] + 1
    parts = [x[:, :, t : t + 2] for t in range(steps)]
    z = np.stack([np.einsum("fck,nck->nf", p["w"], each) for each in parts], axis=2)
    e = (z + p["b"][:, None]).mean(axis=2) - y
    dz = np.repeat(e[:, :, None], steps, axis=2) / steps / len(x)
    g = {"w": np.zeros_like(p["w"]), "b": dz.sum(axis=(0, 2))}
    for t in range(steps):
        g['w'] += np.einsum('nf,nck->fck', dz[:, :, t], parts[t])
    return 0.5 * np.sum(e**2) / len(x), g

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    p = {"w": rng.normal(size=(3, 2, 2)), "b": np.zeros(3)}
    x, y = rng.normal(size=(4, 2, 6)), rng.normal(size=(4, 3))
    for _ in range(100):
        _, g = loss_and_grads(p, x, y)
        p = {k: v - 0.1 * g[k] for k, v in p.items()}
"""
HEADS = """import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

class Attention:
    def __init__(self, width, seed=0):
        rng = np.random.default_rng(seed)
        self.Wq, self.Wk, self.Wv = (rng.normal(size=(width, width)) for _ in range(3))

    def forward(self, x):
        self.x = x
        self.q, self.k, self.v = x @ self.Wq, x @ self.Wk, x @ self.Wv
        self.att = softmax(self.q @ self.k.swapaxes(-1, -2) / np.sqrt(x.shape[-1]))
        return self.att @ self.v

    def backward(self, dout):
        width = dout.shape[-1]
        datt = dout @ self.v.swapaxes(-1, -2)
        dv = self.att.swapaxes(-1, -2) @ dout
        ds = self.att * (datt - (datt * self.att).sum(-1, keepdims=True))
        ds = ds / np.sqrt(width)
        dq, dk = ds @ self.k, ds.swapaxes(-1, -2) @ self.q
        rows = self.x.reshape(-1, width)
        self.dWq = rows.T @ dq.reshape(-1, width)
        self.dWk = rows.T @ dk.reshape(-1, width)
        self.dWv = rows.T @ dv.reshape(-1, width)
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T
"""
DEAD = """import numpy as np

class Net:
    def __init__(self, d, h, c, seed=0):
        rng = np.random.default_rng(seed)
        self.W1, self.b1 = rng.normal(size=(d, h)), np.zeros(h)
        self.gamma, self.beta = np.ones(h), np.zeros(h)
        self.W2, self.b2 = rng.normal(size=(h, c)), np.zeros(c)

    def forward(self, X):
        self.X = X
        z = X @ self.W1 + self.b1
        self.std = np.sqrt(z.var(0) + 1e-5)
        self.xn = (z - z.mean(0)) / self.std
        self.a = np.tanh(self.gamma * self.xn + self.beta)
        e = np.exp(self.a @ self.W2 + self.b2)
        self.p = e / e.sum(1, keepdims=True)
        return self.p

    def loss(self, X, y):
        return -np.mean(np.log(self.forward(X)[np.arange(len(y)), y]))

    def backward(self, y):
        n = len(y)
        dz2 = (self.p - np.eye(self.p.shape[1])[y]) / n
        da = dz2 @ self.W2.T
        dy = da * (1 - self.a**2)
        dxn = dy * self.gamma
        dz = (n * dxn - dxn.sum(0) - self.xn * (dxn * self.xn).sum(0)) / (n * self.std)
        return {
            "W1": self.X.T @ dz, "b1": dz.sum(0), "gamma": (dy * self.xn).sum(0),
            "beta": dy.sum(0), "W2": self.a.T @ dz2, "b2": dz2.sum(0),
        }
"""
PAIR = """import numpy as np

def info_nce_loss(queries, keys, temperature=0.2):
    n = len(queries)
    s = queries @ keys.T / temperature
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(np.diag(p)))
    d = (p - np.eye(n)) / n / temperature
    return loss, (d @ keys, d.T @ queries)
"""
LOSS = """import numpy as np

def focal_loss(logits, targets, gamma=2.0):
    p = 1 / (1 + np.exp(-logits))
    pt = np.where(targets == 1, p, 1 - p)
    loss = np.mean(-((1 - pt) ** gamma) * np.log(pt))
    dpt = gamma * (1 - pt) ** (gamma - 1) * np.log(pt) - (1 - pt) ** gamma / pt
    dp = np.where(targets == 1, dpt, -dpt)
    return loss, dp * p * (1 - p) / logits.size
"""
VALUES = """import numpy as np

class Var:
    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = data, 0.0, parents
        self.step = lambda: None

    def __add__(self, o):
        out = Var(self.data + o.data, (self, o))
        def step():
            self.grad += out.grad
            o.grad += out.grad
        out.step = step
        return out

    def __mul__(self, o):
        out = Var(self.data * o.data, (self, o))
        def step():
            self.grad += o.data * out.grad
            o.grad += self.data * out.grad
        out.step = step
        return out

    def backward(self):
        order, seen = [], set()
        def visit(v):
            if v not in seen:
                seen.add(v)
                for p in v.parents:
                    visit(p)
                order.append(v)
        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v.step()
"""
SLOPE = """import numpy as np

def tanh(x):
    return np.tanh(x)

def tanh_prime(x):
    return 1 - np.tanh(x) ** 2
"""
CALLED = """import numpy as np

def logistic(v):
    return 1 / (1 + np.exp(-v))

def steepness(v):
    out = logistic(v)
    return out * (1 - out)

class Columns:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.V = np.random.randn(n_hidden, n_in), np.random.randn(n_out, n_hidden)

    def forward(self, X):
        self.X, self.u = X, self.W @ X
        self.h = logistic(self.u)
        return logistic(self.V @ self.h)

    def cost(self, P, Y):
        data = -np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P)) / Y.shape[1]
        return data + 0.05 * np.sum(self.V ** 2)

    def backward(self, P, Y):
        h = self.h
        count = Y.shape[1]
        d = (P - Y) / count
        dh = self.V.T @ d
        du = dh * steepness(self.u)
        return {"V": d @ h.T + 0.1 * self.V, "W": du @ self.X.T}
"""
MASKED = """import numpy as np

def steepness(v):
    return 1 - np.tanh(v) ** 2

class Dropping:
    def __init__(self, sizes):
        self.W = [np.random.randn(n, m) for m, n in zip(sizes[:-1], sizes[1:])]
        self.keep = [(np.random.rand(n, 1) < 0.7) / 0.7 for n in sizes[1:-1]]

    def forward(self, X):
        values, sums = [X], []
        for W, keep in zip(self.W, self.keep):
            v = W @ values[-1]
            sums.append(v)
            values.append(np.tanh(v) * keep)
        return self.W[-1] @ values[-1], sums, values

    def cost(self, X, Y):
        return 0.5 * np.sum((self.forward(X)[0] - Y) ** 2) / Y.shape[1]

    def backward(self, X, Y):
        out, sums, values = self.forward(X)
        d = (out - Y) / Y.shape[1]
        grads = [d @ values[-1].T]
        for i in range(len(self.keep) - 1, -1, -1):
            d = self.W[i + 1].T @ d * self.keep[i]
            d = d * steepness(sums[i])
            grads.insert(0, d @ values[i].T)
        return grads
"""
TABLE = """import numpy as np

SLOPE = {
    "tanh": lambda v, a: 1 - a * a,
    "softsign": lambda v, a: (1 - abs(a)) ** 2,
}

class Net:
    def __init__(self, n_in, n_hidden, n_out, activation="softsign"):
        self.W, self.V = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)
        self.activation = activation

    def forward(self, X):
        self.X, self.v = X, X @ self.W
        if self.activation == "tanh":
            self.a = np.tanh(self.v)
        else:
            self.a = self.v / (1 + abs(self.v))
        return self.a @ self.V

    def loss(self, X, Y):
        return 0.5 * np.sum((self.forward(X) - Y) ** 2)

    def backward(self, X, Y):
        e = self.forward(X) - Y
        d = (e @ self.V.T) * SLOPE[self.activation](self.v, self.a)
        return {"W": X.T @ d, "V": self.a.T @ e}
"""
SAMPLES = """import math
import random

class Net:
    def __init__(self, n_in, n_hidden):
        self.w = [[random.uniform(-1, 1) for _ in range(n_in)] for _ in range(n_hidden)]
        self.v = [random.uniform(-1, 1) for _ in range(n_hidden)]

    def forward(self, x):
        self.h = [math.tanh(sum(w * i for w, i in zip(row, x))) for row in self.w]
        return sum(v * h for v, h in zip(self.v, self.h))

    def train(self, xs, ys, lr=0.1, epochs=5):
        for _ in range(epochs):
            for x, y in zip(xs, ys):
                e = self.forward(x) - y
                for j in range(len(self.v)):
                    d = e * self.v[j] * (1 - self.h[j] ** 2)
                    self.v[j] -= lr * e * self.h[j]
                    for i in range(len(x)):
                        self.w[j][i] -= lr * d * x[i]
"""
MOMENTUM = """import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.V = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)
        self.mW, self.mV = np.zeros_like(self.W), np.zeros_like(self.V)

    def forward(self, X):
        self.h = np.tanh(X @ self.W)
        return self.h @ self.V

    def loss(self, X, Y):
        return 0.5 * np.mean((self.forward(X) - Y) ** 2)

    def train(self, X, Y, lr=0.1, mu=0.9):
        e = (self.forward(X) - Y) / Y.size
        d = (e @ self.V.T) * (1 - self.h**2)
        self.mW = mu * self.mW - lr * (X.T @ d)
        self.mV = mu * self.mV - lr * (self.h.T @ e)
        self.W += self.mW
        self.V += self.mV
"""
CACHES = """import numpy as np

def initialize_parameters(n_x, n_h, n_y):
    return {"W": np.random.randn(n_h, n_x) * 0.1, "b": np.zeros((n_h, 1)),
            "V": np.random.randn(n_y, n_h) * 0.1, "c": np.zeros((n_y, 1))}

def forward(X, parameters):
    W, b, V, c = (parameters[k] for k in ("W", "b", "V", "c"))
    Z = np.dot(W, X) + b
    A = np.maximum(0, Z)
    return np.dot(V, A) + c, [(X, W, b, Z), (A, V, c)]

def cost(out, Y):
    return np.sum((out - Y) ** 2) / (2 * Y.shape[1])

def backward(out, Y, caches):
    (X, W, b, Z), (A, V, c) = caches
    m = Y.shape[1]
    dout = (out - Y) / m
    dZ = np.dot(V.T, dout)
    dZ[Z <= 0] = 0
    grads = {"dV": np.dot(dout, A.T), "dc": np.sum(dout, axis=1, keepdims=True)}
    grads.update(dW=np.dot(dZ, X.T), db=np.sum(dZ, axis=1, keepdims=True))
    return grads

def update_parameters(parameters, grads, rate):
    for name in ("W", "b", "V", "c"):
        parameters[name] -= rate * grads["d" + name]
    return parameters
"""
SETTING = """import numpy as np

def smooth_l1_loss(pred, target, delta=0.5):
    r = pred - target
    small = np.abs(r) < delta
    loss = np.sum(np.where(small, r ** 2 / 2 / delta, np.abs(r) - delta / 2))
    grad = np.where(small, r / delta, np.sign(r))
    return loss, grad
"""
TIED = """import numpy as np

class TiedAutoencoder:
    def __init__(self, n, k, lam=0.3):
        self.W, self.lam = np.random.randn(n, k) * 0.3, lam
        self.b, self.c = np.zeros(k), np.zeros(n)

    def forward(self, X):
        self.H = np.tanh(X @ self.W + self.b)
        return self.H @ self.W.T + self.c

    def loss(self, X):
        R = self.forward(X) - X
        return 0.5 * np.sum(R * R) / len(X) + 0.5 * self.lam * np.sum(self.W ** 2)

    def gradients(self, X):
        dR = (self.forward(X) - X) / len(X)
        dA = (dR @ self.W) * (1 - self.H ** 2)
        dW = X.T @ dA + dR.T @ self.H + self.lam * self.W
        return {"W": dW, "b": dA.sum(0), "c": dR.sum(0)}
"""
VELOCITIES = """import numpy as np

def update_with_momentum(parameters, grads, v, beta=0.8, rate=0.1):
    for l in (1, 2):
        v[f"dW{l}"] = beta * v[f"dW{l}"] + grads[f"dW{l}"] * (1 - beta)
        v[f"db{l}"] = beta * v[f"db{l}"] + (1 - beta) * grads[f"db{l}"]
        parameters[f"W{l}"] -= rate * v[f"dW{l}"]
        parameters[f"b{l}"] -= rate * v[f"db{l}"]
    return parameters, v
"""
PARABOLA = """def model(x, a, b, c):
    return a * x ** 2 + b * x + c


def mse(x, y, a, b, c):
    return sum((model(p, a, b, c) - q) ** 2 for p, q in zip(x, y)) / len(x)


def update(x, y, a, b, c, lr=0.1):
    errors = [2 * (model(p, a, b, c) - q) / len(x) for p, q in zip(x, y)]
    da = sum(e * p ** 2 for e, p in zip(errors, x))
    db = sum(e * p for e, p in zip(errors, x))
    dc = sum(e for e, p in zip(errors, x))
    return a - lr * da, b - lr * db, c - lr * dc
"""
UPDATES = {
    "by a function": (VELOCITIES, " * (1 - beta)\n", "\n"),
    "of a function that gives new parameters": (PARABOLA, "a - lr * da", "a + lr * da"),
}
DROPS = """import numpy as np

class Dense:
    def __init__(self, n, m):
        self.W = np.random.randn(n, m)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, grad):
        self.dW = self.x.T @ grad
        return grad @ self.W.T

class Leaky:
    def forward(self, x):
        self.neg = x < 0
        return np.where(self.neg, 0.1 * x, x)

    def backward(self, grad):
        return np.where(self.neg, 0.1, 1.0) * grad

class Dropout:
    def forward(self, x):
        self.mask = (np.random.rand(*x.shape) < 0.7) / 0.7
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.layers = [Dense(n_in, n_hidden), Leaky(), Dropout(), Dense(n_hidden, n_out)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss(self, x, y):
        self.error = self.forward(x) - y
        return 0.5 * np.sum(self.error**2) / len(x)

    def backward(self):
        grad = self.error / len(self.error)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad
"""

DEEP = """import numpy as np

def gelu(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))

def slope(x):
    t = np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))
    dt = (1 - t**2) * 0.7978845608028654 * (1 + 3 * 0.044715 * x**2)
    return 0.5 * (1 + t) + 0.5 * x * dt

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W = [np.random.randn(n, m) for n, m in ((n_in, n_hidden), (n_hidden, n_hidden))]
        self.V = np.random.randn(n_hidden, n_out)

    def forward(self, x):
        self.z, self.h = [], [x]
        for W in self.W:
            self.z.append(self.h[-1] @ W)
            self.h.append(gelu(self.z[-1]))
        return self.h[-1] @ self.V

    def backward(self, x, t):
        d = 2 * (self.forward(x) - t) / t.size
        dV = self.h[-1].T @ d
        d = d @ self.V.T
        dW = [None, None]
        for i in (1, 0):
            d = d * slope(self.z[i])
            dW[i] = self.h[i].T @ d
            d = d @ self.W[i].T
        return dW, dV
"""

KEEPS = """import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W, self.V = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)

    def forward(self, x):
        z = x @ self.W
        h = np.tanh(z)
        self.last = h
        return h @ self.V

    def backward(self, x, t):
        d = (self.forward(x) - t) / len(x)
        dV = self.last.T @ d
        dh = d @ self.V.T
        return x.T @ (dh * (1 - np.tanh(x @ self.W) ** 2)), dV
"""

HEAD = """import numpy as np

class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        return -np.sum(t * np.log(self.y + 1e-9)) / t.shape[0]

    def backward(self, dout=1):
        return dout * (self.y - self.t) / len(self.y)
"""

ONE_SAMPLE = """import numpy as np

class Regressor:
    def __init__(self, n_in, n_hidden, n_out, lr=0.1):
        self.U = np.random.normal(0.0, 0.5, (n_hidden, n_in))
        self.V = np.random.normal(0.0, 0.5, (n_out, n_hidden))
        self.lr = lr

    def predict(self, sample):
        x = np.array(sample, ndmin=2).T
        self.h = np.tanh(self.U @ x)
        return self.V @ self.h

    def train(self, sample, wanted):
        x = np.array(sample, ndmin=2).T
        out = self.predict(sample)
        err = np.array(wanted, ndmin=2).T - out
        back = self.V.T @ err
        self.V += self.lr * (err * self.h).T
        self.U += self.lr * (back * (1 - self.h**2)) * x.T
"""
NO_ROLE = """import numpy as np

class Wangluo:
    def __init__(self, shuru, yincang, shuchu):
        self.w, self.v = np.random.randn(shuru, yincang), np.random.randn(yincang, shuchu)

    def qianxiang(self, x):
        self.h = np.tanh(x @ self.w)
        return self.h @ self.v

    def xunlian(self, x, y, cishu=300):
        jilu = []
        for _ in range(cishu):
            d = (self.qianxiang(x) - y) / len(x)
            jilu.append(0.5 * len(x) * (d**2).sum())
            dw = x.T @ (d @ self.v.T * (1 - self.h**2))
            self.v -= 0.1 * self.h.T @ d
            self.w -= 0.1 * dw
        return jilu
"""
SANDWICH = """import numpy as np

def linear(t, K):
    return t @ K, (t, K)

def linear_back(g, memo):
    t, K = memo
    gt = g @ K.T
    return gt, t.T @ g

def rectify_back(g, t):
    return g * (t > 0)

def pair_back(g, memos):
    first, second = memos
    gz = rectify_back(g, second)
    return linear_back(gz, first)

class Regressor:
    def __init__(self, n=4, hidden=6, out=3):
        self.p = {"K": 0.5 * np.random.randn(n, hidden), "M": 0.5 * np.random.randn(hidden, out)}

    def loss(self, X, T):
        z, first = linear(X, self.p["K"])
        out, last = linear(np.maximum(0, z), self.p["M"])
        grads, r = {}, out - T
        g, grads["M"] = linear_back(r / len(X), last)
        _, grads["K"] = pair_back(g, (first, z))
        return 0.5 * np.sum(r * r) / len(X), grads
"""
LAZY = """import numpy as np

def cost_by_loops(W, X, y, reg):
    loss = 0.0
    dW = np.zeros_like(W)
    count = X.shape[0]
    kinds = W.shape[1]
    for i in range(count):
        f = X[i].dot(W)
        p = np.exp(f) / np.sum(np.exp(f))
        loss -= np.log(p[y[i]])
        for k in range(kinds):
            dW[:, k] += (p[k] - (k == y[i])) * X[i]
    loss /= count
    loss += reg * np.sum(W * W)
    dW /= count
    dW += 2 * reg * W
    return loss, dW

class Linear:
    def __init__(self):
        self.W = None

    def train(self, X, y, learning_rate=1e-3, reg=1e-5, num_iters=100, batch_size=200):
        count, dim = X.shape
        kinds = np.max(y) + 1
        if self.W is None:
            self.W = 0.1 * np.random.randn(dim, kinds)
        history = []
        for _ in range(num_iters):
            idx = np.random.choice(count, batch_size, replace=True)
            loss, grad = self.loss(X[idx], y[idx], reg)
            history.append(loss)
            self.W -= learning_rate * grad
        return history

class ByLoops(Linear):
    def loss(self, rows, labels, reg):
        return cost_by_loops(self.W, rows, labels, reg)
"""
KINDS = {
    "of parameters that are made to train them": (LAZY, "k == y[i]", "k == y[k]"),
    "of what a layer gives to the one before it": (SANDWICH, "linear_back(gz,", "linear_back(g,"),
    "of an output in the place of its error": (ONE_SAMPLE, "self.V.T @ err", "self.V.T @ out"),
    "of layers that give the gradient of the input, too": (
        DROPS,
        "grad * self.mask",
        "grad * (self.mask > 0)",
    ),
    "of what an object keeps": (KEEPS, "self.last = h", "self.last = z"),
    "of a factor in a helper of two layers": (DEEP, "1 + 3 * 0.04", "1 + 0.04"),
    "of a factor that a layer is given": (DROPS, "1.0) * grad", "1.0)"),
    "of a mean over what an object keeps": (HEAD, " / len(self.y)", ""),
    "that lacks a decay": (TIED, " + self.lam * self.W\n        return {", "\n        return {"),
    "that lacks one of two ways": (
        TIED,
        "dA + dR.T @ self.H + self.lam * self.W\n",
        "dA + self.lam * self.W\n",
    ),
    "with a setting that is a half": (SETTING, "r / delta, np", "r, np"),
    "that keeps the parameters which it moves": (CACHES, "dZ[Z <= 0]", "dZ[dZ <= 0]"),
    "with momentum": (MOMENTUM, "(1 - self.h**2)", "(1 - self.h)"),
    "of a table, in its entry": (TABLE, "(1 - abs(a)) ** 2", "1 - abs(a)"),
    "that trains by a name of no role": (NO_ROLE, "(1 - self.h**2)", "(1 + self.h**2)"),
    "of one sample after another": (SAMPLES, "e * self.v[j] * (1", "y * self.v[j] * (1"),
    "as the file calls it": (OWN_CALL, "X.T @ e / len(X)", "X.T @ e"),
    "by what a helper does not know": (
        HELPER,
        "huber_slope(r, delta) / n",
        "huber_slope(r, delta)",
    ),
    "with a bias whose gradient is 0 but for rounding": (
        DEAD,
        "dxn = dy * self",
        "dxn = dy / self",
    ),
    "of what is computed and not read": (HEADS, "dq.reshape(-1", "dv.reshape(-1"),
    "of a kernel of three axes": (KERNEL, "g['w'] += np", "g['w'] = np"),
    "of a product within a sum": (HEADS, "(datt * self.att).sum", "datt.sum"),
    "of a loss of two arrays": (PAIR, "d.T @ queries", "d @ queries"),
    "of a loss": (LOSS, "np.log(pt) - (1", "np.log(pt) + (1"),
    "of values": (VALUES, "o.grad += self.data * out.grad", "o.grad = self.data * out.grad"),
    "of a call": (CALLED, "steepness(self.u)", "steepness(h)"),
    "of what a right function is given": (MASKED, "(sums[i])", "(values[i + 1])"),
    "of a number with a name": (CALLED, "count = Y.shape[1]", "count = Y.shape[0]"),
    "of a function": (SLOPE, "1 - np.tanh", "1 + np.tanh"),
}
WRONG = {
    "a sign": (RETURNS, "1 + np.exp(-self.z)", "1 + np.exp(self.z)"),
    "before an update": (MOVES, "1 + np.exp(-self.z)", "1 + np.exp(self.z)"),
}
TOLD = "every gradient is right with:  dz = dh / (1 + np.exp(-self.z))"


@pytest.mark.parametrize("name", sorted(WRONG))
def test_the_changed_line_is_blamed_and_the_right_one_told(name: str, tmp_path: Path) -> None:
    source, right, wrong = WRONG[name]
    file = tmp_path / "net.py"
    file.write_text(source.replace(right, wrong))
    report = conformance.check(str(file))
    (blame,) = report.blames
    line = next(i for i, each in enumerate(source.splitlines(), 1) if right in each)
    assert (report.exit_code, blame.line) == (1, line)
    assert TOLD in str(report)
    assert TOLD in report.in_one_line()
    assert TOLD in unescape(re.sub("<[^>]*>", "", report.as_page()))


def _terms(line: str) -> list[str]:
    """The terms of what a line gives, in any order, however they are bracketed."""
    plain = re.sub(r"[()]", "", line.replace(" ** ", "**").replace(" = ", " + "))
    return sorted(plain.split(" + "))


def _told(folder: Path, case: tuple[str, str, str], what: str) -> tuple[str, str]:
    """The line that is told for a program with a mistake, and the one that was there."""
    source, right, wrong = case
    assert source.count(right) == 1
    (folder / "net.py").write_text(source.replace(right, wrong))
    report = conformance.check(str(folder / "net.py"))
    line = next(e for e in source.splitlines() if right.partition("\n")[0] in e).strip()
    assert report.exit_code == 1
    (told,) = re.findall(f"every {what} is right with:  (.*)", str(report))
    return told, line


SLOW = {
    "as the file calls it",
    "by what a helper does not know",
    "of a kernel of three axes",
    "of a product within a sum",
    "of one sample after another",
    "of parameters that are made to train them",
    "that trains by a name of no role",
}
"""Those for which many changes are tried before."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(e, marks=[pytest.mark.seldom] if e in SLOW else []) for e in sorted(KINDS)],
)
def test_the_change_is_told_of_each_kind_of_program(name: str, tmp_path: Path) -> None:
    told, line = _told(tmp_path, KINDS[name], "gradient")
    assert _terms(told) == _terms(line)


@pytest.mark.parametrize("name", in_ci(sorted(UPDATES)))
def test_the_change_of_an_update_is_told(name: str, tmp_path: Path) -> None:
    told, line = _told(tmp_path, UPDATES[name], "update")
    assert ast.unparse(ast.parse(told)) == ast.unparse(ast.parse(line))


def test_a_gradient_that_is_a_number_may_change_and_a_loss_may_not(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(ONE_OUTPUT.replace('"b": np.mean(e)', '"b": np.sum(e)'))
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 1
    assert '"b": np.mean(e)}' in str(report)


@pytest.mark.parametrize("source", [MOVES, RETURNS], ids=["moves", "returns"])
def test_a_right_program_has_no_change(source: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(source)
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 0


@pytest.mark.seldom
def test_a_program_that_is_wrong_in_two_lines_is_told_no_change(tmp_path: Path) -> None:
    twice = RETURNS.replace("1 + np.exp(-self.z)", "1 + np.exp(self.z)")
    (tmp_path / "net.py").write_text(twice.replace("self.h.T @ d,", "3 * self.h.T @ d,"))
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 1
    assert "every gradient is right" not in str(report)


def test_a_trial_that_ends_the_process_leaves_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_judging, "mended", lambda *_: os.kill(os.getpid(), signal.SIGSEGV))
    (tmp_path / "net.py").write_text(RETURNS.replace("1 + np.exp(-self.z)", "1 + np.exp(self.z)"))
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 1
    assert "every gradient is right" not in str(report)


def test_a_class_that_raises_an_error_is_told_the_line_with_which_it_is_right(
    tmp_path: Path,
) -> None:
    (tmp_path / "net.py").write_text(RETURNS.replace("d @ self.w2.T", "d @ self.w2"))
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 3
    told = "; it runs, and every gradient is right, with line 21:  dh = d @ self.w2.T"
    assert told in str(report)


MARGIN = """import numpy as np

class FaceNet:
    def __init__(self, d_in, d_embed, margin=0.5):
        self.margin, self.W = margin, 0.5 * np.random.randn(d_in, d_embed)

    def embed(self, x):
        return np.tanh(x @ self.W)

    def pair_loss(self, xa, xb, same):
        ea, eb = self.embed(xa), self.embed(xb)
        dist = np.sqrt(np.sum((ea - eb) ** 2, axis=1))
        gap = np.maximum(0.0, self.margin - dist)
        dd = (same * dist - (1 - same) * gap) / len(same)
        g = dd[:, None] * (ea - eb)
        dW = xa.T @ (g * (1 - ea ** 2)) - xb.T @ (g * (1 - eb ** 2))
        return 0.5 * np.mean(same * dist ** 2 + (1 - same) * gap ** 2), {"W": dW}
"""


def test_a_change_is_right_on_both_sides_of_a_margin(tmp_path: Path) -> None:
    file = tmp_path / "faces.py"
    file.write_text(MARGIN)
    said = str(conformance.check(str(file)))
    assert "every gradient is right with" in said
    assert "(same - (1" not in said


TWO_SETTINGS = """import numpy as np

class Classifier:
    def __init__(self, d_in, d_hidden, d_out, activation="relu"):
        self.activation = activation
        self.W, self.V = np.random.randn(d_in, d_hidden), np.random.randn(d_hidden, d_out)

    def act(self, z):
        if self.activation == "relu":
            return np.maximum(z, 0)
        elif self.activation == "tanh":
            return np.tanh(z)
        return np.log1p(np.exp(z))

    def act_prime(self, z):
        if self.activation == "relu":
            return np.where(z > 0, 1.0, 0.0)
        elif self.activation == "tanh":
            return 1 - np.tanh(z) ** 2
        elif self.activation == "softplus":
            return 1 / (1 + np.exp(-z))

    def forward(self, X):
        self.Z = X @ self.W
        self.H = self.act(self.Z)
        return self.H @ self.V

    def backward(self, X, Y, out):
        d = (out - Y) / len(X)
        self.dV = self.H.T @ d
        self.dW = X.T @ (d @ self.V.T * self.act_prime(self.H))

    def fit(self, X, Y, epochs=100, lr=0.1):
        for _ in range(epochs):
            self.backward(X, Y, self.forward(X))
            self.W -= lr * self.dW
            self.V -= lr * self.dV
"""


def test_a_change_is_right_with_each_activation(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(TWO_SETTINGS)
    report = conformance.check(str(tmp_path / "net.py"))
    assert "every gradient is right with:  self.dW = X.T @ (d @" in str(report)
    assert "self.act_prime(self.Z)" in str(report)
    assert "1 - z ** 2" not in str(report)


TWO = """import numpy as np

def init_params():
    W1, b1 = np.random.rand(4, 5) - 0.5, np.random.rand(4, 1) - 0.5
    W2, b2 = np.random.rand(3, 4) - 0.5, np.random.rand(3, 1) - 0.5
    return W1, b1, W2, b2

def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / sum(np.exp(Z2))
    return Z1, A1, Z2, A2

def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
    m = Y.size
    one_hot = np.zeros((m, 3))
    one_hot[np.arange(m), Y] = 1
    dZ2 = A2 - one_hot.T
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1)
    return dW1, db1, dW2, db2
"""
TRAINING = """
rng = np.random.default_rng(0)
X, Y = rng.random((5, 12)), rng.integers(0, 3, 12)
W1, b1, W2, b2 = init_params()
for i in range(3):
    dW1, db1, dW2, db2 = backward_prop(*forward_prop(W1, b1, W2, b2, X), W1, W2, X, Y)
    W1 = W1 - 0.1 * dW1
    b1 = b1 - 0.1 * db1
    W2 = W2 - 0.1 * dW2
    b2 = b2 - 0.1 * db2
"""


@pytest.mark.parametrize(
    "training",
    [
        pytest.param("", id="functions"),
        pytest.param(TRAINING, id="script", marks=pytest.mark.seldom),
    ],
)
def test_each_of_two_mistakes_has_its_change(training: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(TWO + training, encoding="utf-8")
    said = str(conformance.check(str(tmp_path / "net.py")))
    for name, z in ("b1", "dZ1"), ("b2", "dZ2"):
        change = f"d{name} = 1 / m * np.sum({z}, axis=1, keepdims=True)"
        assert f"the gradient of {name} is right with:  {change}" in said


def test_a_gradient_that_is_given_in_the_place_of_another_is_told(tmp_path: Path) -> None:
    """Each is then looked for under its own name, where one value has two."""
    returned = 'grads = {"dW": np.dot(dZ, X.T), "db": dc, "dV": np.dot(dout, A.T), "dc": dc}'
    head = CACHES.partition('    grads = {"dV"')[0]
    tail = CACHES.partition("    return grads\n")[2]
    sums = """    dc = np.sum(dout, axis=1, keepdims=True)
    db = np.sum(dZ, axis=1, keepdims=True)
"""
    (tmp_path / "net.py").write_text(f"{head}{sums}    {returned}\n    return grads\n{tail}")
    said = str(conformance.check(str(tmp_path / "net.py")))
    told = returned.replace('"db": dc', '"db": db')
    assert f"every gradient is right with:  {told}" in said


PACKED = """import numpy as np


def join(*parts):
    return np.concatenate([each.ravel() for each in parts])


def objective(theta, X, y, decay=0.1):
    W, v = theta[:12].reshape(4, 3), theta[12:]
    h = np.tanh(X @ W.T)
    e = h @ v - y
    value = 0.5 * np.sum(e**2) + 0.5 * decay * (np.sum(W**2) + np.sum(v**2))
    gv = h.T @ e
    gW = (np.outer(e, v) * (1 - h**2)).T @ X + decay * W
    return value, join(gW, gv)


if __name__ == "__main__":
    rng = np.random.default_rng(4)
    X, y, theta = rng.normal(size=(9, 3)), rng.normal(size=9), rng.normal(size=16)
    for step in range(4):
        value, g = objective(theta, X, y)
        theta = theta - 0.01 * g
"""


@pytest.mark.usefixtures("no_search")
def test_a_part_is_blamed_where_it_is_made_and_not_where_all_are_put_into_one_array(
    tmp_path: Path,
) -> None:
    (tmp_path / "net.py").write_text(PACKED)
    (blame, *_) = conformance.check(str(tmp_path / "net.py")).blames
    assert blame.line == 1 + PACKED.splitlines().index("    gv = h.T @ e")


LAYERED = """import numpy as np

class Dense:
    def __init__(self, n, k):
        self.K, self.c = np.random.randn(n, k) * 0.6, np.zeros(k)
    def forward(self, t):
        self.t = t
        return t @ self.K + self.c
    def backward(self, g):
        self.gK, self.gc = self.t.T @ g, g.sum(axis=0)
        return g @ self.K.T

class Logistic:
    def forward(self, t):
        self.s = 1 / (1 + np.exp(-t))
        return self.s
    def backward(self, g):
        return g * (1 - self.s) * self.s

class Net:
    def __init__(self, n=4, hidden=5, k=3):
        self.layers = [Dense(n, hidden), Logistic(), Dense(hidden, k)]
    def loss(self, X, T):
        for layer in self.layers:
            X = layer.forward(X)
        e = np.exp(X - X.max(axis=1, keepdims=True))
        self.P, self.T = e / e.sum(axis=1, keepdims=True), T
        return -np.sum(T * np.log(self.P + 1e-7)) / len(T)
    def gradient(self, X, T):
        self.loss(X, T)
        g = (self.P - self.T) / len(T)
        for layer in reversed(self.layers):
            g = layer.backward(g)
        first, _, last = self.layers
        return {"K0": first.gK, "c0": first.gc, "K2": last.gK, "c2": last.gc}
"""
DRAWN = """import numpy as np

def thin_forward(x, keep):
    mask = (np.random.rand(*x.shape) < keep) / keep
    return x * mask, mask

def thin_backward(g, mask):
    return g * mask

def loss_and_grads(P, X, y, keep):
    h = np.tanh(X @ P["A"])
    t, mask = thin_forward(h, keep)
    e = np.exp(t @ P["B"])
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    d = p / len(y)
    gt = thin_backward(d @ P["B"].T, mask)
    return loss, {"A": X.T @ (gt * (1 - h * h)), "B": t.T @ d}

if __name__ == "__main__":
    X, y = np.random.randn(12, 3), np.arange(12) % 4
    P = {"A": np.random.randn(3, 6), "B": np.random.randn(6, 4)}
    print(loss_and_grads(P, X, y, 0.8)[0])
"""
PAIRED = """import numpy as np

class Map:
    def __init__(self, n, k):
        self.K, self.c = np.random.randn(n, k) * 0.6, np.zeros(k)
    def forward(self, x):
        h = np.tanh(x @ self.K + self.c)
        return h, (x, h)
    def backward(self, g, memo):
        x, h = memo
        gz = g * (1 - h ** 2)
        return [x.T @ gz, gz.sum(axis=0)]

def pull_loss(u, v, near):
    gap = u - v
    loss = np.sum(near * np.sum(gap ** 2, axis=1)) / len(u)
    g = 2 * near[:, None] * gap / len(u)
    return loss, g, -g

class Twin:
    def __init__(self, n=4, k=3):
        self.map = Map(n, k)
    def loss_and_grads(self, x, y, near):
        u, first = self.map.forward(x)
        v, second = self.map.forward(y)
        loss, gu, gv = pull_loss(u, v, near)
        gs = [a + b for a, b in zip(self.map.backward(gu, first), self.map.backward(gv, second))]
        return loss, gs
    def train_step(self, x, y, near):
        loss, gs = self.loss_and_grads(x, y, near)
        for p, g in zip([self.map.K, self.map.c], gs):
            p -= 0.1 * g
        return loss

if __name__ == "__main__":
    twin = Twin()
    for _ in range(20):
        x, y = np.random.randn(2, 9, 4)
        print(twin.train_step(x, y, np.random.rand(9)))
"""
PARTS = {
    "a loss of pairs": (PAIRED, "return loss, g, -g", "return loss, g, g"),
    "a layer": (LAYERED, "(1 - self.s) * self.s", "(1 - self.s)"),
    "a mask that is drawn": (DRAWN, "g * mask", "g * (mask > 0)"),
}


LONG = {"a loss of pairs": pytest.mark.seldom}


@pytest.mark.parametrize("name", [pytest.param(e, marks=LONG.get(e, ())) for e in sorted(PARTS)])
def test_the_line_of_what_is_wrong_by_itself_is_told_of_what_uses_it(
    name: str, tmp_path: Path
) -> None:
    source, right, wrong = PARTS[name]
    (tmp_path / "net.py").write_text(source.replace(right, wrong))
    report = conformance.check(str(tmp_path / "net.py"))
    line = next(i for i, each in enumerate(source.splitlines(), 1) if right in each)
    assert {each.line for each in report.blames} == {line}
    assert "is right with:  " in str(report)
