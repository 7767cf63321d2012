import numpy as np


class Layer:
    def __init__(self, n_in, n_out):
        self.w, self.m, self.v, self.t = np.random.randn(n_in, n_out), 0, 0, 0

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, d, rate):
        dw, dx = self.x.T @ d, d @ self.w.T
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * dw
        self.v = 0.999 * self.v + 0.001 * dw**2
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
        self.w -= rate * m / (np.sqrt(v) + 1e-8)
        return dx


np.random.seed(0)
x, y = np.random.randn(12, 4), np.random.randn(12, 2)
first, second = Layer(4, 3), Layer(3, 2)
for step in range(9):
    h = np.tanh(first.forward(x))
    miss = second.forward(h) - y
    print(np.mean(miss**2))
    back = second.backward(2 * miss / miss.size, 0.01)
    first.backward(back * (1 - h**2), 0.01)
