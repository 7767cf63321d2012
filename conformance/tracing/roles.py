"""Which recorded value is which quantity of the book's step.

A recorded value is a quantity if it satisfies the quantity's equation from what the program itself
computed before, and something was made of it that its own consumers' equations make. Where there is
no such value, the one is taken of which those equations were made: a wrong quantity is known by its
use. Both are decided on balls, by equality, in a run whose numbers are generic.

Left out: the run (`subjects/book`), what is judged of it, and the line (`blame.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, reduce
from itertools import islice
from operator import and_, or_
from typing import Any

import numpy as np

from conformance.model.functions import SIGMOID, Activation
from conformance.model.table import Row, Rows, given, rows
from conformance.model.table import run as walk
from conformance.model.updates import SGD
from conformance.tracing.candidates import Candidate, Candidates
from conformance.tracing.index import Index, Location, as_floats, common_factor, is_factor, times
from reference.equations import BOOK
from reference.step import Array, Batch, Parameters, split

FEW = 3  # numbers that are looked for in floats before all are on balls


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


Lift = Callable[[Array], Array]
"""Exact numbers as they are, or in floats."""

Made = Callable[[Array, Lift], Iterable[tuple[Array, bool]]]
"""What the equations make of a quantity, and whether it is summed over the samples."""


def exactly(array: Array) -> Array:
    """Exact numbers as they are."""
    return array


class Search:
    """The search for the quantities of one run; `roles` has what was found."""

    def __init__(self, run: Run) -> None:
        self.run, self.index = run, run.index
        self.candidates = Candidates(run.index, run.samples)
        self._floats: dict[int, tuple[Array, Array]] = {}
        self._samples = run.samples  # none once something was made of no sample
        self.roles = Roles()
        m = float(run.m)
        self.factors = tuple(dict.fromkeys((1.0, 1 / m, m, -1.0, -1 / m, -m)))

    def search(self) -> Roles:
        """Find all of them."""
        self._forward()
        self._errors()
        self._gradients()
        self._kept()
        return self.roles

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
        location = self._located(right, within, factors) if within else None
        if location is not None or run.update != "momentum" or name[2:] not in run.after:
            return self._take(name, right, location)
        moved = run.after[name[2:]] - dict(run.start.named())[name[2:]]
        location = self._located(moved, within, factors)
        if location is None or moved.shape != right.shape:
            return self._take(name, right, None)
        return self._take(name, moved, location, wrong=True)

    @property
    def _layers(self) -> int:
        return len(self.run.start.w) + 1

    @property
    def _everything(self) -> int:
        """The bits of all inputs and targets."""
        return reduce(or_, self.run.samples, self.run.targets)

    def _forward(self) -> None:
        run, a = self.run, self.run.batch.x
        for layer, (w, b) in enumerate(zip(run.start.w, run.start.b, strict=True), start=2):
            bit = run.w[layer - 2]
            right = BOOK.weighted_input(w, a, b)
            z = self._quantity(
                f"z{layer}", right, self._uses_of_weighted_input(layer), (len(b), bit)
            )
            right = run.f(layer).function(z)
            a = self._quantity(f"a{layer}", right, self._uses_of_activation(layer), (len(b), bit))

    def _below(self, layer: int) -> Array:
        """The activations of the layer below, the inputs below the first."""
        return self.run.batch.x if layer == 2 else self.roles.values[f"a{layer - 1}"]  # noqa: PLR2004

    def _uses_of_weighted_input(self, layer: int) -> Made:
        function = self.run.f(layer).function
        return lambda v, _: [(function(v), False)]

    def _uses_of_activation(self, layer: int) -> Made:
        run = self.run
        if layer < self._layers:
            w, b = run.start.w[layer - 1], run.start.b[layer - 1]
            return lambda v, lift: [(BOOK.weighted_input(lift(w), v, lift(b)), False)]
        y = run.batch.y
        return lambda v, lift: [(v - lift(y), False), (lift(y) - v, False)]

    def _errors(self) -> None:
        run, values = self.run, self.roles.values
        for layer in range(self._layers, 1, -1):
            z, a = values[f"z{layer}"], values[f"a{layer}"]
            if layer == self._layers:
                row = run.rows[f"delta{layer}"]
                rights = [row.function(z, a, run.batch.y)]
                if row.of_own is not None:
                    rights.append(row.of_own(a, a, run.batch.y))
            else:
                rights = _sloped(
                    run.start.w[layer - 1].T @ values[f"delta{layer + 1}"], run.f(layer), z, a
                )
            self._error(layer, rights)

    def _error(self, layer: int, rights: Sequence[Array]) -> None:
        """Find δ^l, perhaps with a factor that the program keeps in it."""
        made = self._uses_of_error(layer)
        name, n = f"delta{layer}", len(rights[0])
        factors = self._possible_factors(layer, rights[0])
        for right in rights:
            location = self._located(right, factors=factors)
            within = 0 if location is None else self._used(right, made, location, alike=True)
            if location is not None and within:
                self.roles.first[name] = location
                last = self._located(right, within, factors)
                self._take(name, right, self._place(right, made, location, last))
                return
        found = self._by_use(name, (n, self._everything, 0), made, None)
        if found is None and self._stands_still(layer):
            self.roles.nothing.append(name)
            zeros = np.asarray(rights[0] * 0)
            every = self.candidates.of(len(zeros), uses=self.run.targets)
            zero = (each.location for each in every if not as_floats(each.value).any())
            at = next(zero, None)
            self._take(name, zeros, at, wrong=True)
            return
        if found is not None:
            factor = self._kept_in(layer, found.value)
            location = Location(found.location.nodes, found.location.places, factor)
            self._take(name, times(found.value, 1 / factor), location, wrong=True)
            return
        pairs = ((right, self._located(right, factors=factors)) for right in rights)
        right, location = next((p for p in pairs if p[1] is not None), (rights[0], None))
        self._take(name, right, location)

    def _stands_still(self, layer: int) -> bool:
        """Whether the update computes the parameters of a layer, and leaves them as they were."""
        if not self.roles.found:  # nothing was computed of any sample, not even z
            return False
        moved = [self._moved(f"{each}{layer}") for each in ("b", "w")]
        return all(
            each is not None and self.run.rewritten[f"{name}{layer}"] and not as_floats(each).any()
            for name, each in zip(("b", "w"), moved, strict=True)
        )

    def _possible_factors(self, layer: int, right: Array) -> tuple[float, ...]:
        """The factors that a program may keep in δ^l: 1, m, 1/m, and −1 if it all ascends by it.

        A factor that is still in the step was not kept, but is wrong; so is one that the δ of the
        layer above does not have.
        """
        above = self.roles.found.get(f"delta{layer + 1}")
        negative = above is not None and above.factor < 0
        if layer == self._layers:
            ratios = self._ratios(layer, right)
            still = [each for each in self.factors if all(_is(r, each) for r in ratios)]
            negative = any(bool(ratio > 0) for ratio in ratios)
            kept = [each for each in self.factors if each == 1 or not ratios or each not in still]
            return tuple(each for each in kept if each > 0 or negative)
        signed = [each for each in self.factors if (each < 0) == negative]
        return tuple(each for each in signed if above is None or self._kept_above(layer, each))

    def _kept_above(self, layer: int, factor: float) -> bool:
        """Whether the δ of the layer above is recorded with the same factor."""
        name = f"delta{layer + 1}"
        if self.roles.found[name].factor == factor:
            return True
        return self._located(self.roles.values[name], factors=(factor,)) is not None

    def _ratios(self, layer: int, delta: Array) -> list[Any]:
        """How many times as far each parameter of a layer was moved as by a δ^l."""
        names = [f"{each}{layer}" for each in ("b", "w")]
        moved = {name: self._moved(name) for name in names}
        found = [
            common_factor(each, self._mean_gradient(name, delta))
            for name, each in moved.items()
            if each is not None
        ]
        return [each for each in found if each is not None]

    def _kept_in(self, layer: int, delta: Array) -> float:
        """The factor, 1 or 1/m, that a program keeps in a δ^l that is wrong."""
        moved, m = self._moved(f"b{layer}"), self.run.m
        mean = BOOK.bias_gradient(delta)
        if m > 1 and moved is not None and moved.shape == mean.shape:
            ratio = common_factor(moved, mean)
            return next((each for each in (1.0, 1 / m) if _is(ratio, 1 / each)), 1.0)
        above = self.roles.found.get(f"delta{layer + 1}")
        return 1.0 if above is None else above.factor

    def _uses_of_error(self, layer: int) -> Made:
        """∇w of the mini-batch or of its samples, and what is sent to the layer below."""
        run, values, below = self.run, self.roles.values, self._below(layer)

        def made(delta: Array, lift: Lift) -> Iterator[tuple[Array, bool]]:
            yield delta @ lift(below).T, True
            if layer > 2:  # noqa: PLR2004 - the first layer sends nothing
                z, a = lift(values[f"z{layer - 1}"]), lift(values[f"a{layer - 1}"])
                sent = lift(run.start.w[layer - 2]).T @ delta
                yield sent, False
                yield from ((each, False) for each in _sloped(sent, run.f(layer - 1), z, a))
            if run.m > 1:  # the sum over one sample is δ itself
                yield delta.sum(axis=1, keepdims=True), False

        return made

    def _gradients(self) -> None:
        """Find the ∇ that moved each parameter, as the mean over the mini-batch."""
        run = self.run
        delta = self.roles.values
        right = {n: self._mean_gradient(n, delta[f"delta{n[1:]}"]) for n in run.after}
        every = {name: self._moved(name) for name in run.after}
        moved = {name: each for name, each in every.items() if each is not None}
        self.roles.moved = {f"nabla_{name}": each for name, each in moved.items()}
        ratio = {name: common_factor(moved[name], right[name]) for name in moved}
        divisors = set()
        for name in [each for each in right if _is(ratio.get(each), 1.0)]:
            location = self._take_gradient(name, right[name])
            divisors |= {location.factor} if location is not None else set()
        for name in [each for each in right if not _is(ratio.get(each), 1.0)]:
            mover = moved.get(name)
            location = None
            if mover is not None and self.run.rewritten[name] and not as_floats(mover).any():
                self.roles.nothing.append(f"nabla_{name}")
                self._take(f"nabla_{name}", mover, None, wrong=True)
                continue
            others = (right[other] for other in right if other != name)
            if mover is not None and not any(self._is_multiple(mover, each) for each in others):
                location = self._mover(name, ratio[name], divisors)
            if mover is None or location is None:
                self._take_gradient(name, right[name])
            else:
                self._take(f"nabla_{name}", mover, location, wrong=True)

    def _is_multiple(self, moved: Array, right: Array) -> bool:
        """Whether a parameter was moved by a gradient, or its sum: that of another layer."""
        ratio = common_factor(moved, right) if moved.shape == right.shape else None
        return any(_is(ratio, each) for each in (1.0, float(self.run.m)))

    def _take_gradient(self, name: str, right: Array) -> Location | None:
        movers = self.run.movers[name]
        location = self._located(right, movers) or self._located(right)
        whole = self._last_multiple(right, movers)
        later = location is None or whole is None or whole.numbers > location.numbers[-1:]
        if whole is not None and later and (location is None or whole.factor * location.factor > 0):
            location = whole  # 1/m was rounded before it met the sum
        self._take(f"nabla_{name}", right, location)
        return location

    def _last_multiple(self, wanted: Array, within: int) -> Location | None:
        """The last array that has a quantity times a factor that may be rounded."""
        for node, places, factor in reversed(self.index.proportional(wanted)):
            fits = next((each for each in self.factors if is_factor(factor, each)), None)
            if fits is not None and within >> node.number & 1:
                return Location(np.full(wanted.shape, node.number), places, fits)
        return None

    def _mean_gradient(self, name: str, delta: Array) -> Array:
        """∇ of a parameter as its equation gives it from a δ and the program's own a."""
        if name[0] == "b":
            return BOOK.bias_gradient(delta)
        return BOOK.weight_gradient(delta, self._below(int(name[1:])))

    def _mover(self, name: str, ratio: Any, divisors: set[float]) -> Location | None:
        """Where the array is that moved a parameter in the place of its ∇; None if it was ∇.

        It is ∇ too if it is the sum where the mean belongs, or the reverse, for all parameters:
        then the update is wrong.
        """
        moved, m = self.roles.moved[f"nabla_{name}"], float(self.run.m)
        scaled = any(_is(ratio, each) for each in (m, 1 / m))
        if scaled and not divisors:
            return None
        for factor in dict.fromkeys((*divisors, m, 1.0)):
            if scaled and factor not in divisors:
                continue
            for node, places, found in reversed(self.index.proportional(moved)):
                used = node.uses & self.run.targets and not node.given
                if used and is_factor(found, factor):
                    return Location(np.full(moved.shape, node.number), places, factor)
            entries = self.index.locate(times(moved, factor), self.run.movers[name])
            if entries is not None and self._is_array(entries):
                return replace(entries, factor=factor)
        return None

    def _is_array(self, entries: Location) -> bool:
        """Whether operations of one kind computed entries of which none is another."""
        kinds = self._kinds(entries)
        places = set(zip(entries.nodes.flat, entries.places.flat, strict=True))
        return len(kinds) == 1 and None not in kinds and len(places) == entries.nodes.size

    def _kinds(self, location: Location) -> set[object]:
        """The kinds of operations that computed a quantity; None for what uses no target."""
        nodes = [self.index.replay.trace.nodes[number] for number in location.numbers]
        targets = self.run.targets
        return {(n.operation, n.frames[:1]) if n.uses & targets else None for n in nodes}

    def _moved(self, name: str) -> Array | None:
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

    def _quantity(
        self,
        name: str,
        right: Array,
        made: Made,
        where: tuple[int, int],
    ) -> Array:
        """Find z or a of a layer; returns it as the program has it."""
        location = self._columns(right)
        negative = self._columns(-right) if location is None and name[0] == "z" else None
        if negative is not None:  # of −z σ is 1 − a, which would be taken for its use
            return self._take(name, right, replace(negative, factor=-1.0))
        within = 0 if location is None else self._used(right, made, location)
        changed = location if name[0] == "z" else None  # what stands for z is made of it
        above = reduce(or_, self.run.parameters[int(name[1:]) - 1 :], self.run.targets)
        if location is not None and within:
            if name[0] == "z" and not self._goes_on(right, name):
                found = self._by_use(
                    name, (*where, above), made, changed, partial(self._goes_on, name=name)
                )
                if found is not None and not self._turned_for_its_use(found.location):
                    return self._take(name, found.value, found.location, wrong=True)
            self.roles.first[name] = location
            last = self._columns(right, within)
            return self._take(name, right, self._place(right, made, location, last))
        found = self._by_use(name, (*where, above), made, changed)
        if found is not None and not self._made_for_nothing(location, found):
            return self._take(name, found.value, found.location, wrong=True)
        return self._take(name, right, location)

    def _turned_for_its_use(self, location: Location) -> bool:
        """Whether a value is used on the line that computed it, as −z in σ(−z)."""
        nodes = [self.index.replay.trace.nodes[number] for number in location.numbers]
        return all(e.frames[:1] == c.frames[:1] for e in nodes for c in e.consumers)

    def _goes_on(self, z: Array, name: str) -> bool:
        """Whether the next equation was made of what σ makes of a z; of −z it makes 1 − a."""
        a = self.run.f(int(name[1:])).function(z)
        location = self._columns(a)
        made = self._uses_of_activation(int(name[1:]))
        return location is not None and bool(self._used(a, made, location))

    def _made_for_nothing(self, right: Location | None, found: Candidate) -> bool:
        """Whether the right value was made and nobody took it, but another that has a role."""
        nodes = self.index.replay.trace.nodes
        taken = {number for each in self.roles.found.values() for number in each.numbers}
        made = right is not None and any(not nodes[n].consumers for n in right.numbers)
        return made and taken.issuperset(found.location.numbers)

    def _take(
        self, name: str, value: Array, location: Location | None, *, wrong: bool = False
    ) -> Array:
        self.roles.values[name] = value
        if location is not None:
            self.roles.found[name] = location
            every = reduce(or_, self.run.samples, 0)
            if not self.run.index.replay.trace.uses_of(location.numbers) & every:
                self._samples = ()
        if wrong:
            self.roles.wrong.append(name)
        return value

    def _by_use(
        self,
        name: str,
        where: tuple[int, int, int],
        made: Made,
        right: Location | None,
        fits: Callable[[Array], bool] = lambda _: True,
    ) -> Candidate | None:
        """The value of which an equation's result is recorded, that of the first equation first.

        Args:
            name: of the quantity.
            where: how many numbers a sample, the bits of what it uses, and of what it does not.
            made: what the equations make of it.
            right: where the right value is; another one is made of that.
            fits: what else is asked of the value.
        """
        n, uses, not_uses = where
        quantity, layer = split(name)[0], int(split(name)[1] or 0)
        candidates = list(self.candidates.of(n, uses=uses, not_uses=not_uses))
        if quantity in ("z", "a"):
            own = self.run.parameters[layer - 2]
            candidates += self.candidates.fixed(n, uses=own, not_uses=not_uses)
        if not candidates:  # all parameters are in one array
            candidates = list(
                self.candidates.of(n, uses=uses, not_uses=not_uses & self.run.targets)
            )
        if right is not None:
            nodes = self.index.replay.trace.nodes
            own = reduce(or_, (1 << number for number in right.numbers))
            candidates = [
                each
                for each in candidates
                if any(nodes[number].uses & own for number in each.location.numbers)
            ]
        others = (at for name, at in self.roles.found.items() if split(name)[0] == quantity)
        taken = {number for each in others for number in each.numbers}
        sizes = {number: self.index.numbers(number).size for number in taken}
        free = [
            each
            for each in candidates
            if not taken.issuperset(each.location.numbers)
            and all(sizes.get(number, 0) != 1 for number in each.location.numbers)
        ]
        equations = max((len(list(made(each.value, exactly))) for each in free[:1]), default=0)
        for i in range(equations):

            def result(value: Array, lift: Lift, number: int = i) -> list[tuple[Array, bool]]:
                return [next(islice(iter(made(value, lift)), number, None))]

            for each in free:
                if not self._plausible(each.value, result):
                    continue
                within = self._used(each.value, result, each.location, alike=True)
                if within and fits(each.value):  # of equal values the last was taken
                    last = self._of_one_kind(each.location, self._columns(each.value, within))
                    return Candidate(each.value, last)
        return None

    def _plausible(self, value: Array, made: Made) -> bool:
        """Whether the first numbers made of a value are near recorded ones, in floats."""
        held = as_floats(value)
        with np.errstate(all="ignore"):
            ((result, summed),) = made(held, self._in_floats)
            parts = [result]
            if summed and self.run.m > 1:
                parts += [part for part, _ in made(_only(held, 0), self._in_floats)]
        return any(
            all(self.index.near(float(each) * factor) for each in part.ravel()[:FEW])
            for part in parts
            for factor in self.factors
        )

    def _in_floats(self, array: Array) -> Array:
        """Exact numbers of the run in floats."""
        if id(array) not in self._floats:
            self._floats[id(array)] = array, as_floats(array)
        return self._floats[id(array)][1]

    def _used(self, value: Array, made: Made, location: Location, *, alike: bool = False) -> int:
        """What was computed on the way to something recorded that is made of a value, as bits.

        It is made of all samples at once, or of each alone; 0 if there is nothing.

        Args:
            value: the quantity.
            made: what its consumers make of it.
            location: where it is.
            alike: whether they have its sign.
        """
        m, own = self.run.m, location.numbers
        for result, summed in made(value, exactly):
            parts = [result]
            if summed and m > 1 and self._made_of(result, own) is None:
                parts = [next(iter(made(_only(value, i), exactly)))[0] for i in range(m)]
            each = [self._made_of(part, own) for part in parts]
            if all(each):
                signs = {factor * location.factor > 0 for _, factor in filter(None, each)}
                if alike and signs != {True}:
                    return 0  # something between has turned the sign
                return reduce(or_, (within for within, _ in filter(None, each)))
        return 0

    def _of_one_kind(self, first: Location, last: Location | None) -> Location:
        """The last place of a quantity, if no more kinds of operations computed it there."""
        if last is None:
            return first
        return last if len(self._kinds(last)) <= len(self._kinds(first)) else first

    def _place(self, value: Array, made: Made, first: Location, last: Location | None) -> Location:
        """Where a quantity is, of several places: the last of them.

        Where it is rounded on the way, it is what all was made of that is made of it.
        """
        last, rounded = self._of_one_kind(first, last), self.index.replay.rounded
        if rounded.isdisjoint(last.numbers):
            return last
        trace = self.index.replay.trace
        others = reduce(or_, (1 << e.number for e in trace.nodes if e.number not in rounded), 0)
        if self._located(value, others, (last.factor,)) is None:
            return last
        of_all = reduce(and_, self._users(value, made), trace.uses_of(last.numbers))
        return self._located(value, of_all, (last.factor,)) or first

    def _users(self, value: Array, made: Made) -> Iterator[int]:
        """The bits of what each thing that is recorded and made of a quantity was computed from."""
        trace, m = self.index.replay.trace, self.run.m
        for number, (whole, summed) in enumerate(made(value, exactly)):
            at = self._located(whole)
            found = [at]
            if at is None and summed and m > 1:
                parts = (
                    next(islice(made(_only(value, i), exactly), number, None)) for i in range(m)
                )
                found = [self._located(part) for part, _ in parts]
            if all(each is not None for each in found):
                yield reduce(or_, (trace.uses_of(each.numbers) for each in found if each), 0)

    def _made_of(self, wanted: Array, own: Sequence[int]) -> tuple[int, float] | None:
        """What a quantity that is recorded was computed from, as bits, and its factor.

        None if it is not recorded, or was not computed of some nodes.
        """
        location = self._located(wanted)
        if location is None:
            return None
        trace = self.index.replay.trace
        nodes, uses = trace.nodes, trace.uses_of(location.numbers)
        others = [number for number in location.numbers if number not in own]
        made = any(nodes[n].depends_on(nodes[each]) for n in others for each in own)
        return (uses, location.factor) if made else None

    def _columns(self, wanted: Array, within: int = 0) -> Location | None:
        """Where a quantity is that has a column a sample, each in what was made of its sample."""
        return self.index.locate(wanted, within, self._samples)

    def _located(
        self, wanted: Array, within: int = 0, factors: tuple[float, ...] = ()
    ) -> Location | None:
        """Where a quantity, or a multiple of it, is; see `Index.locate`."""
        factors, samples = factors or self.factors, self._samples
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
    values = walk(sought, evaluate, run.given)
    return Roles(dict(found), values=values)


def _sloped(sent: Array, f: Activation, z: Array, a: Array) -> list[Array]:
    """What is sent to a layer ⊙ f′, made of z or of a."""
    slopes = [f.prime(z), *([] if f.prime_of_a is None else [f.prime_of_a(a)])]
    return [sent * each for each in slopes]


def _is(factor: Any, wanted: float) -> bool:
    return factor is not None and is_factor(factor, wanted)


def _only(value: Array, i: int) -> Array:
    """The column of one sample, and zeros in the others."""
    alone = np.zeros_like(value)
    alone[:, i] = value[:, i]
    return alone
