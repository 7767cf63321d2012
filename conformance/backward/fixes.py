"""The changes of one operation that make all gradients right.

Left out: which changes there are (`changes.py`), and the lines that they blame (`culprit.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from conformance.backward.chain import Rules, kept
from conformance.backward.change import NEARLY, Change, own
from conformance.backward.changes import changes, renumbered, scaled, scales
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.groups import UNFIT, Group, grouped
from conformance.backward.judge_gradients import distance
from conformance.backward.region import INVERSES, Region
from conformance.backward.source import is_float, line_of, operand_name
from conformance.backward.syntax import reads
from conformance.tracing.node import Node, bits_of_nodes
from reference.step import Array

SMALL = 12  # of a number that a single gradient tells
RELATED: tuple[Callable[[Array], Array], ...] = (
    *(lambda n, power=power: n**power for power in (1, -1, 2, -2, 0.5, -0.5)),
    *(lambda n, times=times: times * n for times in (2, 0.5)),
    lambda n: 2 / n,
)
"""What may stand in the place of a number of the program, but for its sign."""
EVALUATIONS = 60_000  # of operations, when nothing is known of what they have to give


@dataclass(frozen=True, eq=False)
class Fix:
    """A change of an operation that makes all gradients right."""

    group: Group
    change: Change


class Fixes(Region):
    """The search for them, among the operations that the wrong gradients have in common."""

    def fixes(self) -> Iterator[Fix]:
        """The changes of one operation that make all gradients right."""
        own = (e for e in self.chain.nodes if e.function is None or line_of(e) is not None)
        arrays = [each for each in own if isinstance(each.value, np.ndarray)]
        everything = grouped(arrays, calls=True)
        known = {id(each.first): len(each.nodes) for each in everything}
        everything += [e for e in grouped(arrays) if len(e.nodes) > known[id(e.first)]]
        by_shape: dict[tuple[int, ...], list[Group]] = {}
        for each in everything:
            for shape in {node.value.shape for node in each.nodes}:
                by_shape.setdefault(shape, []).append(each)
        yield from self._fixes_of_variables()
        for group in self.region():
            target = self._target(group)
            others = {} if target is None and scales(group.first) else by_shape
            for change in (
                *self._scalings(group, target),
                *changes(group, others, self.chain.value),
            ):
                if self._mends(group, change, target):
                    yield Fix(group, _rooted(group.first, change))

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
        return {*map(float, used), *self._lengths} - {0.0}

    @cached_property
    def _lengths(self) -> set[float]:
        """The lengths of the arrays of the forward pass."""
        nodes = self.forward.nodes()
        return {float(n) for node in nodes for n in np.shape(node.value) if n > 1}

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
                    made = replace(change, place=places[nodes[0].number])
                    yield Fix(Group(nodes), _rooted(nodes[0], made))

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

    def _scalings(self, group: Group, target: tuple[Node, Array] | None) -> list[Change]:
        """The change of a constant that would do, if one does."""
        if not is_float(group.first) or group.first.function is None or group.recurrent:
            return []
        several = target is not None and len(group.nodes) > 1  # their effects are multiplied
        if several and not self._affordable():
            return []
        gained, lacks = self._grown(group, *target) if several and target else self._gained(group)
        square = float(gained @ gained)
        if square == 0:
            return []
        factor = 1 + float(gained @ lacks) / square
        wrong = [each for each in self.search.verdicts if not each.ok]
        chance = sum(each.right.size for each in wrong) == 1 and not _is_simple(factor)
        if chance or abs(factor) <= HALF_OF_THE_DIGITS:
            return []  # some number puts a single number right, whatever is wrong
        made = scaled(group, factor, self.chain.value, self._lengths)
        return [made] if _is_simple(factor) or self._is_meant(made.after) else []

    def _gained(self, group: Group) -> tuple[Array, Array]:
        """What the gradients gain by an operation that gives twice as much, and what they lack."""
        sensitivity = self.search.sensitivity(group)
        gained = np.zeros(len(self.search.missing))
        for node in group.nodes:
            if node.number in sensitivity:
                each = sensitivity[node.number].reshape(len(gained), -1)
                gained += each @ np.ravel(self.chain.values[node.number])
        return gained, self.search.missing

    def _grown(self, group: Group, node: Node, right: Array) -> tuple[Array, Array]:
        """The same of a value which an operation leads to, and that has to be another one."""

        def double(of: Node) -> Callable[[list[Any], dict[str, Any]], Any]:
            return lambda args, kwargs: np.asarray(2 * own(of, args, kwargs))

        given = self.chain.values[node.number]
        try:
            twice = self.chain.after({}, [node], {e.number: double(e) for e in group.nodes})
        except UNFIT:
            return np.zeros(1), np.zeros(1)
        return np.ravel(twice[node.number] - given), np.ravel(right - given)

    def _is_meant(self, number: str) -> bool:
        """Whether people may have meant a number: a short one, or one that the program has."""
        short = f"{float(number):.2g}"
        given = np.abs(np.array([*self._numbers], float))
        with np.errstate(all="ignore"):  # the square of a tiny bound, or of a huge one
            related = {f"{n:g}" for f in RELATED for n in f(given)}
        return float(short) == float(number) or number.lstrip("-") in related

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
                value = kept(node, rules[node.number](*self.chain.arguments(node, {})))
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


def _rooted(node: Node, change: Change) -> Change:
    """A change of a number that has a name; said as its root where that is needed."""
    for i, arg in enumerate(node.args if change.what in ("constant", "variable") else ()):
        name = operand_name(node, i)
        number = arg if isinstance(arg, int | float) and name.isidentifier() else 0
        if number > 1 and (f"{number:g}", f"{number**0.5:g}") == (change.before, change.after):
            root = f"np.sqrt({name})"
            return replace(change, what="function", before=name, after=root, place=None)
    return change


def _is_simple(number: float) -> bool:
    """Whether a number is one that people write: a fraction of small numbers."""
    near = Fraction(number).limit_denominator(SMALL) if np.isfinite(number) else Fraction(SMALL + 1)
    return abs(near.numerator) <= SMALL and abs(float(near) - number) <= NEARLY
