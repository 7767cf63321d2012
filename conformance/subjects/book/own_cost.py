"""The cost that a network shows, as the chapter 3 program does: `cost.fn(a, y)`, or by a method.

C is the mean of it over the mini-batch, without the share of the decay. Of a method a factor is a
convention. An ε in the logarithms of `cost.fn` is one too, which is said with its size: it follows
from the cost of one sample, whose output is 0 where 1 is wanted, and is one if the costs of other
samples follow from it. A network that names no cost is judged by the one that it shows. Left out:
an ε in the output error, which methods give a cost (`cost_methods.py`), and the share of the decay
(`total_cost.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.model.functions import COSTS, ROUTES
from conformance.running.quiet import quiet
from conformance.running.tracebacks import headline
from conformance.subjects.book.book_calls import BookCalls
from conformance.subjects.book.cost_methods import (
    FN,
    NEAR,
    CostMethod,
    Given,
    factor_of,
    outputs_of,
    plain,
    targets_of,
    values,
)
from conformance.subjects.near import CLOSE, alike
from conformance.subjects.observation import Observed
from conformance.subjects.stepped import traced_run
from conformance.tracing.frames import Frame
from conformance.tracing.trace import Trace
from reference.step import Array, Batch, Parameters

CROSS_ENTROPY = "cross-entropy"
MOST = 1e-3
"""What is larger is no ε: it changes costs in their third digit."""

OUTPUTS = np.array(
    [
        [0, 0.5, 0.5, 0.5],
        [1, 0.25, 0.75, 0.5],
        [0, 1, 0, 1],
        [1e-3, 0.999, 1e-9, 0.5],
        [0.125, 0.25, 0.625, 0.875],
    ]
).T  # (n_L, m)
TARGETS = np.array(
    [
        [1, 0.5, 0.5, 0.5],
        [0, 1, 0, 0.25],
        [1, 0, 0, 1],
        [1, 0, 1, 1],
        [1, 0, 0.5, 1],
    ]
).T  # (n_L, m)
"""Samples of four outputs each, of which the first gives the ε."""

PASSES = 5
"""The first output of the first sample costs −ln ε, the others change by ε: each pass gives more
than two digits."""

Pair = Callable[[Any, float], tuple[Any, Any]]


def _clipped(a: Any, epsilon: float) -> tuple[Any, Any]:
    """p = min(max(a, ε), 1 − ε), 1 − p"""
    values = a.value
    p = np.where(values > 1 - epsilon, 1 - (0 * a + epsilon), _at_least(a, epsilon))
    return p, 1 - p


def _at_least(a: Any, epsilon: float) -> Any:
    return np.where(a.value < epsilon, 0 * a + epsilon, a)


WAYS: tuple[Pair, ...] = (
    _clipped,
    lambda a, epsilon: (a + epsilon, 1 - a + epsilon),
    lambda a, epsilon: (_at_least(a, epsilon), _at_least(1 - a, epsilon)),
)
"""What stands in the place of a and 1 − a in the logarithms."""


@dataclass(frozen=True)
class Epsilon:
    """An ε, and the way in which it enters the logarithms."""

    size: float
    way: Pair

    @property
    def said(self) -> str:
        """The convention in words."""
        return f"an ε of {self.size:.3g} in the logarithms of the cost"

    def cost(self, output: Array, y: Array) -> RunningError:
        """C with the ε in it, and how far a right program may be off.

        Args:
            output: a^L, (n_L, m).
            y: the targets, (n_L, m).
        """
        a, wanted = (RunningError.exact(each, output.dtype) for each in (output, y))
        p, q = self.way(a, self.size)
        terms = wanted * np.log(p) + (1 - wanted) * np.log(q)
        found: RunningError = -(terms.sum() / y.shape[1])
        return found.widened(ROUTES, 2 * y.size)

    def removed(self, cost: Array, output: Array, y: Array) -> Array | RunningError:
        """What a cost with the ε is without it; the cost as it is, if it does not hold the ε."""
        expected = self.cost(output, y)
        if not abs(cost - expected.value) <= expected.tolerance():
            return cost
        a, wanted = (RunningError.exact(each, output.dtype) for each in (output, y))
        value_of: Callable[..., Any] = COSTS[CROSS_ENTROPY].book.value
        right = value_of(a, wanted)
        value = np.asarray(right.value + (cost - expected.value), cost.dtype)
        return RunningError(value, expected.bound, expected.precision)


def epsilon_of(costs: Sequence[float]) -> Epsilon | None:
    """The ε in the costs of these samples, if they follow from one.

    Args:
        costs: of `OUTPUTS` where `TARGETS` are wanted.
    """
    for way in WAYS:
        epsilon = _solved(way, costs[0])
        if epsilon is not None and _holds(epsilon, costs):
            return epsilon
    return None


def _solved(way: Pair, cost: float) -> Epsilon | None:
    """The ε that gives the cost of the first sample, as far as its digits are known."""
    size = MOST
    for _ in range(PASSES):
        found = float(Epsilon(size, way).cost(OUTPUTS[:, :1], TARGETS[:, :1]).value)
        size *= float(np.exp(found - cost))
        if not 0 < size <= MOST:
            return None
    return Epsilon(float(f"{size:.12g}"), way)


def _holds(epsilon: Epsilon, costs: Sequence[float]) -> bool:
    found = [epsilon.cost(OUTPUTS[:, [i]], TARGETS[:, [i]]) for i in range(len(costs))]
    pairs = zip(costs, found, strict=True)
    return all(abs(cost - each.value) <= each.tolerance() for cost, each in pairs)


@dataclass(frozen=True, eq=False)
class OwnCost:
    """What `cost.fn`, or another method, gives.

    Attributes:
        value: C, of shape (), in the dtype of the case, without the ε and the factor in it; None if
            it gives no number.
        frames: gives the line that it ends with, the innermost first.
        note: why it was not judged.
    """

    value: Observed | None = None
    frames: Callable[[], tuple[Frame, ...]] = tuple
    note: str = ""


def own_cost(
    network: BookCalls, case: Case, start: Parameters, output: Array, batch: Batch
) -> OwnCost:
    """The mean cost of a network's own output (n_L, m) where batch.y is wanted, if it shows one."""
    method = network.cost_method or FN

    def cost(i: int, given: Given = plain) -> Any:
        columns = batch.x[:, [i]], output[:, [i]], batch.y[:, [i]]
        return method.cost(network, net, columns, given)

    try:
        with quiet(), np.errstate(all="ignore"):
            net = network.begun(case, start)
            gives = method.takes_output or _gives(network, case, (start, output, batch))
            if not (gives and method.function(net)):
                return OwnCost()
            mean = sum(float(cost(i)) for i in range(batch.m)) / batch.m
            value = _judged(network, method, case, mean, (output, batch.y))
    except Exception as error:  # noqa: BLE001 - the step does not need it: it may be another's
        return OwnCost(note=f"{method.said} was not judged: {headline(error)}")
    return OwnCost(value, partial(_line, lambda given: cost(0, given)))


