"""The line to blame, where an operation that can be repaired and its operands lie on several.

Left out: the repairs (`blame.py`) and the changes of one operation (`changes.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from conformance.backward.chain import Rules
from conformance.backward.change import NEARLY, Change
from conformance.backward.changes import changes, renumbered, scaled, scales
from conformance.backward.evidence import told
from conformance.backward.findings import Line
from conformance.backward.groups import UNFIT, Group, Repair, grouped
from conformance.backward.judge import distance
from conformance.backward.operation import MOVES, is_float
from conformance.backward.quantities import HALF_OF_THE_DIGITS, Match
from conformance.backward.region import INVERSES, Region
from conformance.backward.source import line_of, operand_name, own_lines
from conformance.backward.syntax import assigned, base, reads
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node, bits_of_nodes
from reference.step import Array

PRODUCTS = ("multiply", "divide", "negative")
SMALL = 12  # of a number that a single gradient tells
PLAUSIBLE = 2.0  # a change that costs less is believed before the operation that is repaired
EVALUATIONS = 60_000  # of operations, when nothing is known of what they have to give


@dataclass(frozen=True, eq=False)
class Fix:
    """A change of an operation that makes all gradients right."""

    group: Group
    change: Change


class Culprit(Region):
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
        if place is not None:
            line, name = line_of(node), base(operand_name(node, place))
            own = line is not None and name and name not in self._forward_names
            found = assigned(name, line, alias=False) if own and line is not None else None
            if found is not None:
                return [found, *self.lines_of(fix.group)]
        if fix.change.what == "operand" and _is_argument(node, int(fix.change.before) - 1):
            same = [e for e in self.chain.nodes if _same_function(e.frames, node.frames)]
            if not any(fix.change.other in each.inputs for each in same):
                called = list(own_lines(node))
                return called[1:2] + called[:1]  # the call does not give the right one
        return self.lines_of(fix.group)

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
            with np.errstate(all="ignore"):
                value = np.asarray(inverse[i](right, args[1 - i]), dtype=np.float64)
            if np.all(np.isfinite(value)) and any(True for _ in self.search.known.matches(value)):
                yield from self._operand_lines(node, i)

    def sums_of(self, repair: Repair) -> Iterator[Line]:
        """The lines of sums that lack a contribution, which products of them lack too."""
        todo = [self._first_wrong(repair)] if self._lacks_parts(repair) else []
        while todo:
            node = todo.pop()
            if node.operation in ("add", "subtract"):
                yield from self.lines_of(self._by_number.get(node.number, Group([node])))
            elif node.operation in (*PRODUCTS, *MOVES):
                todo += [e for e in node.inputs if is_float(e) and not self.forward.contains(e)]

    def _lacks_parts(self, repair: Repair) -> bool:
        """Whether a value is a part of the derivative that is needed."""
        needed = {n for match in repair.matches if match for n in match.quantity.nodes}
        held = self.known(self._first_wrong(repair))
        return any(e.quantity.kind == "part" and e.quantity.nodes[0] in needed for e in held)

    def told_operands(self) -> Iterator[Line]:
        """The lines of operands that are said to be wrong by what they have to be."""
        for repair in self.repairs:
            for node in repair.group.nodes:
                right = repair.values.get(node.number)
                if right is None or not self._differs(node, right):
                    continue
                for operand, _ in reversed(list(told(self.chain, node, right, self.right))):
                    group = self._by_number.get(operand.number, Group([operand]))
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

    def fixes(self) -> Iterator[Fix]:
        """The changes of one operation that make all gradients right."""
        arrays = [each for each in self.chain.nodes if isinstance(each.value, np.ndarray)]
        everything = grouped(arrays, calls=True)
        by_shape: dict[tuple[int, ...], list[Group]] = {}
        for each in everything:
            for shape in {node.value.shape for node in each.nodes}:
                by_shape.setdefault(shape, []).append(each)
        yield from self._fixes_of_variables()
        for group in self.region():
            target = self._target(group)
            others = {} if target is None and scales(group.first) else by_shape
            for change in (*self._scalings(group), *changes(group, others, self.chain.value)):
                if self._mends(group, change, target):
                    yield Fix(group, change)

    @cached_property
    def _forward_names(self) -> set[str]:
        """The names of operands of the forward pass: their numbers are right."""
        nodes = self.forward.nodes()
        return {operand_name(node, i) for node in nodes for i in range(len(node.args))}

    @cached_property
    def _numbers(self) -> set[float]:
        """The numbers that the forward pass computes with, and the lengths of its arrays."""
        nodes = self.forward.nodes()
        used = (e for node in nodes for e in node.args if isinstance(e, int | float))
        lengths = (n for node in nodes for n in np.shape(node.value) if n > 1)
        return {*map(float, used), *map(float, lengths)} - {0.0}

    def _fixes_of_variables(self) -> Iterator[Fix]:
        """The changes of a number that several operations use under one name."""
        found: dict[tuple[str, str, float], dict[int, int]] = {}
        for node in self.search.nodes:
            for i, arg in enumerate(node.args if node.operation in INVERSES else ()):
                name = operand_name(node, i) if isinstance(arg, int | float) else ""
                if name.isidentifier() and name not in self._forward_names and node.frames:
                    key = node.frames[0].function, name, float(arg)
                    found.setdefault(key, {})[node.number] = i
        for (_, name, _), places in found.items():
            nodes = [self.chain.nodes[n] for n in places]
            line = line_of(nodes[0])
            if line is not None and reads(name, line) > len({each.site for each in nodes}):
                continue  # what else it is used for is right: it is the use that is to blame
            for change in renumbered(nodes, places, self._numbers):
                if self._mends(Group(nodes), change, None):
                    yield Fix(Group(nodes), replace(change, place=places[nodes[0].number]))

    def _target(self, group: Group) -> tuple[Node, Array] | None:
        """The first wrong value below an operation of which it is known what it has to be."""
        bits = bits_of_nodes(group.nodes)
        own = [each for each in self.repairs if each.group.first is group.first]
        for repair in own or self.repairs:
            if repair.kind in ("sum", "rest"):
                continue
            for node in repair.group.nodes:
                right = repair.values.get(node.number)
                if right is None or not node.uses & bits:
                    continue
                if self._differs(node, right):
                    return node, right
        return None

    def _scalings(self, group: Group) -> list[Change]:
        """The change of a constant that would do, if one does."""
        if not is_float(group.first) or group.first.function is None:
            return []
        sensitivity = self.search.sensitivity(group)
        gained = np.zeros(len(self.search.missing))
        for node in group.nodes:
            if node.number in sensitivity:
                each = sensitivity[node.number].reshape(len(gained), -1)
                gained += each @ np.ravel(self.chain.values[node.number])
        square = float(gained @ gained)
        if square == 0 or group.recurrent:
            return []
        factor = 1 + float(gained @ self.search.missing) / square
        wrong = [each for each in self.search.verdicts if not each.ok]
        if sum(each.right.size for each in wrong) == 1 and not _is_simple(factor):
            return []  # some number puts a single number right, whatever is wrong
        return [scaled(group, factor, self.chain.value)]

    def _mends(self, group: Group, change: Change, target: tuple[Node, Array] | None) -> bool:
        rules = {
            node.number: (lambda args, kwargs, node=node: change.rule(node, args, kwargs))
            for node in group.nodes
        }
        if not self._affordable():
            return False
        if target is not None:  # else what the gradients depend on in a straight line is tried
            return self._reaches(rules, *target) and self.search.confirms({}, rules)
        if len(group.nodes) > 1 or not is_float(group.first):
            return self.search.confirms({}, rules)
        node = group.first
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(rules[node.number](*self.chain.arguments(node, {})))
        except UNFIT:
            return False
        if value.shape != node.value.shape:
            return self.search.confirms({}, rules)
        return self.search.mends(group, {node.number: value})

    def _reaches(self, rules: Rules, node: Node, right: Array) -> bool:
        """Whether a value is right with some operations changed."""
        try:
            found = self.chain.after({}, [node], rules)[node.number]
        except UNFIT:
            return False
        return np.shape(found) == right.shape and distance(found, right) <= HALF_OF_THE_DIGITS

    def _affordable(self) -> bool:
        """Whether one more evaluation is within the budget."""
        return self.chain.evaluated <= EVALUATIONS


def _is_argument(node: Node, place: int) -> bool:
    """Whether an operand is what the function was given under that name."""
    line, name = line_of(node), operand_name(node, place)
    if line is None or node.site is None:
        return False
    code = node.site[0]
    return (
        name in code.co_varnames[: code.co_argcount] and assigned(name, line, alias=False) is None
    )


def _is_simple(number: float) -> bool:
    """Whether a number is one that people write: a fraction of small numbers."""
    near = Fraction(number).limit_denominator(SMALL) if np.isfinite(number) else Fraction(SMALL + 1)
    return abs(near.numerator) <= SMALL and abs(float(near) - number) <= NEARLY


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
    """

    lines: tuple[Line, ...]
    fix: Fix | None = None
    repair: Repair | None = None
    held: tuple[Match, ...] = ()


def find(culprit: Culprit) -> Found:
    """What is to blame."""
    fixes = sorted(culprit.fixes(), key=lambda each: each.change.cost)
    lines = [e for f in fixes if f.change.cost < PLAUSIBLE for e in culprit.lines_of_fix(f)]
    repair: Repair | None = None
    held: tuple[Match, ...] = ()
    if culprit.repairs:
        repair = culprit.turning()
        held = tuple(culprit.known(culprit.repairs[0].group.first))
        lines += culprit.told_operands() if not lines else ()
        lines += culprit.sums_of(repair)
        lines += culprit.needed_operands(repair.group)
        for each in (repair, culprit.repairs[0]):
            lines += culprit.lines_of(each.group, culprit.wrong_executions(each))
        for group in (*culprit.upstream(repair), *(e.group for e in culprit.repairs)):
            lines += culprit.lines_of(group)
        lines += culprit.callers(repair.group.first)
    lines += [e for f in fixes for e in culprit.lines_of(f.group)]
    return Found(tuple(dict.fromkeys(lines)), fixes[0] if fixes else None, repair, held)
