"""Which operation, had it given what the equation says, would make a wrong quantity right?

An operation is tried in all its executions together: those of every sample, entry and step of a
loop. Each is given one value of the equation, that of its own samples, and what was computed from
it is evaluated again, in floats, and on balls where that gives the right quantity. The earliest
operation that mends it is the one to blame; one whose value is right itself, and can only have
been taken for the quantity, if no other mends it.

If one of several branches gave the wrong entries, its line is told too. Left out: which values the
equation has (`ways.py`), and whose line it is (`blame_lines.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.arithmetic.exact import Exact
from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import only_arranges
from conformance.tracing.entries import Entries, value_of
from conformance.tracing.executions import groups
from conformance.tracing.frames import Frame
from conformance.tracing.index import (
    Location,
    as_floats,
    common_factor,
    is_factor,
    overlap,
    times,
)
from conformance.tracing.node import Node, holds_records, recomputed
from conformance.tracing.replay import Replay
from conformance.tracing.trials import Equation, Known, Step, Trials, samples_of
from reference.step import Array

SCALING = ("multiply", "divide", "power")
CLOSE = 1e-9  # of the largest entry: so close in floats that it is evaluated on balls


@dataclass(frozen=True, eq=False)
class Repair:
    """An operation, and what it should have given.

    Attributes:
        node: its first execution that gave something else.
        step: of the equation, whose result it should have given.
        executions: the numbers of those that it mends together.
    """

    node: Node
    step: Step
    executions: frozenset[int]


class Repairs:
    """The repairs in one run."""

    def __init__(self, replay: Replay, entries: Entries) -> None:
        self.replay, self.nodes, self.entries = replay, replay.trace.nodes, entries
        self.trials = Trials(replay.trace)

    def right(self, at: Location, equation: Equation) -> bool:
        """Whether a quantity is what its equation gives, on balls: floats alone make it differ."""
        if at.nodes.shape != equation.wanted.shape:
            return False
        held = at.gather(lambda n: self.replay.value(self.nodes[n]), object)
        return are_exact(held) and overlap(held, times(equation.wanted, at.factor))

    def first(self, at: Location, equation: Equation) -> Repair | None:
        """The earliest operation that mends a quantity; None if none does."""
        path = list(self.path(at.numbers, equation.before))
        wanted = equation.wanted
        if at.nodes.shape != wanted.shape:  # of one sample, or of another shape than it should have
            wanted = equation.of(samples_of(self.nodes[at.numbers[0]], equation.samples))
        found = groups(path, reduce(or_, equation.samples, 0))
        idle = [each for each in found if all(self._is_idle(node, equation) for node in each)]
        parts = [each for each in found if each[0].operation == "getitem"]
        handed = [each for each in found if self._is_argument(each[0], equation)]
        suspect = [e for e in found if any(self._suspect(node, equation) for node in e)]
        # What is right itself can only have been taken for the quantity, the last of it.
        right = [each for each in found[::-1] if each not in suspect]
        right.sort(key=lambda each: only_arranges(each[0]))
        for tried, fits in (
            (idle, lambda *_: True),
            (parts, lambda _, given: all(self._had(self.nodes[n], given[n]) for n in given)),
            (handed, lambda step, _: self._is_own(step, equation)),
            (suspect, lambda *_: True),
            (right, lambda step, _: step.final),
        ):
            for executions in tried:
                for step, given in self.trials.of(executions, at, equation):
                    if fits(step, given) and self._mends(given, path, at, wanted):
                        return Repair(self._changed(given), step, frozenset(given))
        return None

    def _had(self, node: Node, meant: Array) -> bool:
        """Whether an operation took a part of an array that has another one, the right one."""
        return any(
            np.size(each.value) > np.size(node.value) and self.has_all(each, meant)
            for each in node.inputs
        )

    def has_all(self, node: Node, meant: Array) -> bool:
        """Whether an array has all of some numbers, and they are not 0 everywhere."""
        value = np.asarray(self.replay.value(node))
        numbers = set(as_floats(meant).ravel().tolist())
        return are_exact(value) and {0.0} < {*numbers, 0.0} <= {*as_floats(value).flat, 0.0}

    def _is_argument(self, node: Node, equation: Equation) -> bool:
        """Whether a function was handed what is no quantity: it may be right of one."""
        handed = self.replay.trace.handed
        calls = {call for each in node.consumers for call in each.calls} - set(node.calls)
        value = np.asarray(self.replay.value(node))
        given = any(node.number in handed[call] for call in calls)
        result = Known([equation.of(samples_of(node, equation.samples))]) if given else ()
        return given and are_exact(value) and value not in equation.own and value not in result

    @staticmethod
    def _is_own(step: Step, equation: Equation) -> bool:
        known = (equation.own, *equation.parameters)
        return not step.operation and any(step.result in each for each in known)

    def _changed(self, given: Mapping[int, Array]) -> Node:
        """The first of some nodes that gave something else."""
        numbers = sorted(given)
        changed = (n for n in numbers if not _equal(self._floats(n), as_floats(given[n])))
        return self.nodes[next(changed, numbers[0])]

    def _floats(self, number: int) -> Array:
        """What an operation gave, rounded once; truth values as they are."""
        value = np.asarray(self.replay.value(self.nodes[number]))
        return as_floats(value) if are_exact(value) else value

    def _is_idle(self, node: Node, equation: Equation) -> bool:
        """Whether an operation multiplies what the equation has by a 1 that nothing computed."""
        computed = [e for e in node.inputs if not e.constant and not e.given]  # none of η
        if node.operation not in SCALING or not computed or any(_is_one(e.value) for e in computed):
            return False
        alike = (each for each in node.inputs if np.shape(each.value) == np.shape(node.value))
        same = (each for each in alike if _equal(each.value, node.value))
        return any(not self._suspect(each, equation) for each in same)

    def _suspect(self, node: Node, equation: Equation) -> bool:
        """Whether an operation gives what the equation does not have, with others or alone."""
        value = value_of(self.replay, self.entries.of(node))
        return not are_exact(value) or not equation.has(value)

    def path(self, numbers: Sequence[int], before: int) -> Iterator[Node]:
        """What a quantity was computed from, as far as the quantities that enter it."""
        uses = self.replay.trace.uses_of(numbers) & ~before
        for node in self.nodes:
            computed = uses >> node.number & 1 and not node.given and not node.constant
            if computed and not holds_records(node.value):
                yield node

    def _mends(
        self, given: Mapping[int, Array], path: Sequence[Node], at: Location, wanted: Array
    ) -> bool:
        floats = {number: as_floats(value) for number, value in given.items()}
        if all(_equal(self.nodes[n].value, value) for n, value in floats.items()):
            return False  # it gave that
        after = recomputed(floats, path)
        if after is None:
            return False
        held = self._held(at, lambda n: after.get(n, self.nodes[n].value), wanted.shape)
        if held is None or not _near(held.astype(np.float64) / at.factor, as_floats(wanted)):
            return False
        chosen = {n: each for n, each in after.items() if np.asarray(each).dtype.kind in "biu"}
        exact = self._exactly({**chosen, **given}, at, wanted.shape)
        return exact is not None and _is_multiple(exact, wanted, at.factor)

    def _held(
        self, at: Location, values: Callable[[int], Any], shape: tuple[int, ...]
    ) -> Array | None:
        """What is at a location, in the shape of the quantity; None if it has another one."""
        if at.nodes.shape != shape:
            value = np.asarray(values(at.numbers[0]))
            return value if value.shape == shape else value.T if value.T.shape == shape else None
        found = {n: np.asarray(values(n)) for n in at.numbers}
        if any(each.shape != np.shape(self.nodes[n].value) for n, each in found.items()):
            return None
        if any(map(holds_records, found.values())):  # of which a field is meant
            return None
        return at.gather(values, object)

    def _exactly(
        self, given: Mapping[int, Array], at: Location, shape: tuple[int, ...]
    ) -> Array | None:
        """The quantity on balls, if some nodes had other values."""
        changed = reduce(or_, (1 << number for number in given))
        kept = {
            node.number: self.replay.value(node)
            for number in at.numbers
            for node in walk([self.nodes[number]], lambda n: n.inputs if n.uses & changed else ())
            if not node.uses & changed
        }
        again = Replay(self.replay.trace, {**kept, **given}, reshaped=True)
        if not all(again.exact(self.nodes[number]) for number in at.numbers):
            return None
        return self._held(at, lambda n: again.value(self.nodes[n]), shape)


def are_exact(value: Array) -> bool:
    """Whether an array holds exact numbers: no truth values, and no places of entries."""
    return value.size > 0 and all(type(each) is Exact for each in value.flat)


def _is_one(value: Any) -> bool:
    return bool(np.all(np.asarray(value) == 1))


def _equal(value: Any, other: Array) -> bool:
    arrays = np.asarray(value), other
    if any(each.dtype.hasobject or holds_records(each) for each in arrays):
        return False
    return np.shape(value) == other.shape and np.array_equal(value, other)


def _is_multiple(held: Array, wanted: Array, factor: float) -> bool:
    """Whether exact numbers are so many times others; the factor may be rounded, such as 1/m."""
    if overlap(held, times(wanted, factor)):
        return True
    found = common_factor(held, wanted)
    return found is not None and is_factor(found, factor)


def _near(held: Array, wanted: Array) -> bool:
    if not np.isfinite(held).all():
        return False
    return bool(
        np.abs(held - wanted).max() <= CLOSE * max(np.abs(wanted).max(), np.abs(held).max())
    )


def branch_of(at: Location, wanted: Array, replay: Replay) -> tuple[Frame, ...]:
    """The frames of the only line that gave wrong entries, if other lines gave the right ones.

    Args:
        at: where each entry was computed.
        wanted: the quantity as its equation gives it.
        replay: of the run.
    """
    nodes = replay.trace.nodes
    held = at.gather(lambda number: replay.value(nodes[number]), object)
    if at.nodes.shape != wanted.shape or not all(type(each) is Exact for each in held.flat):
        return ()
    lines: dict[bool, dict[tuple[Frame, ...], tuple[Frame, ...]]] = {True: {}, False: {}}
    for number, one, other in zip(
        at.nodes.flat, held.flat, times(wanted, at.factor).flat, strict=True
    ):
        frames = nodes[number].frames
        lines[one.ball.overlaps(other.ball)].setdefault(frames[:1], frames)
    apart = lines[True] and not lines[True].keys() & lines[False].keys()
    return next(iter(lines[False].values())) if apart and len(lines[False]) == 1 else ()
