"""Other settings than their defaults for functions that are judged alone: a stride, a slope.

What is forgotten on the way back is the same by a default of 1. Left out: judging them
(`function_pairs.py`).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import numpy as np

from conformance.programs.vocabulary import bare
from conformance.shapes.argument_values import Path
from conformance.shapes.arguments import taken
from conformance.shapes.loss_data import other_settings

STEPS = re.compile(r"s|strides?|dilation|pad(ding)?")
"""Whole numbers by which a window moves, or an image grows; another one asks for other sizes."""
IMAGE = 3  # axes that an image has at least


def other_numbers(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Other numbers for the settings of a function, one after another."""
    for each in taken(function):
        if type(each.default) is int and each.default > 0 and STEPS.fullmatch(bare(each.name)):
            yield {each.name: each.default + 1}
    for name, value in other_settings(function).items():
        yield {name: value}


@contextmanager
def with_defaults(functions: Iterable[Any], settings: Mapping[str, Any]) -> Iterator[None]:
    """Functions with other defaults, to the end of the block."""
    own = [each for each in functions if isinstance(each, FunctionType)]
    before = [(each, each.__defaults__, each.__kwdefaults__) for each in own]
    try:
        for each, defaults, by_name in before:
            count = each.__code__.co_argcount
            names = each.__code__.co_varnames[count - len(defaults or ()) : count]
            pairs = zip(names, defaults or (), strict=True)
            each.__defaults__ = defaults and tuple(settings.get(name, e) for name, e in pairs)
            each.__kwdefaults__ = by_name and {k: settings.get(k, e) for k, e in by_name.items()}
        yield
    finally:
        for each, defaults, by_name in before:
            each.__defaults__, each.__kwdefaults__ = defaults, by_name


def sizes(chosen: Mapping[Path, Any]) -> Iterator[dict[Path, Any]]:
    """Arguments, and the same with a first image that is one wider and higher.

    Windows fit in the one or in the other by a stride of 2.
    """
    yield {**chosen}
    first, value = next(iter(chosen.items()))
    shape = np.shape(value)
    for axes in ((-2, -1), (-3, -2)) if len(shape) >= IMAGE else ():
        wider = list(shape)
        for each in axes:
            wider[each] += 1
        yield {**chosen, first: np.resize(value, wider)}
