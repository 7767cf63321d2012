"""A limit on the processor time of some work of our own.

Left out: other people's code, which runs in a process with limits (`isolate.py`).
"""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class _OverError(BaseException):
    """The time is over; no handler of errors in between takes it for one."""


def within_seconds(seconds: float, work: Callable[[], T]) -> T | None:
    """What some work gives; None if it takes more seconds of the processor, and has to end.

    Only the main thread of a process has such a limit, and not on Windows.
    """
    if sys.platform == "win32":
        return work()

    def over(_number: int, _frame: FrameType | None) -> None:
        raise _OverError

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return work()
    except _OverError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
