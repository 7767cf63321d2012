"""What is to be the derivative of an operation, by which a right ∂C/∂v is multiplied.

Left out: where a backward pass multiplies by a wrong one (`region.py`).
"""

from dataclasses import dataclass

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.groups import UNFIT
from conformance.backward.judge import distance
from conformance.backward.quantities import HALF_OF_THE_DIGITS, Match
from conformance.tracing.node import Node
from reference.step import Array


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

    Such as the derivative of σ of z, which is given a.
    """
    inside = [each for each in chain.nodes if _is_inside(each, factor.node)]
    numbers = {each.number for each in inside}
    given = {e.number: e for each in inside for e in each.inputs if e.number not in numbers}
    values = [each.quantity.nodes[0].value for each in (factor.needed, factor.held)]
    return any(
        np.shape(value) == np.shape(each.value) and _gives(factor, chain, inside, each, value)
        for each in given.values()
        for value in values
    )


def _is_inside(node: Node, made: Node) -> bool:
    """Whether a value was computed in the call of a function that computed another."""
    within = bool(made.calls) and made.calls[0] in node.calls and len(made.frames) > 1
    return within and made.depends_on(node) and node.function is not None


def _gives(factor: Factor, chain: Chain, inside: list[Node], given: Node, value: Array) -> bool:
    """Whether a function gives the right factor of another value in the place of an argument."""
    now = {given.number: value}
    try:
        for node in inside:
            now[node.number] = np.asarray(chain.evaluate(node, now))
    except UNFIT:
        return False
    found = now[factor.node.number]
    return found.shape == factor.value.shape and distance(found, factor.value) <= HALF_OF_THE_DIGITS
