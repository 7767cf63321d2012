"""How near two arrays of numbers are, to recognise what they are, not to judge them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from reference.step import Array

CLOSE = {"float64": 1e-7, "float32": 1e-3, "float16": 0.1}
"""How near is near enough in a dtype, as a part of the largest entry."""


def alike(array: Array, other: Array, close: float) -> bool:
    """Whether two arrays of one size hold about the same numbers, row by row or turned.

    Args:
        array: one of them.
        other: the other.
        close: how far apart they may be, as a part of the other's largest entry.
    """
    if array.size != other.size or array.size == 0:
        return False
    first, second = (np.asarray(each, dtype=np.float64) for each in (array, other))
    if min(first.ndim, second.ndim) > 1 and first.shape == second.T.shape != second.shape:
        second = second.T
    with np.errstate(all="ignore"):
        apart, largest = np.abs(first.ravel() - second.ravel()).max(), np.abs(second).max()
        return not apart or bool(apart / largest <= close)


def same(one: Any, other: Any) -> bool:
    """Whether two arrays hold the same numbers, NaN being itself."""
    first, second = np.asarray(one), np.asarray(other)
    if first.shape != second.shape:
        return False
    numbers = (first == first) | (second == second)  # noqa: PLR0124 - NumPy asks no objects
    return not np.any((first != second) & numbers)


def all_same(some: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether each of some arrays is the same among others, by their names."""
    return all(name in others and same(each, others[name]) for name, each in some.items())
