"""The terms of a gradient by which a program's weights decay.

A term is a multiple of the derivative of a penalty. Where an `if` asks for the sign of each weight,
the program has none. Left out: whether the gradients are right with a decay (`decay.py`).
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted
from conformance.backward.judge_gradients import Verdict
from conformance.backward.kinks import COMPARISONS
from conformance.backward.penalties import SQUARES, Penalty, mixed
from conformance.backward.recorded_pass import Goal
from conformance.backward.source import MOVES
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from reference.step import Array

ASKED = frozenset((*COMPARISONS, "sign", "absolute"))


def terms(
    goal: Goal, chain: Chain, penalty: Penalty = SQUARES, loss: Node | None = None
) -> list[Node]:
    """The multiples of the derivative of a penalty that a gradient has in it, not 0 times.

    Args:
        goal: the gradient.
        chain: of the run.
        penalty: whose derivative it is.
        loss: that states no decay, if it is known. A single number is a multiple of any other: it
            has a term where nothing between the two is a part of the loss.
    """
    wanted = penalty.of(goal)
    return [
        each
        for each in _multiples(goal, chain, loss)
        if fitted(chain.values[each.number], wanted) and rate_of(goal, each, chain, penalty)
    ]


def _multiples(goal: Goal, chain: Chain, loss: Node | None) -> list[Node]:
    """The products in a gradient that may be terms of it, of whatever penalty."""
    key = goal.node, goal.parameter, loss
    if key not in chain.multiples:
        several = np.size(goal.parameter.value) > 1
        shape = np.shape(goal.parameter.value)
        chain.multiples[key] = [
            each
            for each in (chain.products.get(shape, ()) if several or loss is not None else ())
            if goal.node.depends_on(each) and each.depends_on(goal.parameter)
            if each is not goal.node and (several or _is_beside(each, goal.parameter, loss))
        ]
    return chain.multiples[key]


def _is_beside(term: Node, parameter: Node, loss: Node | None) -> bool:
    """Whether nothing that is made of a parameter on the way to a term is a part of the loss."""
    way = walk([term], lambda each: [e for e in each.inputs if e.depends_on(parameter)])
    return loss is None or not any(loss.depends_on(e) for e in way if e is not parameter)


def rate_of(goal: Goal, term: Node, chain: Chain, penalty: Penalty = SQUARES) -> float:
    """By how much of the derivative of a penalty a gradient grows by a multiple of it."""
    key = goal.node, term
    if key not in chain.shares:
        seed = np.random.default_rng(0).normal(size=(1, *np.shape(goal.node.value)))
        back = chain.reverse({goal.node.number: seed}, lambda each: each.depends_on(term))
        chain.shares[key] = fitted(back.get(term.number, np.zeros_like(seed)), seed) or 0.0
    return chain.shares[key] * (fitted(chain.values[term.number], penalty.of(goal)) or 0.0)


def of_parts(goal: Goal, chain: Chain) -> Iterator[float]:
    """The rates of the multiples of parts of a parameter, such as a row, in its gradient."""
    ones = np.ones((1, *np.shape(goal.node.value)))
    back = chain.reverse({goal.node.number: ones}, goal.node.depends_on)
    for node in chain.nodes:
        share = back.get(node.number)
        if share is None or node.operation != "multiply":
            continue
        made = [e for e in node.inputs if e.depends_on(goal.parameter)]
        for part in made if len(made) == 1 else ():  # else its factor is no rate
            if np.shape(part.value) == np.shape(node.value) and is_part(part, goal.parameter):
                by = fitted(chain.values[node.number], chain.values[part.number])
                yield (by or 0.0) * (fitted(share, np.ones_like(share)) or 0.0)


def is_part(node: Node, parameter: Node) -> bool:
    """Whether a value is taken out of a parameter, and nothing is done with it."""
    way = walk([node], lambda each: [] if each is parameter else each.inputs)
    return all(each is parameter or each.operation in MOVES for each in way)


def entries_apart(given: Array, right: Array, weights: Array) -> Iterator[Array]:
    """1 but where a gradient is the right one times what it is most often, as for biases.

    Weights, which decay, and biases stand so in one vector. Of a weight that is so small that
    nothing shows it, its decay is nearer.
    """
    given, right, weights = (
        np.asarray(each, np.float64).ravel() for each in (given, right, weights)
    )
    ratios = np.sort(given[right != 0] / right[right != 0])
    near = np.abs(ratios[1:] - ratios[:-1]) <= HALF_OF_THE_DIGITS * np.abs(ratios[1:])
    if np.any(near):
        alike = np.split(ratios, 1 + np.flatnonzero(~near))
        rest = given - max(alike, key=len)[0] * right
        apart = np.abs(rest) > HALF_OF_THE_DIGITS * np.max(np.abs(given))
        shares = rest[apart & (weights != 0)] / weights[apart & (weights != 0)]
        if len(shares):
            near = np.abs(rest - np.median(shares) * weights) < np.abs(rest)
            yield np.asarray(near, dtype=np.float64)


def signs_asked(nodes: Iterable[Node], parameters: Iterable[Node]) -> list[Node]:
    """What may be the signs of parameters: what is compared, and entries that only `if` uses."""
    olds = [*parameters]
    found = (e for e in nodes if e.operation in ASKED or (not e.consumers and e.operation in MOVES))
    return [e for e in found if any(is_part(part, old) for part in (e, *e.inputs) for old in olds)]


def asks_sign(goal: Goal, chain: Chain) -> bool:
    """Whether a program takes, or asks for, the signs of a parameter."""
    key = goal.parameter, len(chain.nodes)
    if key not in chain.asked:
        chain.asked[key] = bool(signs_asked(chain.nodes, [goal.parameter]))
    return chain.asked[key]


def of_two_kinds(found: Sequence[Verdict], chain: Chain, of: Penalty) -> Iterator[Penalty]:
    """The penalties of squares and of absolute values, with the shares that gradients have."""
    found = [each for each in found if each.given.shape == each.right.shape]
    factors = [by for each in found if (by := fitted(each.given, each.right)) is not None]
    for each in found:
        own = [(e, terms(each.goal, chain, e)[-1:]) for e in (SQUARES, of)]
        if all(some for _, some in own):
            squares, shares = (rate_of(each.goal, some[0], chain, e) for e, some in own)
            yield mixed(shares / squares, of)
        elif asks_sign(each.goal, chain):
            yield from (mixed(share, of, fitted=True) for share in _shares(each, factors, of))


def _shares(verdict: Verdict, factors: Sequence[float], of: Penalty) -> Iterator[float]:
    """By how much more a gradient has of a penalty than of that of squares.

    Args:
        verdict: of the gradient.
        factors: that it may be of the right one; any other one, too.
        of: the penalty.
    """
    weights = np.asarray(verdict.goal.parameter.value, dtype=np.float64).ravel()
    right, given = verdict.right.ravel(), verdict.given.ravel()
    own = [weights, of.derivative(weights)]
    known = [(given - factor * right, own) for factor in factors]
    for rest, columns in (*known, (given, [*own, right])):
        matrix = np.stack(columns, axis=1)
        finite = np.all(np.isfinite(matrix)) and np.all(np.isfinite(rest))
        if finite and len(rest) > len(columns) == np.linalg.matrix_rank(matrix):
            found = np.linalg.lstsq(matrix, rest, rcond=None)[0]
            far = float(np.max(np.abs(matrix @ found - rest)))
            if far <= HALF_OF_THE_DIGITS * float(np.max(np.abs(rest))) and np.all(found[:2]):
                yield float(found[1] / found[0])
