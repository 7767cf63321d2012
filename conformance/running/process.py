"""A command without a shell, run to its end under a time limit, with the tail of what it printed.

It leads a process group of its own, or on Windows a job, which is killed as a whole in every case,
and on Linux whatever else it has started. A thread for each pipe keeps the end of what it writes
there. Left out: what it reads and writes (`subjects/command`),
and a sandbox.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from subprocess import Popen
from threading import Thread
from time import monotonic, sleep
from types import MappingProxyType
from typing import IO

from conformance.errors import SubjectError
from conformance.running.group import Group, apart, end_marked, has_ended, new_mark
from conformance.running.isolate import SHOWN
from conformance.running.tracebacks import WIDTH

TICK = 0.01  # seconds until an end is noticed that the pipes do not tell
COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # and whatever else a terminal obeys


@dataclass(frozen=True)
class Ended:
    """A command that ran.

    Attributes:
        status: its exit status; the negative number of the signal by which it died; None if it
            was ended.
        output: the tail of its stderr, or of its stdout if that holds nothing but blanks.
        stopped: why it was ended; empty if the time was over, or if it ended itself.
    """

    status: int | None
    output: bytes
    stopped: str = ""

    def said(self) -> str:
        """The last lines of its output for a message, each on a line of its own."""
        last = [f"  | {printable(line)}" for line in self._lines()[-SHOWN:]]
        return "\n".join(["", "its last output:", *last]) if last else ""

    def last_line(self, most: int) -> str:
        """The last line of its output without blanks around it, shortened; may be empty."""
        line = next((line.strip() for line in reversed(self._lines())), "")
        return printable(line if len(line) <= most else f"{line[: most - 1]}…", most)

    def _lines(self) -> list[str]:
        """The lines of its output that hold something."""
        lines = COLOUR.sub("", self.output.decode(errors="replace")).splitlines()
        return [line for line in lines if line.strip()]


def printable(text: str, most: int = WIDTH) -> str:
    """The beginning of a foreign text on one line, without what a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:most])


def run(
    arguments: Sequence[str],
    timeout: float,
    watch: Callable[[], str] = str,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Ended:
    """Run a program with these arguments; it reads nothing from stdin.

    Args:
        arguments: the program and its words.
        timeout: seconds.
        watch: asked again and again while it runs; a reason ends it.
        more: variables of its environment.

    Raises:
        SubjectError: it cannot be started.
    """
    mark = new_mark()
    try:
        process = _started(arguments, {**more, mark: "1"})
        group, heard = Group(process.pid), Tails(process)
        with process:
            try:
                ended, stopped = _wait(process, heard, monotonic() + timeout, watch)
            finally:
                group.end()
                process.kill()
                end_marked(mark)
                output = heard.end()
    except BaseException:  # a signal may come once it was started, before its group is known
        end_marked(mark)
        raise
    return Ended(process.returncode if ended else None, output, stopped)


def _started(arguments: Sequence[str], more: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(  # noqa: S603 - to run it is what was asked for
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **more},
            **apart(),
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        reason = getattr(error, "strerror", None) or str(error)
        if os.path.isfile(arguments[0]):  # noqa: PTH113 - of a NUL it says no
            reason += "; is its first line `#!` and a path, and what it names there?"
        raise SubjectError(f"{arguments[0]} cannot be started: {reason}") from error


def _wait(
    process: "subprocess.Popen[bytes]", heard: "Tails", deadline: float, watch: Callable[[], str]
) -> tuple[bool, str]:
    """Whether the command ended, or why it must."""
    ended, stopped = False, ""
    while not ended and not stopped and monotonic() < deadline:
        ended = has_ended(process)
        stopped = "" if ended else watch()
        heard.wait(0 if ended else TICK)
    return ended, stopped


TAIL = 64 << 10  # bytes of each stream that are kept
PATIENCE = 5.0  # seconds that are waited for who has left the group and holds a pipe, off Linux


class Tails:
    """The tails of both streams of a command that has just been started."""

    def __init__(self, process: "Popen[bytes]") -> None:
        """Begin to listen."""
        self._readers = [_Reader(pipe) for pipe in (process.stderr, process.stdout) if pipe]

    def wait(self, seconds: float) -> None:
        """Wait for so many seconds, or until a stream has ended."""
        reading = [each for each in self._readers if each.is_alive()]
        if reading:
            reading[0].join(seconds)
        else:
            sleep(seconds)

    def end(self) -> bytes:
        """The tail of its stderr, or of its stdout if that holds nothing but blanks."""
        for each in self._readers:
            each.join(PATIENCE)
        errors, output = (each.kept for each in self._readers)
        return errors if errors.strip() else output


class _Reader(Thread):
    """Reads a pipe to its end."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.pipe, self.kept = pipe, b""
        self.start()

    def run(self) -> None:
        """Keep the tail, until the pipe ends or who ends the command has closed it."""
        with suppress(OSError, ValueError):
            while heard := os.read(self.pipe.fileno(), TAIL):
                self.kept = (self.kept + heard)[-TAIL:]
