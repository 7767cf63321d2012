"""What a subject shows of one step, and where its code computed it.

Left out: how each kind of subject is made to show it (the other modules of this folder).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.tracing.frames import Frame
from conformance.tracing.trace import Trace
from conformance.verdict.finding import Finding
from conformance.verdict.on_balls import OnBalls
from reference.step import Array, Step

Observed = Array | RunningError
"""A quantity as it was seen, or put together from what was seen, with the bound of doing so."""

Family = Mapping[int, Mapping[str, Array]]
"""The quantities of each step that was recorded, by their names."""

SHOWN = "shown"
"""What decides on balls of `Observation.shown`."""

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
        returned: z, a, δ and ∇ of what backprop returns, where the update uses something else.
        returned_where: as `where`, for `returned`.
        findings: what is wrong beside the quantities, such as inputs that were overwritten.
        notes: what is not wrong, but was not looked at, and why.
        on_balls: what decides on balls whether a quantity is right, by what shows it: `SHOWN`,
            or the mode of a pass of its own.
        own_numbers: whether `shown` was found in the numbers of the case itself, some of which may
            be equal by chance, or in other passes than that of the update, which was not followed.
        again: all steps of the run that shows this one, and those of a second run, where the
            subject can be run anew; it raises SubjectError if that run fails.
        traces: in which lines are looked for; they are let go once the step is judged.
    """

    shown: Mapping[str, Observed]
    where: Where = nowhere
    forward: Mapping[str, Observed] = field(default_factory=dict)
    forward_where: Where = nowhere
    returned: Mapping[str, Observed] = field(default_factory=dict)
    returned_where: Where = nowhere
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    on_balls: Mapping[str, OnBalls] = field(default_factory=dict)
    own_numbers: bool = False
    again: Callable[[], tuple[Family, Family]] | None = None
    traces: tuple[Trace, ...] = ()

    def let_go(self) -> None:
        """Free the traces: no more lines are looked for in them."""
        for each in self.traces:
            each.let_go()


def observed(taken: Observation | Step | Mapping[str, Array]) -> Observation:
    """What any session's step gives, as an observation.

    Scalars become arrays of shape (), and floats that are wider than float64 are rounded to it:
    whoever computes in more digits than are judged does nothing wrong, and it is noted.
    """
    if isinstance(taken, Observation):
        seen = taken
    else:
        named = taken.named() if isinstance(taken, Step) else taken.items()
        seen = Observation(
            {
                name: np.asarray(value) if isinstance(value, np.generic) else value
                for name, value in named
            }
        )
    return narrowed(seen, _wide, rounded, ("it computes in", "float64"))


def narrowed(
    seen: Observation,
    wide: Callable[[Any], bool],
    round_: Callable[[Any], Any],
    words: tuple[str, str],
) -> Observation:
    """What was seen, with numbers that are too wide rounded; it is noted of which dtypes they are.

    Args:
        seen: of a step.
        wide: whether an array is.
        round_: makes another of such a one.
        words: that stand before those dtypes, and the format that is rounded to.
    """
    parts = {name: getattr(seen, name) for name in ("shown", "forward", "returned")}
    kinds = {str(e.dtype) for part in parts.values() for e in part.values() if wide(e)}
    if not kinds:
        return seen
    changed: dict[str, Any] = {
        name: {key: round_(e) if wide(e) else e for key, e in part.items()}
        for name, part in parts.items()
    }
    said = f"{words[0]} {' and '.join(sorted(kinds))}: that is judged as it rounds to {words[1]}"
    return replace(seen, **changed, notes=(*seen.notes, said))


def rounded(value: Any) -> Any:
    """An array, of which floats wider than float64 are rounded to it."""
    return value.astype(np.float64) if _wide(value) else value


def _wide(value: Any) -> bool:
    floats = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return floats and value.itemsize > np.dtype(np.float64).itemsize
