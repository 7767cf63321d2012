"""Biases that a program begins with the number 0, which no trace could follow.

`b = 0` stays a plain number where nothing is traced. Left out: arrays of zeros, which NumPy makes.
"""

import ast
import re

from conformance.tracing.special import zero

NAME = "__conformance_zero__"
"""The name, among those of the program's module, of what gives the number."""
BIAS = re.compile(r"(?:\w+\.)*_?b(?:ias(?:es)?)?\d*_?")


def followed(statement: ast.stmt) -> ast.stmt:
    """A statement in which biases that it moves begin with a number that can be followed."""
    moved = {name for each in ast.walk(statement) for name in _moved(each)}
    for each in ast.walk(statement) if moved else ():
        if isinstance(each, ast.Assign) and len(each.targets) == 1:
            each.value = _begun(each.targets[0], each.value, moved)
    return statement


def provide(names: dict[str, object]) -> None:
    """Put what gives the number among the names of a module."""
    names[NAME] = zero


def _moved(node: ast.AST) -> list[str]:
    """The bias that a statement adds a product to, or takes one off."""
    match node:
        case ast.AugAssign(target=target, op=ast.Add() | ast.Sub(), value=value):
            pass
        case ast.Assign(
            targets=[target],
            value=ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=value),
        ) if ast.unparse(left) == ast.unparse(target):
            pass
        case _:
            return []
    name = ast.unparse(target)
    product = any(isinstance(each, ast.Mult | ast.Call) for each in ast.walk(value))
    return [name] if product and BIAS.fullmatch(name) else []


def _begun(target: ast.expr, value: ast.expr, moved: set[str]) -> ast.expr:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        if len(target.elts) == len(value.elts):
            pairs = zip(target.elts, value.elts, strict=True)
            value.elts = [_begun(one, other, moved) for one, other in pairs]
        return value
    number = isinstance(value, ast.Constant) and type(value.value) in (int, float)
    if number and not value.value and ast.unparse(target) in moved:  # type: ignore[attr-defined]
        call = ast.Call(ast.Name(NAME, ast.Load()), [], [])
        return ast.fix_missing_locations(ast.copy_location(call, value))
    return value
