"""One training step of a program, judged against the program's own forward pass.

Left out: the record of the step (`program.py`), and the cost, where the program has none
(`without_loss.py`).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.accuse import Contradicted, finished
from conformance.backward.certain import measured
from conformance.backward.chain import Chain
from conformance.backward.clipped import unclipped
from conformance.backward.costs import times
from conformance.backward.factor import conventions, shared
from conformance.backward.findings import Examined
from conformance.backward.forward import Forward
from conformance.backward.groups import UNFIT
from conformance.backward.judge import Verdict, judged, verdicts
from conformance.backward.phases import WORDS, in_two_phases
from conformance.backward.program import NoGradientError, OwnPass, Recorded, bits
from conformance.backward.syntax import forget
from conformance.backward.without_loss import without_loss
from conformance.tracing.node import uses_of_nodes

__all__ = ["OwnPass", "examine_pass"]

MOVED = 0.01  # of a parameter


def examine_pass(
    step: OwnPass,
    cost: str | None = None,
    contradicted: Contradicted | None = None,
    *,
    blame: bool = True,
) -> Examined:
    """The gradients of a step, judged, and what is to blame for those that are wrong.

    Args:
        step: what was recorded.
        cost: the name of the cost to judge with, in the place of the program's own.
        contradicted: given the wrong gradients, tells which are right by other evidence.
        blame: whether to look for the line that makes gradients wrong, where that does not tell by
            which cost they are judged.

    Raises:
        NotAGradientError: there is no loss, and no output that is compared with a target; or what
            is wrong by any is the gradient of none.
    """
    forget()
    step = replace(step, goals=unclipped(step.goals))
    found = _examined(step, cost, contradicted, blame=blame)
    if not found.ok and in_two_phases(step.goals):
        raise NoGradientError(WORDS)
    return found


def _examined(
    step: OwnPass, cost: str | None, contradicted: Contradicted | None, *, blame: bool
) -> Examined:
    if step.loss is None or cost is not None:
        return without_loss(step, cost, blame=blame)
    run = Recorded(step.trace, step.loss, step.goals, step.returns)
    forward, found, kinks = judged(run)
    factor = 1.0
    if not all(each.ok for each in found) and not step.promised:
        factor = _factor(forward, found, free=step.scaled)
    if factor != 1.0:
        forward, found, kinks = judged(replace(run, loss=times(run.trace, step.loss, factor)))
    examined = finished(forward, found, contradicted, kinks=kinks, blame=blame)
    return replace(examined, factor=factor)


def _factor(forward: Forward, found: Sequence[Verdict], *, free: bool) -> float:
    """The factor that most gradients share: a usual one, or another that is a constant."""
    usual = _conventions(forward)
    told = shared(found, usual, free=free)
    if told.factor in usual:
        return told.factor
    if not told.by_all and not _is_constant(forward, told.factor):
        return shared(found, usual).factor
    return measured(forward.run, told.factor)


def _is_constant(forward: Forward, factor: float) -> bool:
    """Whether gradients have the same factor with other parameters: else it is that of a mistake.

    The derivative of one unit for one sample is a number, so a wrong one is a factor.
    """
    chain = Chain(forward.run.trace, ties=forward.chain.ties)
    rng, moved = np.random.default_rng(0), {}
    for each in forward.run.goals:
        value = chain.values[each.parameter.number]
        moved[each.parameter.number] = value * (1 + MOVED * rng.uniform(size=np.shape(value)))
    wanted = (forward.run.loss, *(each.node for each in forward.run.goals))
    bits = uses_of_nodes(wanted)
    needed = [each for each in forward.run.trace.nodes if bits >> each.number & 1]
    try:
        chain.values.update(chain.after(moved, needed))
    except UNFIT:
        return False
    return shared(verdicts(Forward(forward.run, chain)), (factor,)).factor == factor


def _conventions(forward: Forward) -> list[float]:
    """The factors that are conventions: of the lengths of what depends on all parameters."""
    everything = bits(forward.run.goals)
    return conventions(
        n
        for node in forward.nodes()
        if node.uses & everything == everything
        for n in np.shape(node.value)
    )
