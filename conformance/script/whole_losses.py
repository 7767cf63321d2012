"""The loss of all data that a program computes now and then, as that of a batch.

`if epoch % 10 == 0: print(cost(X, Y, theta))` tells the loss of each update before, once the
batch stands in it for all the data: `cost(X[rows], Y[rows], theta)`. Left out: when it is asked
for (`losses_in_source.py`).
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import NamedTuple

from conformance.backward.loss_names import names_a_loss
from conformance.backward.syntax import Loop, base
from conformance.edits.source_parts import last_name
from conformance.programs.execution import assigned_pairs, names_in


class Batch(NamedTuple):
    """A loop over batches.

    Attributes:
        loop: it.
        at: how many of its statements come before what is called a batch is one.
        parts: by the name of data, what is a part of it.
    """

    loop: Loop
    at: int
    parts: Mapping[str, ast.expr]


class LossOfBatch(NamedTuple):
    """A loss that a loop is to ask for.

    Attributes:
        loop: it.
        at: after how many of its statements.
        loss: that of a batch.
        whole: that of all data.
    """

    loop: Loop
    at: int
    loss: ast.expr
    whole: ast.expr


def of_batches(
    scope: ast.Module | ast.FunctionDef, known: Collection[str]
) -> Iterator[LossOfBatch]:
    """The losses that the loops of a program or a function are to ask for.

    Args:
        scope: the whole.
        known: the names of losses that are asked for anyway.
    """
    reached = [*_reached(scope.body, ())]
    loops = [each for each, _ in reached if isinstance(each, Loop)]
    batches = _batches(loops)
    for statement, former in reached if batches else ():
        for value in _losses(statement):
            for batch in batches:  # the innermost is first
                whole = _with_former(value, [*_since(batch.loop, statement, former)])
                parts = {} if whole is None else _to_put(whole, batch, known)
                if whole is not None and parts:
                    yield LossOfBatch(batch.loop, batch.at, _of_parts(whole, parts), whole)
                    break


def _to_put(whole: ast.expr, batch: Batch, known: Collection[str]) -> dict[str, ast.expr]:
    """What is to be put for all data in a loss; nothing if it is of a batch, or known."""
    names = _read(whole)
    parts = {name: batch.parts[name] for name in sorted(names & batch.parts.keys())}
    inside = {ast.unparse(each) for each in ast.walk(whole) if isinstance(each, ast.expr)}
    own = inside.isdisjoint(map(ast.unparse, parts.values())) and names.isdisjoint(known)
    return parts if own else {}


def _reached(
    body: Sequence[ast.stmt], former: tuple[ast.stmt, ...]
) -> Iterator[tuple[ast.stmt, tuple[ast.stmt, ...]]]:
    """All statements of a body, each with those before it, but those of what it defines."""
    for each in body:
        yield each, former
        if not isinstance(each, ast.FunctionDef | ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                yield from _reached(getattr(each, name, []), former)
        former = (*former, each)


def _changed(statement: ast.stmt) -> Iterator[str]:
    """What a statement stores parts of."""
    for each in ast.walk(statement):
        if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store):
            yield base(ast.unparse(each))


def _batches(loops: Sequence[Loop]) -> list[Batch]:
    """Those loops that are of batches, from within."""
    made: list[Batch] = []
    for loop in loops:
        found = _batch(loop)
        around = [e for e in made if any(loop is part for part in ast.walk(e.loop))]
        parts = dict(found.parts)
        for each in reversed(around):  # what is shuffled before it is cut
            named = {n: e.id for n, e in each.parts.items() if isinstance(e, ast.Name)}
            parts |= {n: parts[e] for n, e in named.items() if e in parts and n not in parts}
        if parts:
            made.append(found._replace(parts=parts))
    return made[::-1]


def _batch(loop: Loop) -> Batch:
    parts = _inline(loop)
    for each in loop.body:
        parts |= _assigned(each)
    if isinstance(loop, ast.For):
        parts |= _of_target(loop)
    changed = {*_changed(loop)}
    parts = {name: each for name, each in parts.items() if name not in changed}
    needed = {name for each in parts.values() for name in _read(each)} - parts.keys()
    places = {
        name: at
        for at, each in [*enumerate(loop.body, 1)][::-1]
        for name in names_in(each, ast.Store)
    }
    return Batch(loop, max((places.get(name, 0) for name in needed), default=0), parts)


def _inline(loop: Loop) -> dict[str, ast.expr]:
    """The parts of `X[rows]` that have no name, if these are the only ones of `X`."""
    made = names_in(loop, ast.Store)
    found = dict[str, dict[str, ast.expr]]()
    for each in (e for part in loop.body for e in ast.walk(part)):
        if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Name):
            found.setdefault(each.value.id, {})[ast.unparse(each)] = each
    single = {name: (*e.values(),)[0] for name, e in found.items() if len(e) == 1}
    return {n: e for n, e in single.items() if n not in made and len(_read(e)) > 1}


def _of_target(loop: ast.For) -> dict[str, ast.expr]:
    """The parts of `for x, y in batches(X, Y, 20)`."""
    target, source = loop.target, loop.iter
    if not (isinstance(target, ast.Tuple) and isinstance(source, ast.Call)):
        return {}
    of = source.args[: len(target.elts)]
    if len(of) < len(target.elts) or not all(isinstance(e, ast.Name) for e in of):
        return {}
    return {ast.unparse(whole): part for whole, part in zip(of, target.elts, strict=True)}


def _assigned(statement: ast.stmt) -> dict[str, ast.expr]:
    """Those of `x, y = X[rows], Y[rows]`."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return {}
    return {
        of.value.id: part
        for part, of in assigned_pairs(statement.targets[0], statement.value)
        if isinstance(part, ast.Name) and isinstance(of, ast.Subscript)
        if isinstance(of.value, ast.Name) and of.value.id != part.id and _read(of.slice)
    }


