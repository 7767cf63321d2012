import torch


class EmbeddingFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, idx):
        ctx.save_for_backward(idx)
        ctx.num_embeddings = weight.size(0)
        return weight[idx]

    @staticmethod
    def backward(ctx, grad_output):
        idx, = ctx.saved_tensors
        d = grad_output.size(-1)
        grad_weight = grad_output.new_zeros(ctx.num_embeddings, d)
        grad_weight.index_add_(0, idx.reshape(-1), grad_output.reshape(-1, d))
        return grad_weight, None


if __name__ == "__main__":
    table = torch.randn(7, 4, requires_grad=True)
    EmbeddingFunction.apply(table, torch.tensor([[1, 4, 1], [0, 6, 4]])).sum().backward()
