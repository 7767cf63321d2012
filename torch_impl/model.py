"""The network as one would write it in PyTorch: samples are rows, gradients come from autograd.

It does not know that it is judged. Left out: everything that `reference` computes by hand.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own idiom

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky-relu": nn.LeakyReLU,
    "linear": nn.Identity,
    "softmax": partial(nn.Softmax, dim=1),
}


DROPOUT = "-dropout"
"""Ends the name of an activation behind which neurons are left out."""


class Masked(nn.Module):
    """An activation, and a dropout of which the mask is given before each pass."""

    def __init__(self, activation: nn.Module) -> None:
        """Leave nothing out yet."""
        super().__init__()
        self.activation = activation
        self.mask = torch.ones(())  # (m, n_l)

    def forward(self, z: Tensor) -> Tensor:
        """f(z) of the neurons that are kept, times what the mask has of them."""
        activations: Tensor = self.activation(z)
        return activations * self.mask


def activation(name: str) -> nn.Module:
    """The module of an activation, the dropout behind it included."""
    module = ACTIVATIONS[name.removesuffix(DROPOUT)]()
    return Masked(module) if name.endswith(DROPOUT) else module


class Network(nn.Module):
    """A multilayer perceptron that returns its output layer before its activation."""

    def __init__(
        self, sizes: Sequence[int], dtype: torch.dtype, activations: Sequence[str] = ()
    ) -> None:
        """Make the layers.

        Args:
            sizes: neurons of each layer, the input layer first.
            dtype: torch.float32 or torch.float64.
            activations: names in `ACTIVATIONS`, of each layer but the input; sigmoids if not given.
                One that ends in `-dropout` has a mask.
        """
        super().__init__()
        self.linear = nn.ModuleList(
            nn.Linear(below, here, dtype=dtype) for below, here in pairwise(sizes)
        )
        names = activations or ["sigmoid"] * len(self.linear)
        self.activation = nn.ModuleList(map(activation, names))

    @property
    def layers(self) -> list[nn.Linear]:
        """The linear layers, from the first hidden layer to the output."""
        return [layer for layer in self.linear if isinstance(layer, nn.Linear)]

    def put_masks(self, masks: Sequence[Tensor]) -> None:
        """Give the layers with dropout their masks (m, n_l) for the next pass, the first first."""
        masked = (each for each in self.activation if isinstance(each, Masked))
        for layer, mask in zip(masked, masks, strict=True):
            layer.mask = mask

    def forward(self, x: Tensor) -> Tensor:
        """The logits (m, n_L) of the rows x (m, n_1): the output before its activation."""
        *hidden, output = self.linear
        for linear, activation in zip(hidden, self.activation[:-1], strict=True):
            x = activation(linear(x))
        logits: Tensor = output(x)
        return logits

    def predict(self, logits: Tensor) -> Tensor:
        """The output activations (m, n_L)."""
        activations: Tensor = self.activation[-1](logits)
        return activations

    def cost(self, logits: Tensor, y: Tensor, kind: str) -> Tensor:
        """The mean over the mini-batch of the cost of this kind, a scalar; see `total_cost`."""
        return self.total_cost(logits, y, kind) / len(y)

    def total_cost(self, logits: Tensor, y: Tensor, kind: str) -> Tensor:
        """The sum over the samples of the cost of this kind, a scalar.

        With the `log-likelihood` y has one 1 a row, the class of the sample.
        """
        if kind == "quadratic":
            total = 0.5 * F.mse_loss(self.predict(logits), y, reduction="sum")
        elif kind == "cross-entropy":
            total = F.binary_cross_entropy_with_logits(logits, y, reduction="sum")
        elif kind == "log-likelihood":
            total = F.nll_loss(F.log_softmax(logits, dim=1), y.argmax(dim=1), reduction="sum")
        else:
            raise ValueError(f"cost {kind!r}: give quadratic or cross-entropy or log-likelihood")
        return total


def optimizer(
    network: Network,
    eta: float,
    decay: float,
    update: str = "sgd",
    constants: Mapping[str, float] = MappingProxyType({}),
) -> torch.optim.Optimizer:
    """PyTorch's own, with weight decay λ/n on the weights alone.

    Args:
        network: whose parameters it moves.
        eta: the learning rate η.
        decay: λ/n.
        update: which.
        constants: `mu`, `rho` and `epsilon`, those that it has.

    Raises:
        ValueError: there is no such update.
    """
    layers, c = network.layers, constants
    groups: list[dict[str, Any]] = [
        {
            "params": [layer.weight for layer in layers],
            "weight_decay": 0.0 if update == "l1" else decay,
        },
        {"params": [layer.bias for layer in layers], "weight_decay": 0.0},
    ]
    if update in ("sgd", "l1"):
        return torch.optim.SGD(groups, lr=eta)
    if update in ("momentum", "nesterov"):
        return torch.optim.SGD(groups, eta, c["mu"], nesterov=update == "nesterov")
    if update == "rmsprop":
        return torch.optim.RMSprop(groups, eta, c["rho"], c["epsilon"])
    if update in ("adam", "adamw"):
        kind = torch.optim.Adam if update == "adam" else torch.optim.AdamW
        return kind(groups, eta, (c["mu"], c["rho"]), c["epsilon"])
    raise ValueError(f"update {update!r}: PyTorch has none of this name here")
