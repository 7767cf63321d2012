"""An update judged by several losses, each for some parameters, or with targets held constant.

An actor follows the log-likelihood of its actions and its critic the error of its values, in one
step. A GAN moves the parameters of one network, goes forward again, and moves those of the other.
Held constant are the targets of Q-learning, the actions that a policy has drawn, the advantage by
which a score is multiplied, what is kept from before the first update, and how far from the
parameters their gradients are taken. Left out: one update by one loss (`judge_updates.py`).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.costs import times
from conformance.backward.findings import by_one_line
from conformance.backward.judge_gradients import distance
from conformance.backward.loss_names import is_named
from conformance.backward.loss_numbers import Fit, fits_of_each
from conformance.backward.recorded_pass import Goal, NotAGradientError
from conformance.backward.source import MOVES, stored_names
from conformance.script.chains import roles
from conformance.script.judge_updates import Unjudged, judged
from conformance.script.judgement import Judgement, ToJudge
from conformance.script.linear import alike, read_forward
from conformance.script.multiples import is_convention, usual
from conformance.script.update import Update
from conformance.script.update_step import Step
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, bits_of_nodes, uses_of_nodes
from conformance.tracing.trace import Trace

HELD = re.compile(r"\w*adv(antages?)?(_\w+)?", re.IGNORECASE)
"""What a score is multiplied by, such as an advantage."""

TARGET = re.compile(
    r"\w*(targets?|labels?|expected|returns?|backups?)\w*|y|yj|y_?t|t", re.IGNORECASE
)
FEW_TARGETS = 3


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
    return _together(asked.updates, [(group, found.searched()) for group, found in parts])


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
    found = [Group(group, told.get(loss, Fit(loss, 0, 1.0))) for loss, group in groups.items()]
    return [
        Group(e.updates, replace(fit, loss=losses[fit.loss]))
        for e in alone + found
        if (fit := e.fit)
    ]


def _at_own_rates(
    rest: Sequence[tuple[Update, Goal, Sequence[Fit]]], others: Collection[Node]
) -> tuple[list[Group], list[tuple[Update, Node]]]:
    """Those whose gradient is one of a loss that no others follow, times any rate, and the wrong.

    A single number is any other times a rate.

    Args:
        rest: the parameters, and the numbers of which their gradients are multiples.
        others: the losses that others follow.
    """
    alone: list[Group] = []
    wrong: list[tuple[Update, Node]] = []
    for made, goal, own in rest:
        single = goal.node.value.size == 1
        fit = next((each for each in own if not single and each.loss not in others), None)
        if fit is None:
            wrong.append((made, goal.parameter))
        else:
            alone.append(Group([made], replace(fit, count=1)))
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


def with_held_targets(asked: ToJudge, made: Judgement | None = None) -> Judgement | None:
    """The judgement of an update, a target held constant; None if there is no such target.

    Args:
        asked: the update.
        made: the judgement without; None if they cannot be judged without.
    """
    for users in targets(asked.trace, asked.updates):
        try:
            found = judged(replace(asked, held=users))
        except NotAGradientError:
            continue
        if found.ok:
            return found
        if asked.quick:
            continue
        turned = any(each.cause.kind == "negated" for each in found.examined.accused)
        known = turned or (found.right and (made is None or found.examined.cost != "unknown"))
        seen = all(e.ok or e.error > HALF_OF_THE_DIGITS for e in found.examined.gradients)
        more = made is not None and found.right > made.right and seen
        fewer = made is not None and (found.right < made.right or found.certain < made.certain)
        if (found.own_loss or known or more) and not fewer:
            return found
    return None


def targets(trace: Trace, updates: Sequence[Update]) -> list[list[tuple[Node, Node]]]:
    """What is called so and depends on parameters, each with what meets it there.

    That depends on parameters too, and neither uses the other. Before them comes what later steps
    use again as it is, such as the probabilities of the policy that has acted; and before all what
    the policy has drawn, alone and with all else. All targets at once come last.
    """
    given = bits_of_nodes(each.old for each in updates)
    first = min(each.new.number for each in updates)
    before = trace.nodes[:first]
    drawn = [*_drawn(before, given)]
    found = _targets(before, given, drawn)
    again = [*_used_again(before, updates)]
    together = [each for some in found for each in some]
    if drawn:
        samples = [(user, each) for each in drawn for user in each.consumers]
        return [samples, [*samples, *again, *together]]
    beside = [[*_beside(each, first)] for each in updates]
    ahead = [each for some in beside for each in some] if all(beside) else []
    several = [together] if len(found) > 1 else []
    return [*filter(None, (again, ahead)), *found[-FEW_TARGETS:], *several]


def _targets(
    nodes: Sequence[Node], given: int, drawn: Collection[Node]
) -> list[list[tuple[Node, Node]]]:
    """What is called a target or an advantage, or is bootstrapped, each with what meets it."""
    found: dict[Node, list[tuple[Node, Node]]] = {}
    for node in nodes:
        called = {"subtract": TARGET, "multiply": HELD}.get(node.operation)
        if called is None or len(node.inputs) != len(("output", "target")):
            continue
        for target, output in (node.inputs, node.inputs[::-1]):
            apart = not target.depends_on(output) and not output.depends_on(target)
            if not (apart and target.uses & given and output.uses & given):
                continue
            named = any(map(called.fullmatch, stored_names(target)))
            if named or (called is TARGET and _is_bootstrapped(target, output, given, drawn)):
                found.setdefault(target, []).append((node, target))
    return [*found.values()]


def _drawn(nodes: Sequence[Node], given: int) -> Iterator[Node]:
    """What is drawn around a mean, and is then compared with it: μ + σ ε, where ε is no parameter.

    The mean may be computed again of all samples, and what was drawn of one after another.
    """
    for node in nodes:
        if node.operation != "subtract" or len(node.inputs) != len(("drawn", "mean")):
            continue
        for one, mean in (node.inputs, node.inputs[::-1]):
            sums = _entries(one, given) if mean.uses & given else []
            around = [np.ravel(part.value) for each in sums for part in _means(each, given)]
            drawn = np.sort(np.concatenate([np.zeros(0), *around]))
            means = np.sort(np.ravel(mean.value))
            alike = drawn.size and drawn.shape == means.shape
            if alike and distance(drawn, means) <= HALF_OF_THE_DIGITS:
                yield from sums


def _entries(array: Node, given: int) -> list[Node]:
    """The values of which an array is put together, those that are made of parameters."""
    way = walk([array], lambda each: each.inputs if each.operation in MOVES else ())
    return [each for each in way if each.operation not in MOVES and each.uses & given]


def _means(drawn: Node, given: int) -> list[Node]:
    """What noise is added to, or noise times a width, in a sum; nothing where it is none."""
    if drawn.operation != "add":
        return []
    return [
        one
        for one, other in (drawn.args, drawn.args[::-1])
        if type(one) is Node and one.uses & given and _is_noise(other, given)
    ]


def _is_noise(value: Any, given: int) -> bool:
    """Whether a value is no function of parameters, but for a width that it is multiplied by."""
    if type(value) is not Node or not value.uses & given:
        return True
    free = (type(each) is not Node or not each.uses & given for each in value.args)
    return value.operation == "multiply" and any(free)


def _is_bootstrapped(target: Node, output: Node, given: int, drawn: Collection[Node]) -> bool:
    """Whether each value in a target is r + γ v′, of the parameters of an output v.

    A reward r may depend on what was drawn.
    """
    held = bits_of_nodes(drawn)

    def is_computed(node: Node) -> bool:
        way = walk([node], lambda e: () if held >> e.number & 1 else e.inputs)
        return any(given >> each.number & 1 for each in way)

    sums = _entries(target, given)
    for each in sums:
        parts = [part for part in each.inputs if part.uses & given and is_computed(part)]
        if each.operation != "add" or len(parts) != 1 or parts[0].operation != "multiply":
            return False
        if parts[0].uses & given != output.uses & given:
            return False
    return bool(sums)


def _beside(made: Update, first: int) -> Iterator[tuple[Node, Node]]:
    """How far from a parameter its gradient is taken, as by sharpness-aware minimisation."""
    for node in read_forward(made.old) - {made.old}:
        if node.number < first:
            alike = (e for e in node.inputs if np.shape(e.value) == np.shape(node.value))
            yield from ((node, e) for e in alike if e is not made.old and e.depends_on(made.old))


def _used_again(nodes: Sequence[Node], updates: Sequence[Update]) -> Iterator[tuple[Node, Node]]:
    """What was computed from parameters and is used in the same way once they are moved.

    A state that a recurrence hands on is used in another way before.
    """
    given = bits_of_nodes(each.old for each in updates)
    last = max(each.new.number for each in updates)
    for node in nodes:
        if node.uses & given and not given >> node.number & 1:
            later = {each for e in node.consumers if e.number > last for each in roles(node, e)}
            for each in node.consumers if later else ():
                if each.number < last and not later.isdisjoint(roles(node, each)):
                    yield each, node
