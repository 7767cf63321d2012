"""A command without a shell, run to its end under a time limit, with the tail of what it printed.

It leads a process group of its own, which is killed as a whole in every case. Left out: what it
reads and writes (`subjects/command.py`), a sandbox, and children that leave the group.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from time import monotonic

from conformance.errors import SubjectError
from conformance.isolate import SHOWN, WIDTH

TAIL = 64 << 10  # bytes of each stream that are kept
TICK = 0.01  # seconds until an end is noticed that the pipes do not tell


@dataclass(frozen=True)
class Ended:
    """A command that ran.

    Attributes:
        status: its exit status; the negative number of the signal by which it died; None if it
            was still running when the time was over.
        output: the tail of its stderr, or of its stdout if it wrote nothing there.
    """

    status: int | None
    output: bytes

    def said(self) -> str:
        """The last lines of its output for a message, each on a line of its own."""
        lines = self.output.decode(errors="replace").splitlines()
        last = [f"  | {line[:WIDTH]}" for line in lines if line.strip()][-SHOWN:]
        return "\n".join(["", "its last output:", *last]) if last else ""


def run(arguments: Sequence[str], timeout: float) -> Ended:
    """Run a program with these arguments; it reads nothing from stdin.

    Raises:
        SubjectError: it cannot be started.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - to run it is what was asked for
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        raise SubjectError(f"{arguments[0]} cannot be started: {error}") from error
    with process:
        try:
            ended, output = _listen(process, monotonic() + timeout)
        finally:
            with suppress(ProcessLookupError, PermissionError):  # the group has gone
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
    return Ended(process.returncode if ended else None, output)


def _listen(process: "subprocess.Popen[bytes]", deadline: float) -> tuple[bool, bytes]:
    """Whether the command ended before the deadline, and the tail of its output."""
    tails = {process.stderr: b"", process.stdout: b""}
    ended = False
    with DefaultSelector() as selector:
        for pipe in tails:
            selector.register(pipe, EVENT_READ)  # type: ignore[arg-type]  # both are pipes
        while not ended and monotonic() < deadline:
            ended = _has_ended(process)  # before the last look at the pipes
            for key, _ in selector.select(0 if ended else TICK):
                heard = os.read(key.fd, TAIL)
                tails[key.fileobj] = (tails[key.fileobj] + heard)[-TAIL:]  # type: ignore[index]
                if not heard:
                    selector.unregister(key.fileobj)
    return ended, tails[process.stderr] or tails[process.stdout]


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Whether it has; it is not reaped, so that its group cannot become another's."""
    flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
    return os.waitid(os.P_PID, process.pid, flags) is not None
