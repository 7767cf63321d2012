"""The rules by which parameters are known to be moved, held to all updates of one parameter.

What is kept is held to the gradients, and the steps to what is kept, by their numbers alone, so it
does not matter how a rule is written. Left out: Adam and its like (`adaptive.py`).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from conformance.script.adaptive import adaptive
from conformance.script.linear import (
    SAME_FACTOR,
    ancestors,
    entrywise,
    kept,
    links,
    read_forward,
    way,
)
from conformance.script.moments import Mistake, Moment, arithmetic, is_square, moment_of, multiple
from conformance.script.multiples import SUMS, decay, shrinking
from conformance.script.quotients import Steps, by_signs
from conformance.script.readings import Given, Reading, readings
from conformance.script.rows import Carried
from conformance.script.update import Update
from conformance.script_outcome import Rule
from conformance.tracing.node import Node
from reference.step import Array

ENOUGH = 3  # updates that tell one rule from the others


@dataclass(frozen=True)
class Known:
    """What is known of how one parameter is moved.

    Attributes:
        rule: that it is; `other` if it is none that is known, `unknown` if too little tells.
        mistakes: that make it another one than a rule that is known.
    """

    rule: Rule
    mistakes: tuple[Mistake, ...] = ()


OTHER, UNKNOWN = Known(Rule("other")), Known(Rule("unknown"))


def known(updates: Sequence[Update], factor: float = 1.0, place: tuple[int, int] = (1, 1)) -> Known:
    """How one parameter is moved.

    Args:
        updates: of it, one after another.
        factor: of the arrays by which it is moved beside the gradients of the cost.
        place: of it among all parameters, from 1, and how many there are.
    """
    first = updates[0]
    if any(not each.options for each in updates):
        return UNKNOWN
    if first.signed is not None:
        signs = (Known(*by_signs(updates, each.gradients)) for each in histories(updates))
        return _likeliest(signs)
    grown = tuple(_not_shrinking(first))
    if not first.states and not first.adaptive:
        eta = abs(first.options[first.own][1])
        rule = Rule("plain", (("η", eta * factor), *decay(first, eta * factor)))
        return Known(rule, (*grown, *_number(updates)))
    best = _likeliest(each.known(factor) for each in histories(updates, place))
    if best == OTHER and not all(np.any(made.options[made.own][0].value) for made in updates):
        best = UNKNOWN  # a gradient that is 0 everywhere tells nothing
    eta = dict(best.rule.numbers).get("η", 0.0)
    rule = replace(best.rule, numbers=(*best.rule.numbers, *decay(first, eta)))
    return Known(rule, (*best.mistakes, *grown))


def _number(updates: Sequence[Update]) -> Iterator[Mistake]:
    """The number that each update adds to each entry beside a gradient, as one that it forgets."""
    sums = [dict(_numbers_added(each)) for each in updates]
    if sums[0] and all([*each.values()] == [*sums[0].values()] for each in sums):
        yield from (Mistake("number", node, (number,)) for node, number in sums[0].items())


def _numbers_added(made: Update) -> Iterator[tuple[Node, float]]:
    """The sums of a parameter and a number on the way to its new value, each with the number."""
    for node in way(made.old, made.new, ancestors(made.new))[1:]:
        numbers = [e for e in node.args if isinstance(e, int | float) and e]
        yield from ((node, e) for e in numbers if node.operation in ("add", "subtract"))


def _not_shrinking(made: Update) -> Iterator[Mistake]:
    """Where a parameter grows by a multiple of itself, or is itself subtracted.

    The gradient of a single number may be a multiple of it, any number of times.
    """
    share = shrinking(made)
    if share < 0:
        yield Mistake("growth", _growing(made))
    elif _is_taken_off(made) or (
        share > 1 and (np.size(made.old.value) > 1 or _times(made) == -1.0)
    ):
        yield Mistake("turned", made.new)


def _times(made: Update) -> float:
    """How many times the old value is in the new one, by the shortest way."""
    steps = pairwise(way(made.old, made.new, ancestors(made.new)))
    return math.prod(dict(links(new)).get(old, 1.0) for old, new in steps)


def _is_taken_off(made: Update) -> bool:
    """Whether what is taken off a parameter has the whole parameter in it: w −= w − η g."""
    inner = made.new.operation == "subtract" and made.old in made.new.args[:1]
    return inner and abs(kept(made.old, made.new)) <= SAME_FACTOR


def _growing(made: Update) -> Node:
    """Where a multiple of the parameter is added: to what is kept of gradients, or to itself."""
    old = frozenset({made.old})
    grown = (e for e in ancestors(made.new) if e not in old and kept(made.old, e) > 1)
    itself = min(grown, key=lambda each: each.number, default=made.new)
    return next((new for _, new in made.states if made.old in entrywise(new, old)), itself)


def _likeliest(found: Iterable[Known]) -> Known:
    """The first of the least doubtful; those after one without a doubt are not searched for."""
    seen: list[Known] = []
    for each in found:
        if not _doubt(each):
            return each
        seen.append(each)
    return min(seen, key=_doubt, default=OTHER)


def _doubt(one: Known) -> int:
    """A rule comes before a mistake, and a mistake before nothing.

    That another share is added is said last: the gradient may be a multiple of this one. If all
    tell nothing, the first reading tells whether it is too little that is known.
    """
    if one.rule.kind not in ("other", "unknown"):
        return 0
    return 1 + any(each.kind == "share" for each in one.mistakes) if one.mistakes else 3


@dataclass(frozen=True)
class History:
    """The updates of one parameter, as those by one array of each.

    Attributes:
        updates: of it.
        gradients: of which of its arrays each update is taken to be one.
        place: of the parameter among all, from 1, and how many there are.
        share: how many times these gradients are in what the updates themselves multiply.
    """

    updates: Sequence[Update]
    gradients: Sequence[Node]
    place: tuple[int, int] = (1, 1)
    share: float = 1.0

    @property
    def taken(self) -> list[Array]:
        """What each update takes off, beside a decay."""
        return [
            (1 - each.decay) * np.asarray(each.old.value) - np.asarray(each.new.value)
            for each in self.updates
        ]

    @property
    def late(self) -> tuple[list[Node], list[Node]] | None:
        """What is kept and written after it was used, if there is one such; see `Given`."""
        for chain in self.updates[0].parameter.states:
            read = [_read_late(chain, made) for made in self.updates]
            olds = [each for each in read if each is not None]
            if len(olds) == len(read):
                following = dict(pairwise(chain.values))
                return olds, [following[e] for e in olds if e in following]
        return None

    def moments(self) -> list[Moment]:
        """What is kept; nothing if it is not the same at all updates."""
        found = []
        for chain in dict.fromkeys(e for made in self.updates for e in made.parameter.states):
            of_all = [[e for e in made.states if e[1] in chain.values] for made in self.updates]
            rows = zip(self.updates, of_all, strict=True)
            if not any(_is_own(made, new) for made, pairs in rows for _, new in pairs):
                continue  # a sum on the way to what is kept, or what is written after its use
            if not all(of_all):
                return []
            latest = [max(each, key=lambda e: e[1].number) for each in of_all]
            found.append(moment_of(latest, self.updates, self.gradients))
        return found

    def known(self, factor: float) -> Known:
        """How the parameter is moved; see `known`."""
        moments, adaptive = self.moments(), self.updates[0].adaptive
        wrong = tuple(_wrong_powers(self, moments)) if adaptive else ()
        if wrong:
            return Known(Rule("other"), wrong)
        if not (moments or self.late) or not self.is_arithmetic():
            return OTHER
        if not adaptive:
            one = len(moments) == 1
            return self.momentum(moments[0], factor * self.share) if one else OTHER
        begun = any(np.any(e.olds[0].value) for e in moments if e.rate < 1)
        arrays = list(map(_array, self.gradients))
        given = Given(self.updates, arrays, self.taken, self.late, int(begun))
        return _likeliest(self.adaptive(each) for each in readings(given, moments))

    def is_arithmetic(self) -> bool:
        """Whether no step does anything else than to add, multiply, divide and take roots."""
        return all(
            arithmetic(
                each.new,
                frozenset({each.old, *each.parts_of(g), *(new for _, new in each.states)}),
            )
            for each, g in zip(self.updates, self.gradients, strict=True)
        )

    def adaptive(self, reading: Reading) -> Known:
        """Adam and its like."""
        tops = self.gradients if reading.mean is None else reading.mean.news
        given = tops, reading.square.news, reading.tops, reading.seconds
        steps = Steps(self.updates, *given, self.taken)
        found = adaptive(steps, reading, self.place)
        if found is None or (found.mistakes and len(self.updates) < ENOUGH):
            wrong = reading.mistakes if len(self.updates) >= ENOUGH else ()
            return Known(Rule("other"), wrong) if wrong else UNKNOWN
        return Known(found.rule, found.mistakes)

    def momentum(self, moment: Moment, factor: float) -> Known:
        """Gradient descent with momentum, that of Nesterov or the usual one."""
        if moment.rate < 0 and moment.power == 1:
            return Known(Rule("other"), (Mistake("minus", moment.news[0], (moment.rate,)),))
        decaying = None if moment.is_mean else moment.with_decay(self.updates, self.gradients)
        if decaying is None and (not moment.is_mean or moment.power != 1):
            first = self.updates[0]  # of a single number any decay is a multiple of the gradient
            return UNKNOWN if first.decay and np.size(first.old.value) == 1 else OTHER
        gradients, taken = [_array(each) for each in self.gradients], self.taken
        if decaying is not None:
            moment, gradients = decaying
            taken = [_array(each.old) - _array(each.new) for each in self.updates]
        rows = [*zip(moment.news, gradients, taken, strict=True)]
        for kind, before, beside in (
            ("momentum", 1.0, 0.0),
            ("nesterov", moment.rate, moment.share),
        ):
            times = [multiple(e, before * _array(v) + beside * g) for v, g, e in rows]
            if all(each is not None for each in times):
                behind = tuple(Mistake("behind", each) for each in self.behind(moment))
                eta = abs((times[0] or 0.0) * moment.share) * factor
                rule = Rule("other") if behind else Rule(kind, (("η", eta), ("μ", moment.rate)))
                return Known(rule, behind[:1])
        return OTHER

    def behind(self, moment: Moment) -> Iterator[Node]:
        """Where the forward pass reads the parameter moved against its velocity, and not along."""
        for made, velocity in zip(self.updates, moment.olds, strict=True):
            along, own = kept(velocity, made.new), frozenset({made.old})
            yield from (e for e in read_forward(made.old) if kept(velocity, e, own) * along < 0)


def _read_late(chain: Carried, made: Update) -> Node | None:
    """What an update finds of what is kept, if what it writes there itself does not move it."""
    own = [each for each in chain.values if _is_own(made, each)]
    before = [e for e in chain.values if e not in own and e.number < made.new.number]
    return None if any(map(made.new.depends_on, own)) else [None, *before][-1]


def _is_own(made: Update, state: Node) -> bool:
    """Whether what is kept was made of the gradient of an update."""
    return state.depends_on(made.old)


def _array(node: Node) -> Array:
    return np.asarray(node.value)


def _wrong_powers(history: History, moments: Sequence[Moment]) -> Iterator[Mistake]:
    """The means that are not those of the gradient, or of its square, where they have to be."""
    under = [each for each in moments if each.is_under_root(history.updates)]
    rest = [each for each in moments if each not in under]
    others = [each.power for each in rest]
    powers = [each.power for each in under if each.power or not others]
    squared = is_square(history.gradients[0])
    if powers == [1] and squared and others == [1]:  # what both keep is a square
        yield Mistake("square", rest[0].news[0])
    elif powers == [1] and not squared and set(others) <= {1}:
        yield Mistake("no square", _mixed(history.updates[0], under[0].news[0]))
    elif powers == others == [2]:
        yield Mistake("square", rest[0].news[0])


def _mixed(made: Update, state: Node) -> Node:
    """What a state is mixed with something else of the gradient in, for an update; else it."""
    between = entrywise(made.new, frozenset({made.old, state}))
    sums = (e for e in between - {state} if e.operation in SUMS and kept(state, e))
    return min(sums, key=lambda each: each.number, default=state)


def histories(updates: Sequence[Update], place: tuple[int, int] = (1, 1)) -> Iterator[History]:
    """The updates by the arrays that they themselves multiply, then by each that these are of."""
    own = [each.options[each.own] for each in updates]
    several = min(len(each.options) for each in updates)
    rest = [[each.options[-i] for each in updates] for i in range(several, 0, -1)]
    for chosen in (own, *(each for each in rest if each != own)):
        share = abs(own[0][1] / chosen[0][1])
        yield History(updates, [node for node, _ in chosen], place, share)


def of_others(of_all: Sequence[Sequence[Update]], at: int) -> Iterator[tuple[int, Node]]:
    """What one parameter keeps of the gradients of others alone, each with which other it is.

    Args:
        of_all: the updates of each parameter.
        at: which of them it is.
    """
    if any(not made.options for updates in of_all for made in updates):
        return
    firsts = [next(histories(each)) for each in of_all]
    own = firsts[at].gradients[0]
    for each in firsts[at].moments():
        made = each.news[0].uses & ~each.olds[0].uses
        uses_own = any(made >> e.number & 1 for e in of_all[at][0].parts_of(own))
        if each.power or uses_own or each.news[0].value.shape != own.value.shape:
            continue
        for j, other in enumerate(firsts):
            if j != at and made >> other.gradients[0].number & 1:
                yield j, each.news[0]
