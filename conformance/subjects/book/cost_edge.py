"""The cost of a sample of which one entry is exactly right, where 0 · log 0 is no number.

Such an entry costs nothing; the others cost what they do. Left out: a cost that gives NaN there.
"""

from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np

from conformance.running.quiet import quiet
from conformance.subjects.book.network import BookNetwork
from conformance.tracing.line_tracer import Frames, LineTracer
from conformance.verdict.finding import Finding, Kind, finding

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
