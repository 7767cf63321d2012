"""Recorded values that may be a quantity of a whole mini-batch, as arrays (n, m).

One array has all samples, or each sample has an array of its own and the program did the same to
every one of them. Left out: which of them is the quantity (`subjects/searched.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import Any

import numpy as np

from conformance.tracing.index import Index, Location, orientations
from conformance.tracing.node import Node
from reference.step import Array


@dataclass(frozen=True, eq=False)
class Candidate:
    """A value that may be a quantity."""

    value: Array  # (n, m), of exact numbers
    location: Location


class Candidates:
    """The values of one run of a mini-batch.

    Attributes:
        index: of the run.
        samples: the bits of the given nodes of each sample.
    """

    def __init__(self, index: Index, samples: Sequence[int]) -> None:
        self.index, self.samples = index, samples

    def of(self, n: int, *, uses: int, not_uses: int = 0) -> Iterator[Candidate]:
        """Those of n numbers a sample that were computed from some nodes, and not from others.

        Args:
            n: how many numbers a sample.
            uses: bits of nodes.
            not_uses: bits of nodes.
        """
        m = len(self.samples)
        if m > 1:
            yield from self._apart(n, uses, not_uses)
        if n > 1:
            yield from self._one_by_one(n, uses, not_uses)
        for node in self.index.sized(n * m):
            every = all(node.uses & bits for bits in self.samples)
            if every and node.uses & uses and not node.uses & not_uses and not node.given:
                yield from self._together(node, (n, m))

    def fixed(self, n: int, *, uses: int, not_uses: int) -> Iterator[Candidate]:
        """Those of n numbers that were computed of no sample: every sample has the same.

        What a program is handed is among them: it may take it for what it should compute.

        Args:
            n: how many numbers a sample.
            uses: bits of nodes.
            not_uses: bits of nodes.
        """
        m, every = len(self.samples), reduce(or_, self.samples, not_uses)
        for node in self.index.sized(n):
            if node.uses & uses and not node.uses & every:
                value = self.index.replay.value(node).reshape(n, 1)
                places = np.tile(np.arange(n)[:, None], (1, m))
                at = Location(np.full((n, m), node.number), places)
                yield Candidate(np.tile(value, (1, m)), at)

    def _together(self, node: Node, shape: tuple[int, int]) -> Iterator[Candidate]:
        for value, places in orientations(self.index.replay.value(node), shape):
            nodes = np.full(shape, node.number)
            yield Candidate(value, Location(nodes, places))

    def _one_by_one(self, n: int, uses: int, not_uses: int) -> Iterator[Candidate]:
        """Single numbers that one line computed, n of them a sample, or the last of each n-th.

        Where the line comes back for another neuron or layer, those of each alone.
        """
        for columns in self._lines(1, uses, not_uses):
            turns = list(_turns(columns[0]))
            found = {(0, len(columns[0])), *turns}
            for start, end in sorted(found):
                each, rest = divmod(end - start, n)
                if each and not rest:
                    chosen = [column[start + each - 1 : end : each] for column in columns]
                    yield from self._numbers(chosen)
            lasts = [end - 1 for _, end in turns]
            if len(turns) < len(columns[0]):  # a neuron a turn: so many after one another
                for first in range(len(lasts) - n + 1):
                    chosen = [[column[i] for i in lasts[first : first + n]] for column in columns]
                    yield from self._numbers(chosen)

    def _numbers(self, columns: Sequence[Sequence[Node]]) -> Iterator[Candidate]:
        """Single numbers as a value, if none of a sample was computed of another."""
        if any(a is not b and a.depends_on(b) for nodes in columns for a in nodes for b in nodes):
            return
        numbers = np.array([[node.number for node in column] for column in columns]).T
        value = np.empty(numbers.shape, dtype=object)
        for place, number in np.ndenumerate(numbers):
            value[place] = self.index.numbers(int(number)).reshape(-1)[0]
        yield Candidate(value, Location(numbers, np.zeros_like(numbers)))

    def _apart(self, n: int, uses: int, not_uses: int) -> Iterator[Candidate]:
        """An array a sample, or the first part of a longer one, of which the rest is 0."""
        every = (*self._lines(n, uses, not_uses), *self._lines(n, uses, not_uses, padded=True))
        for columns in every:
            for nodes in zip(*columns, strict=True):
                values = (self.index.replay.value(node).reshape(-1, 1) for node in nodes)
                held = [each[:n] for each in values]
                numbers = np.tile([node.number for node in nodes], (n, 1))
                places = np.tile(np.arange(n)[:, None], (1, len(nodes)))
                yield Candidate(np.hstack(held), Location(numbers, places))

    def _lines(
        self, size: int, uses: int, not_uses: int, *, padded: bool = False
    ) -> Iterator[list[list[Node]]]:
        """What one line computed of each sample alone, as often of each."""
        chosen = [
            node
            for node in (self.index.padded(size) if padded else self.index.sized(size))
            if node.uses & uses and not node.uses & not_uses and not node.given
        ]
        return self._even(chosen, 1)

    def _even(self, nodes: Sequence[Node], depth: int) -> Iterator[list[list[Node]]]:
        """The same of some nodes; a helper's line is told apart by those that call it, if need be.

        By recursion the lines that call differ from layer to layer.
        """
        lines: dict[tuple[Any, ...], list[list[Node]]] = {}
        for node in nodes:
            own = [i for i, bits in enumerate(self.samples) if node.uses & bits]
            if own:  # of state that is kept, the sample is the last
                key = node.operation, node.frames[:depth]
                lines.setdefault(key, [[] for _ in self.samples])[own[-1]].append(node)
        for columns in lines.values():
            if len({len(column) for column in columns}) == 1:
                yield columns
            elif any(len(node.frames) > depth for column in columns for node in column):
                yield from self._even([n for column in columns for n in column], depth + 1)


def _turns(nodes: Sequence[Node]) -> Iterator[tuple[int, int]]:
    """The parts of a line's nodes between which more is computed than within them."""
    numbers = np.array([node.number for node in nodes])
    gaps = np.diff(numbers)
    if not gaps.size:
        return
    ends = [0, *(np.flatnonzero(gaps > 2 * gaps.min()) + 1).tolist(), len(nodes)]
    yield from pairwise(ends)
