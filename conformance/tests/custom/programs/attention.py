import math

import torch


class ScaledDotProductAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v, causal):
        scale = 1.0 / math.sqrt(q.size(-1))
        scores = torch.bmm(q, k.transpose(1, 2)) * scale
        if causal:
            t = q.size(1)
            mask = torch.triu(torch.ones(t, t, dtype=torch.bool), diagonal=1)
            scores = scores.masked_fill(mask, float("-inf"))
        attn = torch.softmax(scores, dim=-1)
        ctx.save_for_backward(q, k, v, attn)
        ctx.scale = scale
        return torch.bmm(attn, v)

    @staticmethod
    def backward(ctx, dout):
        q, k, v, attn = ctx.saved_tensors
        dv = torch.bmm(attn.transpose(1, 2), dout)
        dattn = torch.bmm(dout, v.transpose(1, 2))
        dscores = attn * (dattn - (dattn * attn).sum(-1, keepdim=True))
        dscores = dscores * ctx.scale
        dq = torch.bmm(dscores, k)
        dk = torch.bmm(dscores.transpose(1, 2), q)
        return dq, dk, dv, None


if __name__ == "__main__":
    q, k, v = (torch.randn(2, 4, 3, requires_grad=True) for _ in range(3))
    ScaledDotProductAttention.apply(q, k, v, True)
