"""A loss that a program is made to compute where its gradients are.

It is computed if that does nothing else, of copies of objects where it keeps something in them.
Left out: which losses are asked for (`losses_in_source.py`, `asking.py`), and which of the numbers
of an update is its loss (`judge_updates.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from copy import copy
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np

from conformance.edits.computing import computes
from conformance.script.parameter_names import own_variables
from conformance.script.terms_of_all import is_sum, with_terms_of_all

DEPTH = 4
"""How far objects within an object are copied."""

ASKED = "__conformance_asked__"
"""The name, among the builtins, of what is called with a loss and what it is given."""

ASKED_OF_PART = "__conformance_asked_of_part__"
"""The same of what is called with the loss of a batch, and that of all data."""

_within: ContextVar[bool] = ContextVar("_within", default=False)
"""Whether a loss is being asked for."""


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
