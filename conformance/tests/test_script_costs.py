"""Scripts whose cost little tells: one weight, numbers that are only printed, terms one by one."""

from pathlib import Path

import numpy as np
import pytest

from conformance.backward.costs import cost
from conformance.backward.loss_names import by_name
from conformance.errors import UnjudgedError
from conformance.tests.scripts import run_edited
from conformance.tracing.trace import Trace

ONE_WEIGHT = """import numpy as np
rng = np.random.default_rng(0)
class Neuron:
    def __init__(self):
        self.w, self.history = rng.random(), []
    def step(self, x, y):
        self.w -= 0.1 * (2 * (self.w * x - y) * x).mean()
    def note(self):
        self.history.append((0.5 - self.w) ** 2)
neuron = Neuron()
for _ in range(10):
    x = rng.random(5)
    neuron.step(x, 0.5 * x)
    neuron.note()
"""
HUBER = """import numpy as np
rng = np.random.default_rng(0)
A, b, lam = 2 * rng.normal(size=(12, 8)), 3 * rng.normal(size=12), 0.1
def huber_grad(r):
    return r * (np.abs(r) <= 1) + np.sign(r) * (np.abs(r) > 1)
x = rng.normal(size=8)
for _ in range(5):
    x = x - 0.01 * (A.T @ huber_grad(A @ x - b) + lam * x)
"""
COLUMNS = """import numpy as np
rng = np.random.default_rng(0)
A, b = rng.normal(size=(6, 4)), rng.normal(size=6)
def turned(A, r):
    out = np.empty(A.shape[1])
    for j in range(A.shape[1]):
        out[j] = A[:, j] @ r
    return out
x = np.zeros(4)
for _ in range(5):
    r = A @ x - b
    loss = 0.5 * np.sum(r ** 2) + 0.05 * np.sum(x ** 2)
    x = x - 0.01 * (turned(A, r) + 0.1 * x)
"""
WITH_RATES = """import numpy as np
rng = np.random.RandomState(0)
X, T = rng.randn(9, 3), rng.rand(9, 2)
V, W = rng.randn(4, 3), rng.randn(2, 4)
for x, t in zip(X, T):
    a = 1 / (1 + np.exp(-V @ x))
    y = 1 / (1 + np.exp(-W @ a))
    error = t - y
    delta = error * y * (1 - y)
    total_error = np.sum(error ** 2) / 2
    dW = 0.01 * np.outer(delta, a)
    dV = 0.01 * np.outer(delta @ W * a * (1 - a), x)
    W = W + dW
    V = V + dV
"""
ELASTIC = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 4))
y = X @ np.array([[1.0], [-2.0], [0.0], [0.5]]) + 0.3
w, b = np.zeros((4, 1)), 0
for _ in range(30):
    e = X @ w + b - y
    gw = X.T @ e / 30 + 0.1 * np.sign(w) + 2 * 0.1 * w
    gb = np.mean(e)
    if np.sum(np.abs(gw)) < 1e-4:
        break
    w -= 0.01 * gw
    b -= 0.01 * gb
"""
MONITORED = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.random((9, 4)), np.eye(3)[rng.integers(0, 3, 9)]
V, W = rng.normal(size=(4, 5)), rng.normal(size=(5, 3))
for _ in range(5):
    h = 1 / (1 + np.exp(-X @ V))
    a = 1 / (1 + np.exp(-h @ W))
    off = np.sum((Y - a) ** 2)
    d = a - Y
    V, W = V - 0.1 * X.T @ (d @ W.T * h * (1 - h)), W - 0.1 * h.T @ d
    if off < 0.01:
        break
"""
RUNNING = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 4)), rng.normal(size=(8, 3))
V, W = rng.normal(size=(4, 5)), rng.normal(size=(5, 3))
for _ in range(5):
    gV, gW, batch_loss = 0, 0, 0
    for x, y in zip(X, Y):
        h = np.tanh(x @ V)
        d = 4 * (h @ W - y) ** 3
        batch_loss = (batch_loss + np.sum((h @ W - y) ** 4)) / 2
        gW = gW + np.outer(h, d)
        gV = gV + np.outer(x, d @ W.T * (1 - h * h))
    V, W = V - 0.001 * gV, W - 0.001 * gW
"""
BASELINE = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 3
w, mean = np.full(3, 0.1), 0.0
for _ in range(5):
    r = X @ w - (y - mean)
    loss = 0.5 * (r ** 2).mean()
    w -= 0.1 * X.T @ r / 40
    mean += 0.1 * (y.mean() - mean)
"""
RATINGS = """import numpy as np
rng = np.random.default_rng(0)
R = rng.integers(1, 6, (6, 5)).astype(float)
p = q = None
p, q = p or rng.random((6, 3)) * 0.1, q or rng.random((5, 3)) * 0.1
bu, bi = rng.random((6, 1)) * 0.1, rng.random((5, 1)) * 0.1
g, lam = 0.01, 1e-6
for u, i in rng.integers(0, 5, (9, 2)):
    pu, qi, bu_u, bi_i = p[u].copy(), q[i].copy(), bu[u].copy(), bi[i].copy()
    e = R[u, i] - bu_u - bi_i - pu @ qi
    p[u] = pu + g * (e * qi - lam * pu)
    q[i] = qi + g * (e * pu - lam * qi)
    bu[u] = bu_u + g * (e - lam * bu_u)
    bi[i] = bi_i + g * (e - lam * bi_i)
"""
POLICY = """import numpy as np
rng = np.random.default_rng(1)
V, W = rng.normal(size=(4, 6)), rng.normal(size=(6, 3))
for episode in range(5):
    steps = []
    for t in range(6):
        s = rng.normal(size=4)
        h = np.tanh(s @ V)
        p = np.exp(h @ W)
        p = p / p.sum()
        steps.append((s, h, p, rng.choice(3, p=p), rng.normal()))
    total = {"V": 0, "W": 0}
    for s, h, p, a, G in steps:
        y = np.zeros(3)
        y[a] = 1
        d = p - y
        grads = {"V": np.outer(s, d @ W.T * (1 - h * h)), "W": np.outer(h, d)}
        for k in total:
            total[k] = total[k] + G * grads[k]
    V, W = V - 0.01 * total["V"], W - 0.01 * total["W"]
"""
EPISODE = """import numpy as np
rng = np.random.default_rng(0)
V, W = rng.normal(size=(5, 4)), rng.normal(size=5)
for episode in range(5):
    xs, hs, errors = [], [], []
    for t in range(8):
        x = rng.normal(size=4)
        h = np.tanh(V @ x)
        p = 1 / (1 + np.exp(-W @ h))
        xs.append(x), hs.append(h), errors.append((rng.random() < p) - p)
    X, H, d = np.vstack(xs), np.vstack(hs), np.vstack(errors)
    d *= rng.normal(size=(8, 1))
    V, W = V + 0.01 * (d * W * (1 - H * H)).T @ X, W + 0.01 * (H.T @ d).ravel()
"""
ONLINE = """import numpy as np
rng = np.random.default_rng(0)
V, b, W, c = rng.normal(size=(3, 2)), np.zeros((3, 1)), rng.normal(size=(1, 3)), np.zeros((1, 1))
X, Y = np.array([[0.0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[0, 1, 1, 0]])
for k in range(4):
    x, y = X[:, k : k + 1], Y[:, k : k + 1]
    h = 1 / (1 + np.exp(-V @ x - b))
    a = 1 / (1 + np.exp(-W @ h - c))
    d = a - y
    e = W.T @ d * h * h
    W, c, V, b = W - 0.1 * (d @ h.T), c - 0.1 * d, V - 0.1 * (e @ x.T), b - 0.1 * e
"""
EMPTY = """import numpy as np
rng = np.random.default_rng(0)
X, Y, W = rng.normal(size=(8, 4)), rng.normal(size=(8, 1)), rng.normal(size=(4, 1))
for _ in range(4):
    losses = np.array([])
    e = X @ W - Y
    losses = np.append(losses, np.mean(e ** 2))
    W = W - 0.1 * X.T @ e / 8
"""
ONE_TARGET = """import numpy as np
rng = np.random.default_rng(0)
X, W = rng.random((20, 2)), rng.normal(size=(2, 3))
for i in range(5):
    y = np.zeros((1, 3))
    y[0, i % 3] = 1
    out = 1 / (1 + np.exp(-X @ W))
    W += 0.01 * X.T @ ((y - out) * out * (1 - out))
"""
LASSO = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 6))
y = 3 * X[:, 0] - 2 * X[:, 4]
def soft_threshold(u, t):
    return np.sign(u) * np.maximum(np.abs(u) - t, 0)
