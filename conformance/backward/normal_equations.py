"""An output and a target that were multiplied before they are compared: XᵀX w and Xᵀy.

What the gradient is computed from is then X w − y, as if the products had not been computed first.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from conformance.backward.compared import Compared
from conformance.backward.recorded_pass import Recorded, bits
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node

PRODUCTS = ("matmul", "dot")
SCALED = ("multiply", "divide", "negative")


def is_of_products(node: Node) -> bool:
    """Whether a value is a product of arrays, or a multiple of one."""
    products = (e.operation in PRODUCTS for e in node.inputs)
    return node.operation in PRODUCTS or (node.operation in SCALED and any(products))


def is_of_a_form(run: Recorded, found: Compared) -> bool:
    """Whether the only gradient is that of ½ xᵀA x − bᵀx, with more terms: A x − b, A symmetric."""
    (output, _), *rest = found.pairs
    if rest or len(run.goals) > 1 or output.operation not in PRODUCTS:
        return False
    (goal,), (form, given) = run.goals, output.args[:2]
    data = form if type(form) is Node and not form.uses & bits(run.goals) else None
    if data is None or given is not goal.parameter or np.ndim(data.value) != len("xy"):
        return False
    shape, symmetric = np.shape(goal.parameter.value), np.array_equal(data.value, data.value.T)
    between = walk([goal.node], lambda e: [i for i in e.inputs if i.depends_on(output)])
    return symmetric and all(
        each is output or (np.shape(each.value) == shape and each.operation not in PRODUCTS)
        for each in between
    )


def before_products(run: Recorded, found: Sequence[Compared]) -> Iterator[Compared]:
    """Those of some comparisons of which the two sides share their first factor, without it."""
    for each in found:
        pairs = [_pair(run, output, target) for output, target in each.pairs]
        made = [pair for pair in pairs if pair is not None]
        if len(made) == len(pairs):
            yield Compared(tuple(made), each.users)


def _pair(run: Recorded, output: Node, target: Any) -> tuple[Node, Node] | None:
    """X w and y, for A X w and A y."""
    if output.operation not in PRODUCTS or type(target) is not Node:
        return None
    data, parameter = output.args[:2]
    one, other = _product(data, run), _product(target, run)
    if one is None or other is None or not np.array_equal(one.args[0].value, other.args[0].value):
        return None
    node, value = one.args[1], np.asarray(one.args[1].value @ parameter.value)
    if np.shape(value) != np.shape(other.args[1].value):
        return None
    made = run.trace.node("matmul", np.matmul, (node, parameter), {}, value)
    made.frames, made.calls = output.frames, output.calls
    return made, other.args[1]


def _product(value: Any, run: Recorded) -> Node | None:
    """The product of two arrays of the data that a value is, or is a multiple of."""
    while type(value) is Node and not value.uses & bits(run.goals):
        if value.operation in PRODUCTS:
            return value if all(type(e) is Node for e in value.args[:2]) else None
        if value.operation not in SCALED:
            return None
        arrays = [e for e in value.args if type(e) is Node and np.size(e.value) > 1]
        value = arrays[0] if len(arrays) == 1 else None
    return None
