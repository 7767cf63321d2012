import numpy as np


def squash(v):
    return 1 / (1 + np.exp(-v))


class LSTM:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(each) for each in self.params]

    def forward(self, x, h_prev, c_prev):
        Wx, Wh, b = self.params
        n = h_prev.shape[1]
        total = x @ Wx + h_prev @ Wh + b
        forget, write, out = squash(total[:, :n]), squash(total[:, n:2 * n]), squash(total[:, 3 * n:])
        new = np.tanh(total[:, 2 * n:3 * n])
        c = forget * c_prev + write * new
        self.kept = x, h_prev, c_prev, forget, write, new, out, np.tanh(c)
        return out * self.kept[-1], c

    def backward(self, dh, dc):
        Wx, Wh, b = self.params
        x, h_prev, c_prev, forget, write, new, out, bent = self.kept
        d = dc + dh * out * (1 - bent**2)
        dtotal = np.hstack([
            d * c_prev * forget * (1 - forget),
            d * new * write * (1 - write),
            d * write * (1 - new**2),
            dh * bent * out * (1 - out),
        ])
        self.grads[0][...] = x.T @ dtotal
        self.grads[1][...] = h_prev.T @ dtotal
        self.grads[2][...] = dtotal.sum(axis=0)
        return dtotal @ Wx.T, dtotal @ Wh.T, d * forget
