"""Which of the values that a loop carries on are parameters.

Left out: how one is found (`chains.py`), and what is kept for its update (`kept_states.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from conformance.backward.groups import operation_key
from conformance.backward.source import MOVES
from conformance.script.chains import carried, roles
from conformance.script.kept_states import kept_for
from conformance.script.linear import entrywise, has_entries, is_entrywise, links
from conformance.script.rows import Carried, join
from conformance.script.running_means import is_running_mean
from conformance.tracing.node import FILLED, Node, bits_of_nodes

MARGIN = 1.1  # of a step's length, for what a program does before it uses a parameter


@dataclass(eq=False)
class Parameter:
    """A parameter of a network.

    Attributes:
        chain: its values.
        states: what is kept for its update.
    """

    chain: Carried
    states: tuple[Carried, ...] = ()

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
    chains = _owners(carried(nodes))
    chains = [each for each in chains if not passes(each)] or chains
    join(chains)
    moved = [each for each in chains if each.count]
    found = with_states(sorted(moved, key=lambda each: each.values[1].number))
    _align([each.chain for each in found])
    if cut and found:
        _skip_a_part([each.chain for each in found])
    if any(e.values[0].depends_on(each.values[0]) for each in found for e in each.states):
        _skip_first([each.chain for each in found])  # they were numbers of Python's before
    found = [each for each in found if not _is_a_mean_of_data(each, found)]
    found = [each for each in found if not _is_an_average(each, found)]
    found = [each for each in found if not _is_trained_again(each, found)]
    return sorted(found, key=lambda each: each.values[0].number)


def with_states(chains: Sequence[Carried]) -> list[Parameter]:
    """What is carried on and is kept for no other's update, with what is kept for its own."""
    kept = kept_for(chains)
    states = {other for some in kept.values() for other in some}
    return [Parameter(e, tuple(kept[e])) for e in chains if e not in states]


def _is_trained_again(one: Parameter, found: Sequence[Parameter]) -> bool:
    """Whether a parameter is used as another was, which is moved no more: it begins anew."""
    used = {*roles(one.values[0])}
    return any(
        each.values[-1].number < one.values[0].number and not used.isdisjoint(roles(each.values[0]))
        for each in found
    )


def _is_a_mean_of_data(one: Parameter, found: Sequence[Parameter]) -> bool:
    """Whether a parameter is a running mean, and none of others; they may be moved by it."""
    others = [each for each in found if each is not one]
    apart = not any(one.values[-1].depends_on(each.values[0]) for each in others)
    return bool(others) and apart and all(is_running_mean(*each) for each in pairwise(one.values))


def _is_an_average(one: Parameter, found: Sequence[Parameter]) -> bool:
    """Whether a parameter is an average of others: none is made of it, or it has no gradient."""
    others = [each for each in found if each is not one]
    if is_mixed(one, others):
        return True  # such as the copy by which Q-learning computes its targets
    of_others = any(one.values[-1].depends_on(each.values[0]) for each in others)
    in_others = any(each.values[-1].depends_on(one.values[0]) for each in others)
    if any(_adds_of_itself(*each) for each in pairwise(one.values)):
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


def _adds_of_itself(old: Node, new: Node) -> bool:
    """Whether what is added to a value was computed from this value, as a gradient is."""
    stop = frozenset({old})
    return any(e.depends_on(old) and _is_computed(e, stop) for e in entrywise(new, stop))


def _is_computed(node: Node, stop: frozenset[Node]) -> bool:
    """Whether a value is computed of several entries at once, as a gradient is."""
    known = node in stop or node.function is None
    return not known and not is_entrywise(node)


def _align(chains: Sequence[Carried]) -> None:
    """Let all begin at the same update, where some were numbers of Python's before the first."""
    late = [each.values[0] for each in chains if _is_begun_late(*each.values[:2])]
    if late:
        start = late[0].number
        for each in chains:
            nearest = min(each.values, key=lambda e: abs(e.number - start))
            if each.values[0] not in late and nearest is not each.values[-1]:
                del each.values[: each.values.index(nearest)]


def _is_begun_late(first: Node, second: Node) -> bool:
    """Whether the first value that is known was itself made by an update, perhaps unseen."""
    if operation_key(first) == operation_key(second):
        return True
    return first.function is None and bool(first.frames) and first.frames[:1] == second.frames[:1]


def _skip_a_part(chains: Sequence[Carried]) -> None:
    """Let all begin after the first step, a part of which may be forgotten, unless it is all."""
    seconds = [each.values[1] for each in chains]
    for each, second in zip(chains, seconds, strict=True):
        earlier = any(e is not second and e.depends_on(second) for e in seconds)
        if earlier and each.count > 1:
            del each.values[0]
    _skip_first(chains)


def _skip_first(chains: Sequence[Carried]) -> None:
    """Let all begin after the first step, unless it is all."""
    if all(each.count > 1 for each in chains):
        for each in chains:
            del each.values[0]


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
    most = max(each.chain.count for each in found)
    often = [each for each in found if 2 * each.chain.count >= most]
    first = min(e.number for each in often for e in each.values[0].consumers)
    last = max(each.values[-1].number for each in often)
    more = max(updates - each.chain.count + each.chain.open for each in often)
    return last + int(MARGIN * more * (last - first + 1) / most) + 1
