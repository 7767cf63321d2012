"""What every command writes its lines with. Left out: which lines."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap

from conformance.report.ascii import as_written

NARROWEST = 20  # columns that lines are folded to


def say(text: str, *, end: str = "\n", error: bool = False) -> None:
    """Write a text on standard output, or on standard error, in the encoding that it has.

    A terminal is given lines that it has room for, broken between words; a file or a pipe is given
    the lines as they are.
    """
    stream = sys.stderr if error else sys.stdout
    if stream.isatty():
        text = as_written(text, getattr(stream, "encoding", None))
        width = max(shutil.get_terminal_size().columns, NARROWEST)
        text = "\n".join(folded(line, width) for line in text.split("\n"))
    stream.write(text + end)
    stream.flush()


def folded(line: str, width: int) -> str:
    """A line as lines of so many columns, the later ones indented; a long word is left whole."""
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    lines = wrap(
        line,
        width,
        subsequent_indent=indent,
        replace_whitespace=False,
        expand_tabs=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def say_written(paths: Iterable[Path | None]) -> None:
    """Name the files that were written."""
    for each in paths:
        if each is not None:
            say(f"wrote {each}")
