import numpy as np


class Chances:
    def __init__(self, input_len, nodes):
        self.weights = np.random.randn(input_len, nodes) / input_len
        self.biases = np.zeros(nodes)

    def forward(self, inputs):
        self.shape = inputs.shape
        self.flat = inputs.flatten()
        e = np.exp(self.flat @ self.weights + self.biases)
        self.p = e / e.sum()
        return self.p

    def backprop(self, d_out, learn_rate):
        d_totals = self.p * (d_out - (d_out * self.p).sum())
        d_inputs = self.weights @ d_totals
        self.weights -= learn_rate * np.outer(self.flat, d_totals)
        self.biases -= learn_rate * d_totals
        return d_inputs.reshape(self.shape)


last = Chances(13 * 13 * 8, 10)
