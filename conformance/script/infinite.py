"""Numbers that are not finite, and the line that makes them of finite ones.

Left out: the updates that do so (`rule.py`).
"""

import ast

import numpy as np

from conformance.backward.findings import Line
from conformance.backward.source import is_float, lines_of, operands
from conformance.backward.syntax import assigned, passed
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node


def first_infinite(node: Node) -> Node:
    """The value, computed of finite ones alone, that makes a value one that is not finite."""
    while below := [each for each in node.inputs if is_float(each) and not finite(each)]:
        node = min(below, key=lambda each: each.number)
    return node


def finite(node: Node) -> bool:
    """Whether a value holds no NaN and nothing infinite."""
    return bool(np.all(np.isfinite(np.asarray(node.value, dtype=np.float64))))


def origin(node: Node) -> tuple[Line, ...]:
    """The line that assigns to the last variable in the divisor of an operation; else its own."""
    divisor = operands(node)[1:2] if node.operation in ("divide", "true_divide") else []
    names = [e.id for each in divisor for e in ast.walk(each) if isinstance(e, ast.Name)]
    made = _assigned(names[-1], node.frames) if names else None
    return lines_of(node) if made is None else (made,)


def _assigned(name: str, frames: tuple[Frame, ...]) -> Line | None:
    """The line that assigns to a variable, in the function or where that was called."""
    for frame, outer in zip(frames, (*frames[1:], None), strict=True):
        here = Line(frame.file, frame.line)
        found = assigned(name, here, alias=False)
        if found is not None or outer is None:
            return found
        name = passed(name, here, frame.function, Line(outer.file, outer.line))
        if not name.isidentifier():
            return None
    return None
