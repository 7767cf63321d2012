"""Where in the subject's code an operation stands.

Left out: what is wrong there (`exact.py`).
"""

import linecache
import sysconfig
import textwrap
from collections.abc import Iterable
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple

import numpy as np

PASSED_BY = (
    str(Path(__file__).parent),
    str(Path(__file__).parent.with_name("gradient")),
    str(Path(np.__file__).parent),
    sysconfig.get_path("stdlib") + "/",
)
"""Folders whose code is not the subject's: this arithmetic and what uses it, NumPy, the library."""


class Place(NamedTuple):
    """A line of the subject's code."""

    file: str
    line: int
    source: str

    def __str__(self) -> str:
        """`network.py:12`"""
        return f"{Path(self.file).name}:{self.line}"

    @property
    def quoted(self) -> str:
        """The line itself, as a message ends with it."""
        return f" in `{textwrap.shorten(self.source, 60)}`" if self.source else ""


def innermost(frames: Iterable[tuple[FrameType, int]]) -> Place | None:
    """The first of these frames and lines that is the subject's code."""
    for frame, line in frames:
        file = frame.f_code.co_filename
        if not file.startswith((*PASSED_BY, "<")):
            return Place(file, line, linecache.getline(file, line).strip())
    return None


def raised_at(traceback: TracebackType | None) -> Place | None:
    """The line of the subject's code that raised, or called what raised."""
    frames = []
    while traceback is not None:
        frames.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return innermost(reversed(frames))


def outwards(frame: FrameType | None) -> Iterable[tuple[FrameType, int]]:
    """A frame and those that called it, each with its line."""
    while frame is not None:
        yield frame, frame.f_lineno
        frame = frame.f_back
