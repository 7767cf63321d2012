import torch


class HuberLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target, delta=1.0):
        diff = pred - target
        ctx.save_for_backward(diff)
        ctx.delta = delta
        absolute = diff.abs()
        quadratic = torch.clamp(absolute, max=delta)
        linear = absolute - quadratic
        return (0.5 * quadratic**2 + delta * linear).mean()

    @staticmethod
    def backward(ctx, grad_output):
        diff, = ctx.saved_tensors
        small = diff.abs() <= ctx.delta
        grad = torch.where(small, diff, ctx.delta * diff.sign())
        grad_pred = grad_output * grad / diff.numel()
        return grad_pred, -grad_pred, None


if __name__ == "__main__":
    pred = torch.randn(3, 5, requires_grad=True)
    target = torch.randn(3, 5, requires_grad=True)
    HuberLoss.apply(pred, target, 0.8).backward()
