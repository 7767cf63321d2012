"""The change of an expression that is known by what the program computed, as its source.

Left out: how it is known (`backward/causes.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import NamedTuple

from conformance.edits.edit import Edit, Slot, expression, put
from conformance.edits.formulas import LAST_AXES_SWAPPED
from conformance.edits.source_parts import last_name

OPERATORS: dict[str, type[ast.operator]] = {
    "+": ast.Add, "−": ast.Sub, "×": ast.Mult, "/": ast.Div, "@": ast.MatMult,
}  # fmt: skip
COMPARED: dict[str, type[ast.cmpop]] = {
    "greater": ast.Gt, "greater_equal": ast.GtE, "less": ast.Lt, "less_equal": ast.LtE,
    "equal": ast.Eq, "not_equal": ast.NotEq,
}  # fmt: skip
OPPOSITE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.Lt, ast.LtE), ast.GtE: (ast.Lt,), ast.Lt: (ast.Gt, ast.GtE), ast.LtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}  # fmt: skip
NEARLY = 1e-5  # numbers are known to six digits
PLACES = {"1": 0, "2": 1, "left": 0, "right": 1}
SQUARED = "²"
HALVES = {"0.5": 0.5, "2": 2}


class KnownChange(NamedTuple):
    """What an expression has to be instead.

    Attributes:
        what: is changed: `operator`, `function`, `operand`, `transpose`, `extra`, `factor`, `term`,
            `constant`, `comparison`; `mask`: the entries that are written; `slope`:
            the slope of an activation is lacking, or that of another is there.
        expression: its source.
        before: what it has.
        after: what it has to have.
        other: the operand, factor or term that it needs.
    """

    what: str
    expression: str
    before: str
    after: str
    other: ast.expr | None

    @property
    def is_sure(self) -> bool:
        """Whether no factor or term is lacking that may be right by chance, as one value may be."""
        made = self.what == "term" and isinstance(self.other, ast.BinOp)
        return self.other is None or self.what == "operand" or made


def named(slots: Sequence[Slot], known: KnownChange) -> Iterator[Edit]:
    """The changes of a line that are meant."""
    for slot in slots:
        part = slot.get()
        if known.what == "mask" and slot.field == "slice" and isinstance(part, ast.expr):
            for new in _others(part):
                yield put(slot, part, new)
        elif isinstance(part, ast.expr) and ast.unparse(part) == known.expression:
            for new in _instead(part, known):
                yield put(slot, part, deepcopy(new))


def _instead(part: ast.expr, known: KnownChange) -> Iterator[ast.expr]:
    match known.what:
        case "operator" | "comparison":
            yield from _by_another(part, known.after)
        case "function" if known.after.endswith(SQUARED):
            yield from _squared(part, known.before)
        case "function" if isinstance(part, ast.Call) and last_name(part.func) == known.before:
            yield ast.Call(_renamed(part.func, known.after), part.args, part.keywords)
        case "operand" if known.other is not None and known.before in PLACES:
            yield from _with(part, PLACES[known.before], known.other)
        case "transpose" if known.before in PLACES:
            yield from _transposed(part, PLACES[known.before])
        case "axis" if isinstance(part, ast.Call):
            yield from _along(part, known.after)
        case "extra":
            yield from (each for each in _operands(part) if ast.unparse(each) != known.before)
            yield from _without_last(part, known.before)
        case "factor" | "term" if known.other is not None and known.after in OPERATORS:
            yield ast.BinOp(part, OPERATORS[known.after](), known.other)
        case "factor" | "constant" if known.other is None:
            yield from _multiplied(part, known)


def _by_another(part: ast.expr, operator: str) -> Iterator[ast.expr]:
    """An expression with another operator or comparison."""
    if isinstance(part, ast.BinOp) and operator in OPERATORS:
        yield ast.BinOp(part.left, OPERATORS[operator](), part.right)
    if isinstance(part, ast.Compare) and operator in COMPARED:
        yield ast.Compare(part.left, [COMPARED[operator]()], part.comparators)


def _others(mask: ast.expr) -> Iterator[ast.expr]:
    """What tells the other entries than a mask does."""
    match mask:
        case ast.Compare(left, [operator], [right]):
            kinds = OPPOSITE.get(type(operator), ())
            yield from (ast.Compare(deepcopy(left), [e()], [deepcopy(right)]) for e in kinds)
        case ast.UnaryOp(ast.Invert(), operand):
            yield deepcopy(operand)
        case ast.Name():
            yield ast.UnaryOp(ast.Invert(), deepcopy(mask))


def _transposed(part: ast.expr, place: int) -> Iterator[ast.expr]:
    """An expression with an operand turned, or no longer."""
    for each in _operands(part)[place : place + 1]:
        turned = isinstance(each, ast.Attribute) and each.attr == "T"
        plain = each.value if isinstance(each, ast.Attribute) and turned else None
        yield from _with(part, place, plain or expression("X.T", X=each))
        yield from _with(part, place, expression(LAST_AXES_SWAPPED, X=each))


def _along(call: ast.Call, axis: str) -> Iterator[ast.expr]:
    """A reduction along another axis, by its name or by its place."""
    other = ast.parse(axis, mode="eval").body
    keywords = [ast.keyword(e.arg, other if e.arg == "axis" else e.value) for e in call.keywords]
    if any(each.arg == "axis" for each in keywords):
        yield ast.Call(call.func, call.args, keywords)
    elif call.args and isinstance(call.args[-1], ast.Constant | ast.Tuple | ast.UnaryOp):
        yield ast.Call(call.func, [*call.args[:-1], other], call.keywords)


def _multiplied(part: ast.expr, known: KnownChange) -> Iterator[ast.expr]:
    """An expression times −1, 2 or ½, as another number may be a length.

    Or with a multiple of one of its numbers, such as 3 · 0.044715.
    """
    if known.what == "factor":
        times = HALVES.get(known.after)
        yield from [ast.UnaryOp(ast.USub(), part)] if known.after == "-1" else []
        yield from [ast.BinOp(part, ast.Mult(), ast.Constant(times))] if times else []
        return
    if not known.before:
        return  # the number is no constant of the expression
    before, after = float(known.before), float(known.after)
    for place, each in enumerate(_operands(part)):
        if isinstance(each, ast.Constant) and each.value == before and before:
            times = round(after / before)
            if times > 1 and abs(after / before - times) <= NEARLY * times:
                yield from _with(part, place, ast.BinOp(ast.Constant(times), ast.Mult(), each))


def _without_last(part: ast.expr, factors: str) -> Iterator[ast.expr]:
    """A product without its last factors, as they are told."""
    last = list[str]()
    while isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult):
        text = ast.unparse(part.right)
        last.insert(0, f"({text})" if " " in text else text)
        part = part.left
        if len(last) > 1 and " * ".join(last) == factors:
            yield part


def _squared(part: ast.expr, operand: str) -> Iterator[ast.expr]:
    """An expression with the square of an operand, whose source may be in parentheses."""
    for place, each in enumerate(_operands(part)):
        if ast.unparse(each) in (operand, operand[1:-1]):
            yield from _with(part, place, expression("X ** 2", X=each))


def _renamed(callee: ast.expr, name: str) -> ast.expr:
    if isinstance(callee, ast.Attribute):
        return ast.Attribute(callee.value, name, ast.Load())
    return ast.Name(name, ast.Load())


def _operands(part: ast.expr) -> list[ast.expr]:
    if isinstance(part, ast.BinOp):
        return [part.left, part.right]
    return part.args if isinstance(part, ast.Call) else []


def _with(part: ast.expr, place: int, other: ast.expr) -> Iterator[ast.expr]:
    """An expression with another operand; the first of a method may be its object."""
    match part:
        case ast.BinOp(left, operator, right):
            left, right = (other, right) if place == 0 else (left, other)
            yield ast.BinOp(left, operator, right)
        case ast.Compare(left, [operator], [right]):
            left, right = (other, right) if place == 0 else (left, other)
            yield ast.Compare(left, [operator], [right])
        case ast.Attribute(attr=name) if place == 0:
            yield ast.Attribute(other, name, ast.Load())
        case ast.Call(func, args, keywords):
            of_method = isinstance(func, ast.Attribute)
            for i in (each for each in (place, place - of_method) if 0 <= each < len(args)):
                yield ast.Call(func, [*args[:i], other, *args[i + 1 :]], keywords)
            if isinstance(func, ast.Attribute) and place == 0:
                yield ast.Call(ast.Attribute(other, func.attr, ast.Load()), args, keywords)
