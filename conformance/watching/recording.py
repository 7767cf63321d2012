"""Recording: every NumPy operation on watched arrays leaves its value, its inputs and its line.

Watched arrays compute with plain ones, so every result is bit for bit what the subject computes
unwatched. Arrays that lose the subclass on the way (`np.array`, `np.asarray`, a list of numbers)
are found again by their bytes. Left out: what the operations mean (`sighting.py`, `culprit.py`).
"""

import math
from collections.abc import Iterable
from typing import Any, cast

import numpy as np

from conformance.tracing.frames import Frame, subject_frames
from conformance.watching.events import FILL, Event, Sources, ends, keys, same
from conformance.watching.watched import Watched, flat
from reference.step import Array

LARGE = 1000  # entries of an array whose filling, number by number, is one event


class Recording:
    """The events of one run, in the order in which they happened."""

    def __init__(self, *, ours: bool = False) -> None:
        """Start with no events.

        Args:
            ours: record operations of this project's own code too, not the subject's alone.
        """
        self.ours = ours
        self.events: list[Event] = []
        self._by_ends: dict[tuple[Any, ...], list[Event]] = {}

    def watch(self, array: Array, name: str) -> Watched:
        """A watched copy of an array that the subject is given."""
        return self._wrap(np.array(array), self._note(f"given {name}", array, (), (), ()))

    def looked_at(self, name: str) -> bool:
        """Whether something was computed of what the subject was given under this name."""
        given = (event for event in self.events if event.operation == f"given {name}")
        return any(event.consumers for event in given)

    def close(self) -> None:
        """Take all events so far for something that was given to the run that follows."""
        for event in self.events:
            event.given = True

    def find(self, array: Any) -> Event | None:
        """The event that first computed these numbers, whatever their shape; None if none did."""
        if (
            isinstance(array, Watched)
            and array.event is not None
            and same(array, array.event.value)
        ):
            return array.event
        numbers = np.asarray(array)
        if isinstance(array, Watched) and array.event is None and not numbers.any():
            return None  # zeros that the subject made, which are like any others
        alike = self._by_ends.get(ends(numbers))
        if not alike:
            return None
        key = numbers.tobytes()
        mark = hash(key)
        for event in alike:
            event.marks = event.marks or tuple(map(hash, keys(event.value)))
            if mark in event.marks and key in keys(event.value):
                return event
        return None

    def origin(self, array: Any) -> Event | None:
        """The event that first computed these numbers, or more of which they are a part."""
        event = self.find(array)
        return array.event if event is None and isinstance(array, Watched) else event

    def sources(self, operands: Iterable[Any]) -> Sources:
        """Where the operands of an operation come from; to be asked before it overwrites them."""
        events, numbers = [], []
        for each in flat(operands):
            if isinstance(each, np.ndarray):
                event = self.origin(each)
                if event is not None:
                    events.append(event)
            elif isinstance(each, int | float | np.floating):
                numbers.append(_as_float(each))
        return tuple(events), tuple(numbers)

    def made_of(self, operands: Iterable[Any]) -> Sources:
        """As `sources`, for an array that is made of others and of single numbers, or filled."""
        events = []
        for each in flat(operands):
            if isinstance(each, np.ndarray | np.floating):
                event = self.origin(each)
                events += [] if event is None else [event]
        return tuple(events), ()

    def note(self, operation: str, result: Any, sources: Sources) -> Any:
        """Record an operation; returns its result, watched if it is an array."""
        if isinstance(result, tuple | list):
            return type(result)(self.note(operation, each, sources) for each in result)
        if not isinstance(result, np.ndarray | np.floating):
            return result
        frames, array = subject_frames(), isinstance(result, np.ndarray)
        if frames or self.ours:
            event = self._note(operation, _floats(cast("Array", result)), *sources, frames)
            return self._wrap(cast("Array", result), event) if array else result
        return self._wrap(cast("Array", result), sources[0][0]) if sources[0] else result

    def adopt(self, operation: str, array: Array, sources: Sources) -> Watched:
        """Watch an array that the subject made, of others or of nothing."""
        events, _ = sources
        known = self.find(array) if events else None
        if known is None and events:
            watched: Watched = self.note(operation, array, sources)
            return watched
        return self._wrap(array, known)

    def rewrite(self, operation: str, target: Any, sources: Sources) -> None:
        """Record an operation that wrote its result into an array that was there before."""
        event = self._note(operation, np.asarray(target), *sources, subject_frames())
        if isinstance(target, Watched):
            target.recording, target.event = self, event

    def filled_on(self, target: Watched, key: Any, sources: Sources) -> bool:
        """Whether writing into an array only went on with what its last event did; then it has it.

        Of a large array, for a copy of it at each of its entries is too much.
        """
        event = target.event
        if event is None or event.operation != FILL or target.size <= LARGE or event.consumers:
            return False
        alone = all(source is event for source in sources[0]) and target.shape == event.value.shape
        if not alone or event.frames != subject_frames():
            return False
        event.value[key] = np.asarray(target)[key]
        event.marks = ()
        alike = self._by_ends.setdefault(ends(event.value), [])
        if event not in alike:
            alike.append(event)
        return True

    def record(self, operation: str, value: Array, sources: Sources) -> Event | None:
        """Record what was computed other than by NumPy; None if no line of the subject did it."""
        frames = subject_frames()
        return self._note(operation, value, *sources, frames) if frames else None

    def known(self, array: Array, event: Event) -> Watched:
        """The array, watched, as what an event computed; it shares its memory."""
        return self._wrap(array, event)

    def _note(
        self,
        operation: str,
        value: Array,
        inputs: tuple[Event, ...],
        constants: tuple[float, ...],
        frames: tuple[Frame, ...],
    ) -> Event:
        copy = np.array(value)
        event = Event(len(self.events), operation, copy, inputs, constants, frames)
        event.given, event.siblings = operation.startswith("given "), self.events
        event.used = 1 << event.number
        for source in inputs:
            event.used |= source.used
            source.consumers.append(event)
        self.events.append(event)
        if copy.size > 1 or event.given or isinstance(value, np.generic):
            self._by_ends.setdefault(ends(copy), []).append(event)
        return event

    def _wrap(self, array: Array, event: Event | None) -> Watched:
        watched = array.view(Watched)
        watched.recording, watched.event = self, event
        return watched


class Unrecorded(Recording):
    """A recording of nothing: what it is given stays an ordinary array, for code that insists."""

    def watch(self, array: Array, _name: str) -> Any:
        """A copy of an array that the subject is given."""
        return np.array(array)

    def find(self, _array: Any) -> None:
        """Nothing is known of what computed these numbers."""
        return

    def adopt(self, _operation: str, array: Array, _sources: Sources) -> Any:
        """An array that the subject made, as it is."""
        return array

    def record(self, _operation: str, _value: Array, _sources: Sources) -> None:
        """Nothing is recorded."""
        return


def _as_float(number: Any) -> float:
    """A single number as a float; infinite where no float can hold it."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _floats(result: Array) -> Array:
    """The numbers of an operation, floats among objects as floats: NumPy will make them so too."""
    objects = isinstance(result, np.ndarray) and result.dtype.hasobject
    if objects and all(isinstance(each, float) for each in result.flat):
        return result.astype(np.float64)
    return result
