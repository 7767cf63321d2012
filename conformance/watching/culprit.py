"""The line to blame: where a wrong value first parts from what the equation is made of.

The book's equation is run on the subject's own inputs under the same recording, which gives every
value that may rightly appear on the way. The culprit is the first operation that computes
something else from right operands. A quantity that is itself a right intermediate value, such as
a − y for δ, was taken too early: then the line that took it is to blame.

Left out: whether the value is wrong (`conformance.compare`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from conformance.watching.recording import Event, Frame, Recording
from conformance.watching.sighting import alike
from reference.step import Array


def right_values(
    equation: Callable[..., Any], operands: Sequence[Any], more: Iterable[Array] = ()
) -> list[Array]:
    """All values on the way of an equation: its operands, what it computes from them, and more."""
    recording = Recording()
    watched = [
        recording.watch(operand, str(i)) if isinstance(operand, np.ndarray) else operand
        for i, operand in enumerate(operands)
    ]
    equation(*watched)
    return [event.value for event in recording.events] + list(more)


def culprit(event: Event, right: Sequence[Array], close: float) -> tuple[Frame, ...]:
    """The frames of the operation to blame for a wrong value, the innermost first.

    Args:
        event: what computed the wrong value.
        right: the values that may rightly appear on the way.
        close: how near is near enough, as a part of the largest entry.
    """
    for each in _way(event, right, close):
        if not _known(each.value, right, close) and each.frames:
            return each.frames
    return event.frames[-1:]


def _way(event: Event, right: Sequence[Array], close: float) -> list[Event]:
    """The event and what it was computed from, back to right values, in the order of time."""
    seen: dict[int, Event] = {}
    waiting = [event]
    while waiting:
        each = waiting.pop()
        if each.number in seen or each.given:
            continue
        seen[each.number] = each
        if each is event or not _known(each.value, right, close):
            waiting.extend(each.inputs)
    return [seen[number] for number in sorted(seen)]


def _known(value: Array, right: Sequence[Array], close: float) -> bool:
    return any(alike(value, each, close) for each in right)
