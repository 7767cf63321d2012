"""Adam and its like: the rule of some steps, and what is wrong with them.

How many times a mean over a root is taken off, from update to update, tells by what the means were
corrected for their first steps, however a program writes that. Left out: what is kept
(`histories.py`), and the single step (`quotients.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import combinations, product
from math import log
from typing import NamedTuple

import numpy as np

from conformance.backward.findings import Line
from conformance.backward.source import lines_of, operands
from conformance.backward.syntax import assigned_around, counting, renaming, statement
from conformance.script.histories import OTHER, UNKNOWN, Known, Mistake, Moment, by, precision
from conformance.script.linear import alike, scalar
from conformance.script.quotients import UNCORRECTED, Fit, Reading
from conformance.script.update import Update
from conformance.script_outcome import Rule
from conformance.tracing.node import Node
from reference.step import Array

ENOUGH = 3  # updates that tell one rule from the others
LATEST = 64  # updates after which a trace may begin of which nothing is known before


class Correction(NamedTuple):
    """A way of it: the bases β, None where a mean is not corrected, and t at each update."""

    mean: float | None
    square: float | None
    counts: tuple[int, ...]


@lru_cache(maxsize=1024)
def _times(correction: Correction, *, root: bool) -> Array:
    """How many times the quotient of the means is taken off by a correction, at each update."""
    mean, square = (by(each, correction.counts) for each in correction[:2])
    return np.asarray(mean / (np.sqrt(square) if root else square))


def count_of(base: float, factor: float) -> int | None:
    """The t of which a factor is 1 / (1 − β^t), if there is one."""
    if factor <= 1 or not 0 < base < 1:
        return None
    t = log(1 - 1 / factor) / log(base)
    return round(t) if round(t) > 0 and abs(t - round(t)) <= 2.0**-26 * t else None


def adaptive(reading: Reading) -> Known:
    """The rule of the steps of one parameter, and what is wrong with them."""
    enough, found = len(reading.history.updates) >= ENOUGH, _told(reading)
    if found is None or (found.mistakes and not enough):
        return Known.wrong(*reading.mistakes) if enough and reading.mistakes else UNKNOWN
    return found


def _told(reading: Reading) -> Known | None:
    """The same, however few updates there are; None if too little tells."""
    if not all(np.all(np.isfinite(each)) for each in reading.history.taken):
        return None
    for form, fits in reading.each_form():
        found = _Search(reading, form, fits).found()
        if reading.is_told or found.rule.kind != "other" or found.mistakes:
            return found
    return OTHER if reading.is_told else None


@dataclass(frozen=True)
class _Search:
    """The search for the correction that steps have."""

    reading: Reading
    form: str
    fits: list[Fit]

    @property
    def mean(self) -> Moment | None:
        """That of the gradient."""
        return self.reading.mean

    @property
    def square(self) -> Moment:
        """That of its square."""
        return self.reading.square

    @cached_property
    def first(self) -> Update:
        """The first update."""
        return self.reading.history.updates[0]

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """The number of each update."""
        return tuple(self.reading.history.counts)

    def own(self, counts: Sequence[int]) -> Correction:
        """The right correction, but for what it counts."""
        square = self.reading.base if self.reading.base < 1 else None
        mean = self.mean.rate if self.mean is not None and self.mean.rate < 1 else None
        return Correction(mean, square, tuple(counts))

    @property
    def none(self) -> Correction:
        """To correct neither mean."""
        return Correction(None, None, self.counts)

    def right_ones(self) -> Iterator[Correction]:
        """Those that are right: if the means are not 0 at first, there were updates before."""
        for before in range(LATEST if self.reading.history.is_begun else 1):
            yield self.own([each + before for each in self.counts])

    def wrong_ones(self) -> Iterator[Correction]:
        """Those that are mistakes, with the fewest first; bases that are no rate come last."""
        first = self.counts[0]
        rates = [self.square.rate, *(1 - abs(each.share) for each in self.reading.moments)]
        yield from self.by_bases(rates)
        if not self.reading.history.is_begun:
            yield self.own([each + 1 for each in self.counts])
        at, many = self.reading.history.place
        for start in dict.fromkeys((at, many - at + 1, *range(1, many + 1))):
            yield self.own([start + many * (each - first) for each in self.counts])
        told = (f for _, f in (*self.reading.of_mean[0], *self.reading.of_square[0]) if f > 1)
        yield from self.by_bases([*rates, *((1 - 1 / f) ** (1 / first) for f in told)])

    def by_bases(self, bases: Sequence[float]) -> Iterator[Correction]:
        """The corrections by some bases, those first that have most that are right."""
        own = self.own(self.counts)
        several = [None, own.mean, self.reading.base, *(each for each in bases if 0 < each < 1)]
        several = [each for each in dict.fromkeys(several) if each != 1]
        means = several if self.mean is not None else [None]
        found = [Correction(one, other, self.counts) for one, other in product(means, several)]
        yield from sorted(found, key=lambda e: (e.mean != own.mean) + (e.square != own.square))

    def found(self) -> Known:
        """The first correction that gives the steps: a right one, none, or one that is wrong."""
        for free, root in product((False, True), self.roots_of_form):
            for each in self.right_ones():
                if self.gives(each, root=root, free=free):
                    return self.right(each, root=root)
        none = self.none
        if self.gives(none) or (self.mean is None and self.gives(none, free=True)):
            return self.uncorrected()
        for free in (False, True):
            for each in self.wrong_ones():
                if self.gives(each, free=free) and (not free or self.is_seen(each)):
                    return Known.wrong(*map(self.placed, self.mistakes(each)))
        if self.form == "root" and self.gives(self.own(self.counts), root=False):
            node = self.scaled(False, self.own(self.counts).mean, self.counts)
            return Known.wrong(self.placed(Mistake("root of correction", node)))
        return OTHER

    @property
    def roots_of_form(self) -> tuple[bool, ...]:
        """Whether the correction of the mean of squares may be under a root, or not."""
        return (True,) if self.form != "none" else (False, True)

    def is_seen(self, correction: Correction) -> bool:
        """Whether each base that is wrong in it is in the program, and no part of an η.

        Or whether a correction by a t that is always the same is there.
        """
        own, counts = self.own(self.counts), correction.counts
        wrong = [(i, e) for i, e in enumerate(correction[:2]) if e != own[i]]
        stuck = {None} if any(self.stuck()) else set()
        seen = (e in stuck or self.divided(i == 1, e, counts) for i, e in wrong)
        return counts == own.counts and all(seen)

    @cached_property
    def times(self) -> Array:
        """How many times each update takes off the mean over the root."""
        return np.array([each.times for each in self.fits])

    @cached_property
    def near(self) -> float:
        """How near to each other two numbers are that are the same.

        A third of the digits; half of them where ε is not measured, but one that the program has.
        """
        half = float(precision(np.asarray(self.first.new.value)))
        return half ** (2 / 3) if self.reading.is_told else half

    def same(self, one: float, other: float) -> bool:
        """Whether two numbers are the same."""
        return abs(one - other) <= self.near * abs(other)

    def even(self, values: Array) -> bool:
        """Whether numbers are all the same."""
        return all(self.same(each, values[0]) for each in values)

    def gives(
        self, correction: Correction, *, root: bool | None = None, free: bool = False
    ) -> bool:
        """Whether a correction gives the steps with one η, or with those that the program has."""
        rates = self.rates(correction, root=root)
        if not np.all(np.isfinite(rates)) or not np.all(rates):
            return False
        if not free:
            return self.even(rates)
        sequences = [
            np.array([f for _, f in each]) for each in zip(*self.reading.of_mean, strict=True)
        ]
        several = [one * other for one, other in combinations(sequences, 2)]
        return any(self.even(rates / e) for e in (*sequences, *several) if not self.even(e))

    def rates(self, correction: Correction, *, root: bool | None = None) -> Array:
        """What is left of the steps beside a correction: η."""
        root = self.form != "none" if root is None else root
        with np.errstate(all="ignore"):
            return np.asarray(self.times / _times(correction, root=root))

    def right(self, correction: Correction, *, root: bool) -> Known:
        """The rule of steps by a right correction."""
        wrong = (*self.reading.mistakes, *self.of_form(), *self.of_shares())
        if wrong:
            return Known.wrong(*wrong[:1])
        kind = "rmsprop" if self.square.rate < 1 else "adagrad"
        if self.mean is not None:
            kind = "adam" if self.square.rate < 1 else "other"
        numbers = self.numbers(correction, root=root)
        if self.reading.is_said and numbers[0][1] not in self.said:
            return OTHER
        return Known(Rule(self.reading.kind or kind, numbers))

    def uncorrected(self) -> Known:
        """The rule of steps by no correction, unless it is one that is always the same."""
        wrong = (*self.reading.mistakes, *self.of_form(), *self.stuck())
        if wrong:
            return Known.wrong(*wrong[:1])
        wrong = tuple(self.of_shares())
        if wrong:  # a decay is taken for the share, or what is kept is a sum that decays
            typed = [e for e in wrong if not e.numbers or self.same(e.numbers[0], 1 - e.numbers[1])]
            return Known.wrong(*typed[:1])
        kind = self.reading.kind or ("rmsprop" if self.mean is None else "adam")
        kind = kind if self.mean is None or kind in UNCORRECTED else f"uncorrected {kind}"
        return Known(Rule(kind, self.numbers(self.none)))

    def numbers(
        self, correction: Correction, *, root: bool | None = None
    ) -> tuple[tuple[str, float], ...]:
        """Those of a rule, as the program has them."""
        eta = abs(float(self.rates(correction, root=root)[0]))
        said = (e for e in self.said if self.same(e, eta))
        eta = min(said, key=lambda e: abs(e - eta), default=eta)
        epsilon = self.epsilon(float(by(correction.square, self.counts[:1])[0]))
        first, *others = ("β1", "β2") if self.mean is not None else ("β",)
        rates = [] if self.mean is None else [(first, self.mean.rate)]
        name = others[0] if others else first
        rates += [(name, self.square.rate)] if self.square.rate < 1 else []
        return (("η", eta), *rates, ("ε", epsilon))

    @property
    def said(self) -> list[float]:
        """What η may be: a number that the program has, or 1."""
        return [1.0, *self.reading.history.numbers]

    def epsilon(self, corrected: float) -> float:
        """What the program adds to the root, or within it, as far as its digits tell."""
        given = abs(self.fits[0].epsilon)
        size = float(np.max(self.reading.seconds[0]))
        within = self.form in ("within", "none")
        size, by_square = (size, corrected) if within else (np.sqrt(size), np.sqrt(corrected))
        added = self.reading.history.numbers_in(frozenset({"add"}))
        off = {e: min(abs(e - given), abs(e / by_square - given)) for e in added}
        near = [e for e in added if off[e] <= self.near * size]
        return min(near, key=lambda e: off[e], default=given if given > self.near * size else 0.0)

    def of_form(self) -> Iterator[Mistake]:
        """That a root is missing, or that ε stands beside it."""
        kind = {"none": "no root", "beside": "beside"}.get(self.form)
        if kind is not None:
            yield Mistake(kind, self.first.new)

    def of_shares(self) -> Iterator[Mistake]:
        """The means to which another share is added than what they lose, or more than they keep."""
        means = (e for e in self.reading.moments if e.is_mean)
        for each in means:
            if alike(each.rate, 1.0) and each.share < 1 and _is_share(each.news[-1]):
                yield Mistake("sum", each.news[-1])
            elif each is self.square and each.rate < each.share and _keeps_the_rest(each):
                yield Mistake("rest", each.news[0], _rounded(each.rate, each.share))
            elif each.rate < 1 and not self.same(abs(each.share), 1 - each.rate):
                yield Mistake("share", each.news[0], _rounded(abs(each.share), 1 - each.rate))

    def stuck(self) -> Iterator[Mistake]:
        """The corrections by a t that is always the same."""
        for scalings, moment in (
            (self.reading.of_mean, self.mean),
            (self.reading.of_square, self.square),
        ):
            for each in zip(*scalings, strict=True):
                node, factor = each[0]
                if moment is not None and self.even(np.array([f for _, f in each])):
                    t = count_of(moment.rate, factor)
                    if t is not None:
                        yield Mistake("stuck", node, (t,), lines=counting(node.frames))

    def mistakes(self, correction: Correction) -> Iterator[Mistake]:
        """What is wrong with a correction, the likeliest first."""
        own = self.own(self.counts)
        given, wanted = correction.counts, own.counts
        if given != wanted:
            kind = "late" if given[1] - given[0] == wanted[1] - wanted[0] else "steps"
            numbers = (given[0], wanted[0]) if kind == "late" else (given[1] - given[0],)
            node = self.scaled(False, own.mean, given)
            lines = counting(node.frames) if kind == "steps" else ()
            yield Mistake(kind, node, numbers, lines=lines)
            return
        exchanged = list(self.exchanged(correction))
        yield from exchanged
        if not exchanged:
            yield from self.by_mean(correction, own)

    def by_mean(self, correction: Correction, own: Correction) -> Iterator[Mistake]:
        """What is wrong with the correction of each mean, or with what it keeps."""
        stuck = list(self.stuck())
        yield from stuck
        for root, base, right, moment in (
            (False, correction.mean, own.mean, self.mean),
            (True, correction.square, own.square, self.square),
        ):
            if base == right or moment is None:
                continue
            node = self.scaled(root, base, correction.counts)
            name = "square" if root else "mean"
            if base is None:
                if not stuck:
                    uses = (e for e in moment.news[0].consumers if node.depends_on(e))
                    lines = renaming(lines_of(moment.news[0]), lines_of(next(uses, node)))
                    yield Mistake(f"uncorrected {name}", node, lines=lines)
            elif self.is_of_moment(moment, base):
                yield Mistake(f"rate {name}", moment.news[0], (moment.rate, base))
            else:
                others = [e.rate for e in self.reading.moments]
                kind = "correction" if base in others else "base"
                yield Mistake(f"{kind} {name}", node, (base, right or 1.0))

    def placed(self, one: Mistake) -> Mistake:
        """A mistake on the only line that computes a number by a power which is used there.

        One that has the right correction of a single mean does not lack that of the other.
        """
        own = self.own(self.counts)
        rights = [1.0 / by(base, own.counts[:1])[0] for base in (own.mean, own.square)]
        rights = [*rights, *np.sqrt(rights)] if one.kind.startswith("uncorrected") else []
        way = self.first.way(self.reading.history.gradients[0])
        nodes = way if one.node is self.first.new else (one.node,)
        pairs = ((e, *pair) for e in nodes for pair in zip(operands(e), e.args, strict=False))
        lines = set[Line]()
        for node, operand, value in pairs:
            number = scalar(value) if isinstance(operand, ast.Name) else None
            if number and not any(alike(number, each) for each in rights):
                line = assigned_around(ast.unparse(operand), node.frames)
                parts = ast.walk(statement(*line) or ast.Pass()) if line else ()
                lines |= {line} if line and any(isinstance(e, ast.Pow) for e in parts) else set()
        return one if one.lines or len(lines) != 1 else replace(one, lines=tuple(lines))

    def exchanged(self, correction: Correction) -> Iterator[Mistake]:
        """The means that keep each what the other ought to: the one of squares keeps more."""
        if self.mean is None or self.mean.rate <= self.square.rate:
            return
        if (correction.mean, correction.square) == (self.square.rate, self.mean.rate):
            yield Mistake("exchanged", self.mean.news[0], (self.mean.rate, self.square.rate))
            yield Mistake("exchanged", self.square.news[0], (self.square.rate, self.mean.rate))

    def is_of_moment(self, moment: Moment, base: float) -> bool:
        """Whether it is the mean that keeps a wrong share, and not its correction that is wrong.

        It takes what it has to keep, more than half, where its shares are exchanged.
        """
        others = [e.rate for e in self.reading.moments if e is not moment]
        share = abs(moment.share)
        if self.same(1 - share, base) or (base > moment.rate and self.same(share, base)):
            return True
        return moment.rate in others and base not in others

    def scaled(self, root: bool, base: float | None, counts: tuple[int, ...]) -> Node:
        """Where a mean is divided by a correction; else where the parameter is moved."""
        return self.divided(root, base, counts) or self.first.new

    def divided(self, root: bool, base: float | None, counts: tuple[int, ...]) -> Node | None:
        """Where a mean, that of squares or the other, is divided by a correction.

        That of the squares may stand beside the root, so that its own root is multiplied by.
        """
        wanted = by(base, counts)
        scalings = (
            (self.reading.of_square, self.reading.of_mean) if root else (self.reading.of_mean,)
        )
        rows = (each for several in scalings for each in zip(*several, strict=True))
        for each in rows if base is not None else ():
            factors = np.array([f for _, f in each])
            powers = (factors / wanted, factors / np.sqrt(wanted), factors * np.sqrt(wanted))
            if any(map(self.even, powers)):
                nodes: list[Node] = [node for node, _ in each]
                return nodes[0]
        return None


def _rounded(*numbers: float) -> tuple[float, ...]:
    return tuple(float(f"{each:.9g}") for each in numbers)


def _keeps_the_rest(mean: Moment) -> bool:
    """Whether a mean is multiplied by 1 less a number, and not by one that it is to keep."""
    products = (each for each in mean.olds[0].consumers if each.operation == "multiply")
    return any(_is_rest(part) for each in products for part in operands(each))


def _is_rest(part: ast.AST) -> bool:
    """Whether something that is written is 1 less something."""
    match part:
        case ast.BinOp(left=ast.Constant(value=1), op=ast.Sub()):
            return True
    return False


def _is_share(node: Node) -> bool:
    """Whether 1 less something is written where a value is computed."""
    here = [statement(each.file, each.line) for each in lines_of(node)]
    return any(_is_rest(part) for whole in here if whole is not None for part in ast.walk(whole))
