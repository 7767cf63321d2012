import numpy as np

class MLP:
    def __init__(self, n_in, n_h, n_out, wd=1e-2):
        self.wd = wd
        self.W1 = np.random.randn(n_in, n_h) * 0.3
        self.b1 = np.zeros(n_h)
        self.W2 = np.random.randn(n_h, n_out) * 0.3
        self.b2 = np.zeros(n_out)

    def forward(self, X):
        self.h = np.maximum(0, X @ self.W1 + self.b1)
        s = self.h @ self.W2 + self.b2
        e = np.exp(s - s.max(1, keepdims=True))
        self.p = e / e.sum(1, keepdims=True)
        return self.p

    def loss(self, X, y):
        p = self.forward(X)
        return -np.log(p[np.arange(len(y)), y]).mean()

    def step(self, X, y, lr=0.1):
        p = self.forward(X)
        d = p.copy()
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        dW2 = self.h.T @ d
        db2 = d.sum(0)
        dh = d @ self.W2.T
        dh[self.h <= 0] = 0
        dW1 = X.T @ dh
        db1 = dh.sum(0)
        self.W1 -= lr * (dW1 + self.wd * self.W1)
        self.b1 -= lr * db1
        self.W2 -= lr * (dW2 + self.wd * self.W2)
        self.b2 -= lr * db2
