"""A step of a program in exact numbers: where numbers are, and which of its quantities is found.

Left out: the search for them (`subjects/searched.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.model.functions import SIGMOID, Activation
from conformance.model.row import Row, Rows, given
from conformance.model.row import run as walk_rows
from conformance.model.table import rows
from conformance.model.update_kinds import SGD
from conformance.tracing.index import Index, Location, as_floats, is_factor, times
from conformance.tracing.value_candidates import Candidates
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
    """

    found: dict[str, Location] = field(default_factory=dict)
    first: dict[str, Location] = field(default_factory=dict)
    values: dict[str, Array] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    moved: dict[str, Array] = field(default_factory=dict)
    nothing: list[str] = field(default_factory=list)


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
        candidates: its values that may be a quantity of a whole mini-batch.
        samples: the bits of each sample; none once something was made of no sample.
        roles: what was found.
        factors: that a program may keep in a quantity.
    """

    def __init__(self, run: Run) -> None:
        """Nothing is found yet."""
        self.run, self.index = run, run.index
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
            if not self.run.index.replay.trace.uses_of(location.numbers) & every:
                self.samples = ()
        if wrong:
            self.roles.wrong.append(name)
        return value

    def kinds(self, location: Location) -> set[object]:
        """The kinds of operations that computed a quantity; None for what uses no target."""
        nodes = [self.index.replay.trace.nodes[number] for number in location.numbers]
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
        trace = self.index.replay.trace
        nodes, uses = trace.nodes, trace.uses_of(location.numbers)
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


def has_factor(factor: Any, wanted: float) -> bool:
    """Whether there is a common factor, and it is this number."""
    return factor is not None and is_factor(factor, wanted)
