"""What is wrong with a decay of weights: another multiple than the loss states, or taken off.

Left out: whether gradients decay (`decay.py`).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.causes import worst_entry
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted
from conformance.backward.decay import Decay
from conformance.backward.decay_terms import rate_of, terms
from conformance.backward.findings import Accused, Cause, Examined, Named, merged
from conformance.backward.judge_gradients import Forward, Verdict
from conformance.backward.named_numbers import stated_numbers
from conformance.backward.penalties import PENALTIES, Penalty
from conformance.backward.source import line_of, lines_of
from conformance.backward.value_names import operation_text
from conformance.tracing.node import Node

NEAR = 2.0**-20  # two factors are the same, as far as floats of four bytes tell

FEW = 3  # entries: of fewer any are some multiple, or nearly


def wrong_decay(forward: Forward, found: Sequence[Verdict]) -> Accused | None:
    """The terms that are not the derivative of the loss's decay; None if more is wrong."""
    blamed = (_wrong_decay(forward, found, penalty) for penalty in PENALTIES)
    return next(filter(None, blamed), None)


def _wrong_decay(forward: Forward, found: Sequence[Verdict], penalty: Penalty) -> Accused | None:
    wrong = [each for each in found if not each.ok]
    nodes, factors = list[Node](), list[float]()
    for each in wrong:
        lacks, own = _lacks(each, penalty), terms(each.goal, forward.chain, penalty)[-1:]
        rate = sum(rate_of(each.goal, term, forward.chain, penalty) for term in own)
        if lacks is None or not (rate or lacks):
            return None
        alone = abs(rate + lacks) <= HALF_OF_THE_DIGITS * abs(rate)  # the loss has none of it
        factors.append(np.inf if alone else rate / (rate + lacks))
        nodes += own or [each.goal.node]
    in_order = sorted(zip(nodes, wrong, strict=True), key=lambda pair: pair[0].number)
    lines = [line for node, _ in in_order for line in lines_of(node)]
    if not lines or not np.allclose(factors, factors[0], rtol=HALF_OF_THE_DIGITS, atol=0):
        return None
    names = tuple(each.goal.name for each in wrong)
    node, first = in_order[0]
    text, parameter = operation_text(node), Named(first.goal.name, None)
    why = Cause("decay", text, parameter, factor=factors[0], worst=worst_entry(found))
    if np.isinf(factors[0]):
        why = replace(why, kind="decay alone", factor=1.0)
    return Accused(names, tuple(dict.fromkeys(lines)), why, mends=True)


def decays_without(
    forward: Forward, found: Sequence[Verdict], factor: float, rates: Sequence[float]
) -> bool:
    """Whether gradients decay as the loss states, and the rest of them alone has a factor.

    Args:
        forward: the forward pass, with the loss as often as the factor says.
        found: the gradients, judged by it.
        factor: it.
        rates: by which an update multiplies them. One that the program does not state may be made
            of the factor: then the rest is as it has to be.
    """
    wrong = wrong_decay(forward, found)
    if wrong is None or wrong.cause.kind != "decay" or abs(wrong.cause.factor * factor - 1) > NEAR:
        return False
    stated = {number for each in found for number in stated_numbers(each.goal.node)}
    return stated.issuperset(rates) and factor not in rates


def _lacks(verdict: Verdict, penalty: Penalty) -> float | None:
    """Which multiple of a penalty's derivative a gradient lacks; None if it lacks another thing."""
    wanted = np.asarray(penalty.of(verdict.goal), dtype=np.float64)
    if wanted.shape != verdict.given.shape or wanted.size < FEW:
        return None
    return fitted(verdict.right - verdict.given, wanted)


def with_decay(examined: Examined, decay: Decay | None) -> Examined:
    """What is known, with a decay, and the lines to blame that take it off the gradients."""
    if decay is None:
        return examined
    examined = replace(examined, decay=decay.rate, penalty=decay.penalty.name)
    terms = decay.taken_off
    wrong = {each.name for each in examined.gradients if not each.ok}
    if not terms or {name for name, _ in terms} != wrong:
        return examined
    worst = {each.name: each.worst for each in examined.gradients}
    accused = [
        Accused((name,), (line,), Cause("grows", worst=worst.get(name)), mends=True)
        for name, node in terms
        if (line := line_of(node)) is not None
    ]
    blamed = tuple(merged(accused, lambda each: each.lines))
    return replace(examined, accused=blamed) if len(accused) == len(terms) else examined