def _judged(
    network: BookCalls, method: CostMethod, case: Case, mean: float, of: tuple[Array, Array]
) -> Observed | None:
    """C as it is if it can be no cost, else over its factor, up to an ε in it; of a^L and y.

    None if a method gives no number, as 0 · log 0.
    """
    value = np.asarray(mean, case.type)
    if method is FN:
        epsilon = network.epsilon if case.cost == CROSS_ENTROPY else None
        return value if epsilon is None else epsilon.removed(value, *of)
    if not np.isfinite(mean):
        return None
    return value if method.wrong else _without_factor(network, method, case, mean, *of)


def _gives(network: BookCalls, case: Case, step: tuple[Parameters, Array, Batch]) -> bool:
    """Whether feedforward gives the outputs of a step: with dropout, they are others."""
    start, output, batch = step
    return alike(network.outputs(case, start, batch), output, CLOSE[network.conventions.dtype])


def _without_factor(
    network: BookCalls, method: CostMethod, case: Case, mean: float, output: Array, y: Array
) -> RunningError | None:
    """C without the factor that a method has at these sizes; None if it has none, as with NaN."""
    n = case.sizes[-1]
    costs, own = method.costs(network, case.sizes, outputs_of(n), targets_of(n))
    factor, spread = factor_of(costs, values(case.cost, own, targets_of(n)))
    of = RunningError.exact(output, case.type).precision
    part = spread / abs(factor) + ROUTES * of.unit
    bound = abs(mean / factor) * part + _of_epsilon(case.cost, output, y)
    if not np.isfinite(bound) or spread > NEAR * abs(factor):
        return None
    return RunningError(np.asarray(mean / factor, case.type), np.asarray(bound), of)


