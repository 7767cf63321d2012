import numpy as np


class LinearUnit:
    def __init__(self, eta=0.01, epochs=40, seed=3):
        self.eta, self.epochs, self.seed = eta, epochs, seed

    def fit(self, X, y):
        draw = np.random.RandomState(self.seed)
        self.w_ = draw.normal(scale=0.02, size=1 + X.shape[1])
        for _ in range(self.epochs):
            misses = y - self.net_input(X)
            self.w_[1:] += self.eta * X.T @ misses
            self.w_[0] += self.eta * misses.sum()
        return self

    def net_input(self, X):
        return X @ self.w_[1:] + self.w_[0]

    def predict(self, X):
        return np.where(self.net_input(X) > 0, 1, -1)
