import torch
from torch.autograd import Function


class GatedRMSNorm(Function):
    """rmsnorm(x) * g * silu(u)"""

    @staticmethod
    def forward(ctx, x, g, u, eps: float = 1e-6):
        rms = x.pow(2).mean(-1, keepdim=True).add(eps).rsqrt()
        gate = torch.sigmoid(u)
        ctx.save_for_backward(x, g, u, rms, gate)
        return x * rms * g * (u * gate)

    @staticmethod
    def backward(ctx, grad_out):
        x, g, u, rms, gate = ctx.saved_tensors
        xhat = x * rms
        du = grad_out * xhat * g * (gate + u * gate * (1 - gate))
        dnorm = grad_out * (u * gate)
        dg = (dnorm * xhat).sum(tuple(range(x.dim() - 1)))
        dxhat = dnorm * g
        dx = rms * (dxhat - xhat * (dxhat * xhat).mean(-1, keepdim=True))
        return dx, dg, du, None
