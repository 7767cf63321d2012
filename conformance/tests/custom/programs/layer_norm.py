import torch


class LayerNormFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps=1e-5):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        rstd = 1.0 / torch.sqrt(var + eps)
        x_hat = (x - mean) * rstd
        ctx.save_for_backward(x_hat, rstd, weight)
        return x_hat * weight + bias

    @staticmethod
    def backward(ctx, grad_output):
        x_hat, rstd, weight = ctx.saved_tensors
        n = x_hat.shape[-1]
        dims = tuple(range(grad_output.dim() - 1))
        grad_weight = (grad_output * x_hat).sum(dim=dims)
        grad_bias = grad_output.sum(dim=dims)
        wdy = grad_output * weight
        c1 = (x_hat * wdy).sum(dim=-1, keepdim=True) / n
        c2 = wdy.sum(dim=-1, keepdim=True) / n
        grad_x = (wdy - x_hat * c1 - c2) * rstd
        return grad_x, grad_weight, grad_bias, None


if __name__ == "__main__":
    x = torch.randn(2, 3, 6, requires_grad=True)
    w, b = torch.rand(6, requires_grad=True), torch.rand(6, requires_grad=True)
    LayerNormFunction.apply(x, w, b).sum().backward()
