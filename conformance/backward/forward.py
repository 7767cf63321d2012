"""What the loss is made of, and ∂C/∂v of each value v that it is made of.

Left out: the chain rule itself (`chain.py`) and the backward pass (`blame.py`).
"""

from dataclasses import dataclass, field

import numpy as np

from conformance.backward.chain import Arrays, Chain
from conformance.backward.operation import MOVES, is_float
from conformance.backward.program import Recorded
from conformance.tracing.node import Node
from reference.step import Array

Cut = frozenset[tuple[int, int | None]]
"""The numbers of nodes that pass nothing on, each with that of a consumer, None for all."""

DIRECTIONS = 2
"""In so many generic directions the parameters are moved: a number alone would match by chance."""


@dataclass(eq=False)
class Forward:
    """The forward pass of a recorded run.

    Attributes:
        run: the recorded run.
        chain: its operations.
        gradient: ∂C/∂v, by the number of v.
        parts: the single contributions to it: of each consumer in the order of time, what it gives.
    """

    run: Recorded
    chain: Chain
    gradient: Arrays = field(default_factory=dict)
    parts: dict[int, list[tuple[Node, Array]]] = field(default_factory=dict)
    _added: Arrays = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Apply the chain rule from the loss backwards."""

        def note(consumer: Node, node: Node, part: Array) -> None:
            self.parts.setdefault(node.number, []).insert(0, (consumer, part[0]))

        loss = self.run.loss
        seeds = {loss.number: np.ones((1, *np.shape(loss.value)))}
        found = self.chain.reverse(seeds, self.contains, note=note)
        self.gradient = {number: each[0] for number, each in found.items()}
        self._nodes = [e for e in self.chain.nodes if e.number in self.gradient and is_float(e)]

    def contains(self, node: Node) -> bool:
        """Whether the loss is made of it."""
        return self.run.loss.depends_on(node)

    def right(self, parameter: Node) -> Array:
        """The gradient of a parameter."""
        found = self.gradient.get(parameter.number)
        return np.zeros(np.shape(parameter.value)) if found is None else found

    def added(self, node: Node) -> Array:
        """The sizes of what the entries of ∂C/∂v are sums of: Σ |terms|."""
        known = self._added.get(node.number)
        if known is not None:
            return known
        total: Array = np.zeros(np.shape(node.value))
        for consumer, part in self.parts.get(node.number, ()):
            own = np.abs(self.gradient[consumer.number])
            moved = consumer.operation in ("add", "subtract")  # as where one looks ahead: w + μ v
            moved = moved and np.shape(consumer.value) == np.shape(node.value)
            if consumer.operation in MOVES or moved:
                own = self.added(consumer)
            sizes = self.chain.sizes(consumer, node, own)
            total = total + (np.abs(part) if sizes is None else sizes)
        self._added[node.number] = total
        return total

    def nodes(self) -> list[Node]:
        """The values that have a derivative, in the order of time."""
        return self._nodes

    def tangents(self, directions: Arrays, cut: Cut = frozenset()) -> Arrays:
        """How every value moves with the parameters, one direction along the first axis."""
        return self.chain.forward(directions, self.nodes(), cut)


def directions(run: Recorded) -> Arrays:
    """Generic directions in the space of the parameters, along the first axis."""
    rng = np.random.default_rng(0)
    return {
        each.parameter.number: rng.normal(size=(DIRECTIONS, *np.shape(each.parameter.value)))
        for each in run.goals
    }
