"""What the equation of a quantity gives, operation by operation, of a program's own inputs to it.

Left out: what of it may appear on the way to the quantity (`ways.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from conformance.arithmetic.exact import to_exact
from conformance.model.functions import ACTIVATIONS, SIGMOID, Activation
from conformance.model.row import is_given, of_batch
from conformance.model.update_kinds import SGD
from conformance.tracing.index import Location, as_floats
from conformance.tracing.replay import Replay
from conformance.tracing.trace import Trace
from conformance.tracing.traced_run import Run
from conformance.tracing.trials import Known, Step
from reference.step import STATE, Array, split

COLUMNS = ("z", "a", "delta")
"""The quantities that have a column a sample."""

Values = Mapping[str, Array]


def evaluated(equation: Callable[..., Any], operands: Sequence[Any]) -> list[Step]:
    """The operations of an equation on exact operands, in the order of time."""
    trace = Trace(lines=False)
    given = [trace.given(as_floats(each), "") if is_array(each) else each for each in operands]
    equation(*given)
    arrays = [each for each in given if is_array(each)]
    exact = {
        each.node.number: operand
        for each, operand in zip(given, operands, strict=True)
        if is_array(operand)
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


def is_array(value: Any) -> bool:
    """Whether it is an array, and no number."""
    return isinstance(value, np.ndarray)


class EquationSteps:
    """The equation of a quantity, of some samples, with what stands for its parts elsewhere.

    Attributes:
        name: of the quantity.
        run: where it was computed.
        values: the program's own quantities, exact, those of the right shape; where it holds none,
            what is right.
        found: where they are.
    """

    def __init__(self, name: str, run: Run, values: Values, found: Mapping[str, Location]) -> None:
        """The equation in one run, of which it is known where the quantities are."""
        shapes = dict(_shapes(run))
        self.name, self.run, self.found = name, run, found
        self.values = {each: v for each, v in values.items() if shapes.get(each) == np.shape(v)}
        self.rows = run.rows
        self._given = run.given
        order = list(self.rows)
        self._earlier = order[: order.index(name)]
        self._steps: dict[tuple[int, ...], list[Step]] = {}

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
        return np.asarray(self.of_some(self.name, samples))

    def of_some(self, name: str, samples: tuple[int, ...]) -> Array | None:
        """What an equation gives of some samples alone; None if it is not known what enters it."""
        equation, operands = self._equation(name, samples)
        if any(each is None for each in operands):
            return None
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

    def made_of(self, operand: Array, samples: tuple[int, ...]) -> Iterator[Array]:
        """What the equation itself gives of an operand, as f′(z) of z, or of what is not told."""
        steps, known = list(self._own_steps(samples))[::-1], Known([operand])
        results, made = {id(step.result) for step in steps}, set[int]()
        for step in steps:
            enters = (e for e in step.operands if is_array(e) and id(e) not in results)
            of_it = made.intersection(map(id, step.operands)) or any(e in known for e in enters)
            if step.operation and (of_it or not step.operands):
                made.add(id(step.result))
                yield step.result

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
        yield from (Step("", (), each) for each in (*operands, *nowhere, *inputs) if is_array(each))
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
