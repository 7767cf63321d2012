"""What the source of a program chooses between 1 and a quotient of a norm.

It is to make large gradients smaller. Left out: the gradients (`clipping.py`).
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from conformance.backward.findings import Line
from conformance.backward.syntax import function_around, tree
from conformance.edits.source_parts import last_name
from conformance.programs.execution import names_in

PAIR = ("one", "other")
SUMS = ("sum", "fsum", "dot", "vdot", "inner")
LARGER, SMALLER = ("max", "maximum", "fmax"), ("min", "minimum", "fmin")


class Bound(NamedTuple):
    """A choice between 1 and a quotient of a norm.

    Attributes:
        written: in the source.
        wrong: whether no large gradient gets smaller by it.
        lines: of the norm, and of it.
        names: of what it is assigned to, and of what is assigned that reads these.
        idle: whether nothing reads them.
        squares: what a number is divided by, if that is no norm, but a sum of squares: both names.
    """

    written: ast.expr
    wrong: bool
    lines: Collection[int]
    names: Collection[str]
    idle: bool
    squares: tuple[str, ...] = ()


def bounds_in(around: ast.AST, file: str) -> Iterator[Bound]:
    """The choices between 1 and a quotient of a norm in a function, or a module beside these."""
    parents = {part: each for each in ast.walk(around) for part in ast.iter_child_nodes(each)}
    assigned = sorted((e for e in parents if isinstance(e, ast.Assign)), key=lambda e: e.lineno)
    sums = {name for e in assigned if _calls(e.value, SUMS) for name in names_in(e, ast.Store)}
    sums |= {
        name for e in parents if isinstance(e, ast.AugAssign) for name in names_in(e, ast.Store)
    }
    sized = [each for each in assigned if _is_size(each.value, sums)]
    sizes = {name: each.lineno for each in sized for name in names_in(each, ast.Store)}
    squares = _squares(around)
    for each in parents:
        choice = _choice(each, parents)
        if (
            choice is None
            or (function_around(Line(file, choice[0].lineno)) or tree(file)) is not around
        ):
            continue
        written, larger, *quotient = choice
        of_size = [_is_size(e, sums) or bool(names_in(e, ast.Load) & {*sizes}) for e in quotient]
        parent = parents[written]
        kept = names_in(parent, ast.Store) if isinstance(parent, ast.Assign) else set[str]()
        named: list[ast.AST] = [e for e in parents if isinstance(e, ast.Name) and e.id in kept]
        loaded = (e for e in named if isinstance(e, ast.Name) and isinstance(e.ctx, ast.Load))
        every = {_multiplies(use, parents) for use in (*loaded,) or (written,)}
        below = [e for e in names_in(quotient[1], ast.Load) if e in squares]
        if below and every == {True} and not larger and not any(of_size):
            yield Bound(
                written, True, (squares[below[0]],), (), False, (ast.unparse(quotient[0]), below[0])
            )
        by = {up for up in every if up is not None}
        makes_smaller = larger == of_size[0] and by == {not larger}
        if sum(of_size) == 1:
            lines = {sizes.get(name, written.lineno) for name in names_in(written, ast.Load)}
            idle = bool(kept) and kept.isdisjoint(names_in(around, ast.Load))
            for one in assigned:
                if not kept.isdisjoint(names_in(one.value, ast.Load)):
                    kept |= names_in(one, ast.Store)
            yield Bound(written, len(by) == 1 and not makes_smaller, lines, kept, idle)


def _squares(around: ast.AST) -> dict[str, int]:
    """The names of sums of squares that nothing else is assigned to, and the last line of each."""
    made = dict[str, list[ast.Assign | ast.AugAssign]]()
    for each in ast.walk(around):
        if isinstance(each, ast.Assign | ast.AugAssign):
            for name in names_in(each, ast.Store):
                made.setdefault(name, []).append(each)
    summed = {
        name: [e for e in of if not isinstance(e.value, ast.Constant)] for name, of in made.items()
    }
    return {
        name: max(e.lineno for e in of)
        for name, of in summed.items()
        if of and all(map(_adds_squares, of))
    }


def _adds_squares(made: ast.Assign | ast.AugAssign) -> bool:
    """Whether a statement sums squares, or adds them to a sum, and takes no root."""
    adds = isinstance(made, ast.AugAssign) and isinstance(made.op, ast.Add)
    parts = [e for e in ast.walk(made.value) if isinstance(e, ast.BinOp)]
    powers = {ast.unparse(e.right) for e in parts if isinstance(e.op, ast.Pow)}
    twice = any(isinstance(e.op, ast.Mult) and ast.dump(e.left) == ast.dump(e.right) for e in parts)
    divides = any(isinstance(e.op, ast.Div) for e in parts)
    squared = powers == {"2"} or (not powers and (twice or _calls(made.value, ("square",))))
    summed = adds or (isinstance(made, ast.Assign) and _calls(made.value, SUMS))
    return squared and summed and not divides and not _calls(made.value, ("sqrt", "norm"))


def _is_size(written: ast.AST, sums: Collection[str]) -> bool:
    """Whether an expression has a norm in it, or the root of a sum."""
    roots = [e for e in ast.walk(written) if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Pow)]
    rooted = any(ast.unparse(each.right) == "0.5" for each in roots) or _calls(written, ("sqrt",))
    of_sum = _calls(written, SUMS) or not names_in(written, ast.Load).isdisjoint(sums)
    return _calls(written, ("norm",)) or (rooted and of_sum)


def _calls(written: ast.AST, names: Collection[str]) -> bool:
    """Whether one of some functions or methods is called within an expression."""
    calls = (each.func for each in ast.walk(written) if isinstance(each, ast.Call))
    return any(last_name(each) in names for each in calls)


def _choice(
    part: ast.AST, parents: Mapping[ast.AST, ast.AST]
) -> tuple[ast.expr, bool, ast.expr, ast.expr] | None:
    """What is chosen between 1 and a quotient, whether by the larger of them, and its two parts.

    None if a part of the source is no such quotient: an operand of max or min beside 1, what is
    taken if the one of its own parts is more than the other, or one divided by the larger of both.
    """
    if not (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div)):
        return None
    if isinstance(part.right, ast.Call) and len(part.right.args) == len(PAIR):
        others = [e for e in part.right.args if ast.dump(e) != ast.dump(part.left)]
        if len(others) == 1 and (name := last_name(part.right.func)) in (*LARGER, *SMALLER):
            return part, name in SMALLER, part.left, others[0]
    parent: ast.AST | None = parents[part]
    match parent:
        case ast.Call(func, [_, _] as args) if any(map(_is_1, args)):
            name = last_name(func)
            found = parent, name in LARGER, part.left, part.right
            return found if name in (*LARGER, *SMALLER) else None
        case ast.IfExp(body=body, orelse=other) if body is part and _is_1(other):
            written: ast.expr = parent
        case _:
            written = part
            while parent is not None and not isinstance(parent, ast.If):
                parent = parents.get(parent)
    match parent:
        case ast.IfExp(ast.Compare(left, [op], [right])) | ast.If(ast.Compare(left, [op], [right])):
            sides = [ast.dump(e) for e in (left, right)]
            for above in (part.left, *_factors(part.left)):
                quotient = [ast.dump(e) for e in (above, part.right)]
                if quotient in (sides, sides[::-1]):
                    larger = (sides == quotient) != isinstance(op, ast.Lt | ast.LtE)
                    return written, larger, above, part.right
    return None


def _factors(written: ast.AST) -> list[ast.expr]:
    """The two of a product; none of what else is written."""
    if isinstance(written, ast.BinOp) and isinstance(written.op, ast.Mult):
        return [written.left, written.right]
    return []


def _is_1(written: ast.AST) -> bool:
    return isinstance(written, ast.Constant) and written.value == 1


def _multiplies(use: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool | None:
    """Whether something is multiplied by what is used, or divided by it; None if neither."""
    parent, up = parents.get(use), True
    found = isinstance(use, ast.BinOp) and bool(_factors(use.left))
    while isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div):
        up, found = up != (isinstance(parent.op, ast.Div) and parent.right is use), True
        use, parent = parent, parents.get(parent)
    match parent:
        case ast.AugAssign(op=ast.Mult() | ast.Div()):
            return up != isinstance(parent.op, ast.Div)
        case ast.keyword("alpha"):  # by which PyTorch multiplies what it adds
            return up
    return up if found else None
