"""The updates of a run, each judged against the program's own forward pass.

Left out: the update rule (`rule.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.program import Goal, NotAGradientError
from conformance.script.loss import best_loss, candidates
from conformance.script.parameters import Parameter
from conformance.script.step import Step
from conformance.script.update import Update, update
from conformance.tracing.trace import Node, Trace

SAME = 1e-9  # two factors of one step that are the same were computed in another order at most


@dataclass(frozen=True, eq=False)
class Judgement:
    """An update of all parameters.

    Attributes:
        updates: of each parameter.
        examined: its gradients.
        own_loss: whether they were judged by the program's own loss.
        whole: whether each was judged as what the update moves, with its factors.
    """

    updates: tuple[Update, ...]
    examined: Examined
    own_loss: bool
    whole: bool

    @property
    def ok(self) -> bool:
        """Whether all gradients are right."""
        return all(each.ok for each in self.examined.gradients)


def judged(trace: Trace, found: Sequence[Parameter], names: Sequence[str], k: int) -> Judgement:
    """The k-th update of all parameters, from 1."""
    updates = tuple(update(each, k) for each in found)
    whole = any(each.gradient is None for each in updates)
    first = _judged(trace, updates, names, whole=whole)
    if first.ok or whole or agree(updates) or any(each.states for each in updates):
        return first
    second = _judged(trace, updates, names, whole=True)
    return second if second.ok or not first.examined.accused else first


def agree(updates: Sequence[Update]) -> bool:
    """Whether all parameters are moved by the same factor times their gradients."""
    factors = [each.factor for each in updates]
    if any(each.adaptive for each in updates):
        factors = [float(np.sign(each)) for each in factors]
    return all(abs(each - factors[0]) <= SAME * abs(factors[0]) for each in factors)


def _judged(
    trace: Trace, updates: Sequence[Update], names: Sequence[str], *, whole: bool
) -> Judgement:
    olds = {each.old: name for each, name in zip(updates, names, strict=True)}
    gradients = [each.new if whole else each.gradient for each in updates]
    wanted = [each for each in gradients if each is not None]
    losses = candidates(trace.nodes, [*olds], [each.new for each in updates])
    step = Step(trace, olds, [*wanted, *losses])
    goals = tuple(
        Goal(name, step.of[each.old], _goal(step, each, whole=whole))
        for each, name in zip(updates, names, strict=True)
    )
    loss = best_loss(step.trace, [step.of[each] for each in losses], goals)
    made = OwnPass(step.trace, goals, loss=loss, scaled=whole)
    return Judgement(tuple(updates), examine_pass(made), loss is not None, whole)


def _goal(step: Step, made: Update, *, whole: bool) -> Node:
    """The gradient in the trace of the step: what is subtracted from the parameter."""
    trace = step.trace
    if whole:
        old, new = step.of[made.old], step.of[made.new]
        value = np.asarray(old.value - new.value)
        node = trace.node("subtract", np.subtract, (old, new), {}, value)
        node.frames, node.calls = made.new.frames, made.new.calls
        return node
    if made.gradient is None:
        raise NotAGradientError("no gradient is known")
    found = step.of[made.gradient]
    if made.factor < 0:
        return found
    node = trace.node("negative", np.negative, (found,), {}, np.asarray(-found.value))
    node.frames, node.calls = made.gradient.frames, made.gradient.calls
    return node
