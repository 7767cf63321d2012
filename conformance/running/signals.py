"""Signals that end the process, made to end it as Ctrl-C does: what it has started goes with it.

Left out: SIGKILL, which nobody hears of.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

ENDING: tuple[signal.Signals, ...] = ()  # on Windows nothing ends a process so that it hears of it
if sys.platform != "win32":
    ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """Let such a signal interrupt what this surrounds, as Ctrl-C does; an ignored one stays so."""
    came: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        signal.signal(number, signal.SIG_IGN)  # a second one would end the cleaning up
        raise KeyboardInterrupt

    ours = current_thread() is main_thread()
    heard = [each for each in ENDING if ours and signal.getsignal(each) is signal.SIG_DFL]
    for each in heard:
        signal.signal(each, interrupt)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if not came:
            raise
        sys.exit(128 + came[0])
    finally:
        for each in heard:
            signal.signal(each, signal.SIG_DFL)


@contextmanager
def held_back() -> Iterator[None]:
    """Leave it to this process to hear a signal that the whole group gets, as by Ctrl-C.

    What is started meanwhile never hears one, its first moments included; this process hears it at
    the end.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, *ENDING))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def forget() -> None:
    """Let such a signal end a forked child at once, as its parent before."""
    for each in ENDING:
        signal.signal(each, signal.SIG_DFL)
