import torch


class RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden_states, weight, eps):
        variance = hidden_states.pow(2).mean(-1, keepdim=True)
        rrms = torch.rsqrt(variance + eps)
        ctx.save_for_backward(hidden_states, weight, rrms)
        return hidden_states * rrms * weight

    @staticmethod
    def backward(ctx, dout):
        x, w, r = ctx.saved_tensors
        m = dout * w
        d = x.shape[-1]
        dx = r * m - r.pow(3) / d * x * (m * x).sum(-1, keepdim=True)
        dw = (dout * x * r).reshape(-1, d).sum(0)
        return dx, dw, None


if __name__ == "__main__":
    RMSNorm.apply(torch.randn(2, 4, 6), torch.rand(6), 1e-6)
