import numpy as np
np.random.seed(0)
class Param:
    def __init__(self, v): self.v = v; self.g = None; self.m = np.zeros_like(v); self.s = np.zeros_like(v)
class Linear:
    def __init__(self, i, o): self.W = Param(np.random.randn(i, o) / np.sqrt(i)); self.b = Param(np.zeros(o))
    def __call__(self, x): self.x = x; return x @ self.W.v + self.b.v
    def backward(self, d): self.W.g = self.x.T @ d; self.b.g = d.sum(0); return d @ self.W.v.T
    def params(self): return [self.W, self.b]
class Tanh:
    def __call__(self, x): self.y = np.tanh(x); return self.y
    def backward(self, d): return d * (1 - self.y ** 2)
    def params(self): return []
class AdamW:
    def __init__(self, ps, lr=1e-2, b1=.9, b2=.99, eps=1e-8, wd=1e-2): self.ps, self.lr, self.b1, self.b2, self.eps, self.wd, self.t = ps, lr, b1, b2, eps, wd, 0
    def step(self):
        self.t += 1
        for p in self.ps:
            p.m = self.b1 * p.m + (1 - self.b1) * p.g
            p.s = self.b2 * p.s + (1 - self.b2) * p.g ** 2
            mh = p.m / (1 - self.b1 ** self.t); sh = p.s / (1 - self.b2 ** self.t)
            p.v -= self.lr * (mh / (np.sqrt(sh) + self.eps) + self.wd * p.v)
net = [Linear(3, 8), Tanh(), Linear(8, 2)]
opt = AdamW([p for l in net for p in l.params()])
X = np.random.randn(64, 3); T = np.c_[np.sin(X[:, 0]), X[:, 1] * X[:, 2]]
for it in range(200):
    y = X
    for l in net: y = l(y)
    loss = ((y - T) ** 2).mean()
    d = 2 * (y - T) / y.size
    for l in net[::-1]: d = l.backward(d)
    opt.step()
    if it % 50 == 0: print(it, loss)
