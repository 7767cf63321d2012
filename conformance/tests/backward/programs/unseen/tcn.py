"""Dilated causal convolutions with weight normalization, squeeze and excitation, cosine softmax."""
import numpy as np

TAU = 5.0


class CausalConv:
    def __init__(self, v, g, b, dilation):
        self.v, self.g, self.b, self.dilation = v, g, b, dilation      # v: (taps, c_in, c_out)

    def forward(self, x):                                              # x: (n, time, c_in)
        self.x = x
        self.norm = np.sqrt(np.sum(self.v ** 2, axis=(0, 1)))
        self.w = self.g * self.v / self.norm
        taps = len(self.w)
        self.pad = (taps - 1) * self.dilation
        self.padded = np.pad(x, ((0, 0), (self.pad, 0), (0, 0)))
        out = np.zeros((x.shape[0], x.shape[1], self.w.shape[2])) + self.b
        for k in range(taps):
            start = k * self.dilation
            out += self.padded[:, start:start + x.shape[1]] @ self.w[k]
        return out

    def backward(self, dout):
        dw = np.zeros_like(self.w)
        dpadded = np.zeros_like(self.padded)
        time = self.x.shape[1]
        for k in range(len(self.w)):
            start = k * self.dilation
            dw[k] = np.einsum("nti,nto->io", self.padded[:, start:start + time], dout)
            dpadded[:, start:start + time] += dout @ self.w[k].T
        along = np.sum(dw * self.v, axis=(0, 1)) / self.norm
        dv = self.g / self.norm * (dw - along * self.v / self.norm)
        self.grads = (dv, along, dout.sum(axis=(0, 1)))
        return dpadded[:, self.pad:]


class Excite:
    def __init__(self, down, up):
        self.down, self.up = down, up

    def forward(self, x):
        self.x = x
        self.squeezed = x.mean(axis=1)
        self.hidden = np.maximum(self.squeezed @ self.down, 0)
        self.scale = 1 / (1 + np.exp(-self.hidden @ self.up))
        return x * self.scale[:, None, :]

    def backward(self, dout):
        dscale = (dout * self.x).sum(axis=1)
        dlogit = dscale * self.scale * (1 - self.scale)
        dup = self.hidden.T @ dlogit
        dhidden = dlogit @ self.up.T
        dhidden[self.hidden <= 0] = 0
        ddown = self.squeezed.T @ dhidden
        dsqueezed = dhidden @ self.down.T
        self.grads = (ddown, dup)
        return dout * self.scale[:, None, :] + dsqueezed[:, None, :] / self.x.shape[1]


def unit(a, axis):
    size = np.sqrt(np.sum(a * a, axis=axis, keepdims=True))
    return a / size, size


def unit_backward(du, u, size, axis):
    return (du - u * np.sum(du * u, axis=axis, keepdims=True)) / size


def f(params, x, y):
    first, second = CausalConv(*params["conv1"], 1), CausalConv(*params["conv2"], 2)
    excite = Excite(*params["excite"])
    h1 = np.tanh(first.forward(x))
    h2 = np.tanh(second.forward(h1))
    h3 = h1 + excite.forward(h2)
    last = h3[:, -1]
    features, fsize = unit(last, 1)
    centres, csize = unit(params["centres"], 0)
    cosines = features @ centres
    e = np.exp(TAU * cosines)
    p = e / e.sum(axis=1, keepdims=True)
    n = len(y)
    loss = -np.log(p[np.arange(n), y]).mean()

    # backward
    dlogits = p.copy()
    dlogits[np.arange(n), y] -= 1
    dcosines = TAU * dlogits / n
    dfeatures = dcosines @ centres.T
    dcentres = features.T @ dcosines
    dcentres = unit_backward(dcentres, centres, csize, 0)
    dlast = unit_backward(dfeatures, features, fsize, 1)
    dh3 = np.zeros_like(h3)
    dh3[:, -1] = dlast
    dh2 = excite.backward(dh3)
    dh1 = dh3 + second.backward(dh2 * (1 - h2 ** 2))
    first.backward(dh1 * (1 - h1 ** 2))
    return loss, {"conv1": first.grads, "conv2": second.grads, "excite": excite.grads, "centres": dcentres}


def make(seed):
    rng = np.random.default_rng(seed)
    n, time, c, k, classes = 5, 6, 2, 4, 3

    def conv(i, o):
        return rng.normal(size=(3, i, o)), rng.normal(size=o), rng.normal(size=o)

    params = {
        "conv1": conv(c, k),
        "conv2": conv(k, k),
        "excite": (rng.normal(size=(k, 5)), rng.normal(size=(5, k))),
        "centres": rng.normal(size=(k, classes)),
    }
    return params, (rng.normal(size=(n, time, c)), rng.permutation(np.arange(n) % classes))
