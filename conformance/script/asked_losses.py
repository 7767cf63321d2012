"""The loss that a program defines, computed where its gradients are, as the program does not.

`loss(w, X, y)` is often called once in a hundred updates, and `gradient(w, X, y)` in each. Where a
function takes all that the one loss of its file takes, under the same names, or has it in variables
of its own, as the output p of `loss(y, p)`, it is made to ask for that loss once it has all. Left
out: which of the numbers of an update is its loss (`judge_updates.py`).
"""

import ast
import builtins
import inspect
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from copy import copy, deepcopy
from functools import lru_cache, wraps
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from conformance.backward.loss_names import DERIVATIVE, names_a_loss
from conformance.backward.syntax import stored, tree
from conformance.edits.computing import computes
from conformance.edits.live_functions import compiled
from conformance.programs.execution import followed
from conformance.programs.vocabulary import kinds_of
from conformance.script.parameter_names import own_variables
from conformance.script.terms_of_all import is_sum, with_terms_of_all
from conformance.script.whole_losses import LossOfBatch, of_batches

DEPTH = 4
"""How far objects within an object are copied."""

SETTINGS = frozenset(("rate", "penalty", "count", "batchsize", "quiet", "seed"))
"""Kinds of arguments that are no data."""

ASKED = "__conformance_asked__"
"""The name, among the builtins, of what is called with a loss and what it is given."""

ASKED_OF_PART = "__conformance_asked_of_part__"
"""The same of what is called with the loss of a batch, and that of all data."""

_within: ContextVar[bool] = ContextVar("_within", default=False)
"""Whether a loss is being asked for."""

Pair = tuple[ast.FunctionDef, ast.FunctionDef, dict[str, str]]
"""A function, the loss that fits it, and what that is given of its variables."""


def asked(named: Callable[[], Any], **given: Any) -> Any:
    """A loss, if to compute it does nothing else; None if it does not run so.

    What it calls itself, such as a prediction, asks for none.

    Args:
        named: gives the function.
        given: its arguments.
    """
    if _within.get():
        return None
    token = _within.set(True)
    try:
        with suppress(Exception):  # other people's code, of which only what it computes is noted
            loss = named()
            if isinstance(loss, MethodType) and computes(loss, keeps=True):
                return loss.__func__(_copied(loss.__self__), **given)
            if isinstance(loss, FunctionType) and computes(loss):
                return loss(**given)
            if isinstance(loss, FunctionType) and computes(loss, keeps=True):
                with _copies(loss):
                    return loss(**given)
    finally:
        _within.reset(token)
    return None


@contextmanager
def _copies(function: FunctionType) -> Iterator[None]:
    """Let a function have copies of the objects of its module, and of those around it."""
    names, cells = function.__globals__, [*(function.__closure__ or ())]
    held = {name: each for name, each in names.items() if own_variables(each)}
    inside = [(cell, cell.cell_contents) for cell in cells if _is_filled(cell)]
    names.update({name: _copied(each) for name, each in held.items()})
    try:
        for cell, each in inside:
            cell.cell_contents = _copied(each)
        yield
    finally:
        names.update(held)
        for cell, each in inside:
            cell.cell_contents = each


