"""Weight decay in gradients whose cost is not stated: given = s × right + c × parameter.

The sign of the parameter stands there, where its absolute values are the penalty.

The gradients that are right but for a decay tell s and c; where another one is wrong too, the
program's own term, a multiple of the parameter, tells that it decays. Where the loss states a
decay, a gradient may be wrong by a multiple of it alone.

Left out: the costs themselves (`costs.py`), and what is wrong with a decay (`decay_lines.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain as chained
from itertools import islice, product

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, least_squares
from conformance.backward.decay_terms import (
    asks_sign,
    entries_apart,
    of_parts,
    of_two_kinds,
    rate_of,
    terms,
)
from conformance.backward.judge_gradients import Verdict
from conformance.backward.penalties import PENALTIES, SQUARES, Penalty, absolutes
from conformance.backward.recorded_pass import Goal
from conformance.backward.source import MATRIX_PRODUCTS
from conformance.tracing.node import Node
from reference.step import Array


@dataclass(frozen=True)
class Decay:
    """A decay that gradients have in common.

    Attributes:
        factor: s.
        rate: c.
        goals: the parameters that decay, each with 1 where it does: everywhere, or in the rows that
            were used.
        count: how many gradients are right with it.
        penalty: whose derivative it is, of each weight.
        taken_off: where the program takes the decay off the gradients, and the weights grow, what
            computes it, by parameter.
        lacking: whether the weights grow, and nothing computes it: they lack a decay of the loss.
        fitted: whether a fit in floats alone tells the rate of signs, and no term of the program.
    """

    factor: float
    rate: float
    goals: tuple[tuple[Goal, Array], ...]
    count: int
    penalty: Penalty = SQUARES
    taken_off: tuple[tuple[str, Node], ...] = ()
    lacking: bool = False
    fitted: bool = False


FEW = 64  # entries that tell soon what does not fit

Fit = tuple[float, float, Array]
"""s, c, and 1 where the parameter decays."""


def decayed(
    found: Sequence[Verdict],
    chain: Chain,
    usual: Sequence[float] = (),
    loss: Node | None = None,
    *,
    stated: bool = False,
) -> Decay | None:
    """The decay with which most gradients are right; None if it is none of those that are wrong.

    Args:
        found: the gradients, judged.
        chain: of the run.
        usual: the factors that they may have.
        loss: that states no decay, if it is known: then a single number decays by its own term.
        stated: whether the loss states one, which that of the program's own term may differ from.
    """
    zeros = any(np.any(np.equal(each.goal.parameter.value, 0)) for each in found)
    slopes = [absolutes(each) for each in ((0.0, -1.0, 1.0) if zeros else (0.0,))]
    tried = chained([SQUARES], slopes, *(of_two_kinds(found, chain, each) for each in slopes))
    decays = [
        one
        for each in tried
        if (one := _Search(found, chain, each, usual, loss, stated).decay()) is not None
    ]
    return max(decays, key=lambda one: one.count, default=None)


@dataclass(frozen=True)
class _Search:
    """The search for a decay that is the derivative of one penalty."""

    verdicts: Sequence[Verdict]
    chain: Chain
    penalty: Penalty
    usual: Sequence[float]
    loss: Node | None
    by_loss: bool

    def decay(self) -> Decay | None:
        """The decay with which most gradients are right; None if it is none of those."""
        fits = [(each, fit) for each in self.verdicts for fit in self.fits(each)]
        plain = [factor for _, (factor, rate, _) in fits if not rate]
        fitting = {id(each) for each, _ in fits}
        rest = [each for each in self.verdicts if id(each) not in fitting]
        usual = [] if fits else [1.0]  # where no gradient tells another
        for each in rest:
            factors = plain or (usual if self.terms(each.goal) else [])
            beside = (fit for factor in factors if (fit := self.beside(each, factor)) is not None)
            fits += [(each, fit) for fit in islice(beside, 1)]
        rates = _unlike((s, c) for _, (s, c, _) in fits if s > 0 and c)
        decays = [one for s, c in rates if (one := self.common(fits, s, c)) is not None]
        best = max(decays, key=lambda one: (one.rate > 0, one.count), default=None)
        if best is None:
            return None
        known = [goal for goal, _ in best.goals]
        if best.rate < 0:
            last = [(goal.name, each) for goal in known for each in self.terms(goal)[-1:]]
            taken = tuple((name, _sum(term)) for name, term in last)
            lacking = not last and not any(self.has_part(each, best.rate) for each in known)
            best = replace(best, taken_off=taken, lacking=lacking)
        termed = self.penalty is SQUARES or all(map(self.terms, known))
        best = replace(best, rate=abs(best.rate), fitted=self.penalty.fitted or not termed)
        # right to half the digits without any
        alone = {id(v) for v, (s, c, _) in fits if not c and _near(s, best.factor)}
        rest = [each for each in self.verdicts if each.goal not in known]
        own = [
            (each.goal, _everywhere(each.goal))
            for each in rest
            if (self.has_term(each.goal, best.rate) if id(each) in alone else self.terms(each.goal))
        ]
        parts = [(e.goal, _used(e)) for e in rest if self.has_part(e.goal, best.rate)]
        return replace(best, goals=(*best.goals, *own, *parts))

    def common(
        self, fits: Sequence[tuple[Verdict, Fit]], factor: float, rate: float
    ) -> Decay | None:
        """The decay of all gradients that have these s and c; None if too little tells them."""
        same = [e for e in fits if _near(e[1][0], factor)]
        goals = [(v.goal, where) for v, (_, r, where) in same if _near(r, rate)]
        near = {id(v) for v, _ in same}
        others = ((v, self.beside(v, factor, rate)) for v in self.verdicts if id(v) not in near)
        goals += [(v.goal, fit[2]) for v, fit in others if fit is not None]
        weights = [v.goal for v in self.verdicts if _is_of_weights(v.goal)]
        fitting = [goal for goal, _ in goals]
        if weights and not any(e in fitting or self.terms(e) for e in weights):
            return None  # biases alone do not decay
        if self.penalty is not SQUARES and not all(map(self.asks, fitting)):
            return None  # signs alone are nothing by which a decay is told
        count = len(goals) + sum(r == 0 for _, (_, r, _) in same)
        told = any(_near(factor, each) for each in self.usual)
        if count == 1 and not told and np.count_nonzero(goals[0][1]) <= len(("s", "c")):
            return None  # any two numbers are so
        return Decay(factor, rate, tuple(goals), count, self.penalty)

    def has_term(self, goal: Goal, rate: float) -> bool:
        """Whether a gradient has a term by which its parameter decays or grows by a rate."""
        rates = (rate_of(goal, e, self.chain, self.penalty) for e in self.terms(goal))
        return any(_near(abs(each), abs(rate)) for each in rates)

    def has_part(self, goal: Goal, rate: float) -> bool:
        """Whether a gradient has a term by which the used part of its parameter decays or grows."""
        rates = of_parts(goal, self.chain) if self.penalty is SQUARES else ()
        return not self.terms(goal) and any(_near(abs(each), abs(rate)) for each in rates)

    def terms(self, goal: Goal) -> list[Node]:
        """As the function of the module."""
        return terms(goal, self.chain, self.penalty, self.loss)

    def asks(self, goal: Goal) -> bool:
        """Whether a gradient has a term of a penalty, or an `if` asks for its signs."""
        return bool(self.terms(goal)) or asks_sign(goal, self.chain)

    def fits(self, verdict: Verdict) -> list[Fit]:
        """s and c of one gradient; of a single number also those by its own term."""
        found = self.fit(verdict)
        return [] if found is None else [found, *self.by_term(verdict)]

    def fit(self, verdict: Verdict) -> Fit | None:
        """s and c of one gradient; c is 0 where s does; None if there are none."""
        given, right = verdict.given.ravel(), verdict.right.ravel()
        if given.shape != right.shape or not np.all(np.isfinite(given + right)):
            return None
        everywhere = _everywhere(verdict.goal)
        if given.size == 1 and np.all(right):  # any factor is right for a single number
            return float(given.item() / right.item()), 0.0, everywhere
        weights = self._weights(verdict).ravel()
        alike = np.any(weights) and np.any(right) and _are_multiples(right, weights)
        if alike and self.terms(verdict.goal):
            return None  # any s and c with one sum are so, such as after the first step from 0
        apart = (*_without_bias(verdict.goal), *entries_apart(given, right, weights))
        for where in (None, everywhere, _used(verdict), *apart):
            columns = [right] if where is None else [right, where.ravel() * weights]
            told = given.size > len(columns) <= min(map(np.count_nonzero, columns))
            least = HALF_OF_THE_DIGITS * np.max(np.abs(given))
            if not told or not _may_fit(columns, given, least) or _are_multiples(*columns):
                continue
            matrix = np.stack(columns, axis=1)
            doubles = np.asarray(matrix, np.float64), np.asarray(given, np.float64)
            found = least_squares(*doubles)
            if _agrees(matrix @ found, given) and np.any(np.abs(found[0] * right) > least):
                if where is None:
                    return float(found[0]), 0.0, everywhere
                rate = self.stated(verdict, float(found[1]), given - found[0] * right, columns[1])
                return None if rate is None else (float(found[0]), rate, where)
        return None

    def by_term(self, verdict: Verdict) -> Iterator[Fit]:
        """s and c of a single number by its own term."""
        for term in self.terms(verdict.goal)[-1:] if verdict.given.size == 1 else ():
            rate = rate_of(verdict.goal, term, self.chain, self.penalty)
            factor = (verdict.given - rate * self._weights(verdict)) / verdict.right
            yield factor.item(), rate, _everywhere(verdict.goal)

    def beside(self, verdict: Verdict, factor: float, rate: float | None = None) -> Fit | None:
        """s and c of one gradient that has the s of another one, and its c if that is given."""
        if verdict.given.shape != verdict.right.shape:
            return None
        rest = (verdict.given - factor * verdict.right).ravel()
        single = verdict.right.size == 1  # of which a part is all or nothing
        for where in (_everywhere(verdict.goal), *(() if single else (_used(verdict),))):
            weights, c = (where * self._weights(verdict)).ravel(), rate
            if c is None:
                c = float(np.vdot(rest, weights) / (np.vdot(weights, weights) or 1.0))
            if np.any(weights) and _agrees(c * weights, rest):
                alone = rate is None and np.count_nonzero(weights) == 1
                own = self.stated(verdict, None if alone else c, rest, weights)
                return None if own is None else (factor, own, where)
        return None

    def stated(
        self, verdict: Verdict, rate: float | None, rest: Array, weights: Array
    ) -> float | None:
        """The rate by a program's own term that a fit comes near to; else that of the fit.

        None if the program has terms, and the fit is another rate, without one that the loss
        states: it hides what is wrong.

        Args:
            verdict: of a gradient.
            rate: by the fit, which has lost some digits; None if it is that of a single entry,
                as any number is some rate times another.
            rest: what is left of the gradient.
            weights: the derivative of the penalty.
        """
        goal, size = verdict.goal, np.max(np.abs(verdict.given))
        own = (rate_of(goal, each, self.chain, self.penalty) for each in self.terms(goal)[-1:])
        tells = False
        for each in chained(own, of_parts(goal, self.chain)):
            if np.max(np.abs(each * weights - rest)) <= HALF_OF_THE_DIGITS * size:
                return each
            tells = tells or each != 0
        return None if tells and not self.by_loss else rate

    def _weights(self, verdict: Verdict) -> Array:
        parameter = np.asarray(verdict.goal.parameter.value, dtype=np.float64)
        return self.penalty.derivative(parameter)


def stated(goals: Sequence[Goal], chain: Chain) -> Decay | None:
    """The decay that the program adds to its gradients, whatever else is in them."""
    for penalty in PENALTIES:
        found = [(goal, own[-1]) for goal in goals if (own := terms(goal, chain, penalty))]
        rates = (rate_of(goal, term, chain, penalty) for goal, term in found)
        rate = next((each for each in rates if each > 0), 0.0)
        if rate:
            decaying = tuple((each, _everywhere(each)) for each, _ in found)
            return Decay(1.0, rate, decaying, 0, penalty)
    return None


def _sum(term: Node) -> Node:
    """What adds a decay to a gradient, or takes it off; the decay itself if nothing does."""
    sums = (each for each in term.consumers if each.operation in ("add", "subtract"))
    return next(sums, term)


def _everywhere(goal: Goal) -> Array:
    return np.ones(np.shape(goal.parameter.value))


def _used(verdict: Verdict) -> Array:
    """1 where a gradient is not 0, such as in the row of one word."""
    return np.asarray(verdict.right != 0, dtype=np.float64)


def _without_bias(goal: Goal) -> Iterator[Array]:
    """1 but for the first or the last entries along an axis, where a bias stands among weights."""
    for axis, at in product(range(np.ndim(goal.parameter.value)), (0, -1)):
        where = _everywhere(goal)
        np.moveaxis(where, axis, 0)[at] = 0
        yield where


def _agrees(one: Array, other: Array) -> bool:
    return float(np.max(np.abs(one - other))) <= HALF_OF_THE_DIGITS * float(np.max(np.abs(other)))


def _are_multiples(*columns: Array) -> bool:
    """Whether two columns are multiples of each other but for rounding; one alone is none."""
    one, *others = (np.asarray(each, np.float64) for each in columns)
    return any(
        np.linalg.norm(one - np.vdot(one, each) / np.vdot(each, each) * each)
        <= one.size * np.finfo(float).eps * np.linalg.norm(one)
        for each in others
    )


def _may_fit(columns: Sequence[Array], given: Array, least: float) -> bool:
    """Whether a gradient is a sum of multiples of columns as far as a few entries tell.

    The least squares of so many are not farther off than √FEW times the sum that fits all.
    """
    places = np.linspace(0, given.size - 1, FEW).astype(int) if given.size > FEW else slice(None)
    few = np.stack([each[places] for each in columns], axis=1).astype(np.float64)
    wanted = np.asarray(given[places], np.float64)
    found = least_squares(few, wanted)
    return bool(np.max(np.abs(few @ found - wanted)) <= 2 * np.sqrt(FEW) * least)


def _is_of_weights(goal: Goal) -> bool:
    """Whether a parameter is a matrix, or a vector that is multiplied as one, as of one output."""
    shape = np.shape(goal.parameter.value)
    products = (e.operation in MATRIX_PRODUCTS for e in goal.parameter.consumers)
    return (len(shape) > 1 and min(shape) > 1) or (len(shape) == 1 and any(products))


def _unlike(pairs: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The first of pairs of numbers that are the same but for rounding."""
    known = dict[tuple[str, ...], tuple[float, float]]()
    for pair in pairs:
        known.setdefault(tuple(f"{each:.10g}" for each in pair), pair)
    return [*known.values()]


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= HALF_OF_THE_DIGITS * abs(other)
