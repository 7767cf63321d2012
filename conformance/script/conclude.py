"""What is said of a script by its trace: its parameters, each update, the rule.

Gradients that are right by its own loss may be subtracted, or added where they are those of minus
the loss. Without a loss only the output error tells the sign (`judge_updates.py`); some parameters
may go another way than the others (`rule.py`).

Left out: running it (`script_child.py`).
"""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined, by_one_line, merged
from conformance.backward.loss_names import by_name
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.source import is_lost, lines_of, operand_name, own_lines, stored_names
from conformance.backward.syntax import defined_around, function_around
from conformance.errors import InfiniteError, NothingTrainedError, SubjectError, UnjudgedError
from conformance.running.quiet import within_seconds
from conformance.script.blamed_updates import (
    by_strangers,
    discarded,
    kept_of_strangers,
    settled,
)
from conformance.script.by_themselves import by_themselves
from conformance.script.chains import is_late
from conformance.script.clipping import is_clipped, unbounded, unclipped
from conformance.script.coordinates import kept_in_step
from conformance.script.held_targets import hold_drawn
from conformance.script.histories import Known
from conformance.script.judge_updates import judged
from conformance.script.judgement import Judgement, ToJudge
from conformance.script.left_out import entries_passed_over
from conformance.script.linear import alike, entrywise, links
from conformance.script.next_values import next_values
from conformance.script.notes import (
    Notes,
    nothing_trained,
    unkept,
    unread,
    unused_loss,
    used_after_update,
)
from conformance.script.other_rows import by_other_rows
from conformance.script.parameter_names import Held, attached, by_attached, names
from conformance.script.parameters import Parameter, by_autograd, has_root, moved_once, steps
from conformance.script.rates import with_rates
from conformance.script.rebound_states import grown, partly_before, put_over, stale
from conformance.script.results import all_judged, moved_twice, silent, taken_back
from conformance.script.rule import faults, finite, first_infinite, origin, rules
from conformance.script.running_means import uneven_shares
from conformance.script.source_around import counts
from conformance.script.still import never_moved, unseen
from conformance.script.trainings import used_operations
from conformance.script.update import Update, commute
from conformance.script.without_gradient import by_nothing
from conformance.script_outcome import RULES, Ran, Rule
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node, is_part
from conformance.tracing.trace import Trace

SEARCHING = 20.0  # seconds of the processor that the search for the line to blame may take

UNSEEN = "η", 1.0

ONE_STEP = (
    "one update is seen, with a root as RMSProp and Adam have it, and does not tell by which rule: "
    "let it take two steps"
)

LATE = (
    "its parameters are moved by a velocity before the gradient of the step is in it: that is no "
    "rule that is known; let it add the gradient first"
)

APART = (
    "its parameters are not moved in the same steps, as the vectors of a table may be that are "
    "arrays of their own: let it keep them as the rows of one array"
)


KEPT = (
    "the loss does not depend on {}, which the updates of other parameters use in a way that is "
    "not known; such updates are known of momentum, AdaGrad, RMSProp, Adam and their kin"
)

CUT = (
    "it was stopped after {} s, in or after its first update, which may not be all of it: let it "
    "run longer, as with `--timeout 600`"
)


UNTOLD = (
    "the gradients of {} are not those of the cost, and no line is found that makes them so: each "
    "may have a rate of its own"
)


SILENT = (
    "its updates change no parameter, and all gradients are 0, so they tell nothing; give more "
    "`--updates`, or let it begin where the gradients are not 0"
)


