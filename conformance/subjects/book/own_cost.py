"""The cost that a network shows, as the chapter 3 program does: `cost.fn(a, y)`.

C is the mean of it over the mini-batch, without the share of the decay; an ε in its logarithms is a
convention. Without `cost.fn` it is what a method gives, of which a factor is a convention too.
A network that names no cost is judged by the one that it shows. Left out: which methods give a cost
(`cost_methods.py`), and the share of the decay (`total_cost.py`).
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
from conformance.running.tracebacks import call, headline
from conformance.subjects.book.book_calls import BookCalls
from conformance.subjects.book.cost_methods import (
    NEAR,
    CostMethod,
    Given,
    factor_of,
    outputs_of,
    plain,
    targets_of,
    values,
)
from conformance.subjects.book.epsilon import (
    CROSS_ENTROPY,
    MOST,
    OUTPUTS,
    TARGETS,
    Epsilon,
    epsilon_of,
)
from conformance.subjects.near import CLOSE, alike
from conformance.subjects.observation import Observed
from conformance.subjects.stepped import traced_run
from conformance.tracing.frames import Frame
from conformance.tracing.trace import Trace
from reference.step import Array, Batch, Parameters


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
    if network.cost_method is not None:
        return _of_method(network, network.cost_method, case, (start, output, batch))
    made = case.sizes, case.cost
    try:
        costs = _costs(network, made, output, batch.y)
        if costs is None:
            return OwnCost()
        mean = np.asarray(sum(map(float, costs)) / batch.m, dtype=case.type)
    except Exception as error:  # noqa: BLE001 - the step does not need it: it may be another's
        return OwnCost(note=f"cost.fn(a, y) was not judged: {headline(error)}")
    epsilon = network.epsilon if case.cost == CROSS_ENTROPY else None
    value = mean if epsilon is None else epsilon.removed(mean, output, batch.y)
    first = output[:, :1], batch.y[:, :1]
    return OwnCost(value, partial(_line, lambda given: _costs(network, made, *first, given)))


def _of_method(
    network: BookCalls, method: CostMethod, case: Case, step: tuple[Parameters, Array, Batch]
) -> OwnCost:
    """C by a method: as it is if it can be no cost, else over its factor, up to an ε in it."""
    start, output, batch = step

    def cost(i: int, given: Given = plain) -> Any:
        columns = batch.x[:, [i]], output[:, [i]], batch.y[:, [i]]
        return method.cost(network, _filled(network, case, start), columns, given)

    try:
        with quiet(), np.errstate(all="ignore"):
            if not (method.takes_output or _gives(network, case, step)):
                return OwnCost()
            mean = sum(float(cost(i)) for i in range(batch.m)) / batch.m
            if not np.isfinite(mean):  # as 0 · log 0
                return OwnCost()
            value: Observed | None = np.asarray(mean, case.type)
            if not method.wrong:
                value = _without_factor(network, method, case, mean, output, batch.y)
    except Exception as error:  # noqa: BLE001 - the step does not need it: it may be another's
        return OwnCost(note=f"{method.said} was not judged: {headline(error)}")
    return OwnCost(value, partial(_line, lambda given: cost(0, given)))


def _filled(network: BookCalls, case: Case, start: Parameters) -> Any:
    net = network.make(case.sizes, case.cost)
    network.fill(net, *network.outwards(start))
    return net


def _gives(network: BookCalls, case: Case, step: tuple[Parameters, Array, Batch]) -> bool:
    """Whether feedforward gives the outputs of a step: with dropout, they are others."""
    start, output, batch = step
    net = _filled(network, case, start)
    own = [network.feedforward(net, batch.x[:, [i]]) for i in range(batch.m)]
    return alike(np.hstack(own), output, CLOSE[network.conventions.dtype])


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
    outputs, targets = (each(network.probe[-1]) for each in (outputs_of, targets_of))
    with quiet(), network.numbers.tried(), np.errstate(all="ignore"), suppress(Exception):
        costs = _costs(network, (network.probe, None), outputs, targets)
        return None if costs is None else np.array([float(each) for each in costs])
    return None


def cost_method(network: BookCalls) -> CostMethod | None:
    """The method that shows C, a wrong one first; None if it is `cost.fn`, or there is none."""
    wrong = [each for each in network.cost_methods if each.wrong]
    has_fn = callable(getattr(getattr(network.make(network.probe), "cost", None), "fn", None))
    own = network.conventions.cost
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
    try:
        with quiet():
            costs = _costs(network, (network.probe, CROSS_ENTROPY), OUTPUTS, TARGETS)
            return None if costs is None else epsilon_of([float(each) for each in costs])
    except Exception:  # noqa: BLE001 - where it is judged, it is said that it could not be
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


def _costs(
    network: BookCalls,
    made: tuple[Sequence[int], str | None],
    output: Array,
    y: Array,
    given: Given = plain,
) -> list[Any] | None:
    """The cost of each sample; None if the network does not show any.

    Args:
        network: whose.
        made: the sizes and the cost of which a network is made.
        output: a^L, (n_L, m).
        y: the targets, (n_L, m).
        given: gives a copy of an array for the network, by the name that it has.
    """
    net = network.make(*made)
    function = getattr(getattr(net, "cost", None), "fn", None)
    if not callable(function):
        return None
    costs = []
    for i in range(y.shape[1]):
        columns = (network.conventions.sample_out(each[:, [i]]) for each in (output, y))
        arrays = [given(each, name) for each, name in zip(columns, "ay", strict=True)]
        costs.append(network.numbers.back(call(function, *map(network.numbers.out, arrays))))
    return costs
