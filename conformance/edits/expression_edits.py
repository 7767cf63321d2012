"""What may stand in the place of an expression: what people write there by mistake, undone.

Another name, number or operator; a part left out; the transpose; another order of operands or
arguments; a factor or a term more. Left out: statements (`statement_edits.py`).
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from conformance.edits.edit import Edit, Slot, expression, is_of, is_self, located, put, values
from conformance.edits.formulas import (
    in_order,
    keywords_more,
    number,
    numbers,
    operations,
    sums,
)
from conformance.edits.scope import Names
from conformance.edits.source_parts import last_name

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}


SUMMED = ("axis=0", "axis=0, keepdims=True", "axis=1", "axis=1, keepdims=True")

REDUCTIONS = {"all", "amax", "any", "argmax", "max", "mean", "min", "prod", "std", "sum", "var"}

WRAPPED = ("X.T", "X.copy()", "[each.copy() for each in X]", "X[::-1]")
"""An expression transposed, copied, as a list of copies, and turned round."""

UNWRAPPED = ast.Constant | ast.Slice | ast.Starred


def swapped(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The changes of one name, number or operator, and those that leave out or turn a part."""
    for slot in sorted(slots, key=lambda each: not isinstance(each.get(), ast.Constant)):
        part = slot.get()
        if isinstance(part, ast.expr):
            for new in OTHERS.get(type(part), _simple)(part, slot, scope):
                yield put(slot, part, new)
            for new in _by_place(slot, scope):
                if ast.dump(new) != ast.dump(part):
                    yield put(slot, part, new)
    yield from _renamed(slots, scope)
    for slot in slots:
        part = slot.get()
        if isinstance(part, ast.Constant):
            yield from (put(slot, part, each) for each in _seldom_meant(part, slot, scope))
        if isinstance(part, ast.expr) and not isinstance(part, UNWRAPPED) and slot.field != "func":
            texts = (*WRAPPED, *((f"{scope.numpy}.zeros_like(X)",) if scope.numpy else ()))
            yield from (put(slot, part, expression(each, X=part)) for each in texts)


