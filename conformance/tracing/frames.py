"""The lines of a subject's code that lead to an operation.

Left out: the operations (`trace.py`).
"""

import ast
import dis
import linecache
import sys
import sysconfig
from bisect import bisect_right
from collections import Counter
from collections.abc import Container, Iterable
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
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
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
            if code.co_name not in _COMPREHENSIONS:
                found.append((_frame(code.co_filename, line, code.co_name), frame))
                if frame in known:
                    return found, frame
                line = 0
        elif whose == CALLER or (whose == LIBRARY and code.co_name == _ENGINE):
            break
        frame = frame.f_back
    return found, None


def subject_sites() -> tuple[tuple[CodeType, int], ...]:
    """The subject's code that leads here, each with the instruction that runs, the innermost first.

    Our own call into the subject ends them.
    """
    found: list[tuple[CodeType, int]] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the way to the caller's line
    while frame is not None:
        code = frame.f_code
        if is_subject(code.co_filename):
            starts = _starts(code)  # once specialized, an instruction is left within its cache
            found.append((code, starts[bisect_right(starts, frame.f_lasti) - 1]))
        elif _calls_subject(code.co_filename):
            break
        frame = frame.f_back
    return tuple(found)


def subject_codes(
    found: Iterable[tuple[CodeType, int]],
) -> tuple[tuple[Frame, ...], tuple[tuple[CodeType, int], ...]]:
    """The lines of the subject, and its code with the instructions, among places in code.

    Args:
        found: each with its instruction, the innermost first; our own call into the subject ends
            them.
    """
    frames, sites = [], []
    for code, at in found:
        if is_subject(code.co_filename):
            start = _starts(code)[bisect_right(_starts(code), at) - 1]
            lines = [line for first, _, line in code.co_lines() if line and first <= start]
            frames.append(_frame(code.co_filename, lines[-1], code.co_name))
            sites.append((code, start))
        elif _calls_subject(code.co_filename):
            break
    return tuple(frames), tuple(sites)


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
        if is_subject(code.co_filename) and code.co_name not in _COMPREHENSIONS:
            found.insert(0, _frame(code.co_filename, line, code.co_name))
        elif is_subject(code.co_filename) and found:
            found[0] = _frame(code.co_filename, line, found[0].function)
    own = [each for each in found if _INSTALLED not in each.file]
    return tuple(own or found)


@cache
def ignores_a_parameter(frame: Frame) -> bool:
    """Whether the function of a line has a parameter, other than `self`, that it never reads."""
    around = function_around(frame)
    if around is None:
        return False
    given = around.args
    names = {each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    read = {each.id for each in ast.walk(around) if isinstance(each, ast.Name)}
    return bool(names - read - {"self", "cls"})


@cache
def reads_a_parameter(frame: Frame) -> bool:
    """Whether a line reads a parameter of its function, other than `self`."""
    around = function_around(frame)
    given = () if around is None else around.args.posonlyargs + around.args.args
    names = {each.arg for each in given} - {"self"}
    every = () if around is None else ast.walk(around)
    read = (e for e in every if isinstance(e, ast.Name) and isinstance(e.ctx, ast.Load))
    return any(each.lineno == frame.line and each.id in names for each in read)


@cache
def keeps(frame: Frame) -> bool:
    """Whether a line keeps what it computes in an attribute, or in a list of another function."""
    around = function_around(frame)
    every = [] if around is None else list(ast.walk(around))
    own = {name for each in every[:1] for name in _names(each, ast.Store)}
    for each in (each for each in every if isinstance(each, ast.Assign)):
        target = each.targets[0]
        held = target.value if isinstance(target, ast.Subscript) else None
        outside = isinstance(held, ast.Name) and held.id not in own
        if each.lineno <= frame.line <= (each.end_lineno or 0):
            return isinstance(target, ast.Attribute) or outside
    return False


@cache
def is_replaced(frame: Frame) -> bool:
    """Whether a name that a line assigns to is assigned to on a later line of its function too."""
    around = function_around(frame)
    every = [] if around is None else list(ast.walk(around))
    within = {e for each in every if isinstance(each, ast.comprehension) for e in ast.walk(each)}
    stored = [e for e in every if isinstance(e, ast.Name) and isinstance(e.ctx, ast.Store)]
    stored = [each for each in stored if each not in within]
    own = {each.id for each in stored if each.lineno == frame.line}
    return any(each.id in own and each.lineno > frame.line for each in stored)


@cache
def stored_last(frame: Frame) -> Frame:
    """The line that puts what a line computes where it is used: itself, if it has no other name.

    A name that is read once, to be stored elsewhere as it is or in a list, is another.
    """
    around = function_around(frame)
    inside = [] if around is None else list(ast.walk(around))
    bound = [each for each in inside if isinstance(each, ast.Assign | ast.For)]
    stored = {
        name
        for each in bound
        if each.lineno <= frame.line <= (_head(each).end_lineno or 0)
        for name in _names(each.target if isinstance(each, ast.For) else each, ast.Store)
    }
    for each in inside:  # what a loop takes out of it
        if isinstance(each, ast.For | ast.comprehension) and stored & {
            *_names(each.iter, ast.Load)
        }:
            stored |= set(_names(each.target, ast.Store))
    counts = Counter(name for each in inside[:1] for name in _names(each, ast.Load))
    lines = {
        each.lineno
        for each in bound
        if isinstance(each, ast.Assign)
        for value in [each.value.elt if isinstance(each.value, ast.ListComp) else each.value]
        if isinstance(value, ast.Name) and value.id in stored and counts[value.id] == 1
    }
    return frame._replace(line=min(lines)) if len(lines) == 1 else frame


def _names(part: ast.AST, context: type[ast.expr_context]) -> list[str]:
    """The names that a part of a program reads, or assigns to."""
    names = (each for each in ast.walk(part) if isinstance(each, ast.Name))
    return [each.id for each in names if isinstance(each.ctx, context)]


def _head(statement: ast.Assign | ast.For) -> ast.expr | ast.Assign:
    """What a statement has on its own lines, without its body."""
    return statement.iter if isinstance(statement, ast.For) else statement


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
    if file.startswith(_STDLIB) and _INSTALLED not in file:
        return False
    if file.startswith(_PLAYED):
        return True
    torch = getattr(sys.modules.get("torch"), "__file__", None)  # with its frames it is imported
    foreign = (str(Path(torch).parent),) if torch else ()
    if file.startswith(_CELL):
        return True
    return not file.startswith((_PACKAGE, *_FOREIGN, *foreign))


def forget() -> None:
    """Read the functions again when they are asked for: a file may have changed."""
    for each in (ignores_a_parameter, reads_a_parameter, keeps, is_replaced, stored_last):
        each.cache_clear()
    function_around.cache_clear()
    functions_of.cache_clear()
