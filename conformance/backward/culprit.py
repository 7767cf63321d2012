"""The line to blame, where an operation that can be repaired and its operands lie on several.

Left out: the repairs (`blame.py`) and the changes of one operation (`changes.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from conformance.backward.blame import UNFIT, Group, Repair, Search, grouped
from conformance.backward.chain import Rules
from conformance.backward.changes import Change, changes, renumbered, scaled, scales
from conformance.backward.derive import MOVES, is_float
from conformance.backward.findings import Line
from conformance.backward.judge import distance
from conformance.backward.quantities import (
    HALF_OF_THE_DIGITS,
    Catalogue,
    Match,
    Quantity,
)
from conformance.backward.source import assigned, base, operand_name
from conformance.tracing.trace import Node
from reference.step import Array

FEW_REPAIRS = 6
FEW_ENTRIES = 4  # fewer match by chance up to a constant
NEARLY = 1e-9
PLAUSIBLE = 2.0  # a change that costs less is believed before the operation that is repaired
INVERSES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "multiply": (np.divide, np.divide),
    "add": (np.subtract, np.subtract),
    "subtract": (np.add, lambda right, other: other - right),
    "divide": (np.multiply, lambda right, other: other / right),
}
"""What an operand has to be, of the right result and the other operand."""
EVALUATIONS = 60_000  # of operations, when nothing is known of what they have to give


@dataclass(frozen=True, eq=False)
class Fix:
    """A change of an operation that makes all gradients right."""

    group: Group
    change: Change


def line_of(node: Node) -> Line | None:
    """The line of the program's own files that computed a node."""
    return next(iter(_own_lines(node)), None)


def _own_lines(node: Node) -> Iterator[Line]:
    for each in node.frames:
        if "site-packages" not in each.file:
            yield Line(each.file, each.line)


