"""The updates of a run, each judged against the program's own forward pass.

Left out: the update rule (`rule.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.program import Goal
from conformance.backward.quantities import HALF_OF_THE_DIGITS
from conformance.script.loss import Fit, best_loss, candidates
from conformance.script.parameters import Parameter
from conformance.script.step import Step
from conformance.script.update import Multiple, Update, common, update
from conformance.tracing.trace import Node, Trace

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
    step = _Step(trace, updates, names)
    choices = common(updates)
    if choices:
        return step.by_choice(choices)
    if not all(each.options for each in updates):
        return step.whole()
    each_own = step.by_choice([[each.options[-1] for each in updates]])
    if each_own.ok or any(each.states for each in updates):
        return each_own
    whole = step.whole()
    return whole if whole.ok or not each_own.examined.accused else each_own


class _Step:
    """An update of all parameters that is to be judged."""

    def __init__(self, trace: Trace, updates: Sequence[Update], names: Sequence[str]) -> None:
        self.whole_trace, self.updates, self.names = trace, updates, names
        self.olds = {each.old: name for each, name in zip(updates, names, strict=True)}
        news = [each.new for each in updates]
        self.losses = candidates(trace.nodes, [*self.olds], news)

    def by_choice(self, choices: Sequence[Sequence[Multiple]]) -> Judgement:
        """Judge the arrays by which the parameters are moved, the least of them if in doubt."""
        step = self.part([each for chosen in choices for each, _ in chosen])
        goals = self.goals(step, choices[-1])
        fit = best_loss(step.trace, [step.of[each] for each in self.losses], goals)
        if fit is not None:
            for chosen in choices[:-1]:
                times = fit.factor * choices[-1][0][1] / chosen[0][1]
                if abs(times - 1) <= HALF_OF_THE_DIGITS:
                    goals = self.goals(step, chosen)
        return self.examined(step, goals, fit, whole=False)

    def whole(self) -> Judgement:
        """Judge what is taken away from each parameter as a whole."""
        step = self.part([each.new for each in self.updates])
        goals = []
        for each, name in zip(self.updates, self.names, strict=True):
            old, new = step.of[each.old], step.of[each.new]
            value = np.asarray(old.value - new.value)
            node = step.trace.node("subtract", np.subtract, (old, new), {}, value)
            node.frames, node.calls = each.new.frames, each.new.calls
            goals.append(Goal(name, old, node))
        fit = best_loss(step.trace, [step.of[each] for each in self.losses], tuple(goals))
        return self.examined(step, tuple(goals), fit, whole=True)

    def part(self, wanted: Sequence[Node]) -> Step:
        """The trace of the step."""
        return Step(self.whole_trace, self.olds, [*wanted, *self.losses])

    def goals(self, step: Step, chosen: Sequence[Multiple]) -> tuple[Goal, ...]:
        """The gradients: what is subtracted from the parameters."""
        goals = []
        for (gradient, factor), each, name in zip(chosen, self.updates, self.names, strict=True):
            node = step.of[gradient]
            if factor > 0:
                node = step.trace.node("negative", np.negative, (node,), {}, -node.value)
                node.frames, node.calls = gradient.frames, gradient.calls
            goals.append(Goal(name, step.of[each.old], node))
        return tuple(goals)

    def examined(
        self, step: Step, goals: tuple[Goal, ...], fit: Fit | None, *, whole: bool
    ) -> Judgement:
        """The judgement of these gradients."""
        loss = None if fit is None else fit.loss
        made = OwnPass(step.trace, goals, loss=loss, scaled=whole)
        return Judgement(tuple(self.updates), examine_pass(made), loss is not None, whole)
