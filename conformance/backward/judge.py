"""Which gradients of a recorded run are wrong.

In floats two arrays that agree in half of the digits are taken as one. Where the run can be
evaluated on balls, the slope of the loss along a generic direction decides what floats leave open:
a gradient that is right there and not in floats has lost digits, and is not wrong.

Left out: why a gradient is wrong (`blame.py`).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import LeftExactError, to_exact
from conformance.backward.chain import Chain
from conformance.backward.forward import Forward
from conformance.backward.program import Goal, Recorded
from conformance.backward.quantities import HALF_OF_THE_DIGITS
from conformance.backward.rules import tied
from conformance.tracing.replay import Replay
from conformance.tracing.trace import Node
from reference.step import Array

BITS, STEP_BITS, EQUAL = 500, 120, 2.0**-48
"""The precision; the step of the slope, 2⁻¹²⁰; equal is what agrees to 2⁻⁴⁸, for a scalar of the
program may have been rounded before it met an array."""
SMALL = 1e-3  # an error that may come of an ε
AFFORDABLE = 150_000  # numbers that are computed on balls


@dataclass(frozen=True, eq=False)
class Verdict:
    """A gradient beside the right one.

    Attributes:
        goal: the gradient.
        given: its values.
        right: the right values.
        ok: whether it is right.
        error: the largest distance, relative to the largest right entry.
        exact: whether balls say so.
        lost: whether it is right on balls and not in floats.
        apart: how far it is off, relative to its size, though it is taken as right: by an ε that
            the loss has and the gradient has not, or by less than floats tell; else 0.
        untraced: whether it is right by the program's own loss alone, of which the record misses
            something.
    """

    goal: Goal
    given: Array
    right: Array
    ok: bool
    error: float
    exact: bool = False
    lost: bool = False
    apart: float = 0.0
    untraced: bool = False


def distance(given: Array, right: Array, scale: float | None = None) -> float:
    """The largest distance of two arrays of one shape, relative to the largest right entry."""
    if not np.all(np.isfinite(given)):
        return float("inf")
    far = float(np.max(np.abs(given - right), initial=0.0))
    scale = scale or float(np.max(np.abs(right), initial=0.0))
    return far / scale if scale else far


def judged(run: Recorded) -> tuple[Forward, list[Verdict], bool]:
    """The forward pass, each gradient judged, and whether the sample hits a kink.

    At a kink any slope between those on both sides is right: each side is tried.
    """
    forward = Forward(run, Chain(run.trace.nodes))
    found = verdicts(forward)
    kinks = any(tied(each, forward.chain.value) for each in forward.nodes())
    for ties in (0.0, 1.0) if kinks and not all(e.ok for e in found) else ():
        other = Forward(run, Chain(run.trace.nodes, ties=ties))
        again = verdicts(other)
        if sum(e.ok for e in again) > sum(e.ok for e in found):
            forward, found = other, again
    if not all(each.ok for each in found):
        found = _without_epsilons(run, found, forward.chain.ties)
    return forward, found if kinks else _on_balls(forward, found), kinks


def _without_epsilons(run: Recorded, found: list[Verdict], ties: float) -> list[Verdict]:
    """The verdicts; right, and how far off, is what is right with every ε taken for 0."""
    again = verdicts(Forward(run, Chain(run.trace.nodes, ties=ties, epsilons=False)))
    return [
        replace(each, ok=True, apart=each.error)
        if other.ok and not each.ok and each.error <= SMALL
        else each
        for each, other in zip(found, again, strict=True)
    ]


def verdicts(forward: Forward) -> list[Verdict]:
    """Each gradient, judged in floats."""
    rights = [forward.right(each.parameter) for each in forward.run.goals]
    largest = max((float(np.max(np.abs(e), initial=0.0)) for e in rights), default=0.0)
    found = []
    for goal, right in zip(forward.run.goals, rights, strict=True):
        given = np.asarray(forward.chain.values[goal.node.number])
        error = float("inf")
        if given.shape == right.shape:
            scale = None if np.any(right) else largest or 1.0
            error = distance(given, right, scale)
        found.append(Verdict(goal, given, right, error <= HALF_OF_THE_DIGITS, error))
    return found


def _on_balls(forward: Forward, found: list[Verdict]) -> list[Verdict]:
    """The verdicts with what balls say, where they go."""
    run = forward.run
    needed = run.loss.uses
    for each in found:
        needed |= each.goal.node.uses
    if sum(_cost(e) for e in run.trace.nodes if needed >> e.number & 1) > AFFORDABLE:
        return found
    shaped = [each for each in found if each.given.shape == each.right.shape]
    right, wrong = [e for e in shaped if e.ok], [e for e in shaped if not e.ok]
    with precision(BITS):
        together = _apart(run, right) if right else None
        if together is not None and together > EQUAL:  # which of them is it?
            apart = {id(each): _apart(run, [each]) for each in right}
        else:
            apart = {id(each): together for each in right}
        for each in wrong:
            apart[id(each)] = _apart(run, [each]) if np.all(np.isfinite(each.given)) else None
    return [_decided(each, apart.get(id(each))) for each in found]


def _decided(verdict: Verdict, apart: float | None) -> Verdict:
    """A verdict with how far it is off on balls, if that is known."""
    if apart is None:
        return verdict
    if apart <= EQUAL:
        return replace(verdict, exact=True, lost=not verdict.ok, ok=True)
    return replace(verdict, apart=max(apart, verdict.apart)) if verdict.ok else verdict


def _cost(node: Node) -> int:
    """How many numbers an operation computes."""
    size = int(np.size(node.value)) if isinstance(node.value, np.ndarray) else 0
    if node.operation in ("matmul", "dot", "einsum", "tensordot") and node.inputs:
        return size * max(np.shape(e.value)[-1] if np.ndim(e.value) else 1 for e in node.inputs)
    return size


def _apart(run: Recorded, some: list[Verdict]) -> float | None:
    """How far gradients are from the slope of the loss along a generic direction, on balls.

    Relative to the size of both; None where balls do not go.
    """
    rng = np.random.default_rng(len(some))
    directions = [to_exact(rng.normal(size=np.shape(each.right))) for each in some]
    step = to_exact(2.0**-STEP_BITS)[()]
    ends: list[Any] = []
    try:
        for sign in (1, -1):
            moved = {
                e.goal.parameter.number: to_exact(e.goal.parameter.value) + sign * step * d
                for e, d in zip(some, directions, strict=True)
            }
            replay = Replay(run.trace, moved)
            if not replay.exact(run.loss):
                return None
            ends.append(np.ravel(replay.value(run.loss))[0])
        replay = Replay(run.trace)
        if not all(replay.exact(each.goal.node) for each in some):
            return None
        terms = [
            np.sum(np.ravel(replay.value(e.goal.node)) * np.ravel(d))
            for e, d in zip(some, directions, strict=True)
        ]
    except (LeftExactError, ArithmeticError, TypeError, ValueError):
        return None
    slope, total = (ends[0] - ends[1]) / (2 * step), sum(terms[1:], terms[0])
    scale = abs(slope.ball) + sum(abs(each.ball) for each in terms)
    far = abs(slope.ball - total.ball)
    if not scale > 0:
        return 0.0 if far == 0 else None
    return float((far / scale).mid())
