import torch
import torch.nn.functional as F


class MishFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.mul(torch.tanh(F.softplus(x)))

    @staticmethod
    def backward(ctx, grad_output):
        x = ctx.saved_tensors[0]
        sig = torch.sigmoid(x)
        tsp = torch.tanh(F.softplus(x))
        slope = tsp + x * sig * (1 - tsp * tsp)
        return grad_output * slope
