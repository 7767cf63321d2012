import numpy as np


class Affine:
    def __init__(self, inputs, outputs):
        self.matrix = np.random.randn(outputs, inputs) * 0.3
        self.offset = np.random.randn(outputs, 1) * 0.1

    def forward(self, given):
        self.given = given
        return np.dot(self.matrix, given) + self.offset

    def backward(self, gradient, rate):
        by_matrix = np.dot(gradient, self.given.T)
        by_given = np.dot(self.matrix.T, gradient)
        self.matrix -= rate * by_matrix
        self.offset -= rate * gradient
        return by_given


class Tanh:
    def forward(self, given):
        self.given = given
        return np.tanh(given)

    def backward(self, gradient, rate):
        return gradient * (1 - np.tanh(self.given) ** 2)