def conclude(
    script: str,
    trace: Trace,
    found: Sequence[Parameter],
    variables: Sequence[Held],
    most: int,
    notes: Notes,
    *,
    blame: bool = True,
) -> Ran:
    """What is known of a script.

    Args:
        script: its path.
        trace: of its run.
        found: its parameters.
        variables: what its variables held when it ended.
        most: updates that are judged.
        notes: what is to be said beside.
        blame: whether to look for the line to blame.

    Raises:
        SubjectError: nothing can be judged.
    """
    if trace.autograd and by_autograd(trace.nodes, found):
        raise SubjectError(
            "PyTorch computes its gradients: what is checked is a backward pass that is written by "
            "hand; `conformance check FILE.py` judges a `torch.autograd.Function`, and "
            "`conformance check FILE.py:Net` a model of sigmoid layers"
        )
    stopped = "time" in dict(notes)
    found = found if steps(found) or stopped else moved_once(trace.nodes)
    count = min(steps(found), most)
    kept = () if count else attached(variables)
    lost = any(is_lost(each.values[1]) for each in found)  # by right gradients, or no parameters
    if not (count or kept):
        return _nothing_kept(script, trace, notes)
    olds = {each.values[0] for each in found}
    late = count > 1 and all(is_late(each.values, trace.nodes) for each in found)
    new = _unkept(trace, notes, olds) if late or steps(found) == 1 else None
    if new is not None:
        return _discarding(script, new, notes)
    try:
        if kept:
            ran = Ran("", tuple(each.name for each in kept), 0, by_attached(trace, kept))
        else:
            moved = [each for each in found if each.chain.count >= count]
            ran = _of_updates(trace, moved, variables, count, blame=blame)
            ran = replace(ran, within=_within(moved), operations=used_operations(trace, moved))
    except (NotAGradientError, UnjudgedError) as error:
        if lost:
            return _nothing_kept(script, trace, notes)
        several = bool(count) and moved_twice([e for e in found if e.chain.count >= count], count)
        said = names([each.values for each in found], variables)
        why = None if several else used_after_update(found, said)
        if why is None and isinstance(error, UnjudgedError):
            raise
        raise UnjudgedError(why or f"its gradients cannot be judged: {error}") from error
    if lost and not all(each.ok for each in ran.examined.gradients):
        return _nothing_kept(script, trace, notes)
    if blame and not ran.examined.ok:
        _decline_unsure(ran, dict(notes).get("time"))
    return replace(ran, script=script, notes=(*notes, *ran.notes))


def _decline_unsure(ran: Ran, seconds: str | None) -> None:
    """Decline wrong gradients for which nothing is to blame, or of an update that may be cut.

    Args:
        ran: what is known.
        seconds: after which it was stopped, if it was.

    Raises:
        UnjudgedError: so it is.
    """
    wrong = [each.name for each in ran.examined.gradients if not each.ok]
    if wrong and not ran.examined.accused:
        raise UnjudgedError(UNTOLD.format(", ".join(wrong)))
    if seconds is not None and ran.updates == 1:
        raise UnjudgedError(CUT.format(seconds))


def _nothing_kept(script: str, trace: Trace, notes: Notes) -> Ran:
    """A script that moves a parameter, and uses nothing of what it becomes.

    Raises:
        SubjectError: it moves none, or did not end by itself.
    """
    new = _unkept(trace, notes)
    over = () if new or "time" in dict(notes) else put_over(trace) or by_themselves(trace)
    if over:
        return Ran(script, (), 0, Examined((), tuple(over)), notes=(*notes,))
    if new is None:
        stopped = "time" in dict(notes)
        raise (SubjectError if stopped else NothingTrainedError)(nothing_trained(trace, notes))
    return _discarding(script, new, notes)


def _unkept(trace: Trace, notes: Notes, olds: Collection[Node] = ()) -> Node | None:
    """What a run made of a parameter, and used nowhere; see `unkept`."""
    return unkept(trace, olds, whole={"time", "left"}.isdisjoint(dict(notes)))


def _discarding(script: str, new: Node, notes: Notes) -> Ran:
    """A script that does not use what a parameter becomes."""
    name = min(stored_names(new), default="") or operand_name(new, 0) or operand_name(new, 1)
    why = Accused((name,), lines_of(new), Cause("unkept"), mends=False)
    return Ran(script, (), 0, Examined((), (why,)), notes=(*notes,))


def _within(moved: Sequence[Parameter]) -> tuple[str, ...]:
    """The names of the classes and functions of a script that led to the first updates."""
    lines = {line for each in moved for line in own_lines(each.values[1])}
    return tuple(sorted({*map(defined_around, lines)} - {""}))


