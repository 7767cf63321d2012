"""Numbers such as `b = 0.0` that are never moved, though a gradient of them is computed.

They are no values of a trace: what is added under a name of theirs tells them. Left out: arrays
(`still.py`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.factor import conventions
from conformance.backward.judge_gradients import Forward
from conformance.backward.recorded_pass import bits
from conformance.backward.source import (
    is_float,
    operand_name,
    stored_names,
)
from conformance.tracing.node import Node, recomputed, uses_of_nodes
from conformance.tracing.trace import Trace

SUMS = {"add": (1.0, 1.0), "subtract": (1.0, -1.0)}
TURNING = (0.1, -0.1, 1.0, -1.0, 10.0, -10.0, 100.0, -100.0)  # sizes of parameters that are tried


def left_numbers(
    trace: Trace,
    forward: Forward,
    factor: float,
    whole: Mapping[Node, Node],
    values: Collection[Node],
) -> Iterator[tuple[str, Node]]:
    """What the program calls such a number, with the gradient of it that moves nothing.

    Something may be kept of it as it is of those of others.

    Args:
        trace: of the step.
        forward: its forward pass.
        factor: how many times the right gradients those of the program are, with their rate if
            that is not known apart; 0 if it is not known, and nothing is given.
        whole: the nodes of the run that those of the step stand for.
        values: of the parameters that are moved, before and after.
    """
    gradients = (whole.get(each.node, each.node) for each in forward.run.goals)
    keeping = {use for each in gradients for use in _uses(each)}
    used = uses_of_nodes(values)
    idle = [
        each
        for each in trace.nodes
        if np.size(each.value) == 1 and each.function is not None and is_float(each)
        if each in whole and each.frames and not used >> whole[each].number & 1
        if keeping.issuperset(_uses(whole[each]))
        if not forward.contains(each)
    ]
    for name, (right, lengths) in _rights(forward).items() if idle and factor else ():
        rights = [by * usual * right for by in (factor, 1.0) for usual in conventions(lengths)]
        for each in idle:
            value = float(np.ravel(each.value)[0])
            near = any(abs(value - e) <= HALF_OF_THE_DIGITS * abs(e) for e in rights)
            if near and may_turn(each, forward):
                yield name, each
                idle.remove(each)  # what is added beside it has the same gradient
                break


def may_turn(gradient: Node, forward: Forward) -> bool:
    """Whether some entry of a gradient has another sign at some other values of the parameters.

    One that keeps its sign would always move the same way: such is a count of the samples that are
    within a margin, and no gradient of it.
    """
    rng, sign = np.random.default_rng(1), np.sign(gradient.value)
    way = [e for e in forward.run.trace.nodes if gradient.depends_on(e)]
    for size in TURNING:
        olds = (each.parameter for each in forward.run.goals)
        given = {e.number: size * rng.standard_normal(np.shape(e.value)) for e in olds}
        values = recomputed(given, way) or {}
        if np.any(np.sign(values.get(gradient.number, gradient.value)) * sign < 0):
            return True
    return False


def _uses(node: Node) -> set[str]:
    """The operations that use a value; of a number a square is a power."""
    found = {each.operation for each in node.consumers}
    return found - {"square"} | {"power"} if "square" in found else found


def _rights(forward: Forward) -> Mapping[str, tuple[float, Sequence[int]]]:
    """The gradients of the numbers that are added, by their names, where they are not 0.

    With the lengths of what they are added to, by which a mean and a sum differ. What has the sum
    itself is a total, as in `total += cost`. A name of values that are computed, too, tells none.
    """
    parameters, computed = bits(forward.run.goals), set[str]()
    found, lengths = defaultdict[str, float](float), defaultdict[str, set[int]](set)
    for node in forward.nodes():
        if node.operation not in SUMS or not node.uses & parameters:
            continue
        for place, (sign, each) in enumerate(zip(SUMS[node.operation], node.args, strict=False)):
            name = operand_name(node, place)
            if not isinstance(each, int | float):
                computed.add(name)
            elif name and name not in stored_names(node):
                found[name] += sign * float(np.sum(forward.gradient[node.number]))
                lengths[name].update(np.shape(node.value))
    told = {name: right for name, right in found.items() if right and name not in computed}
    return {name: (right, [*lengths[name]]) for name, right in told.items()}
