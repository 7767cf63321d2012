"""Which of the values that a loop carries on are parameters, and which are kept for their updates.

The new value of a velocity, a moment or a sum of gradients goes into that of its parameter entry by
entry. Where each is moved once, nothing is carried on: that a new value stands for the old one is
told by the statement that gives it the same name. Left out: what is carried on (`chains.py`).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import NamedTuple

import numpy as np

from conformance.backward.groups import grouped, operation_key
from conformance.backward.source import (
    MATRIX_PRODUCTS,
    MOVES,
    is_float,
    is_lost,
    operand_name,
    places,
    written_name,
)
from conformance.script.chains import carried, is_late, is_moved, roles
from conformance.script.linear import (
    MANY,
    ancestors,
    entrywise,
    has_entries,
    is_running_mean,
    kept,
    links,
    operands,
    read_places,
    scalar,
    way,
    writes_of,
    written_places,
)
from conformance.script.rows import Carried, join
from conformance.script.taken_back import take_back
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import FILLED, Node, bits_of_nodes, is_part, states_of

MARGIN = 1.1  # of a step's length, for what a program does before it uses a parameter

FEW = 12  # updates, by which is told how a value is used in each
SPREADS = ("add", "subtract", "getitem")
DECAYED = 0.1  # a decay takes no more of a parameter, nor adds it with the wrong sign


@dataclass(eq=False)
class Parameter:
    """A parameter of a network.

    Attributes:
        chain: its values.
        states: what is kept for its update.
        name: what the program calls it.
    """

    chain: Carried
    states: tuple[Carried, ...] = ()
    name: str = ""

    @property
    def values(self) -> list[Node]:
        """Its values, one after another."""
        return self.chain.values


def parameters(
    nodes: Sequence[Node],
    *,
    cut: bool = False,
    passes: Callable[[Carried], bool] = lambda _: False,
) -> list[Parameter]:
    """The parameters that a run has moved, in the order in which they were made.

    Args:
        nodes: its trace.
        cut: whether the trace may begin in the middle of a step.
        passes: tells what is no parameter, if there is something else.
    """
    take_back(nodes)
    chains = _owners(carried(nodes))
    chains = [each for each in chains if not passes(each)] or chains
    chains = _but_begun_again(chains)
    join(chains)
    _align([each for each in chains if each.count])
    moved = [each for each in chains if each.count]
    found = with_states(sorted(moved, key=lambda each: each.values[1].number))
    found = [each for each in found if not _is_a_sum(each, nodes)] or found
    if cut and found:
        _skip_a_part([each.chain for each in found])
    late = any(e.values[0].depends_on(each.values[0]) for each in found for e in each.states)
    if late or any(_is_read_beside(each.chain) for each in found) or _are_whole_at_first(found):
        _skip_first([each.chain for each in found])  # they were numbers of Python's before
    found = [each for each in found if not _is_a_mean_of_data(each, found)]
    found = [each for each in found if not _is_an_average(each, found)]
    found = [each for each in found if not _is_trained_again(each, found)]
    return sorted(found, key=lambda each: each.values[0].number)


def _is_a_sum(one: Parameter, nodes: Sequence[Node]) -> bool:
    """Whether a number goes on as a sum of what was not computed from it, from entry to entry."""
    return np.size(one.values[0].value) == 1 and is_late(one.values, nodes)


def _but_begun_again(chains: list[Carried]) -> list[Carried]:
    """Those but what several begin with, one after another: it is gone through again and again.

    Such are the inputs of residual blocks, to each of which x is handed on as x + f(x). What begins
    with one array of zeros and is moved side by side, as the means of Adam may, stays.
    """
    of_start = defaultdict[Node, list[Carried]](list)
    for each in sorted((e for e in chains if e.count), key=lambda e: e.values[1].number):
        of_start[each.values[0]].append(each)
    apart = [
        some
        for some in of_start.values()
        if all(one.values[-1].number < other.values[1].number for one, other in pairwise(some))
    ]
    again = [each for some in apart if len(some) > 1 for each in some]
    rest = [each for each in chains if each not in again]
    return rest if any(each.count for each in rest) else chains


def with_states(chains: Sequence[Carried]) -> list[Parameter]:
    """What is carried on and is kept for no other's update, with what is kept for its own."""
    own = kept_for(chains)
    states = {other for some in own.values() for other in some}
    for each in states:
        _join_terms(each)
    return [Parameter(e, tuple(own[e])) for e in chains if e not in states]


