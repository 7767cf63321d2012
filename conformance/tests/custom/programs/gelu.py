import math

import torch


class GELU(torch.autograd.Function):
    """The tanh form."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)
        return 0.5 * x * (1.0 + torch.tanh(inner))

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        c = math.sqrt(2.0 / math.pi)
        t = torch.tanh(c * (x + 0.044715 * x**3))
        dinner = c * (1.0 + 3 * 0.044715 * x**2)
        sech2 = 1.0 - t**2
        dx = 0.5 * (1.0 + t) + 0.5 * x * sech2 * dinner
        return grad * dx


def gelu(x):
    return GELU.apply(x)
