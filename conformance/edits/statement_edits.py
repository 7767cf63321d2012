"""What may stand in the place of a statement: += for =, a line left out, or one block further.

Or one that lacks: at the end of a loop, to keep what the next round needs, or to subtract 1.
"""

import ast
from collections.abc import Collection, Iterator
from copy import copy
from itertools import chain, combinations, product

from conformance.edits.edit import Edit, EditKind, is_count, located
from conformance.edits.source_parts import rounds
from conformance.programs.execution import names_in

Place = ast.Name | ast.Attribute | ast.Subscript

BLOCKS = ast.For | ast.While | ast.If | ast.With


def statements(tree: ast.AST, lines: Collection[int], numpy: str) -> Iterator[Edit]:
    """The changes of single statements of a function that begin on some lines.

    Args:
        tree: of the function.
        lines: of the statements.
        numpy: the name by which its file knows NumPy; empty if it has none.
    """
    counted = rounds(tree)
    chosen = [*_chosen(tree, counted)]
    for parent in ast.walk(tree):
        for field in ("body", "orelse"):
            block = getattr(parent, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield from _of_block(block, lines, numpy, counted)
                yield from _less_one(block, lines, chosen)
        if isinstance(parent, ast.For | ast.While):
            yield from _carried(tree, parent, lines)


def _carried(tree: ast.AST, loop: ast.For | ast.While, lines: Collection[int]) -> Iterator[Edit]:
    """The changes that give a name, at the end of a loop, a value that the loop computes.

    Of what some lines read there that was made before the loop, and is the same in each round.
    """
    made = (e for e in ast.walk(tree) if isinstance(e, ast.Assign) and e.lineno < loop.lineno)
    before = {e.id for one in made if not is_count(one.value) for e in _stored_names(one)}
    stored = dict.fromkeys(e.id for each in loop.body for e in _stored_names(each))
    inside = chain.from_iterable(map(ast.walk, loop.body))
    read = (e for e in inside if isinstance(e, ast.Name) and e.lineno in lines)
    kept = dict.fromkeys(e.id for e in read if e.id in before - {*stored})
    for name, value in product(kept, reversed([*stored])):
        new = ast.Assign([ast.Name(name, ast.Store())], ast.Name(value, ast.Load()))
        lists = ((loop.body, [*loop.body, located(new, loop.body[-1])]),)
        yield Edit((loop.body[-1].end_lineno or 0) + 1, EditKind.ADDED, lists=lists)


def _chosen(tree: ast.AST, counted: Collection[str]) -> Iterator[ast.expr]:
    """The indices of single entries that something is read by, such as those of the targets."""
    read = (e for e in ast.walk(tree) if isinstance(e, ast.Subscript))
    indices = {ast.dump(e.slice): e.slice for e in read if isinstance(e.ctx, ast.Load)}
    for each in indices.values():
        parts = [*ast.walk(each)]
        keys = (e for e in parts if isinstance(e, ast.Constant) and isinstance(e.value, str))
        single = not any(isinstance(e, ast.Slice) for e in parts)
        if single and names_in(each, ast.Load) - {*counted} and next(keys, None) is None:
            yield each


def _less_one(
    block: list[ast.stmt], lines: Collection[int], chosen: Collection[ast.expr]
) -> Iterator[Edit]:
    """The changes that subtract 1 from entries of what a line gives a name, as ∂(−z_y)/∂z does."""
    for i, each in enumerate(block[1:], 1):
        match block[i - 1]:
            case ast.Assign(targets=[ast.Name(name)], lineno=line) if line in lines:
                for index in chosen:
                    entries = ast.Subscript(ast.Name(name, ast.Load()), index, ast.Store())
                    new = located(ast.AugAssign(entries, ast.Sub(), ast.Constant(1)), each)
                    changed = [*block[:i], new, *block[i:]]
                    yield Edit(each.lineno, EditKind.ABOVE, lists=((block, changed),))


def _stored_names(node: ast.AST) -> Iterator[ast.Name]:
    """The names that get a value within a part of a program."""
    return (e for e in ast.walk(node) if isinstance(e, ast.Name) and isinstance(e.ctx, ast.Store))


def _of_block(
    block: list[ast.stmt], lines: Collection[int], numpy: str, counted: Collection[str]
) -> Iterator[Edit]:
    for i, each in enumerate(block):
        if each.lineno in lines:
            summed = () if _is_of_counts(each, counted) else _assigned(each)
            for new in (*summed, *_repeated(each, numpy)):
                changed = [*block[:i], located(new, each), *block[i + 1 :]]
                yield Edit(each.lineno, lists=((block, changed),))
            without = [*block[:i], *block[i + 1 :]]
            if without and not isinstance(each, ast.Return):
                yield Edit(each.lineno, EditKind.REMOVED, lists=((block, without),))
            for at, kind in ((i, EditKind.EXCHANGED), (i - 1, EditKind.BEFORE)):
                if 0 <= at < len(block) - 1:
                    turned = [*block[:at], block[at + 1], block[at], *block[at + 2 :]]
                    yield Edit(each.lineno, kind, lists=((block, turned),))
            if i and isinstance(before := block[i - 1], BLOCKS):
                inner = before.body
                moved = (block, without), (inner, [*inner, each])
                yield Edit(each.lineno, EditKind.MOVED_IN, lists=moved)
        if isinstance(each, BLOCKS):
            yield from _moved_out(block, i, each.body, lines)


def _moved_out(
    block: list[ast.stmt], i: int, inner: list[ast.stmt], lines: Collection[int]
) -> Iterator[Edit]:
    for k in range(1, len(inner)):
        if inner[k].lineno in lines:
            outer = [*block[: i + 1], *inner[k:], *block[i + 1 :]]
            yield Edit(
                inner[k].lineno, EditKind.MOVED_OUT, lists=((inner, inner[:k]), (block, outer))
            )


def _is_of_counts(statement: ast.stmt, counted: Collection[str]) -> bool:
    """Whether a statement assigns what is made of the counts of loops alone: it is no term."""
    read = names_in(statement.value, ast.Load) if isinstance(statement, ast.Assign) else set()
    return bool(read) and read.issubset(counted)


def _assigned(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The same assignment that adds, takes away, or puts its value in another's place.

    In place, or not: another name may stand for the same array. What a call gives may be kept.
    """
    match statement:
        case ast.AugAssign(target=target, op=operator, value=value):
            for kind in (ast.Add, ast.Sub):
                if not isinstance(operator, kind):
                    yield ast.AugAssign(target, kind(), value)
            yield ast.Assign([target], value)
            yield ast.Assign([target], ast.BinOp(_in(target, ast.Load()), operator, value))
        case ast.Assign(targets=[ast.Name() | ast.Attribute() | ast.Subscript() as target]):
            added = (ast.AugAssign(target, e(), statement.value) for e in (ast.Add, ast.Sub))
            yield from [*_in_place(target, statement.value)] or added
        case ast.Assign(targets=[ast.Tuple(elts=elts) as target]):
            for i, k in combinations(range(len(elts)), 2):
                turned = [*elts]
                turned[i], turned[k] = elts[k], elts[i]
                yield ast.Assign([ast.Tuple(turned, target.ctx)], statement.value)
        case ast.Expr(value=ast.Call(args=args)):
            places = (e for e in args if isinstance(e, ast.Name | ast.Attribute | ast.Subscript))
            yield from (ast.Assign([_in(e, ast.Store())], statement.value) for e in places)


def _repeated(statement: ast.stmt, numpy: str) -> Iterator[ast.stmt]:
    """What adds to entries as often as they are named, where += does so once."""
    names = {ast.Add: "add", ast.Sub: "subtract"}
    match statement:
        case ast.AugAssign(target=ast.Subscript() as target, op=operator, value=value):
            name = names.get(type(operator))
        case ast.Assign(targets=[ast.Subscript() as target], value=value):
            name = "add"
        case _:
            return
    if name and numpy:
        ufunc = ast.Attribute(ast.Name(numpy, ast.Load()), name, ast.Load())
        at = ast.Attribute(ufunc, "at", ast.Load())
        yield ast.Expr(ast.Call(at, [target.value, target.slice, value], []))


def _in_place(target: Place, value: ast.expr) -> Iterator[ast.stmt]:
    held = ast.dump(_in(target, ast.Load()))
    if isinstance(value, ast.BinOp) and ast.dump(value.left) == held:
        yield ast.AugAssign(target, value.op, value.right)
    elif isinstance(target, ast.Name) and target.id in names_in(value, ast.Load):
        whole = ast.Subscript(_in(target, ast.Load()), ast.Constant(...), ast.Store())
        yield ast.Assign([whole], value)


def _in(place: Place, context: ast.expr_context) -> Place:
    """A variable, an attribute or an entry, to be read or to be given a value."""
    held = copy(place)
    held.ctx = context
    return held
