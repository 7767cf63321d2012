"""Arrays of exact numbers, found again in any layout."""

from collections.abc import Iterable
from typing import Any

from conformance.tracing.index import as_floats
from reference.step import Array


class Known:
    """Arrays of exact numbers, found again in any layout."""

    def __init__(self, arrays: Iterable[Array]) -> None:
        """Know some arrays of exact numbers."""
        filled = [array for array in arrays if array.size]
        self._known = set(map(_numbers, filled))
        self._straight = set(map(_straight, filled))
        self._in_order = {_in_order(each) for array in filled for each in (array, array.T)}

    def __bool__(self) -> bool:
        """Whether any array is known."""
        return bool(self._known)

    def holds(self, array: Array) -> bool:
        """Whether an array is known as it is, not turned; or in another shape, in its order."""
        square = array.ndim == 2 and array.shape[0] == array.shape[1] > 1  # noqa: PLR2004
        if square:
            return _straight(array) in self._straight
        return array.size > 0 and _in_order(array) in self._in_order

    def __contains__(self, array: Array) -> bool:
        """Whether its numbers are those of an array that is known, in any order."""
        return array.size > 0 and _numbers(array) in self._known


def _numbers(array: Array) -> tuple[float, ...]:
    return tuple(sorted(as_floats(array).ravel().tolist()))


def _in_order(array: Array) -> tuple[float, ...]:
    return tuple(as_floats(array).ravel().tolist())


def _straight(array: Array) -> tuple[Any, ...]:
    return (array.shape, *as_floats(array).ravel().tolist())
