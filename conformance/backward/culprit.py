"""The line to blame, where an operation that can be repaired and its operands lie on several.

Left out: the repairs (`blame.py`) and the changes of one operation (`fixes.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.backward.evidence import told
from conformance.backward.findings import Line
from conformance.backward.fixes import Fix, Fixes
from conformance.backward.groups import Group, Repair
from conformance.backward.names import named
from conformance.backward.operation import MOVES, is_float
from conformance.backward.quantities import Match
from conformance.backward.region import INVERSES
from conformance.backward.source import line_of, operand_name, own_lines
from conformance.backward.syntax import assigned, base, hands_back, renamed
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node
from reference.step import Array

PRODUCTS = ("multiply", "divide", "negative")
PLAUSIBLE = 2.0  # a change that costs less is believed before the operation that is repaired


@dataclass(frozen=True, eq=False)
class Handed:
    """A line that hands on a derivative under another name.

    Attributes:
        line: it.
        held: the derivative.
        needed: that which is needed there.
        back: whether a layer hands back what it was given.
    """

    line: Line
    held: Match
    needed: Match
    back: bool = False


class Culprit(Fixes):
    """What is to blame, given the repairs."""

    def lines_of(self, group: Group, wrong: set[int] | None = None) -> list[Line]:
        """The line of an operation; that of the call, if it is right where others call it.

        Args:
            group: the executions of the operation.
            wrong: the numbers of those that gave something wrong, if that is known.
        """
        node = next((e for e in group.nodes if wrong and e.number in wrong), group.first)
        own = list(own_lines(node))
        if len(own) < 2 or node.site is None:  # noqa: PLR2004 - no call
            return own[:1]
        calls = {e.frames[1:] for e in group.nodes if wrong is None or e.number in wrong}
        right = any(
            each.site == node.site
            and each.operation == node.operation
            and each.frames[1:] not in calls
            and (self.forward.contains(each) or wrong is not None)
            for each in self.chain.nodes
        )
        return own[1:2] + own[:1] if right else own[:1]

    def callers(self, node: Node) -> list[Line]:
        """The lines that call the function of a node, if there are several."""
        inner = node.frames[:1]
        calls = {e.frames[1:] for e in self.chain.nodes if _same_function(e.frames[:1], inner)}
        return list(own_lines(node))[1:] if len(calls) > 1 else []

    def wrong_executions(self, repair: Repair) -> set[int]:
        """The numbers of the executions that gave something else than they have to give."""
        numbers = {each.number: each for each in repair.group.nodes}
        return {n for n, v in repair.values.items() if self._differs(numbers[n], v)}

    def lines_of_fix(self, fix: Fix) -> list[Line]:
        """The line of an operation, or of what it is given under a name."""
        node, place = fix.group.first, fix.change.place
        if fix.change.line is not None:
            return [fix.change.line]
        if place is not None:
            line, name = line_of(node), base(operand_name(node, place))
            own = line is not None and name and name not in self._forward_names
            found = assigned(name, line, alias=False) if own and line is not None else None
            if found is not None:
                return [found, *self.lines_of(fix.group)]
        if fix.change.what == "operand" and self._is_not_given(fix):
            called = list(own_lines(node))
            return called[1:2] + called[:1]  # the call does not give the right one
        return self.lines_of(fix.group)

    def _is_not_given(self, fix: Fix) -> bool:
        """Whether a function is not given the operand that it needs, nor what it is made of."""
        node, other, place = fix.group.first, fix.change.other, int(fix.change.before) - 1
        if other is None or not _is_argument(node, place):
            return False
        if any(each.args[place] in other.inputs for each in fix.group.nodes):
            return False
        same = [e for e in self.chain.nodes if _same_function(e.frames, node.frames)]
        used = any(other in each.inputs for each in same)
        return not used and named(other).name not in _parameters(node)

    def needed_operands(self, group: Group) -> Iterator[Line]:
        """The lines of operands that have to be a ∂C/∂v, and would make an operation right."""
        repair = next(each for each in self.repairs if each.group is group)
        node = self._first_wrong(repair)
        inverse = INVERSES.get(node.operation)
        right = repair.values.get(node.number)
        if inverse is None or right is None or len(node.args) != 2:  # noqa: PLR2004
            return
        args, _ = self.chain.arguments(node, {})
        for i, arg in enumerate(node.args):
            number = type(arg) is not Node and node.operation != "add"  # it scales, and is no sum
            if number or (type(arg) is Node and (self.forward.contains(arg) or self.known(arg))):
                continue
            if self._solved(inverse[i], right, args[1 - i]) is not None:
                yield from self._operand_lines(node, i)

    def handed(self, group: Group) -> Handed | None:
        """The line that hands on a derivative where that of another value is needed."""
        repair = next(each for each in self.repairs if each.group is group)
        node = self._first_wrong(repair)
        inverse, right = INVERSES.get(node.operation), repair.values.get(node.number)
        if inverse is None or right is None or len(node.args) != 2:  # noqa: PLR2004
            return None
        args, _ = self.chain.arguments(node, {})
        for i, arg in enumerate(node.args):
            if type(arg) is not Node or self.forward.contains(arg) or not self.known(arg):
                continue
            line = line_of(arg)
            name = base(operand_name(node, i))
            given = renamed(line, name) if line is not None else None
            match = self._solved(inverse[i], right, args[1 - i]) if given is not None else None
            if given is not None and match is not None:
                return Handed(given, self.known(arg)[0], match)
        return None

    def handed_back(self) -> Handed | None:
        """The line of a layer that hands back the derivative of what it computed as that of x."""
        repair = self.repairs[0]
        needed = self.needed(repair)
        if needed is None:
            return None
        for held in self.known(self._first_wrong(repair)):
            node = held.quantity.nodes[0]
            line = line_of(node) if node.depends_on(needed.quantity.nodes[0]) else None
            back = hands_back(line) if line is not None else None
            if back is not None and held.quantity.kind == "total":
                return Handed(back, held, needed, back=True)
        return None

    def _solved(self, inverse: Callable[..., Any], right: Array, other: Any) -> Match | None:
        """The derivative that an operand has to be, for an operation to give what it has to."""
        with np.errstate(all="ignore"):
            value = np.asarray(inverse(right, other), dtype=np.float64)
        matches = self.search.known.matches(value) if np.all(np.isfinite(value)) else ()
        return next(iter(matches), None)

    def sums_of(self, repair: Repair) -> Iterator[Line]:
        """The lines of sums that lack a contribution, which products of them lack too."""
        todo = [self._first_wrong(repair)] if self.lacks_parts(repair) else []
        while todo:
            node = todo.pop()
            if node.operation in ("add", "subtract"):
                yield from self.lines_of(self._by_number.get(node.number, Group([node])))
            elif node.operation in (*PRODUCTS, *MOVES):
                todo += [e for e in node.inputs if is_float(e) and not self.forward.contains(e)]

    def told_operands(self) -> Iterator[Line]:
        """The lines of operands that are said to be wrong by what they have to be.

        Each is one of which all wrong gradients are made: of one among several, others are wrong.
        """
        wrong = [each.goal.node for each in self.search.verdicts if not each.ok]
        for repair in self.repairs:
            for node in repair.group.nodes:
                right = repair.values.get(node.number)
                if right is None or not self._differs(node, right):
                    continue
                for operand, _ in reversed(list(told(self.chain, node, right, self.is_settled))):
                    group = self._by_number.get(operand.number, Group([operand]))
                    if all(any(goal.depends_on(e) for e in group.nodes) for goal in wrong):
                        yield from self.lines_of(group, {operand.number})

    def _operand_lines(self, node: Node, place: int) -> Iterator[Line]:
        """The line that an operand comes from."""
        arg = node.args[place]
        line = line_of(node)
        name = base(operand_name(node, place))
        if type(arg) is Node and arg.function is not None:
            group = self._by_number.get(arg.number, Group([arg]))
            yield from self.lines_of(group, {arg.number})
        elif line is not None and name:
            found = assigned(name, line, alias=False)
            if found is not None:
                yield found


def _is_argument(node: Node, place: int) -> bool:
    """Whether an operand is what the function was given under that name."""
    line, name = line_of(node), operand_name(node, place)
    given = line is not None and name in _parameters(node)
    return given and assigned(name, line, alias=False) is None


def _parameters(node: Node) -> tuple[str, ...]:
    """The parameters of the function that computed a value."""
    if node.site is None:
        return ()
    code = node.site[0]
    return code.co_varnames[: code.co_argcount]


def _same_function(one: tuple[Frame, ...], other: tuple[Frame, ...]) -> bool:
    return [(e.file, e.function) for e in one] == [(e.file, e.function) for e in other]


@dataclass(frozen=True, eq=False)
class Found:
    """What is to blame.

    Attributes:
        lines: the lines in question, the one to blame first.
        fix: the change of one operation that makes all gradients right, if one does.
        repair: the operation that has to give something else, if it is known.
        held: what the first operation that can be repaired gives: all derivatives that it may be.
        needed: what the operation that can be repaired has to give.
        handed: what the first line hands on, if that is what is wrong.
        begun: where what gives wrong gradients alone begins, if no more is known.
    """

    lines: tuple[Line, ...]
    fix: Fix | None = None
    repair: Repair | None = None
    held: tuple[Match, ...] = ()
    needed: Match | None = None
    handed: Handed | None = None
    begun: Group | None = None

    @property
    def certain(self) -> bool:
        """Whether a change of one operation is believed."""
        return self.fix is not None and self.fix.change.cost < PLAUSIBLE


def find(culprit: Culprit) -> Found:
    """What is to blame."""
    fixes = sorted(culprit.fixes(), key=lambda each: each.change.cost)
    lines = [e for f in fixes if f.change.cost < PLAUSIBLE for e in culprit.lines_of_fix(f)]
    repair: Repair | None = None
    held: tuple[Match, ...] = ()
    needed: Match | None = None
    handed: Handed | None = None
    begun: Group | None = None
    if culprit.repairs:
        repair = culprit.turning()
        handed = culprit.handed(repair.group) or culprit.handed_back() if not lines else None
        lines += [] if handed is None else [handed.line]
        held, needed = tuple(culprit.held(repair)), culprit.needed(repair)
        lines += culprit.told_operands() if not lines else ()
        begun = culprit.begins(repair) if not fixes and not lines else None
        lines += culprit.lines_of(begun) if begun is not None else ()
        lines += culprit.sums_of(repair)
        lines += culprit.needed_operands(repair.group)
        for each in (repair, culprit.repairs[0]):
            lines += culprit.lines_of(each.group, culprit.wrong_executions(each))
        for group in (*culprit.upstream(repair), *(e.group for e in culprit.repairs)):
            lines += culprit.lines_of(group)
        lines += culprit.callers(repair.group.first)
    lines += [e for f in fixes for e in culprit.lines_of(f.group)]
    fix = fixes[0] if fixes else None
    return Found(tuple(dict.fromkeys(lines)), fix, repair, held, needed, handed, begun)
