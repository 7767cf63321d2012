"""Arrays that come into a program from outside, as traced ones.

What a library reads or draws (`np.random`, a file, a data frame) is a plain array, of which NumPy
tells nobody what is done with it. So each value that a program assigns, loops over or hands on is
passed through here, and a plain array becomes a traced one that shares its memory.

Left out: where the program's code asks for it (`script/script_source.py`).
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from conformance.tracing.arrays import Traced
from conformance.tracing.matrices import TracedMatrix
from conformance.tracing.trace import Trace, is_traced_number

FEW = 64  # parts of a list or dict that are entered where it is assigned; of more, the first few
KINDS = "fiub"
DEPTH = 3  # lists within lists


class Entrance:
    """Makes the plain arrays of a program traced.

    Attributes:
        trace: that they belong to.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def value(self, given: Any, depth: int = DEPTH) -> Any:
        """The same value, its arrays traced; lists and dicts stay the objects that they are."""
        kind = type(given)
        if kind is np.ndarray:
            return self._array(given)
        if kind is np.matrix:
            return self._matrix(given)
        if not self.trace.recording or not depth:
            return given
        if kind is np.float64:
            return self.trace.number(given, self._constant(given))
        if kind is tuple:
            parts = tuple(self.value(each, depth - 1) for each in given)
            return given if all(a is b for a, b in zip(parts, given, strict=True)) else parts
        if kind is list:
            self._items(given, range(min(len(given), FEW)), depth)
        elif kind is dict and len(given) <= FEW:
            self._items(given, list(given), depth)
        return given

    def number(self, given: Any) -> Any:
        """A number of Python's as a traced one; anything else as it is."""
        if type(given) is not float or not self.trace.recording:
            return given
        return self.trace.number(given, self._constant(given))

    def stored_in(self, given: Any) -> Any:
        """What a program stores into by an index, as it is: an array notes it itself."""
        return given

    def moved(self, given: Any) -> None:
        """Note that a number is the new value of what it was computed of: an array tells it."""

    def each(self, given: Iterable[Any]) -> Iterator[Any]:
        """The values of a loop one by one."""
        return map(self.value, given)

    def _items(self, given: Any, keys: Iterable[Any], depth: int) -> None:
        for key in keys:
            before = given[key]
            after = self.value(before, depth - 1)
            if after is not before:
                given[key] = after

    def _matrix(self, given: Any) -> Any:
        """A matrix; `np.matrix` may have copied what was computed."""
        whole = given.view(np.ndarray)
        known = None if self.trace.memories.knows(whole) else self.trace.find(np.array(whole))
        made = self._array(whole) if known is None else self.trace.traced(whole, known)
        return made.view(TracedMatrix) if isinstance(made, Traced) else given

    def _array(self, given: Any) -> Any:
        if not self.trace.recording or given.dtype.kind not in KINDS or not given.size:
            return given
        if self.trace.memories.knows(given):
            made = given.view(Traced)
            made.tracer = self.trace
            return made
        return self.trace.traced(given, self._constant(given))

    def _constant(self, given: Any) -> Any:
        """A node of its own: two arrays of zeros are two arrays."""
        return self.trace.node("constant", None, (), {}, self.trace.kept(given))


def left(value: Any) -> Any:
    """A value as the program would have it without us: a traced array as a plain one."""
    if isinstance(value, Traced):
        return value.view(np.ndarray)
    return value.plain if is_traced_number(value) else value
