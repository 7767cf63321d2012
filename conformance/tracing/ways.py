"""What an equation gives on the way to a quantity, from the program's own inputs to it.

Left out: which line is to blame if something else appears (`blame.py`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.arithmetic.exact import to_exact
from conformance.model.functions import ACTIVATIONS, SIGMOID, Activation
from conformance.model.row import is_given, of_batch
from conformance.model.updates import SGD
from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import ARRANGING
from conformance.tracing.index import Location, as_floats
from conformance.tracing.known import Known
from conformance.tracing.node import Node
from conformance.tracing.repair import Repairs, Step
from conformance.tracing.replay import Replay
from conformance.tracing.run import Run
from conformance.tracing.trace import Trace
from reference.equations import sigmoid
from reference.step import STATE, Array, split

COLUMNS = ("z", "a", "delta")
"""The quantities that have a column a sample."""

Values = Mapping[str, Array]


def evaluated(equation: Callable[..., Any], operands: Sequence[Any]) -> list[Step]:
    """The operations of an equation on exact operands, in the order of time."""
    trace = Trace(lines=False)
    given = [trace.given(as_floats(each), "") if _is_array(each) else each for each in operands]
    equation(*given)
    arrays = [each for each in given if _is_array(each)]
    exact = {
        each.node.number: operand
        for each, operand in zip(given, operands, strict=True)
        if _is_array(operand)
    }
    replay = Replay(trace, exact)
    return [
        Step(
            node.operation,
            tuple(_number(replay.value(each)) for each in node.inputs),
            _number(replay.value(node)),
            whole=all(node.depends_on(each.node) for each in arrays),
        )
        for node in trace.nodes
        if node.function is not None
    ]


def _number(value: Any) -> Any:
    """A truth value as 1 or 0."""
    return to_exact(value) if np.asarray(value).dtype.kind == "b" else value


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


class Way:
    """The way to a quantity.

    Attributes:
        name: of the quantity.
        run: where it was computed.
        values: the program's own quantities, exact, those of the right shape; where it holds none,
            what is right.
        found: where they are.
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
        shapes = dict(_shapes(run))
        self.name, self.run, self.found, self.alone = name, run, found, alone
        self.wrong, self.right = wrong, right
        self.values = {each: v for each, v in values.items() if shapes.get(each) == np.shape(v)}
        self.rows = run.rows
        self._given = run.given
        order = list(self.rows)
        self._earlier = order[: order.index(name)]
        self._steps: dict[tuple[int, ...], list[Step]] = {}

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
        return Repairs(self.run.index.replay).before_arranging(at)

    def _entering(self, name: str) -> Iterator[str]:
        """The quantities that enter an equation; of one that is nowhere, what enters its own."""
        row = self.rows[name]
        made_of_a = [] if row.of_own is None else [f"a{row.layer}"]  # σ′ may be made of a
        for each in dict.fromkeys((*row.made, *made_of_a)):
            if each in self.found:
                yield each
            else:
                yield from self._entering(each)

    @property
    def whole(self) -> tuple[int, ...]:
        """All samples."""
        return tuple(range(self.run.m))

    @cached_property
    def wanted(self) -> Array:
        """The quantity as its equation gives it."""
        equation, operands = self._equation(self.name, self.whole)
        return np.asarray(equation(*operands))

    def of(self, samples: tuple[int, ...]) -> Array:
        """The quantity of some samples alone; a gradient is their sum."""
        samples = samples or self.whole
        if self.name.startswith("nabla"):
            return self._sum(self.name, samples)
        equation, operands = self._equation(self.name, samples)
        return np.asarray(equation(*operands))

    @property
    def decides(self) -> bool:
        """Whether all that enters the equation is known."""
        return all(each is not None for each in self._equation(self.name, self.whole)[1])

    def steps(self, samples: tuple[int, ...]) -> list[Step]:
        """What the equation gives of some samples alone, the last one first; of none, scalars."""
        if samples not in self._steps:
            self._steps[samples] = [*self._own_steps(samples), *self._aside(samples)]
        return self._steps[samples]

    def _own_steps(self, samples: tuple[int, ...]) -> Iterator[Step]:
        quantity, some = split(self.name)[0], samples or self.whole
        if quantity in (*COLUMNS, "cost"):
            steps = self._evaluated(self.name, some)[::-1]
            steps = [replace(step, final=k == 0) for k, step in enumerate(steps)]
            factor = self._factor(self.name)
            if factor != 1:
                yield from (replace(step, result=step.result * factor) for step in steps)
            yield from steps
            return
        if quantity in ("b", "w", *STATE):
            steps = self._evaluated(self.name, self.whole)[::-1]
            yield from (replace(step, final=k == 0) for k, step in enumerate(steps))
            yield from self._update(samples)
        if self._has_parts():
            total, m = self._sum(self._gradient, some), self.run.m
            factor = self._factor(f"delta{self._gradient[7:]}")
            final = self.name == self._gradient
            yield Step("sum", (), total * factor, final=final)
            if factor == 1:
                yield Step("mean", (), total / m, final=final)
            yield from self._evaluated(self._gradient, some)[::-1]

    def _factor(self, name: str) -> Any:
        """What a program keeps in a quantity."""
        kept = self.found[name].factor if name in self.found else 1.0
        one = self.run.rates[0] / self.run.rates[0]
        return one / round(1 / kept) if abs(kept) < 1 else one * round(kept) if kept != 1 else 1

    def _update(self, samples: tuple[int, ...]) -> Iterator[Step]:
        """What an update gives that takes the gradients of the samples one by one."""
        eta, decay = self.run.rates
        m, before = self.run.m, dict(self.run.start.named())[self._parameter]
        used = self.values.get(self._gradient)
        if used is not None and (not samples or samples == self.whole):
            total = used * m
        elif self._has_parts():
            total = self._sum(self._gradient, samples)
        else:
            return
        one = eta / eta
        kept = before * (one - eta * decay) if self._parameter[0] == "w" else before
        for start in (kept, before) if self.run.update == SGD else ():
            yield Step("subtract", (), start - eta * total / m, final=True)
        for each in (
            eta * total / m,
            -(eta * total / m),
            total * eta,
            total / m,
            eta * decay * before,
            kept,
            total / m + decay * before,  # the decay may be a part of the gradient
            eta * (total / m + decay * before),
        ):
            yield Step("", (), each)
        rates = eta / m, eta, one / m
        others = eta * decay, decay * one, one - eta * decay
        for scalar in (*rates, *others, *(-each for each in rates)):
            yield Step("", (), np.array(scalar, dtype=object))

    def _sum(self, gradient: str, samples: tuple[int, ...]) -> Array:
        equation, operands = self._equation(gradient, samples)
        return np.asarray(equation(*operands)) * len(samples)

    def _has_parts(self) -> bool:
        """Whether the gradients of the single samples are known."""
        return all(each is not None for each in self._equation(self._gradient, self.whole)[1])

    @property
    def _gradient(self) -> str:
        return self.name if self.name.startswith("nabla") else f"nabla_{self._parameter}"

    @property
    def _parameter(self) -> str:
        """Of a quantity of the update, the parameter that it is for."""
        return self.name[2:] if split(self.name)[0] in STATE else self.name

    def _aside(self, samples: tuple[int, ...]) -> Iterator[Step]:
        """What enters the equation, and what stands for a part of it in other programs."""
        some, (quantity, layer) = samples or self.whole, split(self.name)
        operands = self._equation(self.name, some)[1]
        nowhere = (self._of(each, some) for each in self._earlier if each not in self.found)
        columns = list(some)
        inputs = (self.run.batch.x[:, columns], self.run.batch.y[:, columns])
        yield from (
            Step("", (), each) for each in (*operands, *nowhere, *inputs) if _is_array(each)
        )
        a, below = self._of(f"a{layer}", some), self._below(layer or 0, some)
        if quantity == "delta" and a is not None:
            yield from (replace(step, whole=False) for step in self._of_own_a(some, a))
            yield from (replace(step, whole=False) for step in self._masked_first(operands))
        if quantity == "delta":
            for step in self._evaluated(self.name, some):
                yield Step("", (), -step.result, negated=True)
        if quantity in ("z", "nabla_b", "nabla_w") and below is not None:  # biases among weights
            ones = below[:1] * 0 + 1
            yield Step("vstack", (), np.vstack([ones, below]))
            yield Step("vstack", (), np.vstack([below, ones]))

    def _of_own_a(self, samples: tuple[int, ...], a: Array) -> Iterator[Step]:
        """The same equation with f′ made of a in the place of f′(z), its factors in any order."""
        f = self.rows[self.name].activation
        if f.prime_of_a is None:
            return
        yield from evaluated(f.prime_of_a, [a])[::-1]
        start = self._equation(self.name, samples)[1]
        layer, top = split(self.name)[1] or 0, len(self.run.start.w) + 1
        if any(each is None for each in start):
            return
        if layer == top:
            before = evaluated(lambda v, y: v - y, [a, start[-1]])[-1].result
        else:
            before = evaluated(lambda w, d: w.T @ d, start[:2])[-1].result
        factor = self._factor(self.name)
        for form in _forms(f):
            for step in evaluated(form, [before, a])[::-1]:
                yield step if factor == 1 else replace(step, result=step.result * factor)

    def _masked_first(self, operands: Sequence[Any]) -> Iterator[Step]:
        """What is sent to a layer, and f′, times the mask before they meet."""
        f = self.rows[self.name].activation
        if f.masked and all(each is not None for each in operands):
            w, above, z, mask = operands
            yield from evaluated(lambda w, d, r: (w.T @ d) * r, [w, above, mask])[::-1]
            yield from evaluated(lambda z, r: f.prime(z) * r, [z, mask])[::-1]

    def _evaluated(self, name: str, samples: tuple[int, ...]) -> list[Step]:
        equation, operands = self._equation(name, samples)
        if any(each is None for each in operands):
            return []
        return evaluated(equation, operands)

    def _of(self, name: str, samples: Sequence[int]) -> Array | None:
        array = self.values.get(name)
        if array is None or split(name)[0] not in COLUMNS:
            return array
        return array[:, list(samples)]

    def _below(self, layer: int, samples: Sequence[int]) -> Any:
        return self._operand("x" if layer == 2 else f"a{layer - 1}", samples)  # noqa: PLR2004

    def _equation(self, name: str, samples: Sequence[int]) -> tuple[Callable[..., Any], list[Any]]:
        """An equation, and what enters it of some samples; None for what is not known."""
        row = self.rows[name]
        return row.function, [self._operand(each, samples) for each in row.inputs]

    def _operand(self, name: str, samples: Sequence[int]) -> Any:
        if name in of_batch(self.run.batch):
            return self._given[name][:, list(samples)]
        return self._given[name] if is_given(name) else self._of(name, samples)

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
    def straight(self) -> Known:
        """What the equations themselves give, on the way and elsewhere."""
        kinds = (*COLUMNS, "nabla_b", "nabla_w")
        names = [each for each in self.rows if each != self.name and split(each)[0] in kinds]
        parts = self._parts()
        every = (step for each in names for part in parts for step in self._evaluated(each, part))
        steps = (step.result for step in every if step.operation not in ARRANGING)
        own = (step.result for part in parts for step in self._own_steps(part))
        return Known((*steps, *own))

    def has(self, value: Array) -> bool:
        """Whether a value may rightly appear on the way, as it is."""
        return self.strictly.holds(value)

    def stops_early(self, value: Array) -> bool:
        """Whether a value is made of all that enters the equation, and is not its result."""
        wholes = (
            step.result
            for samples in self._parts()
            for step in self.steps(samples)
            if step.whole and step.result.size == value.size
        )
        return value in Known(wholes) and value not in Known([self.of(s) for s in self._parts()])

    def took_another(self, node: Node) -> bool:
        """Whether an update takes another quantity for a gradient, or that of a single sample.

        Nothing made the gradient of it.
        """
        if not self.name.startswith("nabla"):
            return False
        others = (at for name, at in self.found.items() if not name.startswith("nabla"))
        single = Known(self.of((i,)) for i in self.whole if len(self.whole) > 1)
        value = np.asarray(self.run.index.replay.value(node))
        return any(node.number in at.numbers for at in others) or value in single

    def right_elsewhere(self, node: Node) -> bool:
        """Whether the line of a node makes the same for a right quantity of another layer."""
        if self.name not in self.found:
            return False
        trace, quantity = self.run.index.replay.trace, split(self.name)[0]
        nodes, here = trace.nodes, trace.uses_of(self.found[self.name].numbers)
        others = [
            nodes[number]
            for name, at in self.found.items()
            if split(name)[0] == quantity and name not in (self.name, *self.wrong)
            for number in at.numbers
        ]
        alike = (
            each
            for each in nodes
            if each.operation == node.operation
            and each.frames == node.frames
            and not here >> each.number & 1
        )
        return any(other.depends_on(each) for each in alike for other in others)

    def leads_to(self, node: Node) -> bool:
        """Whether a node may have to do with what is made of the quantity."""
        movers = self.run.movers.get(self.name.removeprefix("nabla_"))
        return movers is None or bool(movers >> node.number & 1)

    @cached_property
    def wrongly(self) -> int:
        """The bits of the nodes on the way to other quantities of the kind that are wrong too."""
        alike = [each for each in self.wrong if split(each)[0] == split(self.name)[0]]
        ways = (self._way_to(each) for each in alike if each in self.found and each != self.name)
        return reduce(or_, ways, 0)

    def _way_to(self, name: str) -> int:
        uses = self.run.index.replay.trace.uses_of
        entering = (number for each in self._entering(name) for number in self.found[each].numbers)
        return uses(self.found[name].numbers) & ~uses(entering)

    @cached_property
    def needed(self) -> list[list[list[Known]]]:
        """What was computed, or is a sample, and enters the equation.

        Of each operand the alternatives, each what has to be there together: a sample's own column
        is enough for a column, a sum over the samples takes the columns of all.
        """
        row, operands = self.rows[self.name], list[list[list[Known]]]()
        of_samples = {*row.made, *of_batch(self.run.batch)}
        for name in (each for each in row.inputs if each in of_samples):
            names = [name, f"a{row.layer}"] if name == f"z{row.layer}" else [name]
            columns = [
                Known(each for each in (self._operand(n, part) for n in names) if _is_array(each))
                for part in ((i,) for i in self.whole)
            ]
            own = [(n, self._operand(n, self.whole)) for n in names]
            whole = Known(
                kept
                for n, each in own
                if _is_array(each)
                for kept in (each, each * self._factor(n))
            )
            apart = [[each] for each in columns] if split(self.name)[0] in COLUMNS else [columns]
            operands.append([[whole], *apart])
        return [each for each in operands if each[0][0]]

    @cached_property
    def parts(self) -> Known:
        """What the last operation of the equation is given: a function may give it and be right."""
        row = self.rows[self.name]
        return Known(
            operand
            for equation, own in ((row.function, False), (row.of_own, True))
            for some in self._parts()
            if equation is not None
            for step in self._evaluated_of(equation, some, own=own)[-1:]
            for operand in step.operands
        )

    def _evaluated_of(
        self, equation: Callable[..., Any], samples: Sequence[int], *, own: bool
    ) -> list[Step]:
        """The operations of an equation, or of one that takes a in the place of z."""
        row = self.rows[self.name]
        z, a = f"z{row.layer}", f"a{row.layer}"
        operands = [self._operand(a if own and e == z else e, samples) for e in row.inputs]
        return [] if any(each is None for each in operands) else evaluated(equation, operands)

    def _parts(self) -> list[tuple[int, ...]]:
        parts = [self.whole, *((i,) for i in self.alone)]
        return list(dict.fromkeys((*parts, *((i,) for i in self.whole))))

    def _owned(self) -> Iterator[Array]:
        for samples in self._parts():
            columns = list(samples)
            yield from (self.run.batch.x[:, columns], self.run.batch.y[:, columns])
            for name in self._earlier:
                value = self._of(name, samples)
                if value is not None:
                    yield value


def _forms(f: Activation) -> Iterator[Callable[[Any, Any], Any]]:
    """Products of something with f′ made of a, their factors in any order."""
    if f == ACTIVATIONS[SIGMOID]:
        yield lambda d, v: d * v * (1 - v)
        yield lambda d, v: d * (1 - v) * v
    elif f.prime_of_a is not None:
        slope = f.prime_of_a
        yield lambda d, v: d * slope(v)


def _shapes(run: Run) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, array in run.start.named():
        yield from ((f"{each}_{name}", array.shape) for each in ("nabla", "v", "s"))
        yield from ((f"{each}{name[1:]}", (len(array), run.m)) for each in COLUMNS)
