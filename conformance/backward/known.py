"""What a backward value is: a ∂C/∂v, one contribution to it or a sum of some, up to a constant.

Left out: what it is used as (`blame.py`).
"""

from collections.abc import Collection, Iterator
from functools import cached_property

import numpy as np

from conformance.backward.judge import Forward
from conformance.backward.program import bits
from conformance.backward.quantities import Catalogue, Match, Quantity
from conformance.tracing.node import Node
from reference.step import Array

FEW_ENTRIES = 4  # fewer match by chance up to a constant


class Known:
    """The values that a backward pass may rightly have."""

    def __init__(
        self, forward: Forward, sizes: Collection[int], factors: list[float] | None = None
    ) -> None:
        """Take what may be known.

        Args:
            forward: the forward pass.
            sizes: of what the backward pass computes in loops.
            factors: the constants that a right value may be multiplied by; all usual ones if None.
        """
        self.forward, self.chain, self.sizes = forward, forward.chain, sizes
        self._factors = factors
        self._found: dict[int, list[Match]] = {}

    def of(self, node: Node) -> list[Match]:
        """What a value is."""
        if node.number not in self._found:
            value = np.asarray(self.chain.values[node.number], dtype=np.float64)
            self._found[node.number] = list(self.matches(value))
        return self._found[node.number]

    def matches(self, value: Array) -> Iterator[Match]:
        """What an array is."""
        few = (1.0,) if value.size < FEW_ENTRIES else self.factors
        return self._catalogue.scaled(value[None], few)

    @cached_property
    def factors(self) -> list[float]:
        """The constants that a right value may be multiplied by, 1 first."""
        if self._factors is not None:
            return self._factors
        arrays = (e.value for e in self.chain.nodes if isinstance(e.value, np.ndarray))
        lengths = {n for each in arrays for n in each.shape if n > 1}
        plain = {1.0, 2.0, 0.5, *map(float, lengths), *(1.0 / n for n in lengths)}
        more = plain | {2 * each for each in plain} | {each / 2 for each in plain}
        return sorted(more, key=lambda each: abs(np.log(each)))

    @cached_property
    def _catalogue(self) -> Catalogue:
        found = []
        parameters = bits(self.forward.run.goals)
        for node in self.forward.nodes():
            if not node.uses & parameters:  # data
                continue
            total = self.forward.gradient[node.number]
            found.append(Quantity((node,), total[None]))
            parts = self.forward.parts.get(node.number, [])
            if len(parts) > 1:
                found += [Quantity((node,), p[None], (), "part", c) for c, p in parts]
                found += [
                    Quantity((node,), sums[None], (), "part")
                    for some in (parts, parts[::-1])
                    for sums in _sums([p for _, p in some])
                ]
        return Catalogue(found, self.sizes)


def _sums(parts: list[Array]) -> Iterator[Array]:
    """The sums of the first few of some contributions."""
    total = parts[0]
    for part in parts[1:-1]:
        total = total + part
        yield total
