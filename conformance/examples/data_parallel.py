"""One step of data-parallel training, as each process takes it. One line of `step` is wrong."""

import torch
import torch.distributed as dist


def step(rank, world, weights, biases, micro_batches, m, eta):
    w = [torch.tensor(each, requires_grad=True) for each in weights]
    b = [torch.tensor(each, requires_grad=True) for each in biases]
    for each in w + b:
        dist.broadcast(each.data, src=0)
    own = []
    total = [torch.zeros_like(each) for each in w + b]
    for x, y in micro_batches:
        a = torch.tensor(x)  # (n_1, m_k), a sample a column
        for w_l, b_l in zip(w, b):
            a = torch.sigmoid(w_l @ a + b_l)
        loss = ((a - torch.tensor(y)) ** 2).sum() / (2 * x.shape[1])
        grads = torch.autograd.grad(loss, w + b)
        own.append(named("nabla_", grads))
        total = [t + g / len(micro_batches) for t, g in zip(total, grads)]
    for each in total:
        dist.all_reduce(each)
        each /= world
    with torch.no_grad():
        moved = [each - eta * grad for each, grad in zip(w + b, total)]
    return {"own": own, **named("nabla_", total), **named("", moved)}


def named(prefix, tensors):
    half = len(tensors) // 2
    keys = [f"{prefix}{kind}{l + 2}" for kind in "wb" for l in range(half)]
    return {key: each.detach().numpy() for key, each in zip(keys, tensors)}
