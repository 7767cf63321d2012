import torch


class LogSumExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        m, _ = x.max(dim=1, keepdim=True)
        s = (x - m).exp().sum(dim=1, keepdim=True)
        out = m + s.log()
        ctx.save_for_backward(x, out)
        return out.squeeze(1)

    @staticmethod
    def backward(ctx, grad_output):
        x, out = ctx.saved_tensors
        weights = torch.exp(x - out)
        return grad_output.unsqueeze(1) * weights


if __name__ == "__main__":
    LogSumExp.apply(torch.randn(4, 6, dtype=torch.float64, requires_grad=True)).sum().backward()
