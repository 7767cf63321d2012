import torch


class LogSoftmaxNLL(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        logp = torch.log_softmax(logits, dim=1)
        ctx.save_for_backward(logp, target)
        n = logits.size(0)
        return -logp[torch.arange(n), target].mean()

    @staticmethod
    def backward(ctx, grad_output):
        logp, target = ctx.saved_tensors
        n = logp.size(0)
        grad = logp.exp()
        grad[torch.arange(n), target] -= 1.0
        grad = grad / n
        return grad_output * grad, None


if __name__ == "__main__":
    logits = torch.randn(6, 4, requires_grad=True)
    target = torch.tensor([0, 3, 1, 1, 2, 0])
    LogSoftmaxNLL.apply(logits, target).backward()
