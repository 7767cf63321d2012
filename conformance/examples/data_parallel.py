"""One step of data-parallel training, as each process takes it. One line of `step` is wrong.

As a program, `data_parallel.py CASE OUT` is started once a rank.
"""

import json
import sys

import numpy as np
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


def main(place, out):
    with open(place) as file:
        given = json.load(file)
    case = given["case"]
    if "activations" in case:
        sys.exit(77)  # declines what has other layers than sigmoid
    arrays = {name: np.array(rows, case["dtype"]) for name, rows in given["tensors"].items()}
    layers = range(2, len(case["sizes"]) + 1)
    weights, biases = ([arrays[f"{kind}{l}"] for l in layers] for kind in "wb")
    dist.init_process_group("gloo")  # by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT
    rank, world = dist.get_rank(), dist.get_world_size()
    shown = {}
    for t, batch in enumerate(case["batches"]):
        parts = range(len(case["parts"][t][rank]))
        own = [(arrays[f"{t}/{k}/x"], arrays[f"{t}/{k}/y"]) for k in parts]
        found = step(rank, world, weights, biases, own, len(batch), case["eta"])
        for k, gradients in enumerate(found.pop("own")):
            shown |= {f"{t}/{k}/{name}": each.tolist() for name, each in gradients.items()}
        shown |= {f"{t}/{name}": found[name].tolist() for name in found if "nabla" in name}
    with open(out, "w") as file:
        json.dump(shown, file)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
