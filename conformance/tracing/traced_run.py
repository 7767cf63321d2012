"""A step of a program in exact numbers: where numbers are, and which of its quantities is found.

Recorded values that may be a quantity of a whole mini-batch are its candidates: one array has all
samples, or each sample has an array of its own and the program did the same to every one of them.

Left out: the search for them (`subjects/searched.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import pairwise
from operator import or_
from typing import Any

import numpy as np

from conformance.model.functions import SIGMOID, Activation
from conformance.model.row import Row, Rows, given
from conformance.model.row import run as walk_rows
from conformance.model.table import rows
from conformance.model.update_kinds import SGD
from conformance.tracing.index import Index, Location, as_floats, is_factor, orientations, times
from conformance.tracing.node import Node
from reference.equations import BOOK
from reference.step import Array, Batch, Parameters


@dataclass(eq=False)
class Run:
    """A step of a program on a mini-batch, and its exact numbers.

    Attributes:
        index: of the trace.
        start: the parameters from which it started, of exact numbers.
        batch: of exact numbers.
        cost: its name.
        w: the bits of the nodes of w^2 … w^L.
        parameters: those of the weights and biases of each layer.
        samples: the bits of the nodes of each sample.
        targets: the bits of all targets.
        after: the parameters `b2 w2 …` after the step, of exact numbers; those that are known.
        rates: η and λ/n, exact.
        movers: the bits of what each of `after` was computed from.
        rewritten: whether each of `after` was computed, and is not what it was before.
        activations: of the layers 2 … L; sigmoids if none are given.
        update: its name.
        constants: of the update, exact.
        returned: the ∇b of the samples that backprop returned, side by side, and the means of their
            ∇w, by their names; exact.
    """

    index: Index
    start: Parameters
    batch: Batch
    cost: str
    w: Sequence[int]
    parameters: Sequence[int]
    samples: Sequence[int]
    targets: int
    after: Mapping[str, Array] = field(default_factory=dict)
    rates: tuple[Any, Any] = (1, 0)
    movers: Mapping[str, int] = field(default_factory=dict)
    rewritten: Mapping[str, bool] = field(default_factory=dict)
    activations: tuple[str, ...] = ()
    update: str = SGD
    constants: Mapping[str, Any] = field(default_factory=dict)
    returned: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def rows(self) -> Rows:
        """The table of the step."""
        return rows(len(self.start.w) + 1, self.cost, self.activations or SIGMOID, self.update)

    @property
    def given(self) -> dict[str, Any]:
        """What the step starts from; see `given` of the table."""
        return given(self.start, self.batch, *self.rates, self.constants)

    def f(self, layer: int) -> Activation:
        """The activation of a layer."""
        return self.rows[f"a{layer}"].activation

    def masks(self, layer: int) -> tuple[Array, ...]:
        """What the activation of a layer takes beside z."""
        return self.batch.masks[layer - 2 : layer - 1]

    def activated(self, layer: int, z: Array) -> Array:
        """a^l of some z^l."""
        a: Array = self.rows[f"a{layer}"].function(z, *self.masks(layer))
        return a

    @property
    def m(self) -> int:
        """The size of the mini-batch."""
        return self.batch.m


@dataclass(eq=False)
class Roles:
    """Where the quantities of a step are.

    Attributes:
        found: where a quantity is, by its name; those that no value holds are not in it. If
            several values are equal to it, it is the last one that its consumers were made of.
        first: the first of those values.
        values: each quantity as the program has it, exact; where it is held nowhere, as the
            equation gives it from what comes before.
        wrong: the names of the quantities that do not follow from what comes before them.
        moved: the ∇ by which the update would have moved each parameter as it did, exact.
        nothing: the names of the ∇ that are 0 because nothing was added up.
        used: by the name of a ∇ that is a sum, what is made of it where it has to be the mean.
    """

    found: dict[str, Location] = field(default_factory=dict)
    first: dict[str, Location] = field(default_factory=dict)
    values: dict[str, Array] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    moved: dict[str, Array] = field(default_factory=dict)
    nothing: list[str] = field(default_factory=list)
    used: dict[str, Node] = field(default_factory=dict)


def quantities_at(run: Run, found: Mapping[str, Location]) -> Roles:
    """The quantities of a run of which it is known where they are.

    What is nowhere is taken to be what its equation gives of what comes before it.
    """

    def evaluate(row: Row, arguments: tuple[Any, ...]) -> Any:
        at = found.get(row.name)
        if at is None:
            return row.function(*arguments)
        return at.without_factor(at.gather(run.index.numbers, object))

    sought = [row for row in run.rows.values() if row.quantity.name not in ("cost", "b", "w")]
    values = walk_rows(sought, evaluate, run.given)
    return Roles(dict(found), values=values)


class Lookup:
    """The numbers of one run, and the roles that were found.

    Attributes:
        run: of which.
        index: of its trace.
        trace: it.
        candidates: its values that may be a quantity of a whole mini-batch.
        samples: the bits of each sample; none once something was made of no sample.
        roles: what was found.
        factors: that a program may keep in a quantity.
    """

    def __init__(self, run: Run) -> None:
        """Nothing is found yet."""
        self.run, self.index, self.trace = run, run.index, run.index.replay.trace
        self.candidates = Candidates(run.index, run.samples)
        self._floats: dict[int, tuple[Array, Array]] = {}
        self.samples = run.samples
        self.roles = Roles()
        m = float(run.m)
        self.factors = tuple(dict.fromkeys((1.0, 1 / m, m, -1.0, -1 / m, -m)))

    @property
    def layers(self) -> int:
        """How many there are, the input among them."""
        return len(self.run.start.w) + 1

    def below(self, layer: int) -> Array:
        """The activations of the layer below, the inputs below the first."""
        return self.run.batch.x if layer == 2 else self.roles.values[f"a{layer - 1}"]  # noqa: PLR2004

    def mean_gradient(self, name: str, delta: Array) -> Array:
        """∇ of a parameter as its equation gives it from a δ and the program's own a."""
        if name[0] == "b":
            return BOOK.bias_gradient(delta)
        return BOOK.weight_gradient(delta, self.below(int(name[1:])))

    def moved(self, name: str) -> Array | None:
        """What would have moved a parameter by its update as far as it was moved."""
        if name not in self.run.after:
            return None
        eta, decay = self.run.rates
        before, after = dict(self.run.start.named())[name], self.run.after[name]
        if after.shape != before.shape:
            return None
        decayed = decay * before if name[0] == "w" else 0
        old = self.run.start.state.get(f"v_{name}")
        if self.run.update == SGD:
            return np.asarray((before - after) / eta - decayed)
        if self.run.update not in ("momentum", "nesterov"):
            return None  # by its size a step tells little of its gradient
        mu = self.run.constants["mu"]
        moved = mu * old - (after - before)
        if self.run.update == "nesterov":
            moved = (mu * mu * old - (after - before)) / (1 + mu)
        return np.asarray(moved / eta - decayed)

    def take(
        self, name: str, value: Array, location: Location | None, *, wrong: bool = False
    ) -> Array:
        """Take a value for a quantity, and return it."""
        self.roles.values[name] = value
        if location is not None:
            self.roles.found[name] = location
            every = reduce(or_, self.run.samples, 0)
            if not self.trace.uses_of(location.numbers) & every:
                self.samples = ()
        if wrong:
            self.roles.wrong.append(name)
        return value

    def kinds(self, location: Location) -> set[object]:
        """The kinds of operations that computed a quantity; None for what uses no target."""
        nodes = [self.trace.nodes[number] for number in location.numbers]
        targets = self.run.targets
        return {(n.operation, n.frames[:1]) if n.uses & targets else None for n in nodes}

    def of_one_kind(self, first: Location, last: Location | None) -> Location:
        """The last place of a quantity, if no more kinds of operations computed it there."""
        if last is None:
            return first
        return last if len(self.kinds(last)) <= len(self.kinds(first)) else first

    def last_multiple(self, wanted: Array, within: int) -> Location | None:
        """The last array that has a quantity times a factor that may be rounded."""
        for node, places, factor in reversed(self.index.proportional(wanted)):
            fits = next((each for each in self.factors if is_factor(factor, each)), None)
            if fits is not None and within >> node.number & 1:
                return Location(np.full(wanted.shape, node.number), places, fits)
        return None

    def made_of(self, wanted: Array, of: Location) -> tuple[int, float] | None:
        """What a quantity that is recorded was computed from, as bits, and its factor.

        None if it is not recorded, or was not computed of what is at a location. What was made of
        −δ is looked for as −∇ before it is as ∇, which a program may have made of that.
        """
        own, negative = of.numbers, tuple(each for each in self.factors if each < 0)
        location = self.located(wanted, factors=negative) if of.factor < 0 else None
        location = location or self.located(wanted)
        if location is None:
            return None
        nodes, uses = self.trace.nodes, self.trace.uses_of(location.numbers)
        others = [number for number in location.numbers if number not in own]
        made = any(nodes[n].depends_on(nodes[each]) for n in others for each in own)
        return (uses, location.factor) if made else None

    def in_floats(self, array: Array) -> Array:
        """Exact numbers of the run in floats."""
        if id(array) not in self._floats:
            self._floats[id(array)] = array, as_floats(array)
        return self._floats[id(array)][1]

    def columns(self, wanted: Array, within: int = 0) -> Location | None:
        """Where a quantity is that has a column a sample, each in what was made of its sample."""
        return self.index.locate(wanted, within, self.samples)

    def located(
        self, wanted: Array, within: int = 0, factors: tuple[float, ...] = ()
    ) -> Location | None:
        """Where a quantity, or a multiple of it, is; see `Index.locate`."""
        factors, samples = factors or self.factors, self.samples
        columns = samples if wanted.shape[1] == len(samples) and factors is not self.factors else ()
        for factor in factors:
            location = self.index.locate(times(wanted, factor), within, columns)
            if location is not None:
                return Location(location.nodes, location.places, factor)
        for node, places, factor in self.index.proportional(wanted):
            fits = next((each for each in factors if is_factor(factor, each)), None)
            if fits is not None and (not within or within >> node.number & 1):
                return Location(np.full(wanted.shape, node.number), places, fits)
        return None


class Search:
    """The search for some of the quantities of the run that is looked up."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup, self.run = lookup, lookup.run
        self.index, self.roles = lookup.index, lookup.roles
        self.trace, self.nodes = lookup.trace, lookup.trace.nodes


def has_factor(factor: Any, wanted: float) -> bool:
    """Whether there is a common factor, and it is this number."""
    return factor is not None and is_factor(factor, wanted)


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