def _named(moved: Sequence[Parameter], variables: Sequence[Held]) -> list[str]:
    """The names of parameters, which are theirs from now on."""
    said = names([each.values for each in moved], variables)
    for each, name in zip(moved, said, strict=True):
        each.name = name
    return said


def _of_updates(
    trace: Trace,
    moved: Sequence[Parameter],
    variables: Sequence[Held],
    most: int,
    *,
    blame: bool,
) -> Ran:
    """What is known of a script that updates its parameters.

    Raises:
        InfiniteError: its parameters are no numbers at once.
        NotAGradientError: what it moves them by cannot be judged.
    """
    said = _named(moved, variables)
    known = (*grown(trace, moved, said), *stale(trace, moved, said), *partly_before(moved, said))
    if first := merged(known, lambda each: each.lines):
        return Ran("", tuple(said), 1, Examined((), first), rule=Rule("plain"))
    count = max((k for k in range(1, most + 1) if _finite(moved, k)), default=0)
    if not count:
        raise InfiniteError(_infinite(moved))
    if why := kept_in_step(moved) or _out_of_step(trace, moved, count):
        raise UnjudgedError(why)
    hold_drawn(trace, [each.values[0] for each in moved])
    commute(trace, moved)
    results = all_judged(trace, moved, count)
    quiet = silent(trace, moved, count)
    if len(quiet) == count and all(each.ok for each in results):
        raise UnjudgedError(SILENT)
    lost = discarded(trace, results)
    if lost is not None:
        return Ran("", tuple(said), count, lost, results[0].number, _rule(rules(results)))
    if (
        count == 1
        and not results[0].ok
        and any(has_root(each.old, each.new) for each in results[0].updates)
    ):
        raise UnjudgedError(ONE_STEP)
    at = _told(results)
    if at and results[0].ok and never_moved(trace, results[0], variables)[0]:
        at = 0  # what is wrong at later ones may be so of that
    if strange := _of_strangers(results[at], moved):
        return replace(strange, updates=count)
    if blame or results[at].ok:  # the update may be to blame, and not the gradients
        results[at] = _blamed(trace, results[at])
    examined, rates = with_rates(results[at], trace, moved)
    told = rules(results, rates)
    counted = any(map(counts, map(function_around, lines_of(results[at].updates[0].new))))
    moving = faults(results, told, counts=counted)
    right = _are_right_alone(trace, results[at], moving) or _are_lost_later(results[at], moving)
    wrong = () if right else examined.accused
    accused = (*moving, *_not_told_by(moving, wrong, results[at].updates))
    still, left = ([], []) if accused else never_moved(trace, results[at], variables)
    accused = accused or tuple(still) or by_one_line(tuple(unbounded(results[at])))
    accused = accused or tuple(uneven_shares(trace, results[at]))
    accused = accused or tuple(merged(unclipped(trace, results[at]), lambda each: each.lines))
    examined = examined if accused else by_other_rows(examined, results[at], results)
    examined = _with_bounds(replace(examined, accused=accused or examined.accused), results[at])
    unjudged, unused = tuple(_unjudged(said, told)), tuple(unused_loss(trace, results[at]))
    rule, number = _rule(told, seen=results[at].right > 0), results[at].number
    rule = rule.without_rate() if is_clipped(results[at]) else rule
    apart = [] if accused else unseen(trace, [each.values for each in moved], variables)
    unchanged = [k for k in quiet if k not in [each.number for each in results]]
    twice = moved_twice(moved, count)
    noted = (*_left_out("unchanged", unchanged), *_left_out("twice", twice), *unused, *left)
    noted = (*_left_out("back", taken_back(moved, count)), *noted)
    idle = [] if accused else unread(trace, results[at].updates)
    noted = (*noted, *(("unseen", each) for each in apart), *idle)
    noted = (*_by_others(rule, said, told, rated=not moving), *_grown(results[at]), *noted)
    nexts = next_values(trace, results, at, variables)
    return Ran("", tuple(said), count, examined, number, rule, unjudged, noted, nexts)


