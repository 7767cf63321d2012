"""A limit of time within a process, for code that may go on for ever.

Left out: the limit of a whole process (`isolate.py`).
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooLongError(BaseException):
    """Code went on for too long; it is none of its own errors."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End what runs in the block after some seconds.

    On Windows, which has no alarms, and in another thread than the main one there is no limit.

    Raises:
        TooLongError: it went on for longer.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
