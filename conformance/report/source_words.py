"""The line of the subject's code that is to blame, with its neighbours.

Left out: finding it (`conformance.tracing`).
"""

import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.tracing.frames import Frame

if TYPE_CHECKING:  # the network of the book needs none of it
    from conformance.backward.findings import Line
    from conformance.edits.edit import Change

AROUND = 1  # lines of source before and after the one to blame, in text


@dataclass(frozen=True)
class Source:
    """A place in somebody's code.

    Attributes:
        path: of the file.
        file: its name, without folders.
        line: its number, counted from 1.
        function: the function around it.
        around: numbers and texts of the line and its neighbours, none left out between.
        callers: file, number and text of the lines that led to it, the innermost first.
    """

    path: str
    file: str
    line: int
    function: str
    around: tuple[tuple[int, str], ...]
    callers: tuple[tuple[str, int, str], ...]


def source_of(frames: Sequence[Frame], around: int) -> Source | None:
    """The blamed line with so many lines before and after it; None if no line is known."""
    if not frames:
        return None
    blamed, *callers = frames
    numbers = range(blamed.line - around, blamed.line + around + 1)
    lines = [(each, linecache.getline(blamed.file, each).rstrip()) for each in numbers]
    while lines and not lines[0][1]:
        del lines[0]
    while lines and not lines[-1][1]:
        del lines[-1]
    return Source(
        blamed.file,
        Path(blamed.file).name,
        blamed.line,
        blamed.function,
        tuple(lines),
        tuple(
            (Path(each.file).name, each.line, linecache.getline(each.file, each.line).strip())
            for each in callers
            if each.line != blamed.line
        ),
    )


def place(frame: Frame) -> str:
    """Where a line is: `my_network.py:84, in backprop`."""
    return f"{file_and_line(frame)}, in {frame.function}"


def file_and_line(at: "Frame | Line | Change") -> str:
    """Where a line is: `my_network.py:84`."""
    return f"{Path(at.file).name}:{at.line}"


def place_and_text(frame: Frame) -> str:
    """A line with what stands there: `my_network.py:84, in backprop: delta = delta * w`."""
    text = linecache.getline(frame.file, frame.line).strip()
    return f"{place(frame)}: {text}" if text else place(frame)


def source(frames: Sequence[Frame]) -> Iterator[str]:
    """The line to blame with its neighbours, marked, and the lines that led to it."""
    found = source_of(frames, AROUND)
    if found is None:
        return
    for number, text in found.around:
        yield f"{'>' if number == found.line else ' '} {number:4} | {text}"
    for file, number, text in found.callers:
        yield f"  with {file}:{number}  {text}"


def instead_words(write: str, digits: int, line: int) -> str:
    """What to write so that digits are kept."""
    return f"`{write}` on line {line} keeps {digits} more"
