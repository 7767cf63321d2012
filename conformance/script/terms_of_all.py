"""The loss of a batch with the terms of the parameters alone as they are in the loss of all data.

`np.mean(…) + lam / (2 * len(X)) * np.sum(w ** 2)` is asked for with a batch in the place of `X`,
and weights may decay by `lam / n`, with the number of all samples. Left out: when a loss is asked
for (`asked_losses.py`).
"""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

SUMS: dict[str, Callable[[Any, Any], Any]] = {"add": operator.add, "subtract": operator.sub}
SCALES: dict[str, Callable[[Any, Any], Any]] = {
    "multiply": operator.mul,
    "divide": operator.truediv,
}

MOST = 1000
"""Pairs of values that are compared."""


class _Term(NamedTuple):
    """A number, and what computes it in the trace, where it is needed."""

    value: float
    made: Callable[[], Any]


class _Split(NamedTuple):
    """A number as a sum: of data, and of parameters alone, here and with all data.

    None is 0.
    """

    data: _Term | None = None
    here: _Term | None = None
    of_all: _Term | None = None


def is_sum(number: Any) -> bool:
    """Whether a traced number is a sum of terms, times something."""
    node = getattr(number, "node", None)
    while node is not None and node.operation in (*SCALES, "negative"):
        node = next((e for e in node.inputs if not np.ndim(e.value)), None)
    return node is not None and node.operation in SUMS


def with_terms_of_all(part: Any, whole: Any) -> Any:
    """A traced number with the terms of another that are of parameters alone; None if they are its.

    Args:
        part: the loss of a batch.
        whole: the same of all data.
    """
    trace, a, b = part.tracer, part.node, getattr(whole, "node", None)
    if trace is None or a is None or b is None or np.ndim(a.value) or np.ndim(b.value):
        return None
    found = _Comparison(trace).split(a, b)
    data, here, of_all = found
    if data is None or here is None or of_all is None or here.value == of_all.value:
        return None
    made = data.made() + of_all.made()
    made.node.frames, made.node.calls = a.frames, a.calls  # it is a loss where that is one
    return made


class _Comparison:
    """Two computations that are done alike with other data."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.known = dict[tuple[int, int], bool]()

    def term(self, given: Any) -> _Term:
        """What was computed, or a number, as a term."""
        value = np.asarray(given.value)[()] if type(given) is Node else given
        made = partial(self.trace.number, value, given) if type(given) is Node else lambda: value
        return _Term(float(value), made)

    def split(self, a: Any, b: Any) -> _Split:
        """The first one, as a sum."""
        if self.are_same(a, b):
            return _Split(None, self.term(a), self.term(b))
        if type(a) is not Node or type(b) is not Node or a.operation != b.operation:
            return _Split(self.term(a))
        if any(np.ndim(getattr(e, "value", e)) for each in (a, b) for e in each.args):
            return _Split(self.term(a))
        two = len(a.args) == len(b.args) == len(("left", "right"))
        if two and a.operation in SUMS:
            left, right = (self.split(*each) for each in zip(a.args, b.args, strict=True))
            pairs = zip(left, right, strict=True)
            return _Split(*(_joined(SUMS[a.operation], *each) for each in pairs))
        if two and a.operation in SCALES:
            return self._scaled(a, b)
        return _Split(self.term(a))

    def _scaled(self, a: Node, b: Node) -> _Split:
        (left, right), (other, by) = a.args, b.args
        if a.operation == "multiply" and self.are_same(left, other):
            left, right, other, by = right, left, by, other
        if not self.are_same(right, by):
            return _Split(self.term(a))
        factors = self.term(right), self.term(right), self.term(by)
        parts = zip(self.split(left, other), factors, strict=True)
        return _Split(*(e and _joined(SCALES[a.operation], e, factor) for e, factor in parts))

    def are_same(self, a: Any, b: Any) -> bool:
        """Whether two values are computed alike of the same arrays, and of any numbers."""
        if a is b or type(a) is not Node or type(b) is not Node:
            return a is b or np.shape(a) == np.shape(b) == ()
        if np.ndim(a.value) or np.ndim(b.value):
            return np.array_equal(a.value, b.value)
        key = id(a), id(b)
        if key not in self.known:
            self.known[key] = False  # unless it is found out
            alike = a.operation == b.operation and len(a.args) == len(b.args)
            self.known[key] = (
                alike
                and len(self.known) < MOST
                and all(self.are_same(*each) for each in zip(a.args, b.args, strict=True))
            )
        return self.known[key]


def _joined(
    join: Callable[[Any, Any], Any], left: _Term | None, right: _Term | None
) -> _Term | None:
    if right is None:
        return left
    one, other = left or _Term(0.0, lambda: 0.0), right
    return _Term(join(one.value, other.value), lambda: join(one.made(), other.made()))
