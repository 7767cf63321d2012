import numpy as np


def logistic(z):
    return 1 / (1 + np.exp(-z))


class BackpropNet(object):
    """One hidden layer, the bias is column 0 of each weight matrix, one sample at a time."""

    def __init__(self, n_input, n_hidden, n_output, eta=0.3):
        self.w_ih = np.random.uniform(-0.5, 0.5, (n_hidden, n_input + 1))
        self.w_ho = np.random.uniform(-0.5, 0.5, (n_output, n_hidden + 1))
        self.eta = eta

    def predict(self, x):
        self.x = np.concatenate(([1.0], x))
        self.h = np.concatenate(([1.0], logistic(self.w_ih @ self.x)))
        self.o = logistic(self.w_ho @ self.h)
        return self.o

    def learn(self, x, target):
        o = self.predict(x)
        delta_o = (o - target) * o * (1 - o)
        h = self.h[1:]
        delta_h = (self.w_ho[:, 1:].T @ delta_o) * h * (1 - h)
        self.w_ho -= self.eta * np.outer(delta_o, self.h)
        self.w_ih -= self.eta * np.outer(delta_h, self.x)
        return 0.5 * np.sum((o - target) ** 2)
