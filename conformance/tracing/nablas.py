"""Which recorded values are the ∇ that moved the parameters, and what an update keeps.

Left out: δ, of which they are made (`deltas.py`).
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

import numpy as np

from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import SCALING, before_arranging
from conformance.tracing.index import (
    Location,
    as_floats,
    common_factor,
    is_factor,
    orientations,
    times,
)
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.traced_run import Lookup, Search, has_factor
from reference.equations import BOOK
from reference.step import Array


class GradientSearch(Search):
    """The search for ∇, by what moved each parameter."""

    def __init__(self, lookup: Lookup) -> None:
        super().__init__(lookup)
        self._of_samples = reduce(or_, self.run.samples, self.run.targets)

    def search(self) -> None:
        """Find the ∇ that moved each parameter, and what the update keeps."""
        self._gradients()
        self._kept()

    def _gradients(self) -> None:
        """Find the ∇ that moved each parameter, as the mean over the mini-batch."""
        run = self.run
        delta = self.roles.values
        right = {n: self.lookup.mean_gradient(n, delta[f"delta{n[1:]}"]) for n in run.after}
        every = {name: self.lookup.moved(name) for name in run.after}
        moved = {name: each for name, each in every.items() if each is not None}
        self.roles.moved = {f"nabla_{name}": each for name, each in moved.items()}
        ratio = {name: common_factor(moved[name], right[name]) for name in moved}
        divisors = set[float]()
        for name in [each for each in right if has_factor(ratio.get(each), 1.0)]:
            location = self._take_gradient(name, right[name])
            computed = location and before_arranging(location, self.nodes)
            if computed is not None and not self._is_made_by_update(name, computed):
                divisors.add(computed.factor)
        for name in [each for each in right if not has_factor(ratio.get(each), 1.0)]:
            mover = moved.get(name)
            location = None
            if mover is not None and self._is_nothing(name, mover, right[name]):
                self.roles.nothing.append(f"nabla_{name}")
                self.lookup.take(f"nabla_{name}", mover, None, wrong=True)
                continue
            if mover is not None and self._is_gradient(name, mover, right):
                location = self._mover(name, ratio[name], divisors)
                if location is not None and self._is_right(name, location, right, divisors):
                    location = None
            kept = self._squared(name, right[name]) if mover is None else None
            if kept is not None:
                self.lookup.take(f"nabla_{name}", *kept, wrong=True)
            elif mover is None or location is None:
                self._take_gradient(name, right[name])
            else:
                self.lookup.take(f"nabla_{name}", mover, location, wrong=True)
                if has_factor(ratio[name], float(run.m)):
                    self._note_use(name, mover, location, right)

    def _is_nothing(self, name: str, mover: Array, right: Array) -> bool:
        """Whether a parameter was computed and not moved since its ∇ came to nothing.

        What was multiplied by 0 only then is its ∇ no longer.
        """
        if not self.run.rewritten[name] or as_floats(mover).any():
            return False
        location = self.lookup.located(right, self.run.movers[name])
        made = self._made_first(location, name) if location is not None else None
        return made is None or made.operation not in SCALING

    def _made_first(self, location: Location, name: str) -> Node | None:
        """The first zeros that were made of a gradient on the way to its parameter."""
        nodes, movers = self.nodes, self.run.movers[name]
        later = (each for each in nodes if movers >> each.number & 1 and each.value.size)
        made = (n for n in later if any(n.depends_on(nodes[i]) for i in location.numbers))
        return next((each for each in made if not np.any(each.value)), None)

    def _is_gradient(self, name: str, mover: Array, right: Mapping[str, Array]) -> bool:
        """Whether what moved a parameter may stand for its ∇; else its update is wrong.

        It is not if it is nothing, or that of another layer, or ∇ and a multiple of the parameter.
        """
        own, before = right[name], dict(self.run.start.named())[name]
        if mover.shape != own.shape or not as_floats(mover).any():
            return False
        others = (each for other, each in right.items() if other != name)
        decays = common_factor(mover - own, before) is not None
        return not decays and not any(self._is_multiple(mover, each) for each in others)

    def _is_multiple(self, moved: Array, right: Array) -> bool:
        """Whether a parameter was moved by a gradient, or its sum: that of another layer."""
        ratio = common_factor(moved, right) if moved.shape == right.shape else None
        return any(has_factor(ratio, each) for each in (1.0, float(self.run.m)))

    def _squared(self, name: str, right: Array) -> tuple[Array, Location] | None:
        """The array of which an update keeps the mean square, if it is not the right ∇."""
        row, within = self.run.rows.get(f"s_{name}"), self.run.movers[name]
        if row is None or self._keeps_square(name, right):
            return None
        sized = [e for e in self.index.sized(right.size) if within >> e.number & 1 and not e.given]
        for node in reversed(sized):
            for held, places in orientations(self.index.numbers(node.number), right.shape):
                if self._keeps_square(name, held, node):
                    return held, Location(np.full(right.shape, node.number), places)
        return None

    def _keeps_square(self, name: str, nabla: Array, made: Node | None = None) -> bool:
        """Whether an update keeps the mean square of an array, as it should of the ∇.

        Args:
            name: of the parameter.
            nabla: the array.
            made: the node of the array, of which the mean square is made; any if it is not given.
        """
        row = self.run.rows[f"s_{name}"]
        known = {**self.roles.values, **self.run.given, f"nabla_{name}": nabla}
        given = [known[each] for each in row.inputs]
        with np.errstate(all="ignore"):
            floats = np.asarray(row.function(*map(self.lookup.in_floats, map(np.asarray, given))))
        if not self.index.begins_near(floats):
            return False
        square = np.asarray(row.function(*given))
        if not as_floats(square).any():
            return False
        found = self.index.locate(square, self.run.movers[name])
        if found is None:
            return False
        return made is None or all(self.nodes[each].depends_on(made) for each in found.numbers)

    def _take_gradient(self, name: str, right: Array) -> Location | None:
        movers = self.run.movers[name]
        location = self.lookup.located(right, movers) or self.lookup.located(right)
        whole = self.lookup.last_multiple(right, movers)
        later = location is None or whole is None or whole.numbers > location.numbers[-1:]
        if location is not None and f"s_{name}" in self.run.rows:
            later = False  # a share of it that a mean takes may be 1/m by chance
        if whole is not None and later and (location is None or whole.factor * location.factor > 0):
            location = whole  # 1/m was rounded before it met the sum
        self.lookup.take(f"nabla_{name}", right, location)
        return location

    def _mover(self, name: str, ratio: Any, divisors: set[float]) -> Location | None:
        """Where the array is that moved a parameter in the place of its ∇; None if it was ∇.

        It is ∇ too if it is the sum where the mean belongs, or the reverse, for all parameters:
        then the update is wrong.
        """
        moved, m = self.roles.moved[f"nabla_{name}"], float(self.run.m)
        movers = self.run.movers[name]
        scaled = any(has_factor(ratio, each) for each in (m, 1 / m))
        if scaled and not divisors:
            return None
        for factor in dict.fromkeys((*divisors, m, 1.0)):
            if scaled and factor not in divisors:
                continue
            for node, places, found in reversed(self.index.proportional(moved)):
                used = movers >> node.number & 1 and node.uses & self._of_samples
                if used and not node.given and is_factor(found, factor):
                    return Location(np.full(moved.shape, node.number), places, factor)
            entries = self.index.locate(times(moved, factor), movers)
            if entries is not None and self._is_array(entries):
                return replace(entries, factor=factor)
        return None

    def _note_use(self, name: str, moved: Array, at: Location, right: Mapping[str, Array]) -> None:
        """Note which line uses a sum over the samples as it is, where others divide theirs by m.

        Else it has to be the mean where it is.
        """
        sums = {other: times(each, self.run.m) for other, each in right.items() if other != name}
        if any(self.lookup.located(sums[e], self.run.movers[e]) is not None for e in sums):
            line, within = self.nodes[at.numbers[-1]].frames[:1], self.run.movers[name]
            made = (
                node for node, _, _ in self.index.proportional(moved) if within >> node.number & 1
            )
            later = (e for e in made if e.number > at.numbers[-1] and e.frames[:1] != line)
            self.roles.used.update((f"nabla_{name}", e) for e in islice(later, 1))

    def _is_kept(self, mover: Location, right: Array, divisors: set[float]) -> bool:
        """Whether what moved a parameter is its right ∇, kept as those of others are."""
        own = bits_of_nodes(self.nodes[each] for each in mover.numbers)
        return bool(divisors) and self._is_located(right, own, tuple(divisors), mover)

    def _is_of_the_update(
        self, name: str, mover: Location, right: Mapping[str, Array], divisors: set[float]
    ) -> bool:
        """Whether the line that moves a parameter took right ∇, and made something else of them."""
        if not self._is_made_by_update(name, mover):
            return False
        nodes = self.nodes
        line = nodes[mover.numbers[0]].frames[:1]
        made = walk(
            (nodes[each] for each in mover.numbers),
            lambda node: node.inputs if node.frames[:1] == line else (),
        )
        taken = (each for each in made if each.frames[:1] != line and not each.given)
        within = bits_of_nodes(e for e in taken if e.uses & self.run.targets)
        if not within:
            return False
        return any(
            self._is_there(each, value, (within, divisors), mover if each == name else None)
            for each, value in right.items()
        )

    def _is_right(
        self, name: str, mover: Location, right: Mapping[str, Array], divisors: set[float]
    ) -> bool:
        """Whether the ∇ is right, and the update takes another or makes something else of it."""
        return (
            self._is_of_the_update(name, mover, right, divisors)
            or self._is_left(right[name])
            or self._is_kept(mover, right[name], divisors)
        )

    def _is_left(self, right: Array) -> bool:
        """Whether a right ∇ of the mini-batch was made, and nothing was made of it."""
        at = self.lookup.located(right) if self.run.m > 1 else None
        return at is not None and not any(self.nodes[n].consumers for n in at.numbers)

    def _is_made_by_update(self, name: str, location: Location) -> bool:
        """Whether the line that moves a parameter computed something itself."""
        nodes, new = self.nodes, self.index.locate(self.run.after[name])
        if new is None:
            return False
        line, *others = {nodes[each].frames[:1] for each in location.numbers}
        return not others and all(set(line) & set(nodes[each].frames) for each in new.numbers)

    def _is_there(
        self, name: str, right: Array, where: tuple[int, set[float]], mover: Location | None
    ) -> bool:
        """Whether a ∇, and not −∇, or that of each sample is among some nodes.

        Of the ∇ of another parameter a part of an array, such as of all gradients, says nothing.
        """
        within, kept = where
        factors = tuple(kept or (each for each in self.lookup.factors if each > 0))
        delta, below = self.roles.values[f"delta{name[1:]}"], self.lookup.below(int(name[1:]))
        samples = ((delta[:, [i]], below[:, [i]]) for i in range(self.run.m))
        parts = (d if name[0] == "b" else BOOK.weight_gradient(d, a) for d, a in samples)
        return self._is_located(right, within, factors, mover) or all(
            self._is_located(each, within, factors, mover) for each in parts
        )

    def _is_located(
        self, right: Array, within: int, factors: tuple[float, ...], mover: Location | None
    ) -> bool:
        """Whether a ∇ is among some nodes; an array of its entries in another order is not."""
        at = self.lookup.located(right, within, factors)
        if at is None or len(at.numbers) > 1:
            return at is not None
        size, shape = at.nodes.size, at.nodes.shape
        value = np.asarray(self.nodes[at.numbers[0]].value)
        orders = np.arange(size).reshape(shape), np.arange(size).reshape(shape[::-1]).T
        if value.size == size:
            return any(np.array_equal(at.places, each) for each in orders)
        if mover is None:
            return False
        apart = at.places - mover.places  # of a vector another part was taken
        return value.ndim > 1 or bool((apart == apart.flat[0]).all())

    def _is_array(self, entries: Location) -> bool:
        """Whether operations of one kind computed entries, of which none or each is the first."""
        kinds = self.lookup.kinds(entries)
        places = set(zip(entries.nodes.flat, entries.places.flat, strict=True))
        return len(kinds) == 1 and None not in kinds and len(places) in (1, entries.nodes.size)

    def _kept(self) -> None:
        """What the update keeps, as its equations give it of what comes before."""
        run, values = self.run, self.roles.values
        known = {**values, **run.given}
        for name, row in run.rows.items():
            if row.tag != "V" or not all(each in known for each in row.inputs):
                continue
            right = np.asarray(row.function(*(known[each] for each in row.inputs)))
            known[name] = self._take_kept(name, right)

    def _take_kept(self, name: str, right: Array) -> Array:
        """Find what the update keeps: of momentum the last change of its parameter.

        A program may keep it negative; one that keeps −v/η shows it by that change alone.
        """
        run, factors = self.run, (1.0, -1.0)
        within = run.movers.get(name[2:], 0)
        location = self.lookup.located(right, within, factors) if within else None
        if location is not None or run.update != "momentum" or name[2:] not in run.after:
            return self.lookup.take(name, right, location)
        moved = run.after[name[2:]] - dict(run.start.named())[name[2:]]
        location = self.lookup.located(moved, within, factors)
        if location is None or moved.shape != right.shape:
            return self.lookup.take(name, right, None)
        return self.lookup.take(name, moved, location, wrong=True)
