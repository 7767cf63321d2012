import torch


class PReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x, slope)
        return torch.where(x > 0, x, slope * x)

    @staticmethod
    def backward(ctx, grad_output):
        x, slope = ctx.saved_tensors
        negative = (x <= 0).to(x.dtype)
        grad_x = grad_output * (1 - negative + slope * negative)
        grad_slope = (grad_output * x * negative).sum(0)
        return grad_x, grad_slope


if __name__ == "__main__":
    PReLU.apply(torch.randn(6, 4), torch.rand(4))
