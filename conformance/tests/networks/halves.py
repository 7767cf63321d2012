"""A right network that adds up its gradients in parts of larger arrays."""

from itertools import pairwise
from typing import Any

import numpy as np

from conformance.tests.networks.families import ReluLinear


class ReluLinearByHalves(ReluLinear):
    """Of each layer an array holds the biases beside the weights."""

    def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
        """One step, of which each half is added up by itself."""
        total = [np.zeros((n, k + 1)) for k, n in pairwise(self.sizes)]
        for x, y in mini_batch:
            for t, db, dw in zip(total, *self.backprop(x, y), strict=True):
                t[:, 1:] += dw
                t[:, :1] += db
        for i, t in enumerate(total):
            step = eta / len(mini_batch) * t
            self.biases[i] = self.biases[i] - step[:, :1]
            self.weights[i] = self.weights[i] - step[:, 1:]
