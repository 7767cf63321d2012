"""A layer with its parameters, which it may make in a method such as `build(input_shape)`.

Left out: what it is made of (`layer_shapes.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from conformance.programs.held_state import leaves
from conformance.programs.vocabulary import bare, is_role
from conformance.shapes.arguments import Scope, needed, size_kinds
from conformance.shapes.attempts import Attempt, UnfitError, result_of
from conformance.shapes.example_data import Data
from conformance.shapes.layer_arguments import Takes
from conformance.shapes.layer_shapes import OPTIONS
from conformance.shapes.plans import methods


def made_whole(run: Attempt, forward: str, takes: Takes) -> dict[str, Any]:
    """The layer of a run; after it is built or went forward, if it makes its parameters then.

    Args:
        run: that begins.
        forward: the name of the method that goes forward.
        takes: what it takes.
    """
    roots = run.plan.make(run.data, run.scope)
    layer, module = roots["self"], run.plan.module
    if takes.states or _has_parameters(layer, module):
        return roots
    _build(layer, run.data, module)
    if _has_parameters(layer, module):
        return roots
    options = (OPTIONS[each] for each in takes.forward[1:])
    result_of(getattr(layer, forward), run.data.x, *options)
    return roots if _has_parameters(layer, module) else run.plan.make(run.data, run.scope)


def _has_parameters(layer: Any, module: ModuleType) -> bool:
    return any(each.is_parameter for each in leaves(layer, "self", module))


def _build(layer: Any, data: Data, module: ModuleType) -> None:
    """Call the methods of a layer that make its parameters by their names."""
    for name, _ in methods(type(layer)):
        if bare(name) != "build" and is_role(name, "init") is None:
            continue
        for given in _ways(getattr(layer, name), data, module):
            with suppress(UnfitError):
                result_of(getattr(layer, name), **given)
                break


def _ways(function: Callable[..., Any], data: Data, module: ModuleType) -> Iterator[dict[str, Any]]:
    """What such a method may be given, by name."""
    names = [each.name for each in needed(function)]
    for values in product(*(list(_values(name, data, module)) for name in names)):
        yield dict(zip(names, values, strict=True))


def _values(name: str, data: Data, module: ModuleType) -> Iterator[Any]:
    """What an argument may be: a shape, a size, or an object of a class of its name."""
    if "shape" in bare(name):
        yield from (np.shape(data.x)[1:], np.shape(data.x))
    known, value = Scope(size_kinds(data)).value(name)
    if known:
        yield value
    for kind in [e for key, e in vars(module).items() if bare(key) == bare(name)]:
        if isinstance(kind, type):
            with suppress(UnfitError):
                yield result_of(kind)
