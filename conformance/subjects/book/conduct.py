"""What a network does beside its steps: its loop, its cost, and what feedforward leaves alone.

Judged once, on small new networks. Left out: the steps (`traced_session.py`).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.running.quiet import quiet
from conformance.subjects.book.cost_edge import entries_ignored
from conformance.subjects.book.loop_walk import random_numbers_kept
from conformance.subjects.book.network import BookNetwork, X
from conformance.subjects.book.own_loop import Conduct, own_loop
from conformance.subjects.book.total_cost import total_cost
from conformance.tracing.line_tracer import line_after_which
from conformance.verdict.finding import Finding, Kind, distinct, finding
from reference.step import Array, Parameters

Held = dict[str, Array]


def conduct(network: BookNetwork) -> Conduct:
    """What is wrong with a network beside its steps."""
    with random_numbers_kept(), quiet():
        loop, cost = own_loop(network), total_cost(network)
        others = [*_feedforward(network), *entries_ignored(network)]
    found = distinct((*loop.findings, *cost.findings, *others))
    return Conduct(tuple(found), (*loop.notes, *cost.notes))


def leaves_its_parameters(found: tuple[Finding, ...], method: str = "feedforward") -> bool:
    """Whether a method changes no parameter, so that what comes after it can be judged."""
    return not any(
        each.kind is Kind.OVERWRITTEN
        and each["method"] == method
        and "weights" in str(each["what"])
        for each in found
    )


def _feedforward(network: BookNetwork) -> Iterator[Finding]:
    """Whether feedforward changes the parameters, and on which line."""
    start = Parameters(
        tuple(_dyadic(n, k) for k, n in pairwise(network.probe)),
        tuple(_dyadic(n, 1) for n in network.probe[1:]),
    )
    try:
        net = network.make(network.probe)
        network.fill(net, *network.outwards(start))
        before = _held(network, net)

        def changed() -> bool:
            return not _same(before, _held(network, net))

        frames = line_after_which(changed, lambda: network.feedforward(net, np.array(X)))
        if not changed():
            return
    except Exception:  # noqa: BLE001 - the cases show it, where it can be judged
        return
    yield finding(Kind.OVERWRITTEN, frames, method="feedforward", what="the weights or biases")


def _held(network: BookNetwork, net: Any) -> Held:
    """Copies of the parameters that a network has."""
    return {name: np.array(array) for name, array in network.inwards(net).items()}


def _same(one: Held, other: Held) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(np.ravel(array), np.ravel(other[name])) for name, array in one.items()
    )


def _dyadic(n: int, k: int) -> Array:
    """Up to 17 numbers in no order that float32 has too, no two alike, of both signs."""
    return ((np.arange(n * k) * 5 % 17).reshape(n, k) - n * k / 2 + 0.25) / 8
