"""All updates of a run that are judged, by one cost and one factor, or by several losses.

In `v = μ v + g + λ w` the decay may be no part of the gradient, or one that the loss states. Left
out: one update by one loss (`judge_updates.py`) or by several (`several_losses.py`), and what is
said of them (`conclude.py`).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np

from conformance.backward.loss_names import is_named
from conformance.backward.no_loss import COST_NAMES
from conformance.backward.recorded_pass import NotAGradientError, OwnPass
from conformance.backward.source import MOVES
from conformance.backward.stated_loss import has_own_terms
from conformance.script.coordinates import by_entries
from conformance.script.defined_likelihoods import by_likelihood
from conformance.script.defined_losses import decline_unseen
from conformance.script.held_targets import DRAWN, draws_actions, with_held_targets
from conformance.script.histories import precision
from conformance.script.judge_updates import Unjudged, judged
from conformance.script.judgement import (
    Judgement,
    ToJudge,
    even,
    has_no_target,
    uneven_error,
    weighted,
)
from conformance.script.parameters import Parameter
from conformance.script.proximal_steps import with_proximal_steps
from conformance.script.rule import finite
from conformance.script.several_losses import by_several, by_several_beside_targets
from conformance.script.update_reader import updates_of, with_decay
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, bits_of_nodes, states_of
from conformance.tracing.trace import Trace

TWICE = (
    "updates of several samples were not told apart: a row of a table is moved twice, the second "
    "time by what is computed of its new values, as where an index is drawn again; give more "
    "`--updates`"
)

PREFERS = (
    "its error is computed of an output alone, as that of preferences is, and not of a target; let "
    "it compute its loss in each update"
)

Reading = Callable[..., Judgement | None]

CHOOSES = ("argmin", "argmax")
WORDS = (
    "a row is chosen by its distance from what other parameters give, and what is handed past such "
    "a choice is no derivative, but a convention such as the straight-through estimator"
)


def silent(trace: Trace, moved: Sequence[Parameter], count: int) -> list[int]:
    """The updates, from 1, that change no parameter and whose gradients are all 0."""

    def says(k: int) -> bool:
        steps = (each.values[k - 1 : k + 1] for each in moved)
        if any(not np.array_equal(old.value, new.value) for old, new in steps):
            return True
        own = (each.options[each.own] for each in updates_of(trace, moved, k) if each.options)
        return any(np.any(gradient.value) for gradient, _ in own)  # the step is 0, or almost

    return [k for k in range(1, count + 1) if not says(k)]


def moved_twice(moved: Sequence[Parameter], count: int) -> list[int]:
    """The updates, from 1, that move a row twice: no gradient at one place tells of these.

    Where there are such, others may be put together of the rows of different updates.
    """
    told = range(1, count + 1)
    twice = [k for k in told if any(e.values[k] in e.chain.twice for e in moved)]
    if not twice:
        return []
    states = {state for e in moved for value in e.values for state in states_of(value)}
    return [k for k in told if k in twice or _is_of_several(moved, k, states)]


def taken_back(moved: Sequence[Parameter], count: int) -> list[int]:
    """The updates, from 1, that take back the one before, as where that did not lower the loss."""
    found = list[int]()
    for k in range(2, count + 1):
        half = precision(*(each.values[k].value for each in moved))
        if k - 1 not in found and _apart(moved, k, k - 2) <= half * _apart(moved, k - 1, k - 2) > 0:
            found.append(k)
    return found


def _apart(moved: Sequence[Parameter], one: int, other: int) -> float:
    """How far an entry of a parameter is after an update from what it is after another, at most."""
    pairs = (np.asarray(each.values[one].value - each.values[other].value) for each in moved)
    return max(float(np.max(np.abs(each), initial=0.0)) for each in pairs)


def _is_of_several(moved: Sequence[Parameter], update: int, states: Collection[Node]) -> bool:
    """Whether a row of a table is moved by nothing that a row of each other table is moved by."""
    filled = [e.values[update] for e in moved if e.values[update].operation == FILLED]
    starts = bits_of_nodes(each.values[0] for each in moved)

    def made_of(value: Any) -> set[Node]:
        way = walk([value] if type(value) is Node else [], partial(_before, states))
        return {e for e in way if e.function is not None and e not in states and e.uses & starts}

    tables = [[made_of(value) for _, value in each.args[1]] for each in filled]
    return any(
        not any(row & other for other in others)
        for table, others in permutations(tables, 2)
        for row in table
    )


def _before(states: Collection[Node], node: Node) -> Sequence[Node]:
    return () if node in states else node.inputs


def all_judged(trace: Trace, moved: Sequence[Parameter], count: int) -> list[Judgement]:
    """The updates, all by one cost and, if the script has no loss, by one factor.

    Raises:
        NotAGradientError: one cannot be judged.
    """
    twice = moved_twice(moved, count)
    quiet = [k for k in silent(trace, moved, count) if k not in twice]
    back = taken_back(moved, count)
    told = [k for k in range(1, count + 1) if k not in (*quiet, *twice, *back)] or quiet
    if not told:
        raise NotAGradientError(TWICE)
    results = weighted(trace, list(_judgeable(trace, moved, told)))
    if (why := by_entries(results)) is not None:
        raise NotAGradientError(why)
    if even(trace, results):
        wrong = _wrong_by_loss(trace, moved, [k for k in quiet if k not in told], results)
        return [*wrong, *results]
    apart = [
        tuple(with_decay(trace, made, apart=True) for made in each.updates) for each in results
    ]  # it may be clipped
    stated = any(each.loss is not None and is_named(each.loss) for each in results)
    costs = () if stated else COST_NAMES
    tried = [(apart, None), *(([each.updates for each in results], cost) for cost in costs)]
    for updates, cost in tried:
        try:
            others = [judged(ToJudge(trace, each, cost)) for each in updates]
        except NotAGradientError:
            continue
        if all(each.ok for each in others) and even(trace, others):
            return others
    uneven = [uneven_error(each) for each in results]
    for each in uneven:
        decline_unseen(trace, each, None)
    if all(map(has_no_target, results)):
        raise NotAGradientError(PREFERS)
    return uneven


def _wrong_by_loss(
    trace: Trace,
    moved: Sequence[Parameter],
    quiet: Sequence[int],
    results: Sequence[Judgement],
) -> Iterator[Judgement]:
    """The first update whose gradients are 0, and are not by the loss that others are right by.

    Of several losses none tells of all parameters.
    """
    single = (each for each in results if each.ok and each.own_loss and not each.factors)
    loss = next((each.loss for each in single), None)
    for k in quiet if loss is not None else ():
        with suppress(NotAGradientError):
            made = judged(ToJudge(trace, updates_of(trace, moved, k), loss=loss))
            if made.own_loss and not made.ok:
                yield made
                return


def _judgeable(
    trace: Trace, moved: Sequence[Parameter], told: Sequence[int]
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
        updates = updates_of(trace, moved, k)
        numbers = all(finite(each) for made in updates for each, _ in made.options)
        again = replace(some[0], updates=updates, chosen=()) if some else None
        if again is not None and not (again.is_told_by_others and numbers):  # it is searched once
            some.append(again)
            continue
        try:
            loss = next((each.loss for each in some if each.own_loss), None)
            asked = ToJudge(trace, updates, loss=loss)
            made = _right(replace(asked, loss=None, quick=True))
            if made is not None and made.examined.cost == "unknown":
                # what is right by the loss of another update is right by its own
                made = None if loss is not None or draws_actions(asked) else made
            made = made or _likeliest(asked)
            made = by_likelihood(asked, made) or made
            decline_unseen(trace, made, loss)
            some.append(made)
        except NotAGradientError as error:
            if again is not None and not again.ok:
                some.append(again)
            else:
                failed.append(error)
    if failed and not any(each.own_loss for each in some):
        raise failed[0]
    yield from some


def _right(asked: ToJudge) -> Judgement | None:
    """The first judgement of an update by which all gradients are right; None if there is none.

    What is wrong is left to a longer search.
    """
    for reading in READINGS:
        with suppress(NotAGradientError):
            made = reading(asked)
            if made is not None and made.ok:
                return _told_more(asked, made)
    return None


def _told_more(asked: ToJudge, made: Judgement) -> Judgement:
    """The judgement of right gradients; by own losses, if they tell more than an error."""
    for reading in READINGS[2:] if made.examined.cost == "unknown" else ():
        with suppress(NotAGradientError):
            other = reading(asked)
            if other is not None and other.ok and other.own_loss:
                return other
    return made


def _likeliest(asked: ToJudge) -> Judgement:
    """The judgement of an update by which most gradients are right.

    Raises:
        NotAGradientError: it cannot be judged.
    """
    try:
        made = judged(asked)
    except NotAGradientError:
        other = _otherwise(asked)
        if other is None:
            raise
        return other
    within = None if made.ok else with_decay_within(replace(asked, loss=None))
    made = made if within is None or within.right < made.right else within
    other = None if made.ok else _otherwise(asked, made)
    untold = not made.right or made.examined.cost == "unknown"
    if other is None and untold and not made.own_loss and draws_actions(asked):
        raise NotAGradientError(DRAWN)
    made = other or made
    decline(asked.trace.nodes, made)
    return made


def _otherwise(asked: ToJudge, made: Judgement | None = None) -> Judgement | None:
    """The judgement by several losses, or with penalties or targets held constant, if any is."""
    several = by_several(asked, made) or by_several_beside_targets(asked, made)
    return several or with_proximal_steps(asked, made) or with_held_targets(asked, made)


def with_decay_within(asked: ToJudge) -> Judgement | None:
    """The judgement of an update with its decays as parts of the gradients.

    None if it has none, or if no number that the program computes states one.
    """
    if not any(each.decay for each in asked.updates):
        return None
    within = [with_decay(asked.trace, each, apart=False) for each in asked.updates]
    added = any(new.parts and not old.parts for new, old in zip(within, asked.updates, strict=True))
    again = replace(asked, updates=within)
    return judged(again) if added and _states_decay(again) else None


def _states_decay(asked: ToJudge) -> bool:
    """Whether a number that a program computes has a term of the parameters alone."""
    if not all(each.options for each in asked.updates):
        return False
    step, chosen = Unjudged(asked), [each.options[0] for each in asked.updates]
    part = step.part([each for each, _ in chosen])
    goals = step.goals(part, chosen)
    losses = (part.of[each] for each in step.losses)
    return any(has_own_terms(OwnPass(part.trace, goals, loss=each)) for each in losses)


def decline(nodes: Sequence[Node], made: Judgement) -> None:
    """Decline a step of which only gradients are wrong that meet at such a choice.

    Args:
        nodes: of the run.
        made: the judgement of the step.

    Raises:
        NotAGradientError: it is so.
    """
    wrong_names = {each.name for each in made.examined.gradients if not each.ok}
    olds = {each.old: each.name for each in made.updates}
    wrong = bits_of_nodes(old for old, name in olds.items() if name in wrong_names)
    given = bits_of_nodes(olds)
    until = min(each.new.number for each in made.updates) if wrong else 0
    for node in nodes[:until]:
        if node.operation not in ("getitem", "take") or type(node.args[0]) is not Node:
            continue
        rows = node.args[0].uses & given
        for index in node.inputs[1:] if rows else ():
            by = index.uses & given
            if by & rows == rows != by and wrong & by == wrong and _is_chosen(index):
                raise NotAGradientError(WORDS)


def _is_chosen(index: Node) -> bool:
    """Whether an index is that of the least or largest of some numbers."""
    way = walk([index], lambda each: each.inputs if each.operation in MOVES else ())
    return any(each.operation in CHOOSES for each in way)


READINGS: tuple[Reading, ...] = (
    with_decay_within,
    judged,
    by_several,
    by_several_beside_targets,
    with_proximal_steps,
    with_held_targets,
)
