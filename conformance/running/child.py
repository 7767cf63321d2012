"""What runs in an isolated child process: it leaves its parent's group and streams, and reports.

Left out: its parent's view of it (`isolate.py`).
"""

import faulthandler
import json
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

from conformance.errors import ConformanceError, InternalError
from conformance.running.signals import forget
from conformance.running.tracebacks import PACKAGE, headline, internal, is_ours, own_traceback

Send = Callable[[object], None]
Work = Callable[[Send], None]

INTERNAL = InternalError.__name__


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
    _detach(None if shown else output, stack)

    def tell(kind: str, content: object) -> None:
        records.send_bytes(json.dumps([kind, content]).encode())

    try:
        work(lambda record: tell("record", record))
    except SystemExit as error:
        tell("left", own_traceback(error, PACKAGE))
        raise
    except InternalError as error:
        tell(INTERNAL, [str(error), error.traceback])
    except ConformanceError as error:
        tell(type(error).__name__, str(error))
    except BaseException as error:  # noqa: BLE001 - whatever it is
        if is_ours(error):
            ours = internal(error)
            tell(INTERNAL, [str(ours), ours.traceback])
        else:
            tell("raised", f"raised {headline(error)}\n{own_traceback(error, PACKAGE)}")
    else:
        tell("done", None)


def _detach(output: Connection | None, stack: Connection) -> None:
    """Leave the parent's group, streams and, should it die, life."""
    if sys.platform == "win32" and output is None:
        return
    if sys.platform == "win32":  # its pipes are no descriptors: what the child prints is lost
        sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        return
    forget()
    os.setsid()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    parent = parent_process()
    if parent is not None and os.getppid() != parent.pid:
        os._exit(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if output is not None:
        for number in (1, 2):
            os.dup2(output.fileno(), number)
    sys.stdout, sys.stderr = (
        open(number, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
        for number in (1, 2)
    )
    faulthandler.enable(stack.fileno(), all_threads=False)
    faulthandler.register(signal.SIGUSR1, stack.fileno(), all_threads=False)
