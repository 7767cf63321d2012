"""Which way updates go: up their loss, or down what has to grow, though the gradients are right.

Left out: what has to grow (`backward/aim.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.backward.findings import ADDS, Accused, Cause, Examined, Line, merged
from conformance.backward.loss_numbers import best_loss
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.source import line_of
from conformance.script.judge_updates import Unjudged
from conformance.script.judgement import Judgement
from conformance.script.linear import kept
from conformance.script.multiples import alike, common
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


def settled(trace: Trace, judgement: Judgement, names: Sequence[str]) -> Judgement:
    """The judgement of wrong gradients, or of right ones with the update to blame that adds them.

    Args:
        trace: of the run.
        judgement: of an update.
        names: of the parameters.
    """
    updates, ok = judgement.updates, judgement.ok
    chosen = next(iter(common(updates)), ()) if judgement.whole else judgement.chosen
    if len(chosen) < len(updates) or not (
        judgement.downhill if ok else min(by for _, by in chosen) > 0
    ):
        return judgement
    judgement = replace(judgement, chosen=tuple(chosen), factor=chosen[0][1])
    found = judgement.examined if ok else _subtracted(trace, judgement, names)
    if not found.ok:
        return judgement
    errors = [line for each in judgement.examined.accused for line in each.lines[:1]]
    accused = _accused(judgement, names, errors, "downhill" if ok else ADDS)
    examined = replace(found, accused=merged(accused, lambda each: each.lines))
    return replace(judgement, examined=examined, own_loss=True)


def _subtracted(trace: Trace, judgement: Judgement, names: Sequence[str]) -> Examined:
    """What is known of gradients if they were subtracted, by the program's own loss."""
    again = Unjudged(trace, judgement.updates, names)
    step = again.part([gradient for gradient, _ in judgement.chosen])
    goals = again.goals(step, judgement.chosen, -1)
    fit = best_loss(step.trace, [step.of[each] for each in again.losses], goals)
    if fit is None or fit.count < len(goals):
        return judgement.examined
    return examine_pass(OwnPass(step.trace, goals, loss=fit.loss, scaled=True))


def _accused(
    judgement: Judgement, names: Sequence[str], errors: Sequence[Line], kind: str
) -> Iterator[Accused]:
    """The update of each parameter; or else what turns its sign, or the error."""
    chosen = zip(judgement.updates, names, judgement.chosen, strict=True)
    for each, name, (gradient, _) in chosen:
        turned = (state for _, state in each.states if kept(gradient, state) < 0)
        steps = (new for old, new in each.states if _holds_the_step(gradient, old, new))
        made = [*map(line_of, steps), line_of(each.new), *map(line_of, turned), *errors]
        told = tuple(dict.fromkeys(line for line in made if line is not None))
        yield Accused((name,), told, Cause(kind), mends=False)


def _holds_the_step(gradient: Node, old: Node, new: Node) -> bool:
    """Whether η is in what is kept, which people then let descend: `v = μ v − η g`, `w += v`."""
    share, rate = kept(gradient, new), kept(old, new)
    return share > 0 and not alike(share, 1.0) and not alike(share, 1 - rate)
