"""The twin by other ways of PyTorch: `torch.func`, and `torch.compile`.

Neither keeps what happens inside the network, so they show less than `Trainer`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from reference.step import Array, Batch, Parameters
from torch_impl.model import Network, optimizer
from torch_impl.step import Trainer, flat, gradients, put, to_array, values


@lru_cache(maxsize=1)
def compiled(
    sizes: tuple[int, ...], dtype: torch.dtype, activations: tuple[str, ...]
) -> tuple[Network, Callable[[Tensor], Tensor]]:
    """A network, and the same compiled; what was compiled of another one is forgotten.

    Else PyTorch would reach its limit of recompilations. What it does not compile it refuses.
    """
    torch.compiler.reset()
    network = Network(sizes, dtype, activations)
    return network, torch.compile(network, fullgraph=True)


class CompiledTrainer:
    """A network in training whose forward and backward passes are compiled."""

    def __init__(
        self,
        parameters: Parameters,
        cost: str,
        eta: float,
        decay: float = 0.0,
        activations: Sequence[str] = (),
    ) -> None:
        """Start from the parameters, as `Trainer` does."""
        dtype = torch.tensor(parameters.w[0][:0]).dtype
        self.network, self.compiled = compiled(parameters.sizes, dtype, tuple(activations))
        put(self.network, parameters)
        self.optimizer, self.cost = optimizer(self.network, eta, decay), cost

    def step(self, batch: Batch) -> dict[str, Array]:
        """Take one step; the output, the cost, the gradients and the parameters after it."""
        x, y = (torch.tensor(array.T) for array in (batch.x, batch.y))
        self.optimizer.zero_grad()
        logits = self.compiled(x)
        cost = self.network.cost(logits, y, self.cost)
        cost.backward()  # type: ignore[no-untyped-call]
        layers = self.network.layers
        shown = {f"a{len(layers) + 1}": to_array(self.network.predict(logits)).T}
        shown["cost"] = to_array(cost)
        shown |= flat(gradients(layers), "nabla_")
        self.optimizer.step()
        return shown | flat(values(layers))


class FuncTrainer:
    """A network in training as a function: the gradient of one sample, mapped over all.

    The gradient in a bias of one sample is its δ.
    """

    def __init__(
        self,
        parameters: Parameters,
        cost: str,
        eta: float,
        decay: float = 0.0,
        activations: Sequence[str] = (),
    ) -> None:
        """Start from the parameters, as `Trainer` does."""
        self.network = Trainer(parameters, cost, eta, decay, activations, watched=False).network
        self.cost, self.eta, self.decay = cost, eta, decay
        named = self.network.named_parameters()
        self.parameters = {name: each.detach().clone() for name, each in named}

    def step(self, batch: Batch) -> dict[str, Array]:
        """Take one step; the output, the cost, δ, the gradients and the parameters after it."""
        x, y = (torch.tensor(array.T) for array in (batch.x, batch.y))
        masks = [torch.tensor(mask.T) for mask in batch.masks]
        of_sample = grad_and_value(self._cost_of_sample, has_aux=True)
        mapped = vmap(of_sample, in_dims=(None, 0, 0, 0))
        grads, (costs, logits) = mapped(self.parameters, x, y, masks)
        layers = len(self.network.layers)
        shown = {f"a{layers + 1}": to_array(self.network.predict(logits)).T}
        shown["cost"] = to_array(costs.mean())
        for layer in range(2, layers + 2):
            w, b = (f"linear.{layer - 2}.{kind}" for kind in ("weight", "bias"))
            nabla_w, nabla_b = grads[w].mean(0), grads[b].mean(0)
            shown[f"delta{layer}"] = to_array(grads[b]).T
            shown[f"nabla_w{layer}"], shown[f"nabla_b{layer}"] = (
                to_array(nabla_w),
                to_array(nabla_b)[:, None],
            )
            decayed = nabla_w + self.decay * self.parameters[w]
            self.parameters[w] = self.parameters[w] - self.eta * decayed
            self.parameters[b] = self.parameters[b] - self.eta * nabla_b
            shown[f"w{layer}"] = to_array(self.parameters[w])
            shown[f"b{layer}"] = to_array(self.parameters[b])[:, None]
        return shown

    def _cost_of_sample(
        self, parameters: dict[str, Tensor], x: Tensor, y: Tensor, masks: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The cost of one sample, and its logits."""
        self.network.put_masks([mask[None] for mask in masks])
        logits: Tensor = functional_call(self.network, parameters, (x[None],))
        return self.network.cost(logits, y[None], self.cost), logits[0]
