"""Which operation, had it given a true ∂C/∂v, would make all gradients right.

What a backward value has to be is seen from below: the gradients' dependence on it, along generic
directions, is the way that some forward value moves along them (the tangent). That names v, and the
constant, without a search; ∂C/∂v is then put in its place and the rest evaluated again.

Left out: which line is to blame, if an operation and its operands lie on several (`culprit.py`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from conformance.backward.chain import Arrays, Rules
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, Match, Quantity, fitted
from conformance.backward.decay_terms import is_part
from conformance.backward.findings import RightValue
from conformance.backward.forward_uses import FEW_WAYS, Uses
from conformance.backward.groups import UNFIT, Group, Repair, operation_key
from conformance.backward.judge_gradients import Verdict, distance
from conformance.backward.source import own_lines
from conformance.tracing.node import Node, bits_of_nodes
from reference.step import Array


class Search(Uses):
    """The repairs of a run whose gradients are wrong."""

    def repairs(self) -> list[Repair]:
        """Those by a true ∂C/∂v, what is wrong first first; last those of a sum as a whole."""
        found = [next(self.repairs_of(group), None) for group in self.groups]
        return sorted((each for each in found if each is not None), key=self.order)

    def order(self, repair: Repair) -> tuple[bool, int]:
        """What comes first of repairs has the least: what is wrong first."""
        return self._of_a_sum(repair), repair.first_wrong(self.chain.values)

    def right_values(self, repairs: Iterable[Repair]) -> Iterator[RightValue]:
        """What each operation gave that can be repaired, and has to give, by the lines.

        Where one of its executions is made of another that gave something wrong, the first alone;
        none of what is made of others of which that is not known.
        """
        for repair in repairs:
            known = [each for each in repair.group.nodes if each.number in repair.values]
            if repair.is_of_rests:
                continue
            wrong = bits_of_nodes(each for each in repair.group.nodes if each not in known)
            for node in known:
                given, right = self.chain.values[node.number], repair.values[node.number]
                if not node.uses & wrong:
                    for line in own_lines(node):  # a call may give it
                        yield RightValue(line, given, right)
                    differs = distance(np.asarray(given), right) > HALF_OF_THE_DIGITS
                    wrong |= differs << node.number

    def _of_a_sum(self, repair: Repair) -> bool:
        """Whether it puts right what a sum, or a gradient, has become in the end."""
        goals = {each.goal.node for each in self.verdicts}
        last = len(repair.values) == 1 < len(repair.group.nodes)
        return last or repair.kind == "rest" or not goals.isdisjoint(repair.group.nodes)

    def is_last(self, repair: Repair) -> bool:
        """Whether it gives several gradients, which it mends whatever is wrong with them."""
        goals = {each.goal.node.number for each in self.verdicts if not each.ok}
        given = {e.goal.node.number for e in self.verdicts}
        return len(goals & set(repair.values)) > 1 and set(repair.values) <= given

    def repairs_of(self, group: Group) -> Iterator[Repair]:
        """The repairs of one operation; a parameter that is turned is no derivative of a cost."""
        parameters = [each.parameter for each in self.forward.run.goals]
        if any(is_part(group.first, each) for each in parameters):
            return
        sensitivity = self.sensitivity(group)
        uses = self.uses(group)
        known = [
            (node, found)
            for node, found in zip(group.nodes, uses, strict=True)
            if node.number in sensitivity and np.any(sensitivity[node.number])
        ]
        if not known or not all(found for _, found in known) or self._by_chance(known):
            yield from self._as_gradients(group)
            return
        if self.thorough and all(self._is_used_rightly(*each) for each in known):
            return
        matches = tuple(found[0] if found else None for found in uses)
        for kind, values in self._options(known):
            settled = self.thorough and kind in ("sum", "rest")
            if settled and all(self.known.of(node) for node, _ in known):
                continue  # each is a right contribution, so another one is wrong
            if self.mends(group, values):
                yield Repair(group, values, matches, kind)

    def _is_used_rightly(self, node: Node, found: list[Match]) -> bool:
        """Whether a value is exactly the whole ∂C/∂v that it is used as: others are wrong."""
        used = {_identity(each): each.factor for each in found}
        return any(
            each.quantity.kind == "total"
            and abs(used.get(_identity(each), 0.0) * each.factor - 1) <= HALF_OF_THE_DIGITS
            for each in self.known.of(node)
        )

    def _by_chance(self, known: list[tuple[Node, list[Match]]]) -> bool:
        """Whether numbers are used as derivatives times other constants each, as any number is."""
        factors = [found[0].factor for _, found in known]
        single = all(node.value.size == 1 for node, _ in known)
        unlike = any(abs(e / factors[0] - 1) > HALF_OF_THE_DIGITS for e in factors)
        return single and unlike and not all(map(self._plain, factors))

    def _as_gradients(self, group: Group) -> Iterator[Repair]:
        """The repair of an operation that gives gradients, which others are computed from too."""
        goals = {each.goal.node: each for each in self.verdicts}
        own = [goals[node] for node in group.nodes if node in goals]
        if not own or len(own) < len(group.nodes):
            return
        values = {each.goal.node.number: each.right for each in own}
        if self.mends(group, values):
            matches = tuple(_gradient(each) for each in own)
            yield Repair(group, values, matches, "total")

    def _options(self, known: list[tuple[Node, list[Match]]]) -> Iterator[tuple[str, Arrays]]:
        """The values that the executions of an operation may have to give."""
        for chosen in _choices(known):
            together: dict[Any, list[tuple[Node, Match]]] = {}
            for node, match in chosen:
                together.setdefault(_identity(match), []).append((node, match))
            if all(len(each) == 1 for each in together.values()):
                yield "total", {node.number: self._value(match) for node, match in chosen}
                for consumers in self._consumers(chosen):
                    values = {n.number: self._value(match, consumers) for n, match in chosen}
                    yield "part", values
            yield (
                "sum",
                {
                    number: value
                    for each in together.values()
                    for number, value in self._as_a_sum(each).items()
                },
            )
            rest = [self._as_the_rest(each) for each in together.values()]
            if all(rest):
                yield "rest", {number: value for each in rest for number, value in each.items()}

    def _as_the_rest(self, members: list[tuple[Node, Match]]) -> Arrays:
        """Executions that are added to a gradient: what it lacks, added by the first wrong one.

        None where that is a multiple of their sum, which lacks a factor alone.
        """
        node, match = next(iter(self._wrong_of(members)), members[0])
        for each in self.verdicts:
            if match.quantity.nodes == (each.goal.parameter,):
                lacks = _divided(match.layout(match.quantity.of(_lacking(each))), match)
                total = np.asarray(self.chain.values[members[-1][0].number])
                if total.size > 1 and fitted(lacks, total) is not None:
                    return {}
                return {node.number: self.chain.values[node.number] + lacks}
        return {}

    def _as_a_sum(self, members: list[tuple[Node, Match]]) -> Arrays:
        """Executions that are added up: the contributions one by one, or the rest by one.

        That is the first that is no right contribution, and the rest is told where it is the only.
        """
        wrong = self._wrong_of(members)
        node, match = next(iter(wrong), members[0])
        parts = self.forward.parts.get(match.quantity.nodes[0].number, [])
        whole = len(match.quantity.nodes) == 1 and not match.quantity.at
        if len(parts) == len(members) and whole and len(wrong) != 1:
            pairs = zip(members, reversed(parts), strict=True)
            return {n.number: _divided(m.layout(part), m) for (n, m), (_, part) in pairs}
        total = self._value(match)
        others = (each for each, _ in members if each is not node)
        rest = sum(np.asarray(self.chain.values[each.number]) for each in others)
        return {node.number: total - rest}

    def _wrong_of(self, members: list[tuple[Node, Match]]) -> list[tuple[Node, Match]]:
        """The executions that give no right contribution, or one as often as it is not used.

        How often one number is used tells nothing: it is a multiple of any other.
        """
        return [
            (node, match)
            for node, match in members
            if not any(
                np.size(node.value) == 1 or _are_inverse(each, match)
                for each in self.known.of(node)
            )
        ]

    def _value(self, match: Match, consumers: Callable[[Node], bool] | None = None) -> Array:
        """The ∂C/∂v that a value ought to be, or the contributions of some consumers to it."""

        def array(node: Node) -> Array:
            if consumers is None:
                return self.forward.gradient[node.number]
            total: Array = np.zeros(np.shape(node.value))
            for consumer, part in self.forward.parts.get(node.number, ()):
                if consumers(consumer):
                    total = total + part
            return total

        return _divided(match.layout(match.quantity.of(array)), match)

    def _consumers(self, chosen: list[tuple[Node, Match]]) -> Iterator[Callable[[Node], bool]]:
        """Choices among the consumers of the values: each one, and the first or last few."""
        keys: list[Any] = []
        for _, match in chosen:
            for node in match.quantity.nodes:
                for consumer, _ in self.forward.parts.get(node.number, ()):
                    if operation_key(consumer) not in keys:
                        keys.append(operation_key(consumer))
        if len(keys) < 2:  # noqa: PLR2004 - a single one gives the total
            return
        sets = [{each} for each in keys]
        sets += [set(keys[:i]) for i in range(2, len(keys))]
        sets += [set(keys[i:]) for i in range(1, len(keys) - 1)]
        for some in sets:
            yield _among(some)

    def mends(self, group: Group, values: Arrays) -> bool:
        """Whether all gradients are right with these values in the place of an operation's."""
        with np.errstate(all="ignore"):
            return self._may_mend(group, values) and self.confirms(values)

    def _may_mend(self, group: Group, values: Arrays) -> bool:
        """The same, as far as the gradients depend on the values in a straight line."""
        sensitivity = self.sensitivity(group)
        changed = False
        gained, size = np.zeros(len(self.missing)), np.abs(self.missing)
        for number, value in values.items():
            by = value - self.chain.values[number]
            if np.iscomplexobj(by):
                return False  # the derivative by a complex number is not known
            if number in sensitivity:
                each = sensitivity[number].reshape(len(gained), -1)
                gained += each @ by.ravel()
                size = size + np.abs(each) @ np.abs(value).ravel()
            changed = changed or bool(np.any(by))
        return changed and bool(np.all(np.abs(gained - self.missing) <= HALF_OF_THE_DIGITS * size))

    def confirms(self, values: Arrays, rules: Rules | None = None) -> bool:
        """The same, by evaluating again what depends on them."""
        return len(self.right_after(values, rules)) == len(self.verdicts)

    def right_after(self, values: Arrays, rules: Rules | None = None) -> list[Verdict]:
        """The gradients that are right with other values or operations."""
        try:
            after = self.chain.after(values, [e.goal.node for e in self.verdicts], rules)
        except UNFIT:
            return []
        return [
            v
            for v in self.verdicts
            if np.shape(after[v.goal.node.number]) == v.right.shape
            and distance(after[v.goal.node.number], v.right, v.scale) <= HALF_OF_THE_DIGITS
        ]


