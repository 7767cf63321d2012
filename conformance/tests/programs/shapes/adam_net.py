import numpy as np

class AdamNet:
    def __init__(self, n_in, n_hidden, n_out, lr=0.001):
        self.W1 = np.random.randn(n_in, n_hidden) * 0.1
        self.b1 = np.zeros(n_hidden)
        self.W2 = np.random.randn(n_hidden, n_out) * 0.1
        self.b2 = np.zeros(n_out)
        self.lr, self.t = lr, 0
        self.m = {k: 0 for k in ("W1", "b1", "W2", "b2")}
        self.v = {k: 0 for k in ("W1", "b1", "W2", "b2")}

    def predict(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2

    def fit(self, X, y, epochs=100, beta1=0.9, beta2=0.999, eps=1e-8):
        for _ in range(epochs):
            out = self.predict(X)
            d = 2 * (out - y) / len(X)
            grads = {"W2": self.h.T @ d, "b2": d.sum(0)}
            dh = d @ self.W2.T * (1 - self.h ** 2)
            grads["W1"], grads["b1"] = X.T @ dh, dh.sum(0)
            self.t += 1
            for k, g in grads.items():
                self.m[k] = beta1 * self.m[k] + (1 - beta1) * g
                self.v[k] = beta2 * self.v[k] + (1 - beta2) * g ** 2
                mhat = self.m[k] / (1 - beta1 ** self.t)
                vhat = self.v[k] / (1 - beta2 ** self.t)
                setattr(self, k, getattr(self, k) - self.lr * mhat / (np.sqrt(vhat) + eps))
