import numpy as np


class Layer:
    def __init__(self, n_in, n_out, activation):
        self.W = np.random.randn(n_out, n_in) * np.sqrt(1 / n_in)
        self.b = np.zeros((n_out, 1))
        self.activation = activation

    def forward(self, a):
        self.a_prev = a
        self.z = self.W @ a + self.b
        if self.activation == "relu":
            self.a = np.maximum(self.z, 0)
        else:
            self.a = 1 / (1 + np.exp(-self.z))
        return self.a

    def backward(self, da):
        m = da.shape[1]
        if self.activation == "relu":
            dz = da * (self.z > 0)
        else:
            dz = da * self.a * (1 - self.a)
        self.dW = dz @ self.a_prev.T / m
        self.db = dz.sum(axis=1, keepdims=True) / m
        return self.W.T @ dz

    def update(self, lr):
        self.W -= lr * self.dW
        self.b -= lr * self.db


class Network:
    def __init__(self, sizes):
        self.layers = []
        for i in range(len(sizes) - 1):
            kind = "sigmoid" if i == len(sizes) - 2 else "relu"
            self.layers.append(Layer(sizes[i], sizes[i + 1], kind))

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def cost(self, output, y):
        return np.mean(np.sum((output - y) ** 2, axis=0))

    def backward(self, output, y):
        grad = 2 * (output - y)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)

    def update(self, lr):
        for layer in self.layers:
            layer.update(lr)

    def train(self, x, y, epochs, lr):
        for _ in range(epochs):
            output = self.forward(x)
            self.backward(output, y)
            self.update(lr)
