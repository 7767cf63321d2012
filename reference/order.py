"""The samples of a training run: laid out once, and the order in which an epoch takes them.

Left out: the loop (`network.py`).
"""

import numpy as np

from reference.step import Array, Batch


class Rows:
    """Samples laid out once, one a row, so that a mini-batch is contiguous in memory."""

    def __init__(self, data: Batch) -> None:
        """Lay out the samples; copied where they are not columns of contiguous numbers."""
        self.x, self.y = np.ascontiguousarray(data.x.T), np.ascontiguousarray(data.y.T)

    def batch(self, chosen: Array) -> Batch:
        """The mini-batch of the samples with these indices, in columns."""
        return Batch(self.x.take(chosen, axis=0).T, self.y.take(chosen, axis=0).T)


def permutation(order: Array | None, n: int, epoch: int) -> Array:
    """The order of an epoch as indices.

    Raises:
        ValueError: it is missing, or no permutation of 0 … n − 1.
    """
    if order is None:
        raise ValueError(f"orders: none is given for epoch {epoch}")
    index = np.asarray(order)
    if index.shape != (n,) or not np.array_equal(np.sort(index), np.arange(n)):
        raise ValueError(f"orders: that of epoch {epoch} is no permutation of 0 … {n - 1}")
    return index.astype(np.intp, copy=False)
