"""The numbers of a list in a trace: an array, into which is written what a program stores.

Left out: which lists there are (`lists.py`).
"""

from typing import Any

import numpy as np

from conformance.tracing.ancestors import walk
from conformance.tracing.frames import Frame
from conformance.tracing.lifted import Partial, let_go, lifted
from conformance.tracing.memory import Memory
from conformance.tracing.node import Node, flat, taken
from conformance.tracing.trace import Trace, plain
from conformance.tracing.traced_numbers import TracedFloat, TracedInt
from conformance.tracing.vectorized import put_in_shape
from reference.step import Array


class Entry:
    """What the numbers of a list have beside being numbers."""

    tracer: Trace
    of: "Numbers"
    at: int
    known: Node | None
    replaced: bool

    @property
    def node(self) -> Node:
        """What computed it: it is taken out of the array when it is first used."""
        known = self.known
        if known is None:
            self.of.see_step()
        if known is None or not (self.replaced or self.of.is_current(known)):
            known = self.known = self.of.entry(self.at)
        return known

    def replace(self) -> None:
        """Stay what it is: another number is stored at its place."""
        _, self.replaced = self.node, True


class FloatEntry(Entry, TracedFloat):  # type: ignore[misc]
    """A float of a list."""


class IntEntry(Entry, TracedInt):  # type: ignore[misc]
    """A whole number of a list."""


Trace.numbers |= {FloatEntry, IntEntry}


class Numbers:
    """The numbers of a list, or of the lists in it.

    Attributes:
        array: of them.
        before: what computed it before the numbers that were stored since; None if it is not known.
        stored: what computed these, by their places.
        between: what computed the array when only some of them were stored.
        latest: the array after the last step; None before the first.
        known: what is known of all such arrays.
        last: what computed the number that was stored last and the one before it, None for those
            of a row, and the line.
    """

    def __init__(self, trace: Trace, values: Array, node: Node, known: dict[Node, Partial]) -> None:
        self.trace, self.array, self.known = trace, trace.traced(values, node), known
        self.before: Node | None = node
        self.stored: dict[int, Any] = {}
        self.between: list[Node] = []
        self.last: tuple[Any, Node | None, Frame | None] | None = None
        self.latest: Node | None = None

    def see_step(self) -> None:
        """Note what the array is after a step, if another line reads a number of it anew."""
        if self.last is not None and _ends_step(*self.last[:2]):
            frames, _ = self.trace.where()
            if frames and frames[0] != self.last[2]:
                self._begin(self.state())
                self.latest, self.last = self.before, None

    def entry(self, at: int) -> Node:
        """A node of one number as it is now."""
        self._look_up()
        index, before = np.asarray(at), None if at in self.stored else self.before
        state = before or self._state()
        return self.trace.node("getitem", taken, (state, index), {}, taken(state.value, index))

    def is_current(self, entry: Node) -> bool:
        """Whether a node of one number may stand for it still."""
        if not self.trace.has(entry) or entry.function is not taken:
            return False
        state: Node = entry.args[0]
        partial = self.known.get(state)
        late = self.latest is None or state.number >= self.latest.number
        return late and (partial is None or partial.after is None)

    def state(self) -> Node:
        """What computed the numbers as they are now."""
        self._look_up()
        return self._state()

    def _state(self) -> Node:
        memory = self.trace.before_write(self.array)
        if memory.writes and self.before is not None:
            self._lift(memory)
        found = self.trace.node_of(self.array)
        if len(self.stored) == self.array.size:
            for each in self.between:
                self.known[each] = self.known[each]._replace(after=found)
            self._begin(found)
        elif self.before is not None and self.stored and found not in self.between:
            self.known[found] = Partial(self.before, frozenset(self.stored))
            self.between.append(found)
        return found

    def _look_up(self) -> None:
        """See who called, which reads what they were handed, and whether all is forgotten."""
        self.trace.where()
        if self.before is not None and not self.trace.has(self.before):
            self._begin(None)

    def _begin(self, before: Node | None) -> None:
        self.before, self.stored, self.between = before, {}, []

    def _lift(self, memory: Memory) -> None:
        """Take what was stored number by number as one array, if that is all of it."""
        if len(self.stored) < self.array.size or self.before is None:
            return
        places = np.arange(self.array.size).reshape(self.array.shape)
        entries = [self.stored[each] for each in range(self.array.size)]
        made = lifted(self.trace, entries, places, self.before, self.known)
        if made is not None:
            *_, (_, _, frames, calls) = memory.writes
            memory.writes[:] = [(None, made, frames, calls)]
            let_go(self.between)

    def number(self, at: int, value: Any) -> Any:
        """One of the numbers as a program has it."""
        made = FloatEntry(value) if isinstance(value, float) else IntEntry(value)
        made.tracer, made.plain, made.of, made.at = self.trace, value, self, at
        made.known, made.replaced = None, False
        return made

    def write(self, at: int, value: Any, old: Node | None = None) -> None:
        """Note a number that a program stores, and the one that was at its place."""
        self._write(np.asarray(at), plain(value), _alone(self.trace.argument(value)), old)

    def write_row(self, first: int, row: list[Any], made: Any) -> None:
        """Note a list that a program stores as a row, and what is known of it as an array."""
        node = None if made is None else self.trace.node_of(made)
        if node is None or node.constant or node.function is put_in_shape:
            for i, each in enumerate(row):
                self.write(first + i, each)
        else:
            self._write(np.arange(first, first + len(row)), node.value, node)

    def _write(self, at: Array, value: Any, node: Any, old: Node | None = None) -> None:
        memory = self.trace.before_write(self.array)
        self._look_up()
        places = np.ravel(at).tolist()
        if self.before is None or not self.stored.keys().isdisjoint(places):
            self._begin(self.trace.node_of(self.array))
        self.stored |= dict.fromkeys(places, node)
        self.array.view(np.ndarray).reshape(-1)[at] = value
        self.trace.write_at(memory, at, node)
        self.last = node, old, next(iter(memory.writes[-1][2]), None)


def _ends_step(number: Any, old: Node | None) -> bool:
    """Whether a number is computed of the one before it by what others are computed of, too.

    Such is an error, by which several parameters are moved. A row is moved as a whole.
    """
    if old is None or type(number) is not Node:
        return old is None
    way = walk([number], lambda e: e.inputs if e is number or len(e.consumers) == 1 else ())
    return any(e is not old and len(e.consumers) > 1 and e.depends_on(old) for e in way)


def _alone(number: Any) -> Any:
    """What computed a number, which may have been put into a list of its own before."""
    inner = number.args[0] if type(number) is Node and number.function is taken else None
    if inner is None or inner.function is not put_in_shape:
        return number
    return [*flat(inner.args[0])][int(number.args[1])]
