"""Where the quantities are in every run of a program with so many layers and samples.

They are found once, on numbers of which no two have anything in common. A program that does the
same operations on the numbers of a case has them at the same places.

Left out: the search (`searched.py`), judging what is there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.corpus.case import Case
from conformance.subjects.generic import FIRST, Draw, generic, generic_case
from conformance.subjects.observation import Where
from conformance.subjects.searched import BITS, Searched, in_its_own_numbers, searched
from conformance.subjects.stepped import Stepped, gathered
from conformance.subjects.stretched import Operations, Twins, alike, operations
from conformance.tracing.arranging import LIMITING, whole
from conformance.tracing.frames import Frame
from conformance.tracing.index import Location, as_floats
from conformance.tracing.node import Node
from conformance.verdict.on_balls import Elsewhere, OnBalls, TracedStep
from reference.step import Array

LARGE = 400  # entries of the largest weight array of a run that is searched as it is
WIDTHS = (4, 3, 5, 6, 7, 8, 9, 10, 11)
M = 5  # samples: as many as no layer has neurons
DRAWN_AGAIN = (Draw(7, -1.0), Draw(8), Draw(7, 0.0625), Draw(8, -1.0), Draw(8, -0.0625))
"""The numbers of further runs of what depends on signs; small ones, for what is clipped."""


class Program(Protocol):
    """What takes a step when a run asks for it."""

    @property
    def decays(self) -> bool:
        """Whether it knows weight decay."""


RunOf = Callable[..., Stepped]
"""Takes a step, traced: given a program, a case, parameters, a mini-batch and earlier ones."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A traced run, and where its quantities are.

    Attributes:
        case: of the run.
        made: it.
        pattern: the run in whose numbers they were looked for, which may be it.
        found: where they are.
        large: whether only a smaller network stands for it.
        decays: whether the program knows weight decay.
    """

    case: Case
    made: Stepped
    pattern: Searched
    found: dict[str, Location]
    large: bool
    decays: bool

    @property
    def blind(self) -> bool:
        """Whether nothing of its way back could be followed, not even that it adds up nothing."""
        back = (each for each in self.found if each.startswith(("delta", "nabla")))
        return not (any(back) or self.pattern.roles.nothing)

    def shown(self) -> dict[str, Array]:
        """Its quantities, in floats."""
        return {name: gathered(each, self.made) for name, each in self.found.items()}

    def of(self, name: str) -> Searched:
        """The run that tells the lines of a quantity: it, if the quantity is right in the other."""
        return self.pattern if self.large or self.pattern.wrong(name) else self._own

    @cached_property
    def _own(self) -> Searched:
        return in_its_own_numbers(self.case, self.made, self.found, decays=self.decays)

    def on_balls(
        self,
        more: Mapping[str, Location] | None = None,
        elsewhere: Mapping[str, Elsewhere] | None = None,
    ) -> OnBalls:
        """What decides its quantities.

        Args:
            more: where others are.
            elsewhere: what decides those that are in another run.
        """
        made = self.made
        after = {name: whole(node) for name, node in made.after.items()}
        places = {**dict(_means(made)), **self.found, **after, **(more or {})}
        kept = partial(made.kept, self.case)
        step = TracedStep(self.case, made.trace, made.before, made.batch, places, kept)
        return OnBalls(step, elsewhere, self.pattern.wrong if self.large else None)


def _means(made: Stepped) -> Iterator[tuple[str, Location]]:
    """The means over the samples of the gradients that backprop returned for each."""
    names = made.returned[0] if len(made.returned) == made.batch.m else ()
    for name in (each for each in names if each.startswith("nabla")):
        parts = [each[name] for each in made.returned if name in each]
        if len({each.value.shape for each in parts}) == 1 and len(parts) == made.batch.m:
            value = np.asarray(_mean(*(each.value for each in parts)))
            yield name, whole(made.trace.node("mean", _mean, tuple(parts), {}, value))


def _mean(*parts: Any) -> Any:
    return sum(parts[1:], start=parts[0]) / len(parts)


_Places = tuple[Operations, Searched, dict[str, Location | None]]


class Patterns:
    """The places of the quantities in the runs of one program, found when they are needed."""

    def __init__(self, program: Program, step: RunOf) -> None:
        """Search nothing yet.

        Args:
            program: what is run.
            step: takes a step of it.
        """
        self.program, self.step = program, step
        self._traced: dict[StandIn, Stepped | None] = {}
        self._searched: dict[StandIn, Searched] = {}
        self._placed: dict[tuple[StandIn, tuple[int, ...], int], _Places] = {}

    def found(self, case: Case, made: Stepped, run: RunOf | None = None) -> Placed:
        """A run, a step if not given, and where its quantities are."""
        run, large, decays = run or self.step, self.is_large(case), self.program.decays
        same = operations(made.trace.nodes, tuple)
        for each in self._stand_ins(case, made.batch.m, run, made.earlier):
            before = self._placed.get((each, case.sizes, made.batch.m))
            if before is None or before[0] != same:
                pattern, places = self._place(case, each, made)
                if pattern is None:
                    continue
                self._placed[each, case.sizes, made.batch.m] = before = same, pattern, places
            _, pattern, places = before
            if each.sizes == case.sizes or None not in places.values():
                found = {name: each for name, each in places.items() if each is not None}
                return Placed(case, made, pattern, found, large, decays)
        unlike = large or self._computes_untraced(case, made.batch.m, run)
        if unlike and (other := self.pattern(case, made.batch.m, run)):
            return Placed(case, made, other, {}, large, decays)
        own = searched(case, made, decays=decays)
        return Placed(case, made, replace(own, own=True), own.roles.found, large, decays)

    def _place(
        self, case: Case, each: "StandIn", made: Stepped
    ) -> tuple[Searched | None, dict[str, Location | None]]:
        """What is found in a stand-in, and where that is in a run, if it stands for it."""
        stand_in, own, m = self._run_of(case, each), (made.trace, made.x), made.batch.m
        if stand_in is None:
            return None, {}
        twins = Twins((stand_in.trace, stand_in.x), own)
        if not twins.found:
            return None, {}
        pattern, shapes = self._of(case, each), _shapes(made)
        if pattern.trace is not stand_in.trace:
            twins = Twins((pattern.trace, pattern.run.samples), own)
        if not twins.found:
            return None, {}
        return pattern, {
            name: twins.place(_of_samples(location, each.m, m), shapes[name])
            for name, location in pattern.roles.found.items()
        }

    def is_large(self, case: Case) -> bool:
        """Whether only a smaller network stands for the one of a case."""
        return max(n * k for k, n in pairwise(case.sizes)) > LARGE

    def _computes_untraced(self, case: Case, m: int, run: RunOf) -> bool:
        """Whether a program computes numbers that nobody notes, which short ones do not tell."""
        runs = (self._run_of(case, each) for each in self._stand_ins(case, m, run))
        return any(each is not None and each.untraced for each in runs)

    def lines(self, case: Case, m: int, run: RunOf) -> Where:
        """The lines of the quantities of another run of m samples."""

        def where(name: str, index: tuple[int, ...]) -> tuple[Frame, ...]:
            pattern = self.pattern(case, m, run)
            return pattern.frames(name, index) if pattern else ()

        return where

    def pattern(self, case: Case, m: int, run: RunOf) -> Searched | None:
        """The places in a run of m samples, whatever the sizes; None if a small one stops."""
        same = (each for each in self._stand_ins(case, m, run) if each.m == m)
        runs = (each for each in same if self._run_of(case, each) is not None)
        return next((self._of(case, each) for each in runs), None)

    def _stand_ins(
        self, case: Case, m: int, run: RunOf, earlier: tuple[int, ...] = ()
    ) -> Iterator["StandIn"]:
        """What may stand for a run of m samples, after mini-batches of so many samples.

        First those in which no two lengths are the same, which serve for other cases too.
        """
        decays = bool(case.lmbda) and self.program.decays
        more = run, earlier, case.cost, decays, case.activations, case.update
        for n in dict.fromkeys((M, m)):
            widths = tuple(each for each in WIDTHS if each != n)
            if case.layers <= len(widths):
                yield StandIn(widths[: case.layers], n, *more)
        if not self.is_large(case):
            yield StandIn(case.sizes, m, *more)

    def _run_of(self, case: Case, each: "StandIn") -> Stepped | None:
        if each not in self._traced:
            try:
                self._traced[each] = self._run(case, each)
            except Exception:
                if each.sizes == case.sizes:
                    raise
                self._traced[each] = None  # it may be written for other sizes
        return self._traced[each]

    def _run(self, case: Case, each: "StandIn", draw: Draw = FIRST) -> Stepped:
        stand_in, start, batch = generic(case, each.m, each.sizes, draw)
        earlier = (generic(case, n, each.sizes, Draw(i)) for i, n in enumerate(each.earlier))
        batches = [each[2] for each in earlier]
        return each.run(self.program, stand_in, start, batch, *batches)

    def _of(self, case: Case, each: "StandIn") -> Searched:
        """The places in what stands for a run."""
        if each not in self._searched:
            made = self._run_of(case, each) or self._run(case, each)
            runs = [self._found(case, each, made)]
            if any(_depends_on_signs(node) for node in made.trace.nodes):
                runs += self._drawn_again(case, each, runs[0])
                runs.sort(key=_score, reverse=True)
                _confirm(*runs[:2])
            self._searched[each] = runs[0]
        return self._searched[each]

    def _drawn_again(self, case: Case, each: "StandIn", before: Searched) -> Iterator[Searched]:
        """The run on other numbers, until two runs of which each number is told show the same."""
        for draw in DRAWN_AGAIN:
            found = self._found(case, each, self._run(case, each, draw))
            yield found
            told = _ties(found) == _ties(before) == 0
            if told and found.roles.found.keys() == before.roles.found.keys():
                return
            before = found

    def _found(self, case: Case, each: "StandIn", made: Stepped) -> Searched:
        stand_in = generic_case(case, each.m, each.sizes)
        return searched(stand_in, made, decays=self.program.decays)


@dataclass(frozen=True)
class StandIn:
    """A run in whose numbers the quantities are looked for.

    Attributes:
        sizes: of the layers.
        m: the number of samples.
        run: takes the step.
        earlier: the numbers of samples of the mini-batches before it.
        cost: its name.
        decays: whether λ is not 0.
        activations: of the layers 2 … L.
        update: its name.
    """

    sizes: tuple[int, ...]
    m: int
    run: RunOf
    earlier: tuple[int, ...]
    cost: str
    decays: bool
    activations: tuple[str, ...]
    update: str


def _of_samples(location: Location, before: int, m: int) -> Location:
    """The same location in a run of m samples: a factor counts them."""
    factors = {before: m, 1 / before: 1 / m, -before: -m, -1 / before: -1 / m}
    factor = location.factor if before == 1 else factors.get(location.factor, location.factor)
    return Location(location.nodes, location.places, factor)


def _score(run: Searched) -> tuple[int, int, int]:
    """How much a run shows: numbers that are all 0 or all the same show little."""
    return len(run.roles.found), -_ties(run), len(run.roles.wrong)


def _ties(run: Searched) -> int:
    """How many numbers of the quantities of a sample are met twice, as by a clip.

    Of an activation with a kink or a mask many are 0, which it means.
    """
    fs = [row.activation for row in run.run.rows.values()]
    kink = any(f.kink or f.masked for f in fs)
    every = (run.roles.values[name] for name in run.roles.found)
    columns = (as_floats(column).tolist() for each in every for column in each.T)
    told = ([each for each in column if each or not kink] for column in columns)
    return sum(len(each) - len(set(each)) for each in told)


def _depends_on_signs(node: Node) -> bool:
    """Whether an operation may give back what it was given, for some numbers."""
    kind = getattr(node.value, "dtype", np.dtype(float)).kind
    return kind == "b" or node.operation in LIMITING


def _confirm(found: Searched, other: Searched) -> None:
    """Take the first places where the last ones do not hold in another run."""
    if not alike(found.trace, other.trace):
        return
    for name, location in list(found.roles.found.items()):
        if name in other.roles.found:
            wrong = _elsewhere(other, name, location)
            first = found.roles.first.get(name, location)
            nodes = np.where(wrong, first.nodes, location.nodes)
            places = np.where(wrong, first.places, location.places)
            found.roles.found[name] = Location(nodes, places, location.factor)


def _elsewhere(run: Searched, name: str, location: Location) -> Array:
    """The entries of which the node holds something else in a run than the quantity."""
    index, own = run.run.index, run.roles.found[name]
    wrong = set()
    with precision(BITS):
        right = as_floats(own.gather(index.numbers, object))
        for number in location.numbers:
            mask, held = location.nodes == number, index.numbers(number).reshape(-1)
            places = location.places[mask]
            there = places < held.size
            if not (there.all() and np.array_equal(as_floats(held[places]), right[mask])):
                wrong.add(number)
    return np.isin(location.nodes, list(wrong))


def _shapes(made: Stepped) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for name, node in made.before.items():
        shapes |= {f"{each}_{name}": node.value.shape for each in ("nabla", "v", "s")}
        if name[0] == "b":
            column = (node.value.size, made.batch.m)
            shapes |= {f"{each}{name[1:]}": column for each in ("z", "a", "delta")}
    return shapes
