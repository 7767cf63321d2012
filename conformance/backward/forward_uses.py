"""What a backward value is used as: seen from the gradients below it.

The gradients' dependence on a value, along generic directions, is the way that some forward value
moves along them. Left out: the repair (`blame.py`).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import islice

import numpy as np

from conformance.backward.chain import Arrays
from conformance.backward.compared_quantities import (
    HALF_OF_THE_DIGITS,
    Catalogue,
    Layout,
    Match,
    Quantity,
)
from conformance.backward.groups import Group, grouped
from conformance.backward.judge_gradients import DIRECTIONS, Cut, Forward, Verdict, directions
from conformance.backward.passes import Known
from conformance.backward.source import is_float
from conformance.tracing.node import Node, uses_of_nodes
from reference.step import Array

FEW_WAYS = 4
FEW_MATCHES, MANY_MATCHES = 8, 40
MANY_LAYERS = 12  # executions, beyond which they are only looked for as time steps


class Uses:
    """What the values of a backward pass are used as."""

    def __init__(
        self,
        forward: Forward,
        verdicts: list[Verdict],
        *,
        thorough: bool = True,
        each_call: bool = False,
    ) -> None:
        """Take the verdicts; gradients of another shape are left alone.

        Args:
            forward: the forward pass.
            verdicts: the gradients that have to be right.
            thorough: whether recurrences are followed.
            each_call: whether an operation of a function is another one in each call of it, and a
                value may have axes too many.
        """
        self.forward, self.chain = forward, forward.chain
        self.thorough, self.each_call = thorough, each_call
        self.verdicts = [each for each in verdicts if each.given.shape == each.right.shape]
        judged = {each.goal.parameter.number for each in self.verdicts}
        self.directions = {
            n: each if n in judged else np.zeros_like(each)
            for n, each in directions(forward.run).items()
        }
        bits = uses_of_nodes(each.goal.node for each in self.verdicts)
        self.nodes = [
            node
            for node in self.chain.nodes
            if bits >> node.number & 1 and not forward.contains(node) and is_float(node)
        ]
        self._inside = {each.number for each in self.nodes}
        computed = [each for each in self.nodes if each.function is not None]
        self.groups = grouped(computed, calls=each_call)
        self.missing = self._missing()
        self._sensitivities: dict[frozenset[int], Arrays] = {}
        self._tangents: dict[Cut, Arrays] = {}
        self._held_catalogues: dict[tuple[Cut, int], Catalogue] = {}

    def _missing(self) -> Array:
        """By how much the gradients fall short, along each direction."""
        total = np.zeros(DIRECTIONS)
        for v in self.verdicts:
            along = self.directions[v.goal.parameter.number].reshape(DIRECTIONS, -1)
            total += along @ np.ravel(v.right - v.given)
        return total

    def sensitivity(self, group: Group) -> Arrays:
        """How the gradients depend on each execution, the other ones held; by its number."""
        cut: frozenset[int] = frozenset()
        if group.recurrent and self.thorough:
            cut = frozenset(e.number for e in group.nodes)
        if cut not in self._sensitivities:
            seeds: Arrays = {}
            for v in self.verdicts:
                seed, n = self.directions[v.goal.parameter.number], v.goal.node.number
                seed = seed.reshape(DIRECTIONS, *v.given.shape)
                seeds[n] = seeds[n] + seed if n in seeds else seed
            self._sensitivities[cut] = self.chain.reverse(seeds, self._within, cut)
        return self._sensitivities[cut]

    def _within(self, node: Node) -> bool:
        return node.number in self._inside

    @cached_property
    def used(self) -> Catalogue:
        """How the forward values move: what a backward value is used as."""
        return self._catalogue(self.forward.tangents(self.directions), self.forward.nodes())

    @cached_property
    def used_cut(self) -> list[Catalogue]:
        """The same of each forward operation in a loop, its other executions held."""
        found = []
        for group in grouped(self.forward.nodes()):
            if group.recurrent:
                cut = frozenset((each.number, None) for each in group.nodes)
                found.append(
                    self._catalogue(self.forward.tangents(self.directions, cut), group.nodes)
                )
        return found

    def _catalogue(self, tangents: Arrays, nodes: list[Node], size: int | None = None) -> Catalogue:
        found = [
            Quantity((each,), tangents[each.number])
            for each in nodes
            if each.number in tangents and (size is None or each.value.size % size == 0)
        ]
        stacked = self._stacked(tangents, nodes, set(self.sizes if size is None else (size,)))
        return Catalogue([*found, *stacked], self.sizes if self.loops else (), size)

    @cached_property
    def sizes(self) -> frozenset[int]:
        """Of the arrays that the backward pass computes in loops."""
        return frozenset(e.value.size for g in self.groups if len(g.nodes) > 1 for e in g.nodes)

    @cached_property
    def loops(self) -> bool:
        """Whether an operation of the backward pass was executed several times."""
        return any(len(each.nodes) > 1 for each in self.groups)

    @staticmethod
    def _stacked(tangents: Arrays, nodes: list[Node], sizes: set[int]) -> Iterator[Quantity]:
        """The values of one operation at all time steps as one array."""
        for group in grouped([each for each in nodes if each.number in tangents]):
            arrays = [tangents[each.number] for each in group.nodes]
            shapes = {each.shape for each in arrays}
            if len(arrays) > 1 and len(shapes) == 1 and arrays[0][0].size * len(arrays) in sizes:
                yield Quantity(tuple(group.nodes), np.stack(arrays, axis=1))

    def uses(self, group: Group) -> list[list[Match]]:
        """Of each execution, what its value is used as."""
        best = self._all_matches(self.used, group)
        if self.each_call:
            sensitivity = self.sensitivity(group)
            pairs = zip(group.nodes, best, strict=True)
            best = [found or self._spread(each, sensitivity) for each, found in pairs]
        if not self.thorough:
            return best
        needed = sum(e.number in self.sensitivity(group) for e in group.nodes)
        if group.recurrent or (sum(map(bool, best)) < needed and len(group.nodes) > 1):
            for catalogue in self.used_cut:
                best = _fuller(best, self._all_matches(catalogue, group))
        if sum(map(bool, best)) < needed and 1 < len(group.nodes) <= MANY_LAYERS:
            best = _fuller(best, self._one_by_one(group))
        return best

    def _all_matches(self, catalogue: Catalogue, group: Group) -> list[list[Match]]:
        sensitivity = self.sensitivity(group)
        every = [self._some(catalogue, sensitivity, each) for each in group.nodes]
        factors = Counter(f for found in every for f in {_rounded(e.factor) for e in found})
        return [
            sorted(found, key=lambda e: (not self._plain(e.factor), -factors[_rounded(e.factor)]))[
                :FEW_MATCHES
            ]
            for found in every
        ]

    def _matches(self, catalogue: Catalogue, sensitivity: Arrays, node: Node) -> list[Match]:
        found = self._some(catalogue, sensitivity, node)
        return sorted(found, key=lambda each: not self._plain(each.factor))[:FEW_MATCHES]

    def _some(self, catalogue: Catalogue, sensitivity: Arrays, node: Node) -> list[Match]:
        if node.number not in sensitivity:
            return []
        return list(islice(catalogue.matches(sensitivity[node.number]), MANY_MATCHES))

    def _plain(self, factor: float) -> bool:
        """Whether a constant is one that people multiply by."""
        return any(abs(abs(factor) - c) <= HALF_OF_THE_DIGITS * c for c in self.known.factors)

    @cached_property
    def known(self) -> Known:
        """What a backward value is."""
        return Known(self.forward, self.sizes if self.loops else ())

    def _spread(self, node: Node, sensitivity: Arrays) -> list[Match]:
        """What a value is used as that has to be the same along some axes, or one number."""
        if node.number not in sensitivity or node.value.size == 1:
            return []
        whole, shape = sensitivity[node.number], node.value.shape
        some = range(1, whole.ndim)
        for axes in (tuple(some), *((i,) for i in some)):
            summed = whole.sum(axis=axes, keepdims=True)
            for each in islice(self.used.matches(summed), FEW_MATCHES):
                return [replace(each, layout=_broadcast(each.layout, shape))]
        return []

    def _one_by_one(self, group: Group) -> list[list[Match]]:
        """The same from the gradients upwards: each is held when those before it are looked for."""
        sensitivity = self.sensitivity(group)
        ways: list[tuple[Cut, list[list[Match]]]] = [(frozenset(), [])]
        for node in reversed(group.nodes):
            if not np.any(sensitivity.get(node.number, 0)):  # it only leads to the others
                ways = [(cut, [[], *found]) for cut, found in ways]
                continue
            longer = [
                (cut | more, [matches, *found])
                for cut, found in ways
                if (matches := self._matches(self._held(cut, node.value.size), sensitivity, node))
                for more in self._holds(matches[0])
            ]
            if not longer:
                break
            ways = longer[:FEW_WAYS]
        found = ways[0][1]
        return [[] for _ in group.nodes[len(found) :]] + found

    def _holds(self, match: Match) -> Iterator[Cut]:
        """The ways to hold a forward value: all that it gives, or what it gives to one consumer."""
        nodes = match.quantity.nodes
        yield frozenset((each.number, None) for each in nodes)
        consumers = [c for each in nodes for c, _ in self.forward.parts.get(each.number, ())]
        if len(consumers) > len(nodes):
            for consumer in consumers:
                yield frozenset((each.number, consumer.number) for each in nodes)

    def _held(self, cut: Cut, size: int) -> Catalogue:
        """How the forward values of a size move while some are held."""
        if not cut:
            return self.used
        if cut not in self._tangents:
            self._tangents[cut] = self.forward.tangents(self.directions, cut)
        if (cut, size) not in self._held_catalogues:
            made = self._catalogue(self._tangents[cut], self.forward.nodes(), size)
            self._held_catalogues[cut, size] = made
        return self._held_catalogues[cut, size]


def _broadcast(layout: Layout, shape: tuple[int, ...]) -> Layout:
    return lambda array: np.array(np.broadcast_to(layout(array), shape))


def _rounded(factor: float) -> float:
    """The size of a factor, to half of its digits."""
    return float(f"{abs(factor):.8g}")


def _fuller(one: list[list[Match]], other: list[list[Match]]) -> list[list[Match]]:
    """Of two lists of matches the one that knows more executions."""
    return other if sum(map(bool, other)) > sum(map(bool, one)) else one
