"""A network of NumPy arrays: the border between it and us.

Left out: how its arrays are laid out (`book_conventions.py`), tensors (`tensor_numbers.py`).
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from reference.step import Array


class ArrayNumbers:
    """A network of NumPy arrays: what is ours is its own."""

    dtype: str = ""  # of the parameters, where the network insists on it
    exact = True  # whether its code can run on balls
    autograd = False  # whether it was seen to ask for a gradient

    @property
    def said(self) -> tuple[str, ...]:
        """The departures from the book, in words."""
        return ()

    def out(self, array: Any) -> Any:
        """An array of ours as the network takes it."""
        return array

    def back(self, value: Any) -> Any:
        """What the network gives or holds, or a list of it, as arrays of ours."""
        return value

    def memory(self, value: Any) -> Any:
        """An array that shares the memory of what the network holds."""
        return value

    def parameters(self, _held: Iterable[Any], arrays: Iterable[Array]) -> list[Any]:
        """Arrays of ours as the parameters of a network, in place of those that it holds."""
        return list(arrays)

    def tried(self) -> AbstractContextManager[object]:
        """While it is entered, a network is tried, and it is noted how it computes."""
        return nullcontext()
