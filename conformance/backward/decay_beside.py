"""Weights that decay by what an update adds to their gradients, and the loss does not show it.

Left out: a decay that is a part of the loss, and the decay itself (`decay.py`).
"""

from dataclasses import replace

from conformance.backward.declared import declared
from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.program import NotAGradientError


def with_decay_beside(step: OwnPass, by_loss: Examined, *, known: bool | None = None) -> Examined:
    """The judgement of an update by the known cost that its loss is, and a decay beside it.

    Args:
        step: the update, with the loss.
        by_loss: its judgement by the loss alone, which stays where a decay explains no more, or the
            loss is no known cost: what is added to one says what decays.
        known: whether the loss is a known cost; None if that is to be found out.
    """
    if by_loss.ok or step.loss is None or known is False:
        return by_loss
    if known is None and declared(step.trace, [step.loss], step.goals) is None:
        return by_loss
    try:
        found = examine_pass(replace(step, loss=None))
    except NotAGradientError:
        return by_loss
    mends = all(each.mends for each in found.accused)
    if not found.decay or (found.right, mends) <= (by_loss.right, False):
        return by_loss
    return replace(found, decay_beside=True)