w = rng.normal(size=6)
for _ in range(9):
    gradient = -X.T @ (y - X @ w) / 30
    w = soft_threshold(w - 0.05 * gradient, 0.05 * 0.1)
"""
PRICES = """import numpy as np
prices, sales = np.array([5, 10, 15, 20, 25]), np.array([200, 190, 185, 100, 190])
a, b = 200.0, 5.0
for _ in range(5):
    error = sales - (a - b * prices)
    grad_a = -2 * np.sum(error)
    grad_b = 2 * np.sum(error * prices)
    a -= 0.0001 * grad_a
    b -= 0.0001 * grad_b
"""
SATURATED = """import numpy as np
rng = np.random.default_rng(0)
class Neuron:
    def __init__(self, count):
        self.w = rng.normal(size=count)
x, y = np.array([5.0, 8.0]), np.eye(10)[0]
layer, U = [Neuron(2) for _ in range(5)], rng.normal(size=(10, 5)) / 5
for epoch in range(5):
    h = np.tanh([n.w @ x for n in layer])
    e = np.exp(U @ h)
    out = e / e.sum()
    loss = 0
    for i in range(10):
        loss += -np.log(out[i]) if y[i] == 1.0 else 0.0
    print("Output:", out, "Loss:", loss)
    d = out - y
    back = U.T @ d * (1 - h ** 2)
    U -= 0.01 * np.outer(d, h)
    for n, each in zip(layer, back):
        n.w -= 0.01 * each * x
"""
STALE = """import numpy as np
rng = np.random.default_rng(0)
class RNN:
    def __init__(self):
        self.U, self.V, self.W = (rng.normal(size=n) * 0.3 for n in ((4, 3), (4, 4), (2, 4)))
    def forward(self, xs):
        self.hs, self.ys = {-1: np.zeros((4, 1))}, {}
        for t in range(3):
            self.hs[t] = np.tanh(self.U @ xs[t] + self.V @ self.hs[t - 1])
            self.ys[t] = self.W @ self.hs[t]
        return self.ys
    def backward(self, x, y):
        dU, dV, dW = [np.zeros_like(p) for p in [self.U, self.V, self.W]]
        after = np.zeros((4, 1))
        for t in reversed(range(3)):
            dy = self.ys[t] - y[t]
            dW += dy @ self.hs[t].T
            raw = (1 - self.hs[t] ** 2) * (self.W.T @ dy + after)
            dU += raw @ x[t].T
            dV += raw @ self.hs[t - 1].T
            after = self.V.T @ raw
        for param, dparam in zip([self.U, self.V, self.W], [dU, dV, dW]):
            param -= 0.01 * dparam
data, labels, rnn = rng.normal(size=(4, 3, 3, 1)), rng.normal(size=(4, 3, 2, 1)), RNN()
for epoch in range(5):
    loss = sum(np.sum((rnn.forward(x)[2] - y[2]) ** 2) / 2 for x, y in zip(data, labels))
    for x, y in zip(data, labels):
        rnn.backward(x, y)
"""
EVEN = """import numpy as np
rng = np.random.default_rng(0)
w, x, t = rng.normal(size=(3, 4)), rng.random(3), np.array([0.5, 0.5, 0.5, 0.5])
for _ in range(100):
    a = 1 / (1 + np.exp(-x @ w))
    w -= 0.1 * np.outer(x, (a - t) * a * (1 - a))
"""
PERCEPTRON = """import numpy as np
class Perceptron:
    def __init__(self, n):
        self.w = np.zeros(n)
        self.b = 0
    def fit(self, X, y, lr=0.1, epochs=10):
        for _ in range(epochs):
            for xi, yi in zip(X, y):
                if yi * (np.dot(self.w, xi) + self.b) <= 0:
                    self.w += lr * yi * xi
                    self.b += lr * yi
rng = np.random.default_rng(1)
X = rng.normal(size=(50, 2))
Perceptron(2).fit(X, np.where(X @ np.array([1.0, -2.0]) + 0.3 > 0, 1, -1))
"""
SVM = """import numpy as np
rng = np.random.default_rng(0)
X = rng.random((40, 3))
labels = np.where(X.sum(axis=1) > 1.5, 1, -1)
w, b = np.zeros(3), 0
for epoch in range(20):
    for i, x in enumerate(X):
        if labels[i] * (np.dot(x, w) - b) >= 1:
            dw, db = 0.02 * w, 0
        else:
            dw, db = 0.02 * w - np.dot(x, labels[i]), labels[i]
        w = w - 0.01 * dw
        b = b - 0.01 * db
"""
ROSENBROCK = """def rosenbrock(x, y):
    return (x - 1) ** 2 + 100 * (y - x ** 2) ** 2
x, y, lr = 1.2, -0.7, 0.001
for i in range(2000):
    loss = rosenbrock(x, y)
    dx = 2 * (x - 1) - 400 * x * (y - x ** 2)
    dy = 200 * (y - x ** 2)
    x -= lr * dx
    y -= lr * dy
"""
PRINTED_OUTPUT = """import numpy as np
X, T = np.array([[1.0, 0.0], [1.0, -1.0]]), np.array([[0.5], [-0.32]])
V = np.array([[0.3, -0.5, 0.4], [0.4, 0.8, 0.5]])
W = np.array([[0.3], [-0.7], [0.5]])
loss = 0
for i in range(2):
    x, t = X[i:i+1], T[i:i+1]
    h = 1 / (1 + np.exp(-x @ V))
    y = h @ W
    error = y - t
    loss = loss + 0.5 * np.sum(error ** 2)
    print(y, y.item())
    dh = error @ W.T * h * (1 - h)
    W = W - 0.5 * h.T @ error
    V = V - 0.5 * x.T @ dh
