import torch


class GroupNormFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, groups, eps):
        n, c, length = x.shape
        g = x.view(n, groups, -1)
        mu = g.mean(2, keepdim=True)
        inv = (g.var(2, keepdim=True, unbiased=False) + eps).rsqrt()
        normed = ((g - mu) * inv).view(n, c, length)
        ctx.save_for_backward(normed, inv, gamma)
        ctx.groups = groups
        return normed * gamma.view(1, c, 1) + beta.view(1, c, 1)

    @staticmethod
    def backward(ctx, dy):
        normed, inv, gamma = ctx.saved_tensors
        n, c, length = dy.shape
        dgamma = torch.sum(dy * normed, dim=(0, 2))
        dbeta = torch.sum(dy, dim=(0, 2))
        dn = (dy * gamma.view(1, c, 1)).view(n, ctx.groups, -1)
        xn = normed.view(n, ctx.groups, -1)
        dx = inv * (dn - dn.mean(2, keepdim=True) - xn * (dn * xn).mean(2, keepdim=True))
        return dx.view(n, c, length), dgamma, dbeta, None, None


if __name__ == "__main__":
    GroupNormFunction.apply(torch.randn(2, 4, 3), torch.rand(4), torch.rand(4), 2, 1e-5)
