"""Updates that add a multiple of the parameter beside the gradient, as parts of one gradient.

In `v = μ v + g + λ w` the decay may be no part of the gradient, or one that the loss states. Left
out: a decay that is added to a gradient before it is used, which is read as a part of it.
"""

from collections.abc import Sequence

from conformance.backward.recorded_pass import OwnPass
from conformance.backward.stated_loss import has_own_terms
from conformance.script.judge_updates import Unjudged, judged
from conformance.script.judgement import Judgement
from conformance.script.update import Update
from conformance.script.update_reader import with_decay
from conformance.tracing.trace import Trace


def with_decay_within(
    trace: Trace, updates: Sequence[Update], names: Sequence[str], *, quick: bool = False
) -> Judgement | None:
    """The judgement of an update with its decays as parts of the gradients.

    None if it has none, or if no number that the program computes states one.

    Args:
        trace: of the run.
        updates: of each parameter.
        names: theirs.
        quick: see `judged`.
    """
    if not any(each.decay for each in updates):
        return None
    within = [with_decay(trace, each, apart=False) for each in updates]
    added = any(new.parts and not old.parts for new, old in zip(within, updates, strict=True))
    if not added or not _states_decay(trace, within, names):
        return None
    return judged(trace, within, names, quick=quick)


def _states_decay(trace: Trace, updates: Sequence[Update], names: Sequence[str]) -> bool:
    """Whether a number that a program computes has a term of the parameters alone."""
    if not all(each.options for each in updates):
        return False
    step, chosen = Unjudged(trace, updates, names), [each.options[0] for each in updates]
    part = step.part([each for each, _ in chosen])
    goals = step.goals(part, chosen)
    losses = (part.of[each] for each in step.losses)
    return any(has_own_terms(OwnPass(part.trace, goals, loss=each)) for each in losses)
