"""Lists of numbers, each known to a trace as the array that it would be with NumPy.

A list stays the object that it is. The floats in it become numbers that know their place: what is
computed of one is computed of an entry of the array, and what a program stores in a list is written
into that. A list of lists of one length is an array of two axes.

Left out: where the program's code asks for it (`script/script_source.py`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from conformance.tracing.ancestors import walk
from conformance.tracing.entering import Entrance
from conformance.tracing.frames import Frame
from conformance.tracing.lifted import ByNumbers, Partial, let_go, lifted
from conformance.tracing.memory import Memory
from conformance.tracing.node import Node, flat, taken
from conformance.tracing.trace import Trace, is_traced_number, plain
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

    def __init__(self, trace: Trace, values: Array, node: Node, known: ByNumbers) -> None:
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
                after = self.state()
                self.known.partial.pop(after, None)  # all are of this step, also those it left
                self._begin(after)
                self.latest, self.last = after, None

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
        partial = self.known.partial.get(state)
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
                partial = self.known.partial
                partial[each] = partial[each]._replace(after=found)
            self._begin(found)
        elif self.before is not None and self.stored and found not in self.between:
            self.known.partial[found] = Partial(self.before, frozenset(self.stored))
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

    Such is an error, by which several parameters are moved; each entry of a list of gradients moves
    one, or goes into what is kept for it. A row is moved as a whole.
    """
    if old is None or type(number) is not Node:
        return old is None

    def below(node: Node) -> tuple[Node, ...]:
        own = node is number or (len(node.consumers) == 1 and node.function is not taken)
        return node.inputs if own else ()

    way = walk([number], below)
    return any(e is not old and len(e.consumers) > 1 and e.depends_on(old) for e in way)


def _alone(number: Any) -> Any:
    """What computed a number, which may have been put into a list of its own before."""
    inner = _put_before(number)
    return number if inner is None else [*flat(inner.args[0])][int(number.args[1])]


def _all_alone(numbers: Sequence[Any]) -> list[Any]:
    """What computed each; a part of a list, such as a row without its bias, is taken out of it."""
    before = [*map(_put_before, numbers)]
    whole = {e for e, count in Counter(before).items() if e is None or count >= e.value.size}
    pairs = zip(numbers, before, strict=True)
    return [_alone(each) if inner in whole else each for each, inner in pairs]


def _put_before(number: Any) -> Node | None:
    """The list that a number was put into before, as an array; None if it was put into none."""
    inner = number.args[0] if type(number) is Node and number.function is taken else None
    return inner if inner is not None and inner.function is put_in_shape else None


MOST = 1 << 14  # numbers of one array; longer lists of lists are met row by row
FEW = 64  # operations on the way from a new number to an old one
DEPTH = 4  # lists and dicts within one another


class _List:
    """A list that is known.

    Attributes:
        itself: the list, which is kept: no other has its identity.
        numbers: whose entries it has.
        start: the place of its first one.
        items: what is in it, unless something was done to it unseen.
        rows: whether these are lists.
    """

    def __init__(self, itself: list[Any], numbers: Numbers, start: int, *, rows: bool) -> None:
        self.itself, self.numbers, self.start, self.rows = itself, numbers, start, rows
        self.items = [*itself]

    def is_same(self) -> bool:
        """Whether it has the items that it was left with."""
        same = len(self.items) == len(self.itself)
        return same and all(a is b for a, b in zip(self.items, self.itself, strict=True))


