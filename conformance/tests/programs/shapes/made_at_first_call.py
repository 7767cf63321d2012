import numpy as np


class Linear:
    def __init__(self, units):
        self.units = units
        self.weight = None

    def forward(self, inputs):
        if self.weight is None:
            self.weight = 0.1 * np.random.randn(inputs.shape[1], self.units)
            self.bias = np.zeros(self.units)
        self.inputs = inputs
        return inputs @ self.weight + self.bias

    def backward(self, activation_prev, last_derivative, lr=0.1):
        before = last_derivative @ self.weight.T
        self.weight -= lr * activation_prev.T @ last_derivative
        self.bias -= lr * last_derivative.sum(axis=0)
        return before
