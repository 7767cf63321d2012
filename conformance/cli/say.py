"""What every command writes its lines with. Left out: which lines."""

import sys


def say(text: str, *, end: str = "\n", error: bool = False) -> None:
    """Write a text on standard output, or on standard error, in the encoding that it has."""
    stream = sys.stderr if error else sys.stdout
    stream.write(text + end)
    stream.flush()
