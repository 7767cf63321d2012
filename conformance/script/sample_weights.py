"""Updates of one sample each that go up or down by a number of the sample, such as its reward.

By a known cost alone those of negative rewards are negated. Left out: the weights of several
samples in one update (`backward/sample_count.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.script.judgement import Judgement, has_single_error
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

Place = tuple[object, int, int]
"""The line of a product, which of those on it, and which of its operands."""


def weighted(trace: Trace, results: Sequence[Judgement]) -> list[Judgement]:
    """The judgements; right is what is negated only where a number of the sample is negative.

    The gradients are those of a known cost times that number and a positive one, which is the same
    at all updates. A single error is a multiple of any other, and so tells nothing.
    """
    free = [each for each in results if not each.own_loss]  # by a number that fits, one tells less
    times = [each.times for each in free if each.times is not None]
    if len(times) < max(len(free), 2) or min(times) > 0:
        return [*results]
    steps = [abs(each.chosen[0][1]) if each.chosen else 1.0 for each in free]
    factors = np.array(times) * np.array(steps)
    numbers = [dict(_numbers(trace, each)) for each in free]
    for place in numbers[0]:
        weights = np.array([each.get(place, 0.0) for each in numbers])
        if np.all(weights) and np.ptp(weights):
            ratios = factors / weights
            if ratios[0] > 0 and np.ptp(ratios) <= HALF_OF_THE_DIGITS * ratios[0]:
                if any(has_single_error(trace, each.moved) for each in free):
                    return [*results]
                return [_right(each) if each in free else each for each in results]
    return [*results]


def _right(judgement: Judgement) -> Judgement:
    found = judgement.examined
    gradients = tuple(replace(each, ok=True) for each in found.gradients)
    cost = f"weighted {found.cost.removeprefix('weighted ')}"
    examined = replace(found, gradients=gradients, accused=(), cost=cost)
    return replace(judgement, examined=examined, search=None)


def _numbers(trace: Trace, judgement: Judgement) -> Iterator[tuple[Place, float]]:
    """The numbers by which what depends on the parameters is multiplied, on the way to the new."""
    made, seen = judgement.updates[0], dict[object, int]()
    given = judgement.given
    for node in trace.nodes[made.old.number : made.new.number]:
        if node.operation == "multiply" and made.new.depends_on(node) and node.uses & given:
            key = node.frames[:1]
            seen[key] = seen.get(key, 0) + 1
            for i, each in enumerate(node.args):
                free = type(each) is not Node or not each.uses & given
                value = each.value if type(each) is Node else each
                if free and np.size(value) == 1:
                    yield (key, seen[key], i), float(np.ravel(value)[0])
