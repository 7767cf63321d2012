"""What runs in an isolated child process: it leaves its parent's group and streams, and reports.

Left out: its parent's view of it (`isolate.py`).
"""

import faulthandler
import gc
import io
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from conformance.errors import ConformanceError, InternalError, UnjudgedError
from conformance.running.signals import forget
from conformance.running.tracebacks import (
    headline,
    internal,
    is_ours,
    is_raised_by_us,
    own_traceback,
)

Send = Callable[[object], None]
Work = Callable[[Send], None]

INTERNAL = InternalError.__name__

SHARE = 0.9  # of the memory of the machine, that a process may take

FEW_COLLECTIONS = 200_000  # objects made between two


def run_child(
    work: Work, records: Connection, output: Connection, stack: Connection, *, shown: bool = False
) -> None:
    """Do the work, and tell how it ended.

    Args:
        work: what is to be done.
        records: where what it sends goes.
        output: where what it prints goes.
        stack: where it says where it is, should it hang.
        shown: whether what it prints goes where its parent prints instead.
    """
    gc.freeze()  # to look through what the parent has would copy each page of it
    gc.set_threshold(FEW_COLLECTIONS)  # to the end of the process: a trace is many objects
    _detach(None if shown else output, stack)
    most = _limit_memory()

    def tell(kind: str, content: object) -> None:
        records.send_bytes(json.dumps([kind, content]).encode())

    try:
        work(lambda record: tell("record", record))
    except SystemExit as error:
        tell("left", own_traceback(error))
        raise
    except InternalError as error:
        tell(INTERNAL, [str(error), error.traceback])
    except ConformanceError as error:
        tell(type(error).__name__, str(error))
    except BaseException as error:  # noqa: BLE001 - whatever it is
        if isinstance(error, MemoryError) and is_raised_by_us(error):
            why = f"to judge it takes more than {most / 2**30:.1f} GB of memory; give it less data"
            tell(UnjudgedError.__name__, why)
        elif is_ours(error):
            ours = internal(error)
            tell(INTERNAL, [str(ours), ours.traceback])
        else:
            tell("raised", f"raised {headline(error)}\n{own_traceback(error)}")
    else:
        tell("done", None)


def _limit_memory() -> int:
    """Let this process take no more memory than the machine has, on Linux; how much that is.

    Else the kernel would end this process, or another one.
    """
    if sys.platform != "linux":
        return 0
    resource: Any = import_module("resource")  # Windows has none
    most = int(SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    known = [int(each) for each in (soft, hard) if each != resource.RLIM_INFINITY]
    least = min([most, *known])
    resource.setrlimit(resource.RLIMIT_DATA, (least, hard))
    return least


class _Sent(io.RawIOBase):
    """Bytes that are sent over a connection, where it is no descriptor."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Send some bytes."""
        self.connection.send_bytes(data)
        return len(data)


def sent_text(connection: Connection) -> io.TextIOWrapper:
    """A stream of text that is sent over a connection, line by line."""
    raw = io.BufferedWriter(_Sent(connection))
    return io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", line_buffering=True)


def heard(connection: Connection) -> bytes:
    """Some bytes that a child has printed; none if it has ended."""
    if sys.platform == "win32":
        try:
            return connection.recv_bytes()
        except (EOFError, OSError):
            return b""
    return os.read(connection.fileno(), 1 << 16)


def _has_answers() -> bool:
    """Whether there is something to read on stdin, which is no terminal."""
    try:
        return not os.isatty(0) and bool(select.select([0], [], [], 0)[0])
    except (OSError, ValueError):
        return False


def _detach(output: Connection | None, stack: Connection) -> None:
    """Leave the parent's group, streams and, should it die, life."""
    if sys.platform == "win32":  # it is in the job of its parent (`group.py`)
        if output is not None:
            sys.stdout = sys.stderr = sent_text(output)
        return
    forget()
    os.setsid()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    parent = parent_process()
    if parent is not None and os.getppid() != parent.pid:
        os._exit(1)
    if output is None and _has_answers():
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as it runs
    else:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if output is not None:
        for number in (1, 2):
            os.dup2(output.fileno(), number)
    coding = "utf-8" if output is not None else sys.stdout.encoding  # of who reads it
    sys.stdout, sys.stderr = (
        open(number, "w", 1, coding, "backslashreplace", closefd=False)  # noqa: SIM115
        for number in (1, 2)
    )
    faulthandler.enable(stack.fileno(), all_threads=False)
    faulthandler.register(signal.SIGUSR1, stack.fileno(), all_threads=False)
