"""Whether a crash of a network's own `SGD` is its own, or comes of the form of the data.

The signature does not say whether the data are a list of pairs or an array, or what a target is. So
a crash in a statement that uses the data proves nothing, unless the data cannot be its reason.
"""

import ast
from types import FrameType
from typing import Any

from conformance.subjects.book.loop_lines import statement_at
from conformance.subjects.book.loop_walk import Walk
from conformance.watching.frames import raised_in

_OUTSIDE = (OSError, ImportError, EOFError, MemoryError, SystemExit, NotImplementedError)


def is_its_own(error: BaseException, run: Walk) -> bool:
    """Whether the data, the machine and what is installed cannot be the reason of a crash."""
    if isinstance(error, _OUTSIDE):
        return False
    if isinstance(error, NameError) or any(_right(run)):
        return True
    frame, line = _innermost(error)
    if frame is None or line is None:
        return False
    statement = statement_at(frame.f_code.co_filename, line)
    if statement is None:
        return False
    held = [_value(node, frame) for node in _used(statement)]
    return not any(_is_of(value, run.data) for value in held)


def _right(run: Walk) -> list[bool]:
    """Of each mini-batch whether it is of samples, so that the form of the data is right."""
    return [all(None not in pair for pair in each.pairs) for each in run.given]


def _innermost(error: BaseException) -> tuple[FrameType | None, int | None]:
    """The frame of the line to blame."""
    blamed = raised_in(error)
    at, found = error.__traceback__, None
    while at is not None and blamed:
        if (at.tb_frame.f_code.co_filename, at.tb_lineno) == (blamed[0].file, blamed[0].line):
            found = at
        at = at.tb_next
    return (None, None) if found is None else (found.tb_frame, found.tb_lineno)


def _used(statement: ast.stmt) -> list[ast.expr]:
    """The names and attributes that a statement reads, without those in its body."""
    body = {id(each) for name in ("body", "orelse") for each in getattr(statement, name, ())}
    waiting: list[ast.AST] = [statement]
    found: list[ast.expr] = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            found.append(node)
        waiting += [each for each in ast.iter_child_nodes(node) if id(each) not in body]
    return found


def _value(node: ast.expr, frame: FrameType) -> Any:
    """What a name or an attribute of a local variable is; None if it is neither."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return getattr(frame.f_locals.get(node.value.id), "__dict__", {}).get(node.attr)
    return None


def _is_of(value: Any, data: list[Any]) -> bool:
    """Whether a value is the data, a part of them, or was made of them."""
    if value is None or isinstance(value, str | bytes | bool | int | float):
        return False
    if isinstance(value, list | tuple):
        return value is data or any(_is_of(each, data) for each in value)
    return not callable(value) and type(value).__module__.partition(".")[0] in _HOLDERS


_HOLDERS = ("numpy", "torch", "pandas", "builtins")
