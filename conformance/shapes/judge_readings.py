"""What a program is judged by: the readings that fit, each as one step of its own.

Where two readings fit, the one in which all is right is taken; if there is none, the one with most
gradients right. Left out: judging a step (`backward/own_pass.py`), and an update
(`update_findings.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.recorded_pass import (
    NoGradientError,
    NotAGradientError,
    NothingComparedError,
    last_return,
)
from conformance.backward.stated_loss import with_undecayed
from conformance.shapes.arguments import RATE, called
from conformance.shapes.attempts import Attempt
from conformance.shapes.found import Found, Recognised, Rerun
from conformance.shapes.learned import is_number
from conformance.shapes.one_pass import in_one_pass
from conformance.shapes.other_settings import other_than, switched_off, told
from conformance.shapes.own_loss import (
    SOFTMAX,
    by_cost,
    by_returned,
    is_before_softmax,
    is_of_another_pass,
    meeting,
    meets_a_parameter,
    named_loss,
    output_of_run,
    own_loss,
    together,
)
from conformance.shapes.reading import GIVING, PlainRun, Reading
from conformance.shapes.sides import (
    Sides,
    in_training,
    moved_a_little,
    on_other_sides,
    sides,
    with_finite_numbers,
    with_more_inputs,
    with_more_layers,
    with_other_parameters,
    with_second_updates,
    with_steps,
    with_weights,
)
from conformance.shapes.update_findings import (
    INPUT,
    by_rate,
    never_moved,
    not_judged,
    of_the_inputs,
    taking,
    turned,
    unrated,
    with_inputs,
    with_sums,
    without_rates,
)
from conformance.tracing.frames import Frame


class Refused(NamedTuple):
    """Why a reading could not be judged in which something meets a target, and the reading."""

    words: str
    reading: Reading


TRIED = 2
"""So many readings are judged before the best is taken."""


def judged(
    readings: Iterator[Reading], cost: str | None = None, refused: list[Refused] | None = None
) -> Found | None:
    """The best of the readings; None if there is none that can be judged.

    Args:
        readings: of a program.
        cost: the name of the cost to judge with, in the place of the program's own.
        refused: gets why a reading could not be judged in which something meets a target.
    """
    best: Found | None = None
    first: Reading | None = None
    compared: list[object] = []
    for each in map(with_finite_numbers, _further(readings, compared)):
        if first is not None and each.plan.calls != first.plan.calls:
            break
        fewer = first is not None and each.data.sizes.n_out < first.data.sizes.n_out
        own = best is not None and best.examined.cost == "own"
        if best is not None and (each.is_narrow or (fewer and own)):
            continue  # what is wrong for several outputs, or hidden neurons, may be right for one
        known = sides(each)
        compared.append(_same(each))
        try:
            taken, found = _in_any_order(each, cost, [] if refused is None else refused)
        except NothingComparedError:
            compared.pop()  # in another coding its targets may be compared
            continue
        if found is None or all(one.dead for one in found.examined.gradients):
            continue  # every gradient has to be 0 here, so nothing is told of them
        if found.unjudged and not found.examined.right:
            continue  # of some parameters none is found, and what was taken for others' is none
        first = first or taken
        count = len(found.examined.gradients)
        less = best is not None and count < len(best.examined.gradients)  # they clear no more
        if found.examined.right == count and not less:
            return _on_all_sides(found, taken, known, cost)
        if best is None or (not less and found.examined.right > best.examined.right):
            best = found
    return best


def _in_any_order(
    reading: Reading, cost: str | None, refused: list[Refused]
) -> tuple[Reading, Found | None]:
    """A reading, judged; with its arguments in another order, if more is right with that.

    Where two arrays are alike, such as inputs and outputs, names may not tell which is meant.
    """
    reading = in_one_pass(reading)
    best = reading, _of_steps(reading, cost, refused)
    for other in reading.given_otherwise():
        if best[1] is None or best[1].examined.ok:
            break
        with suppress(NotAGradientError):
            again = _of_steps(other, cost, [])
            best = (other, again) if again and _is_better(again, best[1]) else best
    return best


def _is_better(again: Found, found: Found) -> bool:
    """Whether more of as many gradients are right, by the same loss."""
    one, other = again.examined, found.examined
    told = one.cost == other.cost and len(one.gradients) == len(other.gradients)
    return told and one.right > other.right and not all(each.dead for each in one.gradients)


def _of_steps(reading: Reading, cost: str | None, refused: list[Refused]) -> Found | None:
    """A reading, judged; by a later step, where a gradient has to be 0 in the first one."""
    found = _judged(reading, cost, refused)
    dead = found is not None and any(each.dead for each in found.examined.gradients)
    longer = with_steps(reading) or with_second_updates(reading) if dead else None
    again = None if longer is None else _judged(longer, cost, refused)
    return again or found


def _judged(reading: Reading, cost: str | None, refused: list[Refused]) -> Found | None:
    """A reading, judged; None if nothing is known of its gradients, and why is noted."""
    try:
        verdict = _examined(reading, cost)
    except (NoGradientError, NothingComparedError):
        raise
    except NotAGradientError as error:
        refused.append(Refused(str(error), reading))
        return None
    return _found(reading, verdict, cost)


def _further(readings: Iterator[Reading], compared: Sequence[object]) -> Iterator[Reading]:
    """The readings that are judged: so many as are tried, and none of them twice."""
    for each in readings:
        if len(compared) == TRIED:
            return
        if _same(each) not in compared:
            yield each


def _same(reading: Reading) -> object:
    """What is equal for readings but for the settings of what was made, such as a decay of 0."""
    plan, data = reading.plan, reading.data
    shapes = tuple(np.shape(each.parameter.value) for each in reading.places.goals)
    return plan.said or id(reading), data.layout, data.coding, plan.calls, shapes


def _found(reading: Reading, examined: Examined, cost: str | None) -> Found:
    """A program, as a reading takes it, and what is known of it."""
    run, places, taken = reading.run, reading.places, recognised(reading)
    again = PlainRun(reading)
    examined, sums = with_sums(run, places.direct, examined, again.beginning_with)
    taken = replace(taken, sums=sums)
    names = [each.name for each in examined.gradients]
    more = tuple(each for each in names if each == INPUT)
    taken = replace(taken, parameters=(*taken.parameters, *more))
    beside = not_judged(run, places, names)
    found = Found(taken, examined, run.used(), places.unfound, beside, places.unnamed)
    return found.rerun(_rerun(reading, cost, again))


def _rerun(reading: Reading, cost: str | None, plain: PlainRun | None = None) -> Rerun:
    """What runs a program again as a reading takes it."""
    return Rerun(plain or PlainRun(reading), partial(_is_right_elsewhere, reading, cost))


def _is_right_elsewhere(reading: Reading, cost: str | None) -> bool:
    """Whether a program, as it is then, is right with other parameters, also on other sides."""
    other = moved_a_little(reading)
    if other is None or not examined(other, cost).ok:
        return False
    return all(examined(each, cost).ok for each in on_other_sides(other, sides(other)))


def _on_all_sides(
    found: Found, reading: Reading, known: tuple[Sides, Sides], cost: str | None
) -> Found:
    """What is known of a program once its choices were seen on either side.

    So it is of one that weighs its samples in its own loss, with another number of inputs, of which
    no factor is a convention, and with one hidden layer more. A decay that the loss does not state
    is the same for other parameters.
    """
    own = found.examined.cost == "own"
    weighed = with_weights(reading) if own else ()
    wider = with_more_inputs(reading, found.examined.factor) if own else ()
    others = with_other_parameters(reading) if found.examined.decay_beside else ()
    tried = chain(on_other_sides(reading, known), weighed, others, wider, with_more_layers(reading))
    for each in tried if found.examined.ok else ():
        try:
            again = _examined(each, cost)
        except NotAGradientError:
            continue
        if not np.isclose(again.decay, found.examined.decay, rtol=HALF_OF_THE_DIGITS):
            again = examined(each, cost, decays=False)  # it is one of some samples alone
        other = each.data.sizes != reading.data.sizes
        same = again.cost == found.examined.cost
        same = same and (other or again.factor == found.examined.factor)
        wrong = (e for e in again.gradients if not (e.ok or e.lost))
        if same and any(not e.error <= HALF_OF_THE_DIGITS for e in wrong):
            taken = replace(found.recognised, parameters=tuple(e.name for e in again.gradients))
            return replace(found, examined=again, recognised=taken).rerun(_rerun(each, cost))
    return _in_training(found, reading, cost) if found.examined.ok else found


def _in_training(found: Found, reading: Reading, cost: str | None) -> Found:
    """What is known of a program, also where it is told that it trains, if it can be."""
    again = in_training(reading)
    if again is None:
        return found
    try:
        known = _examined(again, cost)
    except NotAGradientError:
        return found
    tried = {said for name in again.data.settings for said in (told(name), other_than(name, 1))}
    off = tuple(each for each in found.recognised.off if each not in tried)
    made = replace(found, recognised=replace(recognised(again), off=off))
    same = known.cost == found.examined.cost
    return replace(made, examined=known).rerun(_rerun(again, cost)) if same else found


def _examined(reading: Reading, cost: str | None) -> Examined:
    """The gradients of a reading; of its first update what is wrong there, where no cost has them.

    Raises:
        NotAGradientError: nothing is known of them.
    """
    try:
        return examined(reading, cost)
    except NoGradientError:
        raise
    except NotAGradientError:
        if reading.of_zeros is None:
            raise
        found = examined(reading.of_zeros, cost)
        if found.ok:
            raise
        return found


def recognised(reading: Reading) -> Recognised:
    """What a reading takes a program for."""
    return Recognised(
        reading.plan.said,
        reading.data.layout,
        reading.data.coding,
        tuple(called(e, told=reading.data.settings) for _, e, _ in reading.run.results),
        "returned" if reading.places.direct else "moved",
        tuple(each.name for each in reading.places.goals),
        next(i for i, (c, _, _) in enumerate(reading.run.results) if c.role in GIVING),
        () if reading.places.direct else reading.places.constant,
        off=switched_off(reading.run.roots.get("self"), (e for _, e, _ in reading.run.results)),
    )


def examined(reading: Reading, cost: str | None, *, decays: bool = True) -> Examined:
    """The gradients of a reading, then the update that it makes of them.

    Args:
        reading: of the program.
        cost: as in `judged`.
        decays: whether weights may decay beside the loss.
    """
    run, places = reading.run, reading.places
    even, apart = unrated(places) if places.rate != RATE and not places.direct else ((), [])
    if apart:
        again = replace(reading, places=replace(places, moved=even, rate=RATE))
        with suppress(NotAGradientError):
            found = examined(again, cost, decays=decays)
            if found.ok:
                return without_rates(found, apart)
    found = _examined_once(reading, cost, decays=decays)
    moved = by_rate(run, places) if not found.right else ()
    if moved:  # else no factor tells how much of a gradient a decay beside it is
        return _examined_once(
            replace(reading, places=replace(places, moved=moved)), cost, decays=decays
        )
    return found


def _examined_once(reading: Reading, cost: str | None, *, decays: bool) -> Examined:
    run, places = reading.run, reading.places
    goals, loss = places.goals, own_loss(run, places)
    if not goals:
        raise NotAGradientError("it gives back no gradient that it computes")
    if loss is not None and not np.all(np.isfinite(loss.value)):
        raise NotAGradientError("the loss is not finite")
    apart = loss is not None and is_of_another_pass(loss, goals, run.target)
    loss = None if apart else loss
    returned = None if cost or loss is not None else by_returned(run, places)
    # One step of several is that of some samples: their output is a part of the whole.
    output, target = meeting(run, goals) if places.several else (output_of_run(run), run.target)
    told = cost or loss is not None or returned is not None
    named = None if told or apart else named_loss(run, goals)
    inputs = of_the_inputs(run, places, loss)
    more = None if inputs is None else inputs.node
    all_moved = (each.goal.node for each in places.updates)  # also of those that are left out here
    used = (*(each.node for each in goals), *all_moved, loss, named, output, target, more)
    run.recorded.cut(each for each in used if each is not None)
    promised = not decays or (bool(places.direct) and together(run))
    step = OwnPass(run.recorded, goals, loss=loss, target=target, output=output, promised=promised)
    step = replace(step, scaled=not places.direct, returns=_returns(run))
    if not told and named is None and meets_a_parameter(run, goals):
        raise NotAGradientError("no output is compared with a target")
    summed = loss is not None and loss in [run.node(e) for e in run.costs if is_number(e)]
    judged_by = replace(step, promised=step.promised and not summed)
    first = returned or by_cost(judged_by, cost, named)
    if cost is None and first.ok and first.cost == "quadratic" and is_before_softmax(run, step):
        first = examine_pass(step, SOFTMAX)
    if step.scaled:
        first = never_moved(turned(first, places), places)
        unsure = loss is None and returned is None
        if places.rate != RATE or unsure or places.several:  # a rate may hold 1/m
            first = replace(first, factor=1.0)
    first = taking(with_undecayed(step, first), places) if places.direct else first
    return with_inputs(first, step, inputs)


def _returns(run: Attempt) -> tuple[Frame, ...]:
    given = (function for call, function, _ in run.results if call.role in GIVING)
    return next((last_return(getattr(each, "__func__", each)) for each in given), ())
