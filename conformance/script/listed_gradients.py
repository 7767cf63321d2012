"""Where gradients are put into a list, a tuple or a dict that the loop of an update goes through.

Left out: which gradient stands there in the place of another (`histories.py`).
"""

import ast
from collections.abc import Iterator, Sequence

from conformance.backward.findings import Line
from conformance.backward.syntax import (
    assigned_around,
    function_around,
    iterated,
    loops_around,
    statement,
)
from conformance.tracing.node import Node

DISPLAYS = ast.List | ast.Tuple | ast.Dict


def listed_on(gradients: Sequence[Node], moved: Node) -> Iterator[Line]:
    """The lines that list gradients, made above them, for the loops around an update."""
    above = [Line(each.file, each.line) for node in gradients for each in node.frames]
    for i, frame in enumerate(moved.frames):
        for loop in loops_around(Line(frame.file, frame.line)):
            begins = frame._replace(line=loop.lineno), *moved.frames[i + 1 :]
            found = (assigned_around(e, begins) for e in iterated(Line(frame.file, loop.lineno)))
            lists = (line for line in found if line is not None and _is_list(line))
            yield from (line for line in lists if any(_is_above(each, line) for each in above))


def _is_list(line: Line) -> bool:
    found = statement(line.file, line.line)
    return isinstance(found, ast.Assign) and isinstance(found.value, DISPLAYS)


def _is_above(one: Line, other: Line) -> bool:
    """Whether a line stands above another one in the same function."""
    same = one.file == other.file and function_around(one) is function_around(other)
    return same and one.line < other.line