"""
DRAWN = """import numpy as np
X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [0], [0], [1]])
w, b = np.array([[0.4], [-0.2]]), np.array([0.1])
for epoch in range(30):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    dz = (p - y) * p * (1 - p)
    w -= 0.1 * X.T @ dz
    b -= 0.1 * np.sum(dz)
    line = -w[:, 0] - b
    low = np.min(line[line > 100], initial=np.inf)
"""
PROBIT = """import math
import numpy as np
from statistics import NormalDist
rng = np.random.default_rng(9)
X = np.c_[np.ones(40), rng.normal(size=(40, 2))]
work = (X @ np.array([0.3, 1.0, -0.5]) + rng.normal(size=40) > 0).astype(float)
def cdf(v):
    return 0.5 * (1 + np.vectorize(math.erf)(v / math.sqrt(2)))
def pdf(v):
    return np.exp(-0.5 * v ** 2) / math.sqrt(2 * math.pi)
b = np.zeros(3)
for i in range(9):
    index = X @ b
    P = cdf(index)
    loss = -np.mean(work * np.log(P) + (1 - work) * np.log(1 - P))
    b -= 0.5 * X.T @ (pdf(index) * (P - work) / (P * (1 - P))) / 40
"""
OF_LISTS = PROBIT.replace(
    "np.vectorize(math.erf)(v / math.sqrt(2))",
    "np.array([math.erf(each) for each in v / math.sqrt(2)])",
)
OF_EACH = """import math
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(90, 3))
T = (X.sum(1, keepdims=True) > 0) * 1.0
W, V = rng.normal(size=(3, 7)), rng.normal(size=(7, 1))
sigmoid = np.vectorize(lambda x: 1 / (1 + math.exp(-x)))
for i in range(9):
    h = sigmoid(X @ W)
    a = sigmoid(h @ V)
    d = (a - T) / 90
    gV, gW = h.T @ d, X.T @ (d @ V.T * h * (1 - h))
    V, W = V - 0.5 * gV, W - 0.5 * gW
"""
OF_OTHERS = PROBIT.replace("cdf(index)", "np.vectorize(NormalDist().cdf)(index)")
WALK = """import numpy as np
rng = np.random.default_rng(9)
W, v = rng.normal(0, 0.5, (6, 7)), rng.normal(0, 0.5, 6)
def value(s):
    x = np.eye(7)[s]
    h = np.tanh(W @ x)
    return v @ h, h, x
s, total = 3, 0.0
while 0 <= s < 7:
    s2 = s + (1 if rng.random() < 0.5 else -1)
    target = (s2 == 7) * 1.0 if s2 in (-1, 7) else 0.9 * value(s2)[0]
    val, h, x = value(s)
    delta = target - val
    total += 0.5 * delta ** 2
    dh = v * (1 - h ** 2)
    v = v + 0.05 * delta * h
    W = W + 0.05 * delta * np.outer(dh, x)
    s = s2
"""
CLIPPED = """import numpy as np
rng = np.random.default_rng(1)
X, y = rng.normal(size=(20, 3)), 9 * rng.normal(size=20)
w = np.zeros(3)
for i in range(9):
    e = X @ w - y
    loss = np.mean(e ** 2)
    g = 2 * X.T @ e / 20
    scale = min(1.0, 0.5 / np.sqrt((g ** 2).sum()))
    w -= 0.05 * scale * g
"""
SOFTMAX_OF_NUMBERS = """import math, random
random.seed(0)
N, F, K = 6, 2, 3
x = [[random.gauss(0, 1) for j in range(F)] for i in range(N)]
w = [[random.uniform(-0.5, 0.5) for j in range(F)] for c in range(K)]
def softmax(z):
    e = [math.exp(each) for each in z]
    s = sum(e)
    return [each / s for each in e]
for epoch in range(2):
    for i in range(N):
        p = softmax([sum(w[c][j] * x[i][j] for j in range(F)) for c in range(K)])
        for c in range(K):
            d = p[c] - (1.0 if c == i % K else 0.0)
            for j in range(F):
                w[c][j] -= 0.1 * d * x[i][j]
"""
SOFTMAX_IN_PLACE = """import math, random
random.seed(0)
N, F, K, BATCH = 6, 2, 3, 2
x = [[random.gauss(0, 1) for j in range(F)] for i in range(N)]
t = [i % K for i in range(N)]
w = [[random.uniform(-0.1, 0.1) for j in range(F)] for c in range(K)]
b, gb, prob = [0.0] * K, [0.0] * K, [0.0] * K
gw = [[0.0] * F for c in range(K)]
def softmax(xi):
    total = 0.0
    for c in range(K):
        s = b[c]
        for j in range(F):
            s += w[c][j] * xi[j]
        prob[c] = math.exp(s)
        total += prob[c]
    for c in range(K):
        prob[c] /= total
def total_loss():
    s = 0.0
    for i in range(N):
        softmax(x[i])
        s -= math.log(prob[t[i]])
    return s / N
for epoch in range(2):
    for start in range(0, N, BATCH):
        for c in range(K):
            gb[c] = 0.0
            for j in range(F):
                gw[c][j] = 0.0
        for i in range(start, start + BATCH):
            softmax(x[i])
            for c in range(K):
                d = prob[c] - (1.0 if c == t[i] else 0.0)
                gb[c] += d
                for j in range(F):
                    gw[c][j] += d * x[i][j]
        for c in range(K):
            b[c] -= 0.5 * gb[c] / BATCH
            for j in range(F):
                w[c][j] -= 0.5 * (gw[c][j] / BATCH + 0.01 * w[c][j])
