"""One factor that gradients share: sums for means, a cost with the ½ or without it.

Left out: the verdict on each gradient (`judge_gradients.py`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from conformance.backward.chain import Arrays, Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted, multiple
from conformance.backward.groups import UNFIT
from conformance.backward.judge_gradients import Forward, Verdict, verdicts
from conformance.backward.recorded_pass import Goal, bits
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, uses_of_nodes
from reference.step import Array

LENGTHS = 6  # of which factors are combined


@dataclass(frozen=True)
class Shared:
    """What gradients have in common.

    Attributes:
        factor: given / right.
        count: how many gradients are right with it.
        live: how many there are that are not 0 everywhere.
        told: how many of these tell it, if others have another one: none, if they are all single
            numbers, but for zeros.
        last: whether they are those of the last parameters, and not all: what is wrong on the way
            down makes all before them wrong.
    """

    factor: float
    count: int
    live: int
    told: int = 0
    last: bool = False

    @property
    def by_all(self) -> bool:
        """Whether all gradients share it, and there are some."""
        return self.count == self.live > 0


def conventions(lengths: Iterable[int]) -> list[float]:
    """The factors that are conventions: 2, ½, and m and n_L and their inverses, combined.

    Of many lengths, as of parts of the samples, those that most values have.
    """
    told = [n for n, _ in Counter(e for e in lengths if e > 1).most_common(LENGTHS)]
    found = [1.0]
    for n in {2, *told}:
        found = [a * b for a, b in product(found, (1.0, float(n), 1.0 / n))]
    return sorted(set(found), key=lambda each: abs(np.log(each)))


def usual_factors(forward: Forward, goals: Sequence[Goal]) -> list[float]:
    """The factors that are conventions: of the lengths of what depends on all parameters."""
    everything = bits(goals)
    return conventions(
        n
        for node in forward.nodes()
        if node.uses & everything == everything
        for n in np.shape(node.value)
    )


def shared(
    found: Sequence[Verdict],
    constants: Sequence[float],
    *,
    free: bool = False,
    sign: int = 1,
    usual: float = 1.0,
) -> Shared:
    """The factor that most gradients have, the usual one if no other does better.

    Better than all is one that leaves out a single gradient, or those of the first layers alone: a
    value that is wrong on the way down makes all gradients below it wrong, and none right. One
    number alone agrees with itself at any factor, unless the others are off by the sign alone, and
    that is a usual one or several entries have it.

    Args:
        found: the gradients, judged without a factor.
        constants: the factors that there may be.
        free: whether it may be any other positive number too.
        sign: −1 for the negative of these.
        usual: the factor that is preferred, else those that are near to it.
    """
    live = sorted((e for e in found if np.any(e.right) or not e.ok), key=_place)
    ratios = [None if (r := ratio(each)) is None else sign * r for each in live]
    sizes = sum(np.count_nonzero(each.right) for each in live)
    best = Shared(float(sign), _count(ratios, 1.0), len(live))
    rank = _rank(ratios, 1.0, usual)
    for each, own in zip(live, ratios, strict=True):
        factor = None if own is None or own <= 0 else snapped(own, constants, free=free)
        if factor is None:
            continue
        count = _count(ratios, factor)
        chance = free and each.right.size == 1 and count == 1 and factor not in constants
        alike = _count([r if r is None else abs(r) for r in ratios], factor) == len(live)
        chance = chance and not (alike and (factor in constants or len(live) < sizes))
        if _rank(ratios, factor, usual) > rank and not chance:
            rank = _rank(ratios, factor, usual)
            best = Shared(sign * factor, count, len(live))
    near = (r is not None and _near(r, sign * best.factor) for r in ratios)
    right = [each.right for each, is_near in zip(live, near, strict=True) if is_near]
    several = any(np.count_nonzero(each) > 1 for each in right)
    end = ratios[len(ratios) - best.count :]
    last = best.count < len(ratios) and _count(end, sign * best.factor) == best.count
    return replace(best, told=best.count if several else 0, last=several and last)


MOVED = 0.01  # of a parameter


def moved(forward: Forward) -> Forward | None:
    """The forward pass with other parameters near by; None if it cannot be evaluated again.

    What no loss is in is evaluated once for all of them.
    """
    run, known, nodes = forward.run, forward.chain.near, forward.run.trace.nodes
    own = tuple(node for each in run.goals for node in (each.parameter, each.node))
    key = len(nodes), own
    try:
        if key not in known:
            known[key] = None  # unless it can be evaluated
            chain = Chain(run.trace, ties=forward.chain.ties)
            values = chain.after(_others(run.goals, chain), _used(nodes, own))
            chain.change(values)
            known[key] = chain, values
        if (near := known[key]) is None:
            return None
        chain, values = near
        values |= chain.after(values, _used(nodes, [run.loss]))
        chain.values.update(values)
    except UNFIT:
        return None
    return Forward(run, chain)


def _others(goals: Sequence[Goal], chain: Chain) -> Arrays:
    """Other values of parameters, near to those that they have."""
    rng, found = np.random.default_rng(0), {}
    for each in goals:
        value = chain.values[each.parameter.number]
        size = np.where(np.any(value), value, 1.0)  # of zeros, nothing is a part
        found[each.parameter.number] = value + size * MOVED * rng.uniform(size=np.shape(value))
    return found


def _used(nodes: Sequence[Node], wanted: Iterable[Node]) -> list[Node]:
    """What some values are computed from, and these."""
    bits = uses_of_nodes(wanted)
    return [each for each in nodes if bits >> each.number & 1]


def is_constant(forward: Forward, factor: float) -> bool:
    """Whether gradients have the same factor with other parameters: else it is that of a mistake.

    The derivative of one unit for one sample is a number, so a wrong one is a factor. What a decay
    adds, which is nothing where the parameters are zeros, is a multiple of each parameter: of all
    that it is added to the same.
    """
    other = moved(forward)
    if other is None:
        return False
    found = verdicts(other)
    sign = -1 if factor < 0 else 1
    if shared(found, (abs(factor),), sign=sign).factor == factor:
        return True
    pairs = [(e, other.chain.values[e.goal.parameter.number]) for e in found]
    if any(each.given.shape != each.right.shape for each in found):
        return False
    added = [multiple(e.given - factor * e.right, value) or 0.0 for e, value in pairs]
    return added[0] > 0 and all(_near(each, added[0]) for each in added)


def _place(verdict: Verdict) -> int:
    """Where in the forward pass a parameter is used first."""
    return min((each.number for each in verdict.goal.parameter.consumers), default=0)


def _count(ratios: Sequence[float | None], factor: float) -> int:
    return sum(each is not None and _near(each, factor) for each in ratios)


def _rank(ratios: Sequence[float | None], factor: float, usual: float) -> tuple[bool, int, float]:
    """Whether some and all but one, or but the first, have a factor; how many; how usual it is."""
    count = _count(ratios, factor)
    last = ratios[len(ratios) - count :]
    alone = len(ratios) - count <= 1 or 1 < count == _count(last, factor)
    alone = alone and (_near(usual, factor) or not _count(ratios, usual))  # else those are right
    return count > 0 and alone, count, -abs(float(np.log(factor / usual)))


def ratio(verdict: Verdict) -> float | None:
    """Given / right of a gradient, if that is one number for all entries; None if not."""
    if verdict.given.shape != verdict.right.shape or not np.all(np.isfinite(verdict.given)):
        return None
    return fitted(verdict.given, verdict.right)


def factor_in_part(forward: Forward) -> float | None:
    """Given / right of several entries that a line writes alone, or a line each; None of none.

    They are a gradient of their own then, as the weights beside a bias in one array. A step along
    some of the coordinates, which leaves the others as they are, has no such part. Where each has
    a line, most are right, and what another one has changes with the parameters: it is no rate.
    """
    found = verdicts(forward)
    pairs = [(each.given.flat[at], each.right.flat[at]) for each in found for at in _parts(each)]
    told = (fitted(given, right) for given, right in pairs if np.count_nonzero(right) > 1)
    factor = next((each for each in told if each is not None), None)
    if factor is not None:
        return factor
    ratios = _single_ratios(found)
    usual = float(np.median(ratios)) if ratios else 0.0
    other = moved(forward) if 2 * _count(ratios, usual) > len(ratios) else None
    again = [] if other is None else _single_ratios(verdicts(other))
    changes = np.divide(again, ratios) if len(again) == len(ratios) else np.array([])
    alike = _count([*changes], float(np.median(changes))) if changes.size else 0
    return usual if alike < changes.size else None


def _parts(verdict: Verdict) -> Iterator[Array]:
    """The places of a gradient that are written alone; none if it is 0 where it should not be."""
    given, right = verdict.given, verdict.right
    if given.shape != right.shape or np.any((given == 0) & (right != 0)):
        return
    for each in walk([verdict.goal.node]):
        if each.operation == FILLED and np.shape(each.value) == right.shape:
            yield from (e for e, _ in each.args[1] if e is not None and np.size(e) < right.size)


def _single_ratios(found: Sequence[Verdict]) -> list[float]:
    """Given / right of each entry that a line writes alone, if it is not 0."""
    ats = ((each, int(np.ravel(e)[0])) for each in found for e in _parts(each) if np.size(e) == 1)
    return [float(e.given.flat[at] / e.right.flat[at]) for e, at in ats if e.right.flat[at]]


def snapped(ratio: float, constants: Sequence[float], *, free: bool) -> float | None:
    """The constant that a ratio is; the ratio itself if it is none and any number will do."""
    near = next((each for each in constants if _near(ratio, each)), None)
    return ratio if near is None and free else near


def _near(ratio: float, factor: float) -> bool:
    return abs(ratio - factor) <= HALF_OF_THE_DIGITS * abs(factor)
