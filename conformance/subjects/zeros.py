"""What a program itself moves and begins with plain numbers, which no trace could follow.

That is `b = 0`, and random weights that are written into. Where nothing is traced they stay as they
are. Left out: arrays of zeros, which NumPy makes.
"""

import ast
import re

from conformance.tracing.modules import entered, zero

NUMBER, ARRAY = "__conformance_zero__", "__conformance_entered__"
"""The names, among those of the program's module, of what gives the number and takes an array."""
BIAS = re.compile(r"(?:\w+\.)*_?b(?:ias(?:es)?)?\d*_?")


def followed(statement: ast.stmt) -> ast.stmt:
    """A statement in which what it moves begins with values that can be followed."""
    moved = {name for each in ast.walk(statement) for name in _moved(each)}
    for each in ast.walk(statement) if moved else ():
        if isinstance(each, ast.Assign) and len(each.targets) == 1:
            each.value = _begun(each.targets[0], each.value, moved)
    return statement


def provide(names: dict[str, object]) -> None:
    """Put what gives the number and takes an array among the names of a module."""
    names[NUMBER], names[ARRAY] = zero, entered


def _moved(node: ast.AST) -> list[str]:
    """What a statement adds a product to, or takes one off."""
    match node:
        case ast.AugAssign(target=target, op=ast.Add() | ast.Sub(), value=value):
            pass
        case ast.Assign(
            targets=[target], value=ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=value)
        ) if ast.unparse(left) == ast.unparse(target):
            pass
        case _:
            return []
    whole = target.value if isinstance(target, ast.Subscript) else target
    product = any(isinstance(each, ast.Mult | ast.Call) for each in ast.walk(value))
    return [ast.unparse(whole)] if product else []


def _begun(target: ast.expr, value: ast.expr, moved: set[str]) -> ast.expr:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        if len(target.elts) == len(value.elts):
            pairs = zip(target.elts, value.elts, strict=True)
            value.elts = [_begun(one, other, moved) for one, other in pairs]
        return value
    name = ast.unparse(target)
    taken: tuple[str, list[ast.expr]] | None = None
    match value:
        case ast.Constant(value=int() | float() as number) if not number:
            taken = (NUMBER, []) if name in moved and BIAS.fullmatch(name) else None
        case ast.Call():
            taken = (ARRAY, [value]) if name in moved else None
    if taken is None:
        return value
    call = ast.Call(ast.copy_location(ast.Name(taken[0], ast.Load()), value), taken[1], [])
    return ast.copy_location(call, value)
