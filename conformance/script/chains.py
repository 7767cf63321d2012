"""The values that a training loop carries from one step to the next, as seen in its trace.

A new value is an old one and something that was computed from it; both are used in the same way: by
the same operations of the program, as the same operand. A value that something newer is computed
from twice, each time anew, is no such thing: it is data. It is trained if data go in, or if a loss
or a margin is made of it. Left out: which of them are parameters (`parameters.py`).
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain as chained
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.backward.groups import operation_key
from conformance.backward.loss_names import is_named
from conformance.backward.margins import asked, is_margin
from conformance.backward.source import MOVES, is_float
from conformance.backward.syntax import statement, stored, tree
from conformance.script.linear import ancestors, steady, way, written_places
from conformance.script.rows import Carried, may_be_same, scaled_by_itself, without_recurrences
from conformance.tracing.ancestors import walk
from conformance.tracing.frames import Frame
from conformance.tracing.node import FILLED, Node, bits_of_nodes, flat, is_part, taken
from conformance.tracing.vectorized import put_in_shape

FEW = 4  # values that a new one shares most uses with, of which one may be the old one

PARTS = 16  # of an array that are written into one after another in one step

Role = tuple[Any, int]
"""An operation of the program, and which of its operands."""

ANY = -1  # all nodes, as bits


def carried(nodes: Sequence[Node]) -> list[Carried]:
    """Everything that is carried on, with each new value that is written into a part of it."""
    search = _Search(nodes)
    new_of = search.unforked(search.direct(search.pairs(nodes)))
    starts = [old for old in new_of if old not in set(new_of.values())]
    found = [_chain(old, new_of) for old in starts]
    chains = [*map(search.extended, found)]
    trained = [e for e in chains if is_trained(e, nodes, search.numbers)]
    made = search.whole_steps(trained or [*_of_each_other(chains)])
    return without_recurrences(made)


def _of_each_other(chains: Sequence[Carried]) -> Iterator[Carried]:
    """What is computed of others that are carried on, as where all data are plain numbers."""
    starts = [each.values[0] for each in chains]
    for each in chains:
        first, second, *_ = each.values
        if any(second.depends_on(other) for other in starts if other is not first):
            yield each


def _without(chain: Carried, passed: set[int]) -> Carried:
    kept = [each for i, each in enumerate(chain.values) if i not in passed]
    moved_on = {*map(operation_key, kept[-1].consumers)} <= {operation_key(kept[-1])}
    return Carried(kept, open=bool(passed) and moved_on)


def _chain(old: Node, new_of: dict[Node, Node]) -> Carried:
    values = [old]
    while values[-1] in new_of:
        values.append(new_of[values[-1]])
    return Carried(values)


class _Search:
    """The search in one trace."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.numbers = numbers_asked(nodes)  # that may be margins
        given = (each for each in nodes if each.function is None and np.size(each.value) > 1)
        self._arrays = bits_of_nodes(given)
        self._roles: dict[Node, frozenset[Role]] = {}
        self._places: dict[Node, dict[Node, list[Role]]] = {}
        self._ancestors: dict[Node, dict[Node, Node]] = {}
        self._operands: dict[Node, list[Node]] = {}
        self._moved: dict[tuple[Node, Node, Node | None], bool] = {}
        self._parts: dict[tuple[Node, Node], Node | None] = {}
        self._aside = set[tuple[Frame, ...]]()  # the lines of values beside those that are moved

    def roles(self, node: Node) -> frozenset[Role]:
        """The uses of a value."""
        if node not in self._roles:
            known = (self._roles_in(each).get(node, ()) for each in node.consumers)
            self._roles[node] = frozenset(chained.from_iterable(known))
        return self._roles[node]

    def _roles_in(self, consumer: Node) -> dict[Node, list[Role]]:
        """The uses of each operand of an operation, which may have hundreds."""
        if consumer not in self._places:
            found, key = dict[Node, list[Role]](), operation_key(consumer)
            for i, value in enumerate(flat((consumer.args, consumer.kwargs))):
                if type(value) is Node:
                    found.setdefault(value, []).append((key, i))
            self._places[consumer] = found
        return self._places[consumer]

    def uses(self, node: Node) -> int:
        """How many uses a value has, with those of an array that it is written into."""
        arrays = (each for each in node.consumers if each.operation == FILLED)
        return len(self.roles(node).union(*map(self.roles, arrays)))

    def ancestors(self, node: Node) -> dict[Node, Node]:
        """As `linear.ancestors`, also of what is scaled by its own norms."""
        if node not in self._ancestors:
            before = scaled_by_itself(node, self._arrays)
            found = {} if before is None else {before: node, **self._linear(before)}
            self._ancestors[node] = self._linear(node) | found
        return self._ancestors[node]

    def _linear(self, node: Node) -> dict[Node, Node]:
        return ancestors(node, operands=self._known_operands)

    def _known_operands(self, node: Node) -> list[Node]:
        if node not in self._operands:
            self._operands[node] = steady(node)
        return self._operands[node]

    def pairs(self, nodes: Iterable[Node]) -> list[tuple[Node, Node]]:
        """Each new value with the old one that it shares most uses with."""
        found = []
        for node in nodes:
            known = node.function is None or not node.consumers or not is_float(node)
            if known or (is_part(node) and not np.ndim(node.value)):
                continue  # a number of an array is moved as a part of it
            if node.operation == FILLED and self.is_moved_in_part(node):
                found.append((node.args[0], node))
                continue
            olds, key = list(self.ancestors(node)), operation_key(node)
            alike = [each for each in olds if self.alike(each, node)]
            nearest = sorted(alike, key=lambda each: -self.alike(each, node))[:FEW]
            before = next((e for e in olds if operation_key(e) == key), None)  # one loop ago
            nearest = nearest if before is None else [before, *nearest]
            moved = (e for e in nearest if self.is_moved_by(e, node))
            old = next(chained(moved, self._of_each_use(node, alike)), None)
            if old is None or self.begins_again(old, node):
                continue
            if before is not None and old in self.ancestors(before):
                old = before  # it is used after it was written, such as the mean that Lion keeps
            found.append((old, node))
        return found

    def _of_each_use(self, node: Node, alike: Iterable[Node]) -> Iterator[Node]:
        """The old values that a value is computed from, a few of each set of uses.

        The values between, where each sample of a batch moves a parameter, have one set.
        """
        groups: dict[frozenset[Role], list[Node]] = {}
        for each in alike:
            groups.setdefault(self.roles(each), []).append(each)
        first = sorted(groups.values(), key=lambda e: -self.alike(e[0], node))[:FEW]
        for each in chained.from_iterable(each[:FEW] for each in first):
            if not is_asked(each, node, self.numbers) and self.is_moved_by(each, node):
                yield each

    def begins_again(self, old: Node, new: Node) -> bool:
        """Whether a new value is a sum of several terms that was begun after the old one was used.

        The way to the old value leads past the last term then, or not always the same way.
        """
        key = operation_key(new)
        before = next((e for e in self.ancestors(new) if operation_key(e) == key), old)
        way = self.way(old, new)
        at = [i for i, each in enumerate(way) if operation_key(each) == key or each is old]
        between = {tuple(map(operation_key, way[i + 1 : j])) for i, j in pairwise(at)}
        return before not in way or len(between) > 1

    def is_moved_in_part(self, node: Node) -> bool:
        """Whether what was written into some places was computed from what the array has been."""
        if not written_places(node):
            return False
        at, before = node, self.ancestors(node)
        states: list[Node] = []
        while at.operation == FILLED and at.args[0] in before and len(states) < PARTS:
            at = at.args[0]  # an array that is written into as a whole is begun anew
            states.append(at)
        written = (e for each in (node, *states[:-1]) for e in each.inputs if e not in states)
        if not any(each.depends_on(states[-1]) for each in written):
            return any(is_asked(each, node, self.numbers) for each in states)
        return any(self.is_moved_by(each, node) for each in states)

    def direct(self, pairs: list[tuple[Node, Node]]) -> list[tuple[Node, Node]]:
        """Those whose way from the new value to the old does not lead through another that is kept.

        A gradient with a decay in it, or the error of one output, would else be carried on by its
        parameter; of two that lead through each other, as where a parameter is moved by two lines
        one after another, what has more uses comes first.
        """
        ways = {new: set(self.way(old, new)[1:-1]) for old, new in pairs}
        at = {old: {*ways[new], new} for old, new in pairs}
        at |= {new: {old, *ways[new]} for old, new in pairs}
        kept: list[tuple[Node, Node]] = []
        known: set[Node] = set()
        for old, new in sorted(pairs, key=lambda e: (-self.uses(e[1]), e[1].number)):
            own = {old, new}
            through = [e for e in ways[new] & at.keys() if own.isdisjoint(at[e])]
            if known.isdisjoint(ways[new]) and not through:
                kept.append((old, new))
                known.update(own)
        return kept

    def way(self, old: Node, new: Node) -> list[Node]:
        """The values from an old one to the new one."""
        return way(old, new, self.ancestors(new))

    def alike(self, one: Node, other: Node) -> float:
        """The share of the uses that two values have in common."""
        ones, others = self.roles(one), self.roles(other)
        common = len(ones & others)
        return common / (len(ones) + len(others) - common) if common else 0.0

    def is_moved_by(self, old: Node, new: Node, whole: Node | None = None) -> bool:
        """Whether something that a new value is the sum of was computed from the old one.

        Or whether the old one was asked for the margin of the sample that is added.

        Args:
            old: the old value.
            new: the new value.
            whole: what the old value is a part of.
        """
        key = old, new, whole
        if key not in self._moved:
            self._moved[key] = is_asked(old, new, self.numbers) or any(
                each is not at and each is not old and self._added(each, within, whole or old)
                for at, within in pairwise(self.way(old, new))
                for each in within.inputs
            )
        return self._moved[key]

    def _added(self, value: Node, within: Node, old: Node) -> bool:
        """Whether a value was computed from an old one, which it may itself be added to."""
        if not value.depends_on(old) or within.function is taken:
            return False
        if within.operation == FILLED:
            part = self._written_over(value, within)
            return part is not None and self.is_moved_by(part, value, old)
        return _computed(value, old)

    def _written_over(self, value: Node, within: Node) -> Node | None:
        """What a value that is written into an array was added to, if it stood there before."""
        if (value, within) not in self._parts:
            old = {within, *self.ancestors(within)}
            parts = (e for e in self.ancestors(value) if may_be_same(e, within, old))
            self._parts[value, within] = next(parts, None)
        return self._parts[value, within]

    def unforked(self, pairs: list[tuple[Node, Node]]) -> dict[Node, Node]:
        """The new value of each old one; nothing of what has several that are not one way.

        One that is itself moved comes first: gradients may be taken beside the parameters. What is
        made where such a one is made stands there alone where the run ends before the new value.
        """
        several: dict[Node, list[Node]] = {}
        for old, new in pairs:
            several.setdefault(old, []).append(new)
        found = {}
        for old, values in several.items():
            news = [each for each in values if each in several] or values
            last = max(news, key=lambda e: e.number)
            if len({*map(operation_key, news)}) == len(news):  # else it is data
                news = [e for e in news if e in self.ancestors(last) or not last.depends_on(e)]
                news = [*(e for e in news if e is not last), last]  # the others begin recurrences
            if all(each is last or each in self.ancestors(last) for each in news):
                found[old] = max(news, key=lambda e: (self.alike(old, e), e.number))
                aside = (e for e in values if e is not found[old])
                self._aside.update(e.frames for e in aside if e not in self.ancestors(found[old]))
        self._aside -= {new.frames for old, new in found.items() if len(several[old]) > 1}
        return {old: new for old, new in found.items() if new.frames not in self._aside}

    def extended(self, chain: Carried) -> Carried:
        """A chain with a last value that is not used any more, and with a first that was empty."""
        key = operation_key(chain.values[-1])
        last = chain.values[-1]
        for node in sorted(self._consequences(last), key=lambda e: e.number):
            again = operation_key(node) == key and last in self.ancestors(node)
            if again and node.frames not in self._aside and self.is_moved_by(last, node):
                chain.values.append(node)
                break
        first, second = chain.values[:2]
        while operation_key(first) == operation_key(second):  # as of what begins with zeros
            step = self._keys(first, second)
            alike = [e for e in self.ancestors(first) if self.alike(e, first)]
            olds = [each for each in alike if self._keys(each, first) == step]
            if not olds or any(map(_is_put_together, olds)):
                break
            second, first = first, max(olds, key=lambda e: self.alike(e, first))
            chain.values.insert(0, first)
        return chain

    def _keys(self, old: Node, new: Node) -> list[Any]:
        return [operation_key(each) for each in self.way(old, new)[1:]]

    def whole_steps(self, chains: list[Carried]) -> list[Carried]:
        """Chains without the values that nothing reads but what moves them on in the same step.

        All of them are passed in the same rounds, or else each round is a step.
        """
        passed = [self._passed(each.values) for each in chains]
        rounds = set().union(*passed)
        if not rounds or not all(
            own == {i for i in rounds if i < each.count}
            for each, own in zip(chains, passed, strict=True)
        ):
            return chains
        return [_without(*pair) for pair in zip(chains, passed, strict=True)]

    def _passed(self, values: list[Node]) -> set[int]:
        pairs = enumerate(pairwise(values))
        return {i for i, (each, new) in pairs if i and self._is_passed(each, new)}

    def _is_passed(self, value: Node, new: Node) -> bool:
        return {new, *self.way(value, new)}.issuperset(value.consumers)

    def _consequences(self, node: Node, most: int = 64) -> set[Node]:
        """The values that are a linear function of a value."""
        found: set[Node] = set()
        waiting = [node]
        for each in waiting:
            for consumer in each.consumers:
                linear = consumer not in found and each in self.ancestors(consumer)
                if linear and len(found) < most:
                    found.add(consumer)
                    waiting.append(consumer)
        return found