class Culprit:
    """What is to blame, given the repairs."""

    def __init__(self, search: Search, repairs: list[Repair]) -> None:
        self.search, self.repairs = search, repairs
        self.forward, self.chain = search.forward, search.chain
        self.chain.evaluated = 0
        self._known: dict[int, list[Match]] = {}
        others = [e for e in search.chain.nodes if self._is_other(e)]
        self._constants = [e for e in grouped(others) if e.first.function is None]
        self._by_number = {n.number: g for g in (*search.groups, *grouped(others)) for n in g.nodes}

    @cached_property
    def catalogue(self) -> Catalogue:
        """What a backward value may rightly be."""
        found = []
        for node in self.forward.nodes():
            total = self.forward.gradient[node.number]
            found.append(Quantity((node,), total[None]))
            parts = self.forward.parts.get(node.number, [])
            if len(parts) > 1:
                found += [Quantity((node,), p[None], (), "part", c) for c, p in parts]
                found += [
                    Quantity((node,), sums[None], (), "part")
                    for some in (parts, parts[::-1])
                    for sums in _sums([p for _, p in some])
                ]
        return Catalogue(found, self.search.sizes if self.search.loops else ())

    def known(self, node: Node) -> list[Match]:
        """What a backward value is."""
        if node.number not in self._known:
            value = np.asarray(self.chain.values[node.number], dtype=np.float64)
            self._known[node.number] = list(self._catalogued(value))
        return self._known[node.number]

    def lines_of(self, group: Group, wrong: set[int] | None = None) -> list[Line]:
        """The line of an operation; that of the call, if it is right where others call it.

        Args:
            group: the executions of the operation.
            wrong: the numbers of those that gave something wrong, if that is known.
        """
        node = next((e for e in group.nodes if wrong and e.number in wrong), group.first)
        own = list(_own_lines(node))
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

    def wrong_executions(self, repair: Repair) -> set[int]:
        """The numbers of the executions that gave something else than they have to give."""
        numbers = {each.number: each for each in repair.group.nodes}
        return {n for n, v in repair.values.items() if self._differs(numbers[n], v)}

    def lines_of_fix(self, fix: Fix) -> list[Line]:
        """The line of an operation, or of the number that it is given under a name."""
        node, place = fix.group.first, fix.change.place
        if place is not None:
            line, name = line_of(node), base(operand_name(node, place))
            own = line is not None and name and name not in self._forward_names
            found = assigned(name, line, alias=False) if own and line is not None else None
            if found is not None:
                return [found, *self.lines_of(fix.group)]
        return self.lines_of(fix.group)

    def right(self, node: Node) -> bool:
        """Whether a value is of the forward pass, or a ∂C/∂v up to a constant."""
        return self.forward.contains(node) or bool(self.known(node))

    def upstream(self, repair: Repair, *, edge: bool = False, strict: bool = True) -> list[Group]:
        """The operations that lead to the first wrong value, and give nothing that is known.

        Args:
            repair: of an operation.
            edge: whether those where something is known are among them.
            strict: whether a ∂C/∂v times a constant is taken for known.
        """
        found: dict[int, Group] = {}
        todo = list(self._first_wrong(repair).inputs)
        seen: set[int] = set()
        while todo:
            node = todo.pop()
            if node.number in seen or self.forward.contains(node) or node.given:
                continue
            seen.add(node.number)
            known = any(strict or abs(abs(m.factor) - 1) < NEARLY for m in self.known(node))
            other = self._by_number.get(node.number)
            if other is not None and other is not repair.group and (edge or not known):
                found[other.first.number] = other
            todo += () if known else node.inputs
        return [found[number] for number in sorted(found, reverse=True)]

    def _is_other(self, node: Node) -> bool:
        """Whether it is a backward operation of another kind than floats, or `np.zeros(...)`."""
        if self.forward.contains(node) or isinstance(node.value, list | tuple):
            return False
        return _made_of_one_number(node) if node.function is None else not is_float(node)

    def _first_wrong(self, repair: Repair) -> Node:
        """The first execution that gave something else than it has to give."""
        for node in repair.group.nodes:
            right = repair.values.get(node.number)
            if right is not None and self._differs(node, right):
                return node
        return repair.group.first

    def _differs(self, node: Node, right: Array) -> bool:
        return distance(self.chain.values[node.number], right) > HALF_OF_THE_DIGITS

    def region(self) -> list[Group]:
        """The operations one of which is to blame, the likeliest first."""
        scaling = [each for each in self.search.groups if scales(each.first)]
        if not self.repairs:
            return [*self._constants, *scaling, *self.search.groups]
        first = self.repairs[0]
        found = [*self._constants, *scaling, first.group, *self.upstream(first, edge=True)]
        found += [each.group for each in self.repairs[1:FEW_REPAIRS]]
        found += self.upstream(first, strict=False)
        for each in self.repairs[1:FEW_REPAIRS]:
            found += self.upstream(each)
        return list({each.first.number: each for each in found}.values())

    def turning(self) -> Repair:
        """Where a value that is still right for something is taken for something else.

        That is the operation after the last one that gives exactly a ∂C/∂v; itself, where what
        follows is used as something else.
        """
        last = -1
        for i, each in enumerate(self.repairs):
            if self._exactly_right(each):
                last = i
        if last < 0 or last + 1 == len(self.repairs):
            return self.repairs[max(last, 0)]
        here, after = self.repairs[last], self.repairs[last + 1]
        return after if _used_as(here) & _used_as(after) or self._scaled(here) else here

    def _exactly_right(self, repair: Repair) -> bool:
        nodes = [each for each in repair.group.nodes if each.number in repair.values]
        if all(map(self._moves_forward_values, nodes)):
            return True
        usual = self._usual
        return all(
            any(
                abs(m.factor - c) <= HALF_OF_THE_DIGITS * c for m in self.known(node) for c in usual
            )
            for node in nodes
        )

    @cached_property
    def _usual(self) -> set[float]:
        """The constants that what leads to the first operation is multiplied by; and 1."""
        found, seen = {1.0}, set()
        todo = list(self.repairs[0].group.first.inputs)
        while todo:
            node = todo.pop()
            if node.number not in seen and not self.forward.contains(node):
                seen.add(node.number)
                known = self.known(node)
                found |= {abs(each.factor) for each in known}
                todo += () if known else node.inputs
        return found

    def _scaled(self, repair: Repair) -> bool:
        """Whether a value is right but for a constant."""
        held = {
            n for node in repair.group.nodes for m in self.known(node) for n in m.quantity.nodes
        }
        return bool(held & _used_as(repair))

    def _moves_forward_values(self, node: Node) -> bool:
        """Whether a value is one of the forward pass, at most turned or in part."""
        if self.forward.contains(node) or node.given:
            return True
        return node.operation in MOVES and all(map(self._moves_forward_values, node.inputs))

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
            if type(arg) is Node and (self.forward.contains(arg) or self.known(arg)):
                continue
            with np.errstate(all="ignore"):
                value = np.asarray(inverse[i](right, args[1 - i]), dtype=np.float64)
            if np.all(np.isfinite(value)) and any(True for _ in self._catalogued(value)):
                yield from self._operand_lines(node, i)

    def _operand_lines(self, node: Node, place: int) -> Iterator[Line]:
        """The line that an operand comes from."""
        arg = node.args[place]
        line = line_of(node)
        name = base(operand_name(node, place))
        if type(arg) is Node and arg.function is not None:
            yield from _own_lines(arg)
        elif line is not None and name:
            found = assigned(name, line, alias=False)
            if found is not None:
                yield found

    def _catalogued(self, value: Array) -> Iterator[Match]:
        few = (1.0,) if value.size < FEW_ENTRIES else self.search.factors
        return self.catalogue.scaled(value[None], few)

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
            for change in (*self._scalings(group), *changes(group, by_shape)):
                if self._mends(group, change, target):
                    yield Fix(group, change)

    @cached_property
    def _forward_names(self) -> set[str]:
        """The names of operands of the forward pass: their numbers are right."""
        nodes = self.forward.nodes()
        return {operand_name(node, i) for node in nodes for i in range(len(node.args))}

    def _fixes_of_variables(self) -> Iterator[Fix]:
        """The changes of a number that several operations use under one name."""
        found: dict[tuple[str, str, float], dict[int, int]] = {}
        for node in self.search.nodes:
            for i, arg in enumerate(node.args if node.operation in INVERSES else ()):
                name = operand_name(node, i) if isinstance(arg, int | float) else ""
                if name.isidentifier() and name not in self._forward_names and node.frames:
                    key = node.frames[0].function, name, float(arg)
                    found.setdefault(key, {})[node.number] = i
        for places in found.values():
            nodes = [self.chain.nodes[n] for n in places]
            for change in renumbered(nodes, places):
                if self._mends(Group(nodes), change, None):
                    yield Fix(Group(nodes), replace(change, place=places[nodes[0].number]))

    def _target(self, group: Group) -> tuple[Node, Array] | None:
        """The first wrong value below an operation of which it is known what it has to be."""
        bits = sum(1 << each.number for each in group.nodes)
        own = [each for each in self.repairs if each.group.first is group.first]
        for repair in own or self.repairs:
            if repair.kind == "sum":
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
        by = float(gained @ self.search.missing) / square
        return [scaled(group, 1 + by, self.chain.value)]

    def _mends(self, group: Group, change: Change, target: tuple[Node, Array] | None) -> bool:
        rules = {
            node.number: (lambda args, kwargs, node=node: change.rule(node, args, kwargs))
            for node in group.nodes
        }
        if not self._affordable():
            return False
        if target is not None and not self._reaches(rules, *target):
            return False
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


def _used_as(repair: Repair) -> set[Node]:
    return {n for match in repair.matches if match is not None for n in match.quantity.nodes}


def _made_of_one_number(node: Node) -> bool:
    """Whether it is an array that the program made, such as `np.zeros(shape)`."""
    return node.function is None and bool(node.frames) and len(np.unique(node.value)) == 1


def _sums(parts: list[Array]) -> Iterator[Array]:
    """The sums of the first few of some contributions."""
    total = parts[0]
    for part in parts[1:-1]:
        total = total + part
        yield total


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
        lines += culprit.needed_operands(repair.group)
        for each in (repair, culprit.repairs[0]):
            lines += culprit.lines_of(each.group, culprit.wrong_executions(each))
        for group in (*culprit.upstream(repair), *(e.group for e in culprit.repairs)):
            lines += culprit.lines_of(group)
        lines += list(_own_lines(repair.group.first))
    lines += [e for f in fixes for e in culprit.lines_of(f.group)]
    return Found(tuple(dict.fromkeys(lines)), fixes[0] if fixes else None, repair, held)