def _join_terms(state: Carried) -> None:
    """Take as one step what is added to a state before anything else reads it.

    Such is the sum of the gradients of all samples of a batch, if it never begins anew.
    """
    _, *later = state.values
    for old, new in pairwise(later):
        within = ancestors(new)
        path = way(old, new, within) if old in within else []
        if {new, *path}.issuperset(old.consumers) and kept(old, new) == 1:
            state.values.remove(old)


def _is_trained_again(one: Parameter, found: Sequence[Parameter]) -> bool:
    """Whether a parameter is used as another was, which is moved no more: it begins anew."""
    used = {*roles(one.values[0])}
    return any(
        each.values[-1].number < one.values[0].number and not used.isdisjoint(roles(each.values[0]))
        for each in found
    )


def _is_a_mean_of_data(one: Parameter, found: Sequence[Parameter]) -> bool:
    """Whether a parameter is a running mean, and none of others; they may be moved by it.

    What they only chose, such as the reward of an action, has no derivative.
    """
    others = {each.values[0] for each in found if each is not one}
    if not others or not all(is_running_mean(*each) for each in pairwise(one.values)):
        return False
    return others.isdisjoint(walk(one.values[-1:], lambda e: filter(is_float, e.inputs)))


def _is_an_average(one: Parameter, found: Sequence[Parameter]) -> bool:
    """Whether a parameter is an average of others: none is made of it, or it has no gradient."""
    others = [each for each in found if each is not one]
    if is_mixed(one, others):
        return True  # such as the copy by which Q-learning computes its targets
    of_others = any(one.values[-1].depends_on(each.values[0]) for each in others)
    in_others = any(each.values[-1].depends_on(one.values[0]) for each in others)
    if any(is_moved(*each) for each in pairwise(one.values)):
        return False  # such as a policy that is told by a critic how good its actions are
    return of_others and not in_others


def is_mixed(one: Parameter, among: Sequence[Parameter]) -> bool:
    """Whether a parameter is moved by multiples of values of others alone, entry by entry."""
    values = (value for each in among if each is not one for value in each.values)
    others = {each for each in values if has_entries(each, one.values[0])}
    for old, new in pairwise(one.values):
        stop = frozenset({old, *others})
        made, given = entrywise(new, stop), bits_of_nodes(stop)
        between = [e for e in made if e not in stop and e.uses & given]
        if made.isdisjoint(others) or not all(any(links(e)) for e in between):
            return False
    return len(one.values) > 1


def _align(chains: Sequence[Carried]) -> None:
    """Let all begin at the same update, where some were numbers of Python's before the first."""
    late = [each.values[:2] for each in chains if _is_begun_late(*each.values[:2])]
    for each in chains if late else ():
        start = _beside(late[0], each.values)
        if each.values[:2] not in late and start is not each.values[-1]:
            _begin_at(each, each.values.index(start))


def _is_read_beside(chain: Carried) -> bool:
    """Whether the first update reads values from before it, as momentum that looks ahead does.

    Or what an array was put together of to begin with: its views, or the arrays it is put into.
    """
    first, second = chain.values[:2]
    made_of = ancestors(second, operands=lambda each: [] if each is first else operands(each))
    if not {*chain.before}.isdisjoint(made_of):
        return True
    parts = {*walk([first], lambda e: e.inputs if e.operation in MOVES else ())} - {first}
    return bool(parts) and not parts.isdisjoint(walk([second], short_of([first])))


def _are_whole_at_first(found: Sequence[Parameter]) -> bool:
    """Whether only the first update is made of no parameters: whole numbers are not followed."""
    steps = [*zip(*(pairwise(each.values) for each in found), strict=False)]
    return len(steps) > 1 and _is_of_none(steps[0]) and not _is_of_none(steps[1])


def _is_of_none(step: Sequence[tuple[Node, Node]]) -> bool:
    """Whether what is added to each parameter is computed of none."""
    olds = bits_of_nodes(old for old, _ in step)
    return all(
        new.operation in ("add", "subtract")
        and old in new.inputs
        and not any(each.uses & olds for each in new.inputs if each is not old)
        for old, new in step
    )


