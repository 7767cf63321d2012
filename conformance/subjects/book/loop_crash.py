"""Whether a crash of a network's own `SGD` is its own, or comes of the form of the data.

The signature does not say whether the data are a list of pairs or an array, or what a target is. So
a crash in a statement that uses the data proves nothing, unless the data cannot be its reason.
"""

import ast
import inspect
from collections.abc import Sequence
from types import FrameType
from typing import Any

from conformance.running.missing_names import attributes_of, lacks_a_name
from conformance.subjects.book.loop_lines import statement_at
from conformance.subjects.book.loop_walk import Walk
from conformance.tracing.frames import raised_in

NOTHING = object()  # stands for what is no local variable
_OUTSIDE = (OSError, ImportError, EOFError, MemoryError, SystemExit, NotImplementedError)


def is_its_own(error: BaseException, run: Walk) -> bool:
    """Whether nothing but SGD can be the reason: no data, no machine, no call before it."""
    frame, line = _innermost(error)
    if isinstance(error, _OUTSIDE) or frame is None or line is None:
        return False
    file = frame.f_code.co_filename
    if isinstance(error, NameError):
        return isinstance(error, UnboundLocalError) or lacks_a_name(error, file)
    # One mini-batch of samples shows that the form of the data is right.
    data = [] if any(_right(run)) else [run.data]
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        return error.name not in attributes_of(file) and not _is_of(error.obj, data)
    statement = statement_at(file, line)
    if statement is None:
        return False
    used = [(node, _value(node, frame)) for node in _used(statement)]
    unset = any(value is None and isinstance(node, ast.Attribute) for node, value in used)
    return not unset and not any(_is_of(value, data) for _, value in used)


def _right(run: Walk) -> list[bool]:
    """Of each mini-batch whether it is of samples."""
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
    inner = [each for name in ("body", "orelse") for each in getattr(statement, name, ())]
    body = {id(each) for each in inner if each.lineno > statement.lineno}
    waiting: list[ast.AST] = [statement]
    found: list[ast.expr] = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            found.append(node)
        waiting += [each for each in ast.iter_child_nodes(node) if id(each) not in body]
    return found


def _value(node: ast.expr, frame: FrameType) -> Any:
    """What a name or an attribute of a local variable is; nothing if it is neither."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, NOTHING)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        held = frame.f_locals.get(node.value.id)
        return inspect.getattr_static(held, node.attr, NOTHING)
    return NOTHING


def _is_of(value: Any, data: Sequence[Any]) -> bool:
    """Whether a value may be the data, a part of them, or made of them."""
    if not data or value is None or value is NOTHING or isinstance(value, _PLAIN):
        return False
    if isinstance(value, list | tuple):
        return any(value is each for each in data) or any(_is_of(each, data) for each in value)
    return not callable(value) and type(value).__module__.partition(".")[0] in _HOLDERS


_PLAIN = (str, bytes, int, float)
_HOLDERS = ("numpy", "torch", "pandas", "builtins")
