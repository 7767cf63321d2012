"""The places of a quantity in a run with other widths or more samples, from those in a small one.

Left out: finding them in the small one (`pattern.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.tracing.frames import Frame
from conformance.tracing.index import Location
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array


class Twins:
    """Which operation of a run is which of another, whose layers and mini-batch differ in size.

    The runs do the same operations on the same lines, or at least the same on each sample alone and
    the same on all of them together.
    """

    def __init__(
        self, small: tuple[Trace, Sequence[int]], large: tuple[Trace, Sequence[int]]
    ) -> None:
        """Compare two runs.

        Args:
            small: a trace, and the bits of each of its samples.
            large: the other run.
        """
        self._small, self._large = small[0].nodes, large[0].nodes
        self._columns: list[int] | None = None
        self._numbers: list[dict[int, int]] = []
        self.found = alike(small[0], large[0])
        few, many = len(small[1]), len(large[1])
        if self.found:
            self._numbers = [{node.number: node.number for node in self._large}]
        elif min(few, many) > 1 and few > 3:  # noqa: PLR2004 - the first, the last, and two between
            self._columns = [0, *[1] * (many - 2), few - 1]
            self._match(*(_of_samples(*each) for each in (small, large)))

    def _match(self, small: list[list[Node]], large: list[list[Node]]) -> None:
        """Pair the operations on each sample, those between the first and last being the same."""
        assert self._columns is not None  # noqa: S101 - set before
        chosen = [small[i] for i in (*self._columns, -1)]
        between = [operations(each) for each in small[1:-2]]
        self.found = [operations(e) for e in chosen] == [operations(e) for e in large] and all(
            each == between[0] for each in between
        )
        self._numbers = [
            {one.number: other.number for one, other in zip(*pair, strict=True)}
            for pair in zip(chosen, large, strict=self.found)
            if self.found
        ]

    def place(self, location: Location, shape: tuple[int, ...]) -> Location | None:
        """Where a quantity of a shape is in the large run; None if it is not known."""
        *of_samples, together = self._numbers
        if all(n in together for n in location.numbers):
            nodes, places = location.nodes, location.places
            numbers = [together] * nodes.shape[1]
        elif self._columns is None or location.nodes.shape[1] <= max(self._columns):
            return None
        else:
            nodes, places = (e[:, self._columns] for e in (location.nodes, location.places))
            numbers = of_samples
        if any(
            n not in known for known, column in zip(numbers, nodes.T, strict=True) for n in column
        ):
            return None
        moved = [[known[n] for n in column] for known, column in zip(numbers, nodes.T, strict=True)]
        back = {new: old for known in numbers for old, new in known.items()}
        new = Location(np.array(moved).T, places, location.factor)
        return self._stretched(new, back, shape)

    def _stretched(
        self, location: Location, back: dict[int, int], shape: tuple[int, ...]
    ) -> Location | None:
        """The same places in arrays of other widths; None if it is not known where they went."""
        sizes = {
            n: (np.shape(self._small[back[n]].value), np.shape(self._large[n].value))
            for n in location.numbers
        }
        if location.nodes.shape == shape and all(old == new for old, new in sizes.values()):
            return location
        rows, columns = (np.asarray(each) for each in np.indices(location.nodes.shape))
        new_rows, new_columns = (np.asarray(each) for each in np.indices(shape))
        whole = len(location.numbers) == 1
        if not whole and location.nodes.shape[1] != shape[1]:
            return None
        nodes, places = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for number, (before, now) in sizes.items():
            mask = location.nodes == number
            own = {*columns[mask].tolist()}
            width, alone = len(own), np.isin(new_columns, [*own]) | whole
            found = _moved(
                location.places[mask], (rows[mask], columns[mask]), before,
                now, (new_rows[alone], new_columns[alone]),
                ((len(rows), width), (shape[0], shape[1] if whole else width)),
            )  # fmt: skip
            if found is None:
                return None
            nodes[alone], places[alone] = number, found
        return Location(nodes, places, location.factor)


def alike(one: Trace, other: Trace) -> bool:
    """Whether two runs did the same operations on the same lines."""
    return len(one.nodes) == len(other.nodes) and operations(one.nodes) == operations(other.nodes)


Operations = list[tuple[str, tuple[Frame, ...], Any]]


def operations(nodes: Sequence[Node], size: Callable[[Any], Any] = len) -> Operations:
    """What some nodes did, on which lines, with results of which number of axes, or shape."""
    return [
        ("" if each.given else each.operation, each.frames, size(getattr(each.value, "shape", ())))
        for each in nodes
    ]


def _of_samples(trace: Trace, samples: Sequence[int]) -> list[list[Node]]:
    """The operations on each sample alone, and last those on all samples."""
    of: list[list[Node]] = [[] for _ in (*samples, 0)]
    for node in trace.nodes:
        own = [i for i, bits in enumerate(samples) if node.uses & bits]
        if len(own) in (1, len(samples)):
            of[own[0] if len(own) == 1 else -1].append(node)
    return of


def _moved(
    places: Array,
    entries: tuple[Array, Array],
    before: tuple[int, ...],
    now: tuple[int, ...],
    new: tuple[Array, Array],
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
) -> Array | None:
    """Places in a larger array that follow the same rule, row + a or column + a along each axis.

    A vector that holds all entries is a matrix of them, by its rows or by its columns.
    """
    (rows, columns), (new_rows, new_columns) = entries, new
    small, large = shapes
    in_vector = len(before) == 1 and small[1] > 1
    whole = in_vector and before[0] == int(np.prod(small))
    if not before or (in_vector and not whole):
        return None  # a part of a longer vector
    forms = [(before, now)]
    if whole and np.ptp(columns):
        forms = [(small, large), (small[::-1], large[::-1])] if now[0] == np.prod(large) else []
    rules = (
        (rows, new_rows, small[0], large[0]),
        (columns, new_columns, small[1], large[1]),
        (0 * rows, 0 * new_rows, 1, 1),
    )
    for old, grown in forms:
        axes = zip(np.unravel_index(places, old), old, grown, strict=True)
        found = [_along(*axis, rules) for axis in axes]
        known = [e for e, n in zip(found, grown, strict=True) if e is not None and _within(e, n)]
        if len(known) == len(grown):
            return np.asarray(np.ravel_multi_index(tuple(known), grown))
    return None


def _within(places: Array, length: int) -> bool:
    return bool((places >= 0).all() and (places < length).all())


def _along(
    held: Array, before: int, now: int, rules: Sequence[tuple[Array, Array, int, int]]
) -> Array | None:
    """Coordinates along one axis that follow the first rule which fits them; None if none does."""
    for old, grown, length, longer in rules:
        at_end = before - length, now - longer
        if at_end[1] and not at_end[0]:  # at which end is not known
            continue
        shifts = {0: 0, at_end[0]: at_end[1]}
        shift = held.flat[0] - old.flat[0]
        if shift in shifts and (held - old == shift).all():
            return grown + shifts[int(shift)]
    return None