print(total_loss())
"""
DISTILLED = """import numpy as np
rng = np.random.default_rng(3)
X, tau = rng.normal(size=(40, 4)), 2.0
def probabilities(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
guide = X @ rng.normal(size=(4, 3))
V, W = rng.normal(size=(4, 6)), rng.normal(size=(6, 3))
for _ in range(4):
    h = np.tanh(X @ V)
    z = h @ W
    imitation = tau * (probabilities(z / tau) - probabilities(guide / tau))
    d = (0.7 * imitation + 0.3 * (probabilities(z) - np.eye(3)[guide.argmax(axis=1)])) / 40
    V, W = V - 0.4 * X.T @ (d @ W.T * (1 - h * h)), W - 0.4 * h.T @ d
"""
RIGHT = {
    "half of a square": (WALK, "η = 0.05"),
    "clipped": (CLIPPED, "by gradient descent\n"),
    "erf": (PROBIT, "in exact arithmetic"),
    "erf of each": (OF_LISTS, "in exact arithmetic"),
    "a function that is not followed": (OF_OTHERS, "1 gradient, all right, in floats"),
    "each of many numbers": (OF_EACH, "2 gradients, all right"),
    "many numbers of a function": (PROBIT.replace("40", "600"), "1 gradient, all right"),
    "printed output": (PRINTED_OUTPUT, "2 gradients, all right"),
    "drawn": (DRAWN, "2 gradients, all right"),
    "one weight": (ONE_WEIGHT, "quadratic cost"),
    "Huber": (HUBER, "judged by it, with weight decay 0.1"),
    "columns": (COLUMNS, "1 gradient, all right"),
    "elastic": (ELASTIC, "with an L1 penalty beside weight decay 0.2"),
    "monitored": (MONITORED, "cross-entropy"),
    "running": (RUNNING, "2 gradients, all right"),
    "ratings": (RATINGS, "4 gradients, all right"),
    "policy": (POLICY, "each sample with a weight of its own"),
    "episode": (EPISODE, "each sample with a weight of its own"),
    "baseline": (BASELINE, "1 gradient, all right"),
    "sum of two errors": (DISTILLED, "2 gradients, all right"),
    "empty": (EMPTY, "1 gradient, all right"),
    "lasso": (LASSO, "η = 0.05"),
    "saturated": (SATURATED, "6 gradients, all right"),
    "one target": (ONE_TARGET, "quadratic cost"),
    "even target": (EVEN, "quadratic cost"),
    "perceptron": (PERCEPTRON, "judged by the perceptron criterion"),
    "support vectors": (SVM, "2 gradients, all right"),
    "plain numbers": (ROSENBROCK, "η = 0.001"),
    "softmax of numbers": (
        SOFTMAX_OF_NUMBERS,
        "softmax, −Σ ln a_y / m\nnote: 3 updates of w, by gradient descent: η = 0.1",
    ),
    "softmax in place": (
        SOFTMAX_IN_PLACE,
        "with weight decay 0.01\nnote: 3 updates of w, b, by gradient descent: η = 0.5",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_script_is_judged_by_its_cost(name: str, tmp_path: Path) -> None:
    script, said = RIGHT[name]
    report = run_edited(tmp_path, script)
    assert report.exit_code == 0, str(report)
    assert said in f"{report}\n"


@pytest.mark.parametrize(
    ("script", "edit", "names"),
    [
        (ELASTIC, ("np.mean(e)", "np.sum(e)"), ("b",)),
        (WITH_RATES, ("* a * (1 - a)", "* (1 - a)"), ("V",)),
        (LASSO, ("y - X @ w", "y - np.abs(X @ w)"), ("w",)),
        (PRICES, ("= 2 * np", "= -2 * np"), ("b",)),
        (STALE, ("", ""), ("self.U",)),
        (MONITORED, ("    off =", "    loss = off ="), ("V", "W")),
        (HUBER, ("np.sign(r) *", "np.abs(r) *"), ("x",)),
        (HUBER, ("huber_grad(A @ x - b)", "huber_grad(b - A @ x)"), ("x",)),
        (RUNNING, ("np.outer(h, d)", "np.outer(h, h @ W - y)"), ("W",)),
        (POLICY, ("(1 - h * h)", "(1 - h)"), ("V",)),
        (RATINGS, ("(e * pu -", "(e * qi -"), ("q",)),
        (RATINGS, ("(e - lam * bi_i)", "(2 * e - lam * bi_i)"), ("bi",)),
        (EVEN, ("a * (1 - a)", "(1 - a)"), ("w",)),
        (SVM, ("b - 0.01 * db", "b + 0.01 * db"), ("b",)),
        (ROSENBROCK, ("- 400 * x", "+ 400 * x"), ("x",)),
        (PROBIT, ("pdf(index) *", "pdf(P) *"), ("b",)),
        (DISTILLED, ("(1 - h * h)", "(1 - h)"), ("V",)),
        (OF_EACH, ("h * (1 - h)", "(1 - h)"), ("W",)),
        (SOFTMAX_IN_PLACE, ("gb[c] += d", "gb[c] = d"), ("b",)),
    ],
    ids=[
        "a sum",
        "rates within",
        "lasso",
        "one of two numbers",
        "the values of another sample",
        "a loss by its name",
        "two signs",
        "the other sign",
        "no derivative",
        "policy",
        "another row",
        "twice",
        "an even target",
        "a number that a label moves or nothing",
        "plain numbers",
        "erf",
        "sum of two errors",
        "each of many numbers",
        "a softmax in place",
    ],
)
def test_what_is_wrong_is_told(
    script: str, edit: tuple[str, str], names: tuple[str, ...], tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, script, edit).blames
    assert blame.gradients == names


def test_of_costs_that_are_as_likely_one_with_a_usual_factor_is_taken(tmp_path: Path) -> None:
    report = str(run_edited(tmp_path, ONLINE))
    assert "cross-entropy" in report
    assert "times those of this cost" not in report


RAGGED = """import numpy as np
rng = np.random.default_rng(2)
Y = rng.normal(size=(6, 5)); R = rng.random((6, 5)) > 0.3
X = rng.normal(size=(6, 2)); T = rng.normal(size=(5, 2))
for it in range(4):
    E = (X @ T.T - Y) * R
    loss = 0.5 * np.sum(E ** 2) + 0.5 * np.sum(X ** 2)
    gX, gT = np.zeros_like(X), np.zeros_like(T)
    for i in range(6):
        j = np.where(R[i])[0]
        gX[i] = (T[j] @ X[i] - Y[i, j]) @ T[j]
    for j in range(5):
        i = np.where(R[:, j])[0]
        gT[j] = (X[i] @ T[j] - Y[i, j]) @ X[i]
    X = X - 0.02 * gX
    T = T - 0.02 * gT
"""


def test_a_line_that_computes_arrays_of_several_lengths_is_blamed(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, RAGGED).blames
    assert (blame.gradients, blame.line) == (("X",), 11)


FOURIER = """import numpy as np
rng = np.random.default_rng(4)
x = rng.normal(size=(8, 5)); y = rng.normal(size=(8, 5)); k = 0.1 * rng.normal(size=5)
for _ in range(4):
    Xf = np.fft.rfft(x, axis=-1)
    e = np.fft.irfft(Xf * np.fft.rfft(k), n=5, axis=-1) - y
    loss = 0.5 * np.sum(e ** 2) / len(x)
    Df = np.fft.rfft(e, axis=-1)
    dk = np.fft.irfft((Df * np.conj(Xf)).sum(axis=0), n=5) / len(x)
    k -= 0.05 * dk
"""


def test_what_is_computed_through_complex_numbers_has_a_derivative(tmp_path: Path) -> None:
    assert run_edited(tmp_path, FOURIER).exit_code == 0
    (blame,) = run_edited(tmp_path, FOURIER, ("np.conj(Xf)", "Xf")).blames
    assert (blame.gradients, blame.line) == (("k",), 9)


PARTS = """import numpy as np
rng = np.random.default_rng(88)
t = np.linspace(0, 3, 20)
signal = np.exp((-0.5 + 4j) * t)
amp, om = np.array([0.8, 0.3]), np.array([3.8, -2.7])
for k in range(4):
    basis = np.exp(1j * np.outer(t, om))
    diff = basis @ amp - signal
    loss = np.sum(diff.real ** 2 + diff.imag ** 2) / len(t)
    back = 2 * np.conj(diff)[:, None] * basis / len(t)
    d_amp = np.sum(back, axis=0).real
    d_om = -(amp * np.sum(back * t[:, None], axis=0)).imag
    amp = amp - 0.1 * d_amp
    om = om - 0.1 * d_om
"""


@pytest.mark.usefixtures("no_search")
def test_the_parts_of_a_complex_number_have_a_derivative(tmp_path: Path) -> None:
    assert run_edited(tmp_path, PARTS).exit_code == 0
    (blame,) = run_edited(tmp_path, PARTS, (").imag\n    amp", ").real\n    amp")).blames
    assert (blame.gradients, blame.line) == (("om",), 12)
    examined = run_edited(tmp_path, PARTS, ("np.conj(diff)", "diff")).examined
    assert not any(each.ok for each in examined.gradients)


PHASES = """import numpy as np
rng = np.random.default_rng(3)
t = np.linspace(0, 1, 30)
y = np.sin(9 * t)
om, amp = rng.normal(0, 6, 4), rng.normal(size=4) + 1j * rng.normal(size=4)
for k in range(4):
    basis = np.exp(1j * np.outer(t, om))
    r = (basis @ amp).real - y
    loss = np.mean(r ** 2) / 2
    d_amp = (r[:, None] * basis.conj()).mean(0)
    d_om = (r[:, None] * (1j * t[:, None] * amp * basis).real).mean(0)
    amp -= 0.1 * d_amp
    om -= 0.1 * d_om
"""


@pytest.mark.usefixtures("no_search")
def test_complex_numbers_that_are_written_into_are_what_they_were_before(tmp_path: Path) -> None:
    report = run_edited(tmp_path, PHASES)
    assert report.exit_code == 0, str(report)
    assert "amp is not judged" in str(report)
    assert run_edited(tmp_path, PHASES, ("(1j * t", "(-1j * t")).blames


AT_REST = """import numpy as np
rng = np.random.default_rng(1)
x, y = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
W, U = np.array([[0.3, -0.2], [0.25, 0.4]]), rng.normal(size=(2, 2))
for step in range(3):
    z = np.zeros((6, 2))
    for _ in range(20):
        z = np.tanh(z @ W + x @ U)
    e = z - y
    loss = 0.5 * np.sum(e ** 2)
    s = 1 - z ** 2
    d = np.array([np.linalg.solve(np.eye(2) - W * s[i], e[i]) * s[i] for i in range(6)])
    W -= 0.01 * z.T @ d
    U -= 0.01 * x.T @ d
"""


def test_the_derivative_at_a_fixed_point_is_right_as_far_as_it_is_reached(tmp_path: Path) -> None:
    assert run_edited(tmp_path, AT_REST).exit_code == 0
    assert run_edited(tmp_path, AT_REST, ("W * s[i]", "W.T * s[i]")).exit_code == 1


MARGINS = """import numpy as np
X = np.array([[1.0, 2.0, 0.5], [-1.0, 0.5, 1.0], [2.0, -1.0, 0.3], [0.5, 1.5, -1.0]])
Y = np.array([1, -1, 1, -1])
W = np.zeros(3)
for epoch in range(20):
    for x, y in zip(X, Y):
        if y * np.dot(x, W) < 1:
            W = W - 0.001 * (W - 10 * y * x)
        else:
            W = W - 0.001 * W
"""


def test_margins_that_are_asked_for_are_those_of_the_hinge_loss(tmp_path: Path) -> None:
    report = run_edited(tmp_path, MARGINS)
    assert report.exit_code == 0
    assert "judged by the hinge loss" in str(report)
    with pytest.raises(UnjudgedError, match="they are not those of the hinge loss"):
        run_edited(tmp_path, MARGINS, ("10 * y * x", "10 * x"))


OTHER_SATURATED = """import numpy as np
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
def deriv_sigmoid(x):
    fx = sigmoid(x)
    return fx * (1 - fx)
x, t = [4.1, 37.4], 1.0
w, v, b, u, c = 0.3, 0.7, 0.1, 0.7, -0.2
for epoch in range(20):
    s = w * x[0] + v * x[1] + b
    h = sigmoid(s)
    z = u * h + c
    o = sigmoid(z)
    d = -2 * (t - o)
    w -= 0.1 * d * u * deriv_sigmoid(z) * x[0] * deriv_sigmoid(s)
    v -= 0.1 * d * u * deriv_sigmoid(z) * x[1] * deriv_sigmoid(s)
    b -= 0.1 * d * u * deriv_sigmoid(z) * deriv_sigmoid(s)
    u -= 0.1 * d * h * deriv_sigmoid(z)
    c -= 0.1 * d * deriv_sigmoid(z)
"""


def test_digits_of_a_gradient_that_is_almost_0_beside_others_are_not_lost(tmp_path: Path) -> None:
    assert run_edited(tmp_path, OTHER_SATURATED).examined.ok


RANKING = """import numpy as np
rng = np.random.default_rng(3)
P = rng.normal(0.0, 0.1, size=(5, 4))
Q = rng.normal(0.0, 0.1, size=(6, 4))
for step in range(40):
    u = int(rng.integers(0, 5))
    i, j = rng.choice(6, 2, replace=False)
    pu, qi, qj = P[u].copy(), Q[i].copy(), Q[j].copy()
    sig = 1.0 / (1.0 + np.exp(pu @ (qi - qj)))
    P[u] += 0.05 * sig * (qi - qj)
    Q[i] += 0.05 * sig * pu
    Q[j] += 0.05 * -sig * pu
"""


def test_what_a_gradient_is_itself_is_no_output_error(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError):
        run_edited(tmp_path, RANKING)


GAUSSIAN = """import numpy as np
rng = np.random.default_rng(33)
W, log_std = rng.normal(0, 0.1, (3, 1)), np.zeros(1)
s, a, adv = rng.normal(size=(64, 3)), rng.normal(size=(64, 1)), rng.normal(size=64)
adv -= adv.mean()

def log_probability(a, mean, log_std):
    return (-0.5 * ((a - mean) / np.exp(log_std)) ** 2 - log_std).sum(1)

before = log_probability(a, s @ W, log_std)
for step in range(5):
    mean = s @ W
    ratio = np.exp(log_probability(a, mean, log_std) - before)
    loss = -np.minimum(ratio * adv, np.clip(ratio, 0.8, 1.2) * adv).mean()
    d = -((ratio * adv <= np.clip(ratio, 0.8, 1.2) * adv) * adv * ratio) / 64
    std = np.exp(log_std)
    W -= 0.05 * s.T @ (d[:, None] * (a - mean) / std**2)
    log_std -= 0.05 * (d[:, None] * (((a - mean) / std) ** 2 - 1)).sum(0)
"""


@pytest.mark.parametrize("edits", [(), ((") ** 2 - 1)", ") ** 2)"),)])
def test_what_is_right_by_its_loss_at_one_update_is_judged_by_it_at_all(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    examined = run_edited(tmp_path, GAUSSIAN, *edits).examined
    assert [each.name for each in examined.gradients if not each.ok] == ["log_std"] * len(edits)


NUMBERS = """X = [1, 2, 3, 4, 5, 6]
y = [-1, -1, -1, 1, 1, 1]
w, b = 0, 0

def gradient(w, b):
    dw, db = 0, 0
    for i in range(len(X)):
        if y[i] * (w * X[i] + b) < 1:
            dw += -y[i] * X[i]
            db += -y[i]
    return dw / len(X), db / len(X)

for _ in range(100):
    dw, db = gradient(w, b)
    w -= 0.001 * dw
    b -= 0.001 * db
"""
ONE_NUMBER = """X = [1.0, 2.0, 4.0]
y = [-1, -1, 1]
w = 0.0
for _ in range(100):
    g = 0.0
    for i in range(3):
        if y[i] * w * X[i] < 1:
            g += -y[i] * X[i]
    w -= 0.001 * g
"""


@pytest.mark.parametrize("text", [NUMBERS, ONE_NUMBER], ids=["two", "one"])
def test_a_gradient_of_numbers_that_an_if_chooses_is_that_of_the_hinge_loss(
    text: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, text)
    assert report.ok
    assert report.examined.cost == "margin"


def test_the_sign_of_a_gradient_of_numbers_that_an_if_chooses_is_judged(tmp_path: Path) -> None:
    assert not run_edited(tmp_path, ONE_NUMBER, ("g += -y", "g += y")).ok


def test_a_number_decays_beside_a_gradient_that_an_if_chooses(tmp_path: Path) -> None:
    decay = "return dw / len(X),", "return dw / len(X) + 0.01 * w,"
    report = run_edited(tmp_path, NUMBERS, decay)
    assert report.ok
    assert "with weight decay 0.01" in str(report)
    with pytest.raises(UnjudgedError):
        run_edited(tmp_path, NUMBERS, decay, ("dw += -y[i] * X[i]", "dw += -y[i]"))


KERNEL = """import numpy as np
r = np.random.RandomState(0)
X = r.rand(20, 2)
Y = np.where(X[:, 0] > 0.5, 1, -1)
K = np.exp(-((X[:, None] - X[None]) ** 2).sum(2) / 0.1)

def loss(a):
    return 0.5 * a @ K @ a + 20 * np.sum(np.maximum(0, 1 - Y * (K @ a)))

def gradient(a):
    g = K @ a
    for i, d in enumerate(1 - Y * (K @ a)):
        if d > 0:
            g = g - 20 * Y[i] * K[i]
    return g

alpha = np.zeros(20)
for epoch in range(9):
    alpha = alpha - 0.01 * gradient(alpha)
    print(loss(alpha))
"""


def test_margins_that_an_if_takes_one_by_one_leave_the_printed_loss_to_judge(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, KERNEL)
    assert report.ok
    assert report.examined.cost == "own"
    assert not run_edited(tmp_path, KERNEL, ("g = K @ a", "g = 1.0 * a")).ok


EPOCHS = """import numpy as np
X, y = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, -2.0]]), np.array([1, 0, 0])
w, b = np.array([0.1, -0.2]), 0.0
for epoch in range(2):
    mse = 0
    for x, t in zip(X, y):
        p = 1 / (1 + np.exp(-(np.dot(x, w) + b)))
        mse += (t - p) ** 2
        d = -2 * (t - p) * p * (1 - p)
        w -= 0.1 * x * d
        b -= 0.1 * d
    mse /= len(X)
