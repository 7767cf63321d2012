import numpy as np

class LSTM:
    def __init__(self, input_dim=3, hidden_dim=4, out_dim=2):
        z = input_dim + hidden_dim
        self.params = {}
        for g in 'fioc':
            self.params['W' + g] = np.random.randn(hidden_dim, z) * 0.3
            self.params['b' + g] = np.random.randn(hidden_dim, 1) * 0.1
        self.params['Wy'] = np.random.randn(out_dim, hidden_dim) * 0.3
        self.params['by'] = np.zeros((out_dim, 1))
        self.hidden_dim = hidden_dim

    def sigmoid(self, v): return 1 / (1 + np.exp(-v))

    def forward(self, xs):
        h = np.zeros((self.hidden_dim, 1)); c = np.zeros((self.hidden_dim, 1))
        self.cache = []
        p = self.params
        ys = []
        for x in xs:
            x = x.reshape(-1, 1)
            zc = np.vstack([h, x])
            f = self.sigmoid(p['Wf'] @ zc + p['bf'])
            i = self.sigmoid(p['Wi'] @ zc + p['bi'])
            o = self.sigmoid(p['Wo'] @ zc + p['bo'])
            g = np.tanh(p['Wc'] @ zc + p['bc'])
            c_prev = c
            c = f * c + i * g
            h = o * np.tanh(c)
            y = p['Wy'] @ h + p['by']
            ys.append(y)
            self.cache.append((zc, f, i, o, g, c_prev, c, h))
        return np.array(ys)

    def loss(self, xs, ts):
        ys = self.forward(xs)
        return 0.5 * np.sum((ys - ts) ** 2)

    def backward(self, xs, ts):
        ys = self.forward(xs)
        p = self.params
        grads = {k: np.zeros_like(v) for k, v in p.items()}
        dh_next = np.zeros((self.hidden_dim, 1)); dc_next = np.zeros((self.hidden_dim, 1))
        for t in reversed(range(len(xs))):
            zc, f, i, o, g, c_prev, c, h = self.cache[t]
            dy = ys[t] - ts[t]
            grads['Wy'] += dy @ h.T
            grads['by'] += dy
            dh = p['Wy'].T @ dy + dh_next
            tc = np.tanh(c)
            do = dh * tc * o * (1 - o)
            dc = dh * o * (1 - tc ** 2) + dc_next
            df = dc * c_prev * f * (1 - f)
            di = dc * g * i * (1 - i)
            dg = dc * i * (1 - g ** 2)
            dz = np.zeros_like(zc)
            for n, d in zip('fioc', (df, di, do, dg)):
                grads['W' + n] += d @ zc.T
                grads['b' + n] += d
                dz += p['W' + n].T @ d
            dh_next = dz[:self.hidden_dim]
            dc_next = dc * f
        return grads
