"""Which of the values that a loop carries on are kept for the update of another.

The new value of a velocity, a moment or a sum of gradients goes into that of its parameter entry by
entry. Left out: what is carried on (`chains.py`).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from conformance.backward.source import MOVES
from conformance.script.array_places import written_places
from conformance.script.linear import MANY, entrywise
from conformance.script.rows import Carried
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node

FEW = 12  # updates, by which is told how a value is used in each
PRODUCTS = ("matmul", "dot", "einsum", "tensordot", "inner")
SPREADS = ("add", "subtract")


def kept_for(chains: Sequence[Carried]) -> dict[Carried, list[Carried]]:
    """What is kept for the update of each."""
    parts = {each: _parts(each, chains) for each in chains}
    return {
        each: [e for e in own if each not in parts[e] or _is_made_first(e, each)]
        for each, own in parts.items()
    }


def _is_made_first(state: Carried, chain: Carried) -> bool:
    """Whether each new value of a chain is made of that of a state which it decays into itself.

    With `v = μ v + g + λ w`, then `w -= η v`, either is made of the other.
    """
    if len(state.values) != len(chain.values):
        return False
    steps = zip(pairwise(chain.values), state.values[1:], strict=True)
    return all(new in entrywise(now, frozenset({old})) for (old, now), new in steps)


def _parts(chain: Carried, chains: Sequence[Carried]) -> list[Carried]:
    """The other chains whose new values a chain's new values are made of entry by entry.

    Such a value changes nothing but by them: what others are made of too is no state, unless these
    are states of the same chain, as a mean that is taken off the gradient in a mean of squares.
    Where rows are moved, each is made of the same row of it: of another one it is so by chance.
    """
    made = [(new, entrywise(new, frozenset({old}))) for old, new in pairwise(chain.values)]
    within = {
        other: [(new, [e for e in other.values[1:] if e in values]) for new, values in made]
        for other in chains
        if other is not chain and not _goes_forward(other) and not _is_read(other, chain)
        if not _is_moved_alone(other, chain, made)
        if all(not written_places(new) or values.intersection(other.values) for new, values in made)
    }
    within = {e: steps_of for e, steps_of in within.items() if not _is_constant(steps_of)}
    found: set[Carried] = set()
    for _ in chains:  # one may be a state for those that were found before
        several = len(found)
        for other, steps_of in within.items():
            beside = {chain, other, *found}
            rest = [e for e in chains if e not in beside]
            if other not in found and any(
                values and not any(_changes(e, new, rest) for e in values)
                for new, values in steps_of
            ):
                found.add(other)
        if len(found) == several:
            break
    return [each for each in chains if each in found]


def _is_constant(steps_of: Sequence[tuple[Node, list[Node]]]) -> bool:
    """Whether one and the same value of a chain is used at all of several steps of another."""
    used = {each for _, values in steps_of for each in values}
    return len(used) == 1 and len(steps_of) > 1 and all(values for _, values in steps_of)


def _is_moved_alone(one: Carried, other: Carried, made: Sequence[tuple[Node, set[Node]]]) -> bool:
    """Whether no new value of a chain goes into another's at once, which is computed of it too.

    Args:
        one: a chain.
        other: another one.
        made: each new value of the other, with what it is made of entry by entry.
    """
    if any(e in values for e, (_, values) in zip(one.values[1:], made, strict=False)):
        return False
    own = {*one.values}
    stop = own.union(other.values)
    return any(
        len(values) > MANY or _is_used_beside(own, values, stop, new) for new, values in made[:FEW]
    )


def _is_used_beside(own: set[Node], values: set[Node], stop: set[Node], new: Node) -> bool:
    """Whether a new value is computed of others, or of parts of them, otherwise than entrywise.

    Args:
        own: these.
        values: what it is made of entry by entry.
        stop: what was there before.
        new: the value.
    """
    way = walk(new.inputs, lambda e: () if e in stop else e.inputs)
    parts = {*own}
    for each in sorted((e for e in way if e not in stop), key=lambda e: e.number):
        if parts.isdisjoint(each.inputs):
            continue
        if each.operation in MOVES:
            parts.add(each)
        elif each not in values:
            return True
    return False


def _goes_forward(chain: Carried) -> bool:
    """Whether the values of a chain are weights, factors of matrix products, or biases."""
    return any(
        user.operation in PRODUCTS or (user.operation in SPREADS and _is_spread(each, user))
        for each in chain.values
        for user in each.consumers
    )


def _is_read(one: Carried, other: Carried) -> bool:
    """Whether a single number is read for its own update and for that of an array, as a bias is."""
    single = np.size(one.values[0].value) == 1 < np.size(other.values[0].value)
    return single and any(
        _leads_to_both(user, new, next((e for e in other.values if e.depends_on(user)), new))
        for old, new in pairwise(one.values)
        for user in old.consumers
    )


def _leads_to_both(node: Node, one: Node, other: Node) -> bool:
    """Whether two values are computed from a third, and neither from the other alone."""
    if one is other or node is one or not one.depends_on(node):
        return False
    way = walk(
        [other], lambda each: [e for e in each.inputs if e is not one and e.depends_on(node)]
    )
    return any(each is node for each in way)


def _is_spread(node: Node, user: Node) -> bool:
    """Whether a value is added to one of more entries."""
    return np.size(user.value) > np.size(node.value) > 1


def _changes(value: Node, new: Node, chains: Sequence[Carried]) -> bool:
    """Whether another chain's first value that is made of a value is not made of the new one."""
    for each in chains:
        later = next((e for e in each.values if e.depends_on(value)), None)
        if later is not None and not later.depends_on(new):
            return True
    return False
