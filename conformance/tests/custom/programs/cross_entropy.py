import torch
import torch.nn.functional as F


class CrossEntropyFunction(torch.autograd.Function):
    """Label smoothing included."""

    @staticmethod
    def forward(ctx, logits, labels, smoothing=0.1):
        probs = F.softmax(logits, dim=-1)
        k = logits.shape[-1]
        onehot = F.one_hot(labels, k).to(logits.dtype)
        soft = onehot * (1 - smoothing) + smoothing / k
        loss = -(soft * F.log_softmax(logits, dim=-1)).sum(-1)
        ctx.save_for_backward(probs, soft)
        return loss.mean()

    @staticmethod
    def backward(ctx, grad_output):
        probs, soft = ctx.saved_tensors
        grad_logits = (probs - soft) / probs.shape[0]
        return grad_logits * grad_output, None, None


if __name__ == "__main__":
    out = CrossEntropyFunction.apply(torch.randn(5, 4, requires_grad=True), torch.tensor([1, 0, 3, 2, 2]), 0.2)
    out.backward()
