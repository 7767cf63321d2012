"""A run whose loss has the logarithm of almost 0, as of an output that is saturated.

The derivative of such a logarithm is that of an ε that is added, 0 at a bound, or not finite. The
same operations have another one at smaller parameters. Left out: an ε alone (`epsilons.py`).
"""

import numpy as np

from conformance.backward.chain import Arrays, Chain
from conformance.backward.costs import NEAR
from conformance.backward.epsilons import without_epsilons
from conformance.backward.groups import UNFIT
from conformance.backward.judge_gradients import Forward
from conformance.tracing.node import Node, uses_of_nodes
from conformance.tracing.trace import Trace

LOGARITHMS = ("log", "log1p", "log2", "log10")
HALVINGS = 64


def is_saturated(trace: Trace, loss: Node) -> bool:
    """Whether a logarithm that a loss is made of is of almost 0."""
    return _any_of_none({e.number: e.value for e in trace.nodes}, _logarithms(trace, loss))


def unsaturated(forward: Forward) -> Forward | None:
    """The run without any ε at smaller parameters; None if its loss is not saturated, or stays so.

    The parameters are halved until no logarithm is of almost 0.
    """
    run = forward.run
    logarithms = _logarithms(run.trace, run.loss)
    if not _any_of_none(forward.chain.values, logarithms):
        return None
    run = without_epsilons(run) or run
    bits = uses_of_nodes((run.loss, *(each.node for each in run.goals)))
    needed = [each for each in run.trace.nodes if bits >> each.number & 1]
    parameters = {n: forward.chain.values[n] for n in (e.parameter.number for e in run.goals)}
    for k in range(1, HALVINGS):
        chain = Chain(run.trace, ties=forward.chain.ties, anew=True)
        try:
            chain.change(chain.after({n: v / 2.0**k for n, v in parameters.items()}, needed))
        except UNFIT:
            return None
        if not _any_of_none(chain.values, logarithms):
            return Forward(run, chain)
    return None


def _logarithms(trace: Trace, loss: Node) -> list[Node]:
    return [e for e in trace.nodes if e.operation in LOGARITHMS and loss.depends_on(e)]


def _any_of_none(values: Arrays, logarithms: list[Node]) -> bool:
    found = (np.asarray(values[each.number]) for each in logarithms)
    return any(not np.all(np.isfinite(e)) or np.any(e < np.log(NEAR)) for e in found)
