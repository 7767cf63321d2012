import torch


class SigmoidFocalLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y, gamma):
        p = torch.sigmoid(x)
        pt = torch.where(y > 0.5, p, 1 - p)
        ctx.save_for_backward(y, p, pt)
        ctx.gamma = gamma
        return -((1 - pt) ** gamma * pt.log()).sum()

    @staticmethod
    def backward(ctx, g):
        y, p, pt = ctx.saved_tensors
        gamma = ctx.gamma
        dpt = gamma * (1 - pt) ** (gamma - 1) * pt.log() - (1 - pt) ** gamma / pt
        sign = 2 * y - 1
        return g * dpt * sign * p * (1 - p), None, None


if __name__ == "__main__":
    x = torch.randn(5, 2, requires_grad=True)
    SigmoidFocalLoss.apply(x, (torch.rand(5, 2) > 0.5).float(), 2.0).backward()
