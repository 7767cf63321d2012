"""Gradients that are right by the program's own loss, and that the update adds.

To subtract them, or to add those of minus the loss, is right. Left out: a script without a loss,
where only the output error tells the sign (`judge.py`), and some parameters that go another way
than the others (`rule.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.backward.findings import ADDS, Accused, Cause, Line
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.program import Goal
from conformance.backward.source import line_of
from conformance.script.judge import Judgement
from conformance.script.loss import best_loss, candidates
from conformance.script.step import Step
from conformance.script.update import kept
from conformance.tracing.trace import Trace


def settled(trace: Trace, judgement: Judgement, names: Sequence[str]) -> Judgement:
    """The judgement of wrong gradients, or of right ones with the update to blame that adds them.

    Args:
        trace: of the run.
        judgement: of an update.
        names: of the parameters.
    """
    updates, chosen = judgement.updates, judgement.chosen
    if judgement.ok or judgement.factor <= 0 or len(chosen) < len(updates):
        return judgement
    olds = {each.old: name for each, name in zip(updates, names, strict=True)}
    losses = candidates(trace.nodes, [*olds], [each.new for each in updates])
    step = Step(trace, olds, [*(gradient for gradient, _ in chosen), *losses])
    goals = tuple(
        Goal(name, step.of[old], step.of[gradient])
        for (old, name), (gradient, _) in zip(olds.items(), chosen, strict=True)
    )
    fit = best_loss(step.trace, [step.of[each] for each in losses], goals)
    if fit is None or fit.count < len(goals):
        return judgement
    found = examine_pass(OwnPass(step.trace, goals, loss=fit.loss, scaled=True))
    if not found.ok:
        return judgement
    errors = [line for each in judgement.examined.accused for line in each.lines[:1]]
    accused = tuple(_accused(judgement, names, errors))
    return replace(judgement, examined=replace(found, accused=accused), own_loss=True)


def _accused(
    judgement: Judgement, names: Sequence[str], errors: Sequence[Line]
) -> Iterator[Accused]:
    """The updates, those of one line together; or else what turns their sign, or the error."""
    of: dict[tuple[Line, ...], list[str]] = {}
    chosen = zip(judgement.updates, names, judgement.chosen, strict=True)
    for each, name, (gradient, _) in chosen:
        turned = (state for _, state in each.states if kept(gradient, state) < 0)
        made = [line_of(each.new), *map(line_of, turned), *errors]
        told = tuple(dict.fromkeys(line for line in made if line is not None))
        of.setdefault(told, []).append(name)
    for lines, some in of.items():
        yield Accused(tuple(some), lines, Cause(ADDS), mends=False)
