"""Where what is lacking can be put: in the innermost call in which it can be named.

A function may be right as others use it, and know nothing of what its result is lacking.
"""

import ast

from conformance.backward.findings import Cause, Line
from conformance.backward.source import own_lines
from conformance.backward.syntax import function_around, tree
from conformance.tracing.node import Node


def in_scope(node: Node, why: Cause, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines in question, first the one of the call in which what is lacking has its name.

    Args:
        node: what lacks something.
        why: it does.
        lines: in question.
    """
    other = None if why.changed is None else why.changed.other
    calls = list(own_lines(node))
    if other is None or other.line is None or not other.name.isidentifier():
        return lines
    known = function_around(other.line)
    if known is None or not calls or lines[:1] != tuple(calls[:1]) or _is_of(calls[0], known):
        return lines
    first = [each for each in calls[1:] if _is_of(each, known)][:1]
    return tuple(dict.fromkeys((*first, *lines)))


def _is_of(line: Line, function: ast.FunctionDef) -> bool:
    """Whether a line is of a function, or of one within it."""
    end = function.end_lineno or 0
    same = function in ast.walk(tree(line.file) or ast.Pass())
    return same and function.lineno <= line.line <= end
