import torch


class Classifier:
    def __init__(self, n_in, n_hidden, n_out):
        self.params = {
            "W1": torch.randn(n_in, n_hidden) * 0.3,
            "b1": torch.zeros(n_hidden),
            "W2": torch.randn(n_hidden, n_out) * 0.3,
            "b2": torch.zeros(n_out),
        }

    def forward(self, X):
        self.z = X.mm(self.params["W1"]) + self.params["b1"]
        self.h = self.z.clamp(min=0)
        return torch.softmax(self.h.mm(self.params["W2"]) + self.params["b2"], dim=1)

    def loss(self, probs, y):
        return -torch.log(probs[torch.arange(len(y)), y]).mean()

    def backward(self, X, y, probs):
        d = probs.clone()
        d[torch.arange(len(y)), y] -= 1
        d /= len(y)
        grads = {"W2": self.h.t().mm(d), "b2": d.sum(dim=0)}
        dz = d.mm(self.params["W2"].t())
        dz[self.z <= 0] = 0
        grads["W1"], grads["b1"] = X.t().mm(dz), dz.sum(dim=0)
        return grads
