import torch


class Conv1dUnfold(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b):
        k = w.shape[2]
        cols = x.unfold(2, k, 1)                       # (n, c, l, k)
        ctx.save_for_backward(x, w, cols)
        return torch.einsum("nclk,ock->nol", cols, w) + b[None, :, None]

    @staticmethod
    def backward(ctx, gout):
        x, w, cols = ctx.saved_tensors
        gw = torch.einsum("nol,nclk->ock", gout, cols)
        gb = gout.sum(dim=(0, 2))
        gcols = torch.einsum("nol,ock->nclk", gout, w)
        gx = torch.zeros_like(x)
        length = gout.shape[2]
        for i in range(w.shape[2]):
            gx[:, :, i:i + length] += gcols[..., i]
        return gx, gw, gb


if __name__ == "__main__":
    x = torch.randn(2, 3, 8, dtype=torch.double)
    w = torch.randn(4, 3, 3, dtype=torch.double)
    b = torch.randn(4, dtype=torch.double)
    y = Conv1dUnfold.apply(x, w, b)
    print(y.shape)
