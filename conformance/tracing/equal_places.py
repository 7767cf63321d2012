"""Which places are taken of several that hold the same numbers.

Left out: which places hold a number (`index.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import islice
from operator import or_

import numpy as np

from conformance.tracing.node import Node
from reference.step import Array

Found = Mapping[int, Mapping[int, int]]
"""The numbers of nodes that have entries of a quantity: of each entry, where it is in the node."""

Places = tuple[Array, Array]
"""The number of the node of each entry, and where it is in that."""


def chosen(
    found: Found, wanted: Array, known: Mapping[int, Node], columns: Sequence[int], *, last: bool
) -> Places | None:
    """The fewest nodes that have all entries, and of them the first or the last.

    Args:
        found: where the entries are.
        wanted: the quantity, in floats.
        known: the nodes, by their numbers.
        columns: the bits of each column's own nodes, if it has some.
        last: whether the last places are taken, else the first.
    """
    lines = _of_one_line(found, known, columns)
    ways = [way for each in lines if (way := _fewest(each, wanted, last=last)) is not None]

    def rank(way: Places) -> tuple[int, int]:
        numbers = np.unique(way[0]).tolist()
        return len(numbers), -numbers[-1] if last else numbers[0]

    return min(ways, key=rank) if ways else _fewest(found, wanted, last=last)


def put_in_order(
    places: dict[int, int], wanted: Array, held: Sequence[float], shape: tuple[int, ...]
) -> None:
    """Take numbers that are met more than once, such as 0, where those between are in order.

    That is in a part of a longer vector, as of all parameters, or of a larger matrix.

    Args:
        places: of the entries of a quantity in a node; those that are elsewhere are changed.
        wanted: the quantity.
        held: the numbers of the node.
        shape: of the node, without axes of length 1.
    """
    numbers, size = wanted.ravel().tolist(), wanted.size
    if len(held) <= size:
        return
    counts, ways = Counter(numbers), list[Array]()
    telling = [i for i in places if numbers[i] and counts[numbers[i]] == 1]
    if telling:
        for order in _orders(wanted, shape):
            shifts = {places[i] - int(order[i]) for i in telling}
            ways += [order + shifts.pop()] if len(shifts) == 1 else []
    elif len(places) == size:  # none is met only once
        wholes = (i for i in range(len(held)) if [*held[i : i + size]] == numbers)
        ways = [np.arange(size) + i for i in islice(wholes, 1)]
    found = dict[int, int]()
    for way in ways:
        pairs = ((i, int(way[i])) for i in places)
        own = {i: at for i, at in pairs if 0 <= at < len(held) and held[at] == numbers[i]}
        found = max(found, own, key=len)
    places.update(found)


def _orders(wanted: Array, shape: tuple[int, ...]) -> Iterator[Array]:
    """The places of entries in a vector or matrix that begins with them, straight and turned."""
    rows, columns = np.indices(np.atleast_2d(wanted).shape).reshape(2, -1)
    if len(shape) == 2:  # noqa: PLR2004 - a matrix
        yield rows * shape[1] + columns
        yield columns * shape[1] + rows
    yield np.arange(wanted.size)


def _of_one_line(
    found: Found, known: Mapping[int, Node], columns: Sequence[int]
) -> Iterator[dict[int, dict[int, int]]]:
    """The places at which one line computed each column, of what is that column's alone.

    What was computed of several columns, such as a sum of which all others are 0, is equal to one
    of them by chance; so is what another line computed of one column alone, such as zeros.
    """
    every = reduce(or_, columns, 0)
    lines: dict[object, dict[int, dict[int, int]]] = defaultdict(dict)
    for node, places in found.items() if len(columns) > 1 else ():
        made = known[node]
        others = [made.uses & every & ~each for each in columns]
        own = {entry: at for entry, at in places.items() if not others[entry % len(columns)]}
        if own:
            lines[made.operation, made.frames][node] = own
    yield from lines.values()


def _fewest(found: Found, wanted: Array, *, last: bool) -> Places | None:
    """The fewest nodes that have all entries, and of them the first or the last.

    A number that is met more than once, such as 0, may be anywhere: it leads to no node.
    """
    numbers = wanted.ravel().tolist()
    counts = Counter(numbers)
    telling = {i for i, each in enumerate(numbers) if each and counts[each] == 1}
    nodes, places = np.full(wanted.size, -1), np.zeros(wanted.size, dtype=np.int64)
    left = set(range(wanted.size))

    def rank(node: int) -> tuple[int, int, int]:
        entries = found[node].keys()
        return -len(entries & telling), -len(entries), -node if last else node

    for node in sorted(found, key=rank):
        entries = [each for each in found[node] if each in left]
        for entry in entries:
            nodes[entry], places[entry] = node, found[node][entry]
        left.difference_update(entries)
        if not left:
            return nodes.reshape(wanted.shape), places.reshape(wanted.shape)
    return None
