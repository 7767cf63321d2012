"""Layer normalization as a custom function of PyTorch, with one line wrong."""

import torch


class LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps=1e-5):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        rstd = torch.rsqrt(var + eps)
        x_hat = (x - mean) * rstd
        ctx.save_for_backward(x_hat, rstd, weight)
        return x_hat * weight + bias

    @staticmethod
    def backward(ctx, grad_output):
        x_hat, rstd, weight = ctx.saved_tensors
        n = x_hat.shape[-1]
        grad_weight = (grad_output * x_hat).sum(dim=0)
        grad_bias = grad_output.sum(dim=0)
        wdy = grad_output * weight
        c1 = (x_hat * wdy).sum(dim=-1, keepdim=True) / n
        c2 = grad_output.sum(dim=-1, keepdim=True) / n
        grad_x = (wdy - x_hat * c1 - c2) * rstd
        return grad_x, grad_weight, grad_bias, None


if __name__ == "__main__":
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(6, dtype=torch.float64, requires_grad=True)
    bias = torch.rand(6, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(LayerNorm.apply, (x, weight, bias))
