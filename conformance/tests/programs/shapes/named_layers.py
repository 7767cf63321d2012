import numpy as np


class Softmax:
    def __init__(self, input_len=1000, nodes=10):
        self.weights = np.random.randn(input_len, nodes) / input_len
        self.biases = np.zeros(nodes)

    def forward_softmax(self, inputs):
        self.shape, self.flat = inputs.shape, inputs.flatten()
        self.e = np.exp(self.flat @ self.weights + self.biases)
        return self.e / self.e.sum()

    def backprop_softmax(self, d_out, learn_rate):
        for i, gradient in enumerate(d_out):
            if gradient == 0:
                continue
            total = self.e.sum()
            d_t = -self.e[i] * self.e / total**2
            d_t[i] = self.e[i] * (total - self.e[i]) / total**2
            d_t = gradient * d_t
            d_inputs = self.weights @ d_t
            self.weights -= learn_rate * np.outer(self.flat, d_t)
            self.biases -= learn_rate * d_t
            return d_inputs.reshape(self.shape)


class Square:
    def forward_square(self, inputs):
        self.inputs = inputs
        return inputs**2

    def back_square(self, d_out):
        return 2 * self.inputs * d_out
