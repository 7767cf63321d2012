"""What every command writes its lines with. Left out: which lines."""

import sys
from collections.abc import Iterable
from pathlib import Path


def say(text: str, *, end: str = "\n", error: bool = False) -> None:
    """Write a text on standard output, or on standard error, in the encoding that it has."""
    stream = sys.stderr if error else sys.stdout
    stream.write(text + end)
    stream.flush()


def say_written(paths: Iterable[Path | None]) -> None:
    """Name the files that were written."""
    for each in paths:
        if each is not None:
            say(f"wrote {each}")
