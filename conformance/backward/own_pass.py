"""One training step of a program, judged against the program's own forward pass.

Gradients that are clipped by their norm are judged before: the factor is a convention that depends
on each of them. Updates that are differences of two phases, such as those of contrastive
divergence, are declined: no loss has such an update for its gradient, since what was made of the
data is held fixed in it, though it depends on the parameters.

Left out: the record of the step (`recorded_pass.py`), and the cost, where the program has none
(`without_loss.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.accuse import Contradicted, finished
from conformance.backward.certain import measured
from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, multiple
from conformance.backward.costs import times
from conformance.backward.crossed import crossed
from conformance.backward.decay_lines import decays_without
from conformance.backward.factor import is_constant, shared, snapped, usual_factors
from conformance.backward.findings import Accused, Cause, Examined
from conformance.backward.held_entries import before_zeros, held
from conformance.backward.judge_gradients import Forward, Verdict, judged, verdicts
from conformance.backward.named_numbers import beside_a_named_number
from conformance.backward.passes import FEW_ENTRIES
from conformance.backward.recorded_pass import (
    Goal,
    NoGradientError,
    NotAGradientError,
    OwnPass,
    Recorded,
    bits,
)
from conformance.backward.source import MOVES, is_float, lines_of
from conformance.backward.syntax import forget
from conformance.backward.without_loss import without_loss
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, uses_of_nodes

__all__ = ["OwnPass", "examine_pass"]


def examine_pass(
    step: OwnPass,
    cost: str | None = None,
    contradicted: Contradicted | None = None,
    *,
    blame: bool = True,
) -> Examined:
    """The gradients of a step, judged, and what is to blame for those that are wrong.

    Args:
        step: what was recorded.
        cost: the name of the cost to judge with, in the place of the program's own.
        contradicted: given the wrong gradients, tells which are right by other evidence.
        blame: whether to look for the line that makes gradients wrong, where that does not tell by
            which cost they are judged.

    Raises:
        NotAGradientError: there is no loss, and no output that is compared with a target; or what
            is wrong by any is the gradient of none.
    """
    forget()
    if cost is None and (found := _by_pairs(step)) is not None:
        return found
    given, step = step, replace(step, goals=_unclipped(step.goals))
    found = _examined(step, cost, contradicted, blame=blame)
    apart = () if found.ok else tuple(before_zeros(step.trace, each) for each in step.goals)
    names = {e.name for e, whole in zip(apart, step.goals, strict=False) if e.node != whole.node}
    if names:
        again = _examined(replace(step, goals=apart), cost, contradicted, blame=blame)
        found = held(again, names) if again.right > found.right else found
    stated = step.promised and step.loss is not None  # else a loss may be there to be read
    if not (found.ok or stated or _meets_the_loss(step, found)) and _in_two_phases(step.goals):
        raise NoGradientError(WORDS)
    return replace(found, clipped=step.goals != given.goals)


def _meets_the_loss(step: OwnPass, found: Examined) -> bool:
    """Whether some entries of gradients are those of the loss, as where a part of one is wrong."""
    named = {each.name: np.asarray(each.node.value) for each in step.goals}
    pairs = ((named[name], np.asarray(e)) for name, e in found.rights.items() if name in named)
    return any(
        np.any((right != 0) & np.isclose(own, right, rtol=HALF_OF_THE_DIGITS, atol=0))
        for own, right in pairs
        if own.shape == right.shape
    )


def _examined(
    step: OwnPass, cost: str | None, contradicted: Contradicted | None, *, blame: bool
) -> Examined:
    if step.loss is None or cost is not None:
        return without_loss(step, cost, blame=blame)
    run = Recorded(step.trace, step.loss, step.goals, step.returns)
    if not step.promised and (scaled := _scaled(step, run)) is not None:
        return scaled
    forward, found, kinks = judged(run)
    told: float | None = 1.0
    if not all(each.ok for each in found) and not step.promised:
        told = _factor(forward, found, step.rates, free=step.scaled)

    def by(factor: float) -> Examined:
        known = forward, found, kinks
        if factor != 1.0:
            known = judged(replace(run, loss=times(run.trace, run.loss, factor)))
            if decays_without(*known[:2], factor, step.rates):
                return by(1.0)
        examined = finished(*known[:2], contradicted, kinks=known[2], blame=blame)
        return replace(examined, factor=factor)

    examined = by(1.0 if told is None else told)
    if told is None and not all(each.mends for each in examined.accused):
        other = by(_of_the_last_derivative(forward))
        return other if all(each.mends for each in other.accused) else examined
    return examined


def _scaled(step: OwnPass, run: Recorded) -> Examined | None:
    """What is known of gradients that are all right with a factor, and none without."""
    forward = Forward(run, Chain(run.trace))
    found = verdicts(forward)
    wrong = not any(each.ok for each in found)
    told = _factor(forward, found, step.rates, free=step.scaled) if wrong else None
    if told is None:
        return None
    forward, found, kinks = judged(replace(run, loss=times(run.trace, run.loss, told)))
    if decays_without(forward, found, told, step.rates) or not all(e.ok or e.lost for e in found):
        return None
    return replace(finished(forward, found, None, kinks=kinks, blame=False), factor=told)


def _by_pairs(step: OwnPass) -> Examined | None:
    """What is known of gradients that are right by pairs of an output and its own target alone."""
    at, paired = crossed(step) or (None, step)
    found = None
    with suppress(NotAGradientError):
        found = None if at is None else _examined(paired, None, None, blame=False)
    if at is None or found is None or not found.ok:
        return None
    gradients = tuple(replace(each, ok=False) for each in found.gradients)
    why = Cause("crossed", numbers=(float(np.shape(at.value)[0]),))
    blamed = Accused(tuple(each.name for each in gradients), lines_of(at), why, mends=True)
    return replace(found, gradients=gradients, accused=(blamed,))


def _factor(
    forward: Forward, found: Sequence[Verdict], rates: Sequence[float], *, free: bool
) -> float | None:
    """The factor that most gradients share: a usual one, or another that is a constant.

    That of all with the other sign, if they share one; where no gradient is right with any, the
    rate of updates that were judged whole, if that is known; else None.
    """
    usual = usual_factors(forward, forward.run.goals)
    usual += [each * rate for rate in rates for each in usual]
    told = shared(found, usual, free=free)
    if not told.count:
        turned = shared(found, usual, free=True, sign=-1)
        usual_one = turned.factor in [-each for each in usual]
        if turned.by_all and (usual_one or is_constant(forward, turned.factor)):
            return -turned.factor
        rate = rates[0] if free and len(rates) == 1 else None  # the updates were judged, with it
        return _of_most_entries(found, usual) or rate
    rate = beside_a_named_number(forward, told.factor) if told.by_all else None
    if rate is not None:
        return rate
    if told.factor in usual:
        return told.factor
    if not (free and told.by_all) and not is_constant(forward, told.factor):
        return shared(found, usual).factor
    return measured(forward.run, told.factor)


def _of_most_entries(found: Sequence[Verdict], usual: Sequence[float]) -> float | None:
    """The usual factor that most entries share, as of all parameters of a network in one list.

    Others are wrong by much more: what an ε leaves of a factor is none.
    """
    pairs = [
        (np.ravel(e.given), np.ravel(e.right)) for e in found if e.given.shape == e.right.shape
    ]
    given, right = (np.concatenate([np.zeros(0), *(e[i] for e in pairs)]) for i in (0, 1))
    ratios = given[right != 0] / right[right != 0]

    def is_of_most(factor: float) -> bool:
        far = np.abs(ratios / factor - 1)
        near, wrong = far <= HALF_OF_THE_DIGITS, far > HALF_OF_THE_DIGITS**0.5
        most = 2 * np.sum(near) > right.size and np.all(near | wrong)
        return bool(right.size > FEW_ENTRIES and most)

    return next(filter(is_of_most, usual), None)


def _of_the_last_derivative(forward: Forward) -> float:
    """The usual factor of the last backward value that is a ∂C/∂v; 1 if none is."""
    needed = uses_of_nodes(each.node for each in forward.run.goals)
    parameters, usual = bits(forward.run.goals), usual_factors(forward, forward.run.goals)
    derivatives = [forward.gradient[e.number] for e in forward.nodes() if e.uses & parameters]
    for node in reversed(forward.run.trace.nodes):
        own = needed >> node.number & 1 and node.uses & parameters and is_float(node)
        if not own or forward.contains(node) or np.size(node.value) < FEW_ENTRIES:
            continue
        value = np.asarray(node.value, dtype=np.float64)
        for right in (each for each in derivatives if each.size == value.size):
            ratio = abs(multiple(value, right) or 0.0)
            if (factor := snapped(ratio, usual, free=False)) is not None:
                return factor
    return 1.0


LINEAR = MOVES | {
    "add", "subtract", "multiply", "divide", "true_divide", "negative", "sum", "mean", "average",
}  # fmt: skip
WORDS = (
    "each update is a difference of the same terms, of the data and of what the parameters have "
    "made of them, as in contrastive divergence: it is the gradient of no loss of its forward pass"
)
DEEP = 40  # operations, of which the terms of two phases are made


def _in_two_phases(goals: Sequence[Goal]) -> bool:
    """Whether all updates are such differences, and a term of one depends on the parameters."""
    terms = _Terms(bits(goals))
    found = [terms.phases(each.node) for each in goals]
    return all(found) and any(
        first.uses & terms.parameters
        and terms.are_same(first, second)
        and terms.are_of_other_data(first, second)
        for each in found
        for first, second in each
    )


class _Terms:
    """Which values are computed alike, with some parameters. Each pair is asked for once."""

    def __init__(self, parameters: int) -> None:
        """Take the parameters, as bits."""
        self.parameters = parameters
        self.known: dict[tuple[int, int], bool] = {}

    def phases(self, goal: Node, most: int = 64) -> list[tuple[Node, Node]]:
        """The differences that a value is a linear function of, each as its two phases."""
        found, waiting = [], [goal]
        for node in waiting:
            if node.operation == "subtract" and len(node.inputs) > 1:
                ways = (node.inputs[:2], node.inputs[1::-1])
                found += [(one, other) for one, other in ways if self.are_alike(one, other)][:1]
            if node.operation in LINEAR and len(waiting) < most:
                waiting += [each for each in node.inputs if each not in waiting]
        return found

    def are_alike(self, first: Node, second: Node, deep: int = DEEP) -> bool:
        """Whether a value is what another is, or data beside what the parameters made of them."""
        key = first.number, second.number
        if key not in self.known:
            self.known[key] = self._are_alike(first, second, deep)
        return self.known[key]

    def _are_alike(self, first: Node, second: Node, deep: int) -> bool:
        if first is second or self.are_same(first, second, deep):
            return True
        made = _is_made_by(self.parameters, first, second) or not first.uses & self.parameters
        alike = np.shape(first.value) == np.shape(second.value)
        return alike and made and bool(second.uses & self.parameters)

    def are_same(self, first: Node, second: Node, deep: int = DEEP) -> bool:
        """Whether two values were computed by the same operation of values that are alike."""
        if first.operation != second.operation or not len(first.inputs) == len(second.inputs) > 0:
            return False
        pairs = zip(first.inputs, second.inputs, strict=True)
        return deep > 0 and all(self.are_alike(*each, deep - 1) for each in pairs)

    def are_of_other_data(self, first: Node, second: Node, deep: int = DEEP) -> bool:
        """Whether the same terms are not only two parts of the same values."""
        if first is second or not self.are_same(first, second, deep):
            return first is not second
        pairs = zip(first.inputs, second.inputs, strict=True)
        return any(self.are_of_other_data(*each, deep - 1) for each in pairs)


def _is_made_by(parameters: int, first: Node, second: Node) -> bool:
    """Whether a value was made of another one by parameters; not by numbers or sums as in 1 − x."""
    way = walk([second], lambda each: [e for e in each.inputs if e.depends_on(first)])
    return second.depends_on(first) and any(
        each is not first
        and each.operation not in ("add", "subtract")
        and any(e.uses & parameters and not e.depends_on(first) for e in each.inputs)
        for each in way
    )


def _unclipped(goals: Sequence[Goal]) -> tuple[Goal, ...]:
    """The gradients without the numbers by which all are multiplied, if one is made of them."""
    inner, factors = [each.node for each in goals], list[list[Any]]()
    while (found := _common(inner)) is not None:
        factors.append([factor for factor, _ in found])
        inner = [node for _, node in found]
    told = all(node.depends_on(e.parameter) for e, node in zip(goals, inner, strict=True))
    if not told or not any(all(map(_is_made_of, each, inner)) for each in factors):
        return tuple(goals)  # nor where it is the input of a neuron, times an error
    return tuple(replace(e, node=node) for e, node in zip(goals, inner, strict=True))


def _is_made_of(factor: Any, node: Node) -> bool:
    return type(factor) is Node and factor.depends_on(node)


def _common(nodes: Sequence[Node]) -> list[tuple[Any, Node]] | None:
    """The number by which all values are multiplied, and the values before; None if there is none.

    The number may be computed anew for each.
    """
    factors = [dict(_factors(each)) for each in nodes]
    for key in factors[0] if factors else ():
        if all(key in each for each in factors):
            return [each[key] for each in factors]
    return None


def _factors(node: Node) -> Iterator[tuple[tuple[str, float], tuple[Any, Node]]]:
    """By which numbers a value may be multiplied, each with the value before it."""
    if node.operation not in ("multiply", "divide") or len(node.args) != 2:  # noqa: PLR2004
        return
    pairs = [(node.args[1], node.args[0]), (node.args[0], node.args[1])]
    for factor, inner in pairs[: 1 if node.operation == "divide" else 2]:
        if type(inner) is not Node or np.shape(inner.value) != np.shape(node.value):
            continue
        number = factor.value if type(factor) is Node else factor
        if np.ndim(number) == 0 and isinstance(number, int | float | np.ndarray | np.number):
            yield (node.operation, float(number)), (factor, inner)
