"""The loss that a program defines, computed where its gradients are, as the program does not.

`loss(w, X, y)` is often called once in a hundred updates, and `gradient(w, X, y)` in each. Where a
function takes all that the one loss of its file takes, under the same names, it is made to ask for
that loss first. Left out: which of the numbers of an update is its loss (`judge_updates.py`).
"""

import ast
import inspect
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from functools import wraps
from types import FunctionType
from typing import Any

from conformance.backward.loss_names import names_a_loss
from conformance.backward.syntax import tree
from conformance.edits.right_values import computes

ASKED = "__conformance_asked__"
"""The name, among the builtins, of what is called with a loss and what it is given."""


def asked(loss: Callable[..., Any], **given: Any) -> Any:
    """A loss, if to compute it does nothing else; None if it does not run so."""
    if isinstance(loss, FunctionType) and computes(loss):
        with suppress(Exception):  # other people's code, of which only what it computes is noted
            return loss(**given)
    return None


def with_losses(module: ast.Module) -> ast.Module:
    """A program of which functions ask for the loss of what they are given.

    Args:
        module: it, which is changed.
    """
    for function, loss in _pairs(module):
        name = ast.Name(loss.name, ast.Load())
        given = [ast.keyword(each, ast.Name(each, ast.Load())) for each in _needed(loss)]
        call = ast.Expr(ast.Call(ast.Name(ASKED, ast.Load()), [name], given))
        first = function.body[0]
        placed = ast.fix_missing_locations(ast.copy_location(call, first))
        function.body.insert(1 if ast.get_docstring(function) and function.body[1:] else 0, placed)
    return module


@contextmanager
def asking(names: MutableMapping[str, Any]) -> Iterator[list[Any]]:
    """Let the functions of a program ask for the loss of what they are given, until the end.

    Gives the list of these losses, which grows.

    Args:
        names: its global variables.
    """
    own = {name: each for name, each in names.items() if isinstance(each, FunctionType)}
    files = {each.__code__.co_filename for each in own.values()}
    pairs = [pair for file in sorted(files) for pair in _pairs(tree(file) or ast.Module([], []))]
    made: list[Any] = []
    instead = {
        function.name: _asking_first(own[function.name], own[loss.name], _needed(loss), made)
        for function, loss in pairs
        if {function.name, loss.name} <= own.keys()
    }
    names.update(instead)
    try:
        yield made
    finally:
        names.update({name: own[name] for name in instead if names.get(name) is instead[name]})


def _asking_first(
    function: FunctionType, loss: FunctionType, needed: list[str], made: list[Any]
) -> Any:
    arguments = inspect.signature(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with suppress(TypeError):  # what is missing, the function says itself
            given = arguments.bind(*args, **kwargs).arguments
            made.append(asked(loss, **{name: given[name] for name in needed if name in given}))
        return function(*args, **kwargs)

    return call


def _pairs(module: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.FunctionDef]]:
    """The functions that take all that the one loss takes which fits them, each with that."""
    functions = [each for each in module.body if isinstance(each, ast.FunctionDef)]
    losses = [each for each in functions if names_a_loss(each.name) and len(_needed(each)) > 1]
    for function in functions:
        called = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)}
        fitting = [each for each in losses if {*_needed(each)} <= {*_taken(function)}]
        if function not in losses and len(fitting) == 1 and fitting[0].name not in called:
            yield function, fitting[0]


def _taken(function: ast.FunctionDef) -> list[str]:
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args)]


def _needed(function: ast.FunctionDef) -> list[str]:
    """The arguments without a default."""
    names, optional = _taken(function), len(function.args.defaults)
    return names[: len(names) - optional]
