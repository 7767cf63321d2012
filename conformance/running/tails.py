"""The end of what a command writes to its pipes, heard while it runs, by a thread for each.

Left out: when it has ended (`process.py`).
"""

import os
from subprocess import Popen
from threading import Thread
from time import sleep
from typing import IO

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
        """Keep the tail."""
        while heard := os.read(self.pipe.fileno(), TAIL):
            self.kept = (self.kept + heard)[-TAIL:]
