"""The cost that a network shows, as the chapter 3 program does: `cost.fn(a, y)`.

C is the mean of it over the mini-batch, without the share of the decay; an ε in its logarithms is a
convention. Left out: `total_cost`, and costs under other names, which `conformance gradcheck`
finds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.running.quiet import quiet
from conformance.running.tracebacks import call, headline
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.epsilon import CROSS_ENTROPY, OUTPUTS, TARGETS, Epsilon, epsilon_of
from conformance.subjects.observation import Observed
from conformance.subjects.stepped import traced_run
from conformance.tracing.frames import Frame
from conformance.tracing.trace import Trace
from reference.step import Array, Batch


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


def own_cost(network: BookNetwork, case: Case, output: Array, batch: Batch) -> OwnCost:
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


def own_epsilon(network: BookNetwork) -> Epsilon | None:
    """The ε in the logarithms of the cost that a network shows, if there is one."""
    try:
        with quiet():
            costs = _costs(network, (network.probe, CROSS_ENTROPY), OUTPUTS, TARGETS)
            return None if costs is None else epsilon_of([float(each) for each in costs])
    except Exception:  # noqa: BLE001 - where it is judged, it is said that it could not be
        return None


def _line(
    network: BookNetwork, made: tuple[Sequence[int], str], output: Array, y: Array
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
    network: BookNetwork,
    made: tuple[Sequence[int], str],
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