def _begin_at(chain: Carried, place: int) -> None:
    """Let a parameter begin at one of its values."""
    chain.before += chain.values[:place]
    del chain.values[:place]


def _beside(begun: Sequence[Node], values: Sequence[Node]) -> Node:
    """The value of a parameter that is read with the first of another for its second.

    It is the latest that the second was computed of, and none that was computed of the first; if
    these are not the same, one was moved by the other's new value, and it is the nearest.
    """
    before = [e for e in values if not e.depends_on(begun[0])]
    read = [e for e in values if begun[1].depends_on(e)]
    nearest = min(values, key=lambda e: abs(e.number - begun[0].number))
    return before[-1] if before[-1:] == read[-1:] != [] else nearest


def _is_begun_late(first: Node, second: Node) -> bool:
    """Whether the first value that is known was itself made by an update, perhaps unseen.

    What begins with zeros on the line of the update is a state that is filled there.
    """
    if operation_key(first) == operation_key(second):
        return True
    beside = bool(first.frames) and first.frames[:1] == second.frames[:1]
    return beside and first.function is None and bool(np.any(first.value))


def _skip_a_part(chains: Sequence[Carried]) -> None:
    """Let all begin after the first step, a part of which may be forgotten, unless it is all."""
    seconds = [each.values[1] for each in chains]
    for each, second in zip(chains, seconds, strict=True):
        earlier = any(e is not second and e.depends_on(second) for e in seconds)
        if earlier and each.count > 1:
            _begin_at(each, 1)
    _skip_first(chains)


def _skip_first(chains: Sequence[Carried]) -> None:
    """Let all begin after the first step, unless it is all."""
    if all(each.count > 1 for each in chains):
        for each in chains:
            _begin_at(each, 1)


def _owners(found: list[Carried]) -> list[Carried]:
    """Of an array and its parts the array, unless they are all of it and no single numbers.

    Rows of a table are moved in some steps, and parts that are parameters in each.
    """
    passed: list[Carried] = []
    for whole in found:
        parts = [e for e in found if e is not whole and _is_part(e, whole)]
        if not parts:
            continue
        sizes = [each.values[0].value.size for each in parts]
        counts = [each.count for each in parts]
        apart = max(sizes) > 1 and max(counts) - min(counts) <= 1
        apart = apart or whole.values[0].value.size == 1
        passed += [whole] if apart and sum(sizes) >= whole.values[0].value.size else parts
    return [each for each in found if each not in passed]


def _is_part(part: Carried, whole: Carried) -> bool:
    """Whether the values of one are written into, or taken from, those of another."""
    states = set(whole.values)
    waiting = whole.values[1:]
    for each in waiting:  # and what it was while it was written into
        if each.operation == FILLED and each.args[0] not in states:
            states.add(each.args[0])
            waiting.append(each.args[0])
    writes = (value for e in states if e.operation == FILLED for _, value in e.args[1])
    written = {id(value) for value in writes}
    return any(
        id(each) in written or (each.operation == "getitem" and not states.isdisjoint(each.inputs))
        for each in part.values[1:]
    )


def steps(found: Sequence[Parameter], *, closed: bool = False) -> int:
    """How many updates all parameters have seen; those that move seldom are no parameters.

    Args:
        found: the parameters.
        closed: whether only those count that are known to be over.
    """
    often = moved_often(found, closed=closed)
    return min((each.chain.count - (closed and each.chain.open) for each in often), default=0)


def moved_often(found: Sequence[Parameter], *, closed: bool = False) -> list[Parameter]:
    """Those that are moved at least half as often as another; see `steps`."""
    counts = [each.chain.count - (closed and each.chain.open) for each in found]
    return [each for each, own in zip(found, counts, strict=True) if 2 * own >= max(counts)]


def by_autograd(nodes: Sequence[Node], found: Sequence[Parameter]) -> bool:
    """Whether parameters are moved by what torch itself has computed, on no line of the program."""
    computed = (each for each in nodes if each.function is not None and not each.frames)
    own = bits_of_nodes(each for each in computed if each.operation not in MOVES)
    return not steps(found) or any(e.uses & own for each in found for e in each.values[1:])


