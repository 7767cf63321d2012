"""Arrays of exact numbers, found again in any layout."""

from collections.abc import Iterable, Sequence
from typing import Any

from conformance.tracing.index import as_floats
from reference.step import Array

MOST_MULTIPLES = 400
"""Entries of the largest array of which multiples are kept too."""


class Known:
    """Arrays of exact numbers, found again in any layout and with a factor of the program."""

    def __init__(self, arrays: Iterable[Array], factors: Sequence[Any] = (1,)) -> None:
        """Know some arrays, and their multiples by the factors after the first.

        Args:
            arrays: of exact numbers.
            factors: what they may be multiplied by, first of all by 1.
        """
        self._known: set[tuple[float, ...]] = set()
        self._straight: set[tuple[Any, ...]] = set()
        for array in arrays:
            if array.size:
                few = factors[1:] if array.size <= MOST_MULTIPLES else ()
                for each in (array, *(array * factor for factor in few)):
                    self._known.add(_numbers(each))
                    self._straight.add(_straight(each))

    def holds(self, array: Array) -> bool:
        """Whether an array is known as it is, not turned; or in another shape."""
        square = array.ndim == 2 and array.shape[0] == array.shape[1] > 1  # noqa: PLR2004
        return _straight(array) in self._straight if square else array in self

    def __contains__(self, array: Array) -> bool:
        """Whether its numbers are those of an array that is known, in any order."""
        return array.size > 0 and _numbers(array) in self._known


def _numbers(array: Array) -> tuple[float, ...]:
    return tuple(sorted(as_floats(array).ravel().tolist()))


def _straight(array: Array) -> tuple[Any, ...]:
    return (array.shape, *as_floats(array).ravel().tolist())
