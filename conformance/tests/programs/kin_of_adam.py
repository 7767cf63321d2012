"""Optimisers that divide by a root, beside Adam; all are right."""

import numpy as np


class AMSGrad:
    def __init__(self, lr=0.01, beta1=0.9, beta2=0.99, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m, self.v, self.vmax, self.t = {}, {}, {}, 0

    def update(self, params, grads):
        self.t += 1
        for k in params:
            if k not in self.m:
                self.m[k] = np.zeros_like(params[k])
                self.v[k] = np.zeros_like(params[k])
                self.vmax[k] = np.zeros_like(params[k])
            self.m[k] = self.beta1 * self.m[k] + (1 - self.beta1) * grads[k]
            self.v[k] = self.beta2 * self.v[k] + (1 - self.beta2) * grads[k] ** 2
            self.vmax[k] = np.maximum(self.v[k], self.vmax[k])
            params[k] -= self.lr * self.m[k] / (np.sqrt(self.vmax[k]) + self.eps)


class AMSGradCorrected:
    def __init__(self, params, lr=0.01, betas=(0.9, 0.999), eps=1e-8):
        self.params, self.lr, (self.b1, self.b2), self.eps, self.t = params, lr, betas, eps, 0
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self.v_hat = [np.zeros_like(p) for p in params]

    def step(self, grads):
        self.t += 1
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.m[i] = self.b1 * self.m[i] + (1 - self.b1) * g
            self.v[i] = self.b2 * self.v[i] + (1 - self.b2) * g * g
            m_hat = self.m[i] / (1 - self.b1**self.t)
            self.v_hat[i] = np.maximum(self.v_hat[i], self.v[i] / (1 - self.b2**self.t))
            p -= self.lr * m_hat / (np.sqrt(self.v_hat[i]) + self.eps)


class AdaDelta:
    def __init__(self, rho=0.95, eps=1e-6):
        self.rho, self.eps = rho, eps
        self.Eg, self.Ed = {}, {}

    def update(self, params, grads):
        for k in params:
            g = grads[k]
            Eg = self.rho * self.Eg.get(k, np.zeros_like(g)) + (1 - self.rho) * g * g
            Ed = self.Ed.get(k, np.zeros_like(g))
            dx = -np.sqrt(Ed + self.eps) / np.sqrt(Eg + self.eps) * g
            self.Eg[k] = Eg
            self.Ed[k] = self.rho * Ed + (1 - self.rho) * dx * dx
            params[k] += dx


class AdaMax:
    def __init__(self, params, lr=0.002, beta1=0.9, beta2=0.999):
        self.params, self.lr, self.beta1, self.beta2, self.t = params, lr, beta1, beta2, 0
        self.m = [np.zeros_like(p) for p in params]
        self.u = [np.zeros_like(p) for p in params]

    def step(self, grads):
        self.t += 1
        for i, g in enumerate(grads):
            self.m[i] = self.beta1 * self.m[i] + (1 - self.beta1) * g
            self.u[i] = np.maximum(self.beta2 * self.u[i], np.abs(g))
            self.params[i] -= self.lr / (1 - self.beta1**self.t) * self.m[i] / (self.u[i] + 1e-8)


class AdaBelief:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps, self.t = lr, beta1, beta2, eps, 0
        self.m, self.s = {}, {}

    def step(self, params, grads):
        self.t += 1
        for k, g in grads.items():
            self.m[k] = self.beta1 * self.m.get(k, 0) + (1 - self.beta1) * g
            diff = g - self.m[k]
            self.s[k] = self.beta2 * self.s.get(k, 0) + (1 - self.beta2) * diff**2 + self.eps
            m_hat = self.m[k] / (1 - self.beta1**self.t)
            s_hat = self.s[k] / (1 - self.beta2**self.t)
            params[k] -= self.lr * m_hat / (np.sqrt(s_hat) + self.eps)


class Nadam:
    def __init__(self, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps, self.t = lr, beta1, beta2, eps, 0
        self.m, self.v = {}, {}

    def step(self, params, grads):
        self.t += 1
        for k, g in grads.items():
            self.m[k] = self.beta1 * self.m.get(k, 0) + (1 - self.beta1) * g
            self.v[k] = self.beta2 * self.v.get(k, 0) + (1 - self.beta2) * g**2
            m_hat = self.m[k] / (1 - self.beta1**self.t)
            v_hat = self.v[k] / (1 - self.beta2**self.t)
            m_bar = self.beta1 * m_hat + (1 - self.beta1) * g / (1 - self.beta1**self.t)
            params[k] -= self.lr / (np.sqrt(v_hat) + self.eps) * m_bar