def enough(found: Sequence[Parameter], updates: int) -> int:
    """With how many nodes a trace has as many updates of all parameters, if they go on as they did.

    It is 0 if there is no parameter.
    """
    if not found:
        return 0
    often, most = moved_often(found), max(each.chain.count for each in found)
    first = min(e.number for each in often for e in each.values[0].consumers)
    last = max(each.values[-1].number for each in often)
    more = max(updates - each.chain.count + each.chain.open for each in often)
    return last + int(MARGIN * more * (last - first + 1) / most) + 1


_Parts = tuple[list[Carried], list[Carried]]
"""The chains that another is made of entry by entry; those that it may be, by too many values."""


def kept_for(chains: Sequence[Carried]) -> dict[Carried, list[Carried]]:
    """What is kept for the update of each."""
    parts = {each: _parts(each, chains) for each in chains}
    return {each: [e for e in own if _is_kept(e, each, parts)] for each, (own, _) in parts.items()}


def _is_kept(state: Carried, chain: Carried, parts: Mapping[Carried, _Parts]) -> bool:
    """Whether a chain of which another is made is kept for that one, and not that one for it."""
    if not any(chain in each for each in parts[state]) or _is_direction(state, chain):
        return True
    return _is_made_first(state, chain) and not _is_direction(chain, state)


def _is_made_first(state: Carried, chain: Carried) -> bool:
    """Whether each new value of a chain is made of that of a state which it decays into itself.

    With `v = μ v + g + λ w`, then `w -= η v`, either is made of the other.
    """
    if len(state.values) != len(chain.values):
        return False
    steps = zip(pairwise(chain.values), state.values[1:], strict=True)
    return all(new in entrywise(now, frozenset({old})) for (old, now), new in steps)


class _Step(NamedTuple):
    """A new value of a chain, the values before it, and what it is made of entry by entry."""

    new: Node
    stop: frozenset[Node]
    values: set[Node]


def _parts(chain: Carried, chains: Sequence[Carried]) -> _Parts:
    """The other chains whose new values a chain's new values are made of entry by entry.

    Such a value changes nothing but by them: what others are made of too is no state, unless these
    are states of the same chain, as a mean that is taken off the gradient in a mean of squares.
    Where rows are moved, each is made of the same row of it: of another one it is so by chance.
    """
    every = [value for each in chains for value in each.values]
    stops = (frozenset({o, *(e for e in every if e.number < o.number)}) for o in chain.values)
    made = [_Step(*e, entrywise(*e)) for e in zip(chain.values[1:], stops, strict=False)]
    within = {
        other: [(e.new, [v for v in other.values[1:] if v in e.values]) for e in made]
        for other in chains
        if other is not chain and not _is_read(other, chain)
        if not _goes_forward(other) or _is_direction(other, chain)
        if all(not written_places(e.new) or e.values.intersection(other.values) for e in made)
    }
    within = {e: steps_of for e, steps_of in within.items() if not _is_constant(steps_of)}
    found, alone = set[Carried](), set[Carried]()
    for _ in chains:  # one may be a state for those that were found before
        several = len(found)
        for other, steps_of in within.items():
            beside = {chain, other, *found}
            rest = [e for e in chains if e not in beside]
            if other not in found | alone and any(
                values and not any(_changes(e, chain, rest) for e in values)
                for _, values in steps_of
            ):
                (alone if _is_moved_alone(other, chain, made) else found).add(other)
        if len(found) == several:
            break
    long = any(len(each.values) > MANY for each in made[:FEW])
    return [e for e in chains if e in found], [e for e in chains if long and e in alone]


def _is_constant(steps_of: Sequence[tuple[Node, list[Node]]]) -> bool:
    """Whether one and the same value of a chain is used at all of several steps of another."""
    used = {each for _, values in steps_of for each in values}
    return len(used) == 1 and len(steps_of) > 1 and all(values for _, values in steps_of)


def _is_moved_alone(one: Carried, other: Carried, made: Sequence[_Step]) -> bool:
    """Whether no new value of a chain goes into another's at once, which is computed of it too.

    Args:
        one: a chain.
        other: another one.
        made: the steps of the other.
    """
    if any(e in step.values for e, step in zip(one.values[1:], made, strict=False)):
        return False
    own = {*one.values}
    stop = own.union(other.values)
    return any(
        len(each.values) > MANY
        or _is_used_beside(own, each.values, stop | each.stop, each.new)
        or _is_used_elsewhere(own, stop, each)
        for each in made[:FEW]
    )


