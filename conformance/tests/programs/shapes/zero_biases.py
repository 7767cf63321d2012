import math
import random

class Tiny:
    """No NumPy at all: lists, one sample at a time."""
    def __init__(self, n_input, n_hidden, n_output):
        random.seed(5)
        self.wh = [[random.uniform(-1, 1) for _ in range(n_input)] for _ in range(n_hidden)]
        self.bh = [0.0] * n_hidden
        self.wo = [[random.uniform(-1, 1) for _ in range(n_hidden)] for _ in range(n_output)]
        self.bo = [0.0] * n_output

    def predict(self, x):
        self.h = [1 / (1 + math.exp(-(sum(w * v for w, v in zip(row, x)) + b))) for row, b in zip(self.wh, self.bh)]
        self.o = [1 / (1 + math.exp(-(sum(w * v for w, v in zip(row, self.h)) + b))) for row, b in zip(self.wo, self.bo)]
        return self.o

    def train(self, x, y, lr=0.5):
        self.predict(x)
        do = [(o - t) * o * (1 - o) for o, t in zip(self.o, y)]
        dh = [sum(d * self.wo[k][j] for k, d in enumerate(do)) * h * (1 - h) for j, h in enumerate(self.h)]
        for k, d in enumerate(do):
            self.bo[k] -= lr * d
            for j, h in enumerate(self.h):
                self.wo[k][j] -= lr * d * h
        for j, d in enumerate(dh):
            self.bh[j] -= lr * d
            for i, v in enumerate(x):
                self.wh[j][i] -= lr * d * v
