"""Recording arrays: every NumPy operation on them leaves its value, its inputs and its line.

`Watched` is an `ndarray` subclass. It computes with plain arrays, so every result is bit for bit
what the subject computes unwatched. Arrays that lose the subclass on the way (`np.array`,
`np.asarray`, a list of numbers) are found again by their bytes. Left out: what the operations
mean (`sighting.py`, `culprit.py`).
"""

import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, cast

import numpy as np

from conformance.arithmetic.exact import Exact, to_exact
from reference.step import Array

_WATCHING = str(Path(__file__).resolve().parent)
_PACKAGE = str(Path(_WATCHING).parent)
_TESTS = str(Path(_PACKAGE, "tests"))
_STDLIB = sysconfig.get_paths()["stdlib"]
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
_FOREIGN = (str(Path(np.__file__).parent), "<")

NARROWING = "astype"
"""The operation of a cast to narrower floats, which is the only one that is recorded."""

Sources = tuple[tuple["Event", ...], tuple[float, ...]]


@dataclass(frozen=True)
class Frame:
    """A line of the subject's code."""

    file: str
    line: int
    function: str


@dataclass(eq=False)
class Event:
    """One operation: what it was, what came out, from which earlier events, on which line."""

    number: int
    operation: str
    value: Array  # a copy
    inputs: tuple["Event", ...]
    constants: tuple[float, ...]  # the numbers among its operands
    frames: tuple[Frame, ...]  # the innermost first; none of a given array

    given: bool = False  # whether the array was handed to the subject, and not computed
    used: int = 0  # the numbers of all events that it was computed from, and its own, as bits
    consumers: list["Event"] = field(default_factory=list)
    siblings: list["Event"] = field(default_factory=list)  # all events of the run
    floats: Array | None = None  # the value in float64, once somebody looked for it
    marks: tuple[int, ...] = ()  # hashes of the value and of the turned one, once they were needed

    def uses(self, other: "Event") -> bool:
        """Whether it is the other event, or was computed from it."""
        return bool(self.used >> other.number & 1)


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

    def watch(self, array: Array, name: str) -> "Watched":
        """A watched copy of an array that the subject is given."""
        return self._wrap(np.array(array), self._note(f"given {name}", array, (), (), ()))

    def close(self) -> None:
        """Take all events so far for something that was given to the run that follows."""
        for event in self.events:
            event.given = True

    def find(self, array: Any) -> Event | None:
        """The event that first computed these numbers, whatever their shape; None if none did."""
        if (
            isinstance(array, Watched)
            and array.event is not None
            and _same(array, array.event.value)
        ):
            return array.event
        numbers = np.asarray(array)
        if isinstance(array, Watched) and array.event is None and not numbers.any():
            return None  # zeros that the subject made, which are like any others
        alike = self._by_ends.get(_ends(numbers))
        if not alike:
            return None
        key = numbers.tobytes()
        mark = hash(key)
        for event in alike:
            event.marks = event.marks or tuple(map(hash, _keys(event.value)))
            if mark in event.marks and key in _keys(event.value):
                return event
        return None

    def sources(self, operands: Iterable[Any]) -> "Sources":
        """Where the operands of an operation come from; to be asked before it overwrites them."""
        events, numbers = [], []
        for each in _flat(operands):
            if isinstance(each, np.ndarray):
                event = self.find(each)
                if event is None and isinstance(each, Watched):
                    event = each.event  # a part of it
                if event is not None:
                    events.append(event)
            elif isinstance(each, int | float):
                numbers.append(float(each))
        return tuple(events), tuple(numbers)

    def note(self, operation: str, result: Any, sources: "Sources") -> Any:
        """Record an operation; returns its result, watched if it is an array."""
        if isinstance(result, tuple | list):
            return type(result)(self.note(operation, each, sources) for each in result)
        if not isinstance(result, np.ndarray | np.floating | Exact):
            return result
        frames, array = _frames(), isinstance(result, np.ndarray)
        if frames or self.ours:
            result = self.result(_lifted(result))
            event = self._note(operation, cast("Array", result), *sources, frames)
            return self._wrap(cast("Array", result), event) if array else result
        return self._wrap(cast("Array", result), sources[0][0]) if sources[0] else result

    def adopt(self, operation: str, array: Array, sources: "Sources") -> "Watched":
        """Watch an array that the subject made, of others or of nothing."""
        events, _ = sources
        same = self.find(array) if events else None
        if same is None and events:
            watched: Watched = self.note(operation, array, sources)
            return watched
        return self._wrap(array, same)

    def rewrite(self, operation: str, target: Any, sources: "Sources") -> None:
        """Record an operation that wrote its result into an array that was there before."""
        result = self.result(target)
        if result is not target:
            np.asarray(target)[...] = result
        event = self._note(operation, np.asarray(target), *sources, _frames())
        if isinstance(target, Watched):
            target.recording, target.event = self, event

    def record(self, operation: str, value: Array, sources: "Sources") -> Event | None:
        """Record what was computed other than by NumPy; None if no line of the subject did it."""
        frames = _frames()
        return self._note(operation, value, *sources, frames) if frames else None

    def known(self, array: Array, event: Event) -> "Watched":
        """The array, watched, as what an event computed; it shares its memory."""
        return self._wrap(array, event)

    def result(self, value: Any) -> Any:
        """What an operation is taken to have computed; called before the operation is recorded."""
        return value

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
        if copy.size > 1 or event.given or isinstance(value, np.generic | Exact):
            self._by_ends.setdefault(_ends(copy), []).append(event)
        return event

    def _wrap(self, array: Array, event: Event | None) -> "Watched":
        watched = array.view(Watched)
        watched.recording, watched.event = self, event
        return watched


