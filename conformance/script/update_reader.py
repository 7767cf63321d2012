"""How one update of one parameter is read: from the new value down to the old.

Left out: what is known of it then (`update.py`), and whether it is right (`rule.py`).
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from conformance.backward.syntax import statement
from conformance.script.chains import is_asked, numbers_asked
from conformance.script.linear import (
    Places,
    ancestors,
    entrywise,
    exponent,
    has_entries,
    is_constant,
    is_of_a_term,
    is_of_some,
    is_signed,
    links,
    links_to,
    part_at,
    read_forward,
    source,
    way,
)
from conformance.script.multiples import dual_of, is_altered
from conformance.script.parameters import Parameter
from conformance.script.rows import unscaled
from conformance.script.update import Multiple, Update, others_in, row_ways, spread, summed
from conformance.tracing.node import FILLED, Node, bits_of_nodes, touched
from conformance.tracing.trace import Trace

ROWS = "add.at"  # of `np.add.at`, one after another: they are no parts of one gradient


def updates_of(trace: Trace, moved: Sequence[Parameter], k: int) -> tuple[Update, ...]:
    """The k-th update of each parameter, from 1, without a scaling of the parameter after it."""
    pairs = [each.values[k - 1 : k + 1] for each in moved]
    given = bits_of_nodes(old for old, _ in pairs)
    by_rows = any(each.states for each in moved) or _alters_some(trace, pairs)
    found = []
    for each, (old, new) in zip(moved, pairs, strict=True):
        made, left = unscaled(old, new)
        found.append(Update(each, old, made, after=1 - left, given=given, by_rows=by_rows))
    return tuple(_read(trace, each) for each in found)


def _alters_some(trace: Trace, pairs: Sequence[Sequence[Node]]) -> bool:
    """Whether a value within the step of a parameter may stand in the place of its gradient."""
    ends = [(old.number, new.number) for old, new in pairs]
    first = min((old for old, _ in ends), default=0)
    last = max((new for _, new in ends), default=0)
    return any(
        is_altered(each) and any(old <= each.number < new for old, new in ends)
        for each in trace.nodes[first:last]  # once, and not for each parameter
    )


def with_decay(trace: Trace, made: Update, *, apart: bool) -> Update:
    """An update, where a multiple of the parameter that is added beside a gradient is part of it.

    Or, apart, one where that which is added to a gradient is no part of it.
    """
    again = Update(made.parameter, made.old, made.new, after=made.after, given=made.given)
    again.by_rows = made.by_rows
    return _read(trace, again, apart=apart, beside=not apart)


def _read(trace: Trace, made: Update, *, apart: bool = False, beside: bool = False) -> Update:
    """An update with all that is known of it."""
    reader, old, new = _Reader(trace, made, apart=apart), made.old, made.new
    reader.read(new, old, 1.0)
    parts = [each for each, _ in reader.gradients.values()]
    if beside:
        parts += reader.decays_beside()
    if made.states and len(reader.decays) == 1 and not (parts or reader.others):
        parts += [each for each, _ in reader.decays]  # a decay is all that is kept
        made.decay += parts[0][-1][1]
    in_rows = any(each[0][0].operation == ROWS for each in parts)
    if len(parts) > 1 and not in_rows:
        sums = summed(trace, parts, next(at for _, at in reader.gradients.values()))
        made.options, made.parts = [e for e, _ in sums], {node: own for (node, _), own in sums}
    elif len(parts) == 1:
        made.options = parts[0]
    for node in [each for each, _ in made.options] if reader.rows else ():
        made.parts[node] = tuple(reader.rows.get(e, e) for e in made.parts_of(node))
    lines = {_statement(e) for e in (new, *reader.sums, *(s for _, s in made.states))}
    parts_of = [made.parts_of(node) for node, _ in made.options]
    own = [i for i, e in enumerate(parts_of) if lines.isdisjoint(map(_statement, e))]
    made.own = min([*own, max(len(made.options) - 1, 0)])
    made.dual = dual_of(made)
    if made.dual is not None:
        made.options = [(node, -by) for node, by in made.options]
    return made


def _statement(node: Node) -> tuple[str, int] | None:
    """Where the statement begins that computed a value."""
    for each in node.frames[:1]:
        found = statement(each.file, each.line)
        return each.file, found.lineno if found is not None else each.line
    return None


class _Reader:
    """Follows an update from the new value down."""

    def __init__(self, trace: Trace, made: Update, *, apart: bool) -> None:
        self.trace, self.made, self.apart = trace, made, apart
        self.places: Places | None = None  # of the row that is read
        self.kept_there: dict[Node, Node] = {}  # by the state in which its row was last written
        self.rows: dict[Node, Node] = {}  # by the tables in which they stand
        self.gradients: dict[Node, tuple[list[Multiple], Node]] = {}  # where they are added, too
        self.decays: list[tuple[list[Multiple], Node]] = []
        self.shares: list[tuple[list[Multiple], Node]] = []  # by which less of it is kept
        self.others: list[Node] = []  # that are added, and are not computed of the parameter
        self.at = made.new
        self.sums: list[Node] = []  # on the way, of the parameter or a state and something else
        chains = made.parameter.states
        self.written = {new: old for e in chains for old, new in pairwise(e.values)}
        earlier = (e for e in made.parameter.values if e.number <= made.old.number)
        self.read_before = frozenset[Node]().union(*map(read_forward, earlier))
        self.first = {each.values[0] for each in chains}
        known = (*made.parameter.chain.before, *made.parameter.values)
        self.earlier = {each for each in known if each.number < made.old.number}
        self.kept = bits_of_nodes((*self.written, *self.first))

    def read(self, new: Node, old: Node, factor: float) -> None:
        """Note what is added to an old value on the way to a new one, by the shortest way."""
        within, kept = ancestors(new), factor
        if old not in within:
            return
        path, self.at = way(old, new, within), new
        factor = self.along(path, factor)
        if old is self.made.old and kept == 1.0:
            self.made.decay += kept - factor
            self.shares += [([(old, factor - kept)], new)] if factor != kept else []

    def along(self, path: list[Node], factor: float) -> float:
        """Note what is added on a way; how many times the first value is in the last."""
        own = path[0] is self.made.old or self.places is not None
        for whole, below in zip(path[::-1], path[-2::-1], strict=False):
            by, others = dict(reversed([*links(whole)])), [*others_in(whole, below)]
            self.sums += [whole] if others and own else []
            if exponent(whole, below) is not None:
                self.made.multiplied = self.made.adaptive = True
            for operand, each in others:
                self.term(operand, factor * each)
            for way_of, places in row_ways(whole, path) if self.made.by_rows else ():
                self.places = places
                kept = (e for each in self.made.parameter.states for e in each.values[::-1])
                self.kept_there = {touched(e, np.array([*places])): e for e in kept}
                self.along(way_of, factor)
                self.places = None
            factor *= by.get(below, 1.0)
        return factor

    def term(self, node: Node, factor: float) -> None:
        """Note what is added so many times, if it is not 0 times."""
        options = self.peeled(node, factor)
        node, factor = options[-1]
        if node is self.made.old:
            self.made.decay -= factor
            self.decays.append((options, self.at))
            return
        nothing = not factor or self.is_last_step(node)
        nothing = nothing or (self.made.old, 0.0) in links_to(node, self.made.old)
        if nothing or any(node is old for old, _ in self.made.states):  # in `m += (1 − β) (g − m)`
            return
        state = self.state(node)
        if state in self.first:  # as it was before the first update
            return
        if state is not None:
            self.of_state(state, node, factor)
        elif is_signed(node, self.made.old):
            (self.made.signed,) = node.inputs
            self.made.adaptive = True
            self.term(self.made.signed, factor)
        elif self.contains_a_state(node):
            self.combined(node, factor)
        elif any(self.is_a_term(each) for each in self.terms(node)):
            for operand, times in links(node):  # one of them is kept of the last update
                self.term(operand, factor * times)
        elif node.depends_on(self.made.old) or self.is_asked:
            self.noted_gradient(options)
        else:
            self.others.append(node)

    @cached_property
    def is_asked(self) -> bool:
        """Whether a margin was computed of the old value, which chooses what is added to it."""
        old, new = self.made.old, self.made.new
        return is_asked(old, new, numbers_asked(self.trace.nodes[old.number : new.number]))

    def of_state(self, state: Node, node: Node, factor: float) -> None:
        """Note what is kept, of which a value is a multiple or a row, and what is added to it.

        What is made of one entry of it alone is neither, and tells nothing.
        """
        old, at = self.written[state], self.at
        part = part_at(node, self.places)
        row = part is not None and self.table(part) is state
        factors = {state: 1.0} if row else dict(links_to(node, state))
        if state not in factors:
            return
        self.made.states.append((old, state))
        if row:
            for path, _ in row_ways(state, {old}):
                self.along(path, factor)
        else:
            self.read(state, old, factor * factors[state])
        self.at = at

    def table(self, node: Node) -> Node:
        """What is kept, of which an array has the same row: other rows are written after it."""
        if not self.places:
            return node
        return self.kept_there.get(touched(node, np.array([*self.places])), node)

    def noted_gradient(self, options: list[Multiple]) -> None:
        """Note a gradient and what it is a multiple of; of a row as those of the table."""
        if self.places is not None:
            old = self.made.old
            tables = [(spread(self.trace, e, self.places, old), by) for e, by in options]
            self.rows |= {table: e for (table, _), (e, _) in zip(tables, options, strict=True)}
            options = tables
        self.gradients[options[-1][0]] = options, self.at

    def decays_beside(self) -> Iterator[list[Multiple]]:
        """The multiples of the parameter that are added where a gradient is, and no more beside.

        So is that by which less of it is kept, as in `(1 − η λ) w − η g`.
        """
        for options, at in (*self.decays, *self.shares):
            if any(at is each for _, each in self.gradients.values()):
                self.made.decay += options[-1][1]
                yield options

    def terms(self, node: Node) -> list[Node]:
        """What a value is the sum of, or a multiple.

        Left out: an array that is written into part by part, and what is multiplied by, or filled
        with, something that the parameter is in.
        """
        below = [each for each, _ in links(node)]
        apart = len(below) == 1 and node.depends_on(self.made.old) > below[0].depends_on(
            self.made.old
        )
        return [] if node.operation == FILLED or apart else below

    def is_last_step(self, node: Node) -> bool:
        """Whether it is what a parameter was moved by before, as momentum may add it."""
        factors = dict(links(node))
        before = [by for each, by in factors.items() if each in self.earlier]
        return len(factors) == len(("old", "earlier")) and before == [
            -factors.get(self.made.old, 0)
        ]

    def is_a_term(self, node: Node) -> bool:
        """Whether a part of a sum is no part of a gradient: kept of the last update, or a sign."""
        old = self.made.old
        while node is not old and len(below := [e for e, _ in links(node)]) == 1:
            if node.depends_on(old) > below[0].depends_on(old):
                return False
            node = below[0]
        if node is old:
            return self.apart
        kept = any(map(node.depends_on, self.earlier)) and not node.uses & self.made.given
        data = not (is_constant(node) or kept)
        return is_signed(node, old) or not (data or node.depends_on(old))

    def combined(self, node: Node, factor: float) -> None:
        """Note a sum with a state in it, or a quotient by one."""
        summed = [*links(node)]
        if len(summed) > 1:
            self.sums.append(node)
            for operand, times in summed:
                self.term(operand, factor * times)
            return
        self.made.adaptive = True
        inputs = [each for each in node.inputs if has_entries(each, node)]
        if node.operation in ("divide", "true_divide"):
            for each in (e for e in inputs if e is not node.args[0]):
                self.noted(each)
            inputs = [each for each in inputs if each is node.args[0]]
        free = [e for e in inputs if not self.contains_a_state(e)]
        gradients = [e for e in free if e.depends_on(self.made.old)]
        linear = gradients or [e for e in inputs if self.is_a_sum(e) or e in free]
        for each in inputs:
            if each in linear or node.operation != "multiply":
                others = [e for e in inputs if e is not each and e not in linear]
                turned = any(np.all(np.asarray(e.value) < 0) for e in others)
                self.term(each, -factor if turned else factor)
            else:
                self.noted(each)

    def is_a_sum(self, node: Node) -> bool:
        """Whether a value is a sum of multiples of a state and of others, and no quotient by it."""
        return node in self.written or not self.written.keys().isdisjoint(ancestors(node))

    def noted(self, node: Node) -> None:
        """Note the states within a factor."""
        before = (e for e in self.written.values() if not e.depends_on(self.made.old))
        stop = frozenset({self.made.old, *before})  # it may decay
        within = {node} | entrywise(node, stop, places=self.places)
        found = {*map(self.table, within)} & set(self.written)
        olds = {self.written[each] for each in found}
        self.made.states += [(self.written[each], each) for each in found - olds]

    def state(self, node: Node) -> Node | None:
        """The new value of a state that a value is a multiple of."""
        at: Node | None = self.table(part_at(node, self.places) or node)
        while at is not None:
            if at in self.written or at in self.first:
                return at
            below = [*links(at)]
            at = below[0][0] if len(below) == 1 else None
        return None

    def contains_a_state(self, node: Node) -> bool:
        """Whether a value is made of a state entry by entry, beside what the forward pass read."""
        if self.places is None and not node.uses & self.kept:
            return False
        known = map(self.table, entrywise(node, self.read_before, places=self.places) | {node})
        return any(each in self.written or each in self.first for each in known)

    def is_of_the_pass(self, number: Node, node: Node) -> bool:
        """Whether a number is computed from parameters, and not from what it multiplies."""
        apart = number is not node and not is_of_a_term(number, source(node))
        return apart and np.size(number.value) == 1 and is_of_some(number, self.made.given)

    def peeled(self, node: Node, factor: float) -> list[Multiple]:
        """A value, and what it is a multiple of, each with how many times it is added."""
        found = [(node, factor)]
        while node not in self.written and node is not self.made.old:
            moved = node.depends_on(self.made.old)
            if not moved and not self.is_asked:
                break
            below = [e for e in links(node) if e[0].depends_on(self.made.old) is moved]
            rest = [e for e, _ in links(node) if e.depends_on(self.made.old) is not moved]
            if len(below) != 1 or node.operation == FILLED or not all(map(is_constant, rest)):
                break
            if (node.operation in ("add", "subtract") and not rest) or not below[0][1]:
                break
            if any(self.is_of_the_pass(each, below[0][0]) for each in node.inputs):
                break
            node, factor = below[0][0], factor * below[0][1]
            found.append((node, factor))
        return found
