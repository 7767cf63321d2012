"""The twin in data-parallel training: DistributedDataParallel, as one process of several.

DDP averages gradients over the processes, so each scales its loss by world/m: then the average is
the mean over the mini-batch, whatever each process has of it. Left out: starting the processes.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, distributed
from torch.nn.parallel import DistributedDataParallel

from reference.step import Array, Parameters
from torch_impl.step import Trainer, flat, gradients, to_array, values

Samples = tuple[Array, Array]
"""x (n_1, m) and y (n_L, m) of a micro-batch."""


class ParallelTrainer:
    """A network in data-parallel training, which shows what its process computed.

    The process group is there before it is made. Rank 0's parameters hold: DDP broadcasts them.
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
        self.inner = Trainer(parameters, cost, eta, decay, activations)
        self.network = DistributedDataParallel(self.inner.network)
        self.world = distributed.get_world_size()
        self._own: dict[Tensor, Tensor] = {}
        for parameter in self.inner.network.parameters():
            parameter.register_hook(partial(self._see_own, parameter))  # type: ignore[no-untyped-call]

    def step(
        self, micro_batches: Sequence[Samples], m: int
    ) -> tuple[list[dict[str, Array]], dict[str, Array]]:
        """Take one step together with the other processes.

        Args:
            micro_batches: of this process, perhaps none.
            m: the samples of all processes together.

        Returns:
            The quantities of each micro-batch, gradients as the mean over its samples; and ∇ over
            all processes, `reduced_b2` …, with the parameters after the step, `b2` ….
        """
        self.inner.optimizer.zero_grad()
        shown = []
        for i, (x, y) in enumerate(micro_batches):
            if i == len(micro_batches) - 1:
                shown.append(self._micro_step(x, y, m))
            else:
                with self.network.no_sync():
                    shown.append(self._micro_step(x, y, m))
        if not micro_batches:
            self._join()
        layers = self.inner.network.layers
        after = flat(gradients(layers), "reduced_")
        self.inner.optimizer.step()
        return shown, after | flat(values(layers))

    def _micro_step(self, x: Array, y: Array, m: int) -> dict[str, Array]:
        """Forward and backward of one micro-batch, and what it computed."""
        inner, scale, own = self.inner, self.world / m, x.shape[1]
        targets = torch.tensor(y.T)
        inner.forget()
        logits = self.network(torch.tensor(x.T))
        total = inner.network.total_cost(logits, targets, inner.cost)
        z, a = inner.seen(logits)
        (total * scale).backward()  # type: ignore[no-untyped-call]
        shown = {"cost": to_array(total / own)}
        for layer, each in enumerate(inner.network.layers, start=2):
            shown[f"z{layer}"] = to_array(z[layer - 2]).T
            shown[f"a{layer}"] = to_array(a[layer - 2]).T
            shown[f"delta{layer}"] = to_array(z[layer - 2].grad).T / scale
            shown[f"nabla_b{layer}"] = to_array(self._own[each.bias])[:, None] / (scale * own)
            shown[f"nabla_w{layer}"] = to_array(self._own[each.weight]) / (scale * own)
        return shown

    def _see_own(self, parameter: Tensor, own: Tensor) -> None:
        """Keep the gradient of a micro-batch before it is added to others."""
        self._own[parameter] = own.clone()

    def _join(self) -> None:
        """Take part in the reduction without samples: each process must, or the others wait."""
        first = self.inner.network.layers[0].weight
        empty = torch.empty((0, first.shape[1]), dtype=first.dtype)
        self.network(empty).sum().backward()
