"""The lines of a subject's code that lead to an operation.

Left out: the operations (`trace.py`).
"""

import ast
import dis
import linecache
import sys
import sysconfig
from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from traceback import walk_tb
from types import CodeType, FrameType
from typing import NamedTuple

import numpy as np

_TRACING = str(Path(__file__).resolve().parent)
_PACKAGE = str(Path(_TRACING).parent)
_OURS = (_TRACING, str(Path(_PACKAGE, "arithmetic")))
_PLAYED = tuple(str(Path(_PACKAGE, each)) for each in ("tests", "examples"))
_STDLIB = sysconfig.get_paths()["stdlib"]
_INSTALLED = "site-packages"
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
_CELL = "<ipython-input"  # of a shell that writes no files
_ENGINE = "_engine_run_backward"  # what asks torch for gradients computes none of them itself
_FOREIGN = (str(Path(np.__file__).parent), "<")


class Frame(NamedTuple):
    """A line of the subject's code."""

    file: str
    line: int
    function: str


def subject_frames(frame: FrameType | None = None) -> tuple[Frame, ...]:
    """The lines of the subject that lead here, the innermost first; none if we did it ourselves.

    Args:
        frame: the innermost one; that of the caller if None.
    """
    found, _ = subject_calls(frame or sys._getframe(1))  # noqa: SLF001 - the way to the caller's line
    return tuple(line for line, _ in found)


def subject_calls(
    frame: FrameType | None, known: Container[FrameType] = ()
) -> tuple[list[tuple[Frame, FrameType]], FrameType | None]:
    """The same, each line with the call of a function that it belongs to.

    They end with the first call of which it is known what leads to it, which is given too.
    """
    found: list[tuple[Frame, FrameType]] = []
    line = 0  # of a comprehension, which is a part of the function around it
    while frame is not None:
        code = frame.f_code
        whose = _whose(code.co_filename)
        if whose == SUBJECT:
            line = line or frame.f_lineno
            if code.co_name not in COMPREHENSIONS:
                found.append((_frame(code.co_filename, line, code.co_name), frame))
                if frame in known:
                    return found, frame
                line = 0
        elif whose == CALLER or (whose == LIBRARY and code.co_name == _ENGINE):
            break
        frame = frame.f_back
    return found, None


Site = tuple[CodeType, int]
"""Some code, and one of its instructions."""


def subject_sites() -> tuple[Site, ...]:
    """The subject's code that leads here, each with the instruction that runs, the innermost first.

    Our own call into the subject ends them.
    """
    return _own_sites(_running(sys._getframe(1)))  # noqa: SLF001 - the way to the caller's line


def subject_codes(found: Iterable[Site]) -> tuple[tuple[Frame, ...], tuple[Site, ...]]:
    """The lines of the subject, and its code with the instructions, among places in code.

    Args:
        found: each with its instruction, the innermost first; our own call into the subject ends
            them.
    """
    sites = _own_sites(found)
    return tuple(_frame(c.co_filename, _line_of(c, at), c.co_name) for c, at in sites), sites


def _running(frame: FrameType | None) -> Iterator[Site]:
    while frame is not None:
        yield frame.f_code, frame.f_lasti
        frame = frame.f_back


def _own_sites(found: Iterable[Site]) -> tuple[Site, ...]:
    sites: list[Site] = []
    for code, at in found:
        if is_subject(code.co_filename):
            starts = _starts(code)  # once specialized, an instruction is left within its cache
            sites.append((code, starts[bisect_right(starts, at) - 1]))
        elif _calls_subject(code.co_filename):
            break
    return tuple(sites)


def _line_of(code: CodeType, at: int) -> int:
    return [line for first, _, line in code.co_lines() if line and first <= at][-1]


@lru_cache(maxsize=1024)
def _starts(code: CodeType) -> tuple[int, ...]:
    """Where the instructions of some code begin."""
    return tuple(each.offset for each in dis.get_instructions(code))


def raised_in(error: BaseException) -> tuple[Frame, ...]:
    """The lines of the subject that lead to an exception, the innermost first.

    Lines of packages that are installed count only where there are no others.
    """
    found: list[Frame] = []
    for frame, line in walk_tb(error.__traceback__):
        code = frame.f_code
        if is_subject(code.co_filename) and code.co_name not in COMPREHENSIONS:
            found.insert(0, _frame(code.co_filename, line, code.co_name))
        elif is_subject(code.co_filename) and found:
            found[0] = _frame(code.co_filename, line, found[0].function)
    own = [each for each in found if _INSTALLED not in each.file]
    return tuple(own or found)


@lru_cache(maxsize=1024)
def function_around(frame: Frame) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function around a line; None if it cannot be read."""
    around = [
        each
        for each in functions_of(frame.file)
        if each.name == frame.function
        and each.lineno <= frame.line <= (each.end_lineno or each.lineno)
    ]
    return around[-1] if around else None


@lru_cache(maxsize=64)
def functions_of(file: str) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    """The functions of a file; none if it cannot be read."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:  # no Python source, such as a cell that is gone
        return ()
    every = ast.walk(tree)
    return tuple(e for e in every if isinstance(e, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def _frame(file: str, line: int, function: str) -> Frame:
    return Frame(file, line, function)


SUBJECT, CALLER, RECORDER, LIBRARY = range(4)


@cache
def _whose(file: str) -> int:
    """Whether a file is the subject's, ours that calls it or ours that records, or another's."""
    if is_subject(file):
        return SUBJECT
    if _calls_subject(file):
        return CALLER
    return RECORDER if file.startswith(_OURS) else LIBRARY


@cache
def _calls_subject(file: str) -> bool:
    """Whether a file is ours, and not of what records: then it called the subject."""
    return file.startswith(_PACKAGE) and not file.startswith(_OURS)


@cache
def is_subject(file: str) -> bool:
    """Whether a file is the subject's: not ours, NumPy's, torch's or the standard library's."""
    if file.startswith(_STDLIB) and not is_installed(file):
        return False
    if file.startswith(_PLAYED):
        return True
    torch = getattr(sys.modules.get("torch"), "__file__", None)  # with its frames it is imported
    foreign = (str(Path(torch).parent),) if torch else ()
    if file.startswith(_CELL):
        return True
    return not file.startswith((_PACKAGE, *_FOREIGN, *foreign))


def is_installed(file: str) -> bool:
    """Whether a file is of an installed package."""
    return _INSTALLED in file


def forget() -> None:
    """Read the functions again when they are asked for: a file may have changed."""
    function_around.cache_clear()
    functions_of.cache_clear()
