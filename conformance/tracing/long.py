"""The trace of a program that may run for long: it says when it has grown, and stores little.

A large array is not copied; only when it is written into, what was computed before keeps a copy.
Where much was noted and nothing found, as of the preparation of data, all of it is forgotten: what
is still there is constant from then on, and more is kept, for a step may be longer than that. So is
what is read from a large array that is written piece by piece.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.tracing.arrays import Traced
from conformance.tracing.memory import Memory, owner_of
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace, is_traced_number
from reference.step import Array

LARGE = 1 << 16  # bytes from which on an array is not copied
MANY = 15_000  # nodes, of which nothing is kept if nothing is found among them
MOST = 1 << 30  # bytes of values
PIECES = 200  # writes into a large array, after which nobody follows its parts
AGE = 1 << 40  # further than a memory is ever written into
GROWTH = 2  # the length after which it is asked again whether it is enough, relative to the last
FIRST = 48  # nodes


class LongTrace(Trace):
    """A trace that is asked again and again whether it is enough.

    Attributes:
        grown: called when it has grown, tells with how many nodes it may be enough, or 0 if nothing
            was found; what it raises ends the program.
        stored: bytes of values.
        process: that it belongs to; in another one, that this one has started, nothing is noted.
        closed: whether nothing more is noted.
        forgot: whether its first nodes have been forgotten, maybe in the middle of a step.
    """

    def __init__(self, grown: Callable[[], int]) -> None:
        super().__init__(sites=True)
        self.grown, self.stored, self.process = grown, 0, os.getpid()
        self.closed = self.forgot = False
        self._idle, self._many = False, MANY
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
        if (len(self.nodes) >= self._due or self.stored > MOST) and self.recording:
            self._ask()
        made = super().node(operation, function, args, kwargs, value)
        if self.forgot and not all(map(self.has, made.inputs)):  # forgotten since they were read
            _make_constant(made)
        self.stored += made.number >> 3  # of `uses`
        if self._idle and (len(self.nodes) >= self._many or self.stored > MOST):
            self._forget(made)
        if isinstance(value, np.ndarray):
            owner = owner_of(value)
            self.stored += 0 if id(owner) in self._shared else value.nbytes
            if owner is not value or not value.flags.owndata or value.nbytes >= LARGE:
                self._shared.setdefault(id(owner), []).append(made)
        return made

    def _ask(self) -> None:
        if os.getpid() != self.process:
            self.recording = False
            return
        length = len(self.nodes)
        most = self._many
        self._due = GROWTH * length if length >= most else min(GROWTH * length, most)
        self.recording = False  # what is computed to answer is not the program's
        try:
            enough = self.grown()
            self._idle = not enough
            if enough > length:
                self._due = min(enough, 2 * length)
        except BaseException:
            self._due = 0  # a program that goes on nevertheless is asked at once
            raise
        finally:
            self.recording = not self.closed

    def _forget(self, last: Node) -> None:
        """Forget all but the last node, which becomes a constant."""
        last.number = 0
        _make_constant(last)
        self.nodes[:] = [last]
        self.memories.forget()
        self._shared.clear()
        self._by_bytes.clear()
        self._unsorted.clear()
        self._constants.clear()
        self.handed[:] = [frozenset()] * len(self.handed)
        self.memories.age += AGE
        self.forgot = True
        self._many *= GROWTH
        self.stored, self._due, self._idle = 0, FIRST, False

    def argument(self, value: Any) -> Any:
        """An argument with nodes in the place of arrays and numbers; see `Trace.argument`."""
        if is_traced_number(value) and not self.has(value.node):
            return self.constant(np.asarray(value.plain))
        return super().argument(value)

    def kept(self, value: Any) -> Array:
        """The numbers of a value; those of a large array itself, until it is written into."""
        array = np.asarray(value)
        array = array.view(np.ndarray)
        return array if array.nbytes >= LARGE else np.array(array)

    def before_write(self, array: Any) -> Memory:
        """The memory of an array that is about to be written into, its numbers known."""
        memory = self.memories.of(array)
        if self._loose(memory):
            return memory
        memory = super().before_write(array)
        for node in self._shared.pop(id(owner_of(memory.owner)), ()):
            if isinstance(node.value, np.ndarray) and np.shares_memory(node.value, memory.owner):
                node.value = np.array(node.value)
        return memory

    def _loose(self, memory: Memory) -> bool:
        """Whether a memory is large and was written into again and again."""
        return memory.owner.nbytes >= LARGE and memory.version - self.memories.age > PIECES

    def write_at(self, memory: Memory, index: Array | None, value: Any) -> None:
        """Note what was written at some places of a memory; see `Trace.write_at`."""
        if self._loose(memory):
            memory.writes.clear()
            memory.state = None
            memory.version += 1
        else:
            super().write_at(memory, index, value)

    def node_of(self, array: Any, memory: Memory | None = None) -> Node:
        """What computed the present numbers of an array; see `Trace.node_of`."""
        memory = memory or self.memories.of(array)
        if not self._loose(memory):
            return super().node_of(array, memory)
        known: Node | None = getattr(array, "node", None)
        if known is None or array.version != memory.version:
            known = self.node("constant", None, (), {}, np.array(array.view(np.ndarray)))
            if isinstance(array, Traced):
                array.node, array.memory, array.version = known, memory, memory.version
        return known


def _make_constant(node: Node) -> None:
    """Let the numbers of a node be computed of nothing that is known."""
    node.operation, node.function = "constant", None
    node.args, node.kwargs, node.inputs, node.uses = (), {}, (), 1 << node.number
