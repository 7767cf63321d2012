"""The change of an expression that is known by what the program computed, as its source.

Left out: how it is known (`backward/causes.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import NamedTuple

from conformance.edits.computing import last_name
from conformance.edits.edit import Edit, Slot, located

OPERATORS: dict[str, type[ast.operator]] = {
    "+": ast.Add, "−": ast.Sub, "×": ast.Mult, "/": ast.Div, "@": ast.MatMult,
}  # fmt: skip
NEARLY = 1e-5  # numbers are known to six digits
PLACES = {"1": 0, "2": 1, "left": 0, "right": 1}
SQUARED = "²"
HALVES = {"0.5": 0.5, "2": 2}


class KnownChange(NamedTuple):
    """What an expression has to be instead.

    Attributes:
        what: is changed: `operator`, `function`, `operand`, `transpose`, `extra`, `factor`, `term`,
            `constant`; `slope`: the slope of an activation is lacking, or that of another is there.
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
        if isinstance(part, ast.expr) and ast.unparse(part) == known.expression:
            for new in _instead(part, known):
                yield Edit(part.lineno, puts=((slot, located(deepcopy(new), part)),))


def _instead(part: ast.expr, known: KnownChange) -> Iterator[ast.expr]:
    match known.what:
        case "operator" if isinstance(part, ast.BinOp) and known.after in OPERATORS:
            yield ast.BinOp(part.left, OPERATORS[known.after](), part.right)
        case "function" if known.after.endswith(SQUARED):
            yield from _squared(part, known.before)
        case "function" if isinstance(part, ast.Call) and last_name(part.func) == known.before:
            yield ast.Call(_renamed(part.func, known.after), part.args, part.keywords)
        case "operand" if known.other is not None and known.before in PLACES:
            yield from _with(part, PLACES[known.before], known.other)
        case "transpose" if known.before in PLACES:
            place = PLACES[known.before]
            for each in _operands(part)[place : place + 1]:
                turned = isinstance(each, ast.Attribute) and each.attr == "T"
                plain = each.value if isinstance(each, ast.Attribute) and turned else None
                yield from _with(part, place, plain or ast.Attribute(each, "T", ast.Load()))
        case "extra":
            yield from (each for each in _operands(part) if ast.unparse(each) != known.before)
            yield from _without_last(part, known.before)
        case "factor" | "term" if known.other is not None and known.after in OPERATORS:
            yield ast.BinOp(part, OPERATORS[known.after](), known.other)
        case "factor" | "constant" if known.other is None:
            yield from _multiplied(part, known)


def _multiplied(part: ast.expr, known: KnownChange) -> Iterator[ast.expr]:
    """An expression times −1, 2 or ½, as another number may be a length.

    Or with a multiple of one of its numbers, such as 3 · 0.044715.
    """
    if known.what == "factor":
        times = HALVES.get(known.after)
        yield from [ast.UnaryOp(ast.USub(), part)] if known.after == "-1" else []
        yield from [ast.BinOp(part, ast.Mult(), ast.Constant(times))] if times else []
        return
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
            yield from _with(part, place, ast.BinOp(each, ast.Pow(), ast.Constant(2)))


def _renamed(callee: ast.expr, name: str) -> ast.expr:
    if isinstance(callee, ast.Attribute):
        return ast.Attribute(callee.value, name, ast.Load())
    return ast.Name(name, ast.Load())


def _operands(part: ast.expr) -> list[ast.expr]:
    if isinstance(part, ast.BinOp):
        return [part.left, part.right]
    return part.args if isinstance(part, ast.Call) else []


def _with(part: ast.expr, place: int, other: ast.expr) -> Iterator[ast.expr]:
    """An expression with another operand."""
    if isinstance(part, ast.BinOp):
        left, right = (other, part.right) if place == 0 else (part.left, other)
        yield ast.BinOp(left, part.op, right)
    elif isinstance(part, ast.Call) and place < len(part.args):
        args = [*part.args[:place], other, *part.args[place + 1 :]]
        yield ast.Call(part.func, args, part.keywords)
