"""What a network does beside its steps: its loop, its cost, and what feedforward leaves alone.

Judged once, on small new networks. Left out: the steps (`traced_session.py`), `total_cost`
(`total_cost.py`), and the cost of what the steps give (`own_cost.py`).
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from types import FrameType
from typing import Any

import numpy as np

from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.loop_walk import random_numbers_kept
from conformance.subjects.book.own_cost import unjudged
from conformance.subjects.book.own_loop import Conduct, own_loop
from conformance.subjects.book.total_cost import total_cost
from conformance.tracing.line_tracer import Frames, LineTracer, line_after_which
from conformance.verdict.finding import Finding, Kind, distinct, finding
from reference.step import Array, Parameters

Held = dict[str, Array]


def conduct(network: BookNetwork) -> Conduct:
    """What is wrong with a network beside its steps."""
    with random_numbers_kept(), quiet():
        loop, cost = own_loop(network), total_cost(network)
        others = [*_feedforward(network), *entries_ignored(network)]
    found = distinct((*loop.findings, *cost.findings, *others))
    return Conduct(tuple(found), (*loop.notes, *cost.notes, *unjudged(network)))


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
        net, x = network.make(network.probe), network.probe_sample[0].copy()
        network.fill(net, *network.outwards(start))
        before = _held(network, net)

        def changed() -> bool:
            return not _same(before, _held(network, net))

        frames = line_after_which(changed, lambda: network.feedforward(net, x))
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


INNER, EDGE = 0.75, 1.0  # an entry of the output where 1.0 is wanted
OTHERS = (0.25, 0.5)  # what the other entries may be


class _Vanishing(LineTracer):
    """The line of a function after which none of its numbers is NaN any more, or its last line."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function, self.line, self.known = function, Frames(), False

    def executed(self, frame: FrameType, event: str, _value: Any) -> None:
        """Look at the single numbers of the function."""
        if event == "call" or frame.f_code.co_name != self.function:
            return
        numbers = [each for each in frame.f_locals.values() if isinstance(each, float)]
        known = any(np.isnan(each) for each in numbers)
        if (self.known and not known) or (event == "return" and (known or not self.line)):
            self.line = self.now
        self.known = known


def entries_ignored(network: BookNetwork) -> Iterator[Finding]:
    """Whether the cost of a sample ignores all entries because of one that is 0 · log 0.

    Then it is finite, and the same whatever they are. Asked of the cost that a network has, and of
    each that it can be given.
    """
    for cost in (None, *network.costs):
        function = getattr(getattr(network.make(network.probe, cost), "cost", None), "fn", None)
        if not callable(function):
            continue
        try:
            with quiet():
                (inner, inner_other), (edge, edge_other) = (
                    [_cost(network, function, first, other) for other in OTHERS]
                    for first in (INNER, EDGE)
                )
                if inner == inner_other or edge != edge_other or not np.isfinite(edge):
                    continue
                tracer = _Vanishing(getattr(function, "__name__", ""))
                with tracer.following():
                    _cost(network, function, EDGE, OTHERS[0])
        except Exception:  # noqa: BLE001, S112 - it may be asked in another way
            continue
        yield finding(Kind.ENTRIES_IGNORED, tracer.line, method="cost.fn")


def _cost(network: BookNetwork, function: Callable[..., Any], first: float, other: float) -> float:
    """The cost of a sample whose first target is 1 and whose others are 0."""
    n = network.probe[-1]
    a, y = np.full((n, 1), other), np.zeros((n, 1))
    a[0], y[0] = first, 1
    given = (network.numbers.out(network.conventions.sample_out(each)) for each in (a, y))
    return float(network.numbers.back(function(*given)))