def _is_filled(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def asked_of_part(named: Callable[[], Any], whole: Callable[[], Any]) -> tuple[Any, ...]:
    """The losses that an update with a batch may be by.

    They are that of the batch, and the same with the penalties that are in the loss of all data.

    Args:
        named: gives the function of the loss of the batch.
        whole: of that of all data.
    """
    part = asked(named)
    other = with_terms_of_all(part, asked(whole)) if is_sum(part) else None
    return (part,) if other is None else (part, other)


def _copied(value: Any, depth: int = DEPTH) -> Any:
    """A copy of an object of the program, and of the lists and objects in it; arrays are shared."""
    if not depth or isinstance(value, np.ndarray | np.generic | float):
        return value
    if type(value) in (list, tuple):
        return type(value)(_copied(each, depth - 1) for each in value)
    if type(value) is dict:
        return {key: _copied(each, depth - 1) for key, each in value.items()}
    held = own_variables(value)
    if not held:
        return value
    found = copy(value)
    object.__setattr__(found, "__dict__", _copied(held, depth))  # it may be frozen
    return found


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
    for kind, derivative, value in _costs_in(module):
        of, own = (kind if derivative.decorator_list else "self"), _taken(value)
        given = [ast.keyword(e, ast.Name(e, ast.Load())) for e in own if e != "self"]
        cost = ast.Attribute(ast.Name(of, ast.Load()), value.name, ast.Load())
        derivative.body.insert(
            bool(ast.get_docstring(derivative)), _asking(cost, given, derivative.body[0])
        )
    losses = _losses(_functions(module.body))
    scopes: list[ast.Module | ast.FunctionDef] = [module]
    scopes += [each for each in ast.walk(module) if isinstance(each, ast.FunctionDef)]
    _ask_in_loops(each for scope in scopes for each in of_batches(scope, known))
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
    if decorated not in ([], static) or not {*_taken(values[0])} <= {*_taken(derived[0])}:
        return
    if len({*_taken(values[0])} - {"self"}) == len(static):
        yield derived[0], values[0]


@lru_cache(maxsize=64)
def _costs_in(module: ast.Module) -> tuple[tuple[str, ast.FunctionDef, ast.FunctionDef], ...]:
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


@contextmanager
def asking(names: MutableMapping[str, Any]) -> Iterator[tuple[list[Any], list[Any]]]:
    """Let the functions of a program ask for the loss of what they are given, until the end.

    Gives the list of these losses, which grows, and that of the values of costs whose derivatives
    are taken: they may be of a mean where gradients are sums.

    Args:
        names: its global variables.
    """
    own = {name: each for name, each in names.items() if isinstance(each, FunctionType)}
    kinds = [vars(each).values() for each in names.values() if isinstance(each, type)]
    methods = (each for held in kinds for each in held if isinstance(each, FunctionType))
    inside = [e for e in (*own.values(), *methods) if e.__module__ == names.get("__name__")]
    files = {each.__code__.co_filename for each in inside}
    modules = [*filter(None, map(tree, sorted(files)))]
    pairs = [pair for each in modules for pair in _pairs_in(each)]
    made, costs = list[Any](), list[Any]()
    instead = {
        function.name: _asking_first(own[function.name], own[loss.name], given, made)
        for function, loss, given in pairs
        if {function.name, loss.name} <= own.keys() and {*given.values()} <= {*_taken(function)}
    }
    names.update(instead)
    try:
        with ExitStack() as stack:
            for name, derivative, value in (e for each in modules for e in _costs_in(each)):
                stack.enter_context(_asking_in(names.get(name), derivative, value, costs))
            for file in sorted(files):
                stack.enter_context(_asking_in_loops(file, names, made))
            yield made, costs
    finally:
        names.update({name: own[name] for name in instead if names.get(name) is instead[name]})


@contextmanager
def _asking_in_loops(file: str, names: Mapping[str, Any], made: list[Any]) -> Iterator[None]:
    """Let the loops over batches of functions and methods ask for the losses of these."""
    held = dict[FunctionType, CodeType]()
    for around, name, code in _loops_in(file):
        whole = vars(names[around]) if isinstance(names.get(around), type) else names
        function = whole.get(name) if whole is not names or not around else None
        if isinstance(function, FunctionType) and function.__code__.co_filename == file:
            held[function] = function.__code__
            with suppress(ValueError):  # it has variables of others
                function.__code__ = code
    setattr(builtins, ASKED_OF_PART, lambda *given: made.append(asked_of_part(*given)))
    try:
        yield
    finally:
        setattr(builtins, ASKED_OF_PART, lambda *_: None)
        for function, code in held.items():
            function.__code__ = code


@lru_cache(maxsize=64)
def _loops_in(file: str) -> tuple[tuple[str, str, CodeType], ...]:
    """The functions of a file that go through batches, with the code that asks for their losses.

    Each with the name of its class, if it is a method.
    """
    module = deepcopy(tree(file)) or ast.Module([], [])
    classes = [each for each in module.body if isinstance(each, ast.ClassDef)]
    found: list[tuple[str, str, CodeType]] = []
    blocks = [("", module.body), *((each.name, each.body) for each in classes)]
    for around, function in ((name, each) for name, block in blocks for each in _functions(block)):
        losses = [*of_batches(function, ())]
        if losses:
            _ask_in_loops(losses)
            followed(function)
            found.append((around, function.name, compiled(function, around, file)))
    return tuple(found)


def _ask_in_loops(losses: Iterable[LossOfBatch]) -> None:
    """Let loops ask for losses."""
    for loop, at, loss, whole in sorted(losses, key=lambda each: -each.at):
        both = [_lambda(_lambda(each)) for each in (loss, whole)]
        call = ast.Expr(ast.Call(ast.Name(ASKED_OF_PART, ast.Load()), [*both], []))
        loop.body.insert(at, _located(call, loss))


@contextmanager
def _asking_in(
    kind: Any, derivative: ast.FunctionDef, value: ast.FunctionDef, made: list[Any]
) -> Iterator[None]:
    """Let the derivative in a class ask for the value, to the end of the block."""
    held = getattr(kind, "__dict__", {}).get(derivative.name)
    function, loss = (getattr(kind, each.name, None) for each in (derivative, value))
    if not (held and isinstance(function, FunctionType) and isinstance(loss, FunctionType)):
        yield
        return
    call = _asking_first(function, loss, {e: e for e in _taken(value)}, made)
    setattr(kind, derivative.name, staticmethod(call) if isinstance(held, staticmethod) else call)
    try:
        yield
    finally:
        setattr(kind, derivative.name, held)


def _asking_first(
    function: FunctionType, loss: FunctionType, names: Mapping[str, str], made: list[Any]
) -> Any:
    arguments = inspect.signature(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with suppress(TypeError):  # what is missing, the function says itself
            given = arguments.bind(*args, **kwargs).arguments
            own = {name: given[each] for name, each in names.items() if each in given}
            made.append(asked(lambda: loss, **own))
        return function(*args, **kwargs)

    return call


@lru_cache(maxsize=64)
def _pairs_in(module: ast.Module) -> tuple[Pair, ...]:
    """Those of a module, found once for all its runs."""
    return tuple(_pairs(module.body))


def _pairs(body: Sequence[ast.stmt]) -> Iterator[Pair]:
    """The functions of a block that one loss fits, with that, and what it is given of theirs."""
    functions = _functions(body)
    losses = _losses(functions)
    for function in functions:
        inside = [*ast.walk(function)]
        called = {each.id for each in inside if isinstance(each, ast.Name)}
        called |= {each.attr for each in inside if isinstance(each, ast.Attribute)}
        fitting = [(each, given) for each in losses if (given := _given(each, function))]
        fitting = fitting or [(e, given) for e in losses if (given := _held(e, function))]
        if function not in losses and len(fitting) == 1 and fitting[0][0].name not in called:
            yield function, *fitting[0]


def _functions(body: Sequence[ast.stmt]) -> list[ast.FunctionDef]:
    return [e for e in body if isinstance(e, ast.FunctionDef) and not e.decorator_list]


def _losses(functions: Sequence[ast.FunctionDef]) -> list[ast.FunctionDef]:
    """Those by the name of a loss that need more than one argument."""
    return [e for e in functions if names_a_loss(e.name) and len(_needed(e)) > 1]


def _given(loss: ast.FunctionDef, function: ast.FunctionDef) -> dict[str, str]:
    """What a loss is given of the arguments of a function, by its own; nothing if it does not fit.

    A function that needs other data beside computes something else.
    """
    found = {name: _alike(name, _taken(function)) for name in _needed(loss)}
    beside = {*_needed(function)} - {*found.values()} - {*_taken(loss)}
    if "" in found.values() or len({*found.values()}) < len(found):
        return {}
    return found if all(SETTINGS & {*kinds_of(each)} for each in beside) else {}


def _held(loss: ast.FunctionDef, function: ast.FunctionDef) -> dict[str, str]:
    """The same of what a function has in variables, if these are made of all the data it needs."""
    assigned, taken = _assigned(function), _taken(function)
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


def _taken(function: ast.FunctionDef) -> list[str]:
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args)]


def _needed(function: ast.FunctionDef) -> list[str]:
    """The arguments without a default."""
    names, optional = _taken(function), len(function.args.defaults)
    return names[: len(names) - optional]
