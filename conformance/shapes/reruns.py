"""What was judged, run again as it is then: for the gradients that it gives, and elsewhere.

A change of a line is tried by the first, and confirmed by the second: with other numbers it has to
be right as well. Left out: programs that are read in ways of ours (`reading.py`).
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import OwnPass, parameter_names, record, short, walked
from conformance.running.quiet import quiet
from reference.step import Array

Gradients = Mapping[str, Array]
"""By the names of the parameters; beside them outputs, which no mistake in a gradient changes."""

LOSS = "its loss"
BY = 0.1
"""How far numbers are moved, relative to each: many have to stay what they are, such as above 0."""


class Rerun(NamedTuple):
    """What runs something again that was judged.

    Attributes:
        again: gives its gradients.
        elsewhere: whether it is right with other numbers.
    """

    again: Callable[[], Gradients]
    elsewhere: Callable[[], bool]


def of_step(made: Callable[[bool], OwnPass]) -> Rerun:
    """What records a step again.

    Args:
        made: records it; with other numbers, if it is told so.
    """

    def again() -> Gradients:
        step = made(False)
        loss = {} if step.loss is None else {LOSS: step.loss.value}
        return loss | {each.name: each.node.value for each in step.goals}

    return Rerun(again, lambda: examine_pass(made(True), blame=False).ok)


def of_function(
    function: Callable[..., Any],
    params: Any,
    data: tuple[Any, ...] = (),
    own: Callable[..., Any] | None = None,
) -> Rerun:
    """What calls a function again that gives a loss and gradients; see `record`."""
    names = parameter_names(params)

    def again() -> Gradients:
        with quiet():
            loss, gradients = function(*copy.deepcopy((params, *data)))
        found = walked(gradients, names)
        return {LOSS: np.asarray(loss), **{short(name): np.asarray(e) for name, e in found}}

    def elsewhere() -> bool:
        settings = tuple(moved(each) if type(each) is float else each for each in data)
        return examine_pass(record(function, moved(params), settings, own), blame=False).ok

    return Rerun(again, elsewhere)


def other_defaults(functions: Iterable[FunctionType]) -> AbstractContextManager[None]:
    """Functions with other floats as defaults, to the end of the block.

    Those of one name stay equal, as a setting has to be that several functions take.
    """

    def other(name: str, value: Any) -> Any:
        by = BY * np.random.default_rng([*name.encode()]).uniform(0.5, 1.0)
        return value * (1 + by) if type(value) is float else value

    return with_defaults(functions, other)


@contextmanager
def with_defaults(functions: Iterable[Any], other: Callable[[str, Any], Any]) -> Iterator[None]:
    """Functions with other defaults, to the end of the block.

    Args:
        functions: they; what is none stays as it is.
        other: gives a default, by the name of its argument and what it was.
    """
    own = [each for each in functions if isinstance(each, FunctionType)]
    before = [(each, each.__defaults__, each.__kwdefaults__) for each in own]
    try:
        for each, defaults, by_name in before:
            count = each.__code__.co_argcount
            names = each.__code__.co_varnames[count - len(defaults or ()) : count]
            each.__defaults__ = defaults and tuple(map(other, names, defaults))
            each.__kwdefaults__ = by_name and {k: other(k, e) for k, e in by_name.items()}
        yield
    finally:
        for each, defaults, by_name in before:
            each.__defaults__, each.__kwdefaults__ = defaults, by_name


def moved(value: Any) -> Any:
    """Other numbers: each float of arrays, dicts, lists and tuples, moved a little."""
    return _moved(value, np.random.default_rng(17))


def _moved(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, Mapping):
        return {key: _moved(each, rng) for key, each in value.items()}
    if isinstance(value, list | tuple):
        parts = [_moved(each, rng) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return value
    size = np.where(array == 0, np.max(np.abs(array), initial=0.0) or 1.0, array)
    by = array.dtype.type(BY) * size * rng.uniform(-1.0, 1.0, size=array.shape)
    other = (array + by).astype(array.dtype)
    return other if isinstance(value, np.ndarray) else type(value)(other)
