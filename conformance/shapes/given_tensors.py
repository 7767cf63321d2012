"""Functions that compute with plain tensors of torch, called with arrays.

Left out: objects that hold tensors (`attempt.py`), and functions with a backward of their own for
torch (`custom_function.py`).
"""

import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from conformance.shapes.held_state import as_array, as_tensor, doubles


def by_tensors(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function returns: if it takes tensors, it is given those of arrays, and back."""
    if not takes_tensors(function):
        return function(*args, **kwargs)
    with doubles():
        return as_array(function(*as_tensor(args), **as_tensor(kwargs)))


def takes_tensors(function: Callable[..., Any]) -> bool:
    """Whether a function stands in a file that imports torch, and no function uses NumPy there."""
    torch, names = sys.modules.get("torch"), getattr(function, "__globals__", {})
    if torch is None or all(each is not torch for each in names.values()):
        return False
    own = (e for e in names.values() if isinstance(e, FunctionType) and e.__globals__ is names)
    return all(names.get(name) is not np for each in own for name in each.__code__.co_names)
