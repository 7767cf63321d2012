"""Where a fault may be: the operations that lead to the first wrong value.

Left out: the changes that are tried there (`fixes.py`).
"""

from collections.abc import Callable, Sequence
from functools import cached_property, reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.backward.blame import Search
from conformance.backward.chain import Arrays
from conformance.backward.change import NEARLY
from conformance.backward.changes import scales
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, Match, fitted
from conformance.backward.groups import Factor, Group, Repair, grouped
from conformance.backward.judge_gradients import distance
from conformance.backward.slips import COMPARISONS
from conformance.backward.source import CHOOSES, MOVES, RENAMED, is_float
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from reference.step import Array

FEW_REPAIRS = 6
INVERSES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "multiply": (np.divide, np.divide),
    "add": (np.subtract, np.subtract),
    "subtract": (np.add, lambda right, other: other - right),
    "divide": (np.multiply, lambda right, other: other / right),
}
"""What an operand has to be, of the right result and the other operand."""


class Region:
    """The operations one of which is to blame, given the repairs."""

    def __init__(self, search: Search, repairs: list[Repair]) -> None:
        self.search, self.repairs = search, repairs
        self.forward, self.chain = search.forward, search.chain
        self.chain.evaluated = 0
        others = [e for e in search.chain.nodes if self._is_other(e)]
        self._constants = [e for e in grouped(others) if e.first.function is None]
        self._choices = [e for e in grouped(others) if e.first.operation in COMPARISONS]
        self._by_number = {n.number: g for g in (*search.groups, *grouped(others)) for n in g.nodes}

    def known(self, node: Node) -> list[Match]:
        """What a backward value is."""
        return self.search.known.of(node)

    def right(self, node: Node) -> bool:
        """Whether a value is of the forward pass, or a ∂C/∂v up to a constant."""
        return self.forward.contains(node) or bool(self.known(node))

    def is_settled(self, node: Node) -> bool:
        """Whether a value is taken for right; so is what a sum begins with, such as `np.zeros`.

        And so is a copy of a forward value, and what right gradients are made of.
        """
        made = _made_of_one_number(node) or self._moves_forward_values(node)
        return made or self.right(node) or bool(self._shared >> node.number & 1)

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
        alone = sorted(found, key=lambda number: (self._shared >> number & 1, -number))
        return [found[number] for number in alone]

    def begins(self, repair: Repair) -> Group | None:
        """Where what gives wrong gradients alone begins, if it is known what no part of it is.

        What right gradients are computed of as well is right. Only where the repair is that of
        gradients: else the operation that is repaired gives the wrong ∂C/∂v. What lacks a factor
        alone is not wrong from its beginning.
        """
        verdicts, shared = self.search.verdicts, self._shared
        wrong, parameters = self._first_wrong(repair), [e.goal.parameter for e in verdicts]
        given, right = self.chain.values[wrong.number], repair.values.get(wrong.number)
        if np.size(given) > 1 and right is not None and fitted(right, np.asarray(given)):
            return None
        needed = {n for match in repair.matches if match for n in match.quantity.nodes}
        if not shared or not needed or not needed <= set(parameters):
            return None
        nodes = [
            each
            for each in self.search.nodes
            if wrong.depends_on(each) and not shared >> each.number & 1
            if each.function is not None and not self._moves_forward_values(each, shared)
        ]
        inside = {each.number for each in nodes}
        if any(self.known(each) for each in nodes):
            return None
        first = next((e for e in nodes if inside.isdisjoint(i.number for i in e.inputs)), None)
        return None if first is None else Group([first])

    @cached_property
    def _shared(self) -> int:
        """The bits of what right gradients are computed of."""
        return reduce(or_, (e.goal.node.uses for e in self.search.verdicts if e.ok), 0)

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
        scaling = [each for each in reversed(self.search.groups) if scales(each.first)]
        if not self.repairs:
            return [*self._constants, *self._choices, *scaling, *self.search.groups]
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
        follows is used as something else, unless a line below gives it the name of that.
        """
        repair = self._turning()
        first, needed = self._first_wrong(repair), self.needed(repair)
        if needed and any(self._leads_only_to(needed, each) for each in self.known(first)):
            return next((e for e in self.repairs if _renames(e, first)), repair)
        return repair

    def _turning(self) -> Repair:
        last = -1
        for i, each in enumerate(self.repairs):
            if self._exactly_right(each):
                last = i
        if last < 0 or last + 1 == len(self.repairs):
            return self.repairs[max(last, 0)]
        here, after = self.repairs[last], self.repairs[last + 1]
        parts = self.lacks_parts(here)
        while (parts or _is_gradient(after)) and last:
            if not _moves(self._first_wrong(here), self.repairs[last - 1], scaled=parts):
                break
            last, here = last - 1, self.repairs[last - 1]  # where it is made, it is not whole
        if parts:
            return here
        if _used_as(here) & _used_as(after) or self._scaled(here):
            return after
        while last and self.repairs[last].group.first.operation in MOVES:
            last -= 1  # what only turns it is right, too
        return self.repairs[last]

    def lacks_parts(self, repair: Repair) -> bool:
        """Whether a value is a part of the derivative that is needed."""
        needed = {unmoved(n) for match in repair.matches if match for n in match.quantity.nodes}
        parts = [e for e in self.known(self._first_wrong(repair)) if e.quantity.kind == "part"]
        return any(unmoved(each.quantity.nodes[0]) in needed for each in parts)

    def beside(self, repair: Repair) -> list[Group]:
        """The other operations that can be repaired, where what is lacking may be one of several.

        Not what is computed from it, which is wrong since it is.
        """
        if not self.lacks_parts(repair):
            return []
        wrong = self._first_wrong(repair)
        found = (e for e in self.repairs if not self._first_wrong(e).depends_on(wrong))
        return [each.group for each in found]

    def changes_scale(self, node: Node) -> bool:
        """Whether a value is a ∂C/∂v times another constant than those that it is made of."""

        def further(each: Node) -> Sequence[Node]:
            known = self.forward.contains(each) or (each is not node and self.known(each))
            return () if known else each.inputs

        before = [each for each in walk([node], further) if each is not node]
        had = [found for each in before if (found := self._constants_of(each))]
        has = self._constants_of(node)
        return bool(has and had) and not any(
            abs(a / b - 1) <= HALF_OF_THE_DIGITS for each in had for a in each for b in has
        )

    def _constants_of(self, node: Node) -> set[float]:
        """The constants by which a backward value is a ∂C/∂v; of a part of v, if it is of none."""
        known = [] if self.forward.contains(node) else self.known(node)
        return {abs(e.factor) for e in [e for e in known if not e.quantity.at] or known}

    def needed(self, repair: Repair) -> Match | None:
        """What the first wrong execution of an operation has to give, if it is known."""
        pairs = zip(repair.group.nodes, repair.matches, strict=True)
        wrong = self._first_wrong(repair)
        found = [each for node, each in pairs if each is not None and node is wrong]
        return next((e for e in (*found, *repair.matches) if e is not None), None)

    def held(self, repair: Repair) -> list[Match]:
        """What an operation gives that has to give something else, or what is a multiple of it.

        Else what the first one gives.
        """
        nodes = [self._first_wrong(each) for each in self.repairs]
        multiples = [each for each in nodes if _moves(each, repair, scaled=True)]
        told = map(self.known, (self._first_wrong(repair), *multiples, *nodes[:1]))
        return next(filter(None, told), [])

    def factor(self, repair: Repair, values: Arrays | None = None) -> Factor | None:
        """What a right ∂C/∂v is multiplied by, where that gives another than the one needed.

        Args:
            repair: of the product.
            values: others in the place of what the program computed before, of several products:
                the first ∂C/∂v may be an error of the loss, and have a constant as all gradients.
        """
        alone = values is None
        node, needed = self._first_wrong(repair), self.needed(repair)
        right = repair.values.get(node.number)
        if node.operation != "multiply" or needed is None or right is None:
            return None
        for arg, other in (node.args, node.args[::-1]):
            if type(arg) is not Node or type(other) is not Node or arg is other or self.known(arg):
                continue
            if np.shape(arg.value) != np.shape(right) or (alone and self.forward.contains(other)):
                continue
            after = self.chain.after(values, [other]) if values else self.chain.values
            given = after[other.number]
            for held in self.search.known.matches(np.asarray(given, dtype=np.float64)):
                if self._leads_only_to(needed, held, scaled=not alone):
                    with np.errstate(all="ignore"):
                        value = np.asarray(right / given)
                    value = np.where(np.isfinite(value), value, self.chain.values[arg.number])
                    return Factor(node, arg, value, held, needed)
        return None

    def _leads_only_to(self, needed: Match, held: Match, *, scaled: bool = False) -> bool:
        """Whether the loss depends on a value by another one alone, so by its derivative."""
        start, end = needed.quantity.nodes[0], held.quantity.nodes[0]
        same = scaled or abs(abs(held.factor * needed.factor) - 1) <= HALF_OF_THE_DIGITS
        if held.quantity.kind != "total" or not same or start.given or not end.depends_on(start):
            return False
        parts = self.forward.parts
        passed = walk(
            [start], lambda node: [e for e, _ in parts.get(node.number, ()) if e is not end]
        )
        return start is not end and all(node is start or end.depends_on(node) for node in passed)

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

    def _moves_forward_values(self, node: Node, right: int = 0) -> bool:
        """Whether a value is one of the forward pass, at most turned or in part.

        Args:
            node: the value.
            right: the bits of others that are as right.
        """

        def is_known(each: Node) -> bool:
            return self.forward.contains(each) or each.given or bool(right >> each.number & 1)

        moving = MOVES - CHOOSES
        way = walk([node], lambda e: e.inputs if e.operation in moving and not is_known(e) else ())
        return all(each.operation in moving or is_known(each) for each in way)


def _moves(node: Node, before: Repair, *, scaled: bool) -> bool:
    """Whether a value is only what another operation gave, moved, or also times a number."""
    by_number = scaled and node.operation in ("multiply", "divide") and len(node.inputs) == 1
    of_it = not {*before.group.nodes}.isdisjoint(node.inputs)
    return of_it and (node.operation in MOVES or by_number)


def _renames(repair: Repair, value: Node) -> bool:
    """Whether a line only gives a value the name by which it is used below, in no later round."""
    node = repair.group.first
    if node.operation != RENAMED or value not in node.inputs:
        return False
    at = node.frames[0]
    used = (e for user in node.consumers for e in user.frames if e.function == at.function)
    return all(each.line > at.line for each in used)


def _is_gradient(repair: Repair) -> bool:
    """Whether an operation has to give the gradient of a parameter, or of a part of one."""
    nodes = [unmoved(node, parts=True) for node in _used_as(repair)]
    return bool(nodes) and all(node.given for node in nodes)


def unmoved(node: Node, *, parts: bool = False) -> Node:
    """What a value is but for its shape, or what it is a part of, too."""
    while node.operation in MOVES and len(node.inputs) == 1:
        if not parts and np.size(node.inputs[0].value) != np.size(node.value):
            break
        (node,) = node.inputs
    return node


def _used_as(repair: Repair) -> set[Node]:
    return {n for match in repair.matches if match is not None for n in match.quantity.nodes}


def _made_of_one_number(node: Node) -> bool:
    """Whether it is an array that the program made, such as `np.zeros(shape)`."""
    return node.function is None and bool(node.frames) and len(np.unique(node.value)) == 1
