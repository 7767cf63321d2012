import math
import random


def matrix(rows, columns):
    return [[random.uniform(-0.5, 0.5) for _ in range(columns)] for _ in range(rows)]


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


def slope(y):
    return y * (1.0 - y)


class Net:
    def __init__(self, ni, nh, no):
        self.ni, self.nh, self.no = ni + 1, nh, no  # one more for the bias
        self.ai = [1.0] * self.ni
        self.ah = [1.0] * self.nh
        self.ao = [1.0] * self.no
        self.wi = matrix(self.ni, self.nh)
        self.wo = matrix(self.nh, self.no)
        self.ci = [[0.0] * self.nh for _ in range(self.ni)]  # the last changes
        self.co = [[0.0] * self.no for _ in range(self.nh)]

    def update(self, inputs):
        if len(inputs) != self.ni - 1:
            raise ValueError("wrong number of inputs")
        for i in range(self.ni - 1):
            self.ai[i] = inputs[i]
        for j in range(self.nh):
            total = 0.0
            for i in range(self.ni):
                total = total + self.ai[i] * self.wi[i][j]
            self.ah[j] = sigmoid(total)
        for k in range(self.no):
            total = 0.0
            for j in range(self.nh):
                total = total + self.ah[j] * self.wo[j][k]
            self.ao[k] = sigmoid(total)
        return self.ao[:]

    def backPropagate(self, targets, N, M):
        if len(targets) != self.no:
            raise ValueError("wrong number of target values")
        output_deltas = [0.0] * self.no
        for k in range(self.no):
            output_deltas[k] = slope(self.ao[k]) * (targets[k] - self.ao[k])
        hidden_deltas = [0.0] * self.nh
        for j in range(self.nh):
            error = 0.0
            for k in range(self.no):
                error = error + output_deltas[k] * self.wo[j][k]
            hidden_deltas[j] = slope(self.ah[j]) * error
        for j in range(self.nh):
            for k in range(self.no):
                change = output_deltas[k] * self.ah[j]
                self.wo[j][k] = self.wo[j][k] + N * change + M * self.co[j][k]
                self.co[j][k] = change
        for i in range(self.ni):
            for j in range(self.nh):
                change = hidden_deltas[j] * self.ai[i]
                self.wi[i][j] = self.wi[i][j] + N * change + M * self.ci[i][j]
                self.ci[i][j] = change
        error = 0.0
        for k in range(len(targets)):
            error = error + 0.5 * (targets[k] - self.ao[k]) ** 2
        return error

    def train(self, patterns, iterations=1000, N=0.5, M=0.1):
        for _ in range(iterations):
            for inputs, targets in patterns:
                self.update(inputs)
                self.backPropagate(targets, N, M)
