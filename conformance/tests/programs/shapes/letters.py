import numpy as np


class Letters:
    def __init__(self, vocab_size, hidden_size=9):
        self.vocab_size = vocab_size
        self.U = np.random.randn(hidden_size, vocab_size) / 4
        self.W = np.random.randn(hidden_size, hidden_size) / 4
        self.V = np.random.randn(vocab_size, hidden_size) / 4
        self.b, self.c = np.zeros((hidden_size, 1)), np.zeros((vocab_size, 1))

    def forward(self, inputs, h_prev):
        xs, hs, ps = {}, {-1: np.copy(h_prev)}, {}
        for t, letter in enumerate(inputs):
            xs[t] = np.zeros((self.vocab_size, 1))
            xs[t][letter] = 1
            hs[t] = np.tanh(self.U @ xs[t] + self.W @ hs[t - 1] + self.b)
            scores = self.V @ hs[t] + self.c
            ps[t] = np.exp(scores) / np.sum(np.exp(scores))
        return xs, hs, ps

    def loss(self, ps, targets):
        return -sum(np.log(ps[t][letter, 0]) for t, letter in enumerate(targets))

    def backward(self, xs, hs, ps, targets):
        dU, dW, dV = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.V)
        db, dc = np.zeros_like(self.b), np.zeros_like(self.c)
        later = np.zeros_like(hs[0])
        for t in reversed(range(len(targets))):
            dy = np.copy(ps[t])
            dy[targets[t]] -= 1
            dV += dy @ hs[t].T
            dc += dy
            draw = (1 - hs[t] ** 2) * (self.V.T @ dy + later)
            dU += draw @ xs[t].T
            dW += draw @ hs[t - 1].T
            db += draw
            later = self.W.T @ draw
        return dU, dW, dV, db, dc
