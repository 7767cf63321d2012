"""An update judged with what was computed from its parameters held constant.

Such are the targets of Q-learning, the actions that a policy has drawn, the advantage by which a
score is multiplied, what is kept from before the first update, and how far from the parameters
their gradients are taken. Left out: an update that is judged as it is (`judge_updates.py`).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.groups import operation_key
from conformance.backward.judge_gradients import distance
from conformance.backward.kinks import COMPARISONS
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.region import unmoved
from conformance.backward.source import MOVES, is_float, stored_names
from conformance.script.chains import roles
from conformance.script.iterated_states import iterated_states
from conformance.script.judge_updates import judged
from conformance.script.judgement import Judgement, ToJudge
from conformance.script.linear import read_forward
from conformance.script.update import Update
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, bits_of_nodes, hold
from conformance.tracing.trace import Trace

TARGET = re.compile(
    r"\w*(targets?|labels?|expected|returns?|backups?)\w*|y|yj|y_?t|t", re.IGNORECASE
)
HELD = re.compile(r"\w*adv(antages?)?(_\w+)?", re.IGNORECASE)
"""What a score is multiplied by, such as an advantage; of a normal density it has no logarithm."""

LOGARITHMS = ("log", "log1p", "log2", "log10", "logaddexp", "log_softmax", "logsigmoid")
SUMS = ("add", "subtract", "negative", *MOVES)
"""Through which a logarithm of probabilities is made, such as z − ln Σ e^z, and taken."""
SOME = ("nonzero", "flatnonzero", "argwhere")
"""Operations that give the places at which something is so."""
COMPARING = (*COMPARISONS, "searchsorted")
CHOOSING = ("getitem", "take", "take_along_axis", "choose", "gather")

FEW = 3

DRAWN = "its targets are drawn by what the parameters give, and no loss of these was computed"


def draws_actions(asked: ToJudge) -> bool:
    """Whether an update draws for each sample which output is taken, by what its parameters give.

    Whole numbers tell, for which random numbers are compared with these.
    """
    given = bits_of_nodes(each.old for each in asked.updates)
    first = min(each.new.number for each in asked.updates)
    numbers = (each for each in asked.trace.nodes[:first] if each.uses & given)
    return any(_takes_entries(each) and _is_drawn_by(each, given) for each in numbers)


def _takes_entries(node: Node) -> bool:
    """Whether it is whole numbers that nothing is computed of: data may be taken by them."""
    whole = np.ndim(node.value) and np.asarray(node.value).dtype.kind in "iu"
    return bool(whole) and all(
        e.operation in CHOOSING and e.args[0] is not node for e in node.consumers
    )


def _is_drawn_by(whole: Node, given: int) -> bool:
    """Whether whole numbers are made by asking which of some are larger than as many others."""
    way = walk([whole], lambda each: [] if is_float(each) else each.inputs)
    return any(
        all(np.ndim(getattr(e, "value", e)) for e in each.args)
        and any(type(e) is not Node or not e.uses & given for e in each.args)
        for each in way
        if each.operation in COMPARISONS
    )


def hold_drawn(trace: Trace, olds: Iterable[Node]) -> None:
    """Let data that are drawn for each sample be constants, such as the rewards of actions.

    Args:
        trace: of the run.
        olds: the parameters before it moves them.
    """
    given = bits_of_nodes(olds)

    def drawn(node: Node) -> bool:
        made = is_float(node) and bool(node.uses & given)
        return made and (_is_drawn(node, given) or _is_gained(node, given))

    hold(trace.nodes, drawn)


def _is_drawn(node: Node, given: int) -> bool:
    """Whether a value is one of some data for each sample, which comparisons choose.

    It is not those of some samples alone, such as those of which a margin is too small.
    """
    if node.operation not in ("getitem", "take"):
        return False
    if any(type(each) is Node and each.uses & given for each in node.args[:1]):
        return False
    way = [*walk([node], lambda each: [e for e in each.inputs if e.uses & given])]
    masks = (e for one in way if one.operation in CHOOSING for e in one.inputs)
    some = any(e.operation in SOME or (e.operation == "where" and len(e.args) == 1) for e in way)
    some = some or any(np.asarray(each.value).dtype == bool for each in masks)
    return not some and any(each.operation in COMPARING for each in way)


def _is_gained(node: Node, given: int) -> bool:
    """Whether a value is told by which actions are drawn: by whole numbers that take their scores.

    Nothing else in it was computed of parameters.
    """

    def is_action(each: Node) -> bool:
        takes = any(e.operation in CHOOSING and e.args[0] is not each for e in each.consumers)
        whole = takes and np.asarray(each.value).dtype.kind in "iu"
        return whole and any(e.operation in COMPARING for e in walk([each]))

    def computed(each: Node) -> list[Node]:
        return [] if is_action(each) else [e for e in each.inputs if e.uses & given]

    return not any(each is not node and is_float(each) for each in walk([node], computed))


def with_held_targets(asked: ToJudge, made: Judgement | None = None) -> Judgement | None:
    """The judgement of an update, a target held constant; None if there is no such target.

    Args:
        asked: the update.
        made: the judgement without; None if they cannot be judged without.
    """
    by_error: Judgement | None = None
    every = targets(asked.trace, asked.updates)
    for users in every:
        found = _held(replace(asked, quick=True), users)
        if found is None or not found.ok:
            continue
        if found.examined.cost != "unknown":
            return found
        by_error = by_error or found
    likely = list[Judgement]()
    for users in every if by_error is None and not asked.quick else ():
        found = _held(asked, users)
        if found is None:
            continue
        if found.ok:
            return found
        turned = any(each.cause.kind == "negated" for each in found.examined.accused)
        known = turned or (found.right and (made is None or found.examined.cost != "unknown"))
        seen = all(e.ok or e.error > HALF_OF_THE_DIGITS for e in found.examined.gradients)
        more = made is not None and found.right > made.right and seen
        fewer = made is not None and (found.right < made.right or found.certain < made.certain)
        if (found.own_loss or known or more) and not fewer:
            likely.append(found)
    return by_error or max(likely, key=lambda each: each.right, default=None)


def _held(asked: ToJudge, users: list[tuple[Node, Node]]) -> Judgement | None:
    """The judgement of an update, something held constant; None if it cannot be judged so."""
    try:
        return judged(replace(asked, held=users))
    except NotAGradientError:
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
    iterated = [*iterated_states(trace.nodes, updates)]
    return [*filter(None, (again, ahead, iterated)), *found[-FEW:], *several]


def _targets(
    nodes: Sequence[Node], given: int, drawn: Collection[Node]
) -> list[list[tuple[Node, Node]]]:
    """What is called a target or an advantage, or is bootstrapped, each with what meets it.

    Those of all steps, which one operation gives, are one.
    """
    found: dict[object, list[tuple[Node, Node]]] = {}
    logarithms = bits_of_nodes(e for e in nodes if e.operation in LOGARITHMS and e.uses & given)
    for node in nodes:
        meets = node.operation in ("subtract", "multiply")
        if not meets or len(node.inputs) != len(("output", "target")):
            continue
        for target, output in (node.inputs, node.inputs[::-1]):
            apart = not target.depends_on(output) and not output.depends_on(target)
            if not (apart and target.uses & given and output.uses & given):
                continue
            if node.operation == "multiply":
                score = bool(output.uses & logarithms) and _is_score(output, target, given)
                held = score or _is_called(target, HELD)
            else:
                known = _is_called(target, TARGET)
                held = known or _is_bootstrapped(target, output, given, drawn)
            if held:
                found.setdefault(operation_key(target), []).append((node, target))
    return [*found.values()]


def _is_called(node: Node, names: re.Pattern[str]) -> bool:
    """Whether a variable by such a name has a value."""
    return any(map(names.fullmatch, stored_names(node)))


def learned(node: Node, given: int, held: Collection[Node] = ()) -> set[Node]:
    """The parameters by which a value has a derivative: none that only a choice depends on.

    Nor those of what is held constant.
    """
    way = walk([node], lambda each: () if each in held else [e for e in each.inputs if is_float(e)])
    return {each for each in way if given >> each.number & 1}


def _is_score(node: Node, advantage: Node, given: int) -> bool:
    """Whether a value is a logarithm of what parameters give, which an advantage multiplies.

    It is that of an action, which is chosen of several; or the advantage is of other parameters,
    where the probabilities that weigh their own logarithms, as in an entropy, are not.
    """
    way = [*walk([node], lambda each: each.inputs if each.operation in SUMS else ())]
    logarithm = any(each.operation in LOGARITHMS and each.uses & given for each in way)
    chosen = any(each.operation in CHOOSING for each in way)
    return logarithm and (chosen or learned(advantage, given).isdisjoint(learned(node, given)))


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

    A reward r may depend on what was drawn, or on what a policy has chosen.
    """
    sums = _entries(target, given)
    for each in sums:
        parts = [part for part in each.inputs if learned(part, given, drawn)]
        if each.operation != "add" or len(parts) != 1 or parts[0].operation != "multiply":
            return False
        if learned(parts[0], given) != learned(output, given):
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

    A state that a recurrence hands on is used in another way before. An entry of a parameter is
    used again where it stays as it is, and is no target.
    """
    given = bits_of_nodes(each.old for each in updates)
    last = max(each.new.number for each in updates)
    for node in nodes:
        if node.uses & given and not given >> unmoved(node, parts=True).number & 1:
            later = {each for e in node.consumers if e.number > last for each in roles(node, e)}
            for each in node.consumers if later else ():
                if each.number < last and not later.isdisjoint(roles(node, each)):
                    yield each, node
