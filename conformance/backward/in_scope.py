"""Where what is lacking can be put: in the innermost call in which it can be named.

A function may be right as others use it, and know nothing of what its result is lacking; and what
an object keeps for one use may be kept of another value.
"""

import ast

from conformance.backward.findings import Cause, Line, Named
from conformance.backward.source import line_of, operand_name, own_lines, places
from conformance.backward.syntax import assigned, function_around, gives_alias, statement, tree
from conformance.tracing.node import Node


def in_scope(node: Node, why: Cause, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines in question, first the one of the call in which what is lacking has its name.

    After the one that takes a wrong number by a name is the one that gives it the name.

    Args:
        node: what lacks something.
        why: it does.
        lines: in question.
    """
    lacks = why.changed is not None and why.changed.what != "operand"
    other = why.changed.other if why.changed is not None and lacks else None
    calls = list(own_lines(node))
    if why.changed is not None and why.changed.what == "constant" and other is not None and lines:
        made = assigned(other.name, lines[0], alias=False)
        return lines if made is None else tuple(dict.fromkeys((lines[0], made, *lines[1:])))
    if other is None or other.line is None or not other.name.isidentifier():
        return lines
    known = function_around(other.line)
    if known is None or not calls or lines[:1] != tuple(calls[:1]) or _is_of(calls[0], known):
        return lines
    first = [each for each in calls[1:] if _is_of(each, known)][:1]
    if any(_hands_on(other.name, each) for each in first):
        return lines  # the function is given it, and may not use it
    return tuple(dict.fromkeys((*first, *lines)))


def kept_by(attribute: str, line: Line) -> Line | None:
    """The only line of a file that gives an attribute a value which has another name, for one use.

    Args:
        attribute: as in `self.last`.
        line: that reads it.
    """
    found = [e for e in ast.walk(tree(line.file) or ast.Pass()) if isinstance(e, ast.Attribute)]
    same = [each for each in found if ast.unparse(each) == attribute]
    at = [Line(line.file, each.lineno) for each in same if isinstance(each.ctx, ast.Store)]
    return at[0] if len(same) == len(at) + 1 and len(at) == 1 and gives_alias(at[0]) else None


def attribute_of(value: Node, there: Node) -> Named | None:
    """The attribute under which another method keeps a value, as `self.x = x`, where one does.

    Not what that method has made itself: another object keeps it as what it is given.

    Args:
        value: it.
        there: computed in the method that needs it.
    """
    line = line_of(there)
    method = None if line is None else function_around(line)
    if line is None or method is None:
        return None
    classes = (e for e in ast.walk(tree(line.file) or method) if isinstance(e, ast.ClassDef))
    others = next((each.body for each in classes if method in each.body), [])
    made = line_of(value)
    own = None if made is None else function_around(made)
    for used in value.consumers:
        at = line_of(used)
        function = None if at is None or at.file != line.file else function_around(at)
        if function not in (method, own) and function in others:
            names = {operand_name(used, i) for i in places(used, value)}
            for each in ast.walk(function):
                match each:
                    case ast.Assign(targets=[ast.Attribute() as kept], value=ast.Name(id=name)):
                        if name in names:
                            return Named(ast.unparse(kept), Line(line.file, each.lineno))
    return None


def _hands_on(name: str, line: Line) -> bool:
    """Whether a line gives what has a name to a function."""
    whole = statement(line.file, line.line) or ast.Pass()
    calls = (each for each in ast.walk(whole) if isinstance(each, ast.Call))
    given = (e for call in calls for e in (*call.args, *(k.value for k in call.keywords)))
    return any(ast.unparse(each) == name for each in given)


def _is_of(line: Line, function: ast.FunctionDef) -> bool:
    """Whether a line is of a function, or of one within it."""
    end = function.end_lineno or 0
    same = function in ast.walk(tree(line.file) or ast.Pass())
    return same and function.lineno <= line.line <= end
