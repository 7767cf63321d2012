"""Where a number comes from that an operation divides by, as far as the source tells.

Left out: arrays, whose way the trace knows.
"""

import ast

from conformance.backward.findings import Line
from conformance.backward.source import operands
from conformance.backward.syntax import assigned, passed
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node


def origin(node: Node) -> Line | None:
    """The line that assigns to the last variable in the divisor of an operation."""
    divisor = operands(node)[1:2] if node.operation in ("divide", "true_divide") else []
    names = [e.id for each in divisor for e in ast.walk(each) if isinstance(e, ast.Name)]
    return _assigned(names[-1], node.frames) if names else None


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
