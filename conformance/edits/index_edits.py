"""What may stand in the place of an index or a slice, and of what has them.

Left out: whether a line may read it (`scope.py`).
"""

import ast
from collections.abc import Iterator

from conformance.edits.scope import Scope


def moved_index(index: ast.expr) -> Iterator[ast.expr]:
    """An index one further, and one less; of k + 1 the 1 is changed instead."""
    one = ast.Constant(1)
    if not (isinstance(index, ast.BinOp) and isinstance(index.right, ast.Constant)):
        yield from (ast.BinOp(index, kind(), one) for kind in (ast.Add, ast.Sub))


def other_indices(scope: Scope) -> Iterator[ast.expr]:
    """The indices of other lists, and those beside them."""
    for each in scope.indices:
        yield each
        if isinstance(each, ast.Name):
            yield from moved_index(each)


def subscripts(part: ast.Subscript, *_: object) -> Iterator[ast.expr]:
    """A list or an array instead of its entry, or another entry; the sum of a batch for one."""
    yield part.value
    if isinstance(part.slice, ast.Constant):  # one entry of a batch for all
        for name in ("sum", "mean"):
            callee = ast.Attribute(part.value, name, ast.Load())
            yield ast.Call(callee, [ast.Constant(0)], [])
    if not isinstance(part.slice, ast.Slice | ast.Tuple | ast.Constant):
        for new in (*moved_index(part.slice), ast.UnaryOp(ast.USub(), part.slice)):
            yield ast.Subscript(part.value, new, ast.Load())


def slices(part: ast.Slice, *_: object) -> Iterator[ast.expr]:
    """A slice without one of its ends, or with each one further or less, and the rest of a list."""
    yield from _other_end(part)
    for end in filter(None, (part.lower, part.upper)):
        new = end.operand if isinstance(end, ast.UnaryOp) else end
        yield from (ast.Slice(None, new, part.step), ast.Slice(new, None, part.step))
    for name in ("lower", "upper", "step"):
        held = {each: getattr(part, each) for each in ("lower", "upper", "step")}
        if held[name] is not None:
            others = (*moved_index(held[name]), ast.UnaryOp(ast.USub(), held[name]))
            yield from (ast.Slice(**{**held, name: each}) for each in (None, *others))
        elif name != "step":
            first = ast.Constant(1) if name == "lower" else ast.UnaryOp(ast.USub(), ast.Constant(1))
            yield ast.Slice(**{**held, name: first})
        else:
            yield ast.Slice(**{**held, name: ast.UnaryOp(ast.USub(), ast.Constant(1))})


def _other_end(part: ast.Slice) -> Iterator[ast.expr]:
    """The slice of the same length at the other end: a[:-1] for a[1:], a[:0:-1] for a[-2::-1]."""
    match part:
        case ast.Slice(lower=ast.expr() as lower, upper=None, step=None):
            yield ast.Slice(None, ast.UnaryOp(ast.USub(), lower))
        case ast.Slice(lower=ast.UnaryOp(op=ast.USub()), upper=None, step=ast.UnaryOp() as step):
            yield ast.Slice(None, ast.Constant(0), step)
        case ast.Slice(lower=None, upper=ast.Constant(value=0), step=ast.UnaryOp() as step):
            yield ast.Slice(ast.UnaryOp(ast.USub(), ast.Constant(2)), None, step)
