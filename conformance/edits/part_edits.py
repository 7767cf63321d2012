"""What may be lacking in an expression, or stand in its place: other expressions of the function.

A factor, a divisor or a term more; a slope; another part; two parts in each other's place. Left
out: single words and signs (`expression_edits.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import combinations, permutations

from conformance.edits.edit import Edit, Slot, expression, is_of, is_whole, located, put, values
from conformance.edits.formulas import LAST_AXES_SWAPPED, activations
from conformance.edits.scope import Names

EXCHANGEABLE = ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.BinOp | ast.Constant

TURNED = (
    *(f"X.transpose{e}" for n in (3, 4) for e in permutations(range(n)) if list(e) != sorted(e)),
    LAST_AXES_SWAPPED,
    "X[::-1, ::-1]",
    "X[..., ::-1, ::-1]",
)
"""An array with its axes in another order, or turned round along two."""

COMMUTATIVE: tuple[type[ast.operator], ...] = (ast.Add, ast.Mult)


def sloped(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The changes that multiply a whole value by a slope, or put one in the place of two factors.

    As in d a (1 − a), where another activation than σ is meant.
    """
    for slot, part in values(slots):
        match part:
            case ast.BinOp(left=ast.BinOp(left=d, op=ast.Mult()), op=ast.Mult()):
                yield from (put(slot, part, ast.BinOp(d, ast.Mult(), e)) for e in scope.slopes)
        for each in scope.slopes if is_whole(slot) else ():
            yield put(slot, part, ast.BinOp(part, ast.Mult(), each))


def joined(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The changes that give a whole value a factor, a divisor or a term more."""
    yield from _joined([each for each in slots if is_whole(each)], scope)


def joined_within(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The same of the parts of a value."""
    yield from _joined([each for each in slots if not is_whole(each)], scope)


def at_renamings(tree: ast.AST, edit: Edit) -> Iterator[Edit]:
    """The changes that join an operand to a value where it only gets another name, as in `d = e`.

    Args:
        tree: of the function.
        edit: that joins the operand to a value on another line.
    """
    for slot, new in edit.puts:
        match new:
            case ast.BinOp(left, kind, operand) if ast.dump(left) == ast.dump(slot.get()):
                for each in ast.walk(tree):
                    if isinstance(each, ast.Assign) and _is_renaming(each):
                        joined_to = ast.BinOp(each.value, kind, operand)
                        yield put(Slot(each, "value"), each.value, joined_to)


def _is_renaming(statement: ast.Assign) -> bool:
    return all(isinstance(each, ast.Name) for each in (*statement.targets, statement.value))


def joined_unread(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The changes that join to a whole value a variable that nothing reads."""
    unread = [ast.Name(each, ast.Load()) for each in scope.unread]
    for slot, part in values([each for each in slots if is_whole(each)] if unread else ()):
        yield from _with_one(slot, part, unread, unread)


def _joined(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    for slot, part in values(slots):
        for each in scope.matrices:
            yield put(slot, part, ast.BinOp(part, ast.MatMult(), each))
            yield put(slot, part, ast.BinOp(each, ast.MatMult(), part))
        yield from _with_one(slot, part, (ast.Constant(2), *scope.parts), scope.parts)


def _with_one(
    slot: Slot, part: ast.expr, factors: Sequence[ast.expr], terms: Sequence[ast.expr]
) -> Iterator[Edit]:
    """The changes that give a value one of some factors, divisors or terms more."""
    for kinds, operands in (((ast.Mult, ast.Div), factors), ((ast.Add, ast.Sub), terms)):
        for kind in () if is_of(slot, kinds) else kinds:
            yield from (put(slot, part, ast.BinOp(part, kind(), each)) for each in operands)


def exchanged(slots: Sequence[Slot], _scope: Names) -> Iterator[Edit]:
    """The changes that put two parts of a line in each other's place."""
    parts = [(slot, part) for slot in slots if isinstance(part := slot.get(), EXCHANGEABLE)]
    held = [(slot, part) for slot, part in parts if slot.field != "func"]
    inside = {id(part): {id(each) for each in ast.walk(part)} for _, part in held}
    factors = [{*map(id, _operands(part, kind))} for _, part in held for kind in COMMUTATIVE]
    for (slot, one), (place, other) in combinations(held, 2):
        apart = id(one) not in inside[id(other)] and id(other) not in inside[id(one)]
        alike = any({id(one), id(other)} <= each for each in factors)
        if apart and not alike and ast.dump(one) != ast.dump(other):
            puts = (slot, located(deepcopy(other), one)), (place, located(deepcopy(one), other))
            yield Edit(one.lineno, puts=puts)


def _operands(part: ast.expr, kind: type[ast.operator]) -> Iterator[ast.expr]:
    """The operands of a sum or a product of several, whose order changes nothing."""
    if isinstance(part, ast.BinOp) and isinstance(part.op, kind):
        yield from _operands(part.left, kind)
        yield from _operands(part.right, kind)
    else:
        yield part


def replaced(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The changes that put another expression of the scope in an expression's place."""
    named = [each for each in scope.parts if isinstance(each, ast.Name | ast.Attribute)]
    for slot in slots:
        part = slot.get()
        counted = isinstance(slot.parent, ast.keyword | ast.Slice)
        if isinstance(part, ast.Constant) and type(part.value) in (int, float) and not counted:
            yield from (put(slot, part, other) for other in named)
    for slot, part in values(slots):
        for other in (*scope.parts, *scope.entries):
            if ast.dump(other) != ast.dump(part):
                yield put(slot, part, other)


def turned(slots: Sequence[Slot], _scope: Names) -> Iterator[Edit]:
    """The changes that put the axes of an array in another order, or turn it round along two."""
    for slot, part in values(slots):
        for text in TURNED:
            yield put(slot, part, expression(text, X=part))


def reformed(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The changes that put a slope in a factor's place, and an activation in that of a function."""
    for slot, part in values(slots):
        if isinstance(part, ast.BinOp | ast.Call) and not is_whole(slot):
            yield from (put(slot, part, each) for each in scope.slopes)
    for slot, part in values(slots):
        if isinstance(part, ast.Call) and scope.numpy:
            for each in part.args:
                yield from (put(slot, part, f) for f in activations(each, scope.numpy))
