import numpy as np


class Moments:
    def __init__(self, lr=0.002, b1=0.9, b2=0.99):
        self.lr, self.b1, self.b2 = lr, b1, b2
        self.mean = self.square = self.t = 0

    def moved(self, value, grad):
        self.t += 1
        self.mean = self.b1 * self.mean + (1 - self.b1) * grad
        self.square = self.b2 * self.square + (1 - self.b2) * grad * grad
        up = self.mean / (1 - self.b1**self.t)
        down = np.sqrt(self.square / (1 - self.b2**self.t)) + 1e-8
        return value - self.lr * up / down


class Full:
    def __init__(self, n_in, n_out, method=Moments):
        self.W = np.random.randn(n_in, n_out)
        self.c = np.random.randn(n_out)
        self.for_W, self.for_c = method(), method()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.c

    def backward(self, grad):
        below = grad @ self.W.T
        self.W = self.for_W.moved(self.W, self.x.T @ grad)
        self.c = self.for_c.moved(self.c, grad.sum(axis=0))
        return below