class Watched(np.ndarray[Any, Any]):
    """An array that records what is done with it."""

    recording: Recording | None
    event: Event | None

    def __array_finalize__(self, parent: object) -> None:
        """A view or a copy shares its parent's event."""
        self.recording = getattr(parent, "recording", None)
        self.event = getattr(parent, "event", None)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute with plain arrays and record the result."""
        out = kwargs.get("out", ())
        recording = _recording((*inputs, *out))
        sources = recording.sources(inputs) if recording else ((), ())
        result = getattr(ufunc, method)(*map(unwatched, inputs), **(kwargs and unwatched(kwargs)))
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        if recording is None:
            return result
        if method == "at":
            return recording.rewrite(name, inputs[0], sources)
        for target in out:
            recording.rewrite(name, target, sources)
        if out:
            return out[0] if len(out) == 1 else out
        return recording.note(name, result, sources)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Compute with plain arrays and record the result."""
        recording = _recording((*args, *kwargs.values()))
        sources = recording.sources((*args, *kwargs.values())) if recording else ((), ())
        result = func(*map(unwatched, args), **(kwargs and unwatched(kwargs)))
        if recording is None:
            return result
        name = getattr(func, "__name__", "function")
        if isinstance(kwargs.get("out"), np.ndarray):
            recording.rewrite(name, kwargs["out"], sources)
            return kwargs["out"]
        return recording.note(name, result, sources)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write the entries and record the array that has them."""
        recording = self.recording
        sources = recording.sources((self, value)) if recording else ((), ())
        self.view(np.ndarray)[unwatched(key)] = unwatched(value)
        if recording is not None:
            recording.rewrite("setitem", self, sources)

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The transposed array, recorded so that its line is known."""
        return self.transpose()

    def transpose(self, *axes: Any) -> Any:
        """The array with its axes turned, recorded so that its line is known."""
        turned = self.view(np.ndarray).transpose(*axes)
        if self.recording is None:
            return turned
        return self.recording.note("transpose", turned, self.recording.sources((self,)))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """The array in another dtype, recorded where floats become narrower ones."""
        array = super().astype(dtype, *args, **kwargs)
        narrower = self.dtype.kind == array.dtype.kind == "f" and array.itemsize < self.itemsize
        if self.recording is None or not narrower:
            return array
        sources = self.recording.sources((self,))
        return self.recording.note(NARROWING, array.view(np.ndarray), sources)

    def dot(self, other: Any, out: Any = None) -> Any:
        """np.dot, which records; the method would not."""
        return np.dot(self, other) if out is None else np.dot(self, other, out=out)

    def __reduce__(self) -> Any:
        """A pickled array is a plain one."""
        return self.view(np.ndarray).__reduce__()


