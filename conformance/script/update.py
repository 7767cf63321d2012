"""One update of one parameter: the old value, and what is added to it how many times.

Left out: how it is read (`update_reader.py`), and whether it is right (`rule.py`).
"""

from dataclasses import dataclass, field

from conformance.script.linear import Link
from conformance.script.parameters import Parameter
from conformance.tracing.node import Node

Multiple = Link
"""An array, and how many times it is added; only the sign counts in an adaptive update."""


@dataclass(eq=False)
class Update:
    """An update.

    Attributes:
        parameter: that is moved.
        old: its value before.
        new: its value after.
        options: the arrays by which it is moved, each a multiple of the one before, and how many
            times each is added; nothing if it is not moved by multiples of a single one.
        own: which of them is the first that is not a product that the update itself computes.
        parts: of each array that is nowhere computed, but added part by part, these.
        decay: how many times the old value itself is taken away.
        after: how many times the new value is taken away after the step.
        adaptive: whether the gradient is divided by something that is kept of earlier ones.
        states: what is kept, as it was read and as it was written.
        signed: that of which the sign is added, if it is a sign.
        given: the values of all parameters that are moved with it, as bits.
    """

    parameter: Parameter
    old: Node
    new: Node
    options: list[Multiple] = field(default_factory=list)
    own: int = 0
    parts: dict[Node, tuple[Node, ...]] = field(default_factory=dict)
    decay: float = 0.0
    after: float = 0.0
    adaptive: bool = False
    states: list[tuple[Node, Node]] = field(default_factory=list)
    signed: Node | None = None
    given: int = 0

    def parts_of(self, gradient: Node) -> tuple[Node, ...]:
        """What a gradient by which it is moved is the sum of, or that itself."""
        return self.parts.get(gradient, (gradient,))
