"""An update judged by several losses of the program's own, each for some of the parameters.

An actor follows the log-likelihood of its actions and its critic the error of its values, in one
step. A GAN moves the parameters of one network, goes forward again, and moves those of the other.
Left out: one update by one loss (`judge_updates.py`).
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from conformance.backward.costs import times
from conformance.backward.culprit import right_beside
from conformance.backward.findings import by_one_line
from conformance.backward.loss_names import is_named
from conformance.backward.loss_numbers import Fit, fits_of_each
from conformance.backward.recorded_pass import Goal, NotAGradientError
from conformance.script.held_targets import learned, targets
from conformance.script.judge_updates import Unjudged, judged
from conformance.script.judgement import Judgement, ToJudge
from conformance.script.linear import alike
from conformance.script.multiples import is_convention, usual
from conformance.script.update import Update
from conformance.script.update_step import Step
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, bits_of_nodes, uses_of_nodes


class Group(NamedTuple):
    """Parameters that follow one loss.

    Attributes:
        updates: of these.
        fit: the number that it is, how many are right by it, and its factor; None if not known.
    """

    updates: list[Update]
    fit: Fit | None = None


def by_several(asked: ToJudge, made: Judgement | None = None) -> Judgement | None:
    """The judgement of an update by several losses of the program's own, each for some parameters.

    None if there are none: if that does not show that all gradients are right, or more than are by
    one loss, and the program does not go forward again before it moves other parameters.

    Args:
        asked: the update.
        made: the judgement by one loss.
    """
    if len(asked.updates) == 1:
        return None
    turns, now = in_turn(asked.updates), asked.olds
    parts: list[tuple[list[Update], Judgement]] = []
    moved: set[Node] = set()
    again = len(turns) > 1
    for turn in turns:
        own = {each.old for each in turn}
        beside = {node: name for node, name in now.items() if node not in own}
        part = replace(asked, updates=turn, beside=beside, loss=None)
        again = again and (not moved or _goes_forward(part, moved))
        groups = _side_by_side(part)
        if len(turns) == len(groups) == 1:
            return None
        for group in groups:
            others = {each.old: each.name for each in turn if each not in group.updates}
            found = _judged(replace(part, updates=group.updates, beside=beside | others), group.fit)
            if found is None or (asked.quick and not found.ok):
                return None
            parts.append((group.updates, found))
        moved |= {each.new for each in turn}
        now = beside | {each.new: each.name for each in turn}
    right = sum(found.right for _, found in parts)
    sure = again or right == len(asked.updates) or (made is not None and right > made.right)
    if len(parts) < len(("one", "other")) or not sure:
        return None
    with right_beside([*_made_for_right(asked, [found for _, found in parts])]):
        return _together(asked.updates, [(group, found.searched()) for group, found in parts])


def _made_for_right(asked: ToJudge, parts: Sequence[Judgement]) -> Iterator[Node]:
    """What right gradients are made of in the step."""
    moved = {node for each in asked.updates for node in (each.old, each.new)}
    gradients = [node for found in parts if found.ok for node, _ in found.chosen]
    yield from walk(gradients, lambda each: [e for e in each.inputs if e not in moved])


def _goes_forward(asked: ToJudge, moved: Collection[Node]) -> bool:
    """Whether a number was computed from parameters that are moved and others that are not yet.

    What is made of the others through those alone belongs to the next step.
    """
    later, olds = bits_of_nodes(moved), {*asked.olds}

    def is_of_both(number: Node) -> bool:
        way = walk([number], lambda each: [] if each in moved else each.inputs)
        return bool(number.uses & later) and not olds.isdisjoint(way)

    numbers = Unjudged(ToJudge(asked.trace, asked.updates)).losses
    return any(is_of_both(each) for each in numbers if each not in moved)


def in_turn(updates: Sequence[Update]) -> list[list[Update]]:
    """The updates in the order of time, those together of which none waits for another.

    One waits for another if it is computed from what that one has made.
    """
    turns: list[list[Update]] = []
    for each in sorted(updates, key=lambda e: e.new.number):
        before = bits_of_nodes(e.new for e in turns[-1]) if turns else 0
        if not turns or uses_of_nodes([each.new]) & before:
            turns.append([])
        turns[-1].append(each)
    return turns


def _side_by_side(asked: ToJudge) -> list[Group]:
    """The parameters of a turn, those of one loss together, with that loss if it is known."""
    turn, apart = [*asked.updates], _unconnected(asked)
    if len(apart) > 1 or any(not each.options for each in turn):
        return [Group(group) for group in apart]
    step, part, goals = _as_read(asked)
    losses = {part.of[each]: each for each in step.losses}
    fits = fits_of_each(part.trace, [*losses], goals)
    told: dict[Node, Fit] = {}
    groups: dict[Node, list[Update]] = {}
    rest: list[tuple[Update, Goal, list[Fit]]] = []
    for made, goal, each in zip(turn, goals, fits, strict=True):
        own = [fit for fit in each if fit.loss in losses]
        known = [fit for fit in own if _is_usual(fit.factor, part)]
        if known:
            best = min(known, key=lambda e: (not alike(e.factor, 1.0), -e.loss.number))
            groups.setdefault(best.loss, []).append(made)
            told[best.loss] = replace(told.get(best.loss, best), count=len(groups[best.loss]))
        else:
            rest.append((made, goal, own))
    alone, wrong = _at_own_rates(rest, groups)
    if not (told or alone) or (asked.quick and wrong):
        return [Group(turn)]
    given = bits_of_nodes(each.parameter for each in goals)
    for made, parameter in wrong:
        loss = _narrowest(parameter, [*losses], told, given)
        if loss is None:
            return [Group(turn)]
        groups.setdefault(loss, []).append(made)
    found = [(group, told.get(loss, Fit(loss, 0, 1.0))) for loss, group in groups.items()]
    return [Group(some, replace(fit, loss=losses[fit.loss])) for some, fit in alone + found]


def _at_own_rates(
    rest: Sequence[tuple[Update, Goal, Sequence[Fit]]], others: Collection[Node]
) -> tuple[list[tuple[list[Update], Fit]], list[tuple[Update, Node]]]:
    """Those whose gradient is one of a loss that no others follow, times any rate, and the wrong.

    A single number is any other times a rate.

    Args:
        rest: the parameters, and the numbers of which their gradients are multiples.
        others: the losses that others follow.
    """
    alone: list[tuple[list[Update], Fit]] = []
    wrong: list[tuple[Update, Node]] = []
    of_rest = Counter(fit.loss for _, _, own in rest for fit in own)
    for made, goal, own in rest:
        free = [e for e in own if e.loss not in others and of_rest[e.loss] == 1]
        if not free or goal.node.value.size == 1:
            wrong.append((made, goal.parameter))
        else:
            alone.append(([made], replace(free[0], count=1)))
    return alone, wrong


def _narrowest(
    parameter: Node, numbers: Sequence[Node], told: Collection[Node], given: int
) -> Node | None:
    """The number of a parameter that fewest others are in: its loss, though its gradient is wrong.

    None of the terms of such a number, and none that has in it what the gradients of others are
    right by. One that is called a loss comes first; of as many one by which the gradients of others
    are right, or else the last. None if those of others are right by several that it is in, as of a
    body that two heads share, or there is none.
    """
    of = {each: learned(each, given) for each in numbers}

    def order(number: Node) -> tuple[bool, int, bool, int]:
        return not is_named(number), len(of[number]), number not in told, -number.number

    def has_one_of(number: Node, others: Collection[Node]) -> bool:
        return any(each is not number and number.depends_on(each) for each in others)

    shared = sum(parameter in of[each] for each in told) > 1
    own = [] if shared else [each for each in numbers if parameter in of[each]]
    own = [each for each in own if not has_one_of(each, told)] or own
    whole = [each for each in own if not any(has_one_of(other, [each]) for other in own)]
    return min(whole, key=order, default=None)


def _as_read(
    asked: ToJudge, losses: Sequence[Node] = ()
) -> tuple[Unjudged, Step, tuple[Goal, ...]]:
    """Updates by the arrays that they add, the trace of their step, and their gradients."""
    step = Unjudged(replace(asked, shared=False, quick=False))
    chosen = [each.options[each.own] for each in asked.updates]
    part = step.part([*(node for node, _ in chosen), *losses])
    return step, part, step.goals(part, chosen, usual(chosen)[0])


def _unconnected(asked: ToJudge) -> list[list[Update]]:
    """The parameters of a turn, those together that are moved by something in common."""
    given = bits_of_nodes(asked.olds)
    until = asked.trace.nodes[: max(each.new.number for each in asked.updates)]
    made = given | bits_of_nodes(each for each in until if each.uses & given)
    groups: list[tuple[int, list[Update]]] = []
    for each in asked.updates:
        uses, own = each.new.uses & made, [each]
        joined = [(bits, group) for bits, group in groups if bits & uses]
        groups = [group for group in groups if group not in joined]
        for bits, group in joined:
            uses, own = uses | bits, [*group, *own]
        groups.append((uses, own))
    return [own for _, own in groups]


def _is_usual(factor: float, part: Step) -> bool:
    """Whether a factor is a convention: 2, ½, and m or its inverse."""
    lengths = {n for node in part.trace.nodes for n in np.shape(node.value)}
    return is_convention(factor, lengths)


def _judged(asked: ToJudge, fit: Fit | None) -> Judgement | None:
    """The judgement of some parameters by a loss, the one that is known if any; None without."""
    if fit is not None:
        return _by(asked, fit)
    try:
        found = judged(asked)
    except NotAGradientError:
        return None
    return found if found.examined.cost != "unknown" else None


def _by(asked: ToJudge, fit: Fit) -> Judgement | None:
    """The judgement of some parameters by a number times a factor, whatever else may fit.

    None if it does not tell: a gradient of zeros is right by what does not move with a parameter.
    """
    step, part, goals = _as_read(asked, [fit.loss])
    chosen, own = tuple(each.options[each.own] for each in asked.updates), part.of[fit.loss]
    loss = own if alike(fit.factor, 1.0) else times(part.trace, own, fit.factor)
    made = step.by(part, goals, loss, whole=False, promised=True)
    told = fit.factor
    if not _is_usual(told, part):  # it is a part of the rate
        chosen, told = tuple((node, by * told) for node, by in chosen), 1.0
    known = replace(made.examined, factor=told)
    found = replace(made, examined=known, loss=own, factor=usual(chosen)[0], chosen=chosen)
    return found if made.right <= fit.count else None


def _together(
    updates: Sequence[Update], made: Sequence[tuple[list[Update], Judgement]]
) -> Judgement:
    """The judgements of groups of parameters as one, in the order of the updates."""
    place = {each: i for i, each in enumerate(updates)}
    parts = [
        (place[update], judgement.examined.gradients[i], judgement.chosen[i : i + 1], judgement)
        for group, judgement in made
        for i, update in enumerate(group)
    ]
    parts.sort(key=lambda each: each[0])
    first = parts[0][3]
    chosen = tuple(each for _, _, some, _ in parts for each in some)
    examined = replace(
        first.examined,
        gradients=tuple(each for _, each, _, _ in parts),
        accused=by_one_line(tuple(e for _, found in made for e in found.examined.accused)),
    )
    return replace(
        first,
        updates=tuple(updates),
        examined=examined,
        chosen=chosen if len(chosen) == len(parts) else (),
        factors=tuple(judgement.factor for *_, judgement in parts),
        parts=tuple(judgement for _, judgement in made),
    )


def by_several_beside_targets(asked: ToJudge, made: Judgement | None = None) -> Judgement | None:
    """The judgement by several losses, a target held constant; see `by_several`."""
    best: Judgement | None = None
    for held in targets(asked.trace, asked.updates):
        found = by_several(replace(asked, held=held), made)
        if found is not None and found.ok:
            return found
        if found is not None and (best is None or found.right >= best.right):
            best = found  # what holds more constant comes later
    return best if made is not None else None
