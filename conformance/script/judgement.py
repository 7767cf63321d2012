"""An update that is judged, and whether the factors of several agree.

Updates of one sample each may go up or down by a number of the sample, such as its reward: by a
known cost alone those of negative rewards are negated. Left out: judging it (`judge_updates.py`).
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import pairwise
from operator import and_
from typing import Any

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import Accused, Cause, Examined, Line
from conformance.backward.loss_numbers import Fit
from conformance.backward.recorded_pass import NotAGradientError, OwnPass
from conformance.backward.skipped import skips
from conformance.backward.source import (
    is_float,
    is_literal,
    line_of,
    lines_of,
    operand_name,
    places,
)
from conformance.backward.stated_loss import disagreeing
from conformance.backward.syntax import assigned
from conformance.script.linear import alike, is_of_numbers, links, scalar
from conformance.script.multiples import PRODUCTS
from conformance.script.update import Multiple, Update, others_in, row_ways
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, bits_of_nodes, is_part, states_of
from conformance.tracing.trace import Trace
from reference.step import Array

Place = tuple[object, int, int]
"""The line of a product, which of those on it, and which of its operands."""


@dataclass(frozen=True, eq=False)
class ToJudge:
    """An update of all parameters that is to be judged.

    Attributes:
        trace: of the run.
        updates: of each parameter.
        cost: the name of the cost to judge by; None if any will do.
        held: operations, each with an operand that is held constant in it.
        beside: the values of other parameters, with their names.
        shared: whether a loss depends on all of the parameters.
        quick: whether it is only of interest if all gradients are right.
        loss: of another update that is right by it.
    """

    trace: Trace
    updates: Sequence[Update]
    cost: str | None = None
    held: Collection[tuple[Node, Node]] = ()
    beside: Mapping[Node, str] = field(default_factory=dict)
    shared: bool = True
    quick: bool = False
    loss: Node | None = None

    @property
    def olds(self) -> dict[Node, str]:
        """The values of the parameters before, with their names."""
        return {each.old: each.name for each in self.updates}


@dataclass(frozen=True, eq=False)
class Judgement:
    """An update of all parameters.

    Attributes:
        updates: of each parameter.
        examined: its gradients.
        own_loss: whether they were judged by the program's own loss.
        whole: whether each was judged as what the update moves, with its factors.
        factor: how many times the gradients are added to most parameters.
        chosen: the arrays that were judged, and how many times each is added.
        factors: the factor of each parameter, if they follow several losses.
        parts: those of each loss, if there are several.
        altered: whether what is added is no multiple of these, which are within it.
        mixed: whether it mixes the entries of each of these, and goes down it.
        rated: whether what is added is that, with a rate of its own for each entry.
        loss: the program's own by which it was judged.
        downhill: whether the loss is a number that has to grow, and the gradients go down it.
        search: judges the same again and looks for the line to blame; None if that is done.
    """

    updates: tuple[Update, ...]
    examined: Examined
    own_loss: bool
    whole: bool
    factor: float = -1.0
    chosen: tuple[Multiple, ...] = ()
    factors: tuple[float, ...] = ()
    parts: "tuple[Judgement, ...]" = ()
    altered: bool = False
    mixed: bool = False
    rated: bool = False
    loss: Node | None = None
    downhill: bool = False
    search: Callable[..., Examined] | None = None

    def searched(self) -> "Judgement":
        """The judgement with the line to blame."""
        return (
            self
            if self.search is None
            else replace(self, examined=self.search(blame=True), search=None)
        )

    @property
    def times(self) -> float | None:
        """By what number the gradients are those of a known cost or the program's; None if not."""
        turned = any(each.cause.kind == "negated" for each in self.examined.accused)
        if self.examined.cost == "unknown" or not (self.ok or turned):
            return None
        return self.examined.factor if self.ok else -self.examined.factor

    @property
    def is_told_by_others(self) -> bool:
        """Whether other updates tell more: a single error is any other's multiple, as a reward."""
        return self.ok or self.times is not None

    @property
    def number(self) -> int:
        """Which update it is, from 1."""
        return self.updates[0].number

    @property
    def moved(self) -> list[tuple[Node, Node]]:
        """The parameters before and after."""
        return [(each.old, each.new) for each in self.updates]

    @property
    def given(self) -> int:
        """The old parameters, as bits."""
        return bits_of_nodes(each.old for each in self.updates)

    @property
    def right(self) -> int:
        """How many gradients are right."""
        return sum(each.ok for each in self.examined.gradients)

    @property
    def certain(self) -> int:
        """How many of several numbers are right: one number alone may be so by chance."""
        return sum(each.ok and math.prod(each.expected) > 1 for each in self.examined.gradients)

    @property
    def ok(self) -> bool:
        """Whether all gradients are right."""
        return all(each.ok for each in self.examined.gradients)

    @property
    def is_settled(self) -> bool:
        """Whether all gradients are right, or would be by pairs of an output and its own target."""
        return self.ok or any(each.cause.kind == "crossed" for each in self.examined.accused)

    def has_right_beside(self, other: "Judgement") -> bool:
        """Whether a gradient is right that is wrong by another judgement."""
        wrong = {each.name for each in other.examined.gradients if not each.ok}
        return any(each.ok and each.name in wrong for each in self.examined.gradients)

    def instead(
        self, step: OwnPass, numbers: Sequence[Node], called: Sequence[Node], others: Sequence[Node]
    ) -> Node | None:
        """The number that decides in the place of the known costs; None if they do.

        Args:
            step: the update.
            numbers: what may be its loss, if no known cost has its output error.
            called: those that the program calls its loss.
            others: those of some parameters alone.
        """
        unsure = numbers or (called and self.ok)
        told = disagreeing(step, numbers, called, others) if unsure else None
        skipping = called and not self.ok and skips(replace(step, loss=called[-1]))
        return called[-1] if told is None and skipping else told


