import torch

class Net:
    def __init__(self, i, h, o):
        self.w1 = torch.randn(i, h) / i ** .5
        self.b1 = torch.zeros(h)
        self.w2 = torch.randn(h, o) / h ** .5
        self.b2 = torch.zeros(o)
    def forward(self, x):
        self.x = x
        self.h = (x @ self.w1 + self.b1).clamp_min(0)
        return self.h @ self.w2 + self.b2
    def backward(self, g):
        self.dw2 = self.h.t() @ g
        self.db2 = g.sum(0)
        gh = g @ self.w2.t()
        gh[self.h <= 0] = 0
        self.dw1 = self.x.t() @ gh
        self.db1 = gh.sum(0)
    def step(self, lr):
        for n in ('w1', 'b1', 'w2', 'b2'):
            getattr(self, n).sub_(lr * getattr(self, 'd' + n))

torch.manual_seed(0)
X, Y = torch.randn(40, 5), torch.randn(40, 2)
net = Net(5, 7, 2)
for e in range(30):
    p = net.forward(X)
    loss = ((p - Y) ** 2).mean()
    net.backward(2 * (p - Y) / Y.numel())
    net.step(0.05)
print(loss)
