"""Parameters that a layer makes in a method of its own, such as `build(input_shape)`.

Left out: those that it makes when it is made, or when it goes forward at first (`layers.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from conformance.programs.vocabulary import bare, is_role
from conformance.shapes.arguments import Scope, needed, size_kinds
from conformance.shapes.attempts import UnfitError, result_of
from conformance.shapes.example_data import Data
from conformance.shapes.plans import methods


def build(layer: Any, data: Data, module: ModuleType) -> None:
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
