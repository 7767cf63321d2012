"""What may rightly appear on the way to a quantity, from the program's own inputs to it.

Left out: what its equation gives (`equation_steps.py`), and the line to blame (`blame_lines.py`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from itertools import product
from operator import or_

import numpy as np

from conformance.model.functions import ACTIVATIONS, SIGMOID
from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import ARRANGING, SUMS, before_arranging, kind_of
from conformance.tracing.equation_steps import COLUMNS, EquationSteps, Values
from conformance.tracing.index import Location
from conformance.tracing.traced_run import Run
from conformance.tracing.trials import Known, Step
from reference.equations import sigmoid
from reference.step import Array, split


class Way(EquationSteps):
    """The way to a quantity.

    Attributes:
        alone: the samples that a wrong number was computed of.
        wrong: the names of all quantities that do not follow from what comes before them.
        right: of a parameter, the bits of the nodes that right ones were computed from.
    """

    def __init__(
        self,
        name: str,
        run: Run,
        values: Values,
        found: Mapping[str, Location],
        alone: tuple[int, ...] = (),
        wrong: Collection[str] = (),
        right: int | None = None,
    ) -> None:
        """The way in one run, of which it is known where the quantities are."""
        super().__init__(name, run, values, found)
        self.alone, self.wrong, self.right = alone, wrong, right
        self._right: dict[str, Known] = {}

    @property
    def samples(self) -> Sequence[int]:
        """The bits of the nodes of each sample."""
        return self.run.samples

    @cached_property
    def before(self) -> int:
        """The bits of the nodes of what comes before the quantity.

        What enters it and is wrong itself may have been made with it, as f′ of all layers at once.
        """
        trace, entering = self.run.index.replay.trace, list(self._entering(self.name))
        entering += [each for each in self._gradients() if each not in entering]
        numbers = {e: self._computed(e).numbers for e in entering}
        right = trace.uses_of(n for e in entering if e not in self.wrong for n in numbers[e])
        wrong = {n for e in entering if e in self.wrong for n in numbers[e]}
        if not wrong or self.name not in self.found:
            return right | trace.uses_of(wrong)
        own = (trace.nodes[number] for number in self.found[self.name].numbers)
        avoiding = walk(own, lambda n: [each for each in n.inputs if each.number not in wrong])
        apart = reduce(or_, (1 << each.number for each in avoiding))
        return right | trace.uses_of(wrong) & ~apart

    def _gradients(self) -> Iterator[str]:
        """Of an update all gradients that were there before: it may have taken another one."""
        if self.name not in self.run.after:
            return
        own, uses = self.run.movers[self.name], self.run.index.replay.trace.uses_of
        for each, at in self.found.items():
            if each.startswith("nabla") and not uses(at.numbers) & ~own:
                yield each

    def _computed(self, name: str) -> Location:
        """Where a quantity is; of an array into which this one was written too, where it was."""
        at, own = self.found[name], self.found.get(self.name)
        later = self.run.index.replay.trace.uses_of(at.numbers)
        if own is None or not any(later >> number & 1 for number in own.numbers):
            return at
        return before_arranging(at, self.run.index.replay.trace.nodes)

    def _entering(self, name: str) -> Iterator[str]:
        """The quantities that enter an equation; of one that is nowhere, what enters its own."""
        row = self.rows[name]
        made_of_a = [] if row.of_own is None else [f"a{row.layer}"]  # σ′ may be made of a
        for each in dict.fromkeys((*row.made, *made_of_a)):
            if each in self.found:
                yield each
            else:
                yield from self._entering(each)

    @cached_property
    def own(self) -> Known:
        """The program's own quantities before it, and its inputs: they are judged themselves."""
        return Known(self._owned())

    @cached_property
    def strictly(self) -> Known:
        """All that may rightly appear on the way, as it is, or as the program keeps it."""
        parts = self._parts()
        every = (step for samples in parts for step in self.steps(samples))
        steps = (step.result for step in every if not step.negated)
        return Known((*steps, *self._owned(), *self._otherwise(parts)))

    def _otherwise(self, parts: Sequence[tuple[int, ...]]) -> Iterator[Array]:
        """What programs have that make σ′(z) of σ(−z)."""
        for samples in parts:
            z = self._of(f"z{split(self.name)[1]}", samples)
            f = self.rows[self.name].activation
            if z is not None and self.name.startswith("delta") and f == ACTIVATIONS[SIGMOID]:
                yield np.asarray(sigmoid(-z))

    @cached_property
    def _elsewhere(self) -> list[Step]:
        """What the equations of all other quantities give, operation by operation, and is kept."""
        kinds = (*COLUMNS, "nabla_b", "nabla_w", "b", "w")
        names = [each for each in self.rows if each != self.name and split(each)[0] in kinds]
        found: list[Step] = []
        for name, part in product(names, self._parts()):
            steps = self._evaluated(name, part)
            last = steps[-1:]
            found += (replace(e, result=e.result * self._factor(name), final=True) for e in last)
            factors = [id(o) for e in last for o in e.operands if e.operation == "multiply"]
            finals = {*map(id, (e.result for e in last)), *factors}
            found += (replace(e, final=id(e.result) in finals) for e in steps)
        return [each for each in found if each.operation not in ARRANGING]

    def right_of(self, operation: str) -> Known:
        """What the equations themselves give by such an operation, on the way and elsewhere.

        A quantity, or a factor of one such as σ′(z), may be made by any; 1 − σ(z), which is on the
        way to σ′, is no σ. A product of matrices may be made by adding up.
        """
        kind = kind_of(operation)
        if kind not in self._right:
            kinds = {kind, "product"} if kind in SUMS else {kind}
            every = (e for e in self._elsewhere if e.final or kind_of(e.operation) in kinds)
            own = (step for part in self._parts() for step in self._own_steps(part))
            self._right[kind] = Known((*(step.result for step in (*every, *own)), *self._slopes))
        return self._right[kind]

    def has(self, value: Array) -> bool:
        """Whether a value may rightly appear on the way, as it is, or a stack of the samples'."""
        stacked = value.ndim > 2 and len(value) == self.run.m > 1  # noqa: PLR2004 - of matrices
        return self.strictly.holds(value) or (stacked and all(map(self.strictly.holds, value)))

    @cached_property
    def _slopes(self) -> list[Array]:
        """f′ of each layer that has one of each neuron, made of z and of the program's own a."""
        made = []
        for n, part in product(range(2, len(self.run.start.w) + 2), self._parts()):
            f, z, a = self.run.f(n), self._of(f"z{n}", part), self._of(f"a{n}", part)
            made += [f.prime(z)] if f.hidden and z is not None else []
            made += [f.prime_of_a(a)] if f.prime_of_a is not None and a is not None else []
        return made

    @cached_property
    def wrongly(self) -> int:
        """The bits of the nodes on the way to other quantities that are wrong too."""
        uses, found = self.run.index.replay.trace.uses_of, self.found
        others = (each for each in self.wrong if each in found and each != self.name)
        before = ((e, (n for i in self._entering(e) for n in found[i].numbers)) for e in others)
        return reduce(or_, (uses(found[e].numbers) & ~uses(entering) for e, entering in before), 0)

    @cached_property
    def parameters(self) -> list[Known]:
        """The weights and biases that enter the equation, each alone."""
        known = dict(self.run.start.named())
        return [Known([known[each]]) for each in self.rows[self.name].inputs if each in known]

    def _parts(self) -> list[tuple[int, ...]]:
        return list(dict.fromkeys((self.whole, *((i,) for i in (*self.alone, *self.whole)))))

    def _owned(self, names: Collection[str] | None = None) -> Iterator[Array]:
        for samples in self._parts():
            columns = list(samples)
            if names is None:
                yield from (self.run.batch.x[:, columns], self.run.batch.y[:, columns])
            for name in self._earlier if names is None else names:
                value = self.of_some(name, samples) if name == "cost" else self._of(name, samples)
                if value is not None:
                    yield value
