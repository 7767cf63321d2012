"""What a network of convolutions is told of the pictures that it is given.

Left out: the pictures (`example_data.py`).
"""

import re
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.shapes.example_data import PICTURES, Data

FILTERS, KERNEL, POOL = 2, 3, 2
CONVOLVES = re.compile(r"conv|pool|im2col|correlate2d", re.IGNORECASE)
TOLD = {"picture shape", "side", "channels", "filters"}
"""Kinds of argument that a network is given though they have a default."""


def picture_kinds(data: Data) -> dict[str, Any]:
    """What a constructor is told of pictures; nothing of other data."""
    if data.layout not in PICTURES:
        return {}
    shape = np.shape(data.x)[0 if data.single else 1 :]
    return {
        "picture shape": shape,
        "side": data.sizes.n_in,
        "channels": 1,
        "filters": FILTERS,
        "kernel": KERNEL,
        "pool": POOL,
    }


def as_default(kind: str, value: Any, default: Any) -> Any:
    """What is told in the form of a default: one side, two, or with the channels among them.

    None where it has another form, such as the filters of each of several layers.
    """
    if default is None or isinstance(default, int | type):
        return max(value) if isinstance(default, int) and kind == "picture shape" else value
    if not isinstance(default, tuple | list) or kind not in ("picture shape", "side"):
        return None
    side = max(value) if isinstance(value, tuple) else value
    channels = min(default) if len(set(default)) > 1 else None
    return type(default)(1 if each == channels else side for each in default)


@cache
def convolves(module: ModuleType) -> bool:
    """Whether a name in the functions of a program says that it goes through pictures."""
    return any(map(CONVOLVES.search, _names(module)))


def _names(module: ModuleType) -> Iterator[str]:
    own = [e for e in vars(module).values() if getattr(e, "__module__", "") == module.__name__]
    inner = [e for each in own if isinstance(each, type) for e in vars(each).values()]
    for each in [*own, *inner]:
        if isinstance(each, FunctionType):
            code: CodeType = each.__code__
            yield from (each.__name__, *code.co_names, *code.co_varnames)
