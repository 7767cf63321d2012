"""Gradients of which some rows are set to 0, so that these rows are never trained.

Such is the row of the padding in a table of embeddings, or a table of which a part is kept as it
was. Which rows these are is a choice of the program; entries that are chosen one by one are none.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import numpy as np

from conformance.backward.findings import Declared, Examined
from conformance.backward.recorded_pass import Goal
from conformance.tracing.node import FILLED, Node, filled
from conformance.tracing.trace import Trace

HELD = Declared("held")


def before_zeros(trace: Trace, goal: Goal) -> Goal:
    """A gradient before rows or columns of it were set to 0; as it is if none were."""
    node, zeros = goal.node, np.zeros(np.shape(goal.node.value), dtype=bool)
    while node.operation == FILLED and (count := _last_zeros(node.args[1])):
        rest, last = node.args[1][:-count], node.args[1][-count:]
        zeros.flat[np.concatenate([np.ravel(index) for index, _ in last])] = True
        node = _written(trace, node, rest)
    longer = [axis for axis in range(zeros.ndim) if zeros.ndim > 1 and zeros.shape[axis] > 1]
    lines = [zeros.all(axis=axis, keepdims=True) for axis in longer]
    whole = any(np.array_equal(zeros, zeros & each) for each in lines)
    computed = whole and not zeros.all() and not node.constant
    return replace(goal, node=node) if computed else goal


def _last_zeros(writes: Sequence[tuple[Any, Any]]) -> int:
    """How many of some writes, the last ones, write the number 0 and nothing else."""
    zeros = (i is not None and type(e) is not Node and not np.any(e) for i, e in writes[::-1])
    return sum(1 for _ in takewhile(bool, zeros))


def _written(trace: Trace, node: Node, writes: tuple[tuple[Any, Any], ...]) -> Node:
    """What an array was after the first of its writes."""
    if not writes:
        return node.args[0] if type(node.args[0]) is Node else trace.constant(node.args[0])
    index, value = writes[-1]
    if index is None and type(value) is Node and np.shape(value.value) == np.shape(node.value):
        return value
    before = node.args[0].value if type(node.args[0]) is Node else node.args[0]
    pairs = [(i, e.value if type(e) is Node else e) for i, e in writes]
    made = trace.node(FILLED, filled, (node.args[0], writes), {}, filled(before, pairs))
    made.frames, made.calls = node.frames, node.calls
    made.writes = node.writes[: len(writes)]
    return made


def held(found: Examined, names: set[str]) -> Examined:
    """What is known of gradients, of which some are right but for such rows.

    Args:
        found: what is known of them as they were before.
        names: those that had such rows.
    """
    marked = (
        replace(each, declared=HELD) if each.ok and each.name in names else each
        for each in found.gradients
    )
    return replace(found, gradients=tuple(marked))
