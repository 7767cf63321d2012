"""The values of what a loop carries on, which belong to one step, and which a step begins anew.

Rows of one array may be written one after another, each a new value of the whole; a recurrence,
such as the states of a differential equation, is made within one step of the parameters; and a step
may scale what it has made of a parameter, by its own norms or by a decay. Left out: how such values
are found (`chains.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain as chained
from itertools import pairwise, takewhile
from typing import Any

import numpy as np

from conformance.backward.groups import operation_key
from conformance.backward.source import MOVES
from conformance.script.linear import (
    SAME_FACTOR,
    ancestors,
    entrywise,
    is_of_numbers,
    kept,
    read_places,
    source,
    written_places,
)
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, bits_of_nodes, is_part, states_of, taken


@dataclass(eq=False)
class Carried:
    """What a loop carries on.

    Attributes:
        values: one after another.
        before: those before the first of these, if that is not the first that is known.
        open: whether the last may be moved further in the same step.
        twice: those of which a row was moved twice, by what was computed of it in between.
    """

    values: list[Node]
    before: list[Node] = field(default_factory=list)
    open: bool = False
    twice: set[Node] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How many times it was given a new value."""
        return len(self.values) - 1


def is_summed(nodes: Sequence[Node], olds: int) -> bool:
    """Whether arrays are added up that are made of parameters, and nothing is made of any sum.

    As the errors of a word are by the words beside it, by whose sum its vector is moved then.

    Args:
        nodes: of a run that goes on.
        olds: the first values of the parameters, as bits.
    """
    sums = defaultdict[object, list[Node]](list)
    for node in nodes:
        if node.operation == "add" and np.size(node.value) > 1 and node.uses & olds:
            sums[operation_key(node)].append(node)
    return any(
        not {*added}.isdisjoint(added[-1].inputs)
        and all(operation_key(user) == key for each in added for user in each.consumers)
        for key, added in sums.items()
    )


def join(chains: Sequence[Carried]) -> None:
    """Take as one step what is written into several rows, if none is computed from another.

    Such are the vectors of the words that one word is compared with. A step ends where a value is
    computed from one that it has moved, or where it begins anew once everything was moved; not as
    long as rows are moved by the same error, or by what was computed before the first was. Where
    something else is still to be moved in it, a row may be moved twice, as that of a word that is
    drawn again.
    """
    starts = bits_of_nodes(each.values[0] for each in chains)
    states = {state for each in chains for value in each.values for state in states_of(value)}
    moved: dict[Node, set[int]] = {}  # what the step has written, and where: nowhere is everywhere
    left, keys, twice = [*chains], set[Any](), False
    first: Node  # of the step
    for chain, new in _in_time(chains):
        if not moved:
            first = new
        again = not left and operation_key(new) in keys
        reads = {e for e, at in moved.items() if new.depends_on(e) and _reads(new, e, at)}
        before: Node = new.args[0] if new.operation == FILLED else new
        goes_on = before in moved and before in chain.values
        same = (again or new.operation == FILLED) and _share(new, first, starts, states)
        same = same or _is_made_before(new, first, states)
        drawn = bool(left) and goes_on and not reads.isdisjoint(states_of(new)) and not same
        twice = drawn or (twice and (chain in left or not (again or reads)))
        if (again or reads) and not same and not twice:
            moved, left, first, keys, goes_on = {}, [*chains], new, set(), False
        written = written_places(new)
        if goes_on:
            chain.values.remove(before)
            written |= moved[before]
            chain.twice |= {new} if drawn or before in chain.twice else set()
        moved[new] = written
        keys.add(operation_key(new))
        left = [each for each in left if each is not chain]
    for each in chains:
        each.open = each.open or bool(moved.get(each.values[-1]))


def _in_time(chains: Sequence[Carried]) -> list[tuple[Carried, Node]]:
    """The new values, each with what carries it on, in the order in which they were made."""
    moves = ((each, new) for each in chains for new in each.values[1:])
    return sorted(moves, key=lambda each: (_when_made(each[1]), each[1].number))


def _when_made(node: Node) -> int:
    """The number of the last operation that a value was made by.

    What is written into an array is noted as a value of it where that is next read.
    """
    values = (value for _, value in node.args[1]) if node.operation == FILLED else ()
    return max((each.number for each in values if type(each) is Node), default=node.number)


