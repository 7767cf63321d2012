import torch
import torch.nn.functional as F


class Conv2dFunction(torch.autograd.Function):
    """By im2col."""

    @staticmethod
    def forward(ctx, x, weight, padding):
        n, c, h, w = x.shape
        o, _, kh, kw = weight.shape
        cols = F.unfold(x, (kh, kw), padding=padding)          # (n, c kh kw, l)
        flat = weight.view(o, -1)
        out = flat @ cols
        ctx.save_for_backward(cols, weight)
        ctx.size, ctx.padding = (h, w), padding
        return out.view(n, o, h + 2 * padding - kh + 1, w + 2 * padding - kw + 1)

    @staticmethod
    def backward(ctx, grad_out):
        cols, weight = ctx.saved_tensors
        n, o = grad_out.shape[:2]
        g = grad_out.reshape(n, o, -1)
        grad_w = torch.matmul(g, cols.transpose(1, 2)).sum(0).view_as(weight)
        grad_cols = weight.view(o, -1).t() @ g
        grad_x = F.fold(grad_cols, ctx.size, weight.shape[2:], padding=ctx.padding)
        return grad_x, grad_w, None


if __name__ == "__main__":
    Conv2dFunction.apply(torch.randn(2, 2, 5, 4), torch.randn(3, 2, 3, 3), 1)
