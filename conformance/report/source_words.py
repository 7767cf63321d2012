"""The line of the subject's code that is to blame, with its neighbours.

Left out: finding it (`conformance.watching`).
"""

import linecache
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.watching.recording import Frame

AROUND = 1  # lines of source before and after the one to blame


def place(frame: Frame) -> str:
    """Where a line is: `my_network.py:84, in backprop`."""
    return f"{Path(frame.file).name}:{frame.line}, in {frame.function}"


def source(frames: Sequence[Frame]) -> Iterator[str]:
    """The line to blame with its neighbours, marked, and the lines that led to it."""
    if not frames:
        return
    blamed, *callers = frames
    for number in range(blamed.line - AROUND, blamed.line + AROUND + 1):
        text = linecache.getline(blamed.file, number).rstrip()
        if text:
            yield f"{'>' if number == blamed.line else ' '} {number:4} | {text}"
    for frame in callers:
        if frame.line != blamed.line:
            text = linecache.getline(frame.file, frame.line).strip()
            yield f"  with {Path(frame.file).name}:{frame.line}  {text}"
