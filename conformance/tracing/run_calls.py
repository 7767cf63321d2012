"""The calls of functions in a run: what each was handed, and which of them only hand on a value.

Left out: which function is to blame (`blame_lines.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import SUMS, given_back, operands_of
from conformance.tracing.entries import Entries, value_of
from conformance.tracing.frames import Frame, is_replaced, keeps, reads_a_parameter, stored_last
from conformance.tracing.index import as_floats
from conformance.tracing.node import Node
from conformance.tracing.passed_on import passed_on
from conformance.tracing.repair import CLOSE, SCALING, are_exact
from conformance.tracing.replay import Replay
from conformance.tracing.source_names import numbers_on, scales_by_an_argument
from conformance.tracing.trials import Known, samples_of
from conformance.tracing.ways import Way
from reference.step import Array


class Calls:
    """What is asked of the calls in one run.

    Attributes:
        replay: of the run.
        nodes: of the run.
        handed: the nodes that each call was handed, by its number.
    """

    def __init__(self, replay: Replay, entries: Entries) -> None:
        self.replay, self.nodes = replay, replay.trace.nodes
        self.handed, self.entries = replay.trace.handed, entries

    def value(self, node: Node) -> Array:
        """What an operation gave, exact where it can be; with the other entries of its array."""
        return value_of(self.replay, self.entries.of(node))

    def handed_down(self, wrong: Node, taken: Node, meant: Array) -> tuple[Frame, ...]:
        """The frames from the function on that had the quantity which the equation has."""
        handed, known = self.handed, Known([meant])
        sizes = ((each, sum(e.value.size for e in self.entries.of(each))) for each in self.nodes)
        alike = [each for each, size in sizes if size == meant.size]
        holders = [
            each for each in alike if are_exact(self.value(each)) and self.value(each) in known
        ]
        for depth, call in enumerate(wrong.calls):
            there = any(call in each.calls or each.number in handed[call] for each in holders)
            if there or not any(each.number in handed[call] for each in walk([taken], given_back)):
                return wrong.frames[depth:]
        return wrong.frames[-1:]

    def had_all(self, call: int, made: Node, way: Way) -> bool:
        """Whether a call had all that enters the equation: what it gives should be the quantity."""
        within = [n for n in self.nodes if call in n.calls and n is not made]
        handed = [self.nodes[n] for n in self.handed[call]]
        known = _reached((*handed, *made.inputs, *within), way.before)
        values = [value for value in map(self.value, known) if are_exact(value)]
        return all(
            any(all(any(v in one for v in values) for one in together) for together in alternatives)
            for alternatives in way.needed
        )

    def was_handed(self, call: int, made: Node, way: Way) -> bool:
        """Whether a call was handed as its arguments all of which it made something, and not more.

        What it needs to give the quantity itself is more.
        """
        handed = self.handed[call]
        values = [self.value(self.nodes[n]) for n in handed]
        exact = [each for each in values if are_exact(each)]
        more = way.parameters and all(any(v in one for v in exact) for one in way.parameters)
        made_of = all(each.number in handed for each in _reached(made.inputs, way.before))
        return made_of and not more

    def takes_first(self, given: Node, taker: Node) -> tuple[Frame, ...]:
        """The frames of a taker from the function on that was not handed what it takes."""
        handed = self.handed
        for depth, call in enumerate(taker.calls):
            if given.number not in handed[call]:
                return taker.frames[depth:]
        return taker.frames[-1:]

    def of_another(self, wrong: Node, way: Way) -> tuple[Frame, ...]:
        """The frames of the caller of a function that is right of another quantity than it has."""
        samples = samples_of(wrong, way.samples)
        meant = [e.result for e in way.steps(samples) if not e.operation and e.result in way.own]
        right = [(as_floats(e), list(map(as_floats, way.made_of(e, samples)))) for e in meant]
        depth = 0
        for call in wrong.calls[:-1]:
            if not self._is_right_of_another(call, right, way):
                break
            depth += 1
        return wrong.frames[depth:] if depth else ()

    def _is_right_of_another(
        self, call: int, right: Sequence[tuple[Array, Sequence[Array]]], way: Way
    ) -> bool:
        """Whether a call gives what is made of a quantity, if it has that for one that it has."""
        made, handed = self._made[call], self.handed[call]
        held = [np.asarray(self.nodes[n].value) for n in handed]
        missing = [each for each in right if not any(_is_near(one, each[0]) for one in held)]
        for n in handed & {each.number for node in made for each in node.inputs}:
            fitting = [e for e in missing if e[0].shape == np.shape(self.nodes[n].value)]
            if fitting and self.value(self.nodes[n]) in way.own:
                found = [(_again(made, n, each), given) for each, given in fitting]
                if any(_is_near(each, one) for each, given in found for one in given):
                    return True
        return False

    def gives_right(self, wrong: Node, depth: int, others: Iterable[Node], way: Way) -> bool:
        """Whether a function does in another call just what it did, and gives what is right.

        That is not told by 0 everywhere, as whatever is multiplied by 0 is.

        Args:
            wrong: what it did.
            depth: how far from the operation its frame is.
            others: the same operation in other calls.
            way: to the quantity.
        """
        done = self._done(wrong.calls[depth])
        for each in (other for other in others if other.calls[depth] != wrong.calls[depth]):
            last = self._made[each.calls[depth]][-1]
            told = last.depends_on(each) and bool(np.any(last.value))
            right = told and self.value(last) in way.right_of(last.operation)
            again = self._done(each.calls[depth])
            if right and (done <= again or again <= done):  # of other sizes a sum has no terms
                return True
        return False

    def _done(self, call: int) -> set[tuple[str, tuple[Frame, ...]]]:
        """The operations of a call, with their lines from its own function on."""
        made = self._made[call]
        return {(each.operation, each.frames[: each.calls.index(call) + 1]) for each in made}

    @cached_property
    def _made(self) -> dict[int, list[Node]]:
        """The nodes of each call."""
        found: dict[int, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for call in node.calls:
                found[call].append(node)
        return found

    def others_added(self, wrong: Node, way: Way) -> list[Node]:
        """What a sum adds up that is right, and no gradient of a sample."""
        if not way.name.startswith("nabla") or wrong.operation not in SUMS:
            return []
        kind = wrong.operation, wrong.frames
        added = (e for e in operands_of(wrong) if (e.operation, e.frames) != kind)
        if not reads_a_parameter(wrong.frames[0]):  # then what it was handed is named on its line
            added = (e for e in added if e.number not in self.handed[wrong.calls[0]])
        computed = [e for e in added if e.function is not None and are_exact(self.value(e))]
        return [e for e in computed if self.value(e) in way.anywhere and not way.took_one(e)]

    @staticmethod
    def written(node: Node) -> tuple[Frame, ...]:
        """The frames of the line that wrote a value into an array; none if none did."""
        writes = (write for each in node.consumers for write in each.writes)
        return next((at for _, value, at, _ in writes if value is node), ())

    def comes_in(self, given: Node, taker: Node) -> tuple[Frame, ...]:
        """The frames of what a taker takes, from the function on that the taker is called in."""
        for depth, (call, frame) in enumerate(zip(given.calls, given.frames, strict=True)):
            if keeps(frame):
                return passed_on(given, taker, self.nodes) or given.frames[depth:]
            if call in taker.calls:
                place = stored_last(frame)
                if place == frame or not is_replaced(place):
                    return place, *given.frames[depth + 1 :]
        return taker.frames

    @staticmethod
    def given_number(wrong: Node) -> tuple[Frame, ...]:
        """The frames of the caller on whose line the number stands by which a helper multiplies."""
        if wrong.operation not in SCALING or len(wrong.frames) == 1:
            return ()
        written = numbers_on(wrong.frames[1])
        numbers = ((k, each) for k, each in enumerate(wrong.args) if type(each) in (int, float))
        left = [k == 0 for k, number in numbers if abs(number) in written]
        handed = any(scales_by_an_argument(wrong.frames[0], left=each) for each in left)
        return wrong.frames[1:] if handed else ()

    def hands_on(self, node: Node, depth: int) -> bool:
        """Whether a function only hands on what another one gave that others call too."""
        if depth == 0 or depth + 1 == len(node.frames):
            return False
        inner, caller = node.frames[depth - 1].function, node.frames[depth].function
        return any(
            one.function == inner and other.function != caller
            for each in self.nodes
            for one, other in zip(each.frames, each.frames[1:], strict=False)
        )


def _again(made: Iterable[Node], handed: int, value: Array) -> Any:
    """What a call gives, in floats, if it is handed something else; None if it does not fit."""
    values: dict[int, Any] = {handed: value}
    result: Any = None
    with np.errstate(all="ignore"):
        for node in made:
            if node.function is None or not any(each.number in values for each in node.inputs):
                continue
            try:
                result = node.again(lambda each: values.get(each.number, each.value))
            except (ValueError, TypeError, IndexError, ArithmeticError):
                return None
            values[node.number] = result
    return result


def _is_near(value: Any, wanted: Array) -> bool:
    return np.shape(value) == wanted.shape and np.allclose(value, wanted, rtol=CLOSE, atol=0)


def _reached(nodes: Iterable[Node], before: int) -> Iterator[Node]:
    """What some nodes were made of at once, of what was there before, or are themselves."""

    def later(node: Node) -> tuple[Node, ...]:
        return () if before >> node.number & 1 else node.inputs

    return (each for each in walk(nodes, later) if not later(each))
