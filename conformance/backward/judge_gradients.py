"""What the loss is made of, ∂C/∂v of each such value v, and which gradients of a run are wrong.

In floats two arrays that agree in half of the digits are taken as one. Where the run can be
evaluated on balls, they decide (`certain.py`): a gradient that is right there and has not half of
its digits in floats has lost them; one that is wrong there is wrong, however near floats come.

Left out: the chain rule itself (`chain.py`), and why a gradient is wrong (`blame.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product

import numpy as np

from conformance.backward.certain import Certain, on_balls, size_of
from conformance.backward.chain import Arrays, Chain
from conformance.backward.comparable import comparable, is_whole
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.epsilons import rounding_of_constants, without_epsilons
from conformance.backward.fixed_points import rest_of_iterations
from conformance.backward.kinks import COMPARISONS, OF_ONE, own_share, tied, turned
from conformance.backward.recorded_pass import Goal, OwnPass, Recorded, bits, decline_underived
from conformance.backward.source import MOVES, is_float
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from reference.step import Array

Cut = frozenset[tuple[int, int | None]]
"""The numbers of nodes that pass nothing on, each with that of a consumer, None for all."""

DIRECTIONS = 2
"""In so many generic directions the parameters are moved: a number alone would match by chance."""


@dataclass(eq=False)
class Forward:
    """The forward pass of a recorded run.

    Attributes:
        run: the recorded run.
        chain: its operations.
        gradient: ∂C/∂v, by the number of v.
        parts: the single contributions to it: of each consumer in the order of time, what it gives.
    """

    run: Recorded
    chain: Chain
    gradient: Arrays = field(default_factory=dict)
    parts: dict[int, list[tuple[Node, Array]]] = field(default_factory=dict)
    _added: Arrays = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Apply the chain rule from the loss backwards."""

        def note(consumer: Node, node: Node, part: Array) -> None:
            self.parts.setdefault(node.number, []).insert(0, (consumer, part[0]))

        loss = self.run.loss
        seeds = {loss.number: np.ones((1, *np.shape(loss.value)))}
        found = self.chain.reverse(seeds, self.contains, note=note)
        self.gradient = {number: each[0] for number, each in found.items()}
        self._nodes = [e for e in self.chain.nodes if e.number in self.gradient and is_float(e)]

    def contains(self, node: Node) -> bool:
        """Whether the loss is made of it."""
        return self.run.loss.depends_on(node)

    def right(self, parameter: Node) -> Array:
        """The gradient of a parameter."""
        found = self.gradient.get(parameter.number)
        return np.zeros(np.shape(parameter.value)) if found is None else found

    def added(self, node: Node) -> Array:
        """The sizes of what the entries of ∂C/∂v are sums of: Σ |terms|."""
        known = self._added
        way = (each for each in walk([node], self._moved) if each.number not in known)
        for each in sorted(way, key=lambda e: -e.number):
            total: Array = np.zeros(np.shape(each.value))
            for consumer, part in self.parts.get(each.number, ()):
                own = known.get(consumer.number) if _moves(each, consumer) else None
                if own is None and part.size == 1 == np.size(consumer.value):
                    total = total + np.abs(part)  # a number is one term
                    continue
                own = np.abs(self.gradient[consumer.number]) if own is None else own
                sizes = self.chain.sizes(consumer, each, own)
                total = total + (np.abs(part) if sizes is None else sizes)
            known[each.number] = total
        return known[node.number]

    def _moved(self, node: Node) -> list[Node]:
        """What has the entries of a value at other places, or something added, if it is not known.

        As where one looks ahead: w + μ v.
        """
        if node.number in self._added:
            return []
        return [e for e, _ in self.parts.get(node.number, ()) if _moves(node, e)]

    def nodes(self) -> list[Node]:
        """The values that have a derivative, in the order of time."""
        return self._nodes

    def tangents(self, directions: Arrays, cut: Cut = frozenset()) -> Arrays:
        """How every value moves with the parameters, one direction along the first axis."""
        return self.chain.forward(directions, self.nodes(), cut)


def forward_of(step: OwnPass) -> Forward:
    """The forward pass of a step that has a loss."""
    assert step.loss is not None  # noqa: S101 - it is judged by it
    return Forward(Recorded(step.trace, step.loss, step.goals, step.returns), Chain(step.trace))


