"""Where the quantities are in every run of a network with so many layers and samples.

They are found once, on numbers of which no two have anything in common. A program that does the
same operations on the numbers of a case has them at the same places.

Left out: the search (`tracing/roles.py`), judging what is there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.corpus.case import Case
from conformance.subjects.book.exact import on_balls
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.stepped import (
    Stepped,
    backprop_run,
    gathered,
    generic,
    update_run,
)
from conformance.subjects.observation import Shown, Where
from conformance.tracing.blame import Blame
from conformance.tracing.frames import Frame
from conformance.tracing.index import Location, as_floats, common_factor, is_factor
from conformance.tracing.replay import Replay
from conformance.tracing.roles import Roles, Run, Search, quantities_at
from conformance.tracing.trace import Node, Trace, substituted
from conformance.tracing.ways import Way
from conformance.verdict.on_balls import OnBalls
from reference.step import Array, Batch, Parameters

BITS = 400
LARGE = 400  # entries of the largest weight array of a run that is searched as it is
RunOf = Callable[..., Stepped]
SMALLER = (7, 5, 4, 6, 3, 8, 9)  # widths of the network that stands for a large one


@dataclass(eq=False)
class Searched:
    """A run whose quantities were looked for."""

    run: Run
    roles: Roles
    trace: Trace
    after: dict[str, int]

    def frames(self, name: str, index: tuple[int, ...]) -> tuple[Frame, ...]:
        """The lines to blame for an entry of a quantity; none if nothing holds it."""
        location = self.roles.found.get(name)
        number = self.after.get(name)
        if location is not None:
            shape = location.nodes.shape  # smaller than the case's where it stands for a large one
            fits = len(index) == len(shape)
            entry = tuple(np.minimum(index, np.subtract(shape, 1))) if fits else (0,) * len(shape)
            number = int(location.nodes[entry])
        if name in self.roles.nothing and location is None:
            if name.startswith("delta"):  # the layer above it was the last
                above = self.roles.found.get(f"delta{int(name[5:]) + 1}")
                return () if above is None else self.trace.nodes[above.numbers[0]].frames
            number = self.after[name.removeprefix("nabla_")]
        if number is None:
            return ()
        at = location or _everywhere(self.trace.nodes[number])
        node = self.trace.nodes[number if location else at.numbers[0]]
        with precision(BITS), np.errstate(all="ignore"):
            way = self._way(name, node)
            if name[0] in "bw" and node.given:
                return self._lost(name, way)
            return self.blame.frames(node, at, way)

    def _way(self, name: str, node: Node | None = None) -> Way:
        bits = enumerate(self.run.samples)
        alone = tuple(i for i, bit in bits if node is not None and node.uses & bit)
        roles = self.roles
        return Way(name, self.run, roles.values, roles.found, alone, roles.wrong)

    def _lost(self, name: str, way: Way) -> tuple[Frame, ...]:
        """The lines that computed a parameter which was not kept, or the gradient not taken."""
        location = self.run.index.locate(way.wanted) if way.decides else None
        location = location or self.roles.found.get(f"nabla_{name}")
        return () if location is None else self.trace.nodes[location.numbers[-1]].frames

    def wrong(self, name: str) -> bool:
        """Whether a quantity does not follow from its equation in this run."""
        if name in self.roles.wrong:
            return True
        number = self.after.get(name)
        if number is None or name.startswith("nabla"):
            return False
        with precision(BITS), np.errstate(all="ignore"):
            way = self._way(name)
            return way.decides and not np.array_equal(
                as_floats(way.wanted), as_floats(self.run.after[name])
            )

    @cached_property
    def blame(self) -> Blame:
        """The search for lines in its trace."""
        return Blame(self.run.index.replay)


def _everywhere(node: Node) -> Location:
    """All of a value; of what we turned or took from an array, where it is in that."""
    shape = np.shape(node.value)
    places = np.arange(int(np.prod(shape))).reshape(shape)
    while node.operation in ("reshape", "transpose", "getitem") and not node.frames:
        if node.function is None:
            break
        (before,) = node.inputs
        grid = np.arange(np.size(before.value)).reshape(np.shape(before.value))
        turned = node.function(*substituted(node.args, lambda _: grid), **node.kwargs)  # noqa: B023
        node, places = before, np.asarray(turned).reshape(-1)[places]
    return Location(np.full(shape, node.number), places)


def searched(network: BookNetwork, case: Case, made: Stepped) -> Searched:
    """Look for the quantities of a run in its own numbers."""
    with precision(BITS), np.errstate(all="ignore"):
        run = made.run(case, decays=network.decays)
        roles = Search(run).search()
    returned = {f"{name}": node for each in made.returned[:1] for name, node in each.items()}
    after = {name: node.number for name, node in {**returned, **made.after}.items()}
    return Searched(run, roles, made.trace, after)


def in_its_own_numbers(
    network: BookNetwork, case: Case, made: Stepped, found: dict[str, Location]
) -> Searched:
    """A run of a case, with the exact values of its quantities at the places that are known."""
    with precision(BITS), np.errstate(all="ignore"):
        run = made.run(case, decays=network.decays)
        roles = quantities_at(run, found)
    after = {name: node.number for name, node in made.after.items()}
    return Searched(run, roles, made.trace, after)


class Patterns:
    """The places of the quantities in the runs of one network, found when they are needed."""

    def __init__(self, network: BookNetwork) -> None:
        self.network = network
        self._known: dict[tuple[object, ...], Searched] = {}
        self._used: dict[tuple[object, ...], frozenset[str]] = {}

    def found(
        self, case: Case, made: Stepped, run: RunOf = update_run
    ) -> tuple[Searched, dict[str, Location]]:
        """Where the quantities of a run are, and the run in which they were found."""
        large = max(node.value.size for node in made.before.values()) > LARGE
        pattern = self._of(case, made.batch.m, run, made.earlier, large=large)
        if _alike(pattern.trace, made.trace):
            shapes = _shapes(made)
            places = {
                name: stretched(location, pattern.trace, made.trace, shapes[name])
                for name, location in pattern.roles.found.items()
            }
            return pattern, {name: each for name, each in places.items() if each is not None}
        if large:
            return pattern, {}
        own = searched(self.network, case, made)
        return own, own.roles.found

    def seen(
        self, case: Case, start: Parameters, batch: Batch, run: RunOf
    ) -> tuple[dict[str, Shown], Where, OnBalls]:
        """The quantities of another run from the same parameters, their lines, their exactness."""
        made = run(self.network, case, start, batch)
        pattern, found = self.found(case, made, run)
        shown: dict[str, Shown] = {name: gathered(each, made) for name, each in found.items()}
        return shown, pattern.frames, on_balls(case, made, found)

    def is_large(self, case: Case) -> bool:
        """Whether a smaller network stands for the one of a case."""
        return max(n * k for k, n in pairwise(case.sizes)) > LARGE

    def lines(self, case: Case, m: int, run: RunOf) -> Where:
        """The lines of the quantities of another run of m samples."""
        large = self.is_large(case)
        return lambda name, index: self._of(case, m, run, large=large).frames(name, index)

    def uses_returned(self, case: Case, m: int) -> frozenset[str]:
        """The gradients `nabla_b2 …` that the update takes as backprop returns them."""
        large = self.is_large(case)
        key = self._key(case, m, large=large)
        if key not in self._used:
            stand_in, start, batch = generic(case, m, key[0])
            update = self._of(case, m, update_run, large=large)
            returned = backprop_run(self.network, stand_in, start, batch)
            with precision(BITS):
                self._used[key] = frozenset(_same(update.roles, returned))
        return self._used[key]

    def _key(self, case: Case, m: int, *, large: bool) -> tuple[Any, ...]:
        sizes = case.sizes
        if large:
            sizes = tuple(each for each in SMALLER if each != m)[: len(sizes)]
        return sizes, m, case.cost, bool(case.lmbda)

    def _of(
        self, case: Case, m: int, run: RunOf, earlier: tuple[int, ...] = (), *, large: bool
    ) -> Searched:
        """The places in a run of m samples, after mini-batches of so many samples."""
        sizes, *others = self._key(case, m, large=large)
        key = (sizes, *others, run, earlier)
        if key not in self._known:
            stand_in, start, batch = generic(case, m, sizes)
            batches = [generic(case, n, sizes, seed=i)[2] for i, n in enumerate(earlier)]
            made = run(self.network, stand_in, start, batch, *batches)
            found = self._known[key] = searched(self.network, stand_in, made)
            if any(_depends_on_signs(node) for node in made.trace.nodes):
                runs = [found, *self._other_draws((stand_in, batches), run, made)]
                first, second, *_ = sorted(runs, key=lambda each: _score(each.roles), reverse=True)
                _confirm(first, second)
                self._known[key] = first
        return self._known[key]

    def _other_draws(
        self, given: tuple[Case, Sequence[Batch]], run: RunOf, made: Stepped
    ) -> Iterator[Searched]:
        """The same run on other numbers, of other signs."""
        case, earlier = given
        for seed, negative in ((7, True), (8, False), (8, True)):
            start, batch = generic(case, made.batch.m, case.sizes, seed, negative=negative)[1:]
            again = run(self.network, case, start, batch, *earlier)
            yield searched(self.network, case, again)


def _score(roles: Roles) -> tuple[int, int]:
    """How much a run shows: numbers that are all 0 or all the same show little."""
    return len(roles.found), len(roles.wrong)


def _depends_on_signs(node: Node) -> bool:
    """Whether an operation may give back what it was given, for some numbers."""
    kind = getattr(node.value, "dtype", np.dtype(float)).kind
    return kind == "b" or node.operation in ("absolute", "maximum", "minimum", "clip", "fabs")


def _confirm(found: Searched, other: Searched) -> None:
    """Take the first places where the last ones do not hold in another run."""
    if not _alike(found.trace, other.trace):
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


def _same(roles: Roles, returned: Stepped) -> Iterator[str]:
    """The gradients of which the mean over the samples is the one that was used."""
    replay, m = Replay(returned.trace), returned.batch.m
    for name, used in roles.moved.items():
        nodes = [each[name] for each in returned.returned if name in each]
        if len(nodes) < m or not all(map(replay.exact, nodes)):
            continue
        parts = [replay.value(each) for each in nodes]
        if all(each.shape == used.shape for each in parts):
            total = np.asarray(sum(parts[1:], start=parts[0]))
            factor = common_factor(total, used)
            nothing = not as_floats(total).any() and not as_floats(used).any()
            if nothing or (factor is not None and is_factor(factor, float(m))):
                yield name


def _alike(one: Trace, other: Trace) -> bool:
    return len(one.nodes) == len(other.nodes) and all(
        a.operation == b.operation and a.frames == b.frames and np.ndim(a.value) == np.ndim(b.value)
        for a, b in zip(one.nodes, other.nodes, strict=True)
    )


def _shapes(made: Stepped) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for name, node in made.before.items():
        shapes[f"nabla_{name}"] = node.value.shape
        if name[0] == "b":
            column = (node.value.size, made.batch.m)
            shapes |= {f"{each}{name[1:]}": column for each in ("z", "a", "delta")}
    return shapes


def stretched(
    location: Location, small: Trace, large: Trace, shape: tuple[int, ...]
) -> Location | None:
    """The same places in a run with other widths; None if it is not known where they went."""
    if location.nodes.shape == shape and all(
        np.shape(small.nodes[n].value) == np.shape(large.nodes[n].value) for n in location.numbers
    ):
        return location
    rows, columns = (np.asarray(each) for each in np.indices(location.nodes.shape))
    new_rows, new_columns = (np.asarray(each) for each in np.indices(shape))
    whole = len(location.numbers) == 1
    if not whole and location.nodes.shape[1] != shape[1]:
        return None
    nodes, places = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for number in location.numbers:
        mask = location.nodes == number
        alone = (
            np.ones(shape, dtype=bool) if whole else np.isin(new_columns, np.unique(columns[mask]))
        )
        before, now = np.shape(small.nodes[number].value), np.shape(large.nodes[number].value)
        found = _moved(
            location.places[mask], (rows[mask], columns[mask]), before,
            now, (new_rows[alone], new_columns[alone]),
            (location.nodes.shape, shape),
        )  # fmt: skip
        if found is None:
            return None
        nodes[alone], places[alone] = number, found
    return Location(nodes, places, location.factor)


def _moved(
    places: Array,
    entries: tuple[Array, Array],
    before: tuple[int, ...],
    now: tuple[int, ...],
    new: tuple[Array, Array],
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
) -> Array | None:
    """Places in a larger array that follow the same rule, row + a or column + a along each axis."""
    (rows, columns), (new_rows, new_columns) = entries, new
    small, large = shapes
    if not before or (len(before) == 1 and before[0] != int(np.prod(small)) and small[1] > 1):
        return None  # a part of a longer vector
    if len(before) == 1 and before[0] == int(np.prod(small)) and len(np.unique(columns)) > 1:
        straight = np.array_equal(places, rows * small[1] + columns)
        turned = np.array_equal(places, columns * small[0] + rows)
        if now[0] != int(np.prod(large)) or not (straight or turned):
            return None
        along: Array = (
            new_rows * large[1] + new_columns if straight else new_columns * large[0] + new_rows
        )
        return along
    coordinates = []
    for axis, held in enumerate(np.unravel_index(places, before)):
        rules = (
            (rows, new_rows, small[0], large[0]),
            (columns, new_columns, small[1], large[1]),
            (0 * rows, 0 * new_rows, 1, 1),
        )
        for old, grown, length, longer in rules:
            shifts = {0: 0, before[axis] - length: now[axis] - longer}  # at one end or the other
            shift = held.flat[0] - old.flat[0]
            if shift in shifts and (held - old == shift).all():
                coordinates.append(grown + shifts[int(shift)])
                break
        else:
            return None
    if any((c >= n).any() or (c < 0).any() for c, n in zip(coordinates, now, strict=True)):
        return None
    return np.asarray(np.ravel_multi_index(tuple(coordinates), now))
