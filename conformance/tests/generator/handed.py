"""The lines that take a value which another line hands on as it is.

A line like `a.append(z)`, where σ is forgotten, does no operation: none on it could be wrong, and
one that takes what was appended may be named instead. Left out: what passes through further names.
"""

import ast
from collections.abc import Iterator, Sequence
from typing import Any

OPERATIONS = ast.BinOp | ast.UnaryOp | ast.Call | ast.Compare
APPENDS = ("append", "appendleft", "insert")


def takers(lines: Sequence[str], number: int, text: str) -> frozenset[int]:
    """The numbers of the lines that take what a line hands on; none if that one computes.

    Args:
        lines: of the program.
        number: of the line, from 1.
        text: that stands on it now.
    """
    stripped = text.strip()
    if stripped.endswith(":") or _computes(ast.parse(stripped).body[0]):
        return frozenset()
    tree = ast.parse("\n".join(lines))
    here = [each for each in ast.walk(tree) if isinstance(each, ast.stmt) and each.lineno == number]
    names = {name for each in here for name in _names(each, tree)} - {""}
    uses = (node for node in ast.walk(tree) if _name(node) in names and not _is_stored(node))
    return frozenset(getattr(node, "lineno", number) for node in uses)


def _computes(statement: Any) -> bool:
    if isinstance(statement, ast.AugAssign):
        return True
    value = _handed(getattr(statement, "value", None))
    return value is not None and any(isinstance(node, OPERATIONS) for node in ast.walk(value))


def _handed(value: Any) -> ast.expr | None:
    """What a statement assigns, returns, appends or lists."""
    while True:
        if _is_append(value):
            value = value.args[-1]
        elif isinstance(value, ast.ListComp | ast.GeneratorExp):
            value = value.elt
        elif isinstance(value, ast.BinOp) and isinstance(value.right, ast.List):
            value = value.right
        else:
            return value if isinstance(value, ast.expr) else None


def _names(statement: Any, tree: ast.AST) -> Iterator[str]:
    """The names by which the value of a statement is known further on."""
    value: Any = getattr(statement, "value", None)
    for target in getattr(statement, "targets", ()):
        yield from map(_name, getattr(target, "elts", [target]))
    if _is_append(value):
        yield _name(value.func.value)
    if isinstance(statement, ast.Return):
        if isinstance(value, ast.BinOp) and isinstance(value.right, ast.List):
            yield _name(value.left)
        around = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))
        inside = [each for each in around if statement in ast.walk(each)]
        yield inside[-1].name if inside else ""


def _is_append(value: Any) -> bool:
    appends = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)
    return appends and value.func.attr in APPENDS


def _is_stored(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Store)


def _name(node: ast.AST) -> str:
    """The name of a variable or an attribute; of an entry, that of the list."""
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return str(getattr(node, "attr", getattr(node, "id", "")))
