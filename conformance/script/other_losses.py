"""The number that a script calls its loss, of which the gradients that are right are none.

Left out: by what a script was judged (`judge_updates.py`).
"""

import os
from collections.abc import Iterator, Sequence

import numpy as np

from conformance.backward.loss_names import is_named
from conformance.backward.loss_numbers import best_loss, has_gradient
from conformance.backward.recorded_pass import Goal
from conformance.backward.saturated import is_saturated
from conformance.backward.source import MOVES, lines_of
from conformance.script.judge_updates import Unjudged
from conformance.script.judgement import Judgement
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


def unused_loss(
    trace: Trace, judgement: Judgement, names: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """A note on the number that a script calls its loss, where it was not judged by it."""
    if judgement.examined.cost != "own":
        losses = _losses_of_others(Unjudged(trace, judgement.updates, names), judgement)
        for each in [each for each in map(_made, losses) if lines_of(each)][-1:]:
            kind, line = "saturated" if is_saturated(trace, each) else "loss", lines_of(each)[0]
            yield kind, f"{os.path.relpath(line.file)}:{line.line}"


def _made(number: Node) -> Node:
    """What a number was taken out of."""
    while number.operation in MOVES and len(number.inputs) == 1:
        (number,) = number.inputs
    return number


def _losses_of_others(update: Unjudged, judgement: Judgement) -> list[Node]:
    """The numbers that are called a loss and have gradients, other than the right ones."""
    step = update.part([each.new for each in update.updates])
    chosen = zip(update.names, (node for node, _ in judgement.chosen), strict=False)
    rights = {name: -np.sign(judgement.factor) * node.value for name, node in chosen}
    rights |= judgement.examined.rights
    goals = list[Goal]()
    for each, name in zip(update.updates, update.names, strict=True):
        right = rights.get(name, np.asarray(each.old.value) - np.asarray(each.new.value))
        node = step.trace.node("constant", None, (), {}, np.asarray(right))
        goals.append(Goal(name, step.of[each.old], node))
    whole = tuple(goals)
    named = [each for each in update.losses if is_named(each)]
    called = [each for each in named if has_gradient(step.trace, step.of[each], whole)]
    fits = ((each, best_loss(step.trace, [step.of[each]], whole)) for each in called)
    return [each for each, fit in fits if fit is None or fit.count < len(whole)]
