"""The trace of a program that may run for long: it says when it has grown, and stores little.

A large array is not copied; only when it is written into, what was computed before keeps a copy.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.tracing.trace import Memory, Node, Trace
from reference.step import Array

LARGE = 1 << 16  # bytes from which on an array is not copied
GROWTH = 1.3  # the length after which it is asked again whether it is enough, relative to the last
FIRST = 48  # nodes


class LongTrace(Trace):
    """A trace that is asked again and again whether it is enough.

    Attributes:
        grown: called when it has grown; what it raises ends the program.
        stored: bytes of values.
        process: that it belongs to; in another one, that this one has started, nothing is noted.
        closed: whether nothing more is noted.
    """

    def __init__(self, grown: Callable[[], None]) -> None:
        super().__init__(sites=True)
        self.grown, self.stored, self.process = grown, 0, os.getpid()
        self.closed = False
        self._due = FIRST
        self._shared: dict[int, list[Node]] = {}  # by the id of the owner of the memory

    def node(
        self,
        operation: str,
        function: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        value: Any,
    ) -> Node:
        """A new node; see `Trace.node`."""
        if len(self.nodes) >= self._due and self.recording:
            self._ask()
        made = super().node(operation, function, args, kwargs, value)
        if isinstance(value, np.ndarray):
            owner = _owner(value)
            self.stored += 0 if id(owner) in self._shared else value.nbytes
            if owner is not value or not value.flags.owndata or value.nbytes >= LARGE:
                self._shared.setdefault(id(owner), []).append(made)
        return made

    def _ask(self) -> None:
        if os.getpid() != self.process:
            self.recording = False
            return
        self._due = int(len(self.nodes) * GROWTH) + 1
        self.recording = False  # what is computed to answer is not the program's
        try:
            self.grown()
        except BaseException:
            self._due = 0  # a program that goes on nevertheless is asked at once
            raise
        finally:
            self.recording = not self.closed

    def kept(self, value: Any) -> Array:
        """The numbers of a value; those of a large array itself, until it is written into."""
        array = np.asarray(value)
        array = array.view(np.ndarray)
        return array if array.nbytes >= LARGE else np.array(array)

    def before_write(self, array: Any) -> Memory:
        """The memory of an array that is about to be written into, its numbers known."""
        memory = super().before_write(array)
        for node in self._shared.pop(id(memory.owner), ()):
            if isinstance(node.value, np.ndarray) and np.shares_memory(node.value, memory.owner):
                node.value = np.array(node.value)
        return memory


def _owner(array: Array) -> Array:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
