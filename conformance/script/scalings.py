"""The numbers by which the way of a mean to a new value is multiplied: rates and corrections.

Left out: which they are (`adaptive.py`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from conformance.script.linear import entrywise, scalar
from conformance.script.multiples import PRODUCTS
from conformance.tracing.node import Node

Scaling = tuple[Node, float]
"""An operation that multiplies or divides by a number, and how many times its result is."""


def scalings_of(new: Node, given: set[Node], of: Node, beside: Node | None) -> Iterator[Scaling]:
    """Where what is computed of a value is multiplied on its way to a new one.

    Args:
        new: the new value.
        given: down to which values it is followed, `of` among them.
        of: the value.
        beside: another one of these, which is not in what is multiplied.
    """
    reached: dict[Node, set[Node]] = {each: {each} for each in given}
    within = {new, *entrywise(new, frozenset(given))} - given
    for node in sorted(within, key=lambda each: each.number):
        reached[node] = set().union(*(reached.get(each, set()) for each in node.inputs))
        if of in reached[node] and beside not in reached[node]:
            yield from ((node, number) for number in _numbers(node, reached))


def _numbers(node: Node, reached: Mapping[Node, set[Node]]) -> list[float]:
    """By what numbers an operation multiplies, if it does."""
    if node.operation not in PRODUCTS:
        return []
    for i, each in enumerate(node.args[:2]):
        if (type(each) is not Node or not reached.get(each)) and scalar(each):
            found = _factors(each)
            return [1 / e for e in found] if i and node.operation != "multiply" else found
    return []


def _factors(number: Any) -> list[float]:
    """Of what factors a number is the product, as far as that is seen."""
    if type(number) is Node and number.operation in PRODUCTS:
        one, other = map(_factors, number.args[:2])
        return [*one, *(e if number.operation == "multiply" else 1 / e for e in other)]
    if type(number) is Node and number.operation == "negative":
        return _factors(number.args[0])
    if type(number) is Node and number.operation == "sqrt":
        return [float(np.sqrt(abs(each))) for each in _factors(number.args[0])]
    return [float(scalar(number) or 1.0)]
