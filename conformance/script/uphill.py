"""Gradients that are right by the program's own loss, and that the update adds.

To subtract them, or to add those of minus the loss, is right. Left out: a script without a loss,
where only the output error tells the sign (`judge.py`), and some parameters that go another way
than the others (`rule.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.backward.findings import ADDS, Accused, Cause, Line, merged
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.source import line_of
from conformance.script.judge import Unjudged
from conformance.script.judgement import Judgement
from conformance.script.linear import kept
from conformance.script.loss import best_loss
from conformance.script.update import alike
from conformance.tracing.node import Node
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
    again = Unjudged(trace, updates, names)
    step = again.part([gradient for gradient, _ in chosen])
    goals = again.goals(step, chosen, -1)  # as if they were subtracted
    fit = best_loss(step.trace, [step.of[each] for each in again.losses], goals)
    if fit is None or fit.count < len(goals):
        return judgement
    found = examine_pass(OwnPass(step.trace, goals, loss=fit.loss, scaled=True))
    if not found.ok:
        return judgement
    errors = [line for each in judgement.examined.accused for line in each.lines[:1]]
    accused = merged(_accused(judgement, names, errors), lambda each: each.lines)
    return replace(judgement, examined=replace(found, accused=accused), own_loss=True)


def _accused(
    judgement: Judgement, names: Sequence[str], errors: Sequence[Line]
) -> Iterator[Accused]:
    """The update of each parameter; or else what turns its sign, or the error."""
    chosen = zip(judgement.updates, names, judgement.chosen, strict=True)
    for each, name, (gradient, _) in chosen:
        turned = (state for _, state in each.states if kept(gradient, state) < 0)
        steps = (new for old, new in each.states if _holds_the_step(gradient, old, new))
        made = [*map(line_of, steps), line_of(each.new), *map(line_of, turned), *errors]
        told = tuple(dict.fromkeys(line for line in made if line is not None))
        yield Accused((name,), told, Cause(ADDS), mends=False)


def _holds_the_step(gradient: Node, old: Node, new: Node) -> bool:
    """Whether η is in what is kept, which people then let descend: `v = μ v − η g`, `w += v`."""
    share, rate = kept(gradient, new), kept(old, new)
    return share > 0 and not alike(share, 1.0) and not alike(share, 1 - rate)
