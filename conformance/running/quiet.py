"""Other people's code without what it prints, without NumPy's warnings, and under a limit of time.

Some work of our own has a limit on its processor time. Left out: the limit of a whole process
(`isolate.py`).
"""

import gc
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import numpy as np


@contextmanager
def quiet() -> Iterator[None]:
    """Show nothing that is printed or that NumPy warns of, until the end of the block."""
    with redirect_stdout(StringIO()), np.errstate(all="ignore"):
        yield


class TooLongError(BaseException):
    """Code went on for too long; it is none of its own errors."""


SOON = 0.01
"""Seconds after which a limit is looked at again that ended where nothing can be raised."""


def _raises(error: type[BaseException], timer: int) -> Callable[[int, FrameType | None], None]:
    """A handler that raises an error at the end of a timer, outside of callbacks of Python's own.

    What is raised in one of the collector, or of a weak reference, is printed and lost, and the
    code goes on.
    """

    def end(_number: int, frame: FrameType | None) -> None:
        callbacks = {getattr(each, "__code__", None) for each in gc.callbacks}
        while frame is not None:
            if frame.f_code in callbacks or frame.f_code.co_filename == weakref.__file__:
                signal.setitimer(timer, SOON)
                return
            frame = frame.f_back
        raise error

    return end


WAITS = 10
"""How many times longer code may go on that waits, or that other processes keep waiting."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End what runs in the block after some seconds of computing, or ten times as many of waiting.

    On Windows, which has no alarms, and in another thread than the main one there is no limit.

    Raises:
        TooLongError: it went on for longer.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return

    waits = signal.SIGALRM, signal.ITIMER_REAL, WAITS * seconds
    with _alarmed(TooLongError, (signal.SIGPROF, signal.ITIMER_PROF, seconds), waits):
        yield


@contextmanager
def _alarmed(error: type[BaseException], *alarms: tuple[int, int, float]) -> Iterator[None]:
    """Raise an error in the block after so many seconds of a timer, each with its signal."""
    before = [signal.signal(number, _raises(error, timer)) for number, timer, _ in alarms]
    for _, timer, after in alarms:
        signal.setitimer(timer, after)
    try:
        yield
    finally:
        for (number, timer, _), handler in zip(alarms, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


STATM = Path("/proc/self/statm")


@contextmanager
def small(extra: int) -> Iterator[None]:
    """Let what runs in the block take some bytes more than the process has, on Linux alone.

    Raises:
        MemoryError: it took more.
    """
    if not STATM.exists():
        yield
        return
    resource: Any = import_module("resource")  # Windows has none
    pages = int(STATM.read_text(encoding="ascii").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + extra
    known = [each for each in (soft, hard) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([most, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


T = TypeVar("T")


class _OverError(BaseException):
    """The time is over; no handler of errors in between takes it for one."""


def within_seconds(seconds: float, work: Callable[[], T]) -> T | None:
    """What some work gives; None if it takes more seconds of the processor, and has to end.

    Only the main thread of a process has such a limit, and not on Windows.
    """
    if sys.platform == "win32":
        return work()

    try:
        with _alarmed(_OverError, (signal.SIGVTALRM, signal.ITIMER_VIRTUAL, seconds)):
            return work()
    except _OverError:
        return None