def _with_bounds(examined: Examined, judgement: Judgement) -> Examined:
    """What is known of gradients, with whether they are clipped; signs have no factor."""
    signs = all(each.signed is not None for each in judgement.updates)
    clipped = examined.clipped or is_clipped(judgement)
    return replace(examined, clipped=clipped, factor=1.0 if signs else examined.factor)


def _of_strangers(judgement: Judgement, moved: Sequence[Parameter]) -> Ran | None:
    """What is known of updates that use what is kept of gradients of others, if some do.

    Raises:
        UnjudgedError: what they use is kept of something else.
    """
    kept = _kept_for_others(judgement, moved)
    examined = kept_of_strangers(judgement, kept) if kept else None
    if kept and examined is None:
        raise UnjudgedError(KEPT.format(", ".join(kept)))
    names = tuple(each.name for each in judgement.updates if each.name not in kept)
    if examined is None:
        return None
    return Ran("", names, 1, examined, judgement.number, Rule("other"))


def _kept_for_others(judgement: Judgement, moved: Sequence[Parameter]) -> list[str]:
    """What the updates of others depend on, and the loss does not: it is no parameter."""
    gradients = [] if judgement.ok else judgement.examined.gradients
    idle = {each.name for each in gradients if each.dead and not each.ok}
    return [
        each.name
        for each in moved
        if any(e.values[1].depends_on(each.values[1]) for e in moved if e is not each)
        and (each.name in idle or (gradients and _is_a_state(each, moved)))
    ]


def _is_a_state(one: Parameter, moved: Sequence[Parameter]) -> bool:
    """Whether each new value is made of the old one entry by entry, or by way of others, alone."""
    others = {value for each in moved if each is not one for value in each.values}
    for old, new in pairwise(one.values):
        way = {*walk([new], short_of({old, *others}))}
        own = {old, *(each for each in way if is_part(each) and old in each.inputs)}
        if not all(np.ndim(each.value) for each in own):  # of numbers nothing is told
            return False
        made = entrywise(new, frozenset({old}))
        if any(own & {*each.inputs} for each in way - made - own):
            return False
    return True


def _left_out(kind: str, updates: Sequence[int]) -> list[tuple[str, str]]:
    """A note on the updates that are not judged."""
    return [(kind, ", ".join(map(str, updates)))] if updates else []


def _out_of_step(trace: Trace, moved: Sequence[Parameter], count: int) -> str | None:
    """Why updates cannot be judged as steps, in which each parameter is moved once."""
    values = [each.values[: count + 1] for each in moved]
    late = (is_late(each.values, trace.nodes) for each in moved)
    in_steps = all(
        max(each[k - 1].number for each in values) < min(each[k].number for each in values)
        for k in range(1, count + 1)
    )
    return APART if not in_steps else LATE if all(late) else None


def _grown(judgement: Judgement) -> Iterator[tuple[str, str]]:
    """A note on the number that right updates go up, where its name tells nothing."""
    loss = judgement.loss
    turned = [] if loss is None or loss.frames or not judgement.ok else [*links(loss)]
    for each in [each for each, by in turned if by == -1 and not by_name(each) and lines_of(each)]:
        line = lines_of(each)[0]
        yield "grows", f"{os.path.relpath(line.file)}:{line.line}"


def _blamed(trace: Trace, judgement: Judgement) -> Judgement:
    """The judgement with what is to blame, if that is found in time."""

    def searched() -> Judgement:
        whole = entries_passed_over(settled(trace, judgement.searched()))
        return by_nothing(by_strangers(trace, whole))

    found = within_seconds(SEARCHING, searched)
    if found is not None:
        return found
    wrong = [each for each in judgement.examined.gradients if not each.ok]
    why = Cause("search", factor=SEARCHING, worst=wrong[0].worst if wrong else None)
    accused = Accused(tuple(each.name for each in wrong), (), why, mends=False)
    return replace(judgement, examined=replace(judgement.examined, accused=(accused,)))