def _is_put_together(node: Node) -> bool:
    """Whether a value is an array of numbers that something else reads, too, as they are."""
    return node.function is put_in_shape and any(len(e.consumers) > 1 for e in node.inputs)


def _computed(node: Node, old: Node) -> bool:
    """Whether a value was computed from another one, and is not only numbers of it."""
    starts = [node] if node.depends_on(old) else []
    way = walk(starts, lambda each: [e for e in each.inputs if e.depends_on(old)])
    return any(each is not old and each.operation not in MOVES for each in way)


def roles(node: Node, consumer: Node | None = None) -> Iterable[Role]:
    """The uses of a value, all of them or those in one operation."""
    for each in node.consumers if consumer is None else (consumer,):
        for i, value in enumerate(flat((each.args, each.kwargs))):
            if value is node:
                yield operation_key(each), i


def numbers_asked(nodes: Sequence[Node]) -> list[Node]:
    """The numbers that may be margins: which the program compares, and computes nothing of."""
    single = (each for each in asked(nodes, ANY) if np.size(each.value) == 1 and each.frames)
    return [each for each in single if _compares(each.frames[0].file, each.frames[0].line)]


@lru_cache(maxsize=4096)
def _compares(file: str, line: int) -> bool:
    """Whether a line compares something, or what it assigns to is compared on another one."""
    made = statement(file, line)
    if made is None:
        return False
    here = made.test if isinstance(made, ast.If | ast.While) else made
    names = stored(made)
    elsewhere = (e for e in ast.walk(tree(file) or here) if isinstance(e, ast.Compare))
    return any(map(_is_comparison, ast.walk(here))) or any(
        isinstance(e, ast.Name) and e.id in names for each in elsewhere for e in ast.walk(each)
    )


