"""One training step of a program, judged against the program's own forward pass.

Left out: the record of the step (`program.py`), and the cost, where the program has none
(`costs.py`, `compared.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

import numpy as np

from conformance.backward.accuse import accused
from conformance.backward.factor import conventions, shared
from conformance.backward.findings import Examined, Judged
from conformance.backward.forward import Forward
from conformance.backward.judge import Verdict, judged
from conformance.backward.program import Goal, Recorded
from conformance.backward.source import forget
from conformance.tracing.frames import Frame
from conformance.tracing.trace import Node, Trace

Contradicted = Callable[[list[Verdict]], list[Verdict]]
"""The verdicts among some that a second look at the program contradicts."""


@dataclass(frozen=True)
class OwnPass:
    """One training step of a program, recorded: what is to be judged against its own forward pass.

    Attributes:
        trace: of the step, with sites.
        goals: the gradients: the name, the node of the parameter, the node of the gradient.
        loss: the program's own loss, if it has one.
        target: what the output is compared with, if it is known: values, one-hot or integer labels.
        output: the network's output, if it is known.
        scaled: whether gradients are known only up to one common positive factor, as those that are
            read off an update.
        returns: where the gradients are returned.
        promised: whether the program promises the gradients of this very loss, so that a factor
            that they share is no convention.
    """

    trace: Trace
    goals: tuple[Goal, ...]
    loss: Node | None = None
    target: Node | None = None
    output: Node | None = None
    scaled: bool = False
    returns: tuple[Frame, ...] = ()
    promised: bool = False


def examine_pass(
    step: OwnPass, cost: str | None = None, contradicted: Contradicted | None = None
) -> Examined:
    """The gradients of a step, judged, and what is to blame for those that are wrong.

    Args:
        step: what was recorded.
        cost: the name of the cost to judge with, in the place of the program's own.
        contradicted: given the wrong gradients, tells which are right by other evidence.
    """
    forget()
    if step.loss is None:
        raise NotImplementedError(cost)
    run = Recorded(step.trace, step.loss, step.goals, step.returns)
    forward, found, kinks = judged(run)
    factor = 1.0
    if not all(each.ok for each in found) and not step.promised:
        factor = shared(found, None if step.scaled else _conventions(forward)).factor
    if factor != 1.0:
        forward, found, kinks = judged(_times(run, factor))
    return replace(finished(forward, found, contradicted, kinks=kinks), factor=factor)


def _conventions(forward: Forward) -> list[float]:
    """The factors that are conventions: of the lengths of what depends on all parameters."""
    everything = reduce(or_, (1 << each.parameter.number for each in forward.run.goals), 0)
    return conventions(
        n
        for node in forward.nodes()
        if node.uses & everything == everything
        for n in np.shape(node.value)
    )


def _times(run: Recorded, factor: float) -> Recorded:
    """The run with its loss times a factor."""
    loss = run.trace.traced(np.array(run.loss.value), run.loss)
    return replace(run, loss=run.trace.argument(loss * factor))


def finished(
    forward: Forward, found: list[Verdict], contradicted: Contradicted | None, *, kinks: bool
) -> Examined:
    """What is known, with what is to blame."""
    wrong = [each for each in found if not each.ok]
    missed = contradicted(wrong) if wrong and contradicted else []
    found = [replace(e, ok=True, untraced=True) if e in missed else e for e in found]
    blamed = [] if all(each.ok for each in found) else accused(forward, found)
    return Examined(tuple(map(_judged, found)), tuple(blamed), kinks)


def _judged(verdict: Verdict) -> Judged:
    return Judged(
        verdict.goal.name,
        verdict.ok,
        verdict.error,
        verdict.exact,
        verdict.lost,
        verdict.untraced,
        verdict.apart,
        not np.any(verdict.right),
        verdict.given.shape,
        verdict.right.shape,
    )