def _are_right_alone(trace: Trace, judgement: Judgement, moving: Sequence[Accused]) -> bool:
    """Whether the gradients are right of all parameters but those that use less, or more, of means.

    Those are not read as the others are, so the decay and the rate of all are not known by them.
    """
    less = {n for e in moving if e.cause.kind in ("kept", "mixed") for n in e.gradients}
    own = [each for each in judgement.updates if each.name not in less]
    if judgement.ok or not less or not own:
        return False
    beside = {each.old: each.name for each in judgement.updates if each.name in less}
    return judged(ToJudge(trace, own, beside=beside)).ok


def _are_lost_later(judgement: Judgement, moving: Sequence[Accused]) -> bool:
    """Whether gradients only lose digits, at parameters that a wrong update has made."""
    lost = all(each.cause.kind == "lost" for each in judgement.examined.accused)
    return bool(moving) and lost and all(e.old.function is not None for e in judgement.updates)


def _not_told_by(
    moving: Sequence[Accused], gradients: Sequence[Accused], made: Sequence[Update]
) -> Iterator[Accused]:
    """The gradients of which more is known than that they are not finite, where updates are not.

    Left out: those that are blamed on the very line on which their update is, or on that which
    moves them.
    """
    infinite = any(each.cause.kind == "infinite" for each in moving)
    updates = {(name, line) for each in moving for name in each.gradients for line in each.lines}
    at_fault = {name for name, _ in updates}
    updates |= {(e.name, line) for e in made if e.name in at_fault for line in lines_of(e.new)}
    for each in gradients:
        own = {(name, line) for name in each.gradients for line in each.lines[:1]}
        if not (infinite and each.cause.kind == "gradient") and not (own and own <= updates):
            yield each


def _rule(told: Sequence[Known], *, seen: bool = True) -> Rule:
    """The known rule of most numbers; else that there is none, or that too little tells.

    Where no gradient is right to which a rate is seen beside, an η of 1 may stand for any.
    """
    order = {"other": 1, "unknown": 2}
    rules = (each.rule for each in told)  # the weights alone may decay
    rule = min(rules, key=lambda each: (order.get(each.kind, 0), -len(each.numbers)))
    return rule if seen else replace(rule, numbers=tuple(e for e in rule.numbers if e != UNSEEN))


def _by_others(
    rule: Rule, said: Sequence[str], told: Sequence[Known], *, rated: bool
) -> Iterator[tuple[str, str]]:
    """The parameters that are moved by another known rule than the one that is said of all.

    Where an update is wrong, a rate tells nothing.
    """
    for name, each in zip(said, told, strict=True):
        if each.rule.kind in RULES and each.rule.kind != rule.kind:
            yield f"by {each.rule.kind}", name
        own, usual = (dict(e.numbers).get("η", 0.0) for e in (each.rule, rule))
        same = rated and each.rule.kind == rule.kind in ("plain", "momentum", "nesterov")
        if same and own and usual and not alike(own, usual):
            yield "rate", f"{name}: η = {own:.6g}"


def _unjudged(said: Sequence[str], told: Sequence[Known]) -> Iterator[str]:
    """The parameters that are moved by no rule that is known, and by none with a mistake in it."""
    for name, each in zip(said, told, strict=True):
        if each.rule.kind == "other" and not each.mistakes:
            yield name


def _told(results: Sequence[Judgement]) -> int:
    """The first update that is wrong; else that of which least gradients are 0 everywhere.

    Of several such the first that the program has computed its loss for.
    """
    wrong = (i for i, each in enumerate(results) if not each.ok)
    told = [(sum(e.dead for e in r.examined.gradients), not r.own_loss) for r in results]
    return next(wrong, told.index(min(told)))


def _finite(moved: Sequence[Parameter], k: int) -> bool:
    """Whether all parameters are finite before an update."""
    return all(finite(each.values[k - 1]) for each in moved)


def _infinite(moved: Sequence[Parameter]) -> str:
    """Where the numbers come from of a program that has lost its own before they can be judged."""
    lost = next(e.values[0] for e in moved if not finite(e.values[0]))
    said = (f": {os.path.relpath(e.file)}:{e.line}" for e in origin(first_infinite(lost)))
    where = "".join(f"{each} computes the first" for each in said)
    return f"its parameters become numbers that are not finite at once{where}"
