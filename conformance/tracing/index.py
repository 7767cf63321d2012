"""Which recorded values hold a number: looked up on balls, so two numbers are equal or are not.

A quantity is found entry by entry, so it does not matter whether a program holds it in one array,
turned, flattened, with a row of ones below it, a column a sample, or in single numbers. A float of
each ball leads to the few that may be equal; the balls decide. Of several places that hold the same
numbers the fewest nodes are taken that have all of them.

Left out: which number is looked for (`subjects/searched.py`).
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import islice
from math import prod
from operator import or_
from typing import Any

import numpy as np

from conformance.arithmetic.exact import to_balls
from conformance.tracing.node import Node
from conformance.tracing.replay import Replay
from reference.step import Array

SCALAR_ROUNDINGS = 8
"""Roundings of a factor that was computed in floats before it met an array, such as 1/m."""


FEW = 3  # numbers that are looked for in floats before all are on balls
NEAR = 1e-9  # of a number: so far apart two floats may be that stand for the same


@dataclass(frozen=True, eq=False)
class Location:
    """Where the entries of a quantity are.

    Attributes:
        nodes: the number of the node of each entry, in the shape of the quantity.
        places: where it is in that node's flattened value.
        factor: what the program holds is so many times the quantity.
    """

    nodes: Array
    places: Array
    factor: float = 1.0

    def without_factor(self, held: Array) -> Array:
        """The quantity itself, of what the program holds there."""
        return times(held, 1 / self.factor)

    @cached_property
    def numbers(self) -> list[int]:
        """The numbers of its nodes, in the order of time."""
        return sorted(set(self.nodes.ravel().tolist()))

    def gather(self, values: Any, dtype: Any) -> Array:
        """The entries out of the values of the nodes, which `values` gives by their numbers."""
        out = np.empty(self.nodes.shape, dtype=dtype)
        for number in self.numbers:
            mask = self.nodes == number
            out[mask] = np.asarray(values(number)).reshape(-1)[self.places[mask]]
        return out


class Index:
    """The numbers of the nodes of a trace."""

    def __init__(self, replay: Replay, nodes: Iterable[Node]) -> None:
        """Take the numbers of these nodes, where they are exact."""
        self.replay = replay
        self.nodes = [each for each in nodes if _counts(each) and replay.exact(each)]
        self._places: dict[float, list[tuple[int, int]]] = defaultdict(list)
        self._sorted: list[float] = []
        self._floats: dict[int, list[float]] = {}
        self._flat: dict[int, Array] = {}
        self._wanted: tuple[Array, list[float]] | None = None
        self._known = {each.number: each for each in self.nodes}
        self._shapes: dict[int, list[Node]] = defaultdict(list)
        self._squeezed: dict[int, tuple[int, ...]] = {}
        for node in self.nodes:
            self._shapes[node.value.size].append(node)
            self._flat[node.number] = flat = replay.value(node).reshape(-1)
            self._floats[node.number] = as_floats(flat).tolist()
            for place, number in enumerate(self._floats[node.number]):
                self._places[number].append((node.number, place))

    def __contains__(self, node: Node) -> bool:
        """Whether the numbers of a node are exact floats, and looked up here."""
        return node.number in self._known

    def numbers(self, number: int) -> Array:
        """The exact numbers of a node."""
        return np.asarray(self.replay.value(self.replay.trace.nodes[number]))

    def sized(self, size: int) -> list[Node]:
        """The nodes of so many entries."""
        return self._shapes.get(size, [])

    def padded(self, size: int) -> list[Node]:
        """The nodes of one axis of which so many entries are followed by zeros alone."""
        longer = (each for each in self.nodes if each.value.size > size)
        rows = (each for each in longer if len(self._held(each.number)) == 1)
        return [each for each in rows if not any(self._floats[each.number][size:])]

    def near(self, number: float) -> bool:
        """Whether a recorded number is as near as floats can tell."""
        if not self._sorted:
            self._sorted = sorted(each for each in self._places if each == each)  # noqa: PLR0124 - no NaN
        width = NEAR * abs(number)
        place = bisect_left(self._sorted, number - width)
        return place < len(self._sorted) and self._sorted[place] <= number + width

    def begins_near(self, numbers: Array, factor: float = 1.0) -> bool:
        """Whether the first of some numbers, in floats, are near recorded ones, so many times."""
        return all(self.near(float(each) * factor) for each in numbers.ravel()[:FEW])

    def locate(
        self, wanted: Array, within: int = 0, columns: Sequence[int] = ()
    ) -> Location | None:
        """Where all these numbers are; None if one of them is nowhere.

        Args:
            wanted: exact numbers.
            within: bits of the nodes that are looked at, of which the last are taken; 0 for all,
                of which the first are taken.
            columns: bits of nodes, some of which each column's nodes were computed from; of what
                was computed of one column alone, the same line computed each.
        """
        found: dict[int, dict[int, int]] = defaultdict(dict)
        floats, shape = as_floats(wanted).ravel(), wanted.shape
        if not self._places.keys() >= {*floats.tolist()}:
            return None
        for entry, (number, exact) in enumerate(zip(floats.tolist(), wanted.ravel(), strict=True)):
            anywhere = False
            for node, place in self._places.get(number, ()):
                if within and not within >> node & 1:
                    continue
                if columns and not self._known[node].uses & columns[entry % len(columns)]:
                    continue
                if self._flat[node][place].ball.overlaps(exact.ball):
                    anywhere = True
                    if entry not in found[node] or place == self._expected(node, entry, shape):
                        found[node][entry] = place
            if not anywhere:
                return None
        for node, places in found.items():
            put_in_order(places, floats.reshape(shape), self._floats[node], self._held(node))
        way = chosen(found, floats.reshape(shape), self._known, columns, last=bool(within))
        return None if way is None else Location(*way)

    def _expected(self, node: int, entry: int, shape: tuple[int, ...]) -> int:
        """Where an entry is if a node has all of them, or a column, in their order.

        It tells equal numbers apart, such as those that were cut off.
        """
        held = self._held(node)
        rows, columns = shape if len(shape) == 2 else (1, 1)  # noqa: PLR2004 - a matrix
        row, column = divmod(entry, columns)
        if prod(held) == rows:
            return row
        return column * rows + row if held == (columns, rows) != shape else entry

    def _held(self, node: int) -> tuple[int, ...]:
        """The shape of a node without axes of length 1."""
        if node not in self._squeezed:
            self._squeezed[node] = np.squeeze(self._known[node].value).shape
        return self._squeezed[node]

    def proportional(self, wanted: Array) -> list[tuple[Node, Array, Any]]:
        """The arrays of as many entries that are a multiple: node, places, factor (a ball)."""
        return [
            (node, places, factor)
            for node in self.sized(wanted.size)
            if (found := self._multiple(node, wanted)) is not None
            for places, factor in [found]
        ]

    def _in_floats(self, wanted: Array) -> list[float]:
        """The numbers that are looked for now, sorted by size, in floats."""
        if self._wanted is None or self._wanted[0] is not wanted:
            self._wanted = wanted, sorted(map(abs, as_floats(wanted).ravel().tolist()))
        return self._wanted[1]

    def _multiple(self, node: Node, wanted: Array) -> tuple[Array, Any] | None:
        value = self.replay.value(node)
        if not _may_be_multiple(self._floats[node.number], self._in_floats(wanted)):
            return None
        for held, places in orientations(value, wanted.shape):
            factor = common_factor(held, wanted)
            if factor is not None:
                return places, factor
        return None


def _may_be_multiple(held: Sequence[float], wanted: Sequence[float]) -> bool:
    """Whether the largest and the smallest of some numbers have one ratio, in floats."""
    sizes = [abs(each) for each in held]
    most, least = max(sizes, default=0.0) * wanted[0], min(sizes, default=0.0) * wanted[-1]
    return not abs(most - least) > NEAR * max(abs(most), abs(least))


def orientations(value: Array, shape: tuple[int, ...]) -> list[tuple[Array, Array]]:
    """An array in this shape, straight and turned, each with the places of its entries.

    Axes of one entry say nothing: an array (m, n, 1) is (n, m), turned.
    """
    places, flat, lengths = np.arange(value.size), value.reshape(-1), np.squeeze(value).shape
    straight, turned = places.reshape(shape), places.reshape(shape[::-1]).T
    if len(shape) != 2 or min(shape) == 1 or lengths == shape != shape[::-1]:  # noqa: PLR2004 - a matrix
        made = [straight]
    elif lengths == shape[::-1] != shape:
        made = [turned]
    else:
        made = [straight, turned]
    return [(flat[each], each) for each in made]


def common_factor(held: Array, wanted: Array) -> Any:
    """The ball by which all of `wanted` is multiplied to give `held`; None if there is none."""
    pairs = list(zip(held.ravel(), wanted.ravel(), strict=True))
    pivot = next(((h, w) for h, w in pairs if not w.ball.contains(0)), None)
    if pivot is None or pivot[0].ball.contains(0):
        return None
    factor = pivot[0].ball / pivot[1].ball
    for h, w in pairs:
        if not (w.ball * factor).overlaps(h.ball):
            return None
    return factor


def overlap(held: Array, wanted: Array) -> bool:
    """Whether exact numbers may be the same, one by one."""
    pairs = zip(held.ravel(), wanted.ravel(), strict=True)
    return all(h.ball.overlaps(w.ball) for h, w in pairs)


def times(array: Array, factor: float) -> Array:
    """Exact numbers times a whole number, or times one part of it, exactly."""
    if factor == 1:
        return array
    if abs(factor) < 1:
        return array / round(1 / factor)
    return array * round(factor)


def is_factor(found: Any, wanted: float) -> bool:
    """Whether a common factor is this number, but for a few roundings in floats."""
    ratio = float((found / wanted - 1).abs_upper())
    return ratio <= SCALAR_ROUNDINGS * float(np.finfo(np.float64).eps) / 2


def as_floats(exact: Array) -> Array:
    """The middle of each ball as a float, 0 where it may be that; counts and truth values too."""
    exact = np.asarray(exact)
    if not exact.dtype.hasobject:
        return exact.astype(np.float64)
    floats = [0.0 if each.contains(0) else float(each.mid()) for each in to_balls(exact).flat]
    return np.array(floats).reshape(np.shape(exact))


def _counts(node: Node) -> bool:
    value = node.value
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and not node.constant


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
