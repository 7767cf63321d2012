"""The quantities of a forward pass under the shapes in which a backward pass may hold them.

A quantity is a value of the forward pass with its ∂C/∂v; one sample or time step of it; or the same
value of all time steps, stacked. A backward pass may hold it turned or reshaped, times a constant.

Left out: which of them a backward value is (`passes.py`).
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from conformance.tracing.node import Node
from reference.step import Array

HALF_OF_THE_DIGITS = 2.0**-26
"""Two arrays of floats that agree so far, relative to their largest entry, are taken as one."""

Layout = Callable[[Array], Array]


def least_squares(matrix: Array, wanted: Array) -> Array:
    """How many times each column is in what is wanted; NaN if something is not finite."""
    if not (np.all(np.isfinite(matrix)) and np.all(np.isfinite(wanted))):
        return np.full(matrix.shape[1], np.nan)  # LAPACK finds no end
    found: Array = np.linalg.lstsq(matrix, wanted, rcond=None)[0]
    return found


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
    """s with value = s × right, to half of the digits, of `right` if it has fewer; else None."""
    square = float(np.vdot(right, right))
    if square == 0 or not np.isfinite(square):
        return None
    s = float(np.vdot(right, value)) / square
    if s == 0 or not np.isfinite(s):
        return None
    if right.size == 1:  # any number is a multiple of another
        return s
    far = np.abs(value - s * right).max()
    rounded = 2 * np.finfo(right.dtype).eps if np.issubdtype(right.dtype, np.floating) else 0.0
    return s if far <= max(HALF_OF_THE_DIGITS, rounded) * abs(s) * np.abs(right).max() else None


def multiple(value: Array, right: Array) -> float | None:
    """The factor of an array beside another one in whatever shape; None if it is no multiple."""
    found = (fitted(value, layout(right)) for layout in layouts(right.shape, value.shape))
    return next((each for each in found if each is not None), None)


class Catalogue:
    """Quantities, found by what they share with whatever they are turned and scaled into."""

    def __init__(
        self, quantities: Iterable[Quantity], parts: Collection[int] = (), size: int | None = None
    ) -> None:
        """Take quantities, and their single samples and time steps of some sizes.

        Args:
            quantities: what a backward value may be.
            parts: the sizes.
            size: the only one that is asked for, if it is known.
        """
        self._families = [
            each
            for quantity in quantities
            for each in _families(quantity, frozenset(parts))
            if size is None or each.array[0, 0].size == size
        ]
        marks = [_marks(each.array) for each in self._families]
        known = [i for i, each in enumerate(marks) for _ in range(each.size)]
        places = [k for each in marks for k in range(each.size)]
        flat = np.concatenate([*marks, np.zeros(0)])
        order = np.argsort(flat, kind="stable")
        self._marks = flat[order].tolist()
        self._places = [(known[i], places[i]) for i in order]

    def matches(self, value: Array) -> Iterator[Match]:
        """What an array may be, up to a constant; its first axis is that of the directions."""
        if np.all(np.isfinite(value)) and np.any(value):
            yield from self._near(value, float(_marks(value[None])[0]))

    def scaled(self, value: Array, factors: Iterable[float]) -> Iterator[Match]:
        """What an array of one direction may be, up to one of some constants."""
        size = float(np.sqrt(np.square(value).sum()))
        if not np.isfinite(size) or size == 0:
            return
        for factor in factors:
            yield from (
                each
                for each in self._near(value, size / factor)
                if abs(abs(each.factor) - factor) <= HALF_OF_THE_DIGITS * factor
            )

    def _near(self, value: Array, mark: float) -> Iterator[Match]:
        start = bisect_left(self._marks, mark * (1 - NEAR))
        end = bisect_left(self._marks, mark * (1 + NEAR))
        for family, k in sorted(self._places[start:end]):
            each = self._families[family]
            if each.array[0, 0].size == value[0].size:
                match = _match(each.quantity(k), value)
                if match is not None:
                    yield match


def _match(quantity: Quantity, value: Array) -> Match | None:
    for layout in layouts(quantity.array.shape[1:], value.shape[1:]):
        factor = fitted(value, np.stack([layout(a) for a in quantity.array]))
        if factor is not None:
            return Match(quantity, layout, factor)
    return None


@dataclass(frozen=True, eq=False)
class _Family:
    """A quantity, or all parts of it along some axes."""

    whole: Quantity
    array: Array  # (parts, directions, *shape of a part)
    axes: tuple[int, ...]

    def quantity(self, k: int) -> Quantity:
        """One of them."""
        if not self.axes:
            return self.whole
        lengths = [self.whole.array.shape[axis + 1] for axis in self.axes]
        at: list[tuple[int, int]] = []
        for axis, index in zip(self.axes, np.unravel_index(k, lengths), strict=True):
            before = sum(other < axis for other, _ in at)
            at.append((axis - before, int(index)))
        whole = self.whole
        return Quantity(whole.nodes, self.array[k], tuple(at), whole.kind, whole.consumer)


def _families(quantity: Quantity, sizes: frozenset[int]) -> Iterator[_Family]:
    array = quantity.array
    yield _Family(quantity, array[None], ())
    lengths = array.shape[1:]
    if len(quantity.nodes) > 1:
        return
    for count in range(1, len(lengths) + 1):
        for axes in combinations(range(len(lengths)), count):
            parts = int(np.prod([lengths[i] for i in axes]))
            size = int(np.prod(lengths)) // max(parts, 1)
            if 1 < parts <= MANY and size in sizes and all(lengths[i] > 1 for i in axes):
                moved = np.moveaxis(array, [i + 1 for i in axes], range(count))
                yield _Family(quantity, moved.reshape(parts, *moved.shape[count:]), axes)


def _marks(arrays: Array) -> Array:
    """Of each array a number that does not change when it is turned, nor when it is scaled.

    Of arrays of one direction their size.
    """
    flat = arrays.reshape(*arrays.shape[:2], -1)
    sums = np.abs(flat).sum(axis=2)
    norms = np.sqrt(np.square(flat).sum(axis=(1, 2)))
    if arrays.shape[1] == 1:  # one direction alone: of few entries all would be alike
        return np.where(norms > 0, norms, -1.0)
    with np.errstate(invalid="ignore"):  # such as of thresholds at ∞
        return np.where(norms > 0, sums[:, 0] / np.where(norms > 0, norms, 1), -1.0)


MANY = 4096  # samples and time steps, beyond which they are not told apart one by one
NEAR = 1e-6
