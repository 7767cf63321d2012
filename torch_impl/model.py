"""The network as one would write it in PyTorch: samples are rows, gradients come from autograd.

It does not know that it is judged. Left out: everything that `reference` computes by hand.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own idiom


class Network(nn.Module):
    """A sigmoid multilayer perceptron that returns the logits of its output layer."""

    def __init__(self, sizes: Sequence[int], dtype: torch.dtype) -> None:
        """Make the layers.

        Args:
            sizes: neurons of each layer, the input layer first.
            dtype: torch.float32 or torch.float64.
        """
        super().__init__()
        self.linear = nn.ModuleList(
            nn.Linear(below, here, dtype=dtype) for below, here in pairwise(sizes)
        )
        self.sigmoid = nn.ModuleList(nn.Sigmoid() for _ in self.linear)

    @property
    def layers(self) -> list[nn.Linear]:
        """The linear layers, from the first hidden layer to the output."""
        return [layer for layer in self.linear if isinstance(layer, nn.Linear)]

    def forward(self, x: Tensor) -> Tensor:
        """The logits (m, n_L) of the rows x (m, n_1): the output layer before its sigmoid."""
        *hidden, output = self.linear
        for linear, sigmoid in zip(hidden, self.sigmoid[:-1], strict=True):
            x = sigmoid(linear(x))
        logits: Tensor = output(x)
        return logits

    def predict(self, logits: Tensor) -> Tensor:
        """The output activations (m, n_L)."""
        activations: Tensor = self.sigmoid[-1](logits)
        return activations

    def cost(self, logits: Tensor, y: Tensor, kind: str) -> Tensor:
        """The mean over the mini-batch of the `quadratic` or the `cross-entropy` cost, a scalar."""
        if kind == "quadratic":
            total = 0.5 * F.mse_loss(self.predict(logits), y, reduction="sum")
        elif kind == "cross-entropy":
            total = F.binary_cross_entropy_with_logits(logits, y, reduction="sum")
        else:
            raise ValueError(f"cost {kind!r}: give quadratic or cross-entropy")
        return total / len(y)


def optimizer(network: Network, eta: float, decay: float) -> torch.optim.SGD:
    """Plain SGD with learning rate η, and weight decay λ/n on the weights alone."""
    layers = network.layers
    groups: list[dict[str, Any]] = [
        {"params": [layer.weight for layer in layers], "weight_decay": decay},
        {"params": [layer.bias for layer in layers]},
    ]
    return torch.optim.SGD(groups, lr=eta)