def _moves(node: Node, consumer: Node) -> bool:
    """Whether an operation moves the entries of a value, or adds something to them."""
    added = consumer.operation in ("add", "subtract")
    return consumer.operation in MOVES or (
        added and np.shape(consumer.value) == np.shape(node.value)
    )


def directions(run: Recorded) -> Arrays:
    """Generic directions in the space of the parameters, along the first axis."""
    rng = np.random.default_rng(0)
    return {
        each.parameter.number: rng.normal(size=(DIRECTIONS, *np.shape(each.parameter.value)))
        for each in run.goals
    }


BY_SERIES = {"gamma", "lgamma", "gammaln", "loggamma"}
"""Functions whose derivative neither `math` nor NumPy has: a program computes a series for it."""
SMALL = 1e-3  # an error that may come of an ε


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
        lost: whether it is right on balls and lacks half of its digits in floats.
        apart: how far it is off, relative to its size, though it is taken as right: by an ε that
            the loss has and the gradient has not; else 0.
        untraced: whether it is right by the program's own loss alone, of which the record misses
            something.
        digits: to which it is right on balls; None where they do not go.
        scale: what distances from the right one are relative to; None for its largest entry.
        plain: it, with every ε taken for 0, if there is one and it is wrong.
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
    digits: int | None = None
    scale: float | None = None
    plain: "Verdict | None" = None

    @property
    def visible(self) -> bool:
        """Whether floats show that it is wrong."""
        return not self.ok and not self.lost and not self.error <= HALF_OF_THE_DIGITS


def distance(given: Array, right: Array, scale: float | None = None) -> float:
    """The largest distance of two arrays of one shape, relative to the largest right entry."""
    if not np.all(np.isfinite(given)):
        return float("inf")
    far = float(np.max(np.abs(given - right), initial=0.0))
    scale = scale or float(np.max(np.abs(right), initial=0.0))
    return far / scale if scale else far


def judged(run: Recorded) -> tuple[Forward, list[Verdict], bool]:
    """The forward pass, each gradient judged, and whether the sample hits a kink.

    At a kink any slope between those on both sides is right: each side is tried, and of as good
    ones that is taken which the program itself has.
    """

    def rank(forward: Forward, found: Sequence[Verdict]) -> tuple[int, bool]:
        return sum(each.ok for each in found), forward.chain.ties == own

    forward = Forward(run, Chain(run.trace))
    found = verdicts(forward)
    kinks, usual = _kinks(forward), forward.chain.ties
    own = own_share(kinks)
    for other in _on_other_sides(run, kinks) if kinks and not all(e.ok for e in found) else ():
        again = verdicts(other)
        if rank(other, again) > rank(forward, found):
            forward, found = other, again
    if not all(each.ok for each in found):
        decline_underived(forward.nodes(), forward.chain.underived, bits(run.goals))
    for of_loss in (True, False):
        plain = None if all(e.ok for e in found) else without_epsilons(run, of_loss=of_loss)
        if plain is not None:
            found = _without_epsilons(plain, found, forward.chain.ties)
    chosen = forward.chain.ties != usual or any(e.operation not in OF_ONE for e in kinks)
    found = found if chosen else _decided(forward, found)
    return forward, _of_constants(forward, found), chosen


def _kinks(forward: Forward) -> list[Node]:
    """The operations that choose among equal numbers that depend on the parameters.

    Left out: those that the loss does not change with, as the largest output within a softmax.
    """
    parameters = bits(forward.run.goals)
    return [
        each
        for each in forward.run.trace.nodes
        if forward.contains(each) and each.uses & parameters and tied(each, forward.chain.value)
        if each.operation in COMPARISONS or not _cancels(forward, each)
    ]


def _cancels(forward: Forward, node: Node) -> bool:
    """Whether ∂C/∂v is 0, as a sum that cancels."""
    size = float(np.max(np.abs(forward.gradient.get(node.number, 0.0)), initial=0.0))
    return size <= HALF_OF_THE_DIGITS * float(np.max(forward.added(node), initial=0.0))


