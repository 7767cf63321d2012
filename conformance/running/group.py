"""A process and all that it has started, ended together: a process group, or on Windows a job.

What has left the group is found by a mark: a variable in the environment of the program, which all
that it starts inherits; on Linux /proc shows who carries it, in whatever session or process group.
Left out: other systems, where it finds nothing, and a process that has thrown its environment away.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from subprocess import Popen
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

KILL_ON_CLOSE = 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
MAY_JOIN = 0x0001 | 0x0100  # PROCESS_TERMINATE, PROCESS_SET_QUOTA


class JobLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION, of which the flags alone are set."""

    _fields_ = (
        ("times", ctypes.c_int64 * 2),
        ("flags", ctypes.c_uint32),
        ("working_set", ctypes.c_size_t * 2),
        ("processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("classes", ctypes.c_uint32 * 2),
        ("counters", ctypes.c_uint64 * 6),
        ("memory", ctypes.c_size_t * 4),
    )


def apart() -> dict[str, Any]:
    """How `subprocess.Popen` starts the leader of a group."""
    if sys.platform == "win32":
        from subprocess import CREATE_NEW_PROCESS_GROUP

        return {"creationflags": CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def has_ended(process: "Popen[bytes]") -> bool:
    """Whether it has; on Linux it is not reaped, so that its group cannot become another's."""
    if sys.platform == "linux":
        flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, process.pid, flags) is not None
    return process.poll() is not None


class Group:
    """The processes that a child has started, and itself.

    On Windows these are those that it starts from now on, and they end with this process too.
    """

    def __init__(self, pid: int) -> None:
        """Take the group of a child that leads one, or on Windows make a job of it."""
        self.pid = pid
        if sys.platform == "win32":
            self._kernel = kernel = ctypes.WinDLL("kernel32")
            kernel.CreateJobObjectW.restype = kernel.OpenProcess.restype = ctypes.c_void_p
            self._job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
            limits = JobLimits(flags=KILL_ON_CLOSE)
            size = ctypes.sizeof(limits)
            kernel.SetInformationJobObject(self._job, EXTENDED_LIMITS, ctypes.byref(limits), size)
            child = ctypes.c_void_p(kernel.OpenProcess(MAY_JOIN, False, pid))
            kernel.AssignProcessToJobObject(self._job, child)
            kernel.CloseHandle(child)

    def end(self) -> None:
        """Kill them all."""
        if sys.platform == "win32":
            self._kernel.TerminateJobObject(self._job, 1)
            self._kernel.CloseHandle(self._job)
            return
        with suppress(ProcessLookupError, PermissionError):  # it has gone, or is no leader yet
            os.killpg(self.pid, signal.SIGKILL)


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
