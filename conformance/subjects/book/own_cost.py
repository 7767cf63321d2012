"""The cost that a network shows, as the chapter 3 program does: `cost.fn(a, y)`.

C is the mean of it over the mini-batch, without the share of the decay; an ε in its logarithms is a
convention. A network that names no cost is judged by the one that it shows. Left out: `total_cost`,
and costs under other names, which `conformance gradcheck` finds.
"""

import ast
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from textwrap import dedent
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.edits.computing import only_computes
from conformance.model.functions import COSTS
from conformance.running.quiet import quiet
from conformance.running.tracebacks import call, headline
from conformance.subjects.book.book_calls import BookCalls
from conformance.subjects.book.constructor import NAMED
from conformance.subjects.book.epsilon import CROSS_ENTROPY, OUTPUTS, TARGETS, Epsilon, epsilon_of
from conformance.subjects.near import CLOSE, alike
from conformance.subjects.observation import Observed
from conformance.subjects.stepped import traced_run
from conformance.tracing.frames import Frame
from conformance.tracing.trace import Trace
from reference.step import Array, Batch

INSIDE = np.array(
    [[0.125, 0.5, 0.25, 0.125], [0.625, 0.125, 0.125, 0.125], [0.25, 0.25, 0.375, 0.125]]
).T
CLASSES = np.eye(4)[:, [1, 0, 3]]
"""Outputs (n_L, m) of which an ε changes no cost much, and their targets: samples of a softmax."""


@dataclass(frozen=True, eq=False)
class OwnCost:
    """What `cost.fn` gives.

    Attributes:
        value: C, of shape (), in the dtype of the case, without the ε in it; None if it gives no
            number.
        frames: gives the line that it ends with, the innermost first.
        note: why it was not judged.
    """

    value: Observed | None = None
    frames: Callable[[], tuple[Frame, ...]] = tuple
    note: str = ""


def own_cost(network: BookCalls, case: Case, output: Array, batch: Batch) -> OwnCost:
    """The mean cost of a network's own output (n_L, m) where batch.y is wanted, if it shows one."""
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
    return OwnCost(value, partial(_line, network, made, output, batch.y))


def own_epsilon(network: BookCalls) -> Epsilon | None:
    """The ε in the logarithms of the cost that a network shows, if there is one."""
    try:
        with quiet():
            costs = _costs(network, (network.probe, CROSS_ENTROPY), OUTPUTS, TARGETS)
            return None if costs is None else epsilon_of([float(each) for each in costs])
    except Exception:  # noqa: BLE001 - where it is judged, it is said that it could not be
        return None


def shown_cost(network: BookCalls) -> str | None:
    """The cost that a network shows by what it gives, but for a factor; None if it is no known one.

    What is wrong in the output error is not taken for the error of another cost then.
    """
    with quiet(), network.numbers.tried(), np.errstate(all="ignore"):
        for costs, outputs in _shown(network):
            for name, cost in COSTS.items():
                samples = zip(outputs.T[:, :, None], CLASSES.T[:, :, None], strict=True)
                right = np.array([float(cost.book.value(*each)) for each in samples])
                close = CLOSE[network.conventions.dtype]
                if np.all(costs) and alike(costs / costs[0], right / right[0], close):
                    return name
    return None


def _shown(network: BookCalls) -> Iterator[tuple[Array, Array]]:
    """The costs of three samples that a network gives, with the outputs (n_L, 3) that they are of.

    Of `cost.fn(a, y)`, and of methods that do nothing else, as `cost(x, y)` or `loss(y, a)`.
    """
    with suppress(Exception):  # where it is judged, it is said that it could not be
        costs = _costs(network, (network.probe, None), INSIDE, CLASSES)
        if costs is not None:
            yield np.array([float(each) for each in costs]), INSIDE
    net = network.make(network.probe)
    inputs = np.linspace(-1, 1, network.probe[0] * 3).reshape(-1, 3)
    with suppress(Exception):  # the cases will show it
        outputs = np.hstack([network.feedforward(net, inputs[:, [i]]) for i in range(3)])
        for name in filter(NAMED.search, dir(type(net))):
            if not _only_computes(getattr(type(net), name)):
                continue
            for pair in ((inputs, CLASSES), (outputs, CLASSES), (CLASSES, outputs)):
                with suppress(Exception):  # it may take something else
                    method = getattr(net, name)
                    costs = [_given(network, method, pair, i) for i in range(3)]
                    yield np.array(costs), outputs


def _only_computes(method: Any) -> bool:
    """Whether the source of a method can be read, and does nothing but compute."""
    try:
        tree = ast.parse(dedent(inspect.getsource(method)))
    except (OSError, TypeError, SyntaxError):
        return False
    return any(isinstance(e, ast.FunctionDef) and only_computes(e) for e in tree.body)


def _given(network: BookCalls, method: Any, pair: tuple[Array, Array], i: int) -> float:
    """What a method gives of a column of two arrays."""
    columns = (network.conventions.sample_out(each[:, [i]]) for each in pair)
    return float(network.numbers.back(call(method, *map(network.numbers.out, columns))))


def _line(
    network: BookCalls, made: tuple[Sequence[int], str], output: Array, y: Array
) -> tuple[Frame, ...]:
    """The line that the cost of a sample ends with; none if the network refuses traced arrays."""
    trace = Trace()
    try:
        with traced_run(trace):
            _costs(network, made, output[:, :1], y[:, :1], trace.given)
    except Exception:  # noqa: BLE001 - a program may refuse traced arrays in any way
        return ()
    return next((node.frames for node in reversed(trace.nodes) if node.frames), ())


def _plain(array: Array, _name: str) -> Array:
    return np.array(array)


def _costs(
    network: BookCalls,
    made: tuple[Sequence[int], str | None],
    output: Array,
    y: Array,
    given: Callable[[Array, str], Any] = _plain,
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
