import numpy as np


class Classifier:
    def __init__(self, rate=0.01, rounds=500):
        self.rate, self.rounds = rate, rounds
        self.weights, self.bias = None, None

    def fit(self, X, y):
        n, columns = X.shape
        self.weights, self.bias = np.zeros(columns), 0
        for _ in range(self.rounds):
            p = self.sigmoid(X @ self.weights + self.bias)
            self.weights -= self.rate * X.T @ (p - y) / n
            self.bias -= self.rate * np.sum(p - y) / n

    def sigmoid(self, z):
        return 1 / (1 + np.exp(-z))

    def predict(self, X):
        return (self.sigmoid(X @ self.weights + self.bias) > 0.5).astype(int)
