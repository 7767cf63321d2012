"""The quantities of a forward pass under the shapes in which a backward pass may hold them.

A quantity is a value of the forward pass with its ∂C/∂v; one sample or time step of it; or the same
value of all time steps, stacked. A backward pass may hold it turned or reshaped, times a constant.

Left out: which of them a backward value is (`roles.py`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from conformance.tracing.trace import Node
from reference.step import Array

HALF_OF_THE_DIGITS = 2.0**-26
"""Two arrays of floats that agree so far, relative to their largest entry, are taken as one."""

Layout = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Quantity:
    """Something that a backward value may be.

    Attributes:
        nodes: the forward values: one, or one a time step.
        at: which part of it: pairs of an axis and an index.
        array: what is compared, the directions along the first axis.
        kind: `total`, `part` of the contributions, `factor`.
        consumer: of a part, who gives it.
    """

    nodes: tuple[Node, ...]
    array: Array
    at: tuple[tuple[int, int], ...] = ()
    kind: str = "total"
    consumer: Node | None = None

    def of(self, arrays: Callable[[Node], Array]) -> Array:
        """Another array of the same nodes, taken in the same way."""
        if len(self.nodes) > 1:
            return np.stack([arrays(each) for each in self.nodes])
        found = arrays(self.nodes[0])
        for axis, index in self.at:
            found = np.take(found, index, axis)
        return found


@dataclass(frozen=True, eq=False)
class Match:
    """A backward value that is a quantity.

    Attributes:
        quantity: which.
        layout: gives the quantity in the shape of the backward value.
        factor: the backward value is this times the quantity.
    """

    quantity: Quantity
    layout: Layout
    factor: float


def layouts(given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Layout]:
    """The ways to turn an array of one shape into another of the same size."""
    if given == wanted:
        yield lambda a: a
    lean = [i for i, n in enumerate(given) if n != 1]
    target = [n for n in wanted if n != 1]
    if len(lean) <= 4 and sorted(given[i] for i in lean) == sorted(target):  # noqa: PLR2004
        for order in permutations(range(len(lean))):
            if [given[lean[i]] for i in order] != target:
                continue
            if given == wanted and list(order) == list(range(len(lean))):
                continue
            yield _turned([given[i] for i in lean], order, wanted)
    elif int(np.prod(given)) == int(np.prod(wanted)):
        yield lambda a: a.reshape(wanted)
        if len(given) > 1:
            yield lambda a: a.T.reshape(wanted)


def _turned(lean: list[int], order: tuple[int, ...], wanted: tuple[int, ...]) -> Layout:
    return lambda a: a.reshape(lean).transpose(order).reshape(wanted)


def fitted(value: Array, right: Array) -> float | None:
    """s with value = s × right, as far as half of the digits go; else None."""
    square = float(np.vdot(right, right))
    if square == 0 or not np.isfinite(square):
        return None
    s = float(np.vdot(right, value)) / square
    if s == 0 or not np.isfinite(s):
        return None
    far = np.abs(value - s * right).max()
    return s if far <= HALF_OF_THE_DIGITS * abs(s) * np.abs(right).max() else None


class Catalogue:
    """Quantities, found by what they share with whatever they are turned and scaled into."""

    def __init__(self, quantities: Iterable[Quantity]) -> None:
        self._by_size: dict[int, list[tuple[float, int, Quantity]]] = {}
        for i, each in enumerate(quantities):
            mark = _mark(each.array[0])
            if mark is not None:
                self._by_size.setdefault(each.array[0].size, []).append((mark, i, each))
        for found in self._by_size.values():
            found.sort(key=lambda e: e[:2])

    def matches(self, value: Array) -> Iterator[Match]:
        """What an array may be; its first axis is that of the directions."""
        mark = _mark(value[0])
        near = self._by_size.get(value[0].size, ())
        if mark is None or not near:
            return
        start = bisect_left(near, mark * (1 - 1e-6), key=lambda e: e[0])
        for other, _, each in near[start:]:
            if other > mark * (1 + 1e-6):
                break
            for layout in layouts(each.array.shape[1:], value.shape[1:]):
                turned = np.stack([layout(a) for a in each.array])
                factor = fitted(value, turned)
                if factor is not None:
                    yield Match(each, layout, factor)
                    break


def _mark(array: Array) -> float | None:
    """A number that does not change when an array is turned or scaled."""
    if not array.size or not np.all(np.isfinite(array)):
        return None
    square = float(np.sqrt(np.vdot(array, array)))
    return float(np.abs(array).sum()) / square if square else None


def sliced(quantity: Quantity, sizes: set[int], *, depth: int = 2) -> Iterator[Quantity]:
    """The single samples and time steps of a quantity whose sizes occur."""
    shape = quantity.array.shape[1:]
    if depth == 0 or len(shape) < 2:  # noqa: PLR2004 - one axis has nothing to be taken apart
        return
    for axis, length in enumerate(shape):
        if length == 1 or length > MANY:
            continue
        for i in range(length):
            part = np.take(quantity.array, i, axis + 1)
            each = Quantity(quantity.nodes, part, (*quantity.at, (axis, i)))
            if part[0].size in sizes:
                yield each
            if part[0].size > min(sizes):
                yield from sliced(each, sizes, depth=depth - 1)


MANY = 64  # samples or time steps, beyond which they are not told apart one by one