def likeliest_first(
    tried: Sequence[tuple[Sequence[Multiple], float]], fits: Sequence[Fit | None], count: int
) -> list[int]:
    """In which order the readings of an update are judged.

    Those of which a number fits all gradients come first, the nearest to it in size before others.

    Args:
        tried: the arrays by which the parameters are moved, the likeliest first, with a factor.
        fits: the numbers that fit some of their gradients.
        count: how many gradients there are.
    """
    whole = [(i, each.factor) for i, each in enumerate(fits) if each and each.count == count]
    sizes = {i: round(abs(np.log(factor)), 6) for i, factor in whole}
    likely = [i for i, (chosen, _) in enumerate(tried) if chosen is tried[0][0]]
    likely.sort(key=lambda i: 0 if (fit := fits[i]) is None else -fit.count)
    if all((fit := fits[i]) is None or fit.count == 1 for i in likely):  # by chance, but for 1
        plain = (i for i, fit in enumerate(fits) if fit is not None and alike(fit.factor, 1.0))
        likely = [*dict.fromkeys((*plain, *likely))]
    return sorted(sizes, key=lambda i: (sizes[i], i)) or likely


def by_cost_alone(made: Callable[..., Judgement], *, known: bool) -> Judgement | None:
    """The judgement that all gradients are right, whatever is printed; None if that is not so.

    Args:
        made: judges them.
        known: whether by a known cost, or by output errors of the program's own.
    """
    with suppress(NotAGradientError):
        found = made(None, quick=True)
        return found if found.ok and (found.examined.cost != "unknown") is known else None
    return None


def has_single_error(trace: Trace, moved: Sequence[tuple[Node, Node]]) -> bool:
    """Whether all gradients were computed from one number that depends on the parameters.

    What they have in common is computed from the parameters through it alone: no such number is
    the sum that a softmax divides by.

    Args:
        trace: of the run.
        moved: the parameters before and after an update.
    """
    common, given = _in_common(moved)
    own = [e for e in trace.nodes if common >> e.number & 1 and e.uses & given]
    own = [e for e in own if all(e is not new for _, new in moved)]

    def is_through(node: Node, number: Node) -> bool:
        return all(e is number or e.depends_on(number) for e in node.inputs if e.uses & given)

    def after(i: int) -> Iterator[Node]:
        return (own[j] for j in range(i + 1, len(own)))

    return any(
        np.size(each.value) == 1
        and is_float(each)
        and all(is_through(e, each) for e in after(i) if e.depends_on(each))
        for i, each in reversed([*enumerate(own)])
    )


def _decaying(judgement: Judgement) -> float:
    """The product of the numbers in what moves a parameter, such as a rate that decays."""
    chosen = [node for node, _ in judgement.chosen]
    steps = chosen or (node for made in judgement.updates for node in _added_to_parts(made))
    rates = (_numbers_in(node, judgement.given) for node in steps)
    return next((each for each in rates if each not in (0.0, 1.0)), 1.0)


