import torch


class Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, src, dim, index):
        ctx.save_for_backward(index)
        ctx.dim, ctx.shape = dim, src.shape
        return src.gather(dim, index)

    @staticmethod
    def backward(ctx, grad):
        index, = ctx.saved_tensors
        back = torch.zeros(ctx.shape, dtype=grad.dtype, device=grad.device)
        back.scatter_add_(ctx.dim, index, grad)
        return back, None, None


if __name__ == "__main__":
    Gather.apply(torch.randn(4, 5), 1, torch.tensor([[0, 2, 2], [1, 1, 4], [3, 0, 2], [4, 4, 0]]))
