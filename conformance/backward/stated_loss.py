"""A loss that a program computes, where its gradients are those of another: which number it is.

It may be a known cost, whose weights decay by what an update adds; or one that the program's own
output error is not the derivative of. Left out: which numbers a program takes for its loss, and the
decay itself (`decay.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import sqrt

import numpy as np

from conformance.backward.aim import aim, curvature, factors, half_of_its_digits, is_of_several
from conformance.backward.certain import measured
from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted
from conformance.backward.costs import times
from conformance.backward.decay import Decay, decayed
from conformance.backward.decay_lines import decays_without, with_decay
from conformance.backward.epsilons import without_epsilons
from conformance.backward.factor import conventions, snapped
from conformance.backward.findings import Examined
from conformance.backward.judge_gradients import Forward, distance, forward_of, verdicts
from conformance.backward.loss_names import LINEAR, is_named
from conformance.backward.loss_numbers import count_of, is_linear
from conformance.backward.no_loss import COST_NAMES, Tried, plus_decay, tried, undecayed
from conformance.backward.own_error import OwnError
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass, Recorded, bits
from conformance.backward.source import is_float
from conformance.backward.unknown_cost import OwnErrors
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

PRODUCTS = ("multiply", "matmul", "dot", "inner", "einsum", "tensordot", "vdot")


def declared(trace: Trace, losses: Sequence[Node], goals: tuple[Goal, ...]) -> Node | None:
    """The last number that is a known cost of the output times a constant; None if there is none.

    It has the value of the cost and its gradients: where parameters are still 0, another number may
    have the value alone.
    """
    run = Recorded(trace, goals[0].node, goals)
    try:
        known = tried(run, COST_NAMES, (None, None)) if losses else []
    except NotAGradientError:
        return None
    for chain in _chains(run):
        for each, loss in product(known, reversed(losses)):
            if _is_multiple(each, loss, chain):
                return loss
    return None


def _chains(run: Recorded) -> Iterator[Chain]:
    """The values that were recorded, and those without any ε."""
    yield Chain(run.trace)
    plain = without_epsilons(run)
    if plain is not None:
        yield Chain(plain.trace, anew=True)


def _is_multiple(known: Tried, loss: Node, chain: Chain) -> bool:
    """Whether a number is a constant times a known cost, and so are its gradients.

    They have half of the digits that the number has.
    """
    value = float(np.ravel(known.run.loss.value)[0])
    ratio = (
        float(np.ravel(chain.values[loss.number])[0]) / value if value > 0 else 0.0
    )  # else of −y
    lengths = [n for output, _ in known.compared.pairs for n in np.shape(output.value)]
    near = half_of_its_digits(loss)
    if not any(abs(ratio - e) <= near * e for e in conventions(lengths)):
        return False
    own = Forward(replace(known.run, loss=loss), chain)
    pairs = [(f.right(e.parameter) for f in (own, known.forward)) for e in own.run.goals]
    return all(distance(right, ratio * wanted) <= sqrt(near) for right, wanted in pairs)


def with_terms(
    loss: Node, losses: Sequence[Node], goals: Sequence[Goal], fit: Node | None = None
) -> Node:
    """A loss with what is added to it that depends on the parameters, such as a decay.

    It may be the loss times a number, or times what is learnt, to which that is added; or the loss
    times a number alone, where some gradients fit that. Of those with the same terms it is the one
    that they fit, or the first: a total has the loss times the size of a mini-batch.
    """
    given, best, most = bits(goals), loss, (0, False)
    for each in losses:
        way = walk([each], lambda e: e.inputs if e.operation in LINEAR and e is not loss else ())
        ends = {e for e in way if e is loss or e.operation not in LINEAR}
        terms = sum(bool(e.uses & given) for e in ends - {loss})
        if loss in ends and (terms, each is fit) > most:
            best, most = each, (terms, each is fit)
    return best


def is_half_a_cost(step: OwnPass, loss: Node) -> bool:
    """Whether a number is −Σ y ln a times a constant, and lacks (1 − y) ln (1 − a)."""
    known = tried(Recorded(step.trace, loss, step.goals), ("cross-entropy",), (None, None))
    forward = forward_of(replace(step, loss=loss))
    pairs = (pair for each in known for pair in each.compared.pairs)
    derivatives = ((forward.gradient.get(a.number), a, y) for a, y in pairs)
    return any(
        given is not None and fitted(given, np.asarray(getattr(y, "value", y) / a.value))
        for given, a, y in derivatives
    )


def disagreeing(
    step: OwnPass, losses: Sequence[Node], called: Sequence[Node], others: Sequence[Node] = ()
) -> Node | None:
    """The number that gradients are not those of, though they are right by an output error.

    Such is the first of those that the program calls its loss, if the output error is a positive
    multiple of the derivative of none; or one that has a minimum where the program goes up. One
    that has a maximum there, such as a likelihood, is an objective. Where the error is the
    derivative of a number with terms of the parameters alone, that number says what decays.

    The derivative is that with respect to the very output that the error is taken for: what a loss
    has from elsewhere may be held constant, such as the targets of Q-learning, and a loss of other
    samples has none.

    Args:
        step: judged by its own output error.
        losses: numbers that it computes.
        called: those that it calls its loss.
        others: numbers of some parameters alone. Those that are called a loss, as of a critic, tell
            of one of two outputs.
    """
    run = Recorded(step.trace, step.goals[0].node, step.goals, step.returns)
    known = tried(run, COST_NAMES, (step.output, step.target))
    errors = OwnErrors(run, (each.compared for each in known)).used()
    named = [*called, *filter(is_named, others)]
    single = [e for e in errors if not is_of_several(run, e, named, [*losses, *others])]
    if len(single) == len(errors):
        if len(errors) == 1:
            return _told_by(step, run, errors[0], losses, called)
        uneven = next((e for e in called if _is_uneven(run, errors, e)), None)
        if uneven is not None:
            return uneven
        stated = [factors(run, error, loss) for error in errors for loss in called]
        if any(e is not None for e in stated) and not any(stated):  # no error is that of any
            return called[0]
    for error in single if called else ():
        said = [_agrees(factors(run, error, loss), error) for loss in named]
        if not any(said) and False in said:
            return called[0]
    return None


def _told_by(
    step: OwnPass, run: Recorded, error: OwnError, losses: Sequence[Node], called: Sequence[Node]
) -> Node | None:
    """The number that the only output error disagrees with; see `disagreeing`."""
    signs = {each: _sign(factors(run, error, each), error) for each in (*losses, *called)}
    turned = [e for e in called if signs[e] == -1]  # what one is minus of is none
    agreeing = [e for e in losses if signs[e] == 1 and not any(t.depends_on(e) for t in turned)]
    if agreeing or any(signs[each] == 1 for each in called):
        stating = (e for e in reversed(agreeing) if has_own_terms(replace(step, loss=e)))
        return next(stating, None)
    opposed = {each for each in signs if signs[each] == -1}
    bent = -curvature(run.trace, error) if opposed else 0  # that of the numbers it goes up
    if bent > 0 and not called:
        return next((e for e in reversed(losses) if e in opposed and aim(e, bent) < 0), None)
    wrong = [e for e in called if signs[e] is not None and (e not in opposed or aim(e, bent) < 0)]
    return wrong[0] if called and len(wrong) == len(called) else None


def _sign(known: Sequence[float] | None, error: OwnError) -> int | None:
    """1 if the program goes down a number by its output error, −1 if up, 0 if it is of another."""
    if known is None:
        return None
    return int(np.sign(error.factor * max(known, key=abs))) if known else 0


def _is_uneven(run: Recorded, errors: Sequence[OwnError], loss: Node) -> bool:
    """Whether errors that meet in a gradient are those of a loss, each with another weight.

    One number is a multiple of any other.
    """
    known = [factors(run, each, loss) for each in errors]
    meet = any(all(e.node.depends_on(each.error) for each in errors) for e in run.goals)
    single = any(np.size(each.error.value) == 1 for each in errors)
    if not meet or single or not errors or not all(known):
        return False
    shares = [max(some, key=abs) for some in known if some]
    near = max(half_of_its_digits(each.error) for each in errors)
    return any(abs(each - shares[0]) > near * abs(shares[0]) for each in shares)


def _agrees(known: Sequence[float] | None, error: OwnError) -> bool | None:
    """Whether an error beside that of another output is that of a loss; None if it is not told.

    The loss may be a part of that other output's. Only a usual factor tells, with either sign: one
    number is a multiple of any other.
    """
    usual = conventions(np.shape(error.output.value))
    near = (e for e in known or () if snapped(abs(e), usual, free=False) is not None)
    signs = [each * error.factor > 0 for each in near]
    return any(signs) if signs else None


def with_decay_beside(step: OwnPass, by_loss: Examined, *, blame: bool = True) -> Examined:
    """The judgement of an update by its loss, and a decay beside it.

    Args:
        step: the update, with the loss.
        by_loss: its judgement by the loss alone, which stays where a decay explains no more. Where
            the loss has terms of the parameters alone, they say what decays: the decay that fits
            tells the factor alone.
        blame: as in `examine_pass`.
    """
    if by_loss.ok or step.loss is None:
        return by_loss
    forward, stated = forward_of(step), has_own_terms(step)
    decay = _decayed(forward, step, stated=stated)
    if decay is None:
        return by_loss
    lengths = {n for each in forward.nodes() for n in np.shape(each.value)}
    near = (e for e in conventions(lengths) if abs(e - decay.factor) <= HALF_OF_THE_DIGITS * e)
    factor = next(near, None) or measured(undecayed(forward.run, decay), decay.factor)
    loss = times(step.trace, step.loss, factor)
    if stated:
        step = replace(step, loss=loss)
        scaled = forward_of(step)
        if decays_without(scaled, verdicts(scaled), factor, step.rates):
            return by_loss
        found = examine_pass(step, blame=blame)
        found = replace(found, factor=found.factor * factor)
        return found if found.right > by_loss.right else by_loss
    loss = plus_decay(step.trace, loss, decay)
    found = with_decay(examine_pass(replace(step, loss=loss), blame=blame), decay)
    if found.right <= by_loss.right and not decay.taken_off:
        return by_loss
    return replace(found, factor=found.factor * factor, decay_beside=True)


def decay_beside(step: OwnPass) -> Decay | None:
    """What decays beside the derivative of a loss; None if nothing does, or more is wrong."""
    return _decayed(forward_of(step), step, stated=has_own_terms(step))


def _decayed(forward: Forward, step: OwnPass, *, stated: bool) -> Decay | None:
    """What decays beside a loss; of single numbers, where that has no terms of these alone."""
    loss = None if stated else step.loss
    return decayed(verdicts(forward), forward.chain, loss=loss, stated=stated)


def has_own_terms(step: OwnPass) -> bool:
    """Whether a loss is a sum with a term of the parameters alone, such as a decay.

    Where it has nothing else, its data are no arrays, and it does not tell.
    """
    given = bits(step.goals)
    alone = (each for term in _own_terms(step) for each in walk([term], _addends(given)))
    curved = (e for e in alone if e.uses & given and not is_linear(e, e.uses & given))
    return any(not _multiplies_two(each, given) for each in curved)


def without_own_terms(step: OwnPass) -> OwnPass | None:
    """The step with its loss without its terms of the parameters alone; None if it has none."""
    if step.loss is None or not has_own_terms(step):
        return None
    gradient = forward_of(step).gradient
    left = step.trace.traced(np.array(step.loss.value), step.loss)
    for each in _own_terms(step):
        term = step.trace.traced(np.array(each.value), each)
        left = left - float(np.sum(gradient[each.number])) * term
    return replace(step, loss=step.trace.argument(left))


def with_undecayed(step: OwnPass, found: Examined) -> Examined:
    """The judgement, with that by the loss without its own decay, if more gradients are right so.

    As many are more if they are not so but for a factor.
    """
    bare = without_own_terms(step) if found.cost == "own" and not found.ok else None
    if bare is None:
        return found
    other = examine_pass(bare, blame=False)
    if (other.right, other.factor == 1) <= (found.right, found.factor == 1):
        return found
    return replace(found, undecayed=examine_pass(bare))


def _own_terms(step: OwnPass) -> list[Node]:
    """The terms of a loss, each as large as can be, that are computed of parameters alone."""
    assert step.loss is not None  # noqa: S101 - it is judged by it
    given = bits(step.goals)

    def is_alone(term: Node) -> bool:
        way = walk([term], lambda e: () if _is_parameter(e, given) else e.inputs)
        leaves = (e for e in way if e.function is None and is_float(e) and np.size(e.value) > 1)
        return all(given >> each.number & 1 for each in leaves)

    if is_alone(step.loss):
        return []
    addends = _addends(given)
    terms = walk([step.loss], lambda each: () if is_alone(each) else addends(each))
    return [e for e in terms if e.function and e.uses & given and is_alone(e)]


def _addends(given: int) -> Callable[[Node], Sequence[Node]]:
    """What gives the values of which another is a sum, or one of them times numbers."""

    def operands(node: Node) -> Sequence[Node]:
        is_product = node.operation in ("multiply", "divide") and count_of(node, given) > 1
        return node.inputs if node.operation in LINEAR and not is_product else ()

    return operands


def _is_parameter(node: Node, given: int) -> bool:
    """Whether a value is a parameter, or one with something added, as its velocity: w + μ v."""
    if given >> node.number & 1:
        return True
    own = [e for e in node.inputs if e.uses & given]
    moved = node.operation in ("add", "subtract") and len(own) == 1 < len(node.inputs)
    shape = np.shape(node.value)
    return moved and bool(given >> own[0].number & 1) and np.shape(own[0].value) == shape


def _multiplies_two(term: Node, given: int) -> bool:
    """Whether a value multiplies two parameters, as the outputs of a factorisation are."""
    return any(
        each.operation in PRODUCTS and len({e.uses & given for e in each.inputs} - {0}) > 1
        for each in walk([term], lambda each: each.inputs)
    )