def _share(one: Node, other: Node, starts: int, states: set[Node]) -> bool:
    """Whether two values are made of the same error, or something else of the parameters.

    What goes through a state of what is carried on is none.
    """
    own = states - {one}
    way = walk([one], lambda each: () if each in own else _below(each, own))
    return any(
        each.function is not None
        and each not in states
        and each.operation not in MOVES
        and each.uses & starts
        and other.depends_on(each)
        for each in way
    )


def _below(node: Node, states: set[Node]) -> Sequence[Any]:
    """What a value is computed of; of a number of a list, what was last written at its place.

    That is looked for in no state of what is carried on.
    """
    if node.operation == FILLED and len(written_places(node)) == np.size(node.value):
        return [each for each in node.inputs if each is not node.args[0]]
    if node.function is not taken:
        return node.inputs
    state, at = node.args
    while state.operation == FILLED and state not in states:
        written = [value for places, value in state.args[1] if np.array_equal(places, at)]
        if written:
            return [each for each in written[-1:] if type(each) is Node]
        state = state.args[0]
    return [state]


def _is_made_before(new: Node, first: Node, states: set[Node]) -> bool:
    """Whether what is written into rows was computed of parameters before the first was moved."""
    way = walk([new], lambda each: () if each in states and each is not new else each.inputs)
    used = [e for e in way if e.operation != FILLED and not states.isdisjoint(e.inputs)]
    used = [each for each in used if not _is_added_to(each)]
    return new.operation == FILLED and bool(used) and all(e.number < first.number for e in used)


def _reads(new: Node, old: Node, written: set[int]) -> bool:
    """Whether a value is computed from another one by what stands at some places."""
    filled = [e for e in old.consumers if e.operation == FILLED and e.args[0] is old]
    used = [e for e in old.consumers if e not in filled and new.depends_on(e)]
    used = [e for e in used if not _is_added_to(e)]
    elsewhere = bool(written) and all(written.isdisjoint(read_places(e)) for e in used)
    later = (e for e in filled if e is not new and new.depends_on(e))
    return not elsewhere or any(_reads(new, e, written) for e in later)


def _is_added_to(part: Node) -> bool:
    """Whether a part of an array is taken to be moved alone, as in `w[i] -= d`."""
    sums = part.consumers if is_part(part) else []
    return bool(sums) and all(
        each.operation in ("add", "subtract")
        and bool(each.consumers)
        and all(user.operation == FILLED for user in each.consumers)
        for each in sums
    )


def _wholes(node: Node) -> set[Node]:
    """A value, and the arrays that it is taken out of, part by part."""
    return {*walk([node], lambda each: each.inputs if is_part(each) else ())}


def may_be_same(part: Node, written: Node, old: set[Node]) -> bool:
    """Whether a part of an array has places that are written into: x[t + 1] = x[t] + … has none.

    Those of a view of it, such as a transpose, are other numbers, and are not compared.
    """
    if not is_part(part):
        return part in old
    if old.isdisjoint(_wholes(part)):
        return False
    direct, places = not old.isdisjoint(part.inputs), written_places(written)
    return not places or not direct or not places.isdisjoint(read_places(part))


def without_recurrences(chains: Sequence[Carried]) -> list[Carried]:
    """What is carried on from step to step, without what is begun anew in each step of another.

    What several begin with by one operation, as inputs that are gone through again, has no steps.
    """
    begun = {each: [*_begun(each)] for each in chains}
    often = Counter(chained.from_iterable(begun.values()))
    starts = Counter((each.values[0], keys[0]) for each, keys in begun.items())
    others = [e for e, keys in begun.items() if starts[e.values[0], keys[0]] == 1]
    within = {
        keys[0]
        for each, keys in begun.items()
        if often[keys[0]] > 1
        and any(_is_within(each, other) for other in others if begun[other][0] != keys[0])
    }
    found = []
    for each in chains:
        kept = [*takewhile(lambda e: operation_key(e) not in within, each.values[1:])]
        if len(kept) == each.count:
            found.append(each)
        elif kept:  # a recurrence begins with its last value
            found.append(Carried([each.values[0], *kept]))
    return found


def _begun(one: Carried) -> Iterator[Any]:
    """The operations of the new values, each as often as it follows another one."""
    _, *keys = map(operation_key, one.values)
    yield keys[0]
    yield from (new for old, new in pairwise(keys) if new != old)