def _of_epsilon(cost: str, output: Array, y: Array) -> float:
    """How much less C may be with an ε in its logarithms."""
    pairs = {"cross-entropy": [(output, y), (1 - output, 1 - y)], "log-likelihood": [(output, y)]}
    parts = [np.sum(t * np.log1p(MOST / p)) for p, t in pairs.get(cost, [])]
    return float(sum(parts) / y.shape[1])


def costs_shown(network: BookCalls) -> list[str]:
    """The known costs that a network shows by what it gives, `cost.fn` first, but for a factor.

    What is wrong in the output error is not taken for the error of another cost then.
    """
    methods = [each.known for each in network.cost_methods if each.known]
    given = _of_fn(network)
    if given is None or not np.all(given):
        return methods  # where it is judged, it is said that it could not be
    outputs, targets = (each(network.probe[-1]) for each in (outputs_of, targets_of))
    close = CLOSE[network.conventions.dtype]
    with np.errstate(all="ignore"):
        for name in COSTS:
            right = values(name, outputs, targets)
            if alike(given / given[0], right / right[0], close):
                return [name, *methods]
    return methods


def _of_fn(network: BookCalls) -> Array | None:
    """The costs (m,) of outputs of ours by `cost.fn`; None if it gives no numbers."""
    n = network.probe[-1]
    with quiet(), network.numbers.tried(), np.errstate(all="ignore"), suppress(Exception):
        return FN.costs(network, network.probe, outputs_of(n), targets_of(n))[0]
    return None


def cost_method(network: BookCalls) -> CostMethod | None:
    """The method that shows C, a wrong one first; None if it is `cost.fn`, or there is none."""
    wrong = [each for each in network.cost_methods if each.wrong]
    has_fn, own = FN.function(network.make(network.probe)), network.conventions.cost
    right = [e for e in network.cost_methods if e.known == own and not has_fn]
    return next(iter((*wrong, *right)), None)


def gives_cost_fn(network: BookCalls) -> bool:
    """Whether `cost.fn` gives numbers."""
    given = _of_fn(network)
    return given is not None and bool(np.isfinite(given).all())


def unjudged(network: BookCalls) -> Iterator[str]:
    """Why other methods were not judged, which give another measure of the error."""
    cost = network.conventions.cost
    for method in network.cost_methods:
        if not method.wrong and method.known != cost:
            yield f"{method.said} was not judged: it gives no multiple of the {cost} cost"


def own_epsilon(network: BookCalls) -> Epsilon | None:
    """The ε in the logarithms of the cost that a network shows, if there is one."""
    with quiet(), suppress(Exception):  # where it is judged, it is said that it could not be
        costs, _ = FN.costs(network, network.probe, OUTPUTS, TARGETS, cost=CROSS_ENTROPY)
        return epsilon_of(costs.tolist())
    return None


def _line(cost: Callable[[Given], Any]) -> tuple[Frame, ...]:
    """The line that makes one number of arrays last; none if the network refuses traced arrays."""
    trace = Trace()
    try:
        with traced_run(trace):
            cost(trace.given)
    except Exception:  # noqa: BLE001 - a program may refuse traced arrays in any way
        return ()
    found = [node for node in reversed(trace.nodes) if node.frames]
    of_arrays = (node for node in found if any(each.value.size > 1 for each in node.inputs))
    return next((node.frames for node in (*of_arrays, *found)), ())
