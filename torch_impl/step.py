"""The border: shared parameters in, autograd and torch.optim.SGD, a `Step` out.

Columns become rows here and nowhere else. A tensor's `.numpy()` shares memory that the optimizer
rewrites, so everything that leaves is a copy.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType

import torch
from torch import Tensor, nn

from reference.step import Array, Batch, Parameters, Step
from torch_impl.model import Network, optimizer
from torch_impl.state import State

Pair = tuple[tuple[Array, ...], tuple[Array, ...]]
"""What belongs to the biases of each layer, and to the weights."""


class Trainer:
    """A network in training, which shows what each of its steps computed.

    Attributes:
        short: the format of the forward pass under autocast; None if it is that of the parameters.
        scale: by which the cost is multiplied at most before it is differentiated, a power of two:
            so that short numbers do not underflow. The gradients are divided by it before the
            update.
    """

    def __init__(
        self,
        parameters: Parameters,
        cost: str,
        eta: float,
        decay: float = 0.0,
        activations: Sequence[str] = (),
        update: str = "sgd",
        constants: Mapping[str, float] = MappingProxyType({}),
        *,
        watched: bool = True,
    ) -> None:
        """Start from the shared parameters, in their dtype.

        Args:
            parameters: float32 or float64 arrays; copied.
            cost: "quadratic", "cross-entropy" or "log-likelihood".
            eta: the learning rate η.
            decay: λ/n.
            activations: of each layer but the input; sigmoids if not given.
            update: see `optimizer`; the parameters have its state.
            constants: likewise.
            watched: whether weighted inputs and activations are kept, as `step` needs them.
        """
        dtype = torch.tensor(parameters.w[0][:0]).dtype
        self.network = Network(parameters.sizes, dtype, activations)
        self.cost = cost
        put(self.network, parameters)
        self.optimizer = optimizer(self.network, eta, decay, update, constants)
        self.l1 = decay if update == "l1" else 0.0
        self.state = State(self.optimizer, self.network.layers, eta)
        self.state.put(parameters.state)
        self.short: torch.dtype | None = None
        self.scale = 1.0
        self._z: list[Tensor] = []
        self._a: list[Tensor] = []
        for linear in self.network.layers if watched else ():
            linear.register_forward_hook(self._see_weighted_input)
        for activation in self.network.activation if watched else ():
            activation.register_forward_hook(self._see_activation)

    def step(self, batch: Batch) -> Step:
        """Take one step on a mini-batch of columns and show everything it computed."""
        self.forget()
        layers, dtype = self.network.layers, self.network.layers[0].weight.dtype
        x, y = (torch.tensor(array.T, dtype=dtype) for array in (batch.x, batch.y))
        self.optimizer.zero_grad()
        self.network.put_masks([torch.tensor(mask.T, dtype=dtype) for mask in batch.masks])
        with self._autocast():
            logits = self.network(x)
            cost = self.network.cost(logits, y, self.cost)
            z, a = self.seen(logits)
        scale = self._differentiate(cost, z)
        nabla_b, nabla_w = gradients(layers)
        if self.l1:  # PyTorch has no such decay: its gradient is added by itself
            penalty: Tensor = self.l1 * sum(
                (each.weight.abs().sum() for each in layers), x.new_zeros(())
            )
            penalty.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        b, w = values(layers)
        return Step(
            z=tuple(to_array(each).T for each in z),
            a=tuple(to_array(each).T for each in a),
            cost=to_array(cost),
            delta=tuple(  # autograd's holds the 1/m, and the scale
                batch.m / scale * to_array(each.grad).T for each in z
            ),
            nabla_b=nabla_b,
            nabla_w=nabla_w,
            b=b,
            w=w,
            state=self.state.taken(),
        )

    def _differentiate(self, cost: Tensor, z: Sequence[Tensor]) -> float:
        """Let autograd fill in the gradients; the scale that is left in those of z.

        It is halved until all of them are finite, as a `torch.amp.GradScaler` does from step to
        step. Those of the parameters are divided by it.
        """
        if self.scale == 1:
            cost.backward()  # type: ignore[no-untyped-call]
            return 1.0
        scale, parameters = self.scale, [*self.network.parameters()]
        while True:
            (cost * scale).backward(retain_graph=True)  # type: ignore[no-untyped-call]
            found = [each.grad for each in (*z, *parameters) if each.grad is not None]
            if scale <= 1 or all(bool(each.isfinite().all()) for each in found):
                break
            scale /= 2
            for each in (*z, *parameters):
                each.grad = None
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad /= scale
        return scale

    def _autocast(self) -> AbstractContextManager[object]:
        """Where the forward pass computes in the short format, if there is one."""
        return nullcontext() if self.short is None else torch.autocast("cpu", self.short)

    def forget(self) -> None:
        """Forget the weighted inputs and activations of the last forward pass."""
        self._z, self._a = [], []

    def seen(self, logits: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The weighted inputs and activations of the forward pass that gave these logits."""
        if len(self._a) < len(self._z):  # a cost may take the logits themselves
            self.network.predict(logits)
        return self._z, self._a

    def _see_weighted_input(self, _: nn.Module, __: tuple[Tensor, ...], z: Tensor) -> None:
        z.retain_grad()
        self._z.append(z)

    def _see_activation(self, _: nn.Module, __: tuple[Tensor, ...], a: Tensor) -> None:
        self._a.append(a)


def put(network: Network, parameters: Parameters) -> None:
    """Let a network start from the shared parameters."""
    with torch.no_grad():
        for layer, w, b in zip(network.layers, parameters.w, parameters.b, strict=True):
            layer.weight.copy_(torch.tensor(w))
            layer.bias.copy_(torch.tensor(b[:, 0]))


def gradients(layers: Sequence[nn.Linear]) -> Pair:
    """∂C/∂b (n, 1) and ∂C/∂w of each layer, as autograd left them."""
    return (
        tuple(to_array(layer.bias.grad)[:, None] for layer in layers),
        tuple(to_array(layer.weight.grad) for layer in layers),
    )


def values(layers: Sequence[nn.Linear]) -> Pair:
    """The biases (n, 1) and the weights of each layer as they are now."""
    return (
        tuple(to_array(layer.bias)[:, None] for layer in layers),
        tuple(to_array(layer.weight) for layer in layers),
    )


def flat(pair: Pair, prefix: str = "") -> dict[str, Array]:
    """What belongs to biases and to weights by flat names: `b2`, `w2`, or behind a prefix."""
    return {
        f"{prefix}{kind}{layer}": array
        for kind, arrays in zip("bw", pair, strict=True)
        for layer, array in enumerate(arrays, start=2)
    }


def to_array(tensor: Tensor | None) -> Array:
    """A copy of the tensor's numbers.

    Raises:
        RuntimeError: autograd left no gradient.
    """
    if tensor is None:
        raise RuntimeError("autograd left no gradient")
    numbers = tensor.detach().cpu()
    if numbers.dtype == torch.bfloat16:  # which NumPy does not have
        numbers = numbers.float()
    return numbers.numpy().copy()