def _is_within(one: Carried, other: Carried) -> bool:
    """Whether all is made within one step of another, and that step of it."""
    begin, first, last = one.values[0], one.values[1], one.values[-1]
    return any(
        old.number <= begin.number and last.number < new.number and new.depends_on(first)
        for old, new in pairwise(other.values)
    )


def scaled_by_itself(node: Node, arrays: int = 0) -> Node | None:
    """What is scaled by numbers that are computed of it alone, as where its norms are limited.

    Args:
        node: the product.
        arrays: the numbers, as bits, of those that a run began with, as far as they are known.
    """
    pairs = list(zip(node.args[:2], node.args[1::-1], strict=False))
    scales = {"multiply": pairs, "divide": pairs[:1], "true_divide": pairs[:1]}
    for whole, by in scales.get(node.operation, []):
        if type(whole) is Node and type(by) is Node and np.size(by.value) < np.size(node.value):
            others = by.uses & arrays & ~whole.uses
            if by.depends_on(whole) and not others and _is_of_numbers_beside(by, whole):
                return whole
    return None


def unscaled(old: Node, new: Node) -> tuple[Node, float]:
    """What a step makes of an old value, before it is scaled, and how much a decay leaves of it.

    It may be scaled by its own norms, or by a number alone, or made smaller by a proximal step, and
    moved on then along the way from what it was before, as momentum does.
    """
    for each in ancestors(new):
        if each is not old and each.depends_on(old) and _goes_on(each, new, old):
            made, left = unscaled(old, each)
            if made is not each and left == 1:
                return made, left
    before = scaled_by_itself(new)
    new = new if before is None or old not in ancestors(before) else before
    for before in ancestors(new):
        left = kept(before, new) if before.depends_on(old) and before is not old else 1.0
        if 0 < left < 1 and kept(old, before) == 1:
            between = {new, *entrywise(new, frozenset({before}))}
            if all(e.depends_on(before) or _is_number(e, old) for e in between):
                return before, left
    before = shrunk(old, new)
    return (new if before is None or old not in ancestors(before) else before), 1.0


def _goes_on(made: Node, new: Node, old: Node) -> bool:
    """Whether a value is u + μ (u − v), of what a step makes, u, and of what was before it, v."""
    by = kept(made, new)
    beside = _beside(new, made) if by >= 1 else ()
    ends = [source(each) for each in beside if not each.depends_on(made)]
    arrays = [each for each in ends if np.size(each.value) > 1]
    known = len(arrays) == 1 and not any(e.depends_on(old) for e in ends if e is not old)
    return known and abs(kept(arrays[0], new, frozenset({made})) - (1 - by)) < SAME_FACTOR


MOST = 0.5
"""A proximal step makes a larger share of the entries smaller; one that limits them, hardly any."""


def shrunk(old: Node, node: Node) -> Node | None:
    """What a proximal step makes smaller, of it and numbers alone; None if it is no such step.

    It is that of a penalty: sign(u) max(|u| − η λ, 0) of absolute values.

    Args:
        old: the value of the parameter, which is not earlier.
        node: what it gives.
    """
    after = np.asarray(node.value)
    for each in takewhile(lambda e: e.number >= old.number, ancestors(node)):
        before = np.asarray(each.value)
        own = before != 0
        if before.shape == after.shape != () and np.any(own):
            with np.errstate(all="ignore"):
                shares = np.abs(after[own] / before[own])  # by a multiple all are the same
            if np.ptp(shares) > SAME_FACTOR and np.mean(shares < 1) > MOST:
                ends = (e for e in _beside(node, each) if not e.depends_on(each))
                if all(np.size(e.value) == 1 and not e.depends_on(old) for e in ends):
                    return each
    return None


def _is_number(node: Node, old: Node) -> bool:
    """Whether a value is a single number that was not computed from another value."""
    return np.size(node.value) == 1 and not node.depends_on(old)


def _is_of_numbers_beside(node: Node, start: Node) -> bool:
    """Whether a value is computed of another one, and of single numbers beside."""
    return all(each.depends_on(start) or is_of_numbers(each) for each in _beside(node, start))


def _beside(node: Node, start: Node) -> Iterator[Node]:
    """What a value is computed of by way of another one, and what is used beside that."""
    return walk([node], lambda e: e.inputs if e is not start and e.depends_on(start) else ())
