"""Lines of a class of values that differentiate themselves, as its source tells.

Left out: whether its derivatives are right (`values.py`).
"""

import ast
import inspect
from collections.abc import Iterator

from conformance.backward.findings import Line
from conformance.backward.source import tree


def overwriting(kind: type, gradient: str) -> Iterator[Line]:
    """The lines of operations that write a derivative, and do not add to what is there.

    Args:
        kind: the class.
        gradient: the name of the attribute that is the derivative.
    """
    for file, method in _methods(kind):
        if method.name in ("__init__", "backward") or not _has_function(method):
            continue
        for node in (each for each in ast.walk(method) if isinstance(each, ast.Assign)):
            if any(isinstance(e, ast.Attribute) and e.attr == gradient for e in node.targets):
                read = {ast.unparse(each) for each in ast.walk(node.value)}
                if not read & {ast.unparse(each) for each in node.targets}:
                    yield Line(file, node.lineno)


def walks(kind: type) -> Iterator[Line]:
    """The loops of `backward`, the last first: it visits the values in an order."""
    for file, method in _methods(kind):
        if method.name == "backward":
            loops = [
                each.lineno for each in ast.walk(method) if isinstance(each, ast.For | ast.While)
            ]
            yield from (Line(file, each) for each in sorted(loops or [method.lineno])[::-1])


def in_backward(kind: type, line: Line) -> bool:
    """Whether a line is one of the method `backward`."""
    return any(
        method.name == "backward" and method.lineno <= line.line <= (method.end_lineno or 0)
        for _, method in _methods(kind)
    )


def _methods(kind: type) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The methods of a class, with the file."""
    file = inspect.getsourcefile(kind) or ""
    module = tree(file)
    for each in [] if module is None else module.body:
        if isinstance(each, ast.ClassDef) and each.name == kind.__name__:
            yield from ((file, e) for e in each.body if isinstance(e, ast.FunctionDef))


def _has_function(method: ast.FunctionDef) -> bool:
    """Whether a method defines a function, as an operation does that is undone later."""
    return any(isinstance(e, ast.FunctionDef) for e in ast.walk(method) if e is not method)
