import torch


class PairwiseDistance(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        diff = a.unsqueeze(1) - b.unsqueeze(0)
        dist = diff.pow(2).sum(-1).sqrt()
        ctx.save_for_backward(diff, dist)
        return dist

    @staticmethod
    def backward(ctx, grad):
        diff, dist = ctx.saved_tensors
        unit = diff / dist.unsqueeze(-1)
        weighted = grad.unsqueeze(-1) * unit
        return weighted.sum(1), -weighted.sum(0)


if __name__ == "__main__":
    PairwiseDistance.apply(torch.randn(4, 3).double(), torch.randn(5, 3).double())
