"""The numbers of a program that are of other samples than its gradients are.

Left out: which numbers may be its loss (`loss_numbers.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.backward.groups import operation_key
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node


def of_same_samples(losses: Sequence[Node], gradients: Sequence[Node], given: int) -> list[Node]:
    """The numbers that are not of other samples than gradients, such as a loss of a validation.

    The same lines multiply the same parameters by other numbers. Of arrays, such a number has none
    in common with them, beside the parameters, and for each that it has they have one that is alike
    but for the samples.

    Args:
        losses: the numbers.
        gradients: of the parameters.
        given: the parameters, as bits.
    """

    def way(nodes: Iterable[Node]) -> list[Node]:
        return [*walk(nodes, lambda node: [e for e in node.inputs if e.uses & given])]

    own = way(gradients)
    known, numbers = _met(own, given), _met_by_numbers(own, given)
    return [
        each
        for each, made in ((each, way([each])) for each in losses)
        if not _is_of_others(_met(made, given), known)
        and not _differ(_met_by_numbers(made, given), numbers)
    ]


def _met_by_numbers(nodes: Iterable[Node], given: int) -> dict[Any, set[Any]]:
    """The numbers by which entries of parameters are multiplied, by the line and the entry."""
    found = dict[Any, set[Any]]()
    for each in nodes:
        if each.operation != "multiply" or np.ndim(each.value):
            continue
        own = [e for e in each.args if type(e) is Node and e.uses & given]
        data = [e.value if type(e) is Node else e for e in each.args if e not in own]
        if len(own) == len(data) == 1:
            key = operation_key(each), *_entry(own[0])
            found.setdefault(key, set()).add(np.asarray(data[0]).item())
    return found


def _entry(node: Node) -> tuple[Any, ...]:
    """Which entry of which array a number is; of one that stands by itself, its own number."""
    if node.operation == "getitem" and type(node.args[0]) is Node:
        return node.args[0].number, repr(node.args[1])
    return (node.number,)


def _differ(own: Mapping[Any, set[Any]], known: Mapping[Any, set[Any]]) -> bool:
    """Whether a line has other numbers for the same parameters: it goes forward by other data."""
    same = own.keys() & known.keys()
    return any(own[key].isdisjoint(known[key]) for key in same)


def _is_of_others(own: Sequence[Node], known: Sequence[Node]) -> bool:
    """Whether some arrays are those of other samples than known ones."""
    same = any(_are_alike(e, one) for e in own for one in known)
    tails = {np.shape(each.value)[1:] for each in known}
    return bool(own) and not same and all(np.shape(each.value)[1:] in tails for each in own)


def _are_alike(one: Node, other: Node) -> bool:
    """Whether two arrays are one, or either is made of the other, as −C of C, sample by sample."""
    if one is other or np.array_equal(one.value, other.value):
        return True
    as_many = np.shape(one.value)[:1] == np.shape(other.value)[:1]
    return as_many and (one.depends_on(other) or other.depends_on(one))


def _met(nodes: Iterable[Node], given: int) -> list[Node]:
    """The arrays of the data that values are computed of, where they meet the parameters."""
    made = (each for each in nodes if not given >> each.number & 1)
    data = (e for each in made for e in each.inputs if not e.uses & given and np.size(e.value) > 1)
    return [*dict.fromkeys(data)]
