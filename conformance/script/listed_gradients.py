"""Where gradients are put into a list, a tuple or a dict that the loop of an update goes through.

Left out: which gradient stands there in the place of another (`histories.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

from conformance.backward.findings import Line
from conformance.backward.syntax import (
    assigned,
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


def torn_apart(at: Line, pair: tuple[int, int], count: int) -> int:
    """By how many lines neighbours in a list would be assigned further apart, if two are exchanged.

    It is less than 0 where these two stand in each other's place: people list what they computed in
    some order that goes along the program, or against it.

    Args:
        at: the line of the list.
        pair: the places of the two entries.
        count: how many entries it has, if its places are known.
    """
    found = statement(at.file, at.line)
    shown = found.value if isinstance(found, ast.Assign) else None
    entries = shown.elts if isinstance(shown, ast.List | ast.Tuple) else []
    names = [each.id for each in entries if isinstance(each, ast.Name)]
    places = [e.line for name in names if (e := assigned(name, at, alias=False))]
    if not len(entries) == len(places) == count:
        return 0
    other = [*places]
    for one, by in (pair, pair[::-1]):
        other[one] = places[by]
    return sum(abs(b - a) for a, b in pairwise(other)) - sum(
        abs(b - a) for a, b in pairwise(places)
    )


def _is_list(line: Line) -> bool:
    found = statement(line.file, line.line)
    return isinstance(found, ast.Assign) and isinstance(found.value, DISPLAYS)


def _is_above(one: Line, other: Line) -> bool:
    """Whether a line stands above another one in the same function."""
    same = one.file == other.file and function_around(one) is function_around(other)
    return same and one.line < other.line
