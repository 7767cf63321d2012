import torch
from torch.autograd.function import once_differentiable


class BatchNormFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, gamma, beta, eps=1e-5):
        mean = input.mean(dim=0)
        var = input.var(dim=0, unbiased=False)
        centered = input - mean
        inv_std = 1 / torch.sqrt(var + eps)
        norm = centered * inv_std
        ctx.save_for_backward(norm, gamma, inv_std)
        ctx.eps = eps
        return gamma * norm + beta

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        norm, gamma, inv_std = ctx.saved_tensors
        grad_input = grad_gamma = grad_beta = None
        B = norm.shape[0]
        if ctx.needs_input_grad[1]:
            grad_gamma = (grad_output * norm).sum(0)
        if ctx.needs_input_grad[2]:
            grad_beta = grad_output.sum(0)
        if ctx.needs_input_grad[0]:
            dnorm = grad_output * gamma
            total = B * dnorm - dnorm.sum(0) - norm * (dnorm * norm).sum(0)
            grad_input = inv_std / B * total
        return grad_input, grad_gamma, grad_beta, None


if __name__ == "__main__":
    tensors = [torch.randn(8, 4).double(), torch.rand(4).double(), torch.rand(4).double()]
    for each in tensors:
        each.requires_grad = True
    assert torch.autograd.gradcheck(BatchNormFunction.apply, (*tensors, 1e-5))
