"""Parameters that are moved by the gradient of another one: the update is wrong, not the gradient.

Left out: what is kept of another one's gradient (`known_rules.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from conformance.backward.findings import Accused, Cause
from conformance.backward.loss_numbers import best_loss
from conformance.backward.source import line_of
from conformance.script.judge_updates import Unjudged
from conformance.script.judgement import Judgement
from conformance.script.linear import kept
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

Pair = tuple[int, int]
"""A parameter, and the one by whose gradient it is moved."""


def by_strangers(trace: Trace, judgement: Judgement, names: Sequence[str]) -> Judgement:
    """The judgement, with the updates to blame that take the gradient of another parameter.

    Args:
        trace: of the run.
        judgement: of an update.
        names: of the parameters.
    """
    gradients = judgement.examined.gradients
    wrong = [i for i, each in enumerate(gradients) if not each.ok]
    if not wrong or len(judgement.chosen) < len(gradients):
        return judgement
    pairs = dict(_taken_twice(judgement, wrong)) or dict(_exchanged(trace, judgement, wrong, names))
    if not pairs:
        return judgement
    known = {names[i] for i in pairs}
    rest = [each for each in judgement.examined.accused if not known.issuperset(each.gradients)]
    accused = (*(_accused(judgement, names, each) for each in pairs.items()), *rest)
    return replace(judgement, examined=replace(judgement.examined, accused=accused))


def _taken_twice(judgement: Judgement, wrong: Sequence[int]) -> Iterator[Pair]:
    """Those that are moved by the very array that is the right gradient of another one."""
    arrays = [{each for each, _ in made.options} for made in judgement.updates]
    for i in wrong:
        for j, (gradient, _) in enumerate(judgement.chosen):
            if j not in wrong and not arrays[i].isdisjoint((gradient, *arrays[j])):
                yield i, j


def _exchanged(
    trace: Trace, judgement: Judgement, wrong: Sequence[int], names: Sequence[str]
) -> Iterator[Pair]:
    """Those of which two are each moved by the gradient of the other."""
    again = Unjudged(trace, judgement.updates, names)
    step = again.part([gradient for gradient, _ in judgement.chosen])
    losses = [step.of[each] for each in again.losses]
    own, taken = [*judgement.chosen], set[int]()
    for i, j in combinations(wrong, 2):
        chosen = [*own]
        chosen[i], chosen[j] = chosen[j], chosen[i]
        shapes = {np.shape(each[0].value) for each in (chosen[i], chosen[j])}
        if len(shapes) > 1 or not taken.isdisjoint((i, j)):
            continue
        goals = again.goals(step, chosen, judgement.factor)
        fit = best_loss(step.trace, losses, (goals[i], goals[j]))
        if losses and (fit is None or fit.count < len((i, j))):
            continue
        found = again.by_choice([chosen])
        if found.examined.gradients[i].ok and found.examined.gradients[j].ok:
            own = chosen
            taken |= {i, j}
            yield from ((i, j), (j, i))


def _accused(judgement: Judgement, names: Sequence[str], pair: Pair) -> Accused:
    made, (gradient, _) = judgement.updates[pair[0]], judgement.chosen[pair[0]]
    nodes: list[Node] = [new for _, new in made.states if kept(gradient, new)]
    line = line_of([*nodes, made.new][0])
    cause = Cause("other", names=(names[pair[0]], names[pair[1]]))
    return Accused((names[pair[0]],), () if line is None else (line,), cause, mends=True)
