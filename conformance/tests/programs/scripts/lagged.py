import numpy as np

rng = np.random.default_rng(2)


class Net:
    def __init__(self, n_in, n_mid, n_out):
        self.low = rng.uniform(-0.3, 0.3, (n_in + 1, n_mid))
        self.high = rng.uniform(-1, 1, (n_mid, n_out))
        self.last_low, self.last_high = np.zeros_like(self.low), np.zeros_like(self.high)

    def ahead(self, inputs):
        self.x = np.append(inputs, 1.0)
        self.mid = np.tanh(self.x @ self.low)
        self.out = np.tanh(self.mid @ self.high)

    def back(self, targets, rate, inertia):
        out_delta = (1 - self.out**2) * (targets - self.out)
        mid_delta = (1 - self.mid**2) * (self.high @ out_delta)
        change = np.outer(self.mid, out_delta)
        self.high += rate * change + inertia * self.last_high
        self.last_high = change
        change = np.outer(self.x, mid_delta)
        self.low += rate * change + inertia * self.last_low
        self.last_low = change
        return 0.5 * np.sum((targets - self.out) ** 2)


net = Net(2, 3, 1)
for turn in range(200):
    error = 0.0
    for pair, answer in ([[0, 0], 0], [[0, 1], 1], [[1, 0], 1], [[1, 1], 0]):
        net.ahead(pair)
        error += net.back(np.array([answer]), 0.4, 0.1)