def _added_to_parts(made: Update) -> Iterator[Node]:
    """What is added to the parts of a parameter that are moved one by one."""
    states = states_of(made.new)
    for way, _ in (each for state in states for each in row_ways(state, {made.old, *states})):
        for below, whole in pairwise(way):
            yield from (node for node, _ in others_in(whole, below))


def _numbers_in(node: Any, given: int) -> float:
    """The product of the numbers by which a value is multiplied that nothing given is in."""
    if type(node) is not Node or not node.uses & given:
        known = type(node) is not Node or is_of_numbers(node)
        number = scalar(node) if known else None
        return 1.0 if number is None else number
    factors = node.args[:2] if node.operation in PRODUCTS else ()
    return math.prod(_numbers_in(each, given) for each in factors)


def _in_common(moved: Sequence[tuple[Node, Node]]) -> tuple[int, int]:
    """What all updates have been computed from at this step, and the old parameters, as bits."""
    common = reduce(and_, (new.uses & ~old.uses for old, new in moved))
    return common, bits_of_nodes(old for old, _ in moved)


def uneven_error(judgement: Judgement) -> Judgement:
    """The judgement of gradients that are those of a known cost times another number each update.

    It is the output error that is wrong, of a single output: such a one is any other's multiple.
    """
    gradients = tuple(replace(each, ok=False) for each in judgement.examined.gradients)
    names = tuple(each.name for each in gradients)
    blamed = Accused(names, _error_lines(judgement), Cause("output"), mends=False)
    examined = replace(judgement.examined, gradients=gradients, accused=(blamed,))
    return replace(judgement, examined=examined, search=None)


def _error_lines(judgement: Judgement) -> tuple[Line, ...]:
    """The line that computes the error of an output.

    First that which gives it the name by which it is used below, if one does.
    """
    last = _error(judgement)
    if last is None:
        return ()
    news = [each.new for each in judgement.updates]
    users = [e for e in last.consumers if any(new.depends_on(e) for new in news)]
    named = [_renaming(each, last) for each in users]
    return tuple(dict.fromkeys((*filter(None, named), *lines_of(last))))


def _error(judgement: Judgement) -> Node | None:
    """The last single number that all updates were computed from, without numbers beside it."""
    common, given = _in_common(judgement.moved)

    def is_error(node: Node) -> bool:
        return bool(common >> node.number & 1) and np.size(node.value) == 1

    def further(node: Node) -> list[Node]:
        return [] if is_error(node) else [e for e in node.inputs if e.uses & given]

    way = walk((each.new for each in judgement.updates), further)
    made = (_without_numbers(each, given) for each in way if is_error(each))
    return max(made, key=lambda each: each.number, default=None)


def has_no_target(judgement: Judgement) -> bool:
    """Whether the error is computed of an output and of numbers alone that stand in the source.

    Such is that of a cost which only tells that an output should be large, as of preferences. The
    output is the first number through which alone the error depends on the parameters.
    """
    error, (_, given) = _error(judgement), _in_common(judgement.moved)
    olds = {old for old, _ in judgement.moved}

    def further(node: Node) -> list[Node]:
        return [] if node in olds else [e for e in node.inputs if e.uses & given]

    way = [] if error is None else [*walk([error], further)]
    at, first = 0, math.inf
    for i, node in enumerate(way):
        at = i if node.number <= first and np.size(node.value) == 1 else at
        below = [each.number for each in further(node)]
        first = min(first, *below) if below else -1  # nothing leads past an old value
    operands = ((node, i, e) for node in way[:at] for i, e in enumerate(node.args))
    others = ((node, i) for node, i, e in operands if type(e) is not Node or not e.uses & given)
    return at > 0 and all(is_literal(*each) for each in others)


def _renaming(user: Node, value: Node) -> Line | None:
    """The line that gives a value the name under which an operation uses it."""
    place, line = next(places(user, value), None), line_of(user)
    name = "" if place is None else operand_name(user, place)
    return None if line is None or not name else assigned(name, line, alias=True)


def _without_numbers(node: Node, given: int) -> Node:
    """A value before it is written and read, and multiplied by numbers that nothing given is in."""
    scaled = node.operation in PRODUCTS or is_part(node)
    ways = [e for e in links(node) if e[0].uses & given] if scaled else []
    return _without_numbers(ways[0][0], given) if len(ways) == 1 else node


