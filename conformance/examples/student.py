"""A network with one hidden layer, in rows. One line of `backward` is wrong."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class TwoLayerNet:
    def __init__(self, n_inputs, n_hidden, n_outputs):
        rng = np.random.default_rng(1)
        self.W1 = rng.normal(scale=0.5, size=(n_inputs, n_hidden))
        self.b1 = np.zeros(n_hidden)
        self.W2 = rng.normal(scale=0.5, size=(n_hidden, n_outputs))
        self.b2 = np.zeros(n_outputs)

    def forward(self, X):
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = sigmoid(self.Z1)
        self.Z2 = self.A1 @ self.W2 + self.b2
        self.A2 = sigmoid(self.Z2)
        return self.A2

    def loss(self, X, Y):
        return 0.5 * np.sum((self.forward(X) - Y) ** 2) / len(X)

    def backward(self, X, Y):
        m = len(X)
        dZ2 = (self.A2 - Y) * self.A2 * (1 - self.A2)
        dZ1 = dZ2 @ self.W2.T
        dW2 = self.A1.T @ dZ2 / m
        db2 = dZ2.sum(axis=0) / m
        dW1 = X.T @ dZ1 / m
        db1 = dZ1.sum(axis=0) / m
        return dW1, db1, dW2, db2

    def train(self, X, Y, epochs=1000, lr=0.5):
        for _ in range(epochs):
            self.forward(X)
            dW1, db1, dW2, db2 = self.backward(X, Y)
            self.W1 -= lr * dW1
            self.b1 -= lr * db1
            self.W2 -= lr * dW2
            self.b2 -= lr * db2
