"""Weight decay in gradients whose cost is not stated: given = s × right + c × parameter.

The gradients that are right but for a decay tell s and c; where another one is wrong too, the
program's own term, a multiple of the parameter, tells that it decays.

Left out: the costs themselves (`costs.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.judge import Verdict
from conformance.backward.program import Goal
from conformance.backward.quantities import HALF_OF_THE_DIGITS, fitted
from conformance.tracing.node import Node


@dataclass(frozen=True)
class Decay:
    """A decay that gradients have in common.

    Attributes:
        factor: s.
        rate: c.
        goals: the parameters that decay.
        count: how many gradients are right with it.
    """

    factor: float
    rate: float
    goals: tuple[Goal, ...]
    count: int


def decayed(found: Sequence[Verdict], chain: Chain) -> Decay | None:
    """The decay with which most gradients are right; None if it is none of those that are wrong."""
    fits = [(each, fit) for each in found if (fit := _fit(each)) is not None]
    best: Decay | None = None
    for _, (factor, rate) in fits:
        if factor <= 0 or rate <= 0:
            continue
        same = [e for e in fits if _near(e[1][0], factor)]
        goals = tuple(v.goal for v, (_, r) in same if _near(r, rate))
        if not any(_is_matrix(g) for g in goals):
            continue  # biases alone do not decay
        count = len(goals) + sum(r == 0 for _, (_, r) in same)
        if best is None or count > best.count:
            best = Decay(factor, rate, goals, count)
    if best is None:
        return None
    own = tuple(v.goal for v in found if v.goal not in best.goals and _terms(v.goal, chain))
    return replace(best, goals=(*best.goals, *own))


def stated(goals: Sequence[Goal], chain: Chain) -> Decay | None:
    """The decay that the program adds to its gradients, whatever else is in them."""
    terms = [(goal, found[-1]) for goal in goals if (found := _terms(goal, chain))]
    for goal, term in terms:
        rate = _rate(goal, term, chain)
        if rate > 0:
            return Decay(1.0, rate, tuple(each for each, _ in terms), 0)
    return None


def _terms(goal: Goal, chain: Chain) -> list[Node]:
    """The multiples of a parameter of which its gradient was computed."""
    return [
        each
        for each in chain.nodes
        if goal.node.depends_on(each) and each.depends_on(goal.parameter)
        if each is not goal.node and each.operation in ("multiply", "divide")
        if np.shape(each.value) == np.shape(goal.parameter.value)
        if np.size(each.value) > 1 and fitted(chain.values[each.number], goal.parameter.value)
    ]


def _rate(goal: Goal, term: Node, chain: Chain) -> float:
    """By how much of a parameter its gradient grows by a multiple of it."""
    shape = np.shape(goal.parameter.value)
    seed = np.random.default_rng(0).normal(size=(1, *shape))
    back = chain.reverse({goal.node.number: seed}, lambda each: each.depends_on(term))
    share = fitted(back.get(term.number, np.zeros_like(seed)), seed) or 0.0
    return share * (fitted(chain.values[term.number], goal.parameter.value) or 0.0)


def _fit(verdict: Verdict) -> tuple[float, float] | None:
    """s and c of one gradient; c is 0 where s does; None if there are none."""
    given, right = verdict.given.ravel(), verdict.right.ravel()
    weights = np.asarray(verdict.goal.parameter.value, dtype=np.float64).ravel()
    if given.shape != right.shape or not np.all(np.isfinite(given + right)):
        return None
    for columns in ([right], [right, weights]):
        matrix = np.stack(columns, axis=1)
        if given.size <= len(columns) or np.linalg.matrix_rank(matrix) < len(columns):
            continue
        found = np.linalg.lstsq(matrix, given, rcond=None)[0]
        far = float(np.max(np.abs(matrix @ found - given)))
        if far <= HALF_OF_THE_DIGITS * float(np.max(np.abs(given))):
            return float(found[0]), float(found[1]) if len(found) > 1 else 0.0
    return None


def _is_matrix(goal: Goal) -> bool:
    shape = np.shape(goal.parameter.value)
    return len(shape) > 1 and min(shape) > 1


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= HALF_OF_THE_DIGITS * abs(other)
