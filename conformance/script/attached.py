"""Gradients that a program attaches to its tensors, as `w.g`, where it moves nothing by them.

Left out: those by which something is moved (`judge.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.program import Goal
from conformance.script.loss import best_loss, candidates, monitored
from conformance.script.names import Held
from conformance.script.step import Step
from conformance.shapes.state import GRADIENTS
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


@dataclass(frozen=True, eq=False)
class Attached:
    """A value with a gradient.

    Attributes:
        name: of the value.
        value: which something is computed from.
        gradient: that was attached to it.
    """

    name: str
    value: Node
    gradient: Node


def attached(variables: Sequence[Held]) -> list[Attached]:
    """The values that have a gradient, and were computed from no other that has one."""
    owners = {(each.space, each.name): each for each in variables}
    found: dict[Node, Attached] = {}
    for each in sorted(variables, key=lambda e: e.depth):
        name, _, attribute = each.name.rpartition(".")
        owner = owners.get((each.space, name))
        alike = owner is not None and np.shape(owner.value.value) == np.shape(each.value.value)
        computed = attribute in GRADIENTS and each.value.function is not None
        if owner is not None and alike and computed:
            found.setdefault(owner.value, Attached(name, owner.value, each.value))
    return [
        each
        for each in found.values()
        if not any(each.value.depends_on(e) for e in found if e is not each.value)
    ]


def by_attached(trace: Trace, found: Sequence[Attached]) -> Examined:
    """The gradients, by the program's own loss if it has one, else by a known cost.

    Raises:
        NotAGradientError: there is no loss, and no output that is compared with a target.
    """
    olds = {each.value: each.name for each in found}
    gradients = [each.gradient for each in found]
    losses = candidates(trace.nodes, [*olds], gradients)
    step = Step(trace, olds, [*gradients, *losses])
    goals = tuple(Goal(e.name, step.of[e.value], step.of[e.gradient]) for e in found)
    own = [step.of[each] for each in losses]
    fit = best_loss(step.trace, own, goals)
    loss = fit.loss if fit is not None else monitored(step.trace, own, goals)
    return examine_pass(OwnPass(step.trace, goals, loss=loss))
