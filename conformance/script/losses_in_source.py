"""Where a program is made to ask for the loss that it defines, by its source.

`loss(w, X, y)` is often called once in a hundred updates, and `gradient(w, X, y)` in each. Where a
function takes all that the one loss of its file takes, under the same names, or has it in variables
of its own, as the output p of `loss(y, p)`, it is made to ask for that loss once it has all. Left
out: the loss of all data (`whole_losses.py`), and to compute one (`asked_losses.py`).
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import deepcopy
from functools import lru_cache

from conformance.backward.loss_names import DERIVATIVE, names_a_loss
from conformance.backward.syntax import stored
from conformance.programs.vocabulary import kinds_of
from conformance.script.asked_losses import ASKED, ASKED_OF_PART
from conformance.script.whole_losses import LossOfBatch, of_batches

SETTINGS = frozenset(("rate", "penalty", "count", "batchsize", "quiet", "seed"))
"""Kinds of arguments that are no data."""

Pair = tuple[ast.FunctionDef, ast.FunctionDef, dict[str, str]]
"""A function, the loss that fits it, and what that is given of its variables."""


def with_losses(module: ast.Module) -> ast.Module:
    """A program that computes its loss at each update.

    Its functions and methods ask for the loss of what they are given, and its loops for what they
    compute of it in some rounds only, as in `if epoch % 100 == 99: print(loss(w, X, y))`, or for
    that of what they assign.

    Args:
        module: it, which is changed.
    """
    classes = [each for each in module.body if isinstance(each, ast.ClassDef)]
    wholes: list[ast.Module | ast.ClassDef] = [module, *classes]
    known = set[str]()
    for whole in wholes:
        for function, loss, names in _pairs(whole.body):
            known.add(loss.name)
            given = [ast.keyword(e, ast.Name(own, ast.Load())) for e, own in names.items()]
            name: ast.expr = ast.Name(loss.name, ast.Load())
            if whole is not module:
                name = ast.Attribute(given.pop(0).value, loss.name, ast.Load())
            asking = _asking(name, given, function.body[0])
            place = max(_assigned(function).get(own, 0) for own in names.values())
            function.body.insert(place or bool(ast.get_docstring(function)), asking)
    for kind, derivative, value in costs_in(module):
        of, own = (kind if derivative.decorator_list else "self"), taken_by(value)
        given = [ast.keyword(e, ast.Name(e, ast.Load())) for e in own if e != "self"]
        cost = ast.Attribute(ast.Name(of, ast.Load()), value.name, ast.Load())
        derivative.body.insert(
            bool(ast.get_docstring(derivative)), _asking(cost, given, derivative.body[0])
        )
    losses = _losses(functions_of(module.body))
    scopes: list[ast.Module | ast.FunctionDef] = [module]
    scopes += [each for each in ast.walk(module) if isinstance(each, ast.FunctionDef)]
    ask_in_loops(each for scope in scopes for each in of_batches(scope, known))
    for loop in [each for each in ast.walk(module) if isinstance(each, ast.For | ast.While)]:
        for at, loss in _of_own_names(loop, losses):
            given = [ast.keyword(e, ast.Name(e, ast.Load())) for e in _needed(loss)]
            loop.body.insert(at, _asking(ast.Name(loss.name, ast.Load()), given, loop.body[at]))
        for at, each in reversed([*enumerate(loop.body)]):
            loop.body[at:at] = [_asking(_lambda(e), [], e) for e in _in_some_rounds(each, known)]
    return module


def _of_cost(kind: ast.ClassDef) -> Iterator[tuple[ast.FunctionDef, ast.FunctionDef]]:
    """The derivative in a class by the name of a loss, and the value, if it has one of each.

    The derivative takes all that the value does, and may take more: `fn(a, y)`, `delta(z, a, y)`.
    """
    functions = [e for e in kind.body if isinstance(e, ast.FunctionDef) and "__" not in e.name]
    derived = [each for each in functions if DERIVATIVE.search(each.name)]
    values = [each for each in functions if each not in derived]
    if not (names_a_loss(kind.name) and len(derived) == len(values) == 1):
        return
    decorated = [ast.unparse(e) for f in functions for e in f.decorator_list]
    static = ["staticmethod"] * len(functions)
    if decorated not in ([], static) or not {*taken_by(values[0])} <= {*taken_by(derived[0])}:
        return
    if len({*taken_by(values[0])} - {"self"}) == len(static):
        yield derived[0], values[0]


@lru_cache(maxsize=64)
def costs_in(module: ast.Module) -> tuple[tuple[str, ast.FunctionDef, ast.FunctionDef], ...]:
    """Those of a module by the names of their classes, found once for all its runs."""
    classes = [each for each in module.body if isinstance(each, ast.ClassDef)]
    return tuple((each.name, *pair) for each in classes for pair in _of_cost(each))


def _of_own_names(
    loop: ast.For | ast.While, losses: Sequence[ast.FunctionDef]
) -> Iterator[tuple[int, ast.FunctionDef]]:
    """The loss that takes what a loop assigns, under the same names, and before which statement.

    Nothing if the loop calls it, or if there are several.
    """
    called = {each.id for each in ast.walk(loop) if isinstance(each, ast.Name)}
    known = stored(loop.target) if isinstance(loop, ast.For) else set[str]()
    for at, each in enumerate(loop.body):
        fitting = [e for e in losses if known.issuperset(_needed(e))]
        if fitting:
            yield from ((at, e) for e in fitting[:1] if len(fitting) == 1 and e.name not in called)
            return
        known |= stored(each) if isinstance(each, ast.Assign) else set()


def _in_some_rounds(statement: ast.stmt, known: Collection[str]) -> list[ast.expr]:
    """The losses that a statement of a loop computes in some rounds, as a counter tells.

    Args:
        statement: it.
        known: the names of those that are asked for anyway.
    """
    if not isinstance(statement, ast.If) or not any(
        isinstance(each, ast.Mod) for each in ast.walk(statement.test)
    ):
        return []
    found: list[ast.expr] = []
    parts = [e for each in statement.body for e in ast.walk(each)]  # what is within comes last
    stored = {e.id for e in parts if isinstance(e, ast.Name) and isinstance(e.ctx, ast.Store)}
    for part in parts:
        if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
            name, value = part.targets[0].id, part.value
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            name, value = part.func.id, part
        else:
            continue
        inside = {e.id for e in ast.walk(value) if isinstance(e, ast.Name)}
        within = any(value is inner for each in found for inner in ast.walk(each))
        told = inside - {name} and inside.isdisjoint({*known, *stored})
        if names_a_loss(name) and told and not within:
            found.append(value)
    return found


def _asking(loss: ast.expr, given: list[ast.keyword], at: ast.AST) -> ast.stmt:
    """A statement that asks for what is a loss, or gives it."""
    call = ast.Expr(ast.Call(ast.Name(ASKED, ast.Load()), [_lambda(loss)], given))
    return _located(call, at)


def _located(call: ast.stmt, at: ast.AST) -> ast.stmt:
    """A statement of which all that has no place is at that of something."""
    for each in ast.walk(call):
        if not hasattr(each, "lineno"):
            ast.copy_location(each, at)
    return call


def _lambda(value: ast.expr) -> ast.expr:
    nothing = ast.arguments([], [], None, [], [], None, [])
    return ast.copy_location(ast.Lambda(nothing, deepcopy(value)), value)


def ask_in_loops(losses: Iterable[LossOfBatch]) -> None:
    """Let loops ask for losses."""
    for loop, at, loss, whole in sorted(losses, key=lambda each: -each.at):
        both = [_lambda(_lambda(each)) for each in (loss, whole)]
        call = ast.Expr(ast.Call(ast.Name(ASKED_OF_PART, ast.Load()), [*both], []))
        loop.body.insert(at, _located(call, loss))


@lru_cache(maxsize=64)
def pairs_in(module: ast.Module) -> tuple[Pair, ...]:
    """Those of a module, found once for all its runs."""
    return tuple(_pairs(module.body))


def _pairs(body: Sequence[ast.stmt]) -> Iterator[Pair]:
    """The functions of a block that one loss fits, with that, and what it is given of theirs."""
    functions = functions_of(body)
    losses = _losses(functions)
    for function in functions:
        inside = [*ast.walk(function)]
        called = {each.id for each in inside if isinstance(each, ast.Name)}
        called |= {each.attr for each in inside if isinstance(each, ast.Attribute)}
        fitting = [(each, given) for each in losses if (given := _given(each, function))]
        fitting = fitting or [(e, given) for e in losses if (given := _held(e, function))]
        if function not in losses and len(fitting) == 1 and fitting[0][0].name not in called:
            yield function, *fitting[0]


def functions_of(body: Sequence[ast.stmt]) -> list[ast.FunctionDef]:
    """The functions of a block that nothing decorates."""
    return [e for e in body if isinstance(e, ast.FunctionDef) and not e.decorator_list]


def _losses(functions: Sequence[ast.FunctionDef]) -> list[ast.FunctionDef]:
    """Those by the name of a loss that need more than one argument."""
    return [e for e in functions if names_a_loss(e.name) and len(_needed(e)) > 1]


def _given(loss: ast.FunctionDef, function: ast.FunctionDef) -> dict[str, str]:
    """What a loss is given of the arguments of a function, by its own; nothing if it does not fit.

    A function that needs other data beside computes something else.
    """
    found = {name: _alike(name, taken_by(function)) for name in _needed(loss)}
    beside = {*_needed(function)} - {*found.values()} - {*taken_by(loss)}
    if "" in found.values() or len({*found.values()}) < len(found):
        return {}
    return found if all(SETTINGS & {*kinds_of(each)} for each in beside) else {}


def _held(loss: ast.FunctionDef, function: ast.FunctionDef) -> dict[str, str]:
    """The same of what a function has in variables, if these are made of all the data it needs."""
    assigned, taken = _assigned(function), taken_by(function)
    needed = _needed(loss)
    if not all(assigned.get(each, 0 if each in taken else -1) >= 0 for each in needed):
        return {}
    before = function.body[: max(assigned.get(each, 0) for each in needed)]
    read = {e.id for each in before for e in ast.walk(each) if isinstance(e, ast.Name)}
    beside = {*_needed(function)} - {*needed} - read
    return {e: e for e in needed} if all(SETTINGS & {*kinds_of(e)} for e in beside) else {}


def _assigned(function: ast.FunctionDef) -> dict[str, int]:
    """After how many statements of a function each of its variables has its only value.

    It is −1 for those that get several, or get one within another statement.
    """
    found = dict[str, int]()
    for at, statement in enumerate(function.body, 1):
        plain = isinstance(statement, ast.Assign | ast.AnnAssign)
        for each in ast.walk(statement):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                found[each.id] = at if plain and each.id not in found else -1
    return found


def _alike(name: str, known: Sequence[str]) -> str:
    """The one of some names that is another one, or has it for a part: `b_current` of `b`."""
    alike = [e for e in known if e == name] or [e for e in known if name in e.split("_")]
    return alike[0] if len(alike) == 1 else ""


def taken_by(function: ast.FunctionDef) -> list[str]:
    """The arguments of a function that may be given by their places."""
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args)]


def _needed(function: ast.FunctionDef) -> list[str]:
    """The arguments without a default."""
    names, optional = taken_by(function), len(function.args.defaults)
    return names[: len(names) - optional]
