"""Torch modules with other activations than sigmoids, as people write them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn


class ReluLogits(nn.Module):
    """ReLU, and logits for the cross-entropy of classes."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.criterion: Any = nn.CrossEntropyLoss()

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        *hidden, output = self.linear
        for layer in hidden:
            x = torch.relu(layer(x))
        logits: Tensor = output(x)
        return logits


class TanhSoftmax(nn.Module):
    """tanh, and probabilities, without a loss of its own."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """The probabilities."""
        *hidden, output = self.linear
        for layer in hidden:
            x = torch.tanh(layer(x))
        return torch.softmax(output(x), dim=1)


class ReluRegression(ReluLogits):
    """ReLU, and a linear output with the squared error."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__(sizes)
        self.criterion = HalfSquares()


class HalfSquares(nn.Module):
    """The quadratic cost, the mean over the rows."""

    def forward(self, output: Tensor, y: Tensor) -> Tensor:
        """(1/2m) Σ (a − y)²"""
        return ((output - y) ** 2).sum() / (2 * len(y))
