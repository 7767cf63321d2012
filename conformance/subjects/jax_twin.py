"""The network as one would write it in JAX: samples are rows, gradients come from `jax.grad`.

It shares the parameters with `reference`, and none of its mathematics. Left out: other updates than
gradient descent.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import nn

from conformance.corpus.case import Case
from reference.step import Array, Batch, Parameters, Step

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": nn.sigmoid, "tanh": jnp.tanh, "relu": nn.relu, "leaky-relu": nn.leaky_relu,
    "linear": lambda z: z, "softmax": nn.softmax,
}  # fmt: skip


def forward(
    layers: Sequence[tuple[Any, Any]], moved: Sequence[Any], x: Any, activations: Sequence[str]
) -> tuple[list[Any], list[Any]]:
    """The weighted inputs and activations of the rows x, each weighted input moved by something."""
    zs, outputs = [], []
    for (w, b), by, name in zip(layers, moved, activations, strict=True):
        zs.append(x @ w.T + b + by)
        x = ACTIVATIONS[name](zs[-1])
        outputs.append(x)
    return zs, outputs


def cost(z: Any, a: Any, y: Any, kind: str) -> Any:
    """The mean over the mini-batch, of the weighted inputs and activations of the output."""
    if kind == "quadratic":
        total = 0.5 * jnp.sum((a - y) ** 2)
    elif kind == "cross-entropy":
        total = jnp.sum(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))
    else:
        total = -jnp.sum(nn.log_softmax(z) * y)
    return total / len(y)


class JaxSession:
    """A network in training, which shows what each of its steps computed."""

    def __init__(self, case: Case, parameters: Parameters) -> None:
        """Start from the parameters of a case, in their dtype."""
        pairs = zip(parameters.w, parameters.b, strict=True)
        self.case, self.layers = case, [(np.array(w), np.array(b[:, 0])) for w, b in pairs]

    def step(self, batch: Batch) -> Step:
        """Take one step on a mini-batch of columns and show everything it computed."""
        with jax.enable_x64(True):
            return self._step(batch.x.T, batch.y.T, batch.m)

    def _step(self, x: Array, y: Array, m: int) -> Step:
        case = self.case

        def of(layers: Any, moved: Any) -> tuple[Any, Any]:
            zs, outputs = forward(layers, moved, x, case.activations)
            return cost(zs[-1], outputs[-1], y, case.cost), (zs, outputs)

        still = [np.zeros((m, len(b)), b.dtype) for _, b in self.layers]
        by_both = jax.jit(jax.value_and_grad(of, argnums=(0, 1), has_aux=True))
        (value, (zs, outputs)), (slopes, deltas) = by_both(self.layers, still)
        nabla = [(np.asarray(dw), np.asarray(db)) for dw, db in slopes]
        eta, decay = case.type.type(case.eta), case.type.type(case.decay)
        self.layers = [
            (w - eta * (dw + decay * w), b - eta * db)
            for (w, b), (dw, db) in zip(self.layers, nabla, strict=True)
        ]
        return Step(
            z=_columns(zs),
            a=_columns(outputs),
            cost=np.asarray(value),
            delta=_columns([m * np.asarray(each) for each in deltas]),  # JAX's holds the 1/m
            nabla_b=tuple(db[:, None] for _, db in nabla),
            nabla_w=tuple(dw for dw, _ in nabla),
            b=tuple(b[:, None] for _, b in self.layers),
            w=tuple(w for w, _ in self.layers),
        )


def _columns(arrays: Sequence[Any]) -> tuple[Array, ...]:
    return tuple(np.asarray(each).T for each in arrays)
