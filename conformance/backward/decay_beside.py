"""Weights that decay by what an update adds to their gradients, and the loss does not show it.

Left out: a decay that is a part of the loss, and the decay itself (`decay.py`).
"""

from dataclasses import replace

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.costs import times
from conformance.backward.decay import decayed
from conformance.backward.decay_terms import growing
from conformance.backward.factor import conventions
from conformance.backward.findings import Examined
from conformance.backward.forward import Forward
from conformance.backward.judge import verdicts
from conformance.backward.no_loss import plus_decay
from conformance.backward.operation import MOVES, is_float
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.program import Recorded, bits
from conformance.backward.quantities import HALF_OF_THE_DIGITS
from conformance.tracing.ancestors import walk
from conformance.tracing.node import bits_of_nodes

LINEAR = ("add", "subtract", "multiply", "divide", "negative", *MOVES)
"""Operations by which a loss is made of its terms."""


def with_decay_beside(step: OwnPass, by_loss: Examined, *, blame: bool = True) -> Examined:
    """The judgement of an update by its loss, and a decay beside it.

    Args:
        step: the update, with the loss.
        by_loss: its judgement by the loss alone, which stays where a decay explains no more, or the
            loss has terms of the parameters alone: what is added to these says what decays.
        blame: as in `examine_pass`.
    """
    if by_loss.ok or step.loss is None or _has_own_terms(step):
        return by_loss
    forward = Forward(Recorded(step.trace, step.loss, step.goals, step.returns), Chain(step.trace))
    decay = decayed(verdicts(forward), forward.chain)
    if decay is None:
        return by_loss
    lengths = {n for each in forward.nodes() for n in np.shape(each.value)}
    near = (e for e in conventions(lengths) if abs(e - decay.factor) <= HALF_OF_THE_DIGITS * e)
    factor = next(near, decay.factor)
    loss = plus_decay(step.trace, times(step.trace, step.loss, factor), decay)
    found = growing(examine_pass(replace(step, loss=loss), blame=blame), decay)
    if found.right <= by_loss.right and not decay.taken_off:
        return by_loss
    return replace(found, factor=found.factor * factor, decay=decay.rate, decay_beside=True)


def _has_own_terms(step: OwnPass) -> bool:
    """Whether a loss is a sum with a term of the parameters alone, such as a decay."""
    assert step.loss is not None  # noqa: S101 - it is judged by it
    given = bits(step.goals)
    leaves = (each for each in step.trace.nodes if each.function is None and is_float(each))
    data = bits_of_nodes(e for e in leaves if np.size(e.value) > 1) & ~given
    terms = walk([step.loss], lambda each: each.inputs if each.operation in LINEAR else ())
    return any(each.uses & given and not each.uses & data for each in terms if each.function)