def _losses(statement: ast.stmt) -> Iterator[ast.expr]:
    """What a simple statement computes by the name of a loss, not what is within such."""
    if not isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr | ast.Return):
        return
    if any(isinstance(each, ast.Yield | ast.Await) for each in ast.walk(statement)):
        return
    if isinstance(statement, ast.Assign):
        (target, *others), value = statement.targets, statement.value
        if not others and isinstance(target, ast.Name) and names_a_loss(target.id):
            yield value
            return
    yield from _called(statement)


def _called(part: ast.AST) -> Iterator[ast.expr]:
    if isinstance(part, ast.Call) and names_a_loss(last_name(part.func)):
        yield part
        return
    for each in ast.iter_child_nodes(part):
        yield from _called(each)


def _since(loop: Loop, statement: ast.stmt, former: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements before one, the last first, back to a loop, or to its first."""
    within = {id(part) for part in ast.walk(loop)}
    for each in reversed(former):
        outside = id(statement) in within and id(each) not in within
        if outside or any(part is loop for part in ast.walk(each)):
            return
        yield each


def _with_former(value: ast.expr, former: Iterable[ast.stmt]) -> ast.expr | None:
    """A value with the variables that are assigned before it computed anew.

    None if they are not only assigned.

    Args:
        value: it.
        former: what is done before, the last first.
    """
    for each in former:
        names = names_in(each, ast.Store) & _read(value)
        if not names:
            continue
        if not isinstance(each, ast.Assign) or len(each.targets) != 1:
            return None
        (target,) = each.targets
        several = isinstance(target, ast.Tuple)
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        if not all(isinstance(e, ast.Name) for e in targets):
            return None
        taken = [ast.arg(e.id) for e in targets if isinstance(e, ast.Name)]
        given: ast.expr = ast.Starred(each.value, ast.Load()) if several else each.value
        function = ast.Lambda(ast.arguments([], taken, None, [], [], None, []), value)
        value = ast.copy_location(ast.Call(function, [given], []), value)
    return value


def _of_parts(whole: ast.expr, parts: Mapping[str, ast.expr]) -> ast.expr:
    """A value of parts of the data, if these have as many axes as all data."""
    value = _Parts(parts).visit(deepcopy(whole))
    axes = [
        ast.Compare(_axes(part), [ast.Eq()], [_axes(ast.Name(name, ast.Load()))])
        for name, part in parts.items()
    ]
    test = ast.BoolOp(ast.And(), [*axes]) if len(axes) > 1 else axes[0]
    return ast.copy_location(ast.IfExp(test, value, ast.Constant(None)), whole)


def _axes(part: ast.expr) -> ast.expr:
    return ast.Attribute(_loaded(part), "ndim", ast.Load())


def _loaded(part: ast.expr) -> ast.expr:
    return ast.Name(part.id, ast.Load()) if isinstance(part, ast.Name) else deepcopy(part)


class _Parts(ast.NodeTransformer):
    """Puts parts for data."""

    def __init__(self, parts: Mapping[str, ast.expr]) -> None:
        self.parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name, or what is put for it."""
        part = self.parts.get(node.id)
        return node if part is None else ast.copy_location(_loaded(part), node)


def _read(part: ast.AST) -> set[str]:
    """The names of variables in a part that it does not define itself."""
    names = {e.id for e in ast.walk(part) if isinstance(e, ast.Name)}
    return names - {e.arg for e in ast.walk(part) if isinstance(e, ast.arg)}
