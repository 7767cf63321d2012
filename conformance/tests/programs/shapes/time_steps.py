import numpy as np


class Recurrent:
    """Many to one: columns in, one column out; it goes down by itself, with gradients clipped."""

    def __init__(self, input_size, output_size, hidden_size=4):
        self.Wx = np.random.randn(hidden_size, input_size) / 3
        self.Wh = np.random.randn(hidden_size, hidden_size) / 3
        self.Wy = np.random.randn(output_size, hidden_size) / 3
        self.bh, self.by = np.zeros((hidden_size, 1)), np.zeros((output_size, 1))

    def forward(self, inputs):
        h = np.zeros((self.Wh.shape[0], 1))
        self.inputs, self.hs = inputs, [h]
        for x in inputs:
            h = np.tanh(self.Wx @ x + self.Wh @ h + self.bh)
            self.hs.append(h)
        return self.Wy @ h + self.by, h

    def backprop(self, d_y, learn_rate=0.02):
        d_Wx, d_Wh, d_bh = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.bh)
        d_Wy, d_by = d_y @ self.hs[-1].T, d_y
        d_h = self.Wy.T @ d_y
        for t in reversed(range(len(self.inputs))):
            d_raw = (1 - self.hs[t + 1] ** 2) * d_h
            d_bh += d_raw
            d_Wh += d_raw @ self.hs[t].T
            d_Wx += d_raw @ self.inputs[t].T
            d_h = self.Wh.T @ d_raw
        for d in [d_Wx, d_Wh, d_Wy, d_bh, d_by]:
            np.clip(d, -1, 1, out=d)
        self.Wx -= learn_rate * d_Wx
        self.Wh -= learn_rate * d_Wh
        self.Wy -= learn_rate * d_Wy
        self.bh -= learn_rate * d_bh
        self.by -= learn_rate * d_by