def _multiple_of(loss: Node | None) -> float:
    """How many times a loss has a number that is no multiple of another; 1 without a loss.

    At one update the loss may be a number, and its multiple, or the total with it, at another.
    """
    factor = 1.0
    while loss is not None:
        terms = [e for e in links(loss) if any(one.given for one in walk(e[:1]))]
        loss, by = terms[0] if len(terms) == 1 else (None, 1.0)
        factor *= by
    return factor


def even(trace: Trace, results: Sequence[Judgement]) -> bool:
    """Whether gradients that are right are those of one cost, by one factor, at all updates."""
    told = [each for each in results if each.times is not None and not each.own_loss]
    if len({each.examined.cost.removeprefix("weighted ") for each in told}) > 1:
        return False
    for own in (True, False):
        free = [e for e in results if e.own_loss is own and e.times is not None]
        single = [each for each in free if has_single_error(trace, each.moved)]
        if free and single == free:  # else it is no chance
            means = np.array([(each.times or 0.0) * _multiple_of(each.loss) for each in free])
            sums = means / np.array([each.examined.samples for each in free])
            steps = np.array([each.factor for each in free])
            factors = [means, sums, means * steps, sums * steps]
            rates = [np.array([*map(_decaying, free)]), *_numbers_of_all(trace, free, data=False)]
            factors += [each / rate for each in factors for rate in rates]
            same = (np.ptp(each) <= HALF_OF_THE_DIGITS * abs(each[0]) for each in factors)
            if not any(same):
                return False
    return True


def weighted(trace: Trace, results: Sequence[Judgement]) -> list[Judgement]:
    """The judgements; right is what is negated only where a number of the sample is negative.

    The gradients are those of a known cost times that number and a positive one, which is the same
    at all updates. A single error is a multiple of any other, and so tells nothing.
    """
    free = [each for each in results if not each.own_loss]  # by a number that fits, one tells less
    times = [each.times for each in free if each.times is not None]
    if len(times) < max(len(free), 2) or min(times) > 0:
        return [*results]
    steps = [abs(each.chosen[0][1]) if each.chosen else 1.0 for each in free]
    factors = np.array(times) * np.array(steps)
    for weights in _numbers_of_all(trace, free, data=True):
        if np.ptp(weights):
            ratios = factors / weights
            if ratios[0] > 0 and np.ptp(ratios) <= HALF_OF_THE_DIGITS * ratios[0]:
                if any(has_single_error(trace, each.moved) for each in free):
                    return [*results]
                return [_right(each) if each in free else each for each in results]
    return [*results]


def _right(judgement: Judgement) -> Judgement:
    found = judgement.examined
    gradients = tuple(replace(each, ok=True) for each in found.gradients)
    cost = f"weighted {found.cost.removeprefix('weighted ')}"
    examined = replace(found, gradients=gradients, accused=(), cost=cost)
    return replace(judgement, examined=examined, search=None)


def _numbers_of_all(trace: Trace, results: Sequence[Judgement], *, data: bool) -> Iterator[Array]:
    """The numbers other than 0 by which all updates are multiplied at one place, for each place.

    With those of the data, such as a reward, or without: a target is no rate.
    """
    numbers = [dict(_numbers(trace, each, data=data)) for each in results]
    for place in numbers[0]:
        found = np.array([each.get(place, 0.0) for each in numbers])
        if np.all(found):
            yield found


def _numbers(trace: Trace, judgement: Judgement, *, data: bool) -> Iterator[tuple[Place, float]]:
    """The numbers by which what depends on the parameters is multiplied, on the way to the new."""
    made, seen = judgement.updates[0], dict[object, int]()
    given = judgement.given
    for node in trace.nodes[made.old.number : made.new.number]:
        if node.operation == "multiply" and made.new.depends_on(node) and node.uses & given:
            key = node.frames[:1]
            seen[key] = seen.get(key, 0) + 1
            for i, each in enumerate(node.args):
                free = type(each) is not Node or not each.uses & given
                free = free and (data or type(each) is not Node or is_of_numbers(each))
                value = each.value if type(each) is Node else each
                if free and np.size(value) == 1:
                    yield (key, seen[key], i), float(np.ravel(value)[0])
