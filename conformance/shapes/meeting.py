"""The output of a run, and what meets its target, which need not be the same.

Left out: by which cost it is judged (`judge_readings.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.own_pass import OwnPass
from conformance.backward.recorded_pass import Goal
from conformance.shapes.attempts import Attempt
from conformance.tracing.ancestors import ancestors, walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

SOFTMAX = "log-likelihood"
"""The cost of an output of softmax."""


def is_before_softmax(run: Attempt, step: OwnPass) -> bool:
    """Whether the target is compared with what an output of softmax is made of, not with it."""
    output, met = step.output, meeting(run, step.goals)[0] or _before_labels(run, step.goals)
    if output is None or met is None or met is output or not output.depends_on(met):
        return False
    alike = np.shape(met.value) == np.shape(output.value) and np.size(output.value) > 1
    sums = (np.sum(output.value, axis=axis) for axis in (0, -1))
    return alike and any(np.all(np.abs(each - 1) <= HALF_OF_THE_DIGITS) for each in sums)


def _before_labels(run: Attempt, goals: Sequence[Goal]) -> Node | None:
    """The first value that depends on parameters and of which plain integers are taken off."""
    for node in run.recorded.nodes:
        if node.operation == "subtract" and len(node.inputs) == 1 and run.target is None:
            (output,) = node.inputs
            learned = any(output.depends_on(each.parameter) for each in goals)
            if learned and any(each.node.depends_on(node) for each in goals):
                return output
    return None


PRODUCTS = ("dot", "matmul")


def meets_a_parameter(run: Attempt, goals: Sequence[Goal]) -> bool:
    """Whether a parameter meets a product with the inputs, of which no parameter is a part.

    That is a decay beside a part of a gradient, as in `w - X.T @ y`, and no output error.
    """
    inputs = run.node(run.scope.kinds["inputs"])
    parameters = [each.parameter for each in goals]
    for node in run.recorded.nodes:
        other = node.inputs[-1] if node.operation == "subtract" and len(node.inputs) > 1 else None
        if other is None or not other.depends_on(inputs):
            continue
        if _undivided(node.inputs[0]) not in parameters:
            continue
        used = any(each.node.depends_on(node) for each in goals)
        product = any(e.operation in PRODUCTS and e.depends_on(inputs) for e in walk([other]))
        if used and product and not any(map(other.depends_on, parameters)):
            return True
    return False


def _undivided(node: Node) -> Node:
    """What a value is a multiple of, by numbers that nothing is known to change."""
    inner = [e for e in node.inputs if not e.constant] or node.inputs  # it may begin with zeros
    scaled = node.operation in ("multiply", "divide") and len(inner) == 1
    return _undivided(inner[0]) if scaled else node


def meeting(run: Attempt, goals: Sequence[Goal]) -> tuple[Node | None, Node | None]:
    """The first value that depends on parameters and meets one of the targets, and that one."""
    whole = run.target
    if whole is None:
        return None, None
    for node in run.recorded.nodes:
        if node.operation != "subtract" or len(node.inputs) != len(("output", "target")):
            continue
        used = any(each.node.depends_on(node) for each in goals)
        for output, target in (node.inputs, node.inputs[::-1]):
            learned, other = (
                any(each.depends_on(goal.parameter) for goal in goals) for each in (output, target)
            )
            if used and learned and not other and target.depends_on(whole):
                return output, _in_shape(run.recorded, target, np.shape(output.value))
    return None, None


def _in_shape(trace: Trace, node: Node, shape: tuple[int, ...]) -> Node | None:
    """A node as an array of another shape; None if it has not as many entries."""
    value = np.asarray(node.value)
    if value.shape == shape:
        return node
    if value.size != int(np.prod(shape)):
        return None
    return trace.node("reshape", np.reshape, (node, shape), {}, value.reshape(shape))


def output_of_run(run: Attempt) -> Node | None:
    """What went forward gave, if it was called."""
    value = run.scope.kinds.get("output")
    if not isinstance(value, np.ndarray) or not any(c.role == "forward" for c, _, _ in run.results):
        return None
    return run.node(value)


def before_softmax(run: Attempt) -> Node | None:
    """The first value whose softmax is the output; None if there is none."""
    out = np.asarray(run.scope.kinds["output"])
    axes = [axis for axis in range(out.ndim) if np.allclose(out.sum(axis), 1)]
    alike = (e for e in ancestors(run.node(out)) if np.shape(e.value) == out.shape)
    for each in sorted(alike, key=lambda node: node.number) if axes and out.size > 1 else ():
        powers = np.exp(each.value - np.max(each.value))
        if any(np.allclose(powers / powers.sum(axis, keepdims=True), out) for axis in axes):
            return each
    return None
