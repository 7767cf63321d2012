"""Optimisers of rules that are not known here, or that are known by another form; all are right."""

import numpy as np


class Nesterov:
    def __init__(self, params, lr=0.01, momentum=0.9):
        self.params, self.lr, self.mu = params, lr, momentum
        self.v = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for i, (p, g) in enumerate(zip(self.params, grads)):
            prev = self.v[i].copy()
            self.v[i] = self.mu * self.v[i] - self.lr * g
            p += -self.mu * prev + (1 + self.mu) * self.v[i]


class AMSGrad:
    def __init__(self, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
        self.lr, self.b1, self.b2, self.eps = lr, b1, b2, eps
        self.m, self.v, self.vmax = {}, {}, {}

    def update(self, params, grads):
        for k in params:
            m = self.m.get(k, 0) * self.b1 + (1 - self.b1) * grads[k]
            v = self.v.get(k, 0) * self.b2 + (1 - self.b2) * grads[k] ** 2
            self.m[k], self.v[k] = m, v
            self.vmax[k] = np.maximum(self.vmax.get(k, 0), v)
            params[k] -= self.lr * m / (np.sqrt(self.vmax[k]) + self.eps)


class Clipped:
    def __init__(self, lr=0.1, limit=5.0):
        self.lr, self.limit = lr, limit

    def step(self, params, grads):
        norm = np.sqrt(sum((g**2).sum() for g in grads.values()))
        scale = min(1.0, self.limit / (norm + 1e-6))
        for k in params:
            params[k] -= self.lr * scale * grads[k]


class Rprop:
    def __init__(self, lr=0.1):
        self.lr = lr

    def step(self, params, grads):
        for k in params:
            params[k] -= self.lr * np.sign(grads[k])


class Scheduled:
    def __init__(self, lr=0.1, decay=0.01):
        self.lr0, self.decay, self.t = lr, decay, 0

    def step(self, layers):
        lr = self.lr0 / (1 + self.decay * self.t)
        for layer in layers:
            layer.W -= lr * layer.dW
            layer.b -= lr * layer.db
        self.t += 1


class Lion:
    def __init__(self, lr=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.1):
        self.lr, self.beta1, self.beta2, self.wd = lr, beta1, beta2, weight_decay
        self.m = {}

    def step(self, params, grads):
        for k, g in grads.items():
            m = self.m.setdefault(k, np.zeros_like(g))
            u = np.sign(self.beta1 * m + (1 - self.beta1) * g)
            params[k] -= self.lr * (u + self.wd * params[k])
            self.m[k] = self.beta2 * m + (1 - self.beta2) * g


class GradientAscent:
    """For policies: moves up the reward."""

    def __init__(self, lr=0.01):
        self.lr = lr

    def step(self, params, grads):
        for k in params:
            params[k] += self.lr * grads[k]


class L2SGD:
    def __init__(self, lr=0.1, lam=0.01):
        self.lr, self.lam = lr, lam

    def step(self, params, grads):
        for k in params:
            g = grads[k]
            if k.startswith("W"):
                g = g + self.lam * params[k]
            params[k] -= self.lr * g


class Accumulating:
    def __init__(self, lr=0.1, every=2):
        self.lr, self.every, self.n, self.acc = lr, every, 0, {}

    def step(self, params, grads):
        self.n += 1
        for k in params:
            self.acc[k] = self.acc.get(k, 0) + grads[k]
        if self.n % self.every == 0:
            for k in params:
                params[k] -= self.lr * self.acc[k] / self.every
            self.acc = {}


class Adadelta:
    def __init__(self, rho=0.95, eps=1e-6):
        self.rho, self.eps, self.eg, self.ex = rho, eps, {}, {}

    def step(self, params, grads):
        for k in params:
            self.eg[k] = self.rho * self.eg.get(k, 0) + (1 - self.rho) * grads[k] ** 2
            dx = -np.sqrt(self.ex.get(k, 0) + self.eps) / np.sqrt(self.eg[k] + self.eps) * grads[k]
            self.ex[k] = self.rho * self.ex.get(k, 0) + (1 - self.rho) * dx**2
            params[k] += dx


class Newton:
    def step(self, params, grads, hess=None):
        for k in params:
            params[k] -= grads[k]


class EMA:
    """Averages of the parameters."""

    def __init__(self, decay=0.99):
        self.decay, self.shadow = decay, {}

    def update(self, params):
        for k in params:
            self.shadow[k] = self.decay * self.shadow.get(k, params[k]) + (1 - self.decay) * params[k]


class Scaler:
    def fit(self, X):
        self.mean, self.std = X.mean(0), X.std(0)
        return self
