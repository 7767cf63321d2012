"""Where numbers are in a run, and what has been found of its quantities so far.

Left out: which number is which quantity (`z_and_a.py`, `deltas.py`, `nablas.py`).
"""

from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.model.updates import SGD
from conformance.tracing.candidates import Candidates
from conformance.tracing.index import Location, as_floats, is_factor, times
from conformance.tracing.run import Roles, Run
from reference.equations import BOOK
from reference.step import Array


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