"""


def test_a_total_that_is_divided_at_the_end_of_an_epoch_has_one_loss_for_all_samples(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, EPOCHS).ok
    assert not run_edited(tmp_path, EPOCHS, ("* p * (1 - p)", "")).ok


OTHER_HUBER = """import numpy as np
rng = np.random.default_rng(41)
X = rng.normal(size=(70, 3))
y = X @ [1.0, 2.0, -1.0] + rng.standard_t(1.5, size=70)
w = np.zeros(3)
for epoch in range(9):
    r = X @ w - y
    psi = np.clip(r, -1.35, 1.35)
    w -= 0.2 * (X.T @ psi) / len(y)
"""


@pytest.mark.parametrize("product", ["(X.T @ psi)", "X.T @ psi"])
def test_a_function_of_the_residuals_is_the_derivative_of_a_cost(
    product: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, OTHER_HUBER, ("(X.T @ psi)", product))
    assert report.exit_code == 0, str(report)
    assert "no known cost has this output error" in str(report)


PATIENCE = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(90, 4))
y = (X @ rng.normal(size=4) + rng.logistic(size=90) > 0).astype(float)
w, b, l2 = 0.1 * rng.normal(size=4), 0.0, 0.05
def loss(X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + 0.5 * l2 * np.sum(w**2)
for epoch in range(20):
    p = 1 / (1 + np.exp(-(X[:60] @ w + b)))
    residual = p - y[:60]
    w = w - 0.3 * (X[:60].T @ residual / 60 + l2 * w)
    b = b - 0.3 * residual.mean()
    print(loss(X[60:], y[60:]))
"""


