"""The line of a subject's code after which something holds: its lines are followed one by one.

Only the subject's own lines are stopped at. What happens within a line, in NumPy, say, belongs to
that line. Left out: single operations (`trace.py`).
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from conformance.tracing.frames import Frame, is_subject, subject_frames

Frames = tuple[Frame, ...]


@contextmanager
def traced_by(trace: Callable[[FrameType, str, Any], Any] | None) -> Iterator[None]:
    """While it is entered, a function is told what this thread executes, as by `sys.settrace`."""
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


class LineTracer:
    """Follows the lines of a subject while `following` is entered; subclasses look at them."""

    def __init__(self) -> None:
        """Follow nothing yet."""
        self.now: Frames = ()  # the line that is being executed, the innermost frame first

    def executed(self, frame: FrameType, event: str, value: Any, /) -> None:
        """Called when `now` is done, or is interrupted by a call or a return.

        Args:
            frame: of the function that goes on.
            event: `call`, `line` or `return`, as of `sys.settrace`.
            value: what is returned or yielded.
        """

    @contextmanager
    def following(self) -> Iterator[Self]:
        """While it is entered, the lines of this thread are followed."""
        with traced_by(self._enter):
            yield self

    def _enter(self, frame: FrameType, event: str, value: Any) -> Any:
        if not is_subject(frame.f_code.co_filename):
            return None
        self.executed(frame, event, value)
        return self._go_on

    def _go_on(self, frame: FrameType, event: str, value: Any) -> Any:
        if event in ("line", "return"):
            self.executed(frame, event, value)
            following = frame if event == "line" else frame.f_back
            self.now = () if following is None else subject_frames(following)
        return self._go_on


class _Since(LineTracer):
    """The line after which something holds and goes on holding."""

    def __init__(self, holds: Callable[[], bool]) -> None:
        super().__init__()
        self.holds, self.since = holds, Frames()
        self.held = holds()

    def executed(self, _frame: FrameType, _event: str, _value: Any) -> None:
        """Note the line if it has made a difference."""
        held = self.holds()
        if held and not self.held:
            self.since = self.now
        self.held = held


def line_after_which(holds: Callable[[], bool], run: Callable[[], object]) -> Frames:
    """The line of a run after which something holds until the end; none if it does not.

    Args:
        holds: asked after each line; it does not hold before the first.
        run: calls the subject.
    """
    tracer = _Since(holds)
    with tracer.following():
        run()
    return tracer.since if holds() else ()


class Snapshots(LineTracer):
    """The numbers that are the local variables of some function, after each of its lines."""

    def __init__(self, names: Sequence[str], function: str) -> None:
        """Follow the variables of these names in functions of this name."""
        super().__init__()
        self.names, self.function = names, function
        self.taken: list[tuple[Frames, dict[str, float]]] = []

    def executed(self, frame: FrameType, event: str, _value: Any) -> None:
        """Take the numbers."""
        if event != "call" and frame.f_code.co_name == self.function:
            numbers = {name: _number(frame.f_locals.get(name)) for name in self.names}
            self.taken.append((self.now, {k: v for k, v in numbers.items() if v is not None}))


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
