"""What is made of a quantity: by that it is known, even if it is wrong.

A recorded value is a quantity only if something was made of it that its own consumers' equations
make. Left out: which equations these are (`z_and_a.py`, `deltas.py`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import reduce
from itertools import islice
from math import isclose
from operator import and_, or_
from typing import NamedTuple

import numpy as np

from conformance.arithmetic.exact import UndecidedComparisonError
from conformance.tracing.arranging import SCALING
from conformance.tracing.index import Location, as_floats
from conformance.tracing.node import bits_of_nodes
from conformance.tracing.traced_run import Candidate, Lookup, Search
from reference.step import Array, split

Lift = Callable[[Array], Array]
"""Exact numbers as they are, or in floats."""


class Use(NamedTuple):
    """What an equation makes of a quantity.

    Attributes:
        result: of the equation.
        summed: whether it is summed over the samples, each of which may be computed alone.
        gradient: whether it is a ∇, of which a program may hold a multiple.
    """

    result: Array
    summed: bool = False
    gradient: bool = False


Made = Callable[[Array, Lift], Iterable[Use]]
"""What the equations make of a quantity."""


def exactly(array: Array) -> Array:
    """Exact numbers as they are."""
    return array


class Uses(Search):
    """What was made of the values of one run.

    Attributes:
        scales: how many times what its equation makes the last ∇ was that was found.
    """

    def __init__(self, lookup: Lookup) -> None:
        super().__init__(lookup)
        self.scales = set[float]()

    def by_use(
        self,
        name: str,
        where: tuple[int, int, int],
        made: Made,
        right: Location | None,
        fits: Callable[[Array], bool] = lambda _: True,
        scales: Collection[float] = (),
    ) -> Candidate | None:
        """The value of which an equation's result is recorded, that of the first equation first.

        Args:
            name: of the quantity.
            where: how many numbers a sample, the bits of what it uses, and of what it does not.
            made: what the equations make of it.
            right: where the right value is; another one is made of that.
            fits: what else is asked of the value.
            scales: as of `used`.
        """
        free = self._free(name, where, right)
        held = [as_floats(each.value) for each in free[:1]]
        equations = max((len(list(made(each, self.lookup.in_floats))) for each in held), default=0)
        for i in range(equations):

            def result(value: Array, lift: Lift, number: int = i) -> list[Use]:
                return [next(islice(iter(made(value, lift)), number, None))]

            for each in free:
                if not self._plausible(each.value, result):
                    continue
                within = self.used(each.value, result, each.location, alike=True, scales=scales)
                if within and fits(each.value):  # of equal values the last was taken
                    last = self.lookup.columns(each.value, within)
                    if last is None or self._only_given_back(each.location, last):
                        return each
                    return Candidate(each.value, self.lookup.of_one_kind(each.location, last))
        return None

    def _free(
        self, name: str, where: tuple[int, int, int], right: Location | None
    ) -> list[Candidate]:
        """The values that may be a quantity and have no such role yet; see `by_use`."""
        n, uses, not_uses = where
        quantity, layer = split(name)[0], int(split(name)[1] or 0)
        of = self.lookup.candidates.of
        candidates = list(of(n, uses=uses, not_uses=not_uses))
        if not candidates:  # all parameters are in one array
            candidates = list(of(n, uses=uses, not_uses=not_uses & self.run.targets))
        if quantity in ("z", "a"):
            own = self.run.parameters[layer - 2]
            candidates += self.lookup.candidates.fixed(n, uses=own, not_uses=not_uses)
        if right is not None:
            nodes, own = self.nodes, reduce(or_, (1 << n for n in right.numbers))
            candidates = [
                e for e in candidates if any(nodes[n].uses & own for n in e.location.numbers)
            ]
        others = (at for name, at in self.roles.found.items() if split(name)[0] == quantity)
        taken = {number for each in others for number in each.numbers}
        single = {number for number in taken if self.index.numbers(number).size == 1}
        free = [
            each
            for each in candidates
            if not taken.issuperset(each.location.numbers)
            and single.isdisjoint(each.location.numbers)
        ]
        moving = reduce(or_, self.run.movers.values(), 0)  # a loop may compute others for nothing
        return sorted(free, key=lambda e: not all(moving >> n & 1 for n in e.location.numbers))

    def _only_given_back(self, first: Location, last: Location) -> bool:
        """Whether the last of equal values is what an operation gave back, such as |z| of z > 0."""
        nodes = self.nodes
        return all(
            nodes[number].operation not in SCALING  # a factor of 1 is what should be another
            and any(nodes[number].depends_on(nodes[each]) for each in first.numbers)
            for number in last.numbers
        )

    def _plausible(self, value: Array, made: Made) -> bool:
        """Whether the first numbers made of a value are near recorded ones, in floats."""
        held = as_floats(value)
        with np.errstate(all="ignore"):
            ((result, summed, _),) = made(held, self.lookup.in_floats)
            parts = [result]
            if summed and self.run.m > 1:
                parts += [part.result for part in made(_only(held, 0), self.lookup.in_floats)]
        return any(
            self.index.begins_near(part, factor) for part in parts for factor in self.lookup.factors
        )

    def used(
        self,
        value: Array,
        made: Made,
        location: Location,
        *,
        alike: bool = False,
        scales: Collection[float] = (),
    ) -> int:
        """What was computed on the way to something recorded that is made of a value, as bits.

        It is made of all samples at once, or of each alone; 0 if there is nothing.

        Args:
            value: the quantity.
            made: what its consumers make of it.
            location: where it is.
            alike: whether they have its sign.
            scales: how many times what its equation makes a ∇ may be; any if none are given.
        """
        m = self.run.m
        try:
            uses = [*made(value, exactly)]
        except UndecidedComparisonError:  # of entries that are equal, which is the largest
            return 0
        for result, summed, gradient in uses:
            parts = [result]
            whole = self.lookup.made_of(result, location) if summed and m > 1 else (0, 0.0)
            if whole is None or (alike and whole[1] * location.factor < 0):  # turned in the sum
                parts = [next(iter(made(_only(value, i), exactly))).result for i in range(m)]
            each = [self.lookup.made_of(part, location) for part in parts]
            if all(each):
                signs = {factor * location.factor > 0 for _, factor in filter(None, each)}
                if alike and signs != {True}:
                    return 0  # something between has turned the sign
                times = {abs(factor / location.factor) for _, factor in filter(None, each)}
                if gradient and scales and not _among(times, scales):
                    continue
                self.scales = times if gradient else set()
                return reduce(or_, (within for within, _ in filter(None, each)))
        return 0

    def place(self, value: Array, made: Made, first: Location, last: Location | None) -> Location:
        """Where a quantity is, of several places: the last of them.

        Where it is rounded on the way, it is what all was made of that is made of it.
        """
        last, rounded = self.lookup.of_one_kind(first, last), self.index.replay.rounded
        if rounded.isdisjoint(last.numbers):
            return last
        others = bits_of_nodes(e for e in self.nodes if e.number not in rounded)
        if self.lookup.located(value, others, (last.factor,)) is None:
            return last
        of_all = reduce(and_, self._users(value, made), self.trace.uses_of(last.numbers))
        return self.lookup.located(value, of_all, (last.factor,)) or first

    def _users(self, value: Array, made: Made) -> Iterator[int]:
        """The bits of what each thing that is recorded and made of a quantity was computed from."""
        m = self.run.m
        for number, (whole, summed, _) in enumerate(made(value, exactly)):
            at = self.lookup.located(whole)
            found = [at]
            if at is None and summed and m > 1:
                parts = (
                    next(islice(made(_only(value, i), exactly), number, None)) for i in range(m)
                )
                found = [self.lookup.located(part.result) for part in parts]
            if all(each is not None for each in found):
                yield reduce(or_, (self.trace.uses_of(each.numbers) for each in found if each), 0)


def _among(numbers: Iterable[float], others: Collection[float]) -> bool:
    """Whether all of some factors are among others, but for rounding."""
    return all(any(isclose(each, other) for other in others) for each in numbers)


def _only(value: Array, i: int) -> Array:
    """The column of one sample, and zeros in the others."""
    alone = np.zeros_like(value)
    alone[:, i] = value[:, i]
    return alone
