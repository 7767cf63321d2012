import numpy as np
from abc import ABC, abstractmethod

class Module(ABC):
    @abstractmethod
    def __call__(self, x): ...
    @abstractmethod
    def backward(self, g): ...
    def parameters(self): return []

class Linear(Module):
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out); self.b = np.random.randn(n_out)
        self.gw = None; self.gb = None
    def __call__(self, x):
        self.x = x
        return x @ self.w + self.b
    def backward(self, g):
        self.gw = self.x.T @ g; self.gb = g.sum(0)
        return g @ self.w.T
    def parameters(self): return [(self.w, self.gw), (self.b, self.gb)]

class Swish(Module):
    def __call__(self, x):
        self.x = x; self.s = 1 / (1 + np.exp(-x))
        return x * self.s
    def backward(self, g):
        return g * (self.s + self.x * self.s * (1 - self.s))

class Sequential(Module):
    def __init__(self, *layers): self.layers = layers
    def __call__(self, x):
        for l in self.layers: x = l(x)
        return x
    def backward(self, g):
        for l in reversed(self.layers): g = l.backward(g)
        return g
    def parameters(self): return [p for l in self.layers for p in l.parameters()]

class MSE:
    def __call__(self, p, t):
        self.d = p - t
        return np.mean(self.d ** 2)
    def backward(self):
        return 2 * self.d / self.d.size
