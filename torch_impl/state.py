"""The state of an optimizer by the names of `reference.step`, to and fro.

PyTorch's buffer of momentum is −v/η, for it takes the learning rate after the sum.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from reference.step import Array

BUFFERS = {"v": ("momentum_buffer", "exp_avg"), "s": ("square_avg", "exp_avg_sq")}
"""Under which keys PyTorch keeps what begins with these letters."""


class State:
    """What an optimizer keeps of each parameter."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, layers: Sequence[nn.Linear], eta: float
    ) -> None:
        """Read and write the state of this optimizer, of linear layers from 2 to L."""
        self.optimizer, self.layers, self.eta = optimizer, layers, eta

    def put(self, state: Mapping[str, Array]) -> None:
        """Begin with this state, by names such as `v_w2`; with none if it is empty."""
        adam = "t" in state
        for name, parameter in self._parameters() if state else ():
            kept = self.optimizer.state[parameter]
            for letter, (plain, averaged) in BUFFERS.items():
                if f"{letter}_{name}" in state:
                    array = torch.tensor(state[f"{letter}_{name}"]).reshape(parameter.shape)
                    moved = letter == "v" and not adam
                    kept[averaged if adam else plain] = -array / self.eta if moved else array
            kept["step"] = torch.tensor(float(state.get("t", 0.0)))

    def taken(self) -> dict[str, Array]:
        """The state after a step; empty if the optimizer keeps none."""
        found: dict[str, Array] = {}
        for name, parameter in self._parameters():
            kept = self.optimizer.state[parameter]
            for letter, keys in BUFFERS.items():
                for key in keys:
                    if kept.get(key) is not None:
                        moved = key == "momentum_buffer"
                        array = -self.eta * kept[key] if moved else kept[key]
                        found[f"{letter}_{name}"] = _column(array)
            if "exp_avg" in kept:
                found["t"] = kept["step"].to(parameter.dtype).numpy().copy()
        return found

    def _parameters(self) -> Iterator[tuple[str, Tensor]]:
        for number, layer in enumerate(self.layers, 2):
            yield f"b{number}", layer.bias
            yield f"w{number}", layer.weight


def _column(tensor: Tensor) -> Array:
    """A copy of the numbers, a bias as a column."""
    array: Array = tensor.detach().numpy().copy()
    return array[:, None] if array.ndim == 1 else array
