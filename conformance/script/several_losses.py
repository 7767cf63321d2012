"""An update judged by several losses of the program's own, each for some of the parameters.

An actor follows the log-likelihood of its actions and its critic the error of its values, in one
step. A GAN moves the parameters of one network, goes forward again, and moves those of the other.
Left out: one update by one loss (`judge_updates.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from conformance.backward.costs import times
from conformance.backward.findings import by_one_line
from conformance.backward.loss_names import is_named
from conformance.backward.loss_numbers import Fit, fits_of_each
from conformance.backward.recorded_pass import Goal, NotAGradientError
from conformance.script.held_targets import targets
from conformance.script.judge_updates import Unjudged, judged
from conformance.script.judgement import Judgement
from conformance.script.linear import alike
from conformance.script.multiples import is_convention, usual
from conformance.script.update import Update
from conformance.script.update_step import Step
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, bits_of_nodes, uses_of_nodes
from conformance.tracing.trace import Trace

Named = tuple[Update, str]
Held = Collection[tuple[Node, Node]]


class Group(NamedTuple):
    """Parameters that follow one loss.

    Attributes:
        named: their updates and names.
        fit: the number that it is, how many are right by it, and its factor; None if not known.
    """

    named: list[Named]
    fit: Fit | None = None


def by_several(
    trace: Trace,
    updates: Sequence[Update],
    names: Sequence[str],
    *,
    quick: bool = False,
    held: Held = (),
    made: Judgement | None = None,
) -> Judgement | None:
    """The judgement of an update by several losses of the program's own, each for some parameters.

    None if there are none: if that does not show that all gradients are right, or more than are by
    one loss, and the program does not go forward again before it moves other parameters.

    Args:
        trace: of the run.
        updates: of each parameter.
        names: theirs.
        quick: see `judged`.
        held: see `judged`.
        made: the judgement by one loss.
    """
    turns = in_turn(list(zip(updates, names, strict=True)))
    now = {each.old: name for each, name in zip(updates, names, strict=True)}
    parts: list[tuple[list[Named], Judgement]] = []
    moved: set[Node] = set()
    again = len(turns) > 1
    for turn in turns:
        own = {each.old for each, _ in turn}
        beside = {node: name for node, name in now.items() if node not in own}
        again = again and (not moved or _goes_forward(trace, turn, moved))
        groups = _side_by_side(trace, turn, beside, held, quick=quick)
        if len(turns) == len(groups) == 1:
            return None
        for group in groups:
            others = {each.old: name for each, name in turn if (each, name) not in group.named}
            found = _judged(trace, group, beside | others, held, quick=quick)
            if found is None or (quick and not found.ok):
                return None
            parts.append((group.named, found))
        moved |= {each.new for each, _ in turn}
        now = beside | {each.new: name for each, name in turn}
    right = sum(found.right for _, found in parts)
    sure = again or right == len(updates) or (made is not None and right > made.right)
    if len(parts) < len(("one", "other")) or not sure:
        return None
    return _together(updates, [(group, found.searched()) for group, found in parts])


def _goes_forward(trace: Trace, turn: Sequence[Named], moved: Collection[Node]) -> bool:
    """Whether a number was computed from parameters that are moved and others that are not yet.

    What is made of the others through those alone belongs to the next step.
    """
    updates, names = [each for each, _ in turn], [name for _, name in turn]
    later, olds = bits_of_nodes(moved), {each.old for each in updates}

    def is_of_both(number: Node) -> bool:
        way = walk([number], lambda each: [] if each in moved else each.inputs)
        return bool(number.uses & later) and not olds.isdisjoint(way)

    numbers = Unjudged(trace, updates, names).losses
    return any(is_of_both(each) for each in numbers if each not in moved)


def in_turn(named: Sequence[Named]) -> list[list[Named]]:
    """The updates in the order of time, those together of which none waits for another.

    One waits for another if it is computed from what that one has made.
    """
    turns: list[list[Named]] = []
    for each in sorted(named, key=lambda e: e[0].new.number):
        before = bits_of_nodes(e.new for e, _ in turns[-1]) if turns else 0
        if not turns or uses_of_nodes([each[0].new]) & before:
            turns.append([])
        turns[-1].append(each)
    return turns


def _side_by_side(
    trace: Trace, turn: list[Named], beside: Mapping[Node, str], held: Held, *, quick: bool
) -> list[Group]:
    """The parameters of a turn, those of one loss together, with that loss if it is known."""
    apart = _unconnected(trace, turn)
    if len(apart) > 1 or any(not each.options for each, _ in turn):
        return [Group(group) for group in apart]
    step, part, goals = _as_read(trace, turn, beside, held)
    losses = {part.of[each]: each for each in step.losses}
    fits = fits_of_each(part.trace, [*losses], goals)
    told: dict[Node, Fit] = {}
    groups: dict[Node, list[Named]] = {}
    rest: list[tuple[Named, Goal, list[Fit]]] = []
    for named, goal, each in zip(turn, goals, fits, strict=True):
        own = [fit for fit in each if fit.loss in losses]
        known = [fit for fit in own if _is_usual(fit.factor, part)]
        if known:
            best = min(known, key=lambda e: (not alike(e.factor, 1.0), -e.loss.number))
            groups.setdefault(best.loss, []).append(named)
            told[best.loss] = replace(told.get(best.loss, best), count=len(groups[best.loss]))
        else:
            rest.append((named, goal, own))
    alone, wrong = _at_own_rates(rest, groups)
    if not (told or alone) or (quick and wrong):
        return [Group(turn)]
    given = bits_of_nodes(each.parameter for each in goals)
    for named, parameter in wrong:
        loss = _narrowest(parameter, [*losses], told, given)
        if loss is None:
            return [Group(turn)]
        groups.setdefault(loss, []).append(named)
    found = [Group(group, told.get(loss, Fit(loss, 0, 1.0))) for loss, group in groups.items()]
    return [
        Group(e.named, replace(fit, loss=losses[fit.loss])) for e in alone + found if (fit := e.fit)
    ]


def _at_own_rates(
    rest: Sequence[tuple[Named, Goal, Sequence[Fit]]], others: Collection[Node]
) -> tuple[list[Group], list[tuple[Named, Node]]]:
    """Those whose gradient is one of a loss that no others follow, times any rate, and the wrong.

    A single number is any other times a rate.

    Args:
        rest: the parameters, and the numbers of which their gradients are multiples.
        others: the losses that others follow.
    """
    alone: list[Group] = []
    wrong: list[tuple[Named, Node]] = []
    for named, goal, own in rest:
        single = goal.node.value.size == 1
        fit = next((each for each in own if not single and each.loss not in others), None)
        if fit is None:
            wrong.append((named, goal.parameter))
        else:
            alone.append(Group([named], replace(fit, count=1)))
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

    def order(number: Node) -> tuple[bool, int, bool, int]:
        size = (number.uses & given).bit_count()
        return not is_named(number), size, number not in told, -number.number

    def has_one_of(number: Node, others: Collection[Node]) -> bool:
        return any(each is not number and number.depends_on(each) for each in others)

    shared = sum(each.depends_on(parameter) for each in told) > 1
    own = [] if shared else [each for each in numbers if each.depends_on(parameter)]
    own = [each for each in own if not has_one_of(each, told)] or own
    whole = [each for each in own if not any(has_one_of(other, [each]) for other in own)]
    return min(whole, key=order, default=None)


def _as_read(
    trace: Trace,
    named: Sequence[Named],
    beside: Mapping[Node, str],
    held: Held,
    losses: Sequence[Node] = (),
) -> tuple[Unjudged, Step, tuple[Goal, ...]]:
    """Updates by the arrays that they add, the trace of their step, and their gradients."""
    updates = [each for each, _ in named]
    step = Unjudged(trace, updates, [name for _, name in named], beside=beside, shared=False)
    step.held = held
    chosen = [each.options[each.own] for each in updates]
    part = step.part([*(node for node, _ in chosen), *losses])
    return step, part, step.goals(part, chosen, usual(chosen)[0])


def _unconnected(trace: Trace, turn: Sequence[Named]) -> list[list[Named]]:
    """The parameters of a turn, those together that are moved by something in common."""
    given = bits_of_nodes(each.old for each, _ in turn)
    until = trace.nodes[: max(each.new.number for each, _ in turn)]
    made = given | bits_of_nodes(each for each in until if each.uses & given)
    groups: list[tuple[int, list[Named]]] = []
    for named in turn:
        uses, own = named[0].new.uses & made, [named]
        joined = [(bits, group) for bits, group in groups if bits & uses]
        groups = [each for each in groups if each not in joined]
        for bits, group in joined:
            uses, own = uses | bits, [*group, *own]
        groups.append((uses, own))
    return [own for _, own in groups]


def _is_usual(factor: float, part: Step) -> bool:
    """Whether a factor is a convention: 2, ½, and m or its inverse."""
    lengths = {n for node in part.trace.nodes for n in np.shape(node.value)}
    return is_convention(factor, lengths)


def _judged(
    trace: Trace, group: Group, beside: Mapping[Node, str], held: Held, *, quick: bool
) -> Judgement | None:
    """The judgement of some parameters by a loss, the one that is known if any; None without."""
    if group.fit is not None:
        return _by(trace, group.named, beside, held, group.fit)
    updates, names = [each for each, _ in group.named], [name for _, name in group.named]
    try:
        found = judged(trace, updates, names, held=held, beside=beside, quick=quick)
    except NotAGradientError:
        return None
    return found if found.examined.cost != "unknown" else None


def _by(
    trace: Trace, named: Sequence[Named], beside: Mapping[Node, str], held: Held, fit: Fit
) -> Judgement | None:
    """The judgement of some parameters by a number times a factor, whatever else may fit.

    None if it does not tell: a gradient of zeros is right by what does not move with a parameter.
    """
    step, part, goals = _as_read(trace, named, beside, held, [fit.loss])
    chosen, own = tuple(each.options[each.own] for each, _ in named), part.of[fit.loss]
    loss = own if alike(fit.factor, 1.0) else times(part.trace, own, fit.factor)
    made = step.by(part, goals, loss, whole=False, promised=True)
    told = fit.factor
    if not _is_usual(told, part):  # it is a part of the rate
        chosen, told = tuple((node, by * told) for node, by in chosen), 1.0
    known = replace(made.examined, factor=told)
    found = replace(made, examined=known, loss=own, factor=usual(chosen)[0], chosen=chosen)
    return found if made.right <= fit.count else None


def _together(
    updates: Sequence[Update], made: Sequence[tuple[list[Named], Judgement]]
) -> Judgement:
    """The judgements of groups of parameters as one, in the order of the updates."""
    place = {each: i for i, each in enumerate(updates)}
    parts = [
        (place[update], judgement.examined.gradients[i], judgement.chosen[i : i + 1], judgement)
        for group, judgement in made
        for i, (update, _) in enumerate(group)
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
    )


def by_several_beside_targets(
    trace: Trace,
    updates: Sequence[Update],
    names: Sequence[str],
    *,
    quick: bool = False,
    made: Judgement | None = None,
) -> Judgement | None:
    """The judgement by several losses, a target held constant; see `by_several`."""
    best: Judgement | None = None
    for held in targets(trace, updates):
        found = by_several(trace, updates, names, quick=quick, held=held, made=made)
        if found is not None and found.ok:
            return found
        if found is not None and (best is None or found.right >= best.right):
            best = found  # what holds more constant comes later
    return best if made is not None else None
