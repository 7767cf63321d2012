"""By what the means of Adam are corrected for their first steps: right, or as people get it wrong.

A mean that begins at 0 and keeps β of itself is divided by 1 − β^t. Each way of it gives other
steps. Left out: the steps (`adaptive.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import log
from typing import NamedTuple

import numpy as np

from reference.step import Array

LATEST = 64  # updates after which a trace may begin of which nothing is known before


class Correction(NamedTuple):
    """A way of it: the bases β, None where a mean is not corrected, and t at each update."""

    mean: float | None
    square: float | None
    counts: tuple[int, ...]

    def times(self, *, root: bool) -> Array:
        """How many times the quotient of the means is taken off by it, at each update."""
        mean, square = by(self.mean, self.counts), by(self.square, self.counts)
        return np.asarray(mean / (np.sqrt(square) if root else square))


def by(base: float | None, counts: Sequence[int]) -> Array:
    """1 / (1 − β^t) at each update."""
    t = np.asarray(counts, dtype=np.float64)
    return np.ones_like(t) if base is None else 1 / (1 - base**t)


def count_of(base: float, factor: float) -> int | None:
    """The t of which a factor is 1 / (1 − β^t), if there is one."""
    if factor <= 1 or not 0 < base < 1:
        return None
    t = log(1 - 1 / factor) / log(base)
    return round(t) if round(t) > 0 and abs(t - round(t)) <= 2.0**-26 * t else None


@dataclass(frozen=True)
class Means:
    """What is known of the means of one parameter.

    Attributes:
        mean: how many times an old mean is in the new one; None if there is none.
        square: the same of the mean of squares.
        bases: further numbers that may stand in the place of either.
        counts: of the updates, from 1.
        sure: whether the means are 0 before the first of them.
        place: of the parameter among all, from 1, and how many there are.
    """

    mean: float | None
    square: float
    bases: tuple[float, ...]
    counts: tuple[int, ...]
    sure: bool
    place: tuple[int, int]

    def own(self, counts: Sequence[int]) -> Correction:
        """The right one, but for what it counts."""
        square = self.square if self.square < 1 else None
        mean = self.mean if self.mean is not None and self.mean < 1 else None
        return Correction(mean, square, tuple(counts))

    def right(self) -> Iterator[Correction]:
        """Those that are right: if the means are not 0 at first, there were updates before."""
        yield self.own(self.counts)
        for before in range(1, 1 if self.sure else LATEST):
            yield self.own([each + before for each in self.counts])

    def none(self) -> Correction:
        """To correct neither."""
        return Correction(None, None, self.counts)

    def wrong(self) -> Iterator[Correction]:
        """Those that are mistakes, with the fewest first."""
        own = self.own(self.counts)
        several = [e for e in dict.fromkeys((None, self.mean, self.square, *self.bases)) if e != 1]
        means = several if self.mean is not None else [None]
        found = [Correction(one, other, self.counts) for one, other in product(means, several)]
        yield from sorted(found, key=lambda e: (e.mean != own.mean) + (e.square != own.square))
        if self.sure:
            yield self.own([each + 1 for each in self.counts])
        at, many = self.place
        first = self.counts[0]
        for start in dict.fromkeys((at, many - at + 1, *range(1, many + 1))):
            yield self.own([start + many * (each - first) for each in self.counts])
