"""Right torch modules, assembled from the ways of writing one.

A `Way` says how; `right_module` gives the class, which takes a list of sizes. Imports nothing of
the project. Left out: what is drawn (`test_no_false_alarm.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Way:
    """A way to write the module: each field is a choice that somebody might make."""

    sigma: str = "function"  # a key of SIGMAS
    logits: bool = False  # it returns z of the output layer
    loss: str = ""  # or "quadratic", "cross-entropy": its own
    summed: bool = False  # the loss, over the mini-batch
    name: str = "loss"  # or "cost", "criterion"
    dtype: str = ""  # in which it computes; if empty, in that of its parameters

    @property
    def fragile(self) -> bool:
        """Whether its loss divides by the σ′ that autograd then multiplies by.

        With saturated neurons, or a σ whose derivative is rounded otherwise, that is not right:
        PyTorch says so of `BCELoss` and recommends `BCEWithLogitsLoss`.
        """
        return self.loss == "cross-entropy" and not self.logits


def by_tanh(z: Tensor) -> Tensor:
    """σ as a hyperbolic tangent."""
    return (1 + torch.tanh(z / 2)) / 2


def by_logarithm(z: Tensor) -> Tensor:
    """σ by its logarithm, which has no overflow."""
    return functional.logsigmoid(z).exp()


SIGMAS: dict[str, Callable[[Tensor], Tensor]] = {
    "function": torch.sigmoid,
    "module": nn.Sigmoid(),
    "in place": torch.sigmoid_,
    "method": lambda z: z.sigmoid(),
    "tanh": by_tanh,
    "logarithm": by_logarithm,
}


def right_module(way: Way) -> type[nn.Module]:
    """The class of a module written in this way."""

    class Right(nn.Module):
        def __init__(self, sizes: Sequence[int]) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
            if way.dtype:
                self.to(getattr(torch, way.dtype))

        def forward(self, a: Tensor) -> Tensor:
            if way.dtype:
                a = a.to(getattr(torch, way.dtype))
            for layer in self.layers[:-1]:
                a = SIGMAS[way.sigma](layer(a))
            z: Tensor = self.layers[-1](a)
            return z if way.logits else SIGMAS[way.sigma](z)

    if way.loss:
        setattr(Right, way.name, staticmethod(_loss(way)))
    return Right


def _loss(way: Way) -> Callable[[Tensor, Tensor], Any]:
    """The loss over outputs and targets in rows."""

    def quadratic(output: Tensor, y: Tensor) -> Tensor:
        a = torch.sigmoid(output) if way.logits else output
        return 0.5 * functional.mse_loss(a, y, reduction="sum")

    def cross_entropy(output: Tensor, y: Tensor) -> Tensor:
        if way.logits:
            return functional.binary_cross_entropy_with_logits(output, y, reduction="sum")
        return functional.binary_cross_entropy(output, y, reduction="sum")

    value = quadratic if way.loss == "quadratic" else cross_entropy
    if way.summed:
        return value
    return lambda output, y: value(output, y) / len(y)
