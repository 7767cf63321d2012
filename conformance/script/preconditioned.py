"""Steps that mix the entries of a gradient: by a matrix as Newton's are, or by products of steps.

So do Gauss and Newton's method, natural gradients, BFGS and conjugate gradients. What is judged of
such a step is the gradient that it is made of: what it makes of it is no rule that is known. Left
out: steps that go by the entries of a gradient (`rule.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.compared_quantities import fitted
from conformance.backward.source import MOVES
from conformance.script.linear import links
from conformance.script.update import Multiple, Update
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array

SOLVED = frozenset(("solve", "lstsq", "inv", "pinv", "eigh", "svd", "cholesky"))
PRODUCTS = frozenset(("matmul", "dot", "vdot", "inner"))


def gradient_within(made: Update, right: Array) -> Multiple | None:
    """The right gradient, times a number, of which a step mixes the entries; None if there is none.

    With −1 or 1, by which that is to be added.

    Args:
        made: the update that is a step.
        right: ∂C/∂w of its parameter.
    """
    if np.size(right) <= 1:
        return None
    way = [*walk([made.new], lambda each: [e for e in each.inputs if e.depends_on(made.old)])]
    alike = (e for e in way if e.function is not None and np.shape(e.value) == np.shape(right))
    for node in sorted(alike, key=lambda each: each.number):
        by = fitted(np.asarray(node.value), right)
        if by is not None:
            later = [e for e in way if e.depends_on(node)]
            mixed = any(_mixes(e, node, right) or _weighs(e, node, made.old) for e in later)
            return (node, -float(np.sign(by))) if mixed else None
    return None


def gradient_solved_for(trace: Trace, made: Update) -> Multiple | None:
    """What a step solves a system of equations for, as A⁻¹ g does for g; None if it does not.

    Of a solution that is cut into the steps of several parameters it is the same part of g.
    """
    node, by = made.options[made.own] if made.options else (made.new, 0.0)
    found = _solved_for(trace, node)
    return (found[0], by * found[1]) if found and found[0].depends_on(made.old) else None


def _solved_for(trace: Trace, node: Node) -> Multiple | None:
    """What a value is solved for, or the value that it is a part or a multiple of."""
    operands = [each for each in node.args[:2] if type(each) is Node]
    solved = operands[1:] if node.operation == "solve" else ()
    if node.operation in PRODUCTS and len(operands) > 1:
        solved = [e for e, other in (operands, operands[::-1]) if _is_inverse(other)]
    alike = [e for e in solved if np.shape(e.value) == np.shape(node.value)]
    if alike:
        return alike[0], 1.0
    moved = node.operation in MOVES and len(node.inputs) == 1 and node.inputs[0] in operands[:1]
    below = [(node.inputs[0], 1.0)] if moved else links(node)
    found = _solved_for(trace, below[0][0]) if len(below) == 1 else None
    if found is None or not moved:
        return found and (found[0], found[1] * below[0][1])
    value = np.asarray(node.again(lambda each: found[0].value if each in operands else each.value))
    part = trace.node(node.operation, node.function, (found[0], *node.args[1:]), node.kwargs, value)
    part.frames, part.calls, part.sites = node.frames, node.calls, ()
    return part, found[1]


def _is_inverse(matrix: Node) -> bool:
    return matrix.operation in ("inv", "pinv")


def goes_down(updates: Sequence[Update], gradients: Sequence[Multiple]) -> bool:
    """Whether a step of all parameters goes by gradients, each added so many times.

    A part of it may go against its own, where the step is of one matrix for all.
    """
    steps = (np.asarray(e.new.value) - np.asarray(e.old.value) for e in updates)
    pairs = zip(steps, gradients, strict=True)
    return sum(by * float(np.vdot(step, node.value)) for step, (node, by) in pairs) > 0


def _mixes(node: Node, gradient: Node, right: Array) -> bool:
    """Whether an operation on the way of a gradient makes each entry of its step of all."""
    if node.operation == "solve":
        return node.args[1].depends_on(gradient) if type(node.args[1]) is Node else False
    if node.operation not in PRODUCTS:
        return False
    operands = [each for each in node.args[:2] if type(each) is Node]
    if np.size(node.value) == 1:  # a share of an earlier step: a norm is of one alone
        return len({*operands}) > 1 and all(np.size(e.value) == np.size(right) for e in operands)
    sides = {np.size(right)} if np.ndim(right) == 1 else {*np.shape(right)}
    return any(_is_square(e, sides) and (np.ndim(right) == 1 or _solves(e)) for e in operands)


def _weighs(node: Node, gradient: Node, old: Node) -> bool:
    """Whether an earlier step is multiplied by a number that is computed of a gradient."""
    operands = [each for each in node.inputs if node.operation == "multiply"]
    number = any(np.size(e.value) == 1 and e.depends_on(gradient) for e in operands)
    earlier = [e for e in operands if np.size(e.value) == np.size(old.value) and e is not old]
    return number and any(e.function and not e.depends_on(gradient) for e in earlier)


def _is_square(matrix: Node, sides: set[int]) -> bool:
    shape = np.shape(matrix.value)
    return len(shape) == 2 and shape[0] == shape[1] and shape[0] in sides  # noqa: PLR2004


def _solves(matrix: Node) -> bool:
    return any(each.operation in SOLVED for each in walk([matrix]))
