"""The updates of one parameter one after another, and what they keep of the gradients.

At what rate, of which power, and what share is added. Left out: by which rule the steps are made of
it (`known_rules.py`, `adaptive.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import isnan, nan
from typing import Any

import numpy as np

from conformance.backward.findings import Line
from conformance.script.linear import SAME as COPIES
from conformance.script.linear import alike, entrywise, kept, links, read_forward, scalar
from conformance.script.multiples import is_bounded, rated
from conformance.script.rows import Carried
from conformance.script.update import Update
from conformance.script_outcome import Rule
from conformance.tracing.node import FILLED, Node, bits_of_nodes, flat, is_part, taken
from reference.step import Array

ROOTS = frozenset({"sqrt", "power", "float_power"})

ARITHMETIC = (
    frozenset({"add", "subtract", "multiply", "divide", "true_divide", "negative", "square"})
    | frozenset({"reciprocal", FILLED})
    | ROOTS
    | COPIES
)
"""The operations of the rules that are known."""


@dataclass(frozen=True)
class Mistake:
    """What makes an update another one than that of a rule that is known.

    Attributes:
        kind: that of its cause.
        node: computed on the line to blame.
        numbers: that stand there, and that have to.
        lines: to blame in the place of that of the node.
    """

    kind: str
    node: Node
    numbers: tuple[float, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Known:
    """What is known of how one parameter is moved.

    Attributes:
        rule: that it is; `other` if it is none that is known, `unknown` if too little tells.
        mistakes: that make it another one than a rule that is known.
    """

    rule: Rule
    mistakes: tuple[Mistake, ...] = ()

    @classmethod
    def wrong(cls, *mistakes: Mistake) -> "Known":
        """No rule, by mistakes."""
        return cls(OTHER.rule, mistakes)


OTHER, UNKNOWN = Known(Rule("other")), Known(Rule("unknown"))


@dataclass(frozen=True)
class Moment:
    """What is kept from update to update.

    Attributes:
        olds: what was read, at each update.
        news: what was written.
        rate: how many times the old value is in the new one; NaN if not always as many times.
        power: of the gradient of which a multiple is added; 0 if of none.
        share: how many times it is added; NaN if not always as many times.
    """

    olds: tuple[Node, ...]
    news: tuple[Node, ...]
    rate: float
    power: int
    share: float

    @classmethod
    def of(cls, olds: Sequence[Node], news: Sequence[Node]) -> "Moment":
        """What is kept, of which no more is known than how much of itself."""
        return cls(tuple(olds), tuple(news), kept(olds[0], news[0]), 0, nan)

    @property
    def added(self) -> list[Array]:
        """What is added at each update."""
        pairs = zip(self.olds, self.news, strict=True)
        return [np.asarray(new.value) - self.rate * np.asarray(old.value) for old, new in pairs]

    @property
    def is_mean(self) -> bool:
        """Whether it is some mean or sum of the gradients or their squares, at a fixed rate."""
        return bool(self.power) and not isnan(self.rate) and not isnan(self.share)

    def is_under_root(self, updates: Sequence[Update]) -> bool:
        """Whether the first update divides by a root of something that it is in."""
        new = self.news[0]
        return any(each.depends_on(new) for each in roots(updates[0], new))

    def share_of(self, values: Sequence[Array], beside: float = 0.0) -> float | None:
        """How many times some values are added, and a number beside; None if they are not."""
        share = times_of([each - beside for each in self.added], values)
        return None if share is None or isnan(share) else share

    def with_decay(
        self, updates: Sequence[Update], gradients: Sequence[Node]
    ) -> "tuple[Moment, list[Array]] | None":
        """It, and what it is a mean of: gradients with a multiple of the parameter, if it is."""
        found = []
        for whole_added, made, gradient in zip(self.added, updates, gradients, strict=True):
            g, parameter = np.asarray(gradient.value), np.asarray(made.old.value)
            added = np.ravel(whole_added)
            if np.shape(g) != np.shape(parameter):  # it is spread over its axes, and has no decay
                return None
            matrix = np.stack((np.ravel(g), np.ravel(parameter)), axis=1)
            if not np.all(np.isfinite(matrix)) or not np.all(np.isfinite(added)):
                return None
            share, decay = np.linalg.lstsq(matrix, added, rcond=None)[0]
            whole = g + decay / share * parameter if share else g
            if multiple(added, np.ravel(whole)) is None or not share:
                return None
            found.append((float(share), whole))
        same = all(abs(e - found[0][0]) <= 2.0**-26 * abs(e) for e, _ in found)
        moment = replace(self, power=1, share=found[0][0])
        return (moment, [each for _, each in found]) if same else None


def roots(made: Update, *states: Node) -> Iterator[Node]:
    """The roots of which an update divides by something, down to some values that are kept."""
    stop = frozenset({made.old, *states})
    for node in {made.new, *entrywise(made.new, stop)}:
        if node.operation in ("divide", "true_divide") and type(node.args[1]) is Node:
            below = {node.args[1], *entrywise(node.args[1], stop)}
            yield from (each for each in below if each.operation in ROOTS)


def is_square(node: Node) -> bool:
    """Whether a value is the square of another."""
    if node.operation in ("power", "float_power"):
        return scalar(node.args[1]) == 2  # noqa: PLR2004 - of a square
    twice = node.operation == "multiply" and node.args[0] is node.args[1]
    return twice or node.operation == "square"


def moment_of(
    pairs: Sequence[tuple[Node, Node]], updates: Sequence[Update], gradients: Sequence[Node]
) -> Moment:
    """What is kept in one place.

    Args:
        pairs: what was read and what was written, at each update.
        updates: of the parameter.
        gradients: of which it may be a mean.
    """
    rates = [kept(*e, read_forward(made.old)) for e, made in zip(pairs, updates, strict=True)]
    rate = rates[0] if all(alike(rates[0], each) for each in rates) else nan
    olds, news = zip(*pairs, strict=True)
    kept_there, found = Moment(olds, news, rate, 0, nan), []
    if all(map(_is_arithmetic, olds, news, gradients, updates)):
        arrays = [np.asarray(each.value) for each in gradients]
        shares = (times_of(kept_there.added, [each**power for each in arrays]) for power in (1, 2))
        found = [
            replace(kept_there, power=power, share=share)
            for power, share in enumerate(shares, 1)
            if share is not None
        ]
    # the squares of entries that are all the same are a multiple of them
    last = len(found) > 1 and found[0].is_under_root(updates)
    return found[-1 if last else 0] if found else kept_there


def times_of(added: Sequence[Array], powers: Sequence[Array]) -> float | None:
    """How many times some arrays are added; NaN if not always as many times, None if they are not.

    A single number is some multiple of any other, and 0 is any multiple of 0.
    """
    telling = (e for e in zip(added, powers, strict=True) if np.any(e[0]) or np.any(e[1]))
    found = [multiple(*each) for each in telling]
    shares = [each for each in found if each is not None]
    if not shares or len(shares) < len(found):
        return None
    half = precision(*added, *powers)
    same = all(abs(each - shares[0]) <= half * abs(shares[0]) for each in shares)
    if np.size(added[0]) == 1 and not (same and len(shares) > 1):
        return None
    return shares[0] if same else nan


def _is_arithmetic(old: Node, new: Node, gradient: Node, made: Update) -> bool:
    """Whether the old value goes into the new one by arithmetic alone."""
    return arithmetic(new, frozenset({old, *made.parts_of(gradient), made.old}))


def arithmetic(node: Node, given: frozenset[Node]) -> bool:
    """Whether values go into another one by arithmetic alone, entry by entry."""
    within = {node, *entrywise(node, given)} - given
    bits = bits_of_nodes(given)
    own = (each for each in within if each.function is not None and each.uses & bits)
    return all(
        each.operation in ARITHMETIC or each.function is taken or is_bounded(each) for each in own
    )


def multiple(value: Array, of: Array) -> float | None:
    """How many times an array another is, to half of the digits; None if it is no multiple."""
    size = float(np.vdot(of, of))
    if not size or not np.isfinite(size) or np.size(of) != np.size(value):
        return None
    times = float(np.vdot(of, value)) / size
    far = float(np.max(np.abs(value - times * of), initial=0.0))
    near = far <= precision(value, of) * float(np.max(np.abs(value), initial=0.0))
    return times if near else None


def precision(*values: Array) -> float:
    """Half of the digits of a format; of several the one that has the fewest."""
    kinds = (e.dtype if np.issubdtype(e.dtype, np.floating) else np.float64 for e in values)
    return float(np.sqrt(max(np.finfo(each).eps for each in kinds)))


def by(base: float | None, counts: Sequence[int]) -> Array:
    """1 / (1 − β^t) at each update."""
    t = np.asarray(counts, dtype=np.float64)
    return np.ones_like(t) if base is None else 1 / (1 - base**t)


def _decayed(made: Update) -> Node:
    """A parameter of which a part has decayed before its step, as all but the biases; else it."""

    def share(value: Any) -> float:
        factor = 1.0
        while type(value) is Node and len(below := [*links(value)]) == 1:
            value, times = below[0]
            factor *= times
        own = type(value) is Node and is_part(value) and value.inputs == (made.old,)
        return factor if own else 0.0

    written = (e for e in made.old.consumers if e.operation == FILLED and made.new.depends_on(e))
    decayed = (e for e in written if all(0 < share(value) < 1 for _, value in e.args[1]))
    return next(decayed, made.old)


@dataclass(frozen=True, eq=False)
class History:
    """The updates of one parameter, as those by one array of each.

    Attributes:
        updates: of it.
        gradients: of which of its arrays each update is taken to be one.
        place: of the parameter among all, from 1, and how many there are.
        share: how many times these gradients are in what the updates themselves multiply.
        apart: of each update a term that is added beside what the rule takes off, if there is one.
        rates: how many times the rate of the first entry that of each is, if each has its own.
    """

    updates: Sequence[Update]
    gradients: Sequence[Node]
    place: tuple[int, int] = (1, 1)
    share: float = 1.0
    apart: Sequence[Node] = ()
    rates: Sequence[Array] = ()

    @cached_property
    def arrays(self) -> list[Array]:
        """The gradients."""
        return [np.asarray(each.value) for each in self.gradients]

    @cached_property
    def taken(self) -> list[Array]:
        """What each update takes off, beside a decay and a term that is added apart."""
        found = [
            (1 - each.decay) * np.asarray(_decayed(each).value) - np.asarray(each.new.value)
            for each in self.updates
        ]
        for i, each in enumerate(self.apart):
            found[i] = found[i] + kept(each, self.updates[i].new) * np.asarray(each.value)
        return [e / by for e, by in zip(found, self.rates, strict=True)] if self.rates else found

    @cached_property
    def moments(self) -> list[Moment]:
        """What is kept; nothing if it is not the same at all updates."""
        found = []
        for chain in dict.fromkeys(e for made in self.updates for e in made.parameter.states):
            of_all = [[e for e in made.states if e[1] in chain.values] for made in self.updates]
            rows = zip(self.updates, of_all, strict=True)
            if not any(_is_own(made, new) for made, pairs in rows for _, new in pairs):
                continue  # a sum on the way to what is kept, or what is written after its use
            if not all(of_all):
                return []
            latest = [max(each, key=lambda e: e[1].number) for each in of_all]
            found.append(moment_of(latest, self.updates, self.gradients))
        return found

    @cached_property
    def late(self) -> tuple[list[Node], list[Node]] | None:
        """What is kept and written after it was used, if there is one such.

        What was read at each update, and what was written, as far as it is seen.
        """
        for chain in self.updates[0].parameter.states:
            read = [_read_late(chain, made) for made in self.updates]
            olds = [each for each in read if each is not None]
            if len(olds) == len(read):
                following = dict(pairwise(chain.values))
                return olds, [following[e] for e in olds if e in following]
        return None

    @cached_property
    def is_begun(self) -> bool:
        """Whether there was an update before the first that is seen, whose means were numbers."""
        return any(np.any(each.olds[0].value) for each in self.moments if each.rate < 1)

    @cached_property
    def counts(self) -> list[int]:
        """The number of each update, from 1."""
        return [each.number + self.is_begun for each in self.updates]

    @cached_property
    def numbers(self) -> list[float]:
        """The single numbers among the operands of the first update, the least first."""
        return self.numbers_in()

    def numbers_in(self, operations: frozenset[str] = frozenset()) -> list[float]:
        """The same, of some operations in it.

        What its gradient is computed of is none, nor what is computed of the parameter.
        """
        made, found = self.updates[0], set[float]()
        first = made.parameter.values[0]
        for node in made.way(*(gradient for gradient, _ in made.options[-1:])):
            known = node.operation in operations or not operations
            for each in flat((node.args, node.kwargs)) if known else ():
                is_given = type(each) is not Node or not each.depends_on(first)
                number = scalar(each) if is_given else None
                found |= {abs(number)} if number else set()
        return sorted(found)

    def is_arithmetic(self) -> bool:
        """Whether no step does anything else than to add, multiply, divide and take roots."""
        return all(
            arithmetic(
                each.new,
                frozenset({each.old, *each.parts_of(g), *(new for _, new in each.states)}),
            )
            for each, g in zip(self.updates, self.gradients, strict=True)
        )


def _read_late(chain: Carried, made: Update) -> Node | None:
    """What an update finds of what is kept, if what it writes there itself does not move it."""
    own = [each for each in chain.values if _is_own(made, each)]
    before = [e for e in chain.values if e not in own and e.number < made.new.number]
    return None if any(map(made.new.depends_on, own)) else [None, *before][-1]


def _is_own(made: Update, state: Node) -> bool:
    """Whether what is kept was made of the gradient of an update."""
    return state.depends_on(made.old)


def histories(updates: Sequence[Update], place: tuple[int, int] = (1, 1)) -> Iterator[History]:
    """The updates by the arrays that they themselves multiply, then by each that these are of."""
    own = [each.options[each.own] for each in updates]
    several = min(len(each.options) for each in updates)
    rest = [[each.options[-i] for each in updates] for i in range(several, 0, -1)]
    for chosen in (own, *(each for each in rest if each != own)):
        share = abs(own[0][1] / chosen[0][1])
        yield History(updates, [node for node, _ in chosen], place, share)
    at_rates = [found for found in map(rated, updates) if found is not None]
    if len(at_rates) == len(updates):
        nodes, rates = [node for (node, _), _ in at_rates], [by for _, by in at_rates]
        first = float(rates[0].flat[0])
        yield History(updates, nodes, place, first, rates=[by / first for by in rates])


def of_others(of_all: Sequence[Sequence[Update]], at: int) -> Iterator[tuple[int, Node]]:
    """What one parameter keeps of the gradients of others alone, each with which other it is.

    Args:
        of_all: the updates of each parameter.
        at: which of them it is.
    """
    if any(not made.options for updates in of_all for made in updates):
        return
    firsts = [next(histories(each)) for each in of_all]
    own = firsts[at].gradients[0]
    for each in firsts[at].moments:
        made = each.news[0].uses & ~each.olds[0].uses
        uses_own = any(made >> e.number & 1 for e in of_all[at][0].parts_of(own))
        if each.power or uses_own or each.news[0].value.shape != own.value.shape:
            continue
        used = [
            (max(e.number for e in parts), j)
            for j, other in enumerate(firsts)
            if (parts := of_all[j][0].parts_of(other.gradients[0])) and j != at
            if any(made >> e.number & 1 for e in parts)
        ]
        for _, j in sorted(used)[-1:]:  # the rest may be what that one is computed of
            yield j, each.news[0]
