"""A step of a program that has no loss: the known cost whose gradients it computes.

Each known cost is appended to the trace and tried. The one that makes all gradients right, up to
one factor and a decay of the weights, is taken; else the one that makes most of them right, or
whose output error the program computes: then the rest is wrong. If there is none, the program's own
output error stands for the derivative of a cost that is not known (`unknown_cost.py`).

Left out: which value is the output (`compared.py`), and what is to blame (`accuse.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.compared import Compared, compared
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, multiple
from conformance.backward.costs import COSTS, OF_MARGINS, cost, times
from conformance.backward.crossed import spread_words
from conformance.backward.decay import Decay, decayed, stated
from conformance.backward.factor import (
    Shared,
    conventions,
    factor_in_part,
    is_constant,
    moved,
    shared,
    snapped,
)
from conformance.backward.judge_gradients import Forward, Verdict, distance, verdicts
from conformance.backward.normal_equations import before_products
from conformance.backward.penalties import SQUARES
from conformance.backward.recorded_pass import Goal, NothingComparedError, Recorded, bits
from conformance.backward.sample_count import samples, weights
from conformance.backward.source import is_float
from conformance.tracing.ancestors import ancestors
from conformance.tracing.node import Node, uses_of_nodes
from conformance.tracing.trace import Trace

FEW = 4  # outputs with their targets, that are tried


@dataclass(eq=False)
class Tried:
    """A known cost, tried.

    Attributes:
        name: of the cost.
        compared: the output and the target.
        run: the step with this cost for its loss.
        chain: its operations.
        weighted: whether each sample has a weight in it.
    """

    name: str
    compared: Compared
    run: Recorded
    chain: Chain
    weighted: bool = False

    @cached_property
    def forward(self) -> Forward:
        """The forward pass with this cost for its loss."""
        return Forward(self.run, self.chain)

    @cached_property
    def found(self) -> list[Verdict]:
        """The gradients, judged by it."""
        return verdicts(self.forward)

    @cached_property
    def shared(self) -> Shared:
        """The positive factor that most gradients share."""
        usual = 1 / self.samples
        told = shared(self.found, self.constants, free=True, usual=usual)
        zeros = not any(np.any(each.parameter.value) for each in self.run.goals)
        usual_one = told.factor in self.constants and not zeros  # any output is ½ then, say
        single = all(each.right.size == 1 for each in self.found)  # any is a multiple of any other
        if usual_one or single or is_constant(self.forward, told.factor):
            return told
        return shared(self.found, self.constants, usual=usual)

    @cached_property
    def samples(self) -> int:
        """How many there are."""
        return samples(self.compared, self.run.goals)

    @cached_property
    def constants(self) -> list[float]:
        """The usual factors: of the samples, the outputs, and the lengths of one."""
        return conventions({self.samples, *self._lengths})

    @property
    def _lengths(self) -> set[int]:
        """How many outputs are compared, and the lengths of one."""
        pairs = self.compared.pairs
        return {len(pairs), *np.shape(pairs[0][0].value)}

    @cached_property
    def decay(self) -> Decay | None:
        """The decay that makes more gradients right, if one does."""
        known = self.chain, self.constants, self.run.loss
        found = None if self.shared.by_all else decayed(self.found, *known)
        if found is None or found.lacking:
            return None
        stated = self._stated(found)
        mean = snapped(found.rate, [stated * found.factor * self.samples], free=False) is not None
        return self._as_stated(found, stated) if found.count + mean > self.shared.told else None

    def _stated(self, fitted: Decay) -> float:
        """The decay that the source states beside a mean for the same weights; 0 if none."""
        decays = dict(self.run.decays)
        stated = {decays.get(goal.name, 0.0) for goal, _ in fitted.goals}
        return max(*stated, 0.0) if fitted.penalty is SQUARES and len(stated) == 1 else 0.0

    def _as_stated(self, fitted: Decay, rate: float) -> Decay:
        """The decay that the source states beside a mean, unless the fitted one may be it.

        Where all gradients are right, the weights may be divided by another number of samples than
        the errors, but not with them by that of a batch; nor may the errors be divided by the
        number of all samples.
        """
        if not rate:
            return fitted
        lengths = {n for each in self.run.trace.nodes for n in np.shape(each.value)}
        ratios = {a / b for a in (1, *lengths) for b in (1, *lengths) if b}
        others = [1.0, *(ratios - {1 / self.samples})]
        usual = conventions(self._lengths - {self.samples}) if self.name == "quadratic" else others
        told = usual if fitted.count == self.shared.live else [1.0]
        share = fitted.rate / (rate * fitted.factor * self.samples)
        more = [1 / n for n in lengths if n > self.samples]
        by_more = snapped(fitted.factor, more, free=False) is not None
        if by_more and snapped(fitted.rate, [rate], free=False) is not None:
            factor = 1 / self.samples
        elif snapped(share, told, free=False) is not None:
            return fitted
        else:
            factor = self.shared.factor if self.shared.count else 1 / self.samples
        own = [each for each in self.found if each.goal.name in dict(self.run.decays)]
        where = tuple((each.goal, np.ones(each.right.shape)) for each in own)
        given = Decay(factor, rate * factor * self.samples, where, 0)
        return replace(given, count=sum(_is_right(each, given) for each in self.found))

    @cached_property
    def count(self) -> int:
        """How many gradients are right with it."""
        return self.shared.count if self.decay is None else self.decay.count

    @property
    def is_usual(self) -> bool:
        """Whether the factor that gradients share is a usual one."""
        return self.decay is not None or self.shared.factor in self.constants

    @property
    def fits(self) -> bool:
        """Whether all gradients are right with it."""
        return self.count == self.shared.live > 0

    @cached_property
    def negated(self) -> float | None:
        """The negative factor that all gradients share, if they do."""
        found = shared(self.found, (1.0,), free=True, sign=-1)
        return found.factor if found.by_all else None

    @property
    def is_told(self) -> bool:
        """Whether all gradients are right with it or its negative, or one of several numbers."""
        if self.shared.told or self.negated is not None or self.fits:
            return True
        decaying = [] if self.decay is None else self.decay.goals
        return any(np.size(goal.parameter.value) > 1 for goal, _ in decaying)

    @cached_property
    def error_factor(self) -> float | None:
        """How far the output error in the backward pass is off by a constant; None without one.

        It may be the negative one, which is added to the parameters.
        """
        goals = self.run.goals
        for node in errors(self.compared, goals):
            for output in outputs(self.compared, bits(goals)):
                factor = self.factor(node, output)
                if factor is not None:
                    return abs(factor)
        return None

    def factor(self, error: Node, output: Node) -> float | None:
        """The factor of a backward value beside ∂C/∂(a forward value); None if it is not that.

        A single number is a multiple of any other: it has to be the same with other parameters.
        """
        found = _multiple(self.forward, error, output)
        if found is None or np.size(error.value) > 1:
            return found
        other = None if self._moved is None else _multiple(self._moved, error, output)
        same = other is not None and abs(other / found - 1) <= HALF_OF_THE_DIGITS
        return found if same else None

    @cached_property
    def _moved(self) -> Forward | None:
        return moved(self.forward)


def _is_right(verdict: Verdict, decay: Decay) -> bool:
    """Whether a gradient is right with a decay."""
    own = [where * goal.parameter.value for goal, where in decay.goals if goal is verdict.goal]
    right = decay.factor * verdict.right + sum(decay.rate * each for each in own)
    alike = right.shape == verdict.given.shape
    return bool(alike and distance(verdict.given, right) <= HALF_OF_THE_DIGITS)


def _multiple(forward: Forward, error: Node, output: Node) -> float | None:
    right = forward.gradient.get(output.number)
    value = np.asarray(forward.chain.values[error.number], dtype=np.float64)
    return None if right is None else multiple(value, right)


def outputs(made: Compared, parameters: int) -> Iterator[Node]:
    """The first output, and what it was computed from that is as large and needs as much."""
    output = made.pairs[0][0]
    yield output
    for each in ancestors(output):
        alike = np.size(each.value) == np.size(output.value) and is_float(each)
        if alike and each.uses & parameters == output.uses & parameters:
            yield each


def errors(made: Compared, goals: Sequence[Goal]) -> Iterator[Node]:
    """The first values that were computed from the comparison of the first output."""
    yield from (node for node, _ in _errors(made, goals))


def likely_errors(made: Compared, goals: Sequence[Goal], most: int) -> list[Node]:
    """The first of them; those before the others that all gradients are computed through."""
    found = list(_errors(made, goals))
    chosen = sorted(found, key=lambda each: not each[1])[:most]
    return [node for node, _ in sorted(chosen, key=lambda each: each[0].number)]


def _errors(made: Compared, goals: Sequence[Goal]) -> Iterator[tuple[Node, bool]]:
    """Each such value, with whether all gradients are computed through it."""
    if not made.users:
        return
    needed = uses_of_nodes(each.node for each in goals)
    user, size = made.users[0], np.size(made.pairs[0][0].value)
    todo, seen, around = [user], {user.number}, False
    while todo:
        todo.sort(key=lambda each: -each.number)
        node = todo.pop()
        if not needed >> node.number & 1 or not is_float(node):
            continue
        if np.size(node.value) == size:
            yield node, not (todo or around)
            new = [each for each in node.consumers if each.number not in seen]
            seen |= {each.number for each in new}
            todo += new
        around = around or np.size(node.value) != size


def tried(
    run: Recorded, names: Sequence[str], given: tuple[Node | None, Node | None]
) -> list[Tried]:
    """The known costs, each with each output and target that it may be of.

    Args:
        run: the step; its loss is not used.
        names: of the costs.
        given: the output and the target, as far as they are known.

    Raises:
        NothingComparedError: nothing is compared with anything.
    """
    nodes = list(run.trace.nodes)
    chosen = compared(nodes, run.goals, *given, run.trace.ended)[:FEW]
    if not chosen:
        words = "no output was found that is compared with a target"
        raise NothingComparedError(words + spread_words(nodes))
    chosen = [*before_products(run, chosen), *chosen]
    weighed = [(each, by) for each in chosen for by in ((), *weights(nodes, each, run.goals))]
    appended = [
        (name, each, loss, bool(len(by)))
        for each, by in weighed
        for name in names
        if (name in OF_MARGINS or not each.labels)
        and (loss := cost(run.trace, name, each.pairs, by)) is not None
    ]
    chain = Chain(run.trace)
    found = [Tried(name, e, replace(run, loss=loss), chain, by) for name, e, loss, by in appended]
    for labelled in dict.fromkeys(e.compared for e in found if e.compared.labels):
        own = [each for each in found if each.compared is labelled]
        if not any(each.is_told for each in sorted(own, key=lambda each: not each.shared.told)):
            raise NothingComparedError("they are not those of the hinge loss")
    return found


def best(found: Sequence[Tried]) -> Tried | None:
    """The cost that makes most gradients right, up to a usual factor if there is such a one.

    None if none makes any right. Where no cost makes all right, before others comes one that makes
    those of the last parameters right: their errors are its own, and another is sent back.
    """

    def rank(one: Tried) -> tuple[bool, bool, int, bool, bool]:
        last = one.shared.last and one.is_usual and one.decay is None
        return one.fits, last, one.count, not one.weighted, one.is_usual

    first = (e for e in found if e.fits and e.count == len(e.found))
    most = next((e for e in first if e.is_usual and not e.weighted), None)  # none ranks before it
    most = most or max(found, key=rank, default=None)
    return most if most is not None and most.count else None


def loss_of(chosen: Tried, factor: float) -> Node:
    """The cost as a loss, times a factor, with the decay that the gradients have."""
    run = chosen.run
    loss = times(run.trace, run.loss, factor)
    decay = chosen.decay
    if decay is None and not chosen.fits:
        decay = stated(run.goals, chosen.chain)
        bare = Decay(chosen.shared.factor, 0.0, (), 0)
        right = {each.goal for each in chosen.found if _is_right(each, bare)}
        if decay is not None and any(goal in right for goal, _ in decay.goals):
            decay = None
    return loss if decay is None else plus_decay(run.trace, loss, decay)


def plus_decay(trace: Trace, loss: Node, decay: Decay) -> Node:
    """A loss with c times the penalty of the weights that decay."""
    total, rate = trace.traced(np.array(loss.value), loss), decay.rate
    if decay.fitted:
        given = trace.node("constant", None, (), {}, np.array(rate))
        fit = trace.node("fitted", _in_floats, (given,), {}, given.value)
        rate = trace.traced(np.array(rate), fit)
    for goal, where in decay.goals:
        weights = trace.traced(np.array(goal.parameter.value), goal.parameter)
        total = total + rate * np.sum(where * decay.penalty.cost(weights))
    found: Node = trace.argument(total)
    return found


def _in_floats(rate: Any) -> Any:
    if np.asarray(rate).dtype.hasobject:
        raise TypeError("a fit in floats has no exact value")
    return rate


def undecayed(run: Recorded, decay: Decay) -> Recorded:
    """The gradients less the decay that they have, beside the cost; those with least of it first.

    The rate is a float, so what is left of a gradient that is mostly a decay has lost digits.
    """
    least = {goal.name: (0.0, goal) for goal in run.goals}
    for goal, where in () if decay.taken_off else decay.goals:
        weights = run.trace.traced(np.array(goal.parameter.value), goal.parameter)
        given = run.trace.traced(np.array(goal.node.value), goal.node)
        own = decay.rate * where * decay.penalty.derivative(weights)
        node = run.trace.argument(given - own)
        share = np.max(np.abs(run.trace.argument(own).value)) / (np.max(np.abs(node.value)) or 1.0)
        least[goal.name] = (float(share), replace(goal, node=node))
    ordered = sorted(least.values(), key=lambda each: each[0])
    return replace(run, goals=tuple(goal for _, goal in ordered))


def factors(chosen: Tried, after: float = 1.0) -> list[float]:
    """What the gradients may be beside those of the sum over the samples.

    Args:
        chosen: the cost.
        after: by what the program multiplies its output error, where nothing else tells it.
    """
    known = chosen.negated if chosen.decay is None else chosen.decay.factor
    if chosen.decay is None:
        known = chosen.shared.factor if chosen.count else known or factor_in_part(chosen.forward)
    if known is None and chosen.error_factor is not None:
        known = chosen.error_factor * after
    if known is not None:
        return [abs(known)]
    return list(dict.fromkeys((after, after / chosen.samples)))


COST_NAMES = tuple(COSTS)
