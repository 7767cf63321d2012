"""Parameters that are never moved, though a gradient of them is computed.

A constant array that enters the forward pass as parameters do is one, if its gradient is among the
values that the script computes; so is one in whose place another is put that is made of it, if a
value of its shape is computed and made nothing of. What has no gradient may be meant to stay, or is
data. Left out: parameters that are moved (`rule.py`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.findings import Accused, Cause, Line, merged, never_moved_beside
from conformance.backward.judge_gradients import Forward
from conformance.backward.loss_numbers import best_loss, candidates, next_pass
from conformance.backward.no_loss import COST_NAMES, best, tried
from conformance.backward.recorded_pass import Goal, NotAGradientError, Recorded, bits
from conformance.backward.source import is_float, lines_of
from conformance.programs.vocabulary import kinds_of
from conformance.script.judgement import Judgement
from conformance.script.left_out import (
    PRODUCTS,
    Use,
    factor_of,
    is_a_state,
    is_meant_to_stay,
    left_out,
    passing_over,
    uses_of,
)
from conformance.script.linear import is_running_mean, links
from conformance.script.parameter_names import Held, names
from conformance.script.replaced import (
    all_replacements,
    is_moved_otherwise,
    made_without,
    moved_by_gradient,
    moved_by_zeros,
    names_read,
    next_value,
    put_instead,
    replacement_of,
    replacements,
)
from conformance.script.still_numbers import SUMS, left_numbers
from conformance.script.trainings import loops, loops_of_steps
from conformance.script.update import Update
from conformance.script.update_step import Step
from conformance.script.without_gradient import without_gradient
from conformance.tracing.node import Node, flat, uses_of_nodes
from conformance.tracing.trace import Trace


def never_moved(
    trace: Trace, judgement: Judgement, variables: Sequence[Held], beside: Sequence[Update] = ()
) -> tuple[list[Accused], list[tuple[str, str]]]:
    """The parameters that one update leaves out; and notes on those without a gradient.

    Args:
        trace: of the run.
        judgement: of the update, whose gradients are right.
        variables: what the script's variables hold.
        beside: the updates of others, if it is a part of an update by several losses.
    """
    if not judgement.chosen:
        return [], []
    step, forward = _read(trace, judgement)
    if forward is None:
        parts = (never_moved(trace, e, variables, judgement.updates) for e in judgement.parts)
        return [*merged((e for told, _ in parts for e in told), lambda each: each.lines)], []
    whole = {copy: node for node, copy in step.of.items()}

    def name(still: Node) -> str:
        read = sorted(names_read(whole[still]))
        return names([all_replacements(whole[still])], variables, *read[: len(read) == 1])[0]

    found, meant = list[Accused](), list[Node]()
    values = {e for made in (*judgement.updates, *beside) for e in (made.old, made.new)}

    def is_data(still: Node) -> bool:
        return not {"inputs", "targets"}.isdisjoint(kinds_of(name(still)))

    every = left_out(step.trace, forward, judgement, whole, values)
    left = [
        (still, gradient)
        for still, gradient in every
        if whole[still] not in values and not is_data(still)
        if not _is_made_anew(whole[still], judgement)
        if not is_moved_otherwise(whole[still], whole.get(gradient, gradient))
        if not is_a_state(still, forward)
    ]
    others = [line for made in judgement.updates for line in lines_of(made.new)[:1]]
    for still, gradient in left:
        cause, lines = _why_still(trace, still, gradient, whole, forward, values)
        if cause == "still" and is_meant_to_stay(gradient, judgement):
            meant.append(still)
        elif lines:
            why = never_moved_beside(others) if cause == "still" else Cause(cause)
            loop = passing_over(still, gradient, name(still), forward, judgement)
            if loop is not None and cause == "still":
                lines, why = (loop[0], *lines), replace(why, operation=loop[1])
            found.append(Accused((name(still),), lines, why, mends=False))
    found = [*merged(found, lambda each: (each.lines[:1], each.cause))]  # as one layer class's
    by = 0.0 if beside else factor_of(forward)
    for number, gradient in left_numbers(step.trace, forward, by, whole, values):
        why = never_moved_beside(others)
        found.append(Accused((number,), lines_of(gradient), why, mends=False))
    known = {*dict(left), *(step.of[e] for e in values if e in step.of)}
    moved = {e: pair for e, pair in _moved_aside(step, forward) if e not in known}
    zeros = {e: new for e in moved if (new := moved_by_zeros(whole[e])) is not None}
    never = [Accused((name(e),), lines_of(zeros[e]), Cause("zero"), mends=False) for e in zeros]
    found += merged(never, lambda each: each.lines)
    moved = {each: moved[each] for each in moved if each not in zeros}
    found += _by_no_gradient(judgement, forward, moved, name)
    frozen = _frozen(step.trace, forward) if not found else ()
    held = (each for each in frozen if each not in moved and not is_data(each))
    notes = [*(("frozen", e) for e in (*meant, *held)), *(("aside", e) for e in moved)]
    return found, [(kind, name(each)) for kind, each in notes]


def _is_made_anew(node: Node, judgement: Judgement) -> bool:
    """Whether a value is a running mean, or one such as a constant that each step makes."""
    after = replacement_of(node)
    if after is not None and is_running_mean(node, after):
        return True
    own, _ = loops_of_steps([made.parameter.values for made in judgement.updates])
    around = {(frame.file, loop) for frame, loop in loops(node.frames)}
    return any((frame.file, loop) in around for frame, loop in own)


def _why_still(
    trace: Trace,
    still: Node,
    gradient: Node,
    whole: Mapping[Node, Node],
    forward: Forward,
    values: Collection[Node],
) -> tuple[str, tuple[Line, ...]]:
    """What becomes of a parameter that is not moved, or of its gradient, and on which lines."""
    unkept = moved_by_gradient(whole[still], whole.get(gradient))
    other = next_value(still, whole, forward)
    made = [] if other is None or unkept else made_without(trace, whole[still], other, values)
    moves = made or (other is not None and not np.array_equal(other.value, still.value))
    aside = [*made, other] if other is not None and moves and not unkept else []
    instead = put_instead(trace, whole[still], whole.get(gradient, gradient), values)
    lines = [line for e in (*unkept, *instead, *aside, gradient) for line in lines_of(e)]
    kinds = (("unkept", unkept), ("aside", aside), ("update", instead), ("still", [gradient]))
    return next(kind for kind, seen in kinds if seen), tuple(dict.fromkeys(lines))


def unseen(trace: Trace, chains: Sequence[Sequence[Node]], variables: Sequence[Held]) -> list[str]:
    """The constants, used as parameters are, that are moved by what is computed of none of them.

    What parameters are moved by, as a sum of gradients that begins with zeros, is none. One of
    complex numbers is none that is judged, by whatever it is moved.

    Args:
        trace: of the run.
        chains: the values of each parameter, one after another.
        variables: what the script's variables hold.
    """

    def uses(node: Node) -> set[Use]:
        pairs = ((e, enumerate(flat(e.args))) for e in node.consumers)
        return {(e.operation, i) for e, args in pairs for i, each in args if each is node}

    olds = [values[0] for values in chains]
    used = set[Use]().union(*map(uses, olds)) - {("getitem", 0)}
    within = uses_of_nodes(values[-1] for values in chains)
    before = trace.nodes[: min(values[1].number for values in chains)]
    given = [each for each in before if each.function is None]
    arrays = (each for each in given if np.ndim(each.value))
    complexes = (e for e in arrays if np.iscomplexobj(e.value) and replacement_of(e) is not None)
    found = [names([all_replacements(each)], variables)[0] for each in complexes]
    for each in (e for e in given if is_float(e) and not within >> e.number & 1 and used & uses(e)):
        moved = replacement_of(each)
        total = all(user is moved for user in each.consumers)
        if moved is not None and not total and any(node is each for node, _ in links(moved)):
            found.append(names([all_replacements(each)], variables)[0])
    return found


def _read(trace: Trace, judgement: Judgement) -> tuple[Step, Forward | None]:
    """An update with all that was computed before it, and its forward pass."""
    updates = judgement.updates
    olds = {each.old: f"parameter {i}" for i, each in enumerate(updates)}
    news = [each.new for each in updates]
    until = next_pass(trace.nodes, news)
    window = [e for e in trace.nodes[max(each.number for each in olds) : until] if is_float(e)]
    losses = candidates(trace.nodes, [*olds], news)
    tables = {e: f"table {e.number}" for e in _tables(trace, judgement)}
    wanted = [*tables, *window, *losses, *(each for each, _ in judgement.chosen)]
    step = Step(trace, {**tables, **olds}, wanted)
    goals = tuple(
        Goal(name, step.of[old], step.of[gradient])
        for (old, name), (gradient, _) in zip(olds.items(), judgement.chosen, strict=True)
    )
    return step, _forward(step, [step.of[each] for each in losses], goals)


def _tables(trace: Trace, judgement: Judgement) -> Iterator[Node]:
    """The tables of lists that are moved by sums: parameters may be seen later than they are used.

    Such is the table of a layer that is used before another one.
    """
    begun = max(made.old.number for made in judgement.updates)
    until = min(made.new.number for made in judgement.updates)
    for each in trace.nodes[:until] if trace.lists is not None else ():
        after = replacement_of(each) if np.size(each.value) > 1 else None
        if after is not None and after.operation in SUMS and after.number > begun:
            yield each


def _frozen(trace: Trace, forward: Forward) -> list[Node]:
    """The constants that are used as parameters of a layer are.

    They are matrices of products such as those of parameters, or zeros that are added to all rows
    of what is computed of a parameter, as a bias is.
    """
    goals, parameters = forward.run.goals, bits(forward.run.goals)
    used = {e for goal in goals for e in uses_of(goal.parameter, forward) if e[0] in PRODUCTS}

    def is_bias(node: Node) -> bool:
        return not np.any(node.value) and any(
            each.operation == "add"
            and each.uses & parameters
            and np.size(each.value) > np.size(node.value) > 0
            for each in node.consumers
            if forward.contains(each)
        )

    constants = (e for e in trace.nodes if e.function is None and not e.given and is_float(e))
    return [
        each
        for each in constants
        if np.any(forward.gradient.get(each.number, 0.0))
        and (is_bias(each) or _is_weight(each, used, forward))
    ]


def _is_weight(node: Node, used: set[Use], forward: Forward) -> bool:
    """Whether it is a matrix of a product of which parameters are factors, too."""
    return np.ndim(node.value) > 1 and not used.isdisjoint(uses_of(node, forward))


def _moved_aside(step: Step, forward: Forward) -> Iterator[tuple[Node, tuple[Node, Node]]]:
    """The arrays of which the loss is made, and which are moved then by no gradient.

    Each with what it is in the whole trace, and what it is moved to.
    """
    goals = {each.parameter for each in forward.run.goals}
    parameters = bits(forward.run.goals)
    for node, copy in step.of.items():
        after = replacement_of(node) if np.size(node.value) > 1 and copy not in goals else None
        if after is None or any(
            forward.contains(step.of[e]) for e in replacements(node) if e in step.of
        ):
            continue  # else a sum or a recurrence begins with it
        before = (step.of[e] for e in node.consumers if e.number < after.number and e in step.of)
        used = np.any(forward.gradient.get(copy.number, 0.0)) and any(map(forward.contains, before))
        own = after.operation in ("add", "subtract") and not copy.uses & parameters
        if used and own and any(each is node for each, _ in links(after)):  # else it is computed
            yield copy, (node, after)


def _by_no_gradient(
    judgement: Judgement,
    forward: Forward,
    moved: Mapping[Node, tuple[Node, Node]],
    name: Callable[[Node], str],
) -> Iterator[Accused]:
    """The blame of what is used as parameters are, and moved by their rates and no gradient."""
    used = {use for goal in forward.run.goals for use in uses_of(goal.parameter, forward)}
    for each, (old, new) in moved.items():
        lines = (
            () if used.isdisjoint(uses_of(each, forward)) else without_gradient(judgement, old, new)
        )
        if lines:
            yield Accused((name(each),), lines, Cause("aside"), mends=False)


def _forward(step: Step, losses: Sequence[Node], goals: tuple[Goal, ...]) -> Forward | None:
    """The forward pass by the script's own loss, or by a known cost."""
    for sign in (1, -1):
        fit = best_loss(step.trace, losses, goals, sign=sign)
        if fit is not None and fit.count == len(goals):
            return Forward(Recorded(step.trace, fit.loss, goals), Chain(step.trace))
    try:
        known = tried(Recorded(step.trace, goals[0].node, goals), COST_NAMES, (None, None))
    except NotAGradientError:
        return None
    added = (each for each in known if each.negated is not None)  # to the parameters
    most = best(known)
    return next((e.forward for e in (most, *added) if e and (e.fits or e.negated)), None)
