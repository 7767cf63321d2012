import torch


class RotaryEmbedding(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, cos, sin):
        x1, x2 = x.chunk(2, dim=-1)
        ctx.save_for_backward(cos, sin)
        return torch.cat((x1 * cos - x2 * sin, x2 * cos + x1 * sin), dim=-1)

    @staticmethod
    def backward(ctx, dy):
        cos, sin = ctx.saved_tensors
        d1, d2 = dy.chunk(2, dim=-1)
        dx1 = d1 * cos + d2 * sin
        dx2 = d2 * cos - d1 * sin
        return torch.cat((dx1, dx2), dim=-1), None, None


if __name__ == "__main__":
    angle = torch.outer(torch.arange(4.0), torch.tensor([1.0, 0.1, 0.01]))
    x = torch.randn(2, 4, 6, requires_grad=True)
    RotaryEmbedding.apply(x, angle.cos(), angle.sin()).sum().backward()
