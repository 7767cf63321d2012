"""The executions of one operation, a repair of it, and the slopes by which a ∂C/∂v is multiplied.

Left out: finding the repair (`blame.py`), and where a backward pass multiplies by a wrong slope
(`region.py`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.backward.chain import Arrays, Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, Match
from conformance.backward.judge_gradients import distance
from conformance.backward.source import RENAMED
from conformance.tracing.node import Node, bits_of_nodes
from reference.step import Array

UNFIT = (ValueError, TypeError, IndexError, ArithmeticError, AttributeError, KeyError)
"""What operations raise that are given values of another kind or shape."""


@dataclass(eq=False)
class Group:
    """All executions of one operation.

    Attributes:
        nodes: what they computed, in the order of time.
        recurrent: whether one was computed from another.
    """

    nodes: list[Node]
    recurrent: bool = False

    @property
    def first(self) -> Node:
        """The first of them."""
        return self.nodes[0]


@dataclass(frozen=True, eq=False)
class Repair:
    """Values for all executions of an operation that make all gradients right.

    Attributes:
        group: the operation.
        values: what each execution ought to have given, by its number.
        matches: of each execution, what its value is used as, where that is known.
        kind: `total`, `part`, or how the operation was changed.
    """

    group: Group
    values: Arrays
    matches: tuple[Match | None, ...]
    kind: str

    @property
    def is_of_rests(self) -> bool:
        """Whether what its values have to be is what other terms of a sum lack."""
        return self.kind == "rest" or (
            self.kind == "sum" and len(self.values) < len(self.group.nodes)
        )

    def changed(self, values: Mapping[int, Any]) -> float:
        """The share of the executions that gave something else."""
        return len(self._wrong(values)) / len(self.values)

    def first_wrong(self, values: Mapping[int, Any]) -> int:
        """The number of the first execution that gave something else; of the first, if none did."""
        return min(self._wrong(values) or self.values)

    def _wrong(self, values: Mapping[int, Any]) -> list[int]:
        return [
            number
            for number, value in self.values.items()
            if distance(np.asarray(values[number]), value) > HALF_OF_THE_DIGITS
        ]


def grouped(nodes: list[Node], *, calls: bool = False) -> list[Group]:
    """The executions of each operation together, in the order of the first.

    Args:
        nodes: what they computed.
        calls: whether an operation of a function is another one in each call of it.
    """
    found: dict[Any, Group] = {}
    for node in nodes:
        key = operation_key(node), node.sites[1:] if calls else ()
        found.setdefault(key, Group([])).nodes.append(node)
    for group in found.values():
        bits = bits_of_nodes(group.nodes)
        group.recurrent = any(e.uses & bits & ~(1 << e.number) for e in group.nodes)
    return list(found.values())


def operation_key(node: Node) -> Any:
    """What the executions of one operation have in common."""
    where = node.frames[:1] if node.writes or node.site is None else node.site
    tagged = node.operation in ("taken", "returned", RENAMED, "part") and len(node.args) > 1
    return where, node.operation, node.args[1] if tagged else None


@dataclass(frozen=True, eq=False)
class Factor:
    """What is to be the derivative of an operation, and is not.

    Attributes:
        product: of it and a right ∂C/∂v.
        node: the factor.
        value: what it has to be.
        held: the ∂C/∂v that it multiplies.
        needed: the one that the product has to be.
    """

    product: Node
    node: Node
    value: Array
    held: Match
    needed: Match


def is_given_another(factor: Factor, chain: Chain) -> bool:
    """Whether the function that computed a factor would give the right one of another argument.

    Such as the derivative of σ of z, which is given a, and needs it for nothing else.
    """
    within = inside(factor.node, chain)
    numbers = {each.number for each in within}
    given = {e.number: e for each in within for e in each.inputs if e.number not in numbers}
    values = [each.quantity.nodes[0].value for each in (factor.needed, factor.held)]
    return any(
        np.shape(value) == np.shape(each.value) and _gives(factor, chain, within, each, value)
        for each in given.values()
        if not is_used_beside(each, factor.node, numbers)
        for value in values
    )


def is_used_beside(given: Node, made: Node, numbers: Collection[int] = ()) -> bool:
    """Whether a function needs a value for more than it computes of it, which is to be another.

    Args:
        given: what the function is given.
        made: what it computes of that.
        numbers: of what it computes on the way.
    """
    others = (e for e in given.consumers if e is not made and e.number not in numbers)
    return any(each.calls[:1] == made.calls[:1] for each in others)


def inside(made: Node, chain: Chain) -> list[Node]:
    """What was computed for a value in the call of the function that computed it."""
    if not made.calls or len(made.frames) <= 1:
        return []
    return [
        each
        for each in chain.nodes
        if each.function is not None and made.calls[0] in each.calls and made.depends_on(each)
    ]


def _gives(factor: Factor, chain: Chain, within: list[Node], given: Node, value: Array) -> bool:
    """Whether a function gives the right factor of another value in the place of an argument."""
    now = {given.number: value}
    try:
        for node in within:
            now[node.number] = np.asarray(chain.evaluate(node, now))
    except UNFIT:
        return False
    found, (one, other) = now[factor.node.number], factor.product.args
    by = chain.value(other if one is factor.node else one)  # where it is 0, any factor will do
    right = factor.value
    return found.shape == right.shape and distance(found * by, right * by) <= HALF_OF_THE_DIGITS