def test_a_loss_of_other_samples_judges_nothing(tmp_path: Path) -> None:
    report = run_edited(tmp_path, PATIENCE)
    assert report.exit_code == 0
    assert "of which these are not the gradients" not in str(report)
    report = run_edited(tmp_path, PATIENCE, ("p - y[:60]", "(p - y[:60]) * p"))
    (blame,) = report.blames
    assert blame.line == 11
    assert "`p` is too much" in str(report)


NESTED = """import numpy as np
rng = np.random.default_rng(3)
class Linear:
    def __init__(self, n, m):
        self.W, self.b = rng.normal(size=(n, m)), np.zeros(m)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, g):
        self.dW, self.db = self.x.T @ g, g.sum(axis=0)
class CrossEntropy:
    def forward(self, logits, y):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.p, self.y = e / e.sum(axis=1, keepdims=True), y
        return -np.log(self.p[np.arange(len(y)), y] + 1e-12).mean()
    def backward(self):
        g = self.p.copy()
        g[np.arange(len(self.y)), self.y] -= 1
        return g / len(self.y)
X, y = rng.normal(size=(20, 3)), rng.integers(0, 4, 20)
net, criterion = Linear(3, 4), CrossEntropy()
for epoch in range(9):
    loss = criterion.forward(net.forward(X), y)
    net.backward(criterion.backward())
    net.W -= 0.1 * net.dW
    net.b -= 0.1 * net.db
    print(loss)
"""


def test_a_loss_has_its_name_around_another_call_of_that_name(tmp_path: Path) -> None:
    assert run_edited(tmp_path, NESTED).exit_code == 0
    report = run_edited(tmp_path, NESTED, ("g[np.arange(len(self.y)), self.y]", "g[:, self.y]"))
    (blame,) = report.blames
    assert blame.line == 18


