import numpy as np


class Layer:
    def __init__(self):
        self.params, self.grads = {}, {}

    def zero_grad(self):
        for each in self.grads.values():
            each.fill(0)


class Dense(Layer):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.params["w"] = np.random.randn(n_in, n_out)
        self.params["b"] = np.zeros(n_out)
        self.grads["w"] = np.zeros((n_in, n_out))

    def forward(self, x):
        self.x = x
        return x @ self.params["w"] + self.params["b"]

    def backward(self, grad):
        self.grads["b"] = np.sum(grad, axis=0)
        self.grads["w"] += self.x.T @ grad
        return grad @ self.params["w"].T
