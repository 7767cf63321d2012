"""What a network's output is compared with, and where, read off a recorded step.

The output error is the first value that is computed from a value that depends on the parameters and
from another one that does not, and that is no input of the forward pass: the target. Integer labels
are the places at which a copy of the output is written into, one a sample.

Left out: the costs (`costs.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.backward.groups import grouped
from conformance.backward.operation import is_float
from conformance.backward.program import Goal, bits
from conformance.tracing.trace import FILLED, Node
from reference.step import Array

COMPARING = ("subtract", "add", "divide", "multiply", "power")
"""Operations that an output error begins with: a − y, y − a, y / a, −y + a."""


@dataclass(frozen=True, eq=False)
class Compared:
    """An output and what it is compared with.

    Attributes:
        pairs: an output and its target, as a node or an array of the same shape: one pair, or one a
            sample or time step.
        users: the operations that compare them, if they are known.
    """

    pairs: tuple[tuple[Node, Any], ...]
    users: tuple[Node, ...] = ()


def compared(
    nodes: Sequence[Node], goals: Sequence[Goal], output: Node | None, target: Node | None
) -> list[Compared]:
    """What may be the output and the target, the likeliest first.

    Args:
        nodes: of the run.
        goals: the gradients.
        output: the output, if it is known.
        target: the target, if it is known.
    """
    found = _found(nodes, goals, output, target) or _found(nodes, goals, None, None)
    if output is not None and target is not None:
        known = (_fitting(output, e) for e in targets(np.shape(output.value), target))
        found = [*known, *found]
    return [alike for each in found for alike in (each, *_others(each))]


def _found(
    nodes: Sequence[Node], goals: Sequence[Goal], output: Node | None, target: Node | None
) -> list[Compared]:
    """Those that the steps' operations compare."""
    parameters = bits(goals)
    needed = reduce(or_, (each.node.uses for each in goals), 0)
    within = [e for e in nodes if needed >> e.number & 1 and e.uses & parameters]
    found = [
        made
        for group in grouped(within)
        if (made := _of_group(group.nodes, parameters, output, target)) is not None
    ]
    most = max((_count(each, parameters) for each in found), default=0)
    return [each for each in found if _count(each, parameters) == most]


def _count(found: Compared, parameters: int) -> int:
    """How many parameters the output depends on."""
    return min((output.uses & parameters).bit_count() for output, _ in found.pairs)


def _of_group(
    nodes: Sequence[Node], parameters: int, output: Node | None, target: Node | None
) -> Compared | None:
    """The pairs that all executions of an operation compare; None if it compares nothing."""
    pairs = [_pair(each, parameters, output, target) for each in nodes]
    some = [(pair, user) for pair, user in zip(pairs, nodes, strict=True) if pair is not None]
    if len(some) < len(nodes):
        return None
    return Compared(tuple(pair for pair, _ in some), tuple(user for _, user in some))


def _pair(
    node: Node, parameters: int, output: Node | None, target: Node | None
) -> tuple[Node, Any] | None:
    """An output and what it is compared with by an operation."""
    if node.operation == FILLED:
        return _labelled(node, parameters)
    if node.operation not in COMPARING or len(node.args) < 2:  # noqa: PLR2004 - of two operands
        return None
    for one, other in (node.args[:2], node.args[1::-1]):
        if not _depends(one, parameters) or _depends(other, parameters):
            continue
        if output is not None and plain(one) is not plain(output):
            continue
        own = target is not None and type(other) is Node and other.depends_on(target)
        if own or (target is None and _is_target(other, one)):
            return plain(one), other
    return None


def _depends(value: Any, parameters: int) -> bool:
    return type(value) is Node and bool(value.uses & parameters) and is_float(value)


def _is_target(value: Any, output: Node) -> bool:
    """Whether it may be what an output is compared with."""
    array = np.asarray(value.value if type(value) is Node else value)
    alike = array.shape == np.shape(output.value) or array.size == 1 == np.size(output.value)
    if array.dtype.kind not in "biuf" or not alike:
        return False
    if type(value) is Node and output.depends_on(value):
        return False
    return array.size == 1 or bool(np.any(array != array.flat[0]))


def plain(node: Node) -> Node:
    """The value that a copy was made of."""
    while node.operation in ("copy", "array", "asarray", "astype") and len(node.inputs) == 1:
        if np.shape(node.inputs[0].value) != np.shape(node.value):
            break
        node = node.inputs[0]
    return node


def _labelled(node: Node, parameters: int) -> tuple[Node, Any] | None:
    """A copy of the output that is written into at one place a sample: that of the label."""
    before, writes = node.args
    if type(before) is not Node or not _depends(before, parameters) or len(writes) != 1:
        return None
    index = writes[0][0]
    if index is None:
        return None
    flat = np.zeros(np.size(before.value))
    flat[index] = 1
    hot = flat.reshape(np.shape(before.value))
    lines = hot.ndim == 0 or any(
        np.all(hot.sum(axis=axis) == 1) and hot.shape[axis] > 1 for axis in range(hot.ndim)
    )
    return (plain(before), hot) if lines and np.size(index) < hot.size else None


def targets(shape: tuple[int, ...], target: Any) -> Iterator[Array]:
    """A target under the shapes that an output may have: values, one-hot, integer labels."""
    array = np.asarray(target.value if type(target) is Node else target)
    lean = array.squeeze()
    for each in (array, array.T, lean, lean.T):
        if each.size == int(np.prod(shape)) and [n for n in each.shape if n > 1] == [
            n for n in shape if n > 1
        ]:
            yield each.reshape(shape)
            break
    if lean.ndim > 1 or not np.all(lean == np.round(lean)):
        return
    for axis, classes in enumerate(shape):
        if classes > 1 and lean.size * classes == int(np.prod(shape)):
            for first in (0, 1):
                labels = lean.astype(int).ravel() - first
                if labels.min() >= 0 and labels.max() < classes:
                    hot = np.eye(classes)[labels]
                    rest = [n for i, n in enumerate(shape) if i != axis]
                    yield np.moveaxis(hot.reshape(*rest, classes), -1, axis)


def _fitting(output: Node, target: Array) -> Compared:
    return Compared(((output, target),))


def _others(found: Compared) -> Iterator[Compared]:
    """The same with what a target was computed from: y for −y and for 1 − y."""
    sources = [list(_sources(target)) for _, target in found.pairs]
    for chosen in zip(*sources, strict=False):
        pairs = [(o, each) for (o, _), each in zip(found.pairs, chosen, strict=True)]
        yield Compared(tuple(pairs), found.users)


def _sources(target: Any) -> Iterator[Any]:
    if type(target) is Node:
        for each in target.inputs:
            if np.shape(each.value) == np.shape(target.value):
                yield each
    elif np.all(np.asarray(target) <= 0) and np.any(target):
        yield -np.asarray(target)


def samples(found: Compared, goals: Sequence[Goal]) -> int:
    """How many samples there are: the length of the output's axis that no parameter has."""
    if len(found.pairs) > 1:
        return len(found.pairs)
    shape = np.shape(found.pairs[0][0].value)
    lengths = {n for each in goals for n in np.shape(each.parameter.value)}
    if len(shape) < 2:  # noqa: PLR2004 - one sample, or one output
        return next((n for n in shape if n not in lengths), 1)
    return int(next((n for n in shape if n not in lengths), shape[0]))
