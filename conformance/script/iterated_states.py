"""States that a program iterates from step to step by itself: singular vectors, by power iteration.

Each is a product of itself and of the parameters alone, and a step goes on where the one before
ended. The gradients take it for a constant. Left out: the judgement with it held
(`held_targets.py`).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from conformance.backward.groups import operation_key
from conformance.backward.source import MATRIX_PRODUCTS
from conformance.script.update import Update
from conformance.tracing.ancestors import between, short_of, walk
from conformance.tracing.node import Node, bits_of_nodes


def iterated_states(
    nodes: Sequence[Node], updates: Sequence[Update]
) -> Iterator[tuple[Node, Node]]:
    """The operations of one update with such states that gradients are made of, each with it.

    Args:
        nodes: of the run.
        updates: of the parameters.
    """
    moved = (made.parameter for made in updates)  # and what an optimiser keeps for them
    values = {e for one in moved for chain in (one.chain, *one.states) for e in chain.values}
    keys, given = _iterating(nodes, values, updates), bits_of_nodes(e.old for e in updates)
    last = min(made.new.number for made in updates)
    gradients = [made.options[made.own][0] if made.options else made.new for made in updates]
    for node in nodes[:last] if keys else ():
        held = node.uses & given and node not in values and operation_key(node) in keys
        if held and any(each.depends_on(node) for each in gradients):
            further = (e for e in node.consumers if operation_key(e) not in keys)
            yield from ((user, node) for user in further if user.number < last)


def _iterating(
    nodes: Sequence[Node], values: Collection[Node], updates: Sequence[Update]
) -> set[Any]:
    """The operations by which states are computed of what they were, in all steps of a run."""
    news = zip(*(made.parameter.values[1:] for made in updates), strict=False)
    steps = sorted(max(each.number for each in step) for step in news)
    given, alike = bits_of_nodes(values), defaultdict[Any, list[Node]](list)
    for node in nodes:
        made = node.function is not None and node.uses & given and node not in values
        if made and np.size(node.value) > 1:  # numbers are made of any others
            alike[operation_key(node)].append(node)

    def is_kept(state: Node, others: Sequence[Node]) -> bool:
        at = bisect_left(steps, state.number)
        later = (user for user in state.consumers if at < bisect_left(steps, user.number))
        return any(other.depends_on(user) for user in later for other in others)

    several = (states for states in alike.values() if len(states) > 1)
    kept = [states for states in several if any(is_kept(each, states) for each in states)]
    rounds = (_round(node, {*states}, values, steps) for states in kept for node in states)
    return {operation_key(node) for way in rounds for node in way}


def _round(
    state: Node, alike: Collection[Node], values: Collection[Node], steps: Sequence[int]
) -> set[Node]:
    """What leads to a state from the last one before it, which is that of an earlier step.

    Several layers may have such. Nothing if data are in it, as in a recurrence.
    """

    def further(node: Node) -> Iterable[Node]:
        known = node is not state and node in alike
        return () if known else (e for e in node.inputs if e not in values)

    old = next((e for e in walk([state], further) if e is not state and e in alike), None)
    if old is None or bisect_left(steps, old.number) == bisect_left(steps, state.number):
        return set()
    beside = (e for e in walk([state], short_of({old, *values})) if e not in values)
    data = any(e.function is None and np.size(e.value) > 1 for e in beside if e is not old)
    way = set[Node]() if data else between(old, state, values)
    return way if any(each.operation in MATRIX_PRODUCTS for each in way) else set()
