import torch


class InvertedDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, p, training):
        if not training or p == 0:
            ctx.mask = None
            return x.clone()
        keep = 1 - p
        ctx.mask = torch.bernoulli(torch.full_like(x, keep)) / keep
        return x * ctx.mask

    @staticmethod
    def backward(ctx, grad_output):
        if ctx.mask is None:
            return grad_output, None, None
        return grad_output * ctx.mask, None, None


if __name__ == "__main__":
    InvertedDropout.apply(torch.randn(5, 6), 0.4, True)
