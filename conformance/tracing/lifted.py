"""Operations that move the numbers of a list one by one, as one operation on the array of them.

`w[i] -= rate * g[i]` for each i is `w - rate * g`. Only what nothing else uses is put together.
What is stored in two lists, as by `v[i] = step` and `w[i] += step`, is one array in both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from conformance.tracing.node import Node, taken, uses_of_nodes
from conformance.tracing.trace import Trace
from conformance.tracing.vectorized import put_in_shape
from reference.step import Array


class Partial(NamedTuple):
    """An array in which some numbers were stored, of which all are stored one by one.

    Attributes:
        before: what the array was before.
        stored: the places of the numbers.
        after: what it is once all are stored; None until then.
    """

    before: Node
    stored: frozenset[int]
    after: Node | None = None


@dataclass(eq=False)
class ByNumbers:
    """What is known of arrays of which the numbers are computed one by one.

    Attributes:
        partial: those in which some were stored.
        made: one operation, by the numbers that it stands for.
    """

    partial: dict[Node, Partial] = field(default_factory=dict)
    made: dict[tuple[Node, ...], Node] = field(default_factory=dict)


def lifted(
    trace: Trace, entries: Sequence[Any], places: Array, before: Node, known: ByNumbers
) -> Node | None:
    """What moves some numbers of an array, as one operation; None if they are not moved so.

    Args:
        trace: where it is noted.
        entries: the new numbers: nodes.
        places: theirs in the flattened array; the result has their shape.
        before: what the array was.
        known: what is known of such arrays.
    """
    again = known.made.get((*entries,))
    if again is not None and again.value.shape == places.shape:
        return again
    made = _Lifting(trace, places, before, known)
    if not all(type(each) is Node and made.moves(each, i) for i, each in enumerate(entries)):
        return None
    recording, trace.recording = trace.recording, False  # nobody reads the array meanwhile
    found = made.operation(entries)
    trace.recording = recording
    if found is None or found in entries:
        return None
    found.uses |= uses_of_nodes(entries)
    let_go(entries)
    return found


def let_go(entries: Iterable[Node]) -> None:
    """Take what nothing is computed from any more from the consumers of its operands."""
    waiting = [each for each in entries if not each.consumers]
    for node in waiting:
        node.frames = ()
        for each in node.inputs:
            each.consumers = [user for user in each.consumers if user is not node]
            if not each.consumers and each.function is not None:
                waiting.append(each)


class _Lifting:
    def __init__(self, trace: Trace, places: Array, before: Node, known: ByNumbers) -> None:
        self.trace, self.places, self.before, self.known = trace, places, before, known

    def moves(self, entry: Node, i: int) -> bool:
        """Whether a number is computed of what was at its place alone, by operations for it alone.

        What is computed of all the numbers is one of a product with a matrix.
        """
        waiting, places = [entry], set[int]()
        for each in waiting:
            if self._array_of(each) is self.before:
                places.add(int(each.args[1]))
            elif each is entry or _is_alone(each):
                waiting += each.inputs
        return places == {self.places.reshape(-1)[i]}

    def operation(self, entries: Sequence[Node]) -> Node | None:
        """The same operation on arrays of its operands."""
        first, *rest = entries
        again = self.known.made.get((*entries,))
        if again is not None and again.value.shape == self.places.shape:
            return again
        same = all(
            each.function is first.function and len(each.args) == len(first.args) for each in rest
        )
        if not same or not isinstance(first.function, np.ufunc):
            return None
        args = tuple(map(self.together, zip(*(each.args for each in entries), strict=True)))
        shapes = [np.shape(each.value if type(each) is Node else each) for each in args]
        if self.places.shape not in shapes:
            return first  # the same for each
        made = self.node(first.operation, first.function, args, entries)
        self.known.made[*entries,] = made
        return made

    def node(self, name: str, function: Any, args: Any, entries: Sequence[Node]) -> Node:
        values = np.array([each.value for each in entries]).reshape(self.places.shape)
        made = self.trace.node(name, function, args, {}, values)
        last = next((e for e in entries[::-1] if e.frames), made)
        made.frames, made.calls, made.sites = last.frames, last.calls, last.sites
        return made

    def together(self, operands: Sequence[Any]) -> Any:
        """The operands of one operation for each number, as one of the operation on arrays."""
        first, *rest = operands
        if all(each is first for each in rest) and (rest or type(first) is not Node):
            return first
        nodes = [each for each in operands if type(each) is Node]
        if not nodes and all(each == first for each in rest):
            return first
        if len(nodes) < len(operands):
            return np.reshape(operands, self.places.shape) if not nodes else self.array(operands)
        arrays = {self._array_of(each) for each in nodes}
        (array,) = arrays if len(arrays) == 1 else (None,)
        if array is not None:
            return self.taken(nodes, array)
        kept = {self._array_of(operand) for each in nodes for operand in each.inputs}
        same = len(kept) == 1 and None not in kept  # as the multiples of a velocity
        same = same or all(each.frames == first.frames for each in nodes)
        alone = same and all(map(_is_alone, nodes))
        found = self.operation(nodes) if alone else None
        return self.array(operands) if found is None else found

    def _array_of(self, node: Node) -> Node | None:
        """The array that a number is taken out of; None if it is none of an array."""
        if node.function is not taken or np.ndim(node.value):
            return None
        state, place = node.args[0], int(node.args[1])
        partial = self.known.partial.get(state)
        if partial is not None:
            state = (partial.after or state) if place in partial.stored else partial.before
        own = self.known.partial.get(self.before)  # what is moved may itself be stored in part
        kept = own is not None and own.before is state and place not in own.stored
        return self.before if kept else state

    def taken(self, nodes: Sequence[Node], state: Node) -> Node:
        """The numbers of one array at some places."""
        places = np.array([int(each.args[1]) for each in nodes])
        whole = np.shape(state.value) == self.places.shape
        if whole and np.array_equal(places, np.arange(np.size(state.value))):
            return state
        return self.node("getitem", taken, (state, places.reshape(self.places.shape)), nodes)

    def array(self, operands: Sequence[Any]) -> Node:
        """An array of numbers that have no operation in common."""
        values = [each.value if type(each) is Node else each for each in operands]
        made = self.trace.node(
            "array", put_in_shape, ([*operands], self.places.shape), {},
            np.array(values, np.float64).reshape(self.places.shape),
        )  # fmt: skip
        made.frames, made.calls, made.sites = (), (), ()  # the lines are those of the numbers
        return made


def _is_alone(node: Node) -> bool:
    """Whether an operation on numbers is of use for one thing alone, and gives no state."""
    used = len(node.consumers) == 1 and not node.moves
    return isinstance(node.function, np.ufunc) and used and not np.ndim(node.value)
