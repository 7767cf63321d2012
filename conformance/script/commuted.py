"""Updates such as `W -= lr * h.T @ d`, where the rate multiplies an operand of the gradient.

Python reads them as `(lr * h.T) @ d`, and the gradient itself is never computed. Here the trace is
rewritten so that it is: lr * (h.T @ d). Left out: how an update is read (`update_reader.py`).
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.script.linear import is_of_numbers, links, scalar
from conformance.script.parameters import Parameter
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node, nodes_in

BILINEAR = frozenset({"matmul", "dot", "outer", "inner", "multiply", "einsum", "tensordot"})
"""Operations that are linear functions of each operand."""


def commute(moved: Iterable[Parameter]) -> None:
    """Let what is added to parameters, and to what is kept for them, be a number times a product.

    Where what is added is itself scaled on another line, it is the gradient, with its own number.
    A single number beside arrays may be multiplied by another that all of them are, as to clip it.

    Args:
        moved: the parameters.
    """
    chains = [chain for each in moved for chain in (each.chain, *each.states)]
    least = 1 if all(np.size(chain.values[0].value) == 1 for chain in chains) else 2
    for old, new in [steps for chain in chains for steps in pairwise(chain.values)]:
        for product in _added(new, old):
            at = product
            while np.size(at.value) >= least and (found := _scaled(at)) is not None:
                _exchange(at, *found)
                at = found[0]  # the product is computed there now


def _added(new: Node, old: Node) -> list[Node]:
    """The products that are added to an old value, if they are scaled on their own lines alone."""
    ways: list[tuple[Node, frozenset[Frame]]] = [(new, frozenset())]
    known, found = {*ways}, []
    for node, scaled in ways:
        terms = [] if node is old else [*links(node)]
        if not terms and node.operation in BILINEAR and scaled <= {*node.frames[:1]}:
            found.append(node)
        for each, by in terms:
            at = each, scaled if abs(by) == 1 else scaled.union(node.frames[:1])
            if at not in known:
                known.add(at)
                ways.append(at)
    return [*dict.fromkeys(found)]


def _scaled(product: Node) -> tuple[Node, int] | None:
    """The operand of a product that is a number times an array, and is used nowhere else.

    With the place of that number among its own operands.
    """
    for each in product.inputs:
        others = [e for e in product.inputs if e is not each]
        first = all(e.number < each.number for e in others)
        once = each.consumers == [product] and [e is each for e in product.args].count(True) == 1
        place = _number(each) if first and once else None
        if place is not None:
            return each, place
    return None


def _number(scaled: Node) -> int | None:
    """Which operand is the number by which another one is multiplied, or divided."""
    places = {"multiply": (0, 1), "divide": (1,), "true_divide": (1,)}.get(scaled.operation, ())
    for place in places:
        number, other = scaled.args[place], scaled.args[1 - place]
        known = type(number) is not Node or is_of_numbers(number)
        if known and scalar(number) is not None and type(other) is Node:
            return None if is_of_numbers(other) else place
    return None


def _exchange(product: Node, scaled: Node, place: int) -> None:
    """Compute the product of the array where it was scaled, and scale it where that was used."""
    array, number = scaled.args[1 - place], scaled.args[place]
    args = tuple(array if each is scaled else each for each in product.args)
    scaling = (number, scaled) if place == 0 else (scaled, number)
    kept = scaled.operation, scaled.function, scaled.kwargs
    _recompute(scaled, product.operation, product.function, args, product.kwargs)
    of_product, of_scaled = ((each.frames, each.sites, each.calls) for each in (product, scaled))
    scaled.frames, scaled.sites, scaled.calls = of_product
    product.frames, product.sites, product.calls = of_scaled
    _recompute(product, kept[0], kept[1], scaling, kept[2])


def _recompute(node: Node, name: str, function: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """Let a node be another operation."""
    before = node.inputs
    node.operation, node.function, node.args, node.kwargs = name, function, args, kwargs
    node.inputs = nodes_in(args, kwargs)
    for each in before:
        each.consumers[:] = [e for e in each.consumers if e is not node]
    node.uses = 1 << node.number
    for each in node.inputs:
        each.consumers.append(node)
        node.uses |= each.uses
    with np.errstate(all="ignore"):
        made = node.again(lambda e: e.value[()] if np.ndim(e.value) == 0 else e.value)
    node.value = np.asarray(made)
