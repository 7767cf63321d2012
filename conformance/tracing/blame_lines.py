"""The line to blame for a wrong quantity.

The first operation that mends it, had it given what the equation says, is where it went wrong
(`repair.py`). If none does, it is the first that gives something which the equation does not have.
Whose line that is, the calls of functions decide: a function that gave a right value, which its
caller took for something else, is not to blame, nor one that was handed another quantity than the
equation has, nor one that is right when others call it. A line that gave the wrong entries alone,
such as one branch of σ, is to blame for them.

Left out: whether the value is wrong (`verdict/compare.py`).
"""

from collections.abc import Collection, Sequence
from itertools import permutations

from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import (
    ARRANGING,
    SUMS,
    arranged_last,
    before_arranging,
    given_back,
    is_handed,
    kind_of,
    only_arranges,
    places_in,
    source_of,
    written,
)
from conformance.tracing.entries import Entries
from conformance.tracing.frames import Frame, ignores_a_parameter, stored_last
from conformance.tracing.index import Location, as_floats
from conformance.tracing.node import Node
from conformance.tracing.passed_on import named_anew, passed_on, stored_for, taken_for_a
from conformance.tracing.repair import SCALING, Repair, Repairs, are_exact, branch_of
from conformance.tracing.replay import ROUNDINGS, Replay
from conformance.tracing.run_calls import Calls
from conformance.tracing.source_names import chosen_by
from conformance.tracing.trials import Known, Step, samples_of
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
        self.repairs, self.calls = Repairs(replay, entries), Calls(replay, entries)
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
            return self._to_blame(repair, at, way)
        rounding = self._rounding(node)
        if rounding is not None:
            return chosen_by(rounding.frames)
        node = arranged_last(node)
        return self._taker(node, way) if way.has(self.calls.value(node)) else node.frames

    def _to_blame(self, repair: Repair, at: Location, way: Way) -> tuple[Frame, ...]:
        """The frames of the operation that should have given something else."""
        wrong, step = self._computed(repair, at, way), repair.step
        value = self.calls.value(wrong)
        together = repair.executions
        others = self.calls.others_added(wrong, way) if step.final else []
        ways = (passed_on(each, wrong, self.nodes) for each in others)
        if passed := next(filter(None, ways), ()) or self.calls.of_another(wrong, way):
            return passed
        taken = self._taken(wrong, step)
        meant = next((each for each in taken if each[1] in way.own), None)
        if meant is not None:
            return self.calls.handed_down(wrong, *meant)
        for other, _ in taken:
            alone = len(other.consumers) == 1 and other.frames[:1] != wrong.frames[:1]
            made = other.uses & way.before and not way.before >> other.number & 1
            made = made and not (way.name[0] in "bw" and self.calls.value(other) in way.own)
            if other.frames and alone and made:  # a factor that was made on another line
                find = self._taker if way.has(self.calls.value(other)) else self._guilty
                return find(other, way, together)
        arranges = wrong.operation in ARRANGING and not way.took_one(wrong)
        if are_exact(value) and not arranges and (way.has(value) or way.took_another(wrong)):
            last = self.nodes[max(together)]  # of a running sum that is what was taken
            goes_on = last.depends_on(wrong) and way.has(self.calls.value(last))
            held = last if goes_on else wrong
            taker = () if way.stops_early(value) else self._taker(held, way, together)
            return (stored_last(taker[0]), *taker[1:]) if taker else wrong.frames
        rate = self._rate((wrong, *(other for other, _ in taken)), way)
        if rate is not None and rate.given:
            return self.calls.takes_first(rate, wrong)
        number = () if rate else self.calls.given_number(wrong)
        return number or self._guilty(rate or wrong, way, together)

    def _computed(self, repair: Repair, at: Location, way: Way) -> Node:
        """What gave the numbers that were arranged, if the right ones are not among them."""
        node, places = repair.node, places_in(repair.node, at, self.nodes)
        while node.operation in ARRANGING:
            source = source_of(node, self.nodes, places)
            if (
                source is None
                or way.before >> source[0].number & 1
                or way.has(self.calls.value(source[0]))
                or self.repairs.has_all(source[0], repair.step.result)
            ):
                return written(node, places)
            node, places = source
        return node

    def _rate(self, products: Sequence[Node], way: Way) -> Node | None:
        """The factor of a step that was made on a line before it, and of which nothing is right."""
        lines = {each.frames[:1] for each in products}
        factors = (e for each in products if each.operation in SCALING for e in each.inputs)
        own = way.right or ignores_a_parameter(products[0].frames[0])
        own = own or not samples_of(products[0], way.samples)  # it makes a rate of it
        for each in factors:
            handed = each.given and not own
            made = (each.function is not None or handed) and each.frames[:1] not in lines
            spoiled = way.right is not None and not way.right >> each.number & 1
            if spoiled and made and each.value.size == 1 and each.operation not in ARRANGING:
                return each
        return None

    def _taker(self, node: Node, way: Way, together: Collection[int] = ()) -> tuple[Frame, ...]:
        """The frames of a right value from the function on that took it for something else.

        That is the one that goes on with it; or, before it, a function that gave it and does not
        look at all that it was handed, or only hands on what another gives that others call too.
        """
        takers = [each for each in node.consumers if way.leads_to(each) and each.frames]
        if takers and not node.frames:  # the program was handed it
            return self.calls.takes_first(node, takers[0])
        taken = self._taken_for_gradient(node, takers, way) if takers else ()
        if not taken and takers:
            own = self.calls.value(node) in way.elsewhere
            taken = named_anew(node, takers[0], returned=not own)
        if taken:
            return taken
        frames, calls = node.frames, node.calls
        least = len(frames) - len(self._guilty(node, way, together))
        if any(each.frames == frames for each in takers):  # a sum that goes on where it was made
            return frames[least:]
        for depth, (frame, call) in enumerate(zip(frames, calls, strict=False)):
            goes_on = any(call in each.calls for each in node.consumers if way.leads_to(each))
            right = depth == 0 and self._is_right(node, call, way)
            stops = not right and self.calls.had_all(call, node, way)
            if goes_on or ignores_a_parameter(frame) or self.calls.hands_on(node, depth) or stops:
                return frames[max(depth, least) :]
        if takers and is_handed(node):  # it was put together before it was taken
            return self.calls.takes_first(node, takers[0])
        return frames[-1:]

    def _taken_for_gradient(
        self, node: Node, takers: Sequence[Node], way: Way
    ) -> tuple[Frame, ...]:
        """The frames of what takes a right value for a gradient; none if it can be that itself."""
        if way.took_one(node):  # it should have been added to the others
            if node.operation in SUMS and given_back(node):  # a sum of it alone
                return node.frames
            before = [e for e in node.inputs if node.operation in SCALING and way.took_one(e)]
            if before and before[0] not in given_back(node):  # it was divided
                return self._taker(before[0], way)
            taker = takers[0]
            written = self.calls.written(node) or stored_for(node, taker) or named_anew(node, taker)
            others = [each for each in node.consumers if each is not taker]
            gathers = taker.operation in SUMS - {"add"} or taker.value.ndim > node.value.ndim
            alone = not gathers and not any(each.operation == "add" for each in others)
            return written or (self.calls.comes_in(node, taker) if alone else taker.frames)
        if way.took_another(node):
            if way.name[0] == "a":
                return taken_for_a(node, takers, self.nodes, self.calls.handed)
            return passed_on(node, takers[0], self.nodes) or takers[0].frames
        undivided = node.operation == "add" and way.took_sum(node)
        return takers[0].frames if undivided else ()

    def _is_right(self, node: Node, call: int, way: Way) -> bool:
        """Whether a call gave a part of the equation of what it was handed, or another quantity."""
        value = self.calls.value(node)
        return value in way.elsewhere or (
            value in way.parts and self.calls.was_handed(call, node, way)
        )

    def _taken(self, wrong: Node, step: Step) -> list[tuple[Node, Array]]:
        """The operand that stands where the equation has another, and the one that it has."""
        same = kind_of(step.operation) == kind_of(wrong.operation)
        inputs, operands = wrong.inputs, step.operands
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
        return are_exact(self.calls.value(node)) and self.calls.value(node) in Known([array])

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

    def _guilty(self, wrong: Node, way: Way, together: Collection[int]) -> tuple[Frame, ...]:
        """The frames, without the inner ones whose operation computes something right elsewhere.

        A helper that works when others call it is not to blame for what it is given.

        Args:
            wrong: the operation.
            way: to the quantity.
            together: the numbers of the executions that are wrong with it.
        """
        turn, right = self.calls.entries.turn(wrong), way.right_of(wrong.operation)
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
                if other.number in together or way.wrongly >> other.number & 1
            }
            others = [
                other
                for other in alike
                if other.frames[depth + 1 :] not in {wrong.frames[depth + 1 :], *failing}
                and self.calls.entries.turn(other) == turn
                and (gives_back or not given_back(other))
            ]
            values = map(self.calls.value, others)
            if any(_tells(value) and value in right for value in values) or (
                self.calls.gives_right(wrong, depth, others, way)
            ):
                inmost = depth + 1
        return wrong.frames[inmost:]


def _tells(value: Array) -> bool:
    """Whether an array is exact, and not 0 everywhere, as whatever is multiplied by 0 is."""
    return are_exact(value) and bool(as_floats(value).any())
