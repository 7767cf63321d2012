import math

import torch


class Step:
    def __call__(self, *given):
        self.given = given
        self.result = self.compute(*given)
        return self.result

    def back(self):
        self.spread(self.result, *self.given)


class Affine(Step):
    def __init__(self, w, b):
        self.w, self.b = w, b

    def compute(self, x):
        return x @ self.w + self.b

    def spread(self, result, x):
        x.g = result.g @ self.w.t()
        self.w.g = torch.einsum("ni,nj->ij", x, result.g)
        self.b.g = result.g.sum(0)


class Rectifier(Step):
    def compute(self, x):
        return x.clamp_min(0.0) - 0.5

    def spread(self, result, x):
        x.g = (x > 0).float() * result.g


class SquaredError(Step):
    def compute(self, guess, wanted):
        return (guess.squeeze() - wanted).pow(2).mean()

    def spread(self, result, guess, wanted):
        guess.g = 2.0 * (guess.squeeze() - wanted).unsqueeze(-1) / wanted.shape[0]


class Chain:
    def __init__(self, w1, b1, w2, b2):
        self.steps = [Affine(w1, b1), Rectifier(), Affine(w2, b2)]
        self.error = SquaredError()

    def __call__(self, x, wanted):
        for each in self.steps:
            x = each(x)
        return self.error(x, wanted)

    def back(self):
        self.error.back()
        for each in reversed(self.steps):
            each.back()


x, wanted = torch.randn(20, 6), torch.randint(0, 10, (20,)).float()
w1, b1 = torch.randn(6, 5) * math.sqrt(2 / 6), torch.zeros(5)
w2, b2 = torch.randn(5, 1) / math.sqrt(5), torch.zeros(1)
chain = Chain(w1, b1, w2, b2)
print("loss", chain(x, wanted))
chain.back()
