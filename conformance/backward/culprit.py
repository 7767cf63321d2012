"""The line to blame, where an operation that can be repaired and its operands lie on several.

Left out: the repairs (`blame.py`) and the changes of one operation (`changes.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conformance.backward.blame import UNFIT, Group, Repair, Search, grouped
from conformance.backward.chain import Rules
from conformance.backward.changes import GUESSED, Change, changes, scaled
from conformance.backward.derive import is_float
from conformance.backward.findings import Line
from conformance.backward.judge import distance
from conformance.backward.quantities import (
    HALF_OF_THE_DIGITS,
    Catalogue,
    Match,
    Quantity,
)
from conformance.tracing.trace import Node
from reference.step import Array

FEW_REPAIRS = 6
FEW_ENTRIES = 4  # fewer match by chance up to a constant
NEARLY = 1e-9
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
        self._by_number = {n.number: g for g in search.groups for n in g.nodes}

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

    @cached_property
    def factors(self) -> list[float]:
        """The constants that a right value may be multiplied by, 1 first."""
        lengths = {n for each in self.chain.nodes for n in np.shape(each.value) if n > 1}
        plain = {1.0, 2.0, 0.5, *map(float, lengths), *(1.0 / n for n in lengths)}
        more = plain | {2 * each for each in plain} | {each / 2 for each in plain}
        return sorted(more, key=lambda each: abs(np.log(each)))

    def known(self, node: Node) -> list[Match]:
        """What a backward value is."""
        if node.number not in self._known:
            value = np.asarray(self.chain.values[node.number], dtype=np.float64)[None]
            few = (1.0,) if value.size < FEW_ENTRIES else self.factors
            self._known[node.number] = list(self.catalogue.scaled(value, few))
        return self._known[node.number]

    def lines_of(self, group: Group) -> list[Line]:
        """The line of an operation; that of the call, if it is right where others call it."""
        node = group.first
        own = list(_own_lines(node))
        if len(own) < 2 or node.site is None:  # noqa: PLR2004 - no call
            return own[:1]
        mine = {each.number for each in group.nodes}
        elsewhere = [
            each
            for each in self.chain.nodes
            if each.site == node.site
            and each.operation == node.operation
            and each.number not in mine
            and each.frames[1:] != node.frames[1:]
        ]
        used = any(self.forward.contains(each) for each in elsewhere)
        return own[1:2] + own[:1] if used else own[:1]

    def right(self, node: Node) -> bool:
        """Whether a value is of the forward pass, or a ∂C/∂v up to a constant."""
        return self.forward.contains(node) or bool(self.known(node))

    def upstream(self, group: Group, *, strict: bool) -> list[Group]:
        """The operations whose results lead to an operation and are nothing that is known.

        Args:
            group: the operation.
            strict: whether a ∂C/∂v times a constant is taken for known.
        """
        found: dict[int, Group] = {}
        todo = [each for node in group.nodes for each in node.inputs]
        seen: set[int] = set()
        while todo:
            node = todo.pop()
            if node.number in seen or self.forward.contains(node) or node.given:
                continue
            seen.add(node.number)
            if strict and self.known(node):
                continue
            if not strict and any(abs(abs(m.factor) - 1) < NEARLY for m in self.known(node)):
                continue
            other = self._by_number.get(node.number)
            if other is None and (node.function is not None or _made_of_one_number(node)):
                other = Group([node])
            if other is not None and other is not group:
                found[other.first.number] = other
            todo += node.inputs
        return [found[number] for number in sorted(found)]

    def region(self) -> list[Group]:
        """The operations one of which is to blame."""
        if not self.repairs:
            constants = [Group([e]) for e in self.search.nodes if _made_of_one_number(e)]
            return [*self.search.groups, *constants]
        first = self.repairs[0].group
        found = [first, *self.upstream(first, strict=True)[::-1]]
        found += [each.group for each in self.repairs[1:FEW_REPAIRS]]
        for each in self.repairs[:FEW_REPAIRS]:
            found += self.upstream(each.group, strict=False)[::-1]
        return list({each.first.number: each for each in found}.values())

    def fixes(self) -> Iterator[Fix]:
        """The changes of one operation that make all gradients right."""
        everything = grouped([e for e in self.chain.nodes if isinstance(e.value, np.ndarray)])
        by_shape: dict[tuple[int, ...], list[Group]] = {}
        for each in everything:
            for shape in {node.value.shape for node in each.nodes}:
                by_shape.setdefault(shape, []).append(each)
        for group in self.region():
            target = self._target(group)
            for change in (*self._scalings(group), *changes(group, by_shape)):
                if self._mends(group, change, target):
                    yield Fix(group, change)

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
                if distance(self.chain.values[node.number], right) > HALF_OF_THE_DIGITS:
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


def _made_of_one_number(node: Node) -> bool:
    """Whether it is an array that the program made, such as `np.zeros(shape)`."""
    return node.function is None and bool(node.frames) and len(np.unique(node.value)) == 1


def _sums(parts: list[Array]) -> Iterator[Array]:
    """The sums of the first few of some contributions."""
    total = parts[0]
    for part in parts[1:-1]:
        total = total + part
        yield total


def lines(culprit: Culprit) -> tuple[list[Line], list[Fix]]:
    """The lines in question, the one to blame first."""
    fixes = sorted(culprit.fixes(), key=lambda each: each.change.cost)
    groups = [each.group for each in fixes if each.change.cost < GUESSED]
    if culprit.repairs:
        first = culprit.repairs[0].group
        groups.append(first)
        groups += culprit.upstream(first, strict=True)[::-1]
        groups += [each.group for each in culprit.repairs[1:]]
    groups += [each.group for each in fixes]
    found = [line for each in groups for line in culprit.lines_of(each)]
    return list(dict.fromkeys(found)), fixes
