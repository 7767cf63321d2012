import torch


class SparseMatmul(torch.autograd.Function):
    """A matrix in coordinates times a dense one."""

    @staticmethod
    def forward(ctx, rows, cols, values, dense, n_rows):
        ctx.save_for_backward(rows, cols, values, dense)
        out = dense.new_zeros(n_rows, dense.shape[1])
        return out.index_add_(0, rows, values[:, None] * dense[cols])

    @staticmethod
    def backward(ctx, grad_out):
        rows, cols, values, dense = ctx.saved_tensors
        picked = grad_out.index_select(0, rows)
        grad_values = (picked * dense[cols]).sum(1)
        grad_dense = torch.zeros_like(dense)
        grad_dense.index_add_(0, cols, values.unsqueeze(1) * picked)
        return None, None, grad_values, grad_dense, None


if __name__ == "__main__":
    rows = torch.tensor([0, 0, 2, 3, 3])
    cols = torch.tensor([1, 2, 0, 2, 1])
    SparseMatmul.apply(rows, cols, torch.randn(5), torch.randn(3, 4), 4)