def _on_other_sides(run: Recorded, kinks: list[Node]) -> Iterator[Forward]:
    """The forward pass with the other choices at its kinks."""
    compared = [each for each in kinks if each.operation in COMPARISONS]
    sides = (False, True) if compared else (False,)
    for side, ties in islice(product(sides, (0.5, 0.0, 1.0)), 1, None):
        chain = Chain(run.trace, ties=ties)
        if side:
            changed = {each.number: turned(each, chain.value) for each in compared}
            needed = [each for each in run.trace.nodes if run.loss.depends_on(each)]
            after = chain.after(changed, needed)
            if any(np.shape(e) != np.shape(run.trace.nodes[i].value) for i, e in after.items()):
                continue  # other entries are chosen there, and not as many
            chain.change(after)
        yield Forward(run, chain)


def _without_epsilons(plain: Recorded, found: list[Verdict], ties: float) -> list[Verdict]:
    """The verdicts; right, and how far off, is what is right with every ε taken for 0."""
    again = verdicts(Forward(plain, Chain(plain.trace, ties=ties, anew=True)))
    return [
        replace(each, ok=True, apart=each.error)
        if other.ok and not each.ok and each.error <= SMALL
        else replace(each, plain=other)
        for each, other in zip(found, again, strict=True)
    ]


def verdicts(forward: Forward) -> list[Verdict]:
    """Each gradient, judged in floats."""
    rights = [forward.right(each.parameter) for each in forward.run.goals]
    largest = max((float(np.max(np.abs(e), initial=0.0)) for e in rights), default=0.0)
    found = []
    for goal, whole in zip(forward.run.goals, rights, strict=True):
        given = np.asarray(forward.chain.values[goal.node.number])
        right = comparable(whole, given, goal.parameter.value)
        error = float("inf")
        scale = None if np.any(right) else largest or 1.0
        if given.shape == right.shape:
            error = distance(given, right, scale)
            if error > HALF_OF_THE_DIGITS:  # it may be the rest of a sum that has cancelled
                scale = size_of(right, forward.added(goal.parameter)) or largest or 1.0
                error = distance(given, right, scale)
        ok = error <= HALF_OF_THE_DIGITS
        found.append(Verdict(goal, given, right, ok, error, scale=scale))
    return found


def _decided(forward: Forward, found: list[Verdict]) -> list[Verdict]:
    """The verdicts with what balls say, where they go."""
    alike = (e for e in found if e.given.shape == e.right.shape and np.all(np.isfinite(e.given)))
    shaped = [e for e in alike if is_whole(e.right, forward.right(e.goal.parameter))]
    units = {id(e): forward.added(e.goal.parameter) for e in shaped}
    right, wrong = [e for e in shaped if e.ok], [e for e in shaped if not e.ok]
    groups = [each for each in (right, *([e] for e in wrong)) if each]
    known = on_balls(forward.run, [[(e.goal, units[id(e)]) for e in each] for each in groups])
    certain = {goal: each for group in known for goal, each in group.items()}
    return [_of_balls(each, certain.get(each.goal)) for each in found]


def _of_constants(forward: Forward, found: list[Verdict]) -> list[Verdict]:
    """The verdicts; right, and how far off, is what rounded constants or fixed points put off.

    Or a series for the derivative of a function that has no other, such as that of ln Γ.
    """
    if all(each.ok or each.lost for each in found):
        return found
    iterated = rest_of_iterations(forward.nodes(), forward.chain)
    series = any(each.operation.partition(" ")[0] in BY_SERIES for each in forward.nodes())
    rounding = max(rounding_of_constants(forward.run), iterated, series * HALF_OF_THE_DIGITS)
    return [
        replace(each, ok=True, exact=False, apart=each.error)
        if not (each.ok or each.lost) and each.error <= rounding * _cancelled(forward, each)
        else each
        for each in found
    ]


def _cancelled(forward: Forward, verdict: Verdict) -> float:
    """How many times the largest entry of a gradient the sizes are of what it is the sum of."""
    largest = float(np.max(np.abs(verdict.right), initial=0.0))
    added = float(np.max(forward.added(verdict.goal.parameter), initial=0.0))
    return max(1.0, added / largest) if largest else 1.0


def _of_balls(verdict: Verdict, certain: Certain | None) -> Verdict:
    """A verdict with what balls say; None if they do not go."""
    if certain is None:
        return verdict
    verdict = replace(verdict, digits=certain.digits)
    if certain.right:
        lost = not certain.has_half
        return replace(verdict, exact=True, lost=lost, ok=not lost, apart=0.0)
    if certain.right_without_epsilons:
        return replace(verdict, ok=True, apart=max(verdict.error, verdict.apart))
    return replace(verdict, ok=False, exact=True)