class Lists(Entrance):
    """Makes the lists of a program known, and its plain arrays and floats traced."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        trace.lists = self
        self._known: dict[int, _List] = {}
        self._by_numbers = ByNumbers()

    def value(self, given: Any, depth: int = DEPTH) -> Any:
        """The same value, its lists known and its floats traced."""
        kind = type(given)
        if not self.trace.recording or not depth:
            return given
        if kind is float:
            constant = self.trace.node("constant", None, (), {}, np.asarray(given))
            return self.trace.number(given, constant)
        if kind is list:
            self._enter(given, depth)
        elif kind is dict:
            self._items(given, list(given), depth)
        else:
            return super().value(given, depth)
        return given

    def stored_in(self, given: Any) -> Any:
        """What a program stores into by an index: a known list by what notes it."""
        known = self._known.get(id(given)) if type(given) is list else None
        return given if known is None or not self.trace.recording else _Written(self, known)

    def moved(self, given: Any) -> None:
        """Note that a number is the new value of what it was computed of."""
        node = self.trace.argument(given)
        if type(node) is Node:
            node.moves = True

    def array(self, given: Any) -> Any:
        """The array that a list is known as; None if it is not."""
        known = self._known.get(id(given)) if type(given) is list else None
        if known is None or known.start or not self._is_same(known):
            return None
        known.numbers.state()
        whole = known.numbers.array
        own = len(given) * (len(given[0]) if known.rows else 1)
        return whole if whole.size == own else None

    def _is_same(self, known: _List) -> bool:
        rows = [self._known.get(id(each)) for each in known.itself] if known.rows else []
        own = all(e is not None and e.numbers is known.numbers and e.is_same() for e in rows)
        return own and known.is_same()

    def _enter(self, given: list[Any], depth: int) -> None:
        known = self._known.get(id(given))
        if known is not None and self._is_same(known):
            return
        shape = _shape(given)
        if len(shape) > 1 and not all(self._is_free(each) for each in given):
            return  # a choice of the rows of another list, such as a mini-batch
        if not shape or np.prod(shape) > MOST:
            self._items(given, range(len(given)), depth)
            return
        values = np.array([plain(each) for each in given], np.float64)
        self._know(
            given, Numbers(self.trace, values, self._made(given, values), self._by_numbers), 0
        )

    def _is_free(self, row: Any) -> bool:
        """Whether a list is none of those that are known, or stands alone and was not used yet."""
        known = self._known.get(id(row))
        if known is None:
            return True
        whole = known.numbers.array
        return whole.ndim == 1 and not self.trace.node_of(whole).consumers

    def _made(self, given: list[Any], values: Array) -> Node:
        """What computed the numbers of a list: constants, or an array that is made of others."""
        if not any(map(is_traced_number, _flat(given))):
            return self.trace.node("constant", None, (), {}, np.array(values))
        numbers = _all_alone([*_flat(self.trace.argument(given))])
        places = np.arange(values.size).reshape(values.shape)
        for before in _sources(numbers[0], values.shape):
            if all(_is_taken(each, before, i) for i, each in enumerate(numbers)):
                return before
            made = lifted(self.trace, numbers, places, before, self._by_numbers)
            if made is not None:
                return made
        return self.trace.node("array", put_in_shape, (numbers, values.shape), {}, np.array(values))

    def _know(self, given: list[Any], numbers: Numbers, start: int) -> None:
        """Let a list have some entries of an array, from a place on."""
        rows = any(isinstance(each, list | tuple) for each in given)
        for i, each in enumerate(given):
            if isinstance(each, list):
                self._know(each, numbers, start + i * len(each))
            elif isinstance(each, tuple):
                first = start + i * len(each)
                given[i] = tuple(numbers.number(first + j, plain(e)) for j, e in enumerate(each))
            else:
                given[i] = numbers.number(start + i, plain(each))
        lists = rows and all(isinstance(each, list) for each in given)
        self._known[id(given)] = _List(given, numbers, start, rows=lists)

    def store(self, known: _List, key: Any, value: Any) -> None:
        """Store an item of a list, and note it."""
        given, numbers = known.itself, known.numbers
        one = isinstance(key, int) and known.is_same() and -len(given) <= key < len(given)
        at = key % len(given) if one else 0
        if one and not known.rows and _is_number(value):
            _replaced(given[at : at + 1])
            numbers.write(known.start + at, value, getattr(given[at], "known", None))
            given[at] = numbers.number(known.start + at, plain(value))
            known.items[at] = given[at]
        elif one and known.rows and self._fits(value, given[at]):
            self._store_row(known, at, value)
        else:
            given[key] = value
            self._known.pop(id(given), None)
            self._enter(given, DEPTH)

    def _fits(self, value: Any, row: Any) -> bool:
        return type(value) is list and len(value) == len(row) and len(_shape(value)) == 1

    def _store_row(self, known: _List, at: int, value: list[Any]) -> None:
        given, numbers = known.itself, known.numbers
        if value is given[at]:
            return
        first = known.start + at * len(value)
        _replaced(given[at])
        numbers.write_row(first, value, self.array(value))
        self._known.pop(id(given[at]), None)
        given[at] = known.items[at] = value
        self._know(value, numbers, first)


class _Written:
    """A list, as it is stored into."""

    __slots__ = ("known", "lists")

    def __init__(self, lists: Lists, known: _List) -> None:
        self.lists, self.known = lists, known

    def __getitem__(self, key: Any) -> Any:
        return self.known.itself[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.lists.store(self.known, key, value)

    def __delitem__(self, key: Any) -> None:
        del self.known.itself[key]


def _sources(entry: Any, shape: tuple[int, ...]) -> list[Node]:
    """The arrays of a shape of which the first number of a list may be computed."""
    found: dict[Node, None] = {}
    waiting = [entry] if type(entry) is Node else []
    for each in waiting:
        if each.function is taken and not np.ndim(each.value):
            if np.shape(each.args[0].value) == shape and each.args[1] == 0:
                found[each.args[0]] = None
        elif isinstance(each.function, np.ufunc) and len(waiting) < FEW:
            waiting += each.inputs
    return [*found]


def _is_taken(number: Any, array: Node, place: int) -> bool:
    """Whether a number is that at a place of an array, as it is."""
    taken_there = type(number) is Node and number.function is taken and number.args[0] is array
    return taken_there and bool(number.args[1] == place)


def _replaced(numbers: Iterable[Any]) -> None:
    """Let the numbers of a list stay what they are, which others may hold still."""
    for each in numbers:
        if isinstance(each, Entry):
            each.replace()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shape(given: Any) -> tuple[int, ...]:
    """The shape of the array that a list would be; () if it would be none."""
    if given and all(map(_is_number, given)):
        return (len(given),)
    if not given or not all(isinstance(each, list | tuple) for each in given):
        return ()
    if len({type(each) for each in given}) > 1 or len({id(each) for each in given}) < len(given):
        return ()
    lengths = {len(each) if each and all(map(_is_number, each)) else 0 for each in given}
    return (len(given), *lengths) if len(lengths) == 1 and all(lengths) else ()


def _flat(given: Iterable[Any]) -> Iterator[Any]:
    for each in given:
        yield from each if isinstance(each, list | tuple) else (each,)