def _is_used_elsewhere(own: set[Node], stop: set[Node], step: _Step) -> bool:
    """Whether what is written into an array is computed of other places of others than its own.

    Args:
        own: the others.
        stop: what was there before.
        step: of the array.
    """
    begun = max(each.number for each in step.stop)

    def before(node: Node) -> Sequence[Node]:
        if not is_part(node):
            return node.inputs
        return operands(node) if node.number > begun and own.isdisjoint(node.inputs) else ()

    return any(
        is_part(e) and not own.isdisjoint(e.inputs) and read_places(e, alone=True) != places
        for state in takewhile(
            lambda each: each is step.new or each not in stop, states_of(step.new)
        )
        for value, places in writes_of(state)
        for e in walk([value], before)
    )


def _is_used_beside(own: set[Node], values: set[Node], stop: set[Node], new: Node) -> bool:
    """Whether a new value is computed of others, or of parts of them, otherwise than entrywise.

    Args:
        own: these.
        values: what it is made of entry by entry.
        stop: what was there before.
        new: the value.
    """
    way = walk(new.inputs, short_of(stop))
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
    """Whether the values of a chain are weights, factors of matrix products, biases or tables."""
    return any(
        user.operation in MATRIX_PRODUCTS or (user.operation in SPREADS and _is_spread(each, user))
        for each in chain.values
        for user in each.consumers
    )


def _is_direction(one: Carried, other: Carried) -> bool:
    """Whether a chain is added to another, and keeps a share of itself that no decay leaves.

    Such is that of conjugate gradients, of which a product with the gradient is the slope.
    """
    added = all(not {*ancestors(new)}.isdisjoint(one.values) for new in other.values[1:])
    shares = [kept(*each) for each in pairwise(one.values)] if added else []
    return any(abs(1 - each) > DECAYED for each in shares)


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
    """Whether a value is added to one of more entries, or more are taken out of it than it has."""
    return np.size(user.value) > np.size(node.value) > 1


def _changes(value: Node, chain: Carried, others: Sequence[Carried]) -> bool:
    """Whether another chain's first value that is made of a value is made of it by another way.

    Not by the first value of a chain that is made of it.
    """
    new = next(e for e in chain.values if e.depends_on(value))
    firsts = (next((e for e in each.values if e.depends_on(value)), new) for each in others)
    return any(not each.depends_on(new) for each in firsts)


def moved_once(nodes: Sequence[Node]) -> list[Parameter]:
    """The parameters, in the order in which they were made; none if a step has a root.

    By which rule one such step is made, it does not tell.

    Args:
        nodes: of the trace of a run in which nothing is carried on.
    """
    sums = [e for e in nodes if e.operation in ("add", "subtract") and e.frames]
    news = [group.nodes[0] for group in grouped(sums) if len(group.nodes) == 1]
    pairs = [(old, new) for new in news for old in ancestors(new) if _is_update(old, new)]
    if not pairs:
        lost = (new for new in sums[::-1] if is_lost(new))  # the first of each at last
        pairs = [*{e: new for new in lost for e in ancestors(new) if _is_update(e, new)}.items()]
    if any(has_root(*pair) for pair in pairs):
        return []
    olds = [old for old, _ in pairs]
    found = [Parameter(Carried([*pair])) for pair in pairs if olds.count(pair[0]) == 1]
    return sorted(found, key=lambda each: each.values[0].number)


def _is_update(old: Node, new: Node) -> bool:
    """Whether a statement gives the name of a given value to this and something computed of it."""
    named = any(operand_name(new, i) == written_name(new) for i in places(new, old))
    return old.function is None and named and is_moved(old, new)


def has_root(old: Node, new: Node) -> bool:
    """Whether a root is taken in an update, entry by entry, as of a mean of squares."""
    way = entrywise(new, frozenset({old}))
    return any(_is_root(each) and np.size(each.value) > 1 for each in way)


def _is_root(node: Node) -> bool:
    power = node.operation in ("power", "float_power") and scalar(node.args[1])
    return node.operation == "sqrt" or abs(power or 0.0) == 1 / 2
