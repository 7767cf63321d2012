"""The line to blame for a wrong quantity.

The first operation that mends it, had it given what the equation says, is where it went wrong
(`repair.py`). If none does, it is the first that gives something which the equation does not have.
A function that is right when others call it is not to blame, but its caller, nor one that was
handed another quantity than the equation has, or gave a right value that is taken for another. A
line that gave the wrong entries alone, such as one branch of σ, is to blame for them.

Left out: whether the value is wrong (`verdict/compare.py`), and lines that compute nothing wrong
and lead to it, such as the header of a loop: changes of the program tell them (`changed_line.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import permutations

import numpy as np

from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import (
    ARRANGING,
    arranged_last,
    before_arranging,
    given_back,
    kind_of,
    only_arranges,
    places_in,
    source_of,
    written,
)
from conformance.tracing.entries import Entries, value_of
from conformance.tracing.frames import Frame
from conformance.tracing.index import Location, as_floats
from conformance.tracing.node import Node
from conformance.tracing.repair import Repair, Repairs, are_exact, branch_of
from conformance.tracing.replay import ROUNDINGS, Replay
from conformance.tracing.source_names import chosen_by, returns
from conformance.tracing.trials import Known, Step
from conformance.tracing.ways import Way
from reference.step import Array, split

TURNS = ("add", "product")  # operations whose operands may stand in either order

Lines = dict[tuple[object, ...], tuple[Frame, ...]]
"""The lines to blame, by what the program did."""


class Blame:
    """The search for a line in one run."""

    def __init__(self, replay: Replay, samples: Sequence[int], known: Lines | None = None) -> None:
        """Search in the run that is evaluated again.

        Args:
            replay: of the run.
            samples: the bits of the nodes of each sample.
            known: what was found in other runs of the program, to which this adds.
        """
        self.replay, self.nodes = replay, replay.trace.nodes
        entries = Entries(self.nodes, samples)
        self.repairs, self.entries = Repairs(replay, entries), entries
        self.known = {} if known is None else known

    def frames(self, node: Node, at: Location, way: Way) -> tuple[Frame, ...]:
        """The frames of the operation to blame for a wrong value, the one to blame first.

        Where a program did the same on other numbers, it is the same operation.

        Args:
            node: what computed a wrong number.
            at: where the quantity is.
            way: what its equation gives.
        """
        if way.decides and self.repairs.right(at, way):
            rounding = self._rounding(node)
            return node.frames if rounding is None else chosen_by(rounding.frames)
        done = self.repairs.path(at.numbers, way.before)
        operations = frozenset((each.operation, each.frames) for each in done)
        key = split(way.name)[0], node.operation, node.frames, operations
        if key not in self.known:
            self.known[key] = self._found(node, at, way)
        return self.known[key]

    def _found(self, node: Node, at: Location, way: Way) -> tuple[Frame, ...]:
        repair = self.repairs.first(at, way) if way.decides else None
        if way.decides and (repair is None or only_arranges(repair.node)):
            computed = before_arranging(at, self.nodes)
            before = None if computed is at else self.repairs.first(computed, way)
            branch = () if before else branch_of(computed, way.wanted, self.replay)
            if branch:
                return branch
            repair = before or repair
        if repair is not None and repair.node.frames:
            wrong = self._computed(repair, at, way)
            return self._handed_over(wrong, repair.step, way) or self._guilty(wrong, way, repair)
        rounding = self._rounding(node)
        return arranged_last(node).frames if rounding is None else chosen_by(rounding.frames)

    def _computed(self, repair: Repair, at: Location, way: Way) -> Node:
        """What gave the numbers that were arranged, if the right ones are not among them."""
        node, places = repair.node, places_in(repair.node, at, self.nodes)
        while node.operation in ARRANGING:
            source = source_of(node, self.nodes, places)
            if (
                source is None
                or way.before >> source[0].number & 1
                or way.has(self.value(source[0]))
                or self.repairs.has_all(source[0], repair.step.result)
            ):
                return written(node, places)
            node, places = source
        return node

    def _handed_over(self, wrong: Node, step: Step, way: Way) -> tuple[Frame, ...]:
        """The frames of the caller, where a function is right of what it has; none else.

        It was handed one quantity where the equation has another, or what it returns is right, and
        is taken for something else.
        """
        taken = self._taken(wrong, step)
        meant = next((each for each in taken if each[1] in way.own), None)
        if meant is not None:
            return self._handed_down(wrong, *meant)
        value = self.value(wrong)
        z = way.found.get(f"z{split(way.name)[1]}")  # with which it could have given the quantity
        knew = z is not None and not self.replay.trace.handed[wrong.calls[0]].isdisjoint(z.numbers)
        given = wrong.operation not in ARRANGING and returns(wrong.frames[0]) and not knew
        return wrong.frames[1:] if given and are_exact(value) and way.has(value) else ()

    def _taken(self, wrong: Node, step: Step) -> list[tuple[Node, Array]]:
        """The operand that stands where the equation has another, and the one that it has."""
        inputs, operands = wrong.inputs, step.operands
        same = kind_of(step.operation) == kind_of(wrong.operation)
        if not same or len(inputs) != len(operands) or len(inputs) not in (1, 2):
            return []
        if len(inputs) == 1:
            return [] if self._same(inputs[0], operands[0]) else [(inputs[0], operands[0])]
        found = []
        for one, other in permutations(inputs):
            for place, meant in permutations(operands):
                straight = (one is inputs[0]) == (place is operands[0])
                if (straight or kind_of(wrong.operation) in TURNS) and self._same(one, place):
                    found += [] if self._same(other, meant) else [(other, meant)]
        return found

    def _same(self, node: Node, array: Array) -> bool:
        return are_exact(self.value(node)) and self.value(node) in Known([array])

    def _handed_down(self, wrong: Node, taken: Node, meant: Array) -> tuple[Frame, ...]:
        """The frames from the function on that had the quantity which the equation has."""
        handed, known = self.replay.trace.handed, Known([meant])
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

    def _rounding(self, node: Node) -> Node | None:
        """The first operation that rounded on purpose what a node was computed of, if one did."""
        rounded = self.replay.rounded

        def before(each: Node) -> list[Node]:
            return [e for e in each.inputs if e.number in rounded]

        starts = [node] if node.number in rounded else []
        return min(
            (each for each in walk(starts, before) if each.operation in ROUNDINGS),
            key=lambda each: each.number,
            default=None,
        )

    def _guilty(self, wrong: Node, way: Way, repair: Repair) -> tuple[Frame, ...]:
        """The frames, without the inner ones whose operation computes something right elsewhere.

        A helper that works when others call it is not to blame for what it is given.

        Args:
            wrong: the operation.
            way: to the quantity.
            repair: of all executions that are wrong with it.
        """
        turn, right = self.entries.turn(wrong), way.right_of(wrong.operation)
        gives_back = bool(given_back(wrong))
        inmost = len(wrong.frames) - len(chosen_by(wrong.frames))
        for depth in range(inmost, len(wrong.frames) - 1):
            inner = wrong.frames[: depth + 1]
            alike = [
                other
                for other in self.nodes
                if other.operation == wrong.operation and other.frames[: depth + 1] == inner
            ]
            failing = {  # those that call it where it is wrong, if not each time
                other.frames[depth + 1 :]
                for other in alike
                if other.number in repair.executions or way.wrongly >> other.number & 1
            }
            others = [
                other
                for other in alike
                if other.frames[depth + 1 :] not in {wrong.frames[depth + 1 :], *failing}
                and self.entries.turn(other) == turn
                and (gives_back or not given_back(other))
            ]
            values = map(self.value, others)
            if any(_tells(value) and value in right for value in values) or (
                self._gives_right(wrong, depth, others, way)
            ):
                inmost = depth + 1
        return wrong.frames[inmost:]

    def value(self, node: Node) -> Array:
        """What an operation gave, exact where it can be; with the other entries of its array."""
        return value_of(self.replay, self.entries.of(node))

    def _gives_right(self, wrong: Node, depth: int, others: Iterable[Node], way: Way) -> bool:
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


def _tells(value: Array) -> bool:
    """Whether an array is exact, and not 0 everywhere, as whatever is multiplied by 0 is."""
    return are_exact(value) and bool(as_floats(value).any())
