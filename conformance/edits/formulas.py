"""Formulas that a line may need: other operands, activations, sums of products, numbers.

Left out: expressions that the file has (`scope.py`).
"""

import ast
from collections.abc import Iterator

from conformance.edits.edit import expression
from conformance.model.functions import ACTIVATIONS

ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.MatMult),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.MatMult: (ast.Mult,),
}


LAST_AXES_SWAPPED = "X.swapaxes(-1, -2)"
"""A batch of matrices X, each transposed."""


def sums(subscripts: str) -> Iterator[str]:
    """The subscripts of `np.einsum` with one other letter, one more, or two exchanged."""
    letters = sorted(filter(str.isalpha, {*subscripts}))
    for i, old in enumerate(subscripts):
        for new in letters if old.isalpha() else ():
            if new != old:
                yield subscripts[:i] + new + subscripts[i + 1 :]
    yield from (subscripts + each for each in letters)
    for i, old in enumerate(subscripts):
        for k in range(i + 1, len(subscripts)):
            if not subscripts[i : k + 1].isalpha():
                break
            yield subscripts[:i] + subscripts[k] + subscripts[i + 1 : k] + old + subscripts[k + 1 :]


def keywords_more(keywords: list[ast.keyword]) -> Iterator[list[ast.keyword]]:
    """The keywords of a sum with the axis, or `keepdims`, that it may lack."""
    names = {each.arg for each in keywords}
    kept = [ast.keyword("keepdims", ast.Constant(value=True))]
    if "axis" not in names:
        for axis in (0, 1):
            one = [*keywords, ast.keyword("axis", ast.Constant(axis))]
            yield from (one, one + kept if "keepdims" not in names else one)
    elif "keepdims" not in names:
        yield keywords + kept


def activations(z: ast.expr, numpy: str) -> Iterator[ast.expr]:
    """The activations of z that are no function of a file, as NumPy code."""
    for name in ("sigmoid", "tanh", "relu"):
        yield expression(ACTIVATIONS[name].code, z=z, np=ast.Name(numpy, ast.Load()))


def operations(part: ast.BinOp, *_: object) -> Iterator[ast.expr]:
    """What an operation of two operands may have to be."""
    if isinstance(part.op, ast.Sub | ast.Div | ast.MatMult):
        yield ast.BinOp(part.right, part.op, part.left)
    yield from (part.left, part.right)
    for kind in ARITHMETIC.get(type(part.op), ()):
        yield ast.BinOp(part.left, kind(), part.right)
    if isinstance(part.right, ast.Constant) and isinstance(part.op, ast.Mult | ast.Pow):
        power = isinstance(part.op, ast.Mult)  # a² for 2a, or the reverse
        yield ast.BinOp(part.left, ast.Pow() if power else ast.Mult(), part.right)
    if isinstance(part.op, ast.Pow):
        for kind in (ast.Sub, ast.Add):  # as in the derivative of a power
            yield ast.BinOp(part.left, part.op, ast.BinOp(part.right, kind(), ast.Constant(1)))
    yield from _regrouped(part)


def _regrouped(part: ast.BinOp) -> Iterator[ast.expr]:
    """The same with other brackets: a + (b * c) for (a + b) * c, f(a + b) for f(a) + b."""
    match part:
        case ast.BinOp(left=ast.BinOp(left=a, op=first, right=b), op=second, right=c):
            yield ast.BinOp(a, first, ast.BinOp(b, second, c))
        case ast.BinOp(left=ast.Call(func=f, args=[a], keywords=[]), op=second, right=c):
            yield ast.Call(f, [ast.BinOp(a, second, c)], [])
    match part:
        case ast.BinOp(left=a, op=first, right=ast.BinOp(left=b, op=second, right=c)):
            yield ast.BinOp(ast.BinOp(a, first, b), second, c)


def is_constant(part: ast.AST) -> bool:
    """Whether an operation of a value with itself is 0 or 1: `L / L` stands for no 1."""
    match part:
        case ast.BinOp(
            left=left, op=ast.Sub() | ast.Div() | ast.FloorDiv() | ast.Mod(), right=right
        ):
            return ast.dump(left) == ast.dump(right)
    return False


def in_order(part: ast.Call) -> Iterator[ast.expr]:
    """A call with two arguments beside each other exchanged."""
    for i in range(len(part.args) - 1):
        args = list(part.args)
        args[i : i + 2] = args[i + 1], args[i]
        yield ast.Call(part.func, args, part.keywords)


def numbers(value: float) -> list[float]:
    """The numbers that may be meant by another: its neighbours, 0, 1, …; none of another sign."""
    kind = type(value)
    near = (value + 1, value - 1, kind(0), kind(1), 2 * value, value / 2)
    return [each for each in dict.fromkeys(near) if each != value and each * value >= 0]


def number(value: float) -> ast.expr:
    """A number as a program has it, whose sign is an operator."""
    constant = ast.Constant(abs(value))
    return ast.UnaryOp(ast.USub(), constant) if value < 0 else constant
