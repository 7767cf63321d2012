"""The cost that a network shows, as the chapter 3 program does: `cost.fn(a, y)`.

C is the mean of it over the mini-batch, without the share of the decay; an ε in its logarithms is a
convention. Without `cost.fn` it is what a method gives, of which a factor is a convention too.
A network that names no cost is judged by the one that it shows. Left out: which methods give a cost
(`cost_methods.py`), and the share of the decay (`total_cost.py`).
"""

from collections.abc import Callable, Iterator
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