def _is_comparison(node: ast.AST) -> bool:
    match node:
        case ast.Compare() | ast.Call(ast.Name("max" | "min")):
            return True
    return False


def is_asked(old: Node, new: Node, numbers: Sequence[Node]) -> bool:
    """Whether the margin of a sample was computed from an old value before there was a new one.

    Args:
        old: the old value.
        new: the new one, which may be made of the sample alone then.
        numbers: see `numbers_asked`.
    """
    return any(
        old.number < each.number < new.number
        and each.depends_on(old)
        and is_margin(each, 1 << old.number)
        for each in numbers
    )


def is_trained(chain: Carried, nodes: Sequence[Node], numbers: Sequence[Node]) -> bool:
    """Whether something beside what the first value was goes into the new ones, or a loss tells it.

    Args:
        chain: what is carried on.
        nodes: of the run.
        numbers: see `numbers_asked`.
    """
    first, second, *_ = chain.values
    if operation_key(first) == operation_key(second):
        return True
    way = walk([second], lambda each: [] if each is first else each.inputs)
    if any(each is not first and _holds_data(each) for each in way):
        return True
    return is_asked(first, second, numbers) or any(
        not each.consumers
        and np.size(each.value) == 1
        and each.depends_on(first)
        and is_named(each)
        for each in nodes[first.number : second.number]
    )


def is_late(values: Sequence[Node], nodes: Sequence[Node]) -> bool:
    """Whether what is added to each value but the first was not computed from it.

    Args:
        values: of a parameter, one after another.
        nodes: of the run.
    """
    if len(values) <= 2:  # noqa: PLR2004 - nothing is added but to the first
        return False
    later = [*pairwise(values[1:])]
    if any(is_moved(*each) for each in later):
        return False
    numbers = numbers_asked(nodes)
    return not any(is_asked(*each, numbers) for each in later)


def is_moved(old: Node, new: Node) -> bool:
    """Whether something beside an old value was computed from it on the way to the new one."""
    within = ancestors(new)
    path = pairwise(way(old, new, within)) if old in within else [(new, new)]
    return any(e is not at and e.depends_on(old) for at, made in path for e in made.inputs)


def _holds_data(node: Node) -> bool:
    """Whether a value is an array that was given, or put together, or computed with one."""
    if node.function is None or node.operation == "array":
        return np.size(node.value) > 1
    known = () if node.operation == FILLED or node.function is taken else (node.args, node.kwargs)
    return any(isinstance(e, np.ndarray) and e.size > 1 for e in flat(known))
