"""What backprop returns for each sample.

Left out: what is right, and what it does beside that (`backprop_findings.py`).
"""

import numpy as np

from conformance.corpus.case import Case
from conformance.subjects.book.network import BookNetwork
from reference.step import Array, Batch, Parameters

Parts = dict[str, list[Array]]
"""The gradients of the single samples, by the names of the mini-batch's."""


def returned(network: BookNetwork, case: Case, start: Parameters, batch: Batch) -> Parts:
    """The gradients that backprop returns, each sample on a new network."""
    parts: Parts = {}
    for i in range(batch.m):
        net = network.make(case.sizes, case.cost)
        network.fill(net, *network.outwards(start))
        given = (network.numbers.out(np.array(each[:, [i]])) for each in (batch.x, batch.y))
        pair = network.backprop(net, *given)
        for quantity, arrays in zip(("nabla_b", "nabla_w"), pair, strict=True):
            for layer, array in enumerate(arrays, 2):
                parts.setdefault(f"{quantity}{layer}", []).append(np.array(array))
    return parts
