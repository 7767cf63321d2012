"""A module whose functions ask for the loss of what they are given, for a while.

Left out: which do (`losses_in_source.py`), and scripts, which are compiled so (`script_source.py`).
"""

import ast
import builtins
import inspect
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from copy import deepcopy
from functools import lru_cache, wraps
from types import CodeType, FunctionType
from typing import Any

from conformance.backward.syntax import tree
from conformance.edits.live_functions import compiled
from conformance.programs.execution import followed
from conformance.script.asked_losses import ASKED_OF_PART, asked, asked_of_part
from conformance.script.losses_in_source import (
    ask_in_loops,
    costs_in,
    functions_of,
    pairs_in,
    taken_by,
)
from conformance.script.whole_losses import of_batches


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
    pairs = [pair for each in modules for pair in pairs_in(each)]
    made, costs = list[Any](), list[Any]()
    instead = {
        function.name: _asking_first(own[function.name], own[loss.name], given, made)
        for function, loss, given in pairs
        if {function.name, loss.name} <= own.keys() and {*given.values()} <= {*taken_by(function)}
    }
    names.update(instead)
    try:
        with ExitStack() as stack:
            for name, derivative, value in (e for each in modules for e in costs_in(each)):
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
    for around, function in (
        (name, each) for name, block in blocks for each in functions_of(block)
    ):
        losses = [*of_batches(function, ())]
        if losses:
            ask_in_loops(losses)
            followed(function)
            found.append((around, function.name, compiled(function, around, file)))
    return tuple(found)


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
    call = _asking_first(function, loss, {e: e for e in taken_by(value)}, made)
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