TOPICS = """import numpy as np

rng = np.random.default_rng(0)
counts = rng.integers(1, 9, size=(8, 6)).astype(float)
A, B, n = rng.normal(size=(8, 3)), rng.normal(size=(3, 6)), counts.sum()

def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)

for step in range(5):
    theta, beta = softmax(A), softmax(B)
    p = theta @ beta
    loss = -(counts * np.log(p)).sum() / n - 0.02 * np.log(theta).sum() / len(A)
    dp = -counts / p / n
    dtheta, dbeta = dp @ beta.T - 0.02 / theta / len(A), theta.T @ dp
    A -= 2.0 * theta * (dtheta - (theta * dtheta).sum(1, keepdims=True))
    B -= 2.0 * beta * (dbeta - (beta * dbeta).sum(1, keepdims=True))
    print(loss)
"""


def test_data_of_another_sign_are_the_same_samples(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TOPICS)
    assert (report.exit_code, report.examined.cost) == (0, "own")


TWO_PASSES = """import numpy as np
rng = np.random.RandomState(0)
X, Y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
W1, b1, W2, b2 = rng.randn(2, 3), rng.randn(1, 3), rng.randn(3, 1), rng.randn(1, 1)
def sigmoide(z):
    return 1 / (1 + np.exp(-z))
def saida_de(x):
    h = sigmoide(x @ W1 + b1)
    return h, sigmoide(h @ W2 + b2)
def funcao_custo(a, b):
    return a - b
for epoca in range(99):
    erros = []
    for x, y in zip(X, Y):
        erros.append(funcao_custo(y, saida_de(x)[1]))
        h, saida = saida_de(x)
        delta2 = funcao_custo(y, saida) * saida * (1 - saida)
        delta1 = delta2 @ W2.T * h * (1 - h)
        W2 += 0.5 * h.T @ delta2
        b2 += 0.5 * delta2
        W1 += 0.5 * x[:, None] @ delta1
        b1 += 0.5 * delta1
print(np.mean(np.square(erros)))
"""


def test_the_error_that_a_backward_pass_begins_with_is_no_cost(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TWO_PASSES)
    assert (report.exit_code, report.examined.cost) == (0, "quadratic")
    (blame,) = run_edited(tmp_path, TWO_PASSES, ("* h * (1 - h)", "* saida * (1 - saida)")).blames
    assert "delta1 = " in TWO_PASSES.splitlines()[int(blame.line or 0) - 1]


HALF = """import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(30, 4))
y = (X[:, :1] > 0.2).astype(float)
w = rng.normal(size=(4, 1)) * 0.1
for _ in range(9):
    a = 1 / (1 + np.exp(-X @ w))
    cost = -np.sum(y * np.log(a))
    w = w - 0.1 * X.T @ (a - y) / len(X)
"""


def test_a_cost_that_lacks_a_half_is_told_as_another_than_that_of_the_gradients(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, HALF)
    assert report.exit_code == 0, str(report)
    assert "judged by the cross-entropy" in str(report)
    assert "script.py:8), of which these are not the gradients" in str(report)


def test_a_wrong_gradient_beside_half_a_cost_is_told(tmp_path: Path) -> None:
    report = run_edited(tmp_path, HALF, ("(a - y)", "((a - y) * a)"))
    assert report.exit_code == 1, str(report)


NEURON = """import math
import numpy as np
data = [([0.6, 0.8, 0.4], 1), ([0.3, 0.7, 0.6], 0), ([0.8, 0.9, 0.3], 1), ([0.4, 0.7, 0.8], 0)]

def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))

def slope(y):
    return y * (1 - y)

w = np.random.default_rng(0).random(4) * 0.8 - 0.4
for epoch in range(30):
    for given, out in data:
        x = np.array(given + [1.0])
        y = sigmoid(np.dot(x, w))
        err = out - y
        delta = err * slope(np.dot(x, w))
        w += 2.2 * delta * x
"""


def test_of_a_single_output_the_error_is_blamed_and_not_the_rate(tmp_path: Path) -> None:
    report = run_edited(tmp_path, NEURON)
    assert (report.exit_code, report.blames[0].lines[0].line) == (1, 17), str(report)
    assert run_edited(tmp_path, NEURON, ("slope(np.dot(x, w))", "slope(y)")).exit_code == 0


TERSE = """import numpy as np
r = np.random.RandomState(3)
X = r.randn(30, 4); Y = (X[:, :1] > 0.2) * 1.0; w = r.randn(4, 1) * 0.1
E = lambda a: -np.mean(Y * np.log(a) + (1 - Y) * np.log(1 - a))
for k in range(9):
    a = 1 / (1 + np.exp(-X @ w)); print(k, E(a))
    w = w - 0.1 * X.T @ (a - Y) / len(X)
print('loss', E(a), 'wrong', np.sum((a > 0.5) != Y))
"""


def test_a_number_is_a_loss_that_is_called_one_where_its_function_is_printed(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, TERSE).ok
    slip = "(a - Y)", "((a - Y) * a * (1 - a))"
    report = run_edited(tmp_path, TERSE, slip)
    assert [each.line for each in report.blames] == [7], str(report)
    unnamed = run_edited(tmp_path, TERSE, slip, ("'loss'", "'score'"))
    assert unnamed.examined.cost == "quadratic"


BACK = """import numpy as np
rng = np.random.default_rng(7)
def squash(z):
    return 1 / (1 + np.exp(-z))
pairs = [(x, np.array([x.sum() > 0, x.sum() <= 0]) * 1.0) for x in rng.normal(size=(12, 3))]
stack = [rng.normal(size=(4, 3)), rng.normal(size=(2, 4))]
def gradients(stack, x, y):
    if not stack:
        return x - y, []
    z = stack[0] @ x
    above, found = gradients(stack[1:], squash(z), y)
    slope = squash(INPUT) * (1 - squash(INPUT))
    back = above * slope
    return stack[0].T @ back, [np.outer(back, x), *found]
for lap in range(6):
    sums = [np.zeros_like(w) for w in stack]
    for x, y in pairs[lap % 3 * 4:lap % 3 * 4 + 4]:
        sums = [a + b for a, b in zip(sums, gradients(stack, x, y)[1])]
    stack = [w - 0.05 * s for w, s in zip(stack, sums)]
"""


def test_the_output_errors_of_samples_are_told_from_those_of_hidden_layers(tmp_path: Path) -> None:
    """The same line gives both, one after the other for each sample."""
    assert run_edited(tmp_path, BACK, ("INPUT", "z")).exit_code == 0
    report = run_edited(tmp_path, BACK, ("INPUT", "squash(z)"))
    assert [each.line for each in report.blames] == [12], str(report)


WEIGHTED = """import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(30, 4))
y = (X[:, 0] > 0.5).astype(float)
w = rng.normal(size=4) * 0.1

def weighted_bce(z, y):
    soft = np.logaddexp(0, z)
    return np.mean(3.0 * y * (soft - z) + (1 - y) * soft)

for _ in range(9):
    g, losses = np.zeros(4), []
    for at in (0, 10, 20):
        x, t = X[at : at + 10], y[at : at + 10]
        z = x @ w
        losses.append(weighted_bce(z, t))
        e = np.where(t == 1, 3.0, 1.0) * (1 / (1 + np.exp(-z)) - t)
        g += x.T @ e / len(x)
    w = w - 0.1 * g / 3
"""


