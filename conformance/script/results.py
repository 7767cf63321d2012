"""All updates of a run that are judged, by one cost and one factor, or by several losses.

An actor follows the log-likelihood of its actions and its critic the error of its values, in one
step. A GAN moves the parameters of one network, goes forward again, and moves those of the other.
Left out: one update by one loss (`judge_updates.py`), and what is said of them (`conclude.py`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from conformance.backward.loss_names import is_named
from conformance.backward.loss_numbers import fits
from conformance.backward.no_loss import COST_NAMES
from conformance.backward.recorded_pass import NotAGradientError
from conformance.script.decay_within import with_decay_within
from conformance.script.held_targets import with_held_targets
from conformance.script.infinite import finite
from conformance.script.judge_updates import Unjudged, judged
from conformance.script.judgement import Judgement, even, uneven_error
from conformance.script.linear import alike
from conformance.script.multiples import is_convention, usual
from conformance.script.parameters import Parameter
from conformance.script.quantised import decline
from conformance.script.update import Update
from conformance.script.update_reader import update, with_decay
from conformance.script.update_step import Step
from conformance.tracing.node import Node, bits_of_nodes, uses_of_nodes
from conformance.tracing.trace import Trace

Named = tuple[Update, str]


def by_several(
    trace: Trace, updates: Sequence[Update], names: Sequence[str], *, quick: bool = False
) -> Judgement | None:
    """The judgement of an update by several losses of the program's own, each for some parameters.

    None if there are none: if that does not show that all gradients are right, and the program does
    not go forward again before it moves other parameters.

    Args:
        trace: of the run.
        updates: of each parameter.
        names: theirs.
        quick: see `judged`.
    """
    turns = in_turn(list(zip(updates, names, strict=True)))
    now = {each.old: name for each, name in zip(updates, names, strict=True)}
    made: list[tuple[list[Named], Judgement]] = []
    moved: set[Node] = set()
    again = len(turns) > 1
    for turn in turns:
        own = {each.old for each, _ in turn}
        beside = {node: name for node, name in now.items() if node not in own}
        again = again and (not moved or _goes_forward(trace, turn, moved))
        groups = _side_by_side(trace, turn, beside)
        if len(turns) == len(groups) == 1:
            return None
        for group in groups:
            others = {each.old: name for each, name in turn if (each, name) not in group}
            found = _judged(trace, group, beside | others, quick=quick)
            if found is None or not (found.ok or (again and not quick)):
                return None
            made.append((group, found))
        moved |= {each.new for each, _ in turn}
        now = beside | {each.new: name for each, name in turn}
    sure = again or all(found.ok for _, found in made)
    if len(made) < len(("one", "other")) or not sure:
        return None
    return _together(updates, [(group, found.searched()) for group, found in made])


def _goes_forward(trace: Trace, turn: Sequence[Named], moved: Collection[Node]) -> bool:
    """Whether a number was computed from parameters that are moved and others that are not yet."""
    updates, names = [each for each, _ in turn], [name for _, name in turn]
    later = bits_of_nodes(moved)
    numbers = Unjudged(trace, updates, names).losses
    return any(each.uses & later and each not in moved for each in numbers)


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


def _side_by_side(trace: Trace, turn: list[Named], beside: Mapping[Node, str]) -> list[list[Named]]:
    """The parameters of a turn, those that are right by one loss together."""
    if any(not each.options for each, _ in turn):
        return [turn]
    updates, names = [each for each, _ in turn], [name for _, name in turn]
    step = Unjudged(trace, updates, names, beside=beside, shared=False)
    chosen = [each.options[each.own] for each in updates]
    part = step.part([node for node, _ in chosen])
    numbers = [part.of[each] for each in step.losses]
    goals = step.goals(part, chosen, usual(chosen)[0])
    groups: dict[int, list[Named]] = {}
    for named, goal in zip(turn, goals, strict=True):
        known = [
            each for each in fits(part.trace, numbers, (goal,)) if _is_usual(each.factor, part)
        ]
        if not known:
            return [turn]
        best = min(known, key=lambda e: (not alike(e.factor, 1.0), -e.loss.number))
        groups.setdefault(best.loss.number, []).append(named)
    return [*groups.values()]


def _is_usual(factor: float, part: Step) -> bool:
    """Whether a factor is a convention: 2, ½, and m or its inverse."""
    lengths = {n for node in part.trace.nodes for n in np.shape(node.value)}
    return is_convention(factor, lengths)


def _judged(
    trace: Trace, group: Sequence[Named], beside: Mapping[Node, str], *, quick: bool
) -> Judgement | None:
    """The judgement of some parameters by a loss; None if there is none."""
    updates, names = [each for each, _ in group], [name for _, name in group]
    try:
        found = judged(trace, updates, names, beside=beside, quick=quick)
    except NotAGradientError:
        return None
    return found if found.examined.cost != "unknown" else None


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
        accused=tuple(each for _, found in made for each in found.examined.accused),
    )
    return replace(
        first,
        updates=tuple(updates),
        examined=examined,
        chosen=chosen if len(chosen) == len(parts) else (),
        factors=tuple(judgement.factor for *_, judgement in parts),
    )


Reading = Callable[..., Judgement | None]


def silent(trace: Trace, moved: Sequence[Parameter], count: int) -> list[int]:
    """The updates, from 1, that change no parameter and whose gradients are all 0."""

    def says(k: int) -> bool:
        steps = (each.values[k - 1 : k + 1] for each in moved)
        if any(not np.array_equal(old.value, new.value) for old, new in steps):
            return True
        own = (each.options[each.own] for each in _updates(trace, moved, k) if each.options)
        return any(np.any(gradient.value) for gradient, _ in own)  # the step is 0, or almost

    return [k for k in range(1, count + 1) if not says(k)]


def all_judged(
    trace: Trace, moved: Sequence[Parameter], names: Sequence[str], count: int
) -> list[Judgement]:
    """The updates, all by one cost and, if the script has no loss, by one factor."""
    quiet = silent(trace, moved, count)
    told = [k for k in range(1, count + 1) if k not in quiet] or quiet
    results = list(_judgeable(trace, moved, names, told))
    if even(trace, results):
        wrong = _wrong_by_loss(trace, moved, names, [k for k in quiet if k not in told], results)
        return [*wrong, *results]
    apart = [
        tuple(with_decay(trace, made, apart=True) for made in each.updates) for each in results
    ]  # it may be clipped
    stated = any(each.loss is not None and is_named(each.loss) for each in results)
    costs = () if stated else COST_NAMES
    tried = [(apart, None), *(([each.updates for each in results], cost) for cost in costs)]
    for updates, cost in tried:
        try:
            others = [judged(trace, each, names, cost) for each in updates]
        except NotAGradientError:
            continue
        if all(each.ok for each in others) and even(trace, others):
            return others
    return [uneven_error(each) for each in results]


def _wrong_by_loss(
    trace: Trace,
    moved: Sequence[Parameter],
    names: Sequence[str],
    quiet: Sequence[int],
    results: Sequence[Judgement],
) -> Iterator[Judgement]:
    """The first update whose gradients are 0, and are not by the loss that others are right by."""
    loss = next((each.loss for each in results if each.ok and each.own_loss), None)
    for k in quiet if loss is not None else ():
        updates = _updates(trace, moved, k)
        with suppress(NotAGradientError):
            made = judged(trace, updates, names, loss=loss)
            if made.own_loss and not made.ok:
                yield made
                return


def _updates(trace: Trace, moved: Sequence[Parameter], k: int) -> tuple[Update, ...]:
    """The k-th update of each parameter, from 1."""
    given = bits_of_nodes(each.values[k - 1] for each in moved)
    return tuple(update(trace, each, k, given) for each in moved)


def _judgeable(
    trace: Trace, moved: Sequence[Parameter], names: Sequence[str], told: Sequence[int]
) -> Iterator[Judgement]:
    """The updates that can be judged: all, or those that the script computes its loss for.

    Where the first of them is wrong, the later ones only tell the rule of the updates; so does one
    whose gradients are no numbers any more.

    Raises:
        NotAGradientError: one cannot be judged, and for none the script computes its loss.
    """
    failed: list[NotAGradientError] = []
    some: list[Judgement] = []
    for k in told:
        updates = _updates(trace, moved, k)
        numbers = all(finite(each) for made in updates for each, _ in made.options)
        if some and not (some[0].is_told_by_others(trace) and numbers):  # it is searched once
            some.append(replace(some[0], updates=updates, chosen=()))
            continue
        try:
            loss = next((each.loss for each in some if each.own_loss), None)
            made = _right(trace, updates, names)
            if loss is not None and made is not None and made.examined.cost == "unknown":
                made = None  # what is right by the loss of another update is right by its own
            some.append(made or _likeliest(trace, updates, names, loss))
        except NotAGradientError as error:
            failed.append(error)
    if failed and not any(each.own_loss for each in some):
        raise failed[0]
    yield from some


def _right(trace: Trace, updates: Sequence[Update], names: Sequence[str]) -> Judgement | None:
    """The first judgement of an update by which all gradients are right; None if there is none.

    What is wrong is left to a longer search.
    """
    for reading in READINGS:
        with suppress(NotAGradientError):
            made = reading(trace, updates, names, quick=True)
            if made is not None and made.ok:
                return made
    return None


def _likeliest(
    trace: Trace, updates: Sequence[Update], names: Sequence[str], loss: Node | None
) -> Judgement:
    """The judgement of an update by which most gradients are right.

    Args:
        trace: of the run.
        updates: of each parameter.
        names: theirs.
        loss: by which another update is judged.

    Raises:
        NotAGradientError: it cannot be judged.
    """
    try:
        made = judged(trace, updates, names, loss=loss)
    except NotAGradientError:
        other = _otherwise(trace, updates, names)
        if other is None:
            raise
        return other
    within = None if made.ok else with_decay_within(trace, updates, names)
    made = made if within is None or within.right < made.right else within
    made = made if made.ok else _otherwise(trace, updates, names, made) or made
    decline(trace.nodes, made, names)
    return made


def _otherwise(
    trace: Trace, updates: Sequence[Update], names: Sequence[str], made: Judgement | None = None
) -> Judgement | None:
    """The judgement by several losses, or with targets held constant, if there are such."""
    several = by_several(trace, updates, names)
    return several or with_held_targets(trace, updates, names, made=made)


READINGS: tuple[Reading, ...] = (with_decay_within, judged, by_several, with_held_targets)
