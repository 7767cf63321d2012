"""One operation of a watched run, and how the numbers that it gave are known again.

Left out: recording it (`recording.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance.tracing.frames import Frame
from reference.step import Array

NARROWING = "astype"
"""The operation of a cast to narrower floats, which is the only one that is recorded."""

PART = "getitem"
"""The operation of taking some rows and columns of a matrix."""

FILL = "setitem"
"""The operation of writing into an array."""

Sources = tuple[tuple["Event", ...], tuple[float, ...]]


@dataclass(eq=False)
class Event:
    """One operation: what it was, what came out, from which earlier events, on which line."""

    number: int
    operation: str
    value: Array  # a copy
    inputs: tuple["Event", ...] = field(repr=False)  # else a repr holds the whole run, many times
    constants: tuple[float, ...]  # the numbers among its operands
    frames: tuple[Frame, ...]  # the innermost first; none of a given array

    given: bool = False  # whether the array was handed to the subject, and not computed
    used: int = 0  # the numbers of all events that it was computed from, and its own, as bits
    consumers: list["Event"] = field(default_factory=list, repr=False)
    siblings: list["Event"] = field(default_factory=list, repr=False)  # all events of the run
    floats: Array | None = None  # the value in float64, once somebody looked for it
    marks: tuple[int, ...] = ()  # hashes of the value and of the turned one, once they were needed

    def uses(self, other: "Event") -> bool:
        """Whether it is the other event, or was computed from it."""
        return bool(self.used >> other.number & 1)

    def may_use(self, other: "Event") -> bool:
        """Whether it uses the other event, or comes later and nobody knows what it was made of."""
        return self.uses(other) or (self.untraced and other.number < self.number)

    @property
    def untraced(self) -> bool:
        """Whether it was filled with single numbers, which are not seen before they are in it."""
        given = (event for event in self.siblings if event.given)
        return self.operation == FILL and not any(self.uses(event) for event in given)


def same(array: Array, value: Array) -> bool:
    """Whether an array still holds the numbers of an event, perhaps turned or reshaped."""
    if array.size != value.size:
        return False
    if array.shape == value.shape or array.ndim != value.ndim:
        return array.tobytes() == value.tobytes()
    return array.tobytes() == (value.T if array.shape == value.T.shape else value).tobytes()


def ends(array: Array) -> tuple[Any, ...]:
    """What arrays of the same numbers have in common, turned or reshaped: a cheap first look."""
    if array.size == 0:
        return (0,)
    first, last = array.item(0), array.item(-1)
    if array.dtype.hasobject:
        return array.size, id(first), id(last)
    return array.size, first if first == first else None, last if last == last else None  # noqa: PLR0124 - NaN


def keys(array: Array) -> Iterator[bytes]:
    """The bytes of an array, and of the turned one."""
    yield array.tobytes()
    if array.ndim > 1 and min(array.shape) > 1:
        yield array.T.tobytes()


def holds(array: Array, event: Event) -> bool:
    """Whether an array has the numbers of an event, perhaps turned or reshaped."""
    return same(array, event.value)
