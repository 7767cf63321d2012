from dataclasses import dataclass
import numpy as np


def squash(v):
    return 1.0 / (1.0 + np.exp(-v))


@dataclass
class Mlp:
    w_hidden: np.ndarray
    b_hidden: np.ndarray
    w_out: np.ndarray
    b_out: np.ndarray

    @classmethod
    def random(cls, n_in, n_hidden, n_out, seed=0):
        rng = np.random.default_rng(seed)
        return cls(
            rng.normal(size=(n_hidden, n_in)), np.zeros((n_hidden, 1)),
            rng.normal(size=(n_out, n_hidden)), np.zeros((n_out, 1)),
        )

    def forward(self, x):
        h = squash(self.w_hidden @ x + self.b_hidden)
        return h, squash(self.w_out @ h + self.b_out)

    def loss(self, x, y):
        _, o = self.forward(x)
        return -np.mean(np.sum(y * np.log(o) + (1 - y) * np.log(1 - o), axis=0))

    def gradients(self, x, y):
        m = x.shape[1]
        h, o = self.forward(x)
        d_out = o - y
        d_hidden = (self.w_out.T @ d_out) * h * (1 - h)
        return Mlp(
            d_hidden @ x.T / m, d_hidden.mean(axis=1, keepdims=True),
            d_out @ h.T / m, d_out.mean(axis=1, keepdims=True),
        )
