"""Numbers of Python that the forward pass adds, and of which a gradient moves nothing.

Such is `b = 0.0`, if only the weights are updated: until it is moved it is no value of a trace.
Left out: arrays that are never moved (`still.py`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.factor import conventions
from conformance.backward.judge_gradients import Forward
from conformance.backward.recorded_pass import bits
from conformance.backward.source import is_float, operand_name
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

SUMS = {"add": (1.0, 1.0), "subtract": (1.0, -1.0)}


def left_numbers(
    trace: Trace, forward: Forward, factor: float, whole: Mapping[Node, Node]
) -> Iterator[tuple[str, Node]]:
    """What the program calls such a number, with the gradient of it that moves nothing.

    Args:
        trace: of the step.
        forward: its forward pass.
        factor: how many times the right gradients those of the program are, with their rate if
            that is not known apart.
        whole: the nodes of the run that those of the step stand for.
    """
    idle = [
        each
        for each in trace.nodes
        if np.size(each.value) == 1 and each.function is not None and is_float(each)
        if each in whole and each.frames and not whole[each].consumers
        if not forward.contains(each)
    ]
    for name, (right, lengths) in _rights(forward).items() if idle else ():
        rights = [by * usual * right for by in (factor, 1.0) for usual in conventions(lengths)]
        for each in idle:
            value = float(np.ravel(each.value)[0])
            if any(abs(value - e) <= HALF_OF_THE_DIGITS * abs(e) for e in rights):
                yield name, each
                break


def _rights(forward: Forward) -> Mapping[str, tuple[float, Sequence[int]]]:
    """The gradients of the numbers that are added, by their names, where they are not 0.

    With the lengths of what they are added to, by which a mean and a sum differ.
    """
    parameters = bits(forward.run.goals)
    found, lengths = defaultdict[str, float](float), defaultdict[str, set[int]](set)
    for node in forward.nodes():
        if node.operation not in SUMS or not node.uses & parameters:
            continue
        for place, (sign, each) in enumerate(zip(SUMS[node.operation], node.args, strict=False)):
            if isinstance(each, int | float) and (name := operand_name(node, place)):
                found[name] += sign * float(np.sum(forward.gradient[node.number]))
                lengths[name].update(np.shape(node.value))
    return {name: (right, [*lengths[name]]) for name, right in found.items() if right}
