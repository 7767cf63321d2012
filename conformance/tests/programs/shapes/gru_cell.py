import numpy as np

class GRUCell:
    def __init__(self, n_x, n_h):
        k = 1 / np.sqrt(n_h)
        self.Wz, self.Wr, self.Wh = (np.random.uniform(-k, k, (n_h, n_x + n_h)) for _ in range(3))
        self.bz, self.br, self.bh = (np.zeros(n_h) for _ in range(3))

    def forward(self, x, h_prev):
        sig = lambda v: 1 / (1 + np.exp(-v))
        xh = np.concatenate([x, h_prev])
        z = sig(self.Wz @ xh + self.bz)
        r = sig(self.Wr @ xh + self.br)
        xrh = np.concatenate([x, r * h_prev])
        c = np.tanh(self.Wh @ xrh + self.bh)
        h = (1 - z) * h_prev + z * c
        self.cache = x, h_prev, xh, z, r, xrh, c
        return h

    def backward(self, dh):
        x, h_prev, xh, z, r, xrh, c = self.cache
        n = len(x)
        dc = dh * z * (1 - c ** 2)
        dz = dh * (c - h_prev) * z * (1 - z)
        dxrh = self.Wh.T @ dc
        dr = dxrh[n:] * h_prev * r * (1 - r)
        dxh = self.Wz.T @ dz + self.Wr.T @ dr
        dh_prev = dh * (1 - z) + dxrh[n:] * r + dxh[n:]
        dx = dxh[:n] + dxrh[:n]
        self.dWz, self.dbz = np.outer(dz, xh), dz
        self.dWr, self.dbr = np.outer(dr, xh), dr
        self.dWh, self.dbh = np.outer(dc, xrh), dc
        return dx, dh_prev
