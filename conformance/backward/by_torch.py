"""The derivative of an operator of torch, by torch itself at the values that it was given.

Left out: the operator (`tracing/torch_operator.py`), which alone imports torch.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.backward.rules import Derivative
from conformance.backward.source import Operation
from conformance.tracing.node import Node, part_of, substituted
from reference.step import Array


class ByTorch(Derivative):
    """The derivative of an operator that torch differentiates."""

    def __init__(self, operator: Any, made: Operation, values: Callable[[Node], Any]) -> None:
        self.operator, self.made, self.values = operator, made, values
        self.arrays = [np.asarray(values(each), dtype=np.float64) for each in made.inputs]

    def _call(self, leaves: Sequence[Any]) -> tuple[Any, Any, int | None]:
        """The arguments with tensors in the place of the inputs; the place among the results."""
        instead = dict(zip((e.number for e in self.made.inputs), leaves, strict=True))

        def lookup(node: Node) -> Any:
            return instead[node.number] if node.number in instead else self.values(node)

        made, node = self.made, self.made.node
        args = tuple(substituted(each, lookup) for each in made.args)
        kwargs = {key: substituted(each, lookup) for key, each in made.kwargs.items()}
        return args, kwargs, node.args[1] if node.function is part_of else None

    def pull(self, cotangent: Array) -> list[Array | None]:
        """By torch's vector-Jacobian product."""
        found: list[Array | None] = self.operator.pulled(self._call, self.arrays, cotangent)
        return [
            np.zeros(a.shape) if e is None else e for e, a in zip(found, self.arrays, strict=True)
        ]

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """By the derivative of that product, or entry by entry of the result."""
        try:
            return np.asarray(self.operator.pushed(self._call, self.arrays, tangents))
        except NotImplementedError:
            return self._by_rows(tangents)

    def _by_rows(self, tangents: Sequence[Array | None]) -> Array:
        shape = np.shape(self.made.node.value)
        found = np.zeros(int(np.prod(shape)))
        for i in range(found.size):
            row = self.pull(np.eye(1, found.size, i).reshape(shape))
            found[i] = sum(
                float(np.vdot(part, tangent))
                for part, tangent in zip(row, tangents, strict=True)
                if part is not None and tangent is not None
            )
        return found.reshape(shape)


def by_torch(made: Operation, values: Callable[[Node], Any]) -> ByTorch | None:
    """The derivative of an operation by torch; None if it is no operator of torch's."""
    node = made.node
    function = node.args[0].function if node.function is part_of else node.function
    return ByTorch(function, made, values) if hasattr(function, "pulled") else None
