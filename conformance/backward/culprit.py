"""The line to blame, where an operation that can be repaired and its operands lie on several.

Left out: the repairs (`blame.py`) and the changes of one operation (`changes.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conformance.backward.blame import UNFIT, Group, Repair, Search, grouped
from conformance.backward.chain import Arrays
from conformance.backward.changes import Change, changes, scaled
from conformance.backward.derive import is_float
from conformance.backward.findings import Line
from conformance.backward.quantities import (
    HALF_OF_THE_DIGITS,
    Catalogue,
    Match,
    Quantity,
    sliced,
)
from conformance.tracing.trace import Node
from reference.step import Array


@dataclass(frozen=True, eq=False)
class Fix:
    """A change of an operation that makes all gradients right."""

    group: Group
    change: Change


def line_of(node: Node) -> Line | None:
    """The line of the program's own files that computed a node."""
    for each in node.frames:
        if "site-packages" not in each.file:
            return Line(each.file, each.line)
    return None


class Culprit:
    """What is to blame, given the repairs."""

    def __init__(self, search: Search, repairs: list[Repair]) -> None:
        self.search, self.repairs = search, repairs
        self.forward, self.chain = search.forward, search.chain
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
        sizes = {each.value.size for each in self.search.nodes}
        if self.search.loops:
            found += [e for each in [*found] for e in sliced(each, sizes)]
        return Catalogue(found)

    @cached_property
    def factors(self) -> set[float]:
        """The constants that a right value may be multiplied by."""
        lengths = {n for each in self.chain.nodes for n in np.shape(each.value) if n > 1}
        plain = {1.0, 2.0, 0.5, *map(float, lengths), *(1.0 / n for n in lengths)}
        return plain | {2 * each for each in plain} | {each / 2 for each in plain}

    def known(self, node: Node) -> list[Match]:
        """What a backward value is."""
        value = np.asarray(self.chain.values[node.number])[None]
        return [
            each
            for each in self.catalogue.matches(value)
            if any(abs(abs(each.factor) - c) <= HALF_OF_THE_DIGITS * c for c in self.factors)
        ]

    def right(self, node: Node) -> bool:
        """Whether a value is of the forward pass, or a ∂C/∂v up to a constant."""
        return self.forward.contains(node) or node.function is None or bool(self.known(node))

    def suspects(self, group: Group) -> list[Group]:
        """The operations whose results lead to an operation and are nothing that is known."""
        found: dict[int, Group] = {}
        todo = [each for node in group.nodes for each in node.inputs]
        seen: set[int] = set()
        while todo:
            node = todo.pop()
            if node.number in seen:
                continue
            seen.add(node.number)
            if node.number not in self._by_number:
                if not self.forward.contains(node) and node.function is not None:
                    todo += node.inputs  # of another kind than floats
                    found[node.number] = Group([node])
                continue
            if self.right(node):
                continue
            other = self._by_number[node.number]
            if other is not group:
                found[other.first.number] = other
            todo += node.inputs
        return [found[number] for number in sorted(found)]

    def region(self) -> list[Group]:
        """The operations one of which is to blame."""
        if not self.repairs:
            return self.search.groups
        first = self.repairs[0].group
        found = [*self.suspects(first), first]
        if all(self.known(node) for node in first.nodes):
            found += [each.group for each in self.repairs[1:]]
        return found

    def fixes(self) -> Iterator[Fix]:
        """The changes of one operation that make all gradients right."""
        everything = grouped([e for e in self.chain.nodes if isinstance(e.value, np.ndarray)])
        for group in self.region():
            for change in (*self._scalings(group), *changes(group, everything)):
                if self._mends(group, change):
                    yield Fix(group, change)

    def _scalings(self, group: Group) -> list[Change]:
        """The change of a constant that would do, if one does."""
        if not is_float(group.first):
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
        made = scaled(group, 1 + by, self.chain.value)
        return [] if made is None else [made]

    def _mends(self, group: Group, change: Change) -> bool:
        rules = {
            node.number: (lambda args, kwargs, i=i: change.rule(i, args, kwargs))
            for i, node in enumerate(group.nodes)
        }
        if group.recurrent or not is_float(group.first):
            return self.search.confirms({}, rules)
        values: Arrays = {}
        for node in group.nodes:
            try:
                with np.errstate(all="ignore"):
                    value = np.asarray(rules[node.number](*self.chain.arguments(node, {})))
            except UNFIT:
                return False
            if value.shape != node.value.shape:
                return self.search.confirms({}, rules)
            values[node.number] = value
        return self.search.mends(group, values)


def _sums(parts: list[Array]) -> Iterator[Array]:
    """The sums of the first few of some contributions."""
    total = parts[0]
    for part in parts[1:-1]:
        total = total + part
        yield total


def lines(culprit: Culprit) -> tuple[list[Line], list[Fix]]:
    """The lines in question, the one to blame first."""
    fixes = sorted(culprit.fixes(), key=lambda each: each.change.cost)
    groups = [each.group for each in fixes if each.change.cost < 2] if fixes else []  # noqa: PLR2004
    if culprit.repairs:
        first = culprit.repairs[0].group
        groups.append(first)
        groups += culprit.suspects(first)[::-1]
        groups += [each.group for each in culprit.repairs[1:]]
    groups += [each.group for each in fixes]
    found = [line_of(each.first) for each in groups]
    return list(dict.fromkeys(each for each in found if each is not None)), fixes
