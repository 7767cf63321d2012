"""The end of what a command writes to its pipes, heard while it runs.

Left out: when it has ended (`process.py`).
"""

import os
import sys
from selectors import EVENT_READ, DefaultSelector
from subprocess import Popen
from threading import Thread
from time import sleep
from typing import IO

TAIL = 64 << 10  # bytes of each stream that are kept


class SelectedTails:
    """The tails of both streams, read when there is something."""

    def __init__(self, process: "Popen[bytes]") -> None:
        """Begin to listen."""
        self._kept = dict.fromkeys((process.stderr, process.stdout), b"")
        self._selector = DefaultSelector()
        for pipe in self._kept:
            self._selector.register(pipe, EVENT_READ)  # type: ignore[arg-type]  # both are pipes

    def hear(self, seconds: float) -> None:
        """Read what is there, or comes within so many seconds."""
        for key, _ in self._selector.select(seconds):
            heard = os.read(key.fd, TAIL)
            kept = self._kept[key.fileobj] + heard  # type: ignore[index]
            self._kept[key.fileobj] = kept[-TAIL:]  # type: ignore[index]
            if not heard:
                self._selector.unregister(key.fileobj)

    def end(self) -> bytes:
        """The tail of its stderr, or of its stdout if that holds nothing but blanks."""
        self._selector.close()
        errors, output = self._kept.values()
        return errors if errors.strip() else output


class ThreadedTails:
    """The same by a thread for each stream, where pipes cannot be selected.

    All that holds the pipes must have ended before `end` is called.
    """

    def __init__(self, process: "Popen[bytes]") -> None:
        """Begin to listen."""
        self._readers = [_Reader(pipe) for pipe in (process.stderr, process.stdout) if pipe]

    def hear(self, seconds: float) -> None:
        """Wait for so many seconds, or until a stream has ended."""
        reading = [each for each in self._readers if each.is_alive()]
        if reading:
            reading[0].join(seconds)
        else:
            sleep(seconds)

    def end(self) -> bytes:
        """The tail of its stderr, or of its stdout if that holds nothing but blanks."""
        for each in self._readers:
            each.join()
        errors, output = (each.kept for each in self._readers)
        return errors if errors.strip() else output


class _Reader(Thread):
    """Reads a pipe to its end."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.pipe, self.kept = pipe, b""
        self.start()

    def run(self) -> None:
        """Keep the tail."""
        while heard := os.read(self.pipe.fileno(), TAIL):
            self.kept = (self.kept + heard)[-TAIL:]


def tails(process: "Popen[bytes]") -> SelectedTails | ThreadedTails:
    """The tails of a command that has just been started."""
    return ThreadedTails(process) if sys.platform == "win32" else SelectedTails(process)
