"""A sigmoid network, mini-batches of column vectors, one sample at a time."""
import random

import numpy as np


class SigmoidNet:
    def __init__(self, widths):
        self.widths = widths
        self.shifts = [np.random.randn(n, 1) for n in widths[1:]]
        self.matrices = [np.random.randn(n, k) for k, n in zip(widths, widths[1:])]

    def run(self, column):
        for matrix, shift in zip(self.matrices, self.shifts):
            column = sigmoid(matrix.dot(column) + shift)
        return column

    def learn(self, samples, epochs, size, rate):
        for epoch in range(epochs):
            random.shuffle(samples)
            for start in range(0, len(samples), size):
                self.step(samples[start:start + size], rate)
            print("epoch", epoch, "done")

    def step(self, batch, rate):
        sum_shifts = [np.zeros(s.shape) for s in self.shifts]
        sum_matrices = [np.zeros(m.shape) for m in self.matrices]
        for column, target in batch:
            by_shift, by_matrix = self.gradients(column, target)
            sum_shifts = [total + each for total, each in zip(sum_shifts, by_shift)]
            sum_matrices = [total + each for total, each in zip(sum_matrices, by_matrix)]
        self.matrices = [m - rate / len(batch) * g for m, g in zip(self.matrices, sum_matrices)]
        self.shifts = [s - rate / len(batch) * g for s, g in zip(self.shifts, sum_shifts)]

    def gradients(self, column, target):
        by_shift, by_matrix = [], []
        outputs, inputs = [column], []
        for matrix, shift in zip(self.matrices, self.shifts):
            inputs.append(matrix.dot(outputs[-1]) + shift)
            outputs.append(sigmoid(inputs[-1]))
        error = self.difference(outputs[-1], target) * slope(inputs[-1])
        for layer in range(len(self.matrices) - 1, -1, -1):
            by_shift.insert(0, error)
            by_matrix.insert(0, error.dot(outputs[layer].T))
            if layer:
                error = self.matrices[layer].T.dot(error) * slope(inputs[layer - 1])
        return by_shift, by_matrix

    def difference(self, output, target):
        return output - target


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


if __name__ == "__main__":
    columns = [np.random.rand(6, 1) for _ in range(40)]
    samples = [(c, np.eye(3)[:, [int(3 * c[0, 0])]]) for c in columns]
    SigmoidNet([6, 5, 4, 3]).learn(samples, 30, 8, 3.0)