def holds(array: Array, event: Event) -> bool:
    """Whether an array has the numbers of an event, perhaps turned or reshaped."""
    return _same(array, event.value)


def plain(value: Any) -> Any:
    """The value with every watched array in it made plain, as a copy."""
    if isinstance(value, Watched):
        return np.array(value.view(np.ndarray))
    if isinstance(value, list | tuple):
        return type(value)(plain(each) for each in value)
    return value


def _recording(values: Iterable[Any]) -> Recording | None:
    for each in _flat(values):
        if isinstance(each, Watched) and each.recording is not None:
            return each.recording
    return None


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value


def unwatched(value: Any) -> Any:
    """The value with every watched array in it made plain, sharing its memory."""
    if isinstance(value, Watched):
        return value.view(np.ndarray)
    if isinstance(value, list | tuple):
        return type(value)(unwatched(each) for each in value)
    if isinstance(value, dict):
        return {key: unwatched(each) for key, each in value.items()}
    return value


def _lifted(result: Any) -> Any:
    """The result of an operation with the floats among its balls made balls.

    A bound of clip, maximum or where is one, and the next operation would stop at it.
    """
    if not isinstance(result, np.ndarray) or not result.dtype.hasobject:
        return result
    if not any(type(each) in (int, float) for each in result.flat):
        return result
    lifted = (to_exact(each)[()] if type(each) in (int, float) else each for each in result.flat)
    return np.fromiter(lifted, dtype=object, count=result.size).reshape(result.shape)


def _same(array: Array, value: Array) -> bool:
    """Whether an array still holds the numbers of an event, perhaps turned or reshaped."""
    if array.size != value.size:
        return False
    if array.shape == value.shape or array.ndim != value.ndim:
        return array.tobytes() == value.tobytes()
    return array.tobytes() == (value.T if array.shape == value.T.shape else value).tobytes()


def _ends(array: Array) -> tuple[Any, ...]:
    """What arrays of the same numbers have in common, turned or reshaped: a cheap first look."""
    if array.size == 0:
        return (0,)
    first, last = array.item(0), array.item(-1)
    if array.dtype.hasobject:
        return array.size, id(first), id(last)
    return array.size, first if first == first else None, last if last == last else None  # noqa: PLR0124 - NaN


def _keys(array: Array) -> Iterator[bytes]:
    """The bytes of an array, and of the turned one."""
    yield array.tobytes()
    if array.ndim > 1 and min(array.shape) > 1:
        yield array.T.tobytes()


def _frames() -> tuple[Frame, ...]:
    """The lines of the subject that lead here, the innermost first; none if we did it ourselves."""
    found: list[Frame] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the way to the caller's line
    line = 0  # of a comprehension, which is a part of the function around it
    while frame is not None:
        file, function = frame.f_code.co_filename, frame.f_code.co_name
        if is_subject(file):
            line = line or frame.f_lineno
            if function not in _COMPREHENSIONS:
                found.append(_frame(file, line, function))
                line = 0
        elif file.startswith(_PACKAGE) and not file.startswith(_WATCHING):
            break  # our own call into the subject
        frame = frame.f_back
    return tuple(found)


@cache
def _frame(file: str, line: int, function: str) -> Frame:
    return Frame(file, line, function)


@cache
def is_subject(file: str) -> bool:
    """Whether a file is the subject's: not ours, NumPy's, torch's or the standard library's."""
    if file.startswith(_STDLIB) and "site-packages" not in file:
        return False
    if file.startswith(_TESTS):
        return True
    torch = getattr(sys.modules.get("torch"), "__file__", None)  # with its frames it is imported
    foreign = (str(Path(torch).parent),) if torch else ()
    return not file.startswith((_PACKAGE, *_FOREIGN, *foreign))
