"""A program whose loss and whose gradients are of two passes, each of which drops other neurons.

What goes backward may go forward itself, and what gives its loss does, too: the gradients are those
of the loss where both draw the same random numbers. Left out: what a pass draws twice, which stays
two; and programs that draw none (`own_loss.is_of_another_pass`).
"""

from contextlib import suppress
from dataclasses import replace

from conformance.shapes.attempts import UnfitError
from conformance.shapes.draws import Draws, held
from conformance.shapes.own_loss import is_of_another_pass, own_loss
from conformance.shapes.reading import Reading


def in_one_pass(reading: Reading) -> Reading:
    """The same program, whose functions all draw the same, if that makes one pass of two."""
    if not (_is_apart(reading) and Draws(held(reading.run)).any):
        return reading
    again = replace(reading, plan=replace(reading.plan, redraws=True))
    with suppress(UnfitError):  # what it draws may be needed to go on
        made = again.beginning_with(reading.run.begun)
        return reading if _is_apart(made) else made
    return reading


def _is_apart(reading: Reading) -> bool:
    loss = own_loss(reading.run, reading.places)
    return loss is not None and is_of_another_pass(loss, reading.places.goals, reading.run.target)