def _gradient(verdict: Verdict) -> Match:
    """A gradient as what it has to be."""
    return Match(Quantity((verdict.goal.parameter,), verdict.right[None]), lambda a: a, 1.0)


def _among(keys: set[Any]) -> Callable[[Node], bool]:
    return lambda node: operation_key(node) in keys


def _choices(known: list[tuple[Node, list[Match]]]) -> Iterator[list[tuple[Node, Match]]]:
    """What the executions may be used as together: the first matches, the second, and so on.

    Then those of one forward operation, each once: two of its executions may move alike.
    """
    for choice in range(min(FEW_WAYS, max(len(found) for _, found in known))):
        yield [(node, found[min(choice, len(found) - 1)]) for node, found in known]
    keys = Counter(key for _, found in known for key in {_operation(each) for each in found})
    for key, _ in keys.most_common(FEW_WAYS) if len(known) > 1 and len(keys) > 1 else ():
        taken: set[Any] = set()
        chosen = []
        for node, found in known:
            own = [each for each in found if _operation(each) == key] or found
            free = [each for each in own if _identity(each) not in taken] or own
            taken.add(_identity(free[0]))
            chosen.append((node, free[0]))
        yield chosen


def _lacking(verdict: Verdict) -> Callable[[Node], Array]:
    return lambda _: verdict.right - verdict.given


def _operation(match: Match) -> Any:
    return operation_key(match.quantity.nodes[0])


def _identity(match: Match) -> Any:
    return match.quantity.nodes, match.quantity.at


def _are_inverse(one: Match, other: Match) -> bool:
    return abs(one.factor * other.factor - 1) <= HALF_OF_THE_DIGITS


def _divided(array: Array, match: Match) -> Array:
    """∂C/∂v as a value that is used as so many times it: it has to be smaller by that."""
    return np.asarray(array / match.factor)
