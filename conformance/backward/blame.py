"""Which operation, had it given a true ∂C/∂v, would make all gradients right.

What a backward value has to be is seen from below: the gradients' dependence on it, along generic
directions, is the way that some forward value moves along them (the tangent). That names v, and the
constant, without a search; ∂C/∂v is then put in its place and the rest evaluated again.

Left out: which line is to blame, if an operation and its operands lie on several (`culprit.py`).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from conformance.backward.chain import Arrays, Rules
from conformance.backward.derive import is_float
from conformance.backward.forward import Cut, Forward, directions
from conformance.backward.judge import Verdict, distance
from conformance.backward.quantities import (
    HALF_OF_THE_DIGITS,
    Catalogue,
    Layout,
    Match,
    Quantity,
)
from conformance.tracing.trace import Node
from reference.step import Array

UNFIT = (ValueError, TypeError, IndexError, ArithmeticError, AttributeError, KeyError)
"""What operations raise that are given values of another kind or shape."""

FEW_MATCHES, MANY_MATCHES = 8, 40
FEW_WAYS = 4
MANY_LAYERS = 12  # executions, beyond which they are only looked for as time steps


@dataclass(eq=False)
class Group:
    """All executions of one operation.

    Attributes:
        nodes: what they computed, in the order of time.
        recurrent: whether one was computed from another.
    """

    nodes: list[Node]
    recurrent: bool = False

    @property
    def first(self) -> Node:
        """The first of them."""
        return self.nodes[0]


@dataclass(frozen=True, eq=False)
class Repair:
    """Values for all executions of an operation that make all gradients right.

    Attributes:
        group: the operation.
        values: what each execution ought to have given, by its number.
        matches: of each execution, what its value is used as, where that is known.
        kind: `total`, `part`, or how the operation was changed.
    """

    group: Group
    values: Arrays
    matches: tuple[Match | None, ...]
    kind: str

    def changed(self, values: Mapping[int, Any]) -> float:
        """The share of the executions that gave something else."""
        wrong = [
            number
            for number, value in self.values.items()
            if distance(np.asarray(values[number]), value) > HALF_OF_THE_DIGITS
        ]
        return len(wrong) / len(self.values)


def grouped(nodes: list[Node], *, calls: bool = False) -> list[Group]:
    """The executions of each operation together, in the order of the first.

    Args:
        nodes: what they computed.
        calls: whether an operation of a function is another one in each call of it.
    """
    found: dict[Any, Group] = {}
    for node in nodes:
        key = operation_key(node), node.sites[1:] if calls else ()
        found.setdefault(key, Group([])).nodes.append(node)
    for group in found.values():
        bits = sum(1 << each.number for each in group.nodes)
        group.recurrent = any(e.uses & bits & ~(1 << e.number) for e in group.nodes)
    return list(found.values())


def operation_key(node: Node) -> Any:
    """What the executions of one operation have in common."""
    where = node.frames[:1] if node.writes or node.site is None else node.site
    tag = node.args[1] if node.operation in ("taken", "returned") and len(node.args) > 1 else None
    return where, node.operation, tag


class Search:
    """The repairs of a run whose gradients are wrong."""

    def __init__(
        self,
        forward: Forward,
        verdicts: list[Verdict],
        *,
        thorough: bool = True,
        each_call: bool = False,
    ) -> None:
        """Take the verdicts; gradients of another shape are left alone.

        Args:
            forward: the forward pass.
            verdicts: the gradients that have to be right.
            thorough: whether recurrences are followed.
            each_call: whether an operation of a function is another one in each call of it, and a
                value may have axes too many.
        """
        self.forward, self.chain = forward, forward.chain
        self.thorough, self.each_call = thorough, each_call
        self.verdicts = [each for each in verdicts if each.given.shape == each.right.shape]
        judged = {each.goal.parameter.number for each in self.verdicts}
        self.directions = [
            {n: each if n in judged else np.zeros_like(each) for n, each in some.items()}
            for some in directions(forward.run)
        ]
        bits = 0
        for each in self.verdicts:
            bits |= each.goal.node.uses
        self.nodes = [
            node
            for node in self.chain.nodes
            if bits >> node.number & 1 and not forward.contains(node) and is_float(node)
        ]
        self._inside = {each.number for each in self.nodes}
        computed = [each for each in self.nodes if each.function is not None]
        self.groups = grouped(computed, calls=each_call)
        self.missing = np.array([self._missing(each) for each in self.directions])
        self._sensitivities: dict[frozenset[int], Arrays] = {}
        self._tangents: dict[Cut, Arrays] = {}
        self._held_catalogues: dict[tuple[Cut, int], Catalogue] = {}

    def _missing(self, direction: Arrays) -> float:
        """By how much the gradients fall short, along a direction."""
        return sum(
            float(np.vdot(direction[v.goal.parameter.number], v.right - v.given))
            for v in self.verdicts
        )

    def sensitivity(self, group: Group) -> Arrays:
        """How the gradients depend on each execution, the other ones held; by its number."""
        cut: frozenset[int] = frozenset()
        if group.recurrent and self.thorough:
            cut = frozenset(e.number for e in group.nodes)
        if cut not in self._sensitivities:
            passes = []
            for each in self.directions:
                seeds: Arrays = {}
                for v in self.verdicts:
                    seed = each[v.goal.parameter.number]
                    n = v.goal.node.number
                    seeds[n] = seeds[n] + seed if n in seeds else seed
                passes.append(self.chain.reverse(seeds, self._within, cut))
            self._sensitivities[cut] = {
                number: np.stack([e[number] for e in passes]) for number in passes[0]
            }
        return self._sensitivities[cut]

    def _within(self, node: Node) -> bool:
        return node.number in self._inside

    @cached_property
    def used(self) -> Catalogue:
        """How the forward values move: what a backward value is used as."""
        return self._catalogue(self.forward.tangents(self.directions), self.forward.nodes())

    @cached_property
    def used_cut(self) -> list[Catalogue]:
        """The same of each forward operation in a loop, its other executions held."""
        found = []
        for group in grouped(self.forward.nodes()):
            if group.recurrent:
                cut = frozenset((each.number, None) for each in group.nodes)
                found.append(
                    self._catalogue(self.forward.tangents(self.directions, cut), group.nodes)
                )
        return found

    def _catalogue(self, tangents: Arrays, nodes: list[Node], size: int | None = None) -> Catalogue:
        found = [
            Quantity((each,), tangents[each.number])
            for each in nodes
            if each.number in tangents and (size is None or each.value.size % size == 0)
        ]
        stacked = self._stacked(tangents, nodes, set(self.sizes if size is None else (size,)))
        return Catalogue([*found, *stacked], self.sizes if self.loops else (), size)

    @cached_property
    def sizes(self) -> frozenset[int]:
        """Of the arrays that the backward pass computes in loops."""
        return frozenset(e.value.size for g in self.groups if len(g.nodes) > 1 for e in g.nodes)

    @cached_property
    def loops(self) -> bool:
        """Whether an operation of the backward pass was executed several times."""
        return any(len(each.nodes) > 1 for each in self.groups)

    @staticmethod
    def _stacked(tangents: Arrays, nodes: list[Node], sizes: set[int]) -> Iterator[Quantity]:
        """The values of one operation at all time steps as one array."""
        for group in grouped([each for each in nodes if each.number in tangents]):
            arrays = [tangents[each.number] for each in group.nodes]
            shapes = {each.shape for each in arrays}
            if len(arrays) > 1 and len(shapes) == 1 and arrays[0][0].size * len(arrays) in sizes:
                yield Quantity(tuple(group.nodes), np.stack(arrays, axis=1))

    def uses(self, group: Group) -> list[list[Match]]:
        """Of each execution, what its value is used as."""
        best = self._all_matches(self.used, group)
        if self.each_call:
            sensitivity = self.sensitivity(group)
            pairs = zip(group.nodes, best, strict=True)
            best = [found or self._spread(each, sensitivity) for each, found in pairs]
        if not self.thorough:
            return best
        if group.recurrent:
            for catalogue in self.used_cut:
                best = _fuller(best, self._all_matches(catalogue, group))
        needed = sum(e.number in self.sensitivity(group) for e in group.nodes)
        if sum(map(bool, best)) < needed and 1 < len(group.nodes) <= MANY_LAYERS:
            best = _fuller(best, self._one_by_one(group))
        return best

    def _all_matches(self, catalogue: Catalogue, group: Group) -> list[list[Match]]:
        sensitivity = self.sensitivity(group)
        return [self._matches(catalogue, sensitivity, each) for each in group.nodes]

    def _matches(self, catalogue: Catalogue, sensitivity: Arrays, node: Node) -> list[Match]:
        if node.number not in sensitivity:
            return []
        found = list(islice(catalogue.matches(sensitivity[node.number]), MANY_MATCHES))
        return sorted(found, key=lambda each: not self._plain(each.factor))[:FEW_MATCHES]

    def _plain(self, factor: float) -> bool:
        """Whether a constant is one that people multiply by."""
        return any(abs(abs(factor) - c) <= HALF_OF_THE_DIGITS * c for c in self.factors)

    @cached_property
    def factors(self) -> list[float]:
        """The constants that a right value may be multiplied by, 1 first."""
        lengths = {n for each in self.chain.nodes for n in np.shape(each.value) if n > 1}
        plain = {1.0, 2.0, 0.5, *map(float, lengths), *(1.0 / n for n in lengths)}
        more = plain | {2 * each for each in plain} | {each / 2 for each in plain}
        return sorted(more, key=lambda each: abs(np.log(each)))

    def _spread(self, node: Node, sensitivity: Arrays) -> list[Match]:
        """What a value is used as that has to be the same along some axes, or one number."""
        if node.number not in sensitivity or node.value.size == 1:
            return []
        whole, shape = sensitivity[node.number], node.value.shape
        some = range(1, whole.ndim)
        for axes in (tuple(some), *((i,) for i in some)):
            summed = whole.sum(axis=axes, keepdims=True)
            for each in islice(self.used.matches(summed), FEW_MATCHES):
                return [replace(each, layout=_broadcast(each.layout, shape))]
        return []

    def _one_by_one(self, group: Group) -> list[list[Match]]:
        """The same from the gradients upwards: each is held when those before it are looked for."""
        sensitivity = self.sensitivity(group)
        ways: list[tuple[Cut, list[list[Match]]]] = [(frozenset(), [])]
        for node in reversed(group.nodes):
            if not np.any(sensitivity.get(node.number, 0)):  # it only leads to the others
                ways = [(cut, [[], *found]) for cut, found in ways]
                continue
            longer = [
                (cut | more, [matches, *found])
                for cut, found in ways
                if (matches := self._matches(self._held(cut, node.value.size), sensitivity, node))
                for more in self._holds(matches[0])
            ]
            if not longer:
                break
            ways = longer[:FEW_WAYS]
        found = ways[0][1]
        return [[] for _ in group.nodes[len(found) :]] + found

    def _holds(self, match: Match) -> Iterator[Cut]:
        """The ways to hold a forward value: all that it gives, or what it gives to one consumer."""
        nodes = match.quantity.nodes
        yield frozenset((each.number, None) for each in nodes)
        consumers = [c for each in nodes for c, _ in self.forward.parts.get(each.number, ())]
        if len(consumers) > len(nodes):
            for consumer in consumers:
                yield frozenset((each.number, consumer.number) for each in nodes)

    def _held(self, cut: Cut, size: int) -> Catalogue:
        """How the forward values of a size move while some are held."""
        if not cut:
            return self.used
        if cut not in self._tangents:
            self._tangents[cut] = self.forward.tangents(self.directions, cut)
        if (cut, size) not in self._held_catalogues:
            made = self._catalogue(self._tangents[cut], self.forward.nodes(), size)
            self._held_catalogues[cut, size] = made
        return self._held_catalogues[cut, size]

    def repairs(self) -> Iterator[Repair]:
        """Those by a true ∂C/∂v, the earliest operation first."""
        for group in self.groups:
            for each in self.repairs_of(group):
                yield each
                break

    def repairs_of(self, group: Group) -> Iterator[Repair]:
        """The repairs of one operation."""
        sensitivity = self.sensitivity(group)
        uses = self.uses(group)
        known = [
            (node, found)
            for node, found in zip(group.nodes, uses, strict=True)
            if node.number in sensitivity and np.any(sensitivity[node.number])
        ]
        if not known or not all(found for _, found in known):
            return
        matches = tuple(found[0] if found else None for found in uses)
        for kind, values in self._options(known):
            if self.mends(group, values):
                yield Repair(group, values, matches, kind)

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

    def _as_a_sum(self, members: list[tuple[Node, Match]]) -> Arrays:
        """Executions that are added up: the contributions one by one, or the rest by the first."""
        node, match = members[0]
        parts = self.forward.parts.get(match.quantity.nodes[0].number, [])
        whole = len(match.quantity.nodes) == 1 and not match.quantity.at
        if len(parts) == len(members) and whole:
            pairs = zip(members, reversed(parts), strict=True)
            return {n.number: _divided(m.layout(part), m) for (n, m), (_, part) in pairs}
        total = self._value(match)
        rest = sum(np.asarray(self.chain.values[each.number]) for each, _ in members[1:])
        return {node.number: total - rest}

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
            and distance(after[v.goal.node.number], v.right) <= HALF_OF_THE_DIGITS
        ]


def _broadcast(layout: Layout, shape: tuple[int, ...]) -> Layout:
    return lambda array: np.array(np.broadcast_to(layout(array), shape))


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


def _operation(match: Match) -> Any:
    return operation_key(match.quantity.nodes[0])


def _identity(match: Match) -> Any:
    return match.quantity.nodes, match.quantity.at


def _divided(array: Array, match: Match) -> Array:
    """∂C/∂v as a value that is used as so many times it: it has to be smaller by that."""
    return np.asarray(array / match.factor)


def _fuller(one: list[list[Match]], other: list[list[Match]]) -> list[list[Match]]:
    """Of two lists of matches the one that knows more executions."""
    return other if sum(map(bool, other)) > sum(map(bool, one)) else one
