"""What a subject shows of one step, and where its code computed it.

Left out: how each kind of subject is made to show it (the other modules of this folder).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.watching.frames import Frame
from reference.step import Array, Step

Shown = Array | RunningError
"""A quantity as it was seen, or put together from what was seen, with the bound of doing so."""

Where = Callable[[str, tuple[int, ...]], tuple[Frame, ...]]


def nowhere(_name: str, _index: tuple[int, ...]) -> tuple[Frame, ...]:
    """No line is known."""
    return ()


@dataclass(frozen=True, eq=False)
class Observation:
    """One step of a subject.

    Attributes:
        shown: the quantities, all or some, by their names.
        where: the lines that computed an entry of a quantity wrongly, the innermost first.
        forward: z and a of a feedforward pass of its own, where the subject has one that differs.
        forward_where: as `where`, for `forward`.
        remarks: what is wrong beside the quantities, such as inputs that were overwritten.
        notes: what is not wrong, but was not looked at, and why.
    """

    shown: Mapping[str, Shown]
    where: Where = nowhere
    forward: Mapping[str, Shown] = field(default_factory=dict)
    forward_where: Where = nowhere
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def observed(taken: Observation | Step | Mapping[str, Array]) -> Observation:
    """What any session's step gives, as an observation; scalars become arrays of shape ()."""
    if isinstance(taken, Observation):
        return taken
    named = taken.named() if isinstance(taken, Step) else taken.items()
    return Observation(
        {
            name: np.asarray(value) if isinstance(value, np.generic) else value
            for name, value in named
        }
    )
