"""The places of an array that are read, and those that are written into.

Left out: what a loop carries on in them (`rows.py`).
"""

from collections.abc import Iterator
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from conformance.tracing.node import FILLED, Node, is_part, substituted, taken
from reference.step import Array

Places = frozenset[int]
"""Indices into a flattened array."""


def is_whole(at: Array | None, array: Node) -> bool:
    """Whether some places are all of an array."""
    size = np.size(array.value)
    return at is None or (at.size >= size and np.unique(at).size == size)


def written_places(node: Node) -> set[int]:
    """The places that were written into; none if they are all, by one write."""
    if node.operation != FILLED or any(is_whole(at, node) for at, _ in node.args[1]):
        return set()
    return {int(i) for at, _ in node.args[1] for i in np.ravel(at)}


def read_places(node: Node, places: Array | None = None, *, alone: bool = False) -> set[int]:
    """The places of an array that an operation takes; all of them if it takes no part.

    Of a view that only parts are taken of, the places of these, unless it is asked for alone.
    """
    places = _places(np.shape(node.inputs[0].value)) if places is None else places
    if node.function is taken and len(node.inputs) == 1:
        places = places.ravel()[node.args[1]]
    elif node.operation == "getitem" and node.args[0] is node.inputs[0]:
        places = places[_index(node)]
    else:
        return {int(i) for i in np.ravel(places)}
    if not alone and node.consumers and all(map(_takes_a_part, node.consumers)):
        return set().union(*(read_places(each, places) for each in node.consumers))
    return {int(i) for i in np.ravel(places)}


def _index(node: Node) -> Any:
    """The index by which a part is taken, of numbers; torch has a list with None for all."""
    value = node.args[1]
    if len(node.inputs) == 1 and not isinstance(value, list):
        return value
    known = substituted(value, lambda each: each.value)
    parts = known if isinstance(known, list) else []
    of_torch = any(each is None or isinstance(each, np.ndarray) for each in parts)
    return tuple(slice(None) if e is None else e for e in parts) if of_torch else known


def _takes_a_part(node: Node) -> bool:
    return len(node.inputs) == 1 and is_part(node)


@lru_cache(maxsize=8)
def _places(shape: tuple[int, ...]) -> Array:
    return np.arange(prod(shape)).reshape(shape)


def writes_of(node: Node) -> Iterator[tuple[Node, Places]]:
    """The values that were written into parts of an array, and where."""
    for at, value in node.args[1] if node.operation == FILLED else ():
        if type(value) is Node and not is_whole(at, node) and np.size(value.value) == np.size(at):
            yield value, frozenset(int(i) for i in np.ravel(at))


def part_at(node: Node, places: Places | None) -> Node | None:
    """The array that a value is the part of which stands at some places; None if it is none."""
    if places is None or not is_part(node) or len(node.inputs) != 1:
        return None
    return node.inputs[0] if read_places(node, alone=True) == places else None
