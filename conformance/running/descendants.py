"""The processes that a program has started, ended wherever they went.

The program is given a variable of its own in its environment, which all that it starts inherits;
on Linux /proc shows who carries it, in whatever session or process group. Left out: other systems,
where nothing is found, and a process that has thrown its environment away.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic, sleep
from uuid import uuid4

PREFIX = "CONFORMANCE_RUN_"
PATIENCE = 5.0  # seconds until what starts itself anew again and again is let be
PAUSE = 0.002  # seconds that a killed process has to go


def new_mark() -> str:
    """The name of a variable that no other run has."""
    return PREFIX + uuid4().hex


def end_marked(mark: str) -> None:
    """Kill every process that carries the mark, those that they start meanwhile too."""
    if sys.platform != "linux":
        return
    deadline = monotonic() + PATIENCE
    while (found := [*_carriers(mark)]) and monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):  # it has gone, or is not ours
                os.kill(pid, signal.SIGKILL)
        sleep(PAUSE)


def _carriers(mark: str) -> Iterator[int]:
    """The processes with this variable; a dead one that nobody has waited for has none."""
    wanted = f"{mark}=".encode()
    for name in os.listdir("/proc"):  # noqa: PTH208 - its names are numbers, not paths
        if name.isdecimal():
            with suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
                if wanted in file.read():
                    yield int(name)
