"""The updates of a run, each judged against the program's own forward pass.

Left out: the update rule (`rule.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_, or_

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined, Line
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.program import Goal, NotAGradientError
from conformance.backward.source import line_of
from conformance.script.loss import Fit, best_loss, candidates, declared, monitored
from conformance.script.parameters import Parameter
from conformance.script.step import Step
from conformance.script.update import Multiple, Update, common, update, usual
from conformance.tracing.trace import Node, Trace


@dataclass(frozen=True, eq=False)
class Judgement:
    """An update of all parameters.

    Attributes:
        updates: of each parameter.
        examined: its gradients.
        own_loss: whether they were judged by the program's own loss.
        whole: whether each was judged as what the update moves, with its factors.
        factor: how many times the gradients are added to most parameters.
    """

    updates: tuple[Update, ...]
    examined: Examined
    own_loss: bool
    whole: bool
    factor: float = -1.0

    @property
    def right(self) -> int:
        """How many gradients are right."""
        return sum(each.ok for each in self.examined.gradients)

    @property
    def ok(self) -> bool:
        """Whether all gradients are right."""
        return all(each.ok for each in self.examined.gradients)


def judged(
    trace: Trace,
    found: Sequence[Parameter],
    names: Sequence[str],
    k: int,
    cost: str | None = None,
) -> Judgement:
    """The k-th update of all parameters, from 1.

    Args:
        trace: of the run.
        found: the parameters.
        names: theirs.
        k: which update.
        cost: the name of the cost to judge by; None if any will do.
    """
    updates = tuple(update(each, k) for each in found)
    step = _Step(trace, updates, names, cost)
    choices = common(updates)
    if choices:
        return step.by_choice(choices)
    if not all(each.options for each in updates):
        return step.whole()
    own = step.uneven()
    if own.ok or any(each.states for each in updates):
        return own
    whole = step.whole()
    return whole if whole.ok else own


def uneven_error(judgement: Judgement) -> Judgement:
    """The judgement of gradients that are those of a known cost times another number each update.

    It is the output error that is wrong, of a single output: such a one is any other's multiple.
    """
    gradients = tuple(replace(each, ok=False) for each in judgement.examined.gradients)
    nodes = [each.options[each.own][0] for each in judgement.updates if each.options]
    bits = reduce(or_, (each.old.uses & 1 << each.old.number for each in judgement.updates))
    lines = _error_lines(nodes, bits)
    names = tuple(each.name for each in gradients)
    blamed = Accused(names, lines, Cause("output"), mends=False)
    return replace(
        judgement, examined=replace(judgement.examined, gradients=gradients, accused=(blamed,))
    )


def _error_lines(gradients: Sequence[Node], parameters: int) -> tuple[Line, ...]:
    """The lines that compute the value that all gradients were computed from."""
    common = reduce(and_, (each.uses for each in gradients))
    found: list[Line] = []
    waiting = list(gradients)
    for each in waiting:
        if common >> each.number & 1 and each.uses & parameters:
            found += [line for line in (line_of(each),) if line is not None]
        else:
            waiting += [e for e in each.inputs if e not in waiting and e.uses & parameters]
    return tuple(dict.fromkeys(sorted(found, key=lambda e: -found.count(e))))


class _Step:
    """An update of all parameters that is to be judged."""

    def __init__(
        self, trace: Trace, updates: Sequence[Update], names: Sequence[str], cost: str | None
    ) -> None:
        self.whole_trace, self.updates, self.names = trace, updates, names
        self.cost = cost
        self.olds = {each.old: name for each, name in zip(updates, names, strict=True)}
        news = [each.new for each in updates]
        self.losses = candidates(trace.nodes, [*self.olds], news)

    def by_choice(self, choices: Sequence[Sequence[Multiple]]) -> Judgement:
        """Judge the arrays by which the parameters are moved, of several the likeliest."""
        step = self.part([each for chosen in choices for each, _ in chosen])
        tried = [self.goals(step, chosen, chosen[0][1]) for chosen in choices]
        losses = [step.of[each] for each in self.losses]
        fits = [best_loss(step.trace, losses, goals) for goals in tried]
        full = [i for i, e in enumerate(fits) if e is not None and e.count == len(tried[i])]
        sizes = {i: round(abs(np.log(e.factor)), 6) for i in full if (e := fits[i]) is not None}
        i = min(sizes, key=lambda i: (sizes[i], i), default=0)
        made = self.examined(step, tried[i], fits[i], whole=False)
        return replace(made, factor=choices[i][0][1])

    def uneven(self) -> Judgement:
        """Judge the arrays by which the parameters are moved, though by different factors."""
        chosen = [each.options[each.own] for each in self.updates]
        step = self.part([each for each, _ in chosen])
        losses = [step.of[each] for each in self.losses]
        made = []
        for factor in usual(self.updates):
            goals = self.goals(step, chosen, factor)
            fit = best_loss(step.trace, losses, goals)
            made.append(replace(self.examined(step, goals, fit, whole=False), factor=factor))
            if made[-1].ok:
                return made[-1]
        return made[0]

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

    def goals(self, step: Step, chosen: Sequence[Multiple], sign: float) -> tuple[Goal, ...]:
        """The gradients: what is subtracted from the parameters, or its negative."""
        goals = []
        for (gradient, _), each, name in zip(chosen, self.updates, self.names, strict=True):
            node = step.of[gradient]
            if sign > 0:
                node = step.trace.node("negative", np.negative, (node,), {}, -node.value)
                node.frames, node.calls = gradient.frames, gradient.calls
            goals.append(Goal(name, step.of[each.old], node))
        return tuple(goals)

    def examined(
        self, step: Step, goals: tuple[Goal, ...], fit: Fit | None, *, whole: bool
    ) -> Judgement:
        """The judgement of these gradients.

        By the program's own loss, if all are right by it or if it is a known cost; else by the
        known cost by which they are all right; else by whichever more of them are right.
        """
        losses = [step.of[each] for each in self.losses]
        known = None
        if self.cost is None and fit is not None and fit.count == len(goals):
            known = fit.loss
        elif self.cost is None:
            known = declared(step.trace, losses, goals)

        def by(loss: Node | None) -> Judgement:
            made = OwnPass(step.trace, goals, loss=loss, scaled=whole)
            found = examine_pass(made, self.cost)
            if loss is None and found.cost != "unknown":
                found = replace(found, factor=found.factor / step.share)
            return Judgement(tuple(self.updates), found, loss is not None, whole)

        if known is not None:
            return by(known)
        own = fit.loss if fit is not None else monitored(step.trace, losses)
        try:
            without = by(None)
        except NotAGradientError:
            if own is None:
                raise
            return by(own)
        if without.ok or own is None or self.cost is not None:
            return without
        with_own = by(own)
        return with_own if with_own.right >= without.right else without