def test_an_error_of_no_known_cost_beside_a_loss_of_another_is_not_called_right(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, WEIGHTED)
    assert (report.exit_code, report.examined.cost) == (0, "own")
    with pytest.raises(UnjudgedError, match="not of the loss that it computes"):
        run_edited(tmp_path, WEIGHTED, ("np.where(t == 1,", "np.where(t == 0,"))


def test_what_an_array_of_constants_multiplies_is_an_output_of_some_cost_or_none() -> None:
    trace, mask = Trace(), np.array([[1.0, 0.0], [1.0, 1.0]])
    z = trace.argument(trace.given(np.array([[0.5, -1.0], [0.25, 2.0]]), "z"))
    output = trace.node("multiply", np.multiply, (z, mask), {}, z.value * mask)
    assert cost(trace, "poisson", [(output, np.eye(2))]) is None


def test_a_number_of_many_terms_is_told_by_names_of_these() -> None:
    trace = Trace()
    total = term = trace.given(np.array(2.0), "term")[()]
    for _ in range(1200):
        total = total + term
    assert by_name(trace.argument(total)) == 0


CHI = """import numpy as np
rng = np.random.default_rng(8)
x = rng.normal(size=(25, 2))
y = np.sin(x[:, :1])
sig = 0.1 + rng.random((25, 1))
U, V = rng.normal(size=(2, 5)), rng.normal(size=(5, 1))
for _ in range(60):
    h = np.tanh(x @ U)
    res = h @ V - y
    chi2 = np.sum((res / sig) ** 2)
    d = 2 * res / sig ** 2
    dU = x.T @ (d @ V.T * (1 - h ** 2))
    V -= 1e-4 * h.T @ d
    U -= 1e-4 * dU
print(chi2)
"""


def test_a_sum_of_weighted_squares_says_what_the_gradients_are_of(tmp_path: Path) -> None:
    assert run_edited(tmp_path, CHI).exit_code == 0
    (blame,) = run_edited(tmp_path, CHI, ("2 * res / sig ** 2", "2 * res")).blames
    assert blame.line == 11


RIVALS = """import numpy as np
rng = np.random.default_rng(2)
A, V, u = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=(2, 1))
def squash(s):
    return 1 / (1 + np.exp(-s))
for turn in range(6):
    true, z = rng.normal(size=(9, 2)) + 1, rng.normal(size=(9, 3))
    h = np.tanh(z @ A)
    made = h @ V
    yes, no = true @ u, made @ u
    cost_u = np.logaddexp(0, -yes).mean() + np.logaddexp(0, no).mean()
    u -= 0.1 * (true.T @ (squash(yes) - 1) + made.T @ squash(no)) / 9
    no = made @ u
    cost_made = np.logaddexp(0, -no).mean()
    e = (squash(no) - 1) / 9
    back = e @ u.T
    dh = back @ V.T * (1 - h ** 2)
    V -= 0.2 * h.T @ back
    A -= 0.2 * z.T @ dh
"""


def test_a_function_that_right_gradients_of_another_loss_use_is_right(tmp_path: Path) -> None:
    assert run_edited(tmp_path, RIVALS).exit_code == 0
    wrong = "e = squash(no) / 9"
    (blame,) = run_edited(tmp_path, RIVALS, ("e = (squash(no) - 1) / 9", wrong)).blames
    assert {*blame.gradients} == {"A", "V"}
    assert (
        wrong
        in RIVALS.replace("(squash(no) - 1)", "squash(no)").splitlines()[int(blame.line or 0) - 1]
    )


LISTED = """import numpy as np
rng = np.random.default_rng(5)
X, y, w = rng.normal(size=(30, 3)), rng.normal(size=30), rng.normal(size=3)
costs, bound = [], 0.4
for _ in range(9):
    r = X @ w - y
    near = np.abs(r) <= bound
    rows = np.where(near, r ** 2 / 2, bound * (np.abs(r) - bound / 2))
    costs.append(rows.mean())
    d = np.where(near, r, bound * np.sign(r))
    g = X.T @ d / 30
    w = w - 0.1 * g
"""


def test_a_number_is_a_loss_that_is_appended_to_a_list_of_losses(tmp_path: Path) -> None:
    assert run_edited(tmp_path, LISTED).exit_code == 0
    (blame,) = run_edited(tmp_path, LISTED, ("bound * np.sign", "np.sign")).blames
    assert blame.line == 10


SHARES = """import numpy as np
rng = np.random.default_rng(3)
X, T = rng.normal(size=(12, 3)), np.eye(3)[rng.integers(0, 3, 12)]
n = len(T)
A, B = rng.normal(size=(3, 4)), rng.normal(size=(4, 3))
for step in range(9):
    h = np.tanh(X @ A)
    q = np.exp(h @ B)
    q /= q.sum(1, keepdims=True)
    d = q / n - T / n
    dA = X.T @ (d @ B.T * (1 - h ** 2))
    B -= 0.5 * h.T @ d
    A -= 0.5 * dA
"""


@pytest.mark.parametrize(
    ("edit", "lines"),
    [(("", ""), []), (("1 - h ** 2", "1 + h ** 2"), [11])],
    ids=["right", "wrong"],
)
def test_an_output_and_its_target_may_both_be_divided_by_the_samples(
    edit: tuple[str, str], lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, SHARES, *([edit] if lines else []))
    assert [each.line for each in report.blames] == lines, str(report)


COUNTS = """import math
import numpy as np
ln_gamma = np.vectorize(math.lgamma)
def psi(x):
    s = 0.0
    for k in range(8):
        s = s - 1 / (x + k)
    z = x + 8
    return s + np.log(z) - 0.5 / z - (1 / 12 - (1 / 120 - 1 / (252 * z**2)) / z**2) / z**2
y = np.array([3.0, 1.0, 4.0, 0.0, 5.0, 2.0])
q = np.array([0.5, 0.25])
for step in range(9):
    mu, r = np.exp(q[0]), np.exp(q[1])
    ll = ln_gamma(y + r) - ln_gamma(r) + r * np.log(r) + y * np.log(mu) - (y + r) * np.log(r + mu)
    loss = -np.mean(ll)
    dr = psi(y + r) - psi(r) + np.log(r) + 1 - np.log(r + mu) - (y + r) / (r + mu)
    g = np.array([np.sum((y - mu) * r / (r + mu)), np.sum(dr) * r])
    q = q + 0.2 * g / len(y)
"""


@pytest.mark.parametrize(
    ("edit", "code"), [(("", ""), 0), (("psi(y + r) - psi(r)", "psi(y + r) + psi(r)"), 1)]
)
def test_a_derivative_by_a_series_is_right_in_floats(
    edit: tuple[str, str], code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, COUNTS, *([edit] if code else []))
    assert report.exit_code == code, str(report)
