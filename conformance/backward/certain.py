"""Gradients of a recorded run beside the slope of its loss, on balls.

The slope is that along a generic direction, whose entries are measured by the sizes of what the
gradient's entries are sums of: so a small entry that is wrong shows as much as a large one. Two
that agree to 2⁻⁴⁸ are equal: a scalar of the program may have been rounded before it met an array.

Left out: floats, which decide where balls do not go (`judge_gradients.py`).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import LeftExactError, to_exact
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.epsilons import without_epsilons
from conformance.backward.recorded_pass import Goal, Recorded
from conformance.backward.source import is_float
from conformance.tracing.node import Node, uses_of_nodes
from conformance.tracing.replay import Replay
from reference.step import Array

BITS, STEP_BITS, EQUAL, ROUNDED = 500, 120, 2.0**-48, 2.0**-100
"""The precision; the step of the slope, 2⁻¹²⁰; what is equal; what nothing has rounded."""
MOST_DIGITS = 70  # the slope's step allows no more
UNIT = float(np.finfo(np.float64).eps)
LEAST = 2.0**-40  # of the largest entry: the size by which smaller ones are measured
AFFORDABLE = 400_000  # numbers that are computed on balls
FEW = 10_000  # of all gradients, one by one, that are computed to tell the digits of each

Wanted = Sequence[tuple[Goal, Array]]
"""Gradients, each with the sizes of what its entries are sums of."""

Replayed = Sequence[tuple[Recorded, Replay]]
"""Runs, each evaluated on balls."""


@dataclass(frozen=True)
class Certain:
    """What balls say of a gradient.

    Attributes:
        right: whether it is the slope.
        digits: to which both agree.
        size: how large it is.
        needed: how large it has to be, for the floats that the program gives to have half of their
            digits; the largest of all gradients of the step counts.
        right_without_epsilons: whether it is the slope with every ε taken for 0.
    """

    right: bool
    digits: int
    size: float = 0.0
    needed: float = 0.0
    right_without_epsilons: bool = False

    @property
    def has_half(self) -> bool:
        """Whether the floats that the program gives have half of their digits."""
        return self.needed <= self.size


def on_balls(run: Recorded, groups: Sequence[Wanted]) -> list[dict[Goal, Certain]]:
    """What balls say of gradients, those of a group together; nothing where they do not go."""
    if not is_affordable(_needed(run, [goal for group in groups for goal, _ in group])):
        return []
    with precision(BITS):
        replay = Replay(run.trace)
        plain = cache(lambda: [*_without_epsilons(run)])
        return _of_one_step([_of_group(run, group, replay, plain) for group in groups])


def _of_one_step(groups: list[dict[Goal, Certain]]) -> list[dict[Goal, Certain]]:
    """What is known of gradients, each with the size of the largest of them all.

    What is lost of one that is almost 0, as of a saturated neuron, moves nothing beside the others.
    """
    size = max((each.size for group in groups for each in group.values()), default=0.0)
    return [{g: replace(e, size=size) for g, e in group.items()} for group in groups]


def measured(run: Recorded, factor: float) -> float:
    """How many times the slope of a loss gradients are without an ε, of which floats give an idea.

    Args:
        run: the gradients and the loss.
        factor: given / right, in floats.
    """
    if not is_affordable(_needed(run, run.goals)):
        return factor
    run = without_epsilons(run) or run
    with precision(BITS):
        replay = Replay(run.trace)
        for goal in run.goals:
            sides = _sides(run, [(goal, np.ones(np.shape(goal.parameter.value)))], replay)
            if sides is None:
                return factor
            slope, total, _ = sides
            if slope.is_finite() and not slope.contains(0):
                found = float((total / slope).mid())
                if abs(found - factor) <= HALF_OF_THE_DIGITS * abs(factor):
                    return found
    return factor


def _of_group(
    run: Recorded, group: Wanted, replay: Replay, plain: Callable[[], Replayed]
) -> dict[Goal, Certain]:
    together = _apart(run, group, replay)
    if together is None and len(group) == 1:
        return {}
    known = together is not None and together > EQUAL and _agree(plain(), group)
    several = len(group) > 1 and not known and not _is_settled(run, group, together)
    if together is None or (together > ROUNDED and several):  # which of them is it?
        alone = (_of_group(run, [one], replay, plain) for one in group)
        return {goal: each for found in alone for goal, each in found.items()}
    digits = digits_of(together)
    if together <= EQUAL:
        return {
            goal: Certain(True, digits, *_sizes(goal, replay, added, _unit(run, goal)))
            for goal, added in group
        }
    return {goal: Certain(False, digits, right_without_epsilons=known) for goal, _ in group}


def _is_settled(run: Recorded, group: Wanted, together: float | None) -> bool:
    """Whether gradients are right together, and too many to ask which of them a scalar rounds."""
    if together is None or together > EQUAL:
        return False
    return len(group) * sum(map(_cost, _needed(run, [goal for goal, _ in group]))) > FEW


def _without_epsilons(run: Recorded) -> Iterator[tuple[Recorded, Replay]]:
    """The run with 0 in the place of every ε, of those of the loss first, where there is one."""
    for plain in (without_epsilons(run, of_loss=each) for each in (True, False)):
        if plain is not None:
            yield plain, Replay(plain.trace)


def _agree(runs: Replayed, group: Wanted) -> bool:
    """Whether gradients are the slope of the loss in one of some runs."""
    aparts = (_apart(run, group, replay) for run, replay in runs)
    return any(apart is not None and apart <= EQUAL for apart in aparts)


def digits_of(apart: float, most: int = MOST_DIGITS) -> int:
    """The decimal digits to which two numbers agree that are so far apart."""
    return most if apart == 0 else max(0, min(most, math.floor(-math.log10(apart))))


def _unit(run: Recorded, goal: Goal) -> float:
    """The largest relative rounding among what a gradient was computed from."""
    used = (e for e in run.trace.nodes if goal.node.uses >> e.number & 1 and is_float(e))
    return max(float(np.finfo(each.value.dtype).eps) for each in used)


def _sizes(goal: Goal, replay: Replay, added: Array, unit: float) -> tuple[float, float]:
    """How large a gradient is, and has to be for its floats to have half of their digits.

    Where it has cancelled, as the gradient of a bias before a batch normalisation, digits are
    counted of a part of what it is the sum of.
    """
    right = floats(replay.value(goal.node))
    unit = max(unit, UNIT)
    size = size_of(right, added, unit)
    far = float(np.max(np.abs(np.asarray(goal.node.value, np.float64) - right), initial=0.0))
    return size, far / np.sqrt(unit) if size else 0.0


def size_of(right: Array, added: Array, unit: float = UNIT) -> float:
    """The largest entry of a gradient, or what is left of its sums less a third of the digits.

    Args:
        right: the gradient.
        added: the sizes of what its entries are sums of.
        unit: the relative rounding of the floats.
    """
    return max(float(np.max(np.abs(e), initial=0.0)) for e in (right, unit ** (1 / 3) * added))


def floats(exact: Any) -> Array:
    """Exact numbers, rounded."""
    numbers = [float(each.ball.mid()) for each in np.asarray(exact).flat]
    return np.array(numbers, dtype=np.float64).reshape(np.shape(exact))


def _needed(run: Recorded, goals: Sequence[Goal]) -> list[Node]:
    """What gradients and the loss are computed from."""
    needed = uses_of_nodes((run.loss, *(each.node for each in goals)))
    return [e for e in run.trace.nodes if needed >> e.number & 1]


def is_affordable(nodes: Sequence[Node]) -> bool:
    """Whether operations are few enough for balls."""
    return sum(map(_cost, nodes)) <= AFFORDABLE


def _cost(node: Node) -> int:
    """How many numbers an operation computes."""
    size = int(np.size(node.value)) if isinstance(node.value, np.ndarray) else 0
    if node.operation in ("matmul", "dot"):  # sums of as many as the first one has columns
        first = node.args[0]
        columns = np.shape(first.value if type(first) is Node else first)[-1:]
    elif node.operation in ("einsum", "tensordot"):
        columns = (max(np.shape(e.value)[-1] if np.ndim(e.value) else 1 for e in node.inputs),)
    else:
        return size
    return size * (columns[0] if columns else 1)


def _apart(run: Recorded, group: Wanted, replay: Replay) -> float | None:
    """How far gradients are from the slope of the loss along generic directions, an entry.

    In units of what the entries are sums of; None where balls do not go.
    """
    sides = _sides(run, group, replay)
    if sides is None:
        return None
    slope, total, size = sides
    far = abs(slope - total)
    return float(far.abs_upper()) / size if far.is_finite() else None


def _sides(run: Recorded, group: Wanted, replay: Replay) -> tuple[Any, Any, float] | None:
    """The slope of the loss along generic directions, that of the gradients, and their size.

    The first two are balls; None where balls do not go.
    """
    rng = np.random.default_rng(len(group))
    drawn = [rng.normal(size=np.shape(goal.parameter.value)) for goal, _ in group]
    units = [np.maximum(added, LEAST * (added.max(initial=0.0) or 1.0)) for _, added in group]
    directions = [to_exact(d / unit) for d, unit in zip(drawn, units, strict=True)]
    try:
        slope = _slope(run, [goal for goal, _ in group], directions, replay)
        if slope is None or not all(replay.goes(goal.node) for goal, _ in group):
            return None
        terms = [
            np.sum(np.ravel(replay.value(goal.node)) * np.ravel(d))
            for (goal, _), d in zip(group, directions, strict=True)
        ]
    except (LeftExactError, ArithmeticError, TypeError, ValueError):
        return None
    size = sum(float(np.abs(each).sum()) for each in drawn)
    return slope.ball, sum(terms[1:], terms[0]).ball, size


def _slope(
    run: Recorded, goals: Sequence[Goal], directions: Sequence[Array], replay: Replay
) -> Any:
    """(C(θ + hd) − C(θ − hd)) / 2h; None if the loss is not exact."""
    replay.value(run.loss)  # what does not depend on these parameters is known then
    step = to_exact(2.0**-STEP_BITS)[()]
    ends: list[Any] = []
    for sign in (1, -1):
        moved = {
            goal.parameter.number: to_exact(goal.parameter.value) + sign * step * d
            for goal, d in zip(goals, directions, strict=True)
        }
        there = replay.with_others(moved)
        if not there.exact(run.loss):
            return None
        ends.append(np.ravel(there.value(run.loss))[0])
    return (ends[0] - ends[1]) / (2 * step)
