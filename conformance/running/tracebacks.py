"""An exception of somebody else's code in a few lines: its headline, and its frames without ours.

Left out: where it was caught.
"""

import importlib
import traceback
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
LINES, WIDTH = 20, 400  # of a traceback


def headline(error: BaseException) -> str:
    """The type and the first line of the message of an exception."""
    name = type(error).__name__
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    return next((line[line.index(name) :][:WIDTH] for line in lines if name in line), name)


def own_traceback(error: BaseException, skip: Path) -> str:
    """The traceback without the frames of a folder and of the import system, 20 lines at most."""
    report = traceback.TracebackException.from_exception(error, compact=True)
    _strip(report, skip)
    lines = [line[:WIDTH] for line in "".join(report.format()).splitlines()]
    if len(lines) > LINES:
        lines = [lines[0], "  ...", *lines[2 - LINES :]]
    return "\n".join(lines)


def _strip(report: traceback.TracebackException, skip: Path) -> None:
    """Take the frames out of an exception, of what caused it and of those that it groups."""
    kept = [frame for frame in report.stack if is_subject(frame.filename, skip)]
    report.stack = traceback.StackSummary.from_list(kept)
    linked = (report.__cause__, report.__context__, *(getattr(report, "exceptions", None) or ()))
    for other in linked:
        if other is not None:
            _strip(other, skip)


def is_subject(file: str, skip: Path = PACKAGE) -> bool:
    """Whether a file of a frame is somebody else's: not of the folder or the import system."""
    imports = file.startswith("<frozen importlib") or file == importlib.__file__
    return not imports and not Path(file).is_relative_to(skip)
