"""Arrays that a program that trains moves, and that are no parameters.

A running mean of parameters, such as Polyak's, becomes a linear function of itself and of what
these have become; another array is only written, or has nothing of the output. Left out: what moves
parameters (`gradients_of_updates.py`).
"""

from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np

from conformance.backward.source import MOVES, is_float
from conformance.shapes.attempts import Attempt
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node

LINEAR = ("add", "subtract", "multiply", "divide", "negative", "copy", FILLED, *MOVES)


def is_only_written(node: Node) -> bool:
    """Whether nothing is done with an array but to write into it, one part after another."""
    while True:
        used = [each for each in node.consumers if each.consumers or each.operation == FILLED]
        if not used:
            return True
        if len(used) > 1 or used[0].operation != FILLED or used[0].args[0] is not node:
            return False
        node = used[0]


def is_beside(run: Attempt, old: Node, new: Node) -> bool:
    """Whether an array and the output have nothing of each other, as the running mean of inputs."""
    output = run.scope.kinds.get("output")
    if not isinstance(output, np.ndarray):
        return False
    node = run.node(output)
    return not (node.depends_on(old) or new.depends_on(node))


def means(moved: Mapping[Node, Node]) -> set[Node]:
    """Those of some arrays that are means of others, none of which becomes what it does by them.

    Args:
        moved: what each one has become.
    """
    versions = {old: {old, *_versions(old, new)} for old, new in moved.items()}
    free = (
        old for old in moved if not any(e.depends_on(old) for o, e in moved.items() if o != old)
    )
    return {old for old in free if _is_mean(old, moved[old], versions)}


def _is_mean(old: Node, new: Node, versions: Mapping[Node, set[Node]]) -> bool:
    others = {*chain.from_iterable(own for e, own in versions.items() if e is not old)}
    ends = others | {old}
    way = list(walk([new], lambda each: () if each in ends else each.inputs))
    within = [each for each in way if each not in ends and np.size(each.value) > 1]
    return not others.isdisjoint(way) and all(
        each.operation in LINEAR and each.function is not None and _is_linear(each)
        for each in within
    )


def _is_linear(node: Node) -> bool:
    """Whether an operation adds arrays, or multiplies one by a number."""
    arrays = [each for each in node.inputs if is_float(each) and np.size(each.value) > 1]
    return node.operation not in ("multiply", "divide") or len(arrays) <= 1


def _versions(old: Node, new: Node) -> Iterator[Node]:
    """What an array became, one update after another."""
    while old is not new:
        later = (e for e in old.consumers if e.operation in ("add", "subtract"))
        fitting = (e for e in later if e.args[0] is old and (e is new or new.depends_on(e)))
        found = max(fitting, key=lambda each: each.number, default=new)
        yield found
        old = found
