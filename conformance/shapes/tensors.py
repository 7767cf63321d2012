"""Programs of plain torch tensors, whose backward pass is written by hand: as programs of arrays.

A tensor is seen as the array that shares its memory, by which the trace knows it. Left out:
tensors that torch differentiates (`requires_grad`).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from conformance.tracing.plain import plain


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of numbers that torch does not differentiate."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor) and not value.requires_grad


def as_array(value: Any) -> Any:
    """A tensor as an array in the same memory, also within tuples, lists and dicts."""
    if is_tensor(value):
        return value.numpy()
    if type(value) in (tuple, list):
        return type(value)(map(as_array, value))
    if type(value) is dict:
        return {key: as_array(each) for key, each in value.items()}
    return value


def as_tensor(value: Any) -> Any:
    """An array as a tensor in the same memory, also within tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        return sys.modules["torch"].from_numpy(plain(value))
    if type(value) in (tuple, list):
        return type(value)(map(as_tensor, value))
    if type(value) is dict:
        return {key: as_tensor(each) for key, each in value.items()}
    return value


def holds_tensors(value: Any) -> bool:
    """Whether an object or a container has such tensors."""
    held = getattr(value, "__dict__", value)
    parts = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return any(
        is_tensor(each)
        or (each is not value and type(each) in (list, dict) and holds_tensors(each))
        for each in parts
    )


@contextmanager
def doubles() -> Iterator[None]:
    """Let a program's tensors be of doubles, as NumPy's arrays are, until the end of the block."""
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_default_dtype()
    if torch is not None:
        torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        if torch is not None:
            torch.set_default_dtype(before)
