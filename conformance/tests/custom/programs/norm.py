import torch


class Normalize(torch.autograd.Function):
    """Rows of length 1, and the lengths beside them: two outputs."""

    @staticmethod
    def forward(ctx, x):
        length = x.norm(dim=1, keepdim=True)
        y = x / length
        ctx.save_for_backward(y, length)
        return y, length.squeeze(1)

    @staticmethod
    def backward(ctx, gy, glength):
        y, length = ctx.saved_tensors
        along = (gy * y).sum(dim=1, keepdim=True)
        gx = (gy - y * along) / length
        gx = gx + y * glength[:, None]
        return gx


if __name__ == "__main__":
    y, n = Normalize.apply(torch.randn(4, 3, requires_grad=True))
    (y.sum() + n.sum()).backward()
