import torch


def d_sigmoid(s):
    return (1 - s) * s


def d_tanh(t):
    return 1 - t * t


class LSTMCell(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, weights, bias, old_h, old_cell):
        X = torch.cat([old_h, input], dim=1)
        gates = torch.addmm(bias, X, weights.t())
        i, f, o, c = gates.chunk(4, dim=1)
        i, f, o = torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)
        c = torch.tanh(c)
        new_cell = f * old_cell + i * c
        tanh_cell = torch.tanh(new_cell)
        new_h = o * tanh_cell
        ctx.save_for_backward(X, weights, i, f, o, c, old_cell, tanh_cell)
        return new_h, new_cell

    @staticmethod
    def backward(ctx, grad_h, grad_cell):
        X, weights, i, f, o, c, old_cell, tanh_cell = ctx.saved_tensors
        d_cell = grad_cell + grad_h * o * d_tanh(tanh_cell)
        d_o = grad_h * tanh_cell * d_sigmoid(o)
        d_i = d_cell * c * d_sigmoid(i)
        d_f = d_cell * old_cell * d_sigmoid(f)
        d_c = d_cell * i * d_tanh(c)
        d_gates = torch.cat([d_i, d_f, d_o, d_c], dim=1)
        d_weights = d_gates.t().mm(X)
        d_bias = d_gates.sum(dim=0, keepdim=True)
        d_X = d_gates.mm(weights)
        n = old_cell.size(1)
        return d_X[:, n:], d_weights, d_bias, d_X[:, :n], d_cell * f


if __name__ == "__main__":
    x, h, c = torch.randn(3, 2), torch.randn(3, 4), torch.randn(3, 4)
    LSTMCell.apply(x, torch.randn(16, 6), torch.randn(1, 16), h, c)