def unread(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The changes that read a variable which is not read, or an entry of it.

    It was computed for nothing.
    """
    others = [ast.Name(each, ast.Load()) for each in scope.unread]
    indices = [each for each in scope.indices if not isinstance(each, ast.Slice)]
    entries = [ast.Subscript(each, at, ast.Load()) for each in others for at in indices]
    for slot, part in values(slots):
        if isinstance(part, ast.Name):
            yield from (put(slot, part, each) for each in others)
        if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name):
            yield from (put(slot, part, each) for each in entries)


def _renamed(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The changes of a variable that a line reads more than once, or of a call that it has so.

    Another variable, attribute of its object, or list; what a function is given in the place of
    what it gives.
    """
    for places in _repeated(slots, ast.Name | ast.Attribute):
        part = places[0].get()
        own = isinstance(part, ast.Attribute) and is_self(part.value)
        names = [f"self.{e}" for e in scope.held] if own else scope.names
        for name in names if own or isinstance(part, ast.Name) else ():
            if name != ast.unparse(part):
                yield _each(places, expression(name))
    for places in _repeated(slots, ast.Call):
        call = places[0].get()
        if isinstance(call, ast.Call) and len(call.args) == 1 and not call.keywords:
            yield _each(places, call.args[0])


def _repeated(slots: Sequence[Slot], kind: Any) -> Iterator[list[Slot]]:
    """The places of each expression of a kind that stands at several."""
    found: dict[str, list[Slot]] = {}
    for slot in slots:
        part = slot.get()
        if isinstance(part, kind):
            found.setdefault(ast.unparse(part), []).append(slot)
    yield from (places for places in found.values() if len(places) > 1)


def _each(places: Sequence[Slot], new: ast.expr) -> Edit:
    """The change that puts an expression at several places."""
    olds = [part for slot in places if isinstance(part := slot.get(), ast.expr)]
    puts = zip(places, (located(deepcopy(new), each) for each in olds), strict=True)
    return Edit(olds[0].lineno, puts=tuple(puts))


def applied(slots: Sequence[Slot], scope: Names) -> Iterator[Edit]:
    """The changes that negate, square or sum a value, put it in a function, over a number, below 1.

    What a function of the program is given may be in another order.
    """
    named = (each for each in scope.names if each not in scope.counters)
    divisors = (*(ast.Name(each, ast.Load()) for each in named), *scope.lengths)
    for slot, part in values(slots):
        if _is_beside_a_round(part, slot, scope):  # a count is compared with counts
            continue
        yield from (put(slot, part, expression(each, X=part)) for each in ("-X", "1 - X"))
        divisor = is_of(slot, ast.Div) and slot.field == "right"
        single = not isinstance(part, ast.BinOp) or isinstance(slot.parent, ast.Lambda)
        if (single or divisor) and not is_of(slot, ast.Pow):
            yield put(slot, part, expression("X ** 2", X=part))
        if isinstance(part, ast.Call):
            yield from (put(slot, part, each) for each in in_order(part))
        for each in scope.functions:
            yield put(slot, part, ast.Call(each, [part], []))
        for along in SUMMED if scope.numpy else ():
            yield put(slot, part, expression(f"X.sum({along})", X=part))
        for each in () if is_of(slot, ast.Mult | ast.Div) else divisors:
            yield put(slot, part, ast.BinOp(part, ast.Div(), each))
    for places in _repeated(slots, ast.Name):
        name = places[0].get()
        if isinstance(name, ast.Name):
            yield from (_each(places, ast.Call(each, [name], [])) for each in scope.functions)


def _by_place(slot: Slot, scope: Names) -> Iterator[ast.expr]:
    """What may stand in a place, whatever is there: another index, the samples as a divisor."""
    if slot.field == "slice":
        yield from _other_indices(scope)
    if isinstance(getattr(slot.parent, "op", None), ast.Div) and slot.field in ("right", "value"):
        yield from scope.lengths


def _constants(part: ast.Constant, slot: Slot, scope: Names) -> Iterator[ast.expr]:
    if isinstance(part.value, int | float):
        yield from _numbers(part, slot, numbers(part.value))
    if isinstance(part.value, str):
        others = sums(part.value) if "->" in part.value else scope.strings
        yield from (ast.Constant(each) for each in others if each != part.value)


def _seldom_meant(part: ast.Constant, slot: Slot, scope: Names) -> Iterator[ast.expr]:
    """The negative of a number, and the others of the file, such as the slope of a leaky ReLU."""
    if isinstance(part.value, int | float):
        yield from _numbers(part, slot, (-part.value, *scope.numbers))


def _numbers(part: ast.Constant, slot: Slot, others: Iterable[float]) -> Iterator[ast.expr]:
    """Other numbers in the place of one that is no truth value."""
    for each in others if not isinstance(part.value, bool) else ():
        if each != part.value and not _is_neutral(each, slot):
            yield number(each)


def _names(part: ast.Name, slot: Slot, scope: Names) -> Iterator[ast.expr]:
    names = scope.callees if slot.field == "func" else scope.names
    index = slot.field == "slice" or isinstance(slot.parent, ast.Tuple)
    if part.id not in scope.counters and not index:
        names = tuple(each for each in names if each not in scope.counters)
    if isinstance(slot.parent, ast.Tuple):  # it may be of a shape
        yield ast.Constant(1)
    if _is_beside_a_round(part, slot, scope):
        yield from _moved_index(part)
    yield from (ast.Name(each, ast.Load()) for each in names if each != part.id)
    if "self" in scope.names and slot.field != "func" and part.id != "self":
        yield from (expression(f"self.{each}") for each in scope.held)


def _is_beside_a_round(part: ast.expr, slot: Slot, scope: Names) -> bool:
    """Whether a value is compared with what a loop counts with: it may be one less, or more."""
    sides = (
        [slot.parent.left, *slot.parent.comparators] if isinstance(slot.parent, ast.Compare) else []
    )
    return any(getattr(e, "id", "") in scope.rounds for e in sides if e is not part)


def _simple(part: ast.expr, slot: Slot, _scope: Names) -> Iterator[ast.expr]:
    """What may stand for an expression of a few parts: one of these, or they in another order."""
    match part:
        case ast.Tuple(elts=several) if isinstance(slot.parent, ast.keyword):  # of axes
            yield from several
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Compare(left=left, ops=[operator], comparators=others):
            kinds = COMPARISONS.get(type(operator), ())
            yield from (ast.Compare(left, [kind()], others) for kind in kinds)
            yield left
        case ast.Compare(left=left):
            yield left
        case ast.Tuple(elts=[one, other]) | ast.List(elts=[one, other]):  # as (∇b, ∇w)
            yield type(part)([other, one], ast.Load())
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield from (body, orelse, ast.IfExp(test, orelse, body))
        case ast.GeneratorExp(elt=each, generators=loops):
            yield ast.ListComp(each, loops)


def _is_neutral(value: float, slot: Slot) -> bool:
    """Whether an operation with a number gives its other operand, which is tried alone."""
    operator = slot.parent.op if isinstance(slot.parent, ast.BinOp) else None
    either = isinstance(operator, ast.Add | ast.Mult)
    neutral = 0 if isinstance(operator, ast.Add | ast.Sub) else 1
    return operator is not None and value == neutral and (either or slot.field == "right")


def _attributes(part: ast.Attribute, slot: Slot, scope: Names) -> Iterator[ast.expr]:
    called = slot.field == "func"
    of = getattr(part.value, "id", "")
    others: Iterable[str] = scope.callees if called else scope.attributes
    if scope.numpy and of == scope.numpy:
        others = [each for each in others if hasattr(np, each)]
        yield from () if called else scope.functions  # as one that another function is handed
    elif not called:
        yield part.value
        others = scope.held if of == "self" and scope.held else others
    yield from (ast.Attribute(part.value, each, ast.Load()) for each in others if each != part.attr)


def _calls(part: ast.Call, _slot: Slot, scope: Names) -> Iterator[ast.expr]:
    yield from (each for each in part.args if not isinstance(each, ast.Starred))
    if isinstance(part.func, ast.Attribute):
        yield part.func.value
    if scope.numpy and getattr(getattr(part.func, "value", None), "id", "") == scope.numpy:
        yield from in_order(part)
    match part:
        case ast.Call(func=f, args=[ast.BinOp(left=a, op=operator, right=b)], keywords=[]):
            yield ast.BinOp(ast.Call(f, [a], []), operator, b)
    for i in range(len(part.keywords)):
        yield ast.Call(part.func, part.args, part.keywords[:i] + part.keywords[i + 1 :])
    for i in range(len(part.args)):
        yield ast.Call(part.func, part.args[:i] + part.args[i + 1 :], part.keywords)
    name = last_name(part.func)
    for i, each in enumerate(part.args if name == "range" else ()):
        for new in _moved_index(each):
            yield ast.Call(part.func, [*part.args[:i], new, *part.args[i + 1 :]], [])
    if name in REDUCTIONS:
        yield from (ast.Call(part.func, part.args, each) for each in keywords_more(part.keywords))


def _moved_index(index: ast.expr) -> Iterator[ast.expr]:
    """An index one further, and one less; of k + 1 the 1 is changed instead."""
    if not (isinstance(index, ast.BinOp) and isinstance(index.right, ast.Constant)):
        yield from (expression(each, X=index) for each in ("X + 1", "X - 1"))


def _other_indices(scope: Names) -> Iterator[ast.expr]:
    """The indices of other lists, and those beside them."""
    for each in scope.indices:
        yield each
        if isinstance(each, ast.Name):
            yield from _moved_index(each)


def _subscripts(part: ast.Subscript, *_: object) -> Iterator[ast.expr]:
    """A list or an array instead of its entry, or another entry; the sum of a batch for one."""
    yield part.value
    match part.value:
        case ast.Subscript(value=rows, slice=row):  # of a matrix of lists that is transposed
            turned = ast.Subscript(rows, part.slice, ast.Load())
            yield ast.Subscript(turned, row, ast.Load())
    if isinstance(part.slice, ast.Constant):  # one entry of a batch for all
        yield from (expression(each, X=part.value) for each in ("X.sum(0)", "X.mean(0)"))
    if not isinstance(part.slice, ast.Slice | ast.Tuple | ast.Constant):
        for new in (*_moved_index(part.slice), _turned(part.slice)):
            yield ast.Subscript(part.value, new, ast.Load())


def _slices(part: ast.Slice, *_: object) -> Iterator[ast.expr]:
    """A slice without one of its ends, or with each one further or less, and the rest of a list."""
    yield from _other_end(part)
    for end in filter(None, (part.lower, part.upper)):
        new = end.operand if isinstance(end, ast.UnaryOp) else end
        yield from (ast.Slice(None, new, part.step), ast.Slice(new, None, part.step))
    for name, first in (("lower", 1), ("upper", -1), ("step", -1)):
        held: dict[str, Any] = {each: getattr(part, each) for each in part._fields}
        end = held[name]
        others = [number(first)] if end is None else [None, *_moved_index(end), _turned(end)]
        yield from (ast.Slice(**{**held, name: each}) for each in others)


def _turned(part: ast.expr) -> ast.expr:
    return expression("-X", X=part)


def _other_end(part: ast.Slice) -> Iterator[ast.expr]:
    """The slice of the same length at the other end: a[:-1] for a[1:], a[:0:-1] for a[-2::-1]."""
    match part:
        case ast.Slice(lower=ast.expr() as lower, upper=None, step=None):
            yield ast.Slice(None, _turned(lower))
        case ast.Slice(lower=ast.UnaryOp(op=ast.USub()), upper=None, step=ast.UnaryOp() as step):
            yield ast.Slice(None, ast.Constant(0), step)
        case ast.Slice(lower=None, upper=ast.Constant(value=0), step=ast.UnaryOp() as step):
            yield ast.Slice(number(-2), None, step)


OTHERS: dict[type[ast.expr], Callable[[Any, Slot, Names], Iterator[ast.expr]]] = {
    ast.Constant: _constants,
    ast.Name: _names,
    ast.Attribute: _attributes,
    ast.BinOp: operations,
    ast.Call: _calls,
    ast.Subscript: _subscripts,
    ast.Slice: _slices,
}
