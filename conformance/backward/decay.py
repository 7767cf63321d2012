"""Weight decay in gradients whose cost is not stated: given = s × right + c × parameter.

The gradients that are right but for a decay tell s and c; where another one is wrong too, the
program's own term, a multiple of the parameter, tells that it decays.

Left out: the costs themselves (`costs.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.judge import Verdict
from conformance.backward.program import Goal
from conformance.backward.quantities import HALF_OF_THE_DIGITS, fitted
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
        taken_off: where the program takes the decay off the gradients, and the weights grow, what
            computes it, by parameter.
    """

    factor: float
    rate: float
    goals: tuple[tuple[Goal, Array], ...]
    count: int
    taken_off: tuple[tuple[str, Node], ...] = ()


def decayed(found: Sequence[Verdict], chain: Chain) -> Decay | None:
    """The decay with which most gradients are right; None if it is none of those that are wrong."""
    fits = [(each, fit) for each in found if (fit := _fit(each)) is not None]
    plain = [factor for _, (factor, rate, _) in fits if not rate]
    fitting = {id(each) for each, _ in fits}
    rest = [each for each in found if id(each) not in fitting]
    for each in rest:
        beside = (fit for factor in plain if (fit := _beside(each, factor)) is not None)
        fits += [(each, fit) for fit in islice(beside, 1)]
    rates = [(factor, rate) for _, (factor, rate, _) in fits if factor > 0 and rate]
    decays = [one for s, c in rates if (one := _decay(found, fits, chain, s, c)) is not None]
    best = max(decays, key=lambda one: (one.rate > 0, one.count), default=None)
    if best is None:
        return None
    known = [goal for goal, _ in best.goals]
    if best.rate < 0:
        last = ((goal.name, each) for goal in known for each in terms(goal, chain)[-1:])
        best = replace(best, taken_off=tuple((name, _sum(term)) for name, term in last))
    best = replace(best, rate=abs(_stated(best, chain)))
    own = (v.goal for v in found if v.goal not in known and terms(v.goal, chain))
    return replace(best, goals=(*best.goals, *((each, _everywhere(each)) for each in own)))


def _decay(
    found: Sequence[Verdict],
    fits: Sequence[tuple[Verdict, "Fit"]],
    chain: Chain,
    factor: float,
    rate: float,
) -> Decay | None:
    """The decay of all gradients that have these s and c; None if too little tells them."""
    same = [e for e in fits if _near(e[1][0], factor)]
    goals = [(v.goal, where) for v, (_, r, where) in same if _near(r, rate)]
    near = {id(v) for v, _ in same}
    others = ((v, _beside(v, factor, rate)) for v in found if id(v) not in near)
    goals += [(v.goal, fit[2]) for v, fit in others if fit is not None]
    matrices = [v.goal for v in found if _is_matrix(v.goal)]
    fitting = [goal for goal, _ in goals]
    if matrices and not any(e in fitting or terms(e, chain) for e in matrices):
        return None  # biases alone do not decay
    count = len(goals) + sum(r == 0 for _, (_, r, _) in same)
    if count == 1 and np.count_nonzero(goals[0][1]) <= len(("s", "c")):
        return None  # any two numbers are so
    return Decay(factor, rate, tuple(goals), count)


def stated(goals: Sequence[Goal], chain: Chain) -> Decay | None:
    """The decay that the program adds to its gradients, whatever else is in them."""
    found = [(goal, own[-1]) for goal in goals if (own := terms(goal, chain))]
    for goal, term in found:
        rate = rate_of(goal, term, chain)
        if rate > 0:
            return Decay(1.0, rate, tuple((each, _everywhere(each)) for each, _ in found), 0)
    return None


def _sum(term: Node) -> Node:
    """What adds a decay to a gradient, or takes it off; the decay itself if nothing does."""
    sums = (each for each in term.consumers if each.operation in ("add", "subtract"))
    return next(sums, term)


def _stated(decay: Decay, chain: Chain) -> float:
    """The rate of a decay as the program has it: a fit has lost some of its digits."""
    rates = (
        rate_of(goal, term, chain) for goal, _ in decay.goals for term in terms(goal, chain)[-1:]
    )
    return next((each for each in rates if _near(each, decay.rate)), decay.rate)


def terms(goal: Goal, chain: Chain) -> list[Node]:
    """The multiples of a parameter of which its gradient was computed."""
    return [
        each
        for each in chain.nodes
        if goal.node.depends_on(each) and each.depends_on(goal.parameter)
        if each is not goal.node and each.operation in ("multiply", "divide")
        if np.shape(each.value) == np.shape(goal.parameter.value)
        if np.size(each.value) > 1 and fitted(chain.values[each.number], goal.parameter.value)
    ]


def rate_of(goal: Goal, term: Node, chain: Chain) -> float:
    """By how much of a parameter its gradient grows by a multiple of it."""
    shape = np.shape(goal.parameter.value)
    seed = np.random.default_rng(0).normal(size=(1, *shape))
    back = chain.reverse({goal.node.number: seed}, lambda each: each.depends_on(term))
    share = fitted(back.get(term.number, np.zeros_like(seed)), seed) or 0.0
    return share * (fitted(chain.values[term.number], goal.parameter.value) or 0.0)


Fit = tuple[float, float, Array]
"""s, c, and 1 where the parameter decays."""


def _fit(verdict: Verdict) -> Fit | None:
    """s and c of one gradient; c is 0 where s does; None if there are none."""
    given, right = verdict.given.ravel(), verdict.right.ravel()
    if given.shape != right.shape or not np.all(np.isfinite(given + right)):
        return None
    everywhere = _everywhere(verdict.goal)
    for where in (None, everywhere, _used(verdict), *_without_bias(verdict.goal)):
        columns = [right] if where is None else [right, (where * _weights(verdict)).ravel()]
        matrix = np.stack(columns, axis=1)
        told = given.size > len(columns) <= min(map(np.count_nonzero, columns))
        if not told or np.linalg.matrix_rank(matrix) < len(columns):
            continue
        found = np.linalg.lstsq(matrix, given, rcond=None)[0]
        if _agrees(matrix @ found, given):
            rate = float(found[1]) if len(found) > 1 else 0.0
            return float(found[0]), rate, everywhere if where is None else where
    return None


def _beside(verdict: Verdict, factor: float, rate: float | None = None) -> Fit | None:
    """s and c of one gradient that has the s of another one, and its c if that is given."""
    if verdict.given.shape != verdict.right.shape:
        return None
    rest = (verdict.given - factor * verdict.right).ravel()
    for where in (_everywhere(verdict.goal), _used(verdict)):
        weights = (where * _weights(verdict)).ravel()
        least = 1 if rate is None else 0  # any one number is some c times another
        found = np.vdot(rest, weights) / (np.vdot(weights, weights) or 1.0)
        c = float(found) if rate is None else rate
        if np.count_nonzero(weights) > least and _agrees(c * weights, rest):
            return factor, c, where
    return None


def _weights(verdict: Verdict) -> Array:
    return np.asarray(verdict.goal.parameter.value, dtype=np.float64)


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


def _is_matrix(goal: Goal) -> bool:
    shape = np.shape(goal.parameter.value)
    return len(shape) > 1 and min(shape) > 1


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= HALF_OF_THE_DIGITS * abs(other)
