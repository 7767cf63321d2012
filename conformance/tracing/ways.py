"""What may rightly appear on the way to a quantity, from the program's own inputs to it.

Left out: which line is to blame if something else appears (`blame.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.tracing.blame import Known, Step, Way, evaluated
from conformance.tracing.roles import Run
from reference.equations import BOOK, COSTS, sigmoid, sigmoid_prime
from reference.step import Array, causal_order, split

COLUMNS = ("z", "a", "delta")
"""The quantities that have a column a sample."""

Values = Mapping[str, Array]


def way_to(name: str, run: Run, values: Values, samples: Sequence[int]) -> Way:
    """The way to a quantity.

    Args:
        name: of the quantity.
        run: where it was computed.
        values: the program's own quantities, exact; where it holds none, what is right.
        samples: those that it was computed of, all at once or each alone.
    """
    layers = len(run.start.w) + 1
    order = causal_order(layers)
    before = [each for each in order[: order.index(name)] if each in values]
    right: list[Array] = []
    own: list[Array] = []
    last: list[Step] = []
    alone = [[each] for each in samples] if run.m > 1 else []
    whole = [] if len(samples) == 1 < run.m else [None]
    for columns in (*whole, *alone):
        inputs = _inputs(run, values, before, columns)
        steps = [
            step
            for each in (*before, name)
            if each != "cost" and split(each)[0] not in ("b", "w")
            for step in inputs.steps(each)
        ]
        own_steps = inputs.steps(name)[::-1]
        last += own_steps
        right += [step.result for step in (*steps, *own_steps)] + list(inputs.aside())
        own += [*inputs.seen.values(), inputs.x, inputs.y]
    return _way(name, run, values, (right, own, last))


def _inputs(run: Run, values: Values, before: Sequence[str], columns: Any) -> "_Inputs":
    """What enters the equations, of some samples alone."""
    seen = {
        each: _of(values[each], columns) if split(each)[0] in COLUMNS else values[each]
        for each in before
    }
    return _Inputs(run, seen, _of(run.batch.x, columns), _of(run.batch.y, columns))


def _way(name: str, run: Run, values: Values, found: tuple[Any, Any, Any]) -> Way:
    """The way with what a mini-batch adds, and the factors that a program may keep."""
    (right, own, last), quantity, m = found, split(name)[0], run.m
    factors: tuple[Any, ...] = (1,) if m == 1 else (1, _part(run, m), m)
    if quantity in ("nabla_b", "nabla_w", "b", "w"):
        right += list(_sums(name, run, values))
    if quantity in ("b", "w"):
        eta, decay = run.rates
        factors = (*factors, eta, eta / m, -eta, -eta / m, -1)
        one = eta / eta
        right += list(_moves(name, run, values))
        right += [np.array(each, dtype=object) for each in (eta, one / m, eta * decay)]
        right += [np.array(one - eta * decay, dtype=object)]
    return Way(Known([r for r in right if r.size], factors), Known(own, factors), last)


def _part(run: Run, m: int) -> Any:
    return run.rates[0] / run.rates[0] / m


def _of(array: Array, columns: Sequence[int] | None) -> Array:
    """The columns of some samples, of what has a column a sample."""
    return array if columns is None else array[:, list(columns)]


class _Inputs:
    """What enters each equation."""

    def __init__(self, run: Run, seen: Values, x: Array, y: Array) -> None:
        self.run, self.seen, self.x, self.y = run, seen, x, y

    def steps(self, name: str) -> list[Step]:
        """The operations of a quantity's equation."""
        equation, operands = self._equation(name)
        if any(each is None for each in operands):
            return []
        return evaluated(equation, operands)

    def aside(self) -> Iterator[Array]:
        """What stands for a part of an equation in other programs: −z, σ(−z), a(1 − a), 1 − a."""
        for name, array in self.seen.items():
            if name[0] == "z":
                yield from (step.result for step in evaluated(lambda z: sigmoid(-z), [array]))
                yield from (step.result for step in evaluated(sigmoid_prime, [array]))
            if name[0] == "a":
                yield from (step.result for step in evaluated(lambda a: a * (1 - a), [array]))

    def _below(self, layer: int) -> Array | None:
        return self.x if layer == 2 else self.seen.get(f"a{layer - 1}")  # noqa: PLR2004

    def _equation(  # noqa: PLR0911 - a return an equation
        self, name: str
    ) -> tuple[Callable[..., Any], list[Any]]:
        run, seen = self.run, self.seen.get
        quantity, layer = split(name)
        l = layer or 0  # noqa: E741 - the book's name of it
        w, b = run.start.w[l - 2], run.start.b[l - 2]
        top = len(run.start.w) + 1
        if quantity == "z":
            return BOOK.weighted_input, [w, self._below(l), b]
        if quantity == "a":
            return BOOK.activation, [seen(f"z{l}")]
        if quantity == "delta" and l == top:
            return COSTS[run.cost].delta, [seen(f"z{l}"), seen(f"a{l}"), self.y]
        if quantity == "delta":
            return BOOK.hidden_error, [run.start.w[l - 1], seen(f"delta{l + 1}"), seen(f"z{l}")]
        if quantity == "nabla_b":
            return BOOK.bias_gradient, [seen(f"delta{l}")]
        if quantity == "nabla_w":
            return BOOK.weight_gradient, [seen(f"delta{l}"), self._below(l)]
        eta, decay = run.rates
        if quantity == "b":
            return BOOK.updated_bias, [b, seen(f"nabla_b{l}"), eta]
        return BOOK.updated_weight, [w, seen(f"nabla_w{l}"), eta, decay]


def _parts(name: str, run: Run, values: Values) -> list[Array]:
    """The gradients of the single samples."""
    layer = split(name)[1] or 0
    delta = values.get(f"delta{layer}")
    if delta is None:
        return []
    if split(name)[0] in ("nabla_b", "b"):
        return [delta[:, [i]] for i in range(run.m)]
    below = run.batch.x if layer == 2 else values.get(f"a{layer - 1}")  # noqa: PLR2004
    if below is None:
        return []
    return [delta[:, [i]] @ below[:, [i]].T for i in range(run.m)]


def _sums(name: str, run: Run, values: Values) -> Iterator[Array]:
    """The gradients of the single samples, and their partial sums."""
    total: Any = 0
    for part in _parts(name, run, values):
        total = total + part
        yield part
        yield np.asarray(total)


def _moves(name: str, run: Run, values: Values) -> Iterator[Array]:
    """What a parameter is while the samples' gradients are taken from it one by one."""
    eta, decay = run.rates
    before = dict(run.start.named())[name]
    kept = before * (1 - eta * decay) if name[0] == "w" else before
    for start in (before, kept):
        yield start
        for part in _sums(name, run, values):
            yield start - eta * part / run.m
