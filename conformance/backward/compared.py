"""What a network's output is compared with, and where, read off a recorded step.

The output error is the first value that is computed from a value that depends on the parameters and
from another one that does not, and that is no input of the forward pass: the target. Integer labels
are the places at which a copy of the output is written into, one a sample.

Left out: the costs (`costs.py`).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

import numpy as np

from conformance.backward.groups import grouped
from conformance.backward.margins import margins, value_of
from conformance.backward.recorded_pass import Goal, bits
from conformance.backward.source import is_float, is_literal
from conformance.tracing.ancestors import ancestors, walk
from conformance.tracing.node import FILLED, Node, uses_of_nodes
from reference.step import Array

COMPARING = ("subtract", "add", "divide", "multiply", "power")
"""Operations that an output error begins with: a − y, y − a, y / a, −y + a."""

Also = Literal["input", "row", "even"] | None
"""A target that is only taken if there is no other: an input of the network, one row for all
samples, or an array whose entries are all the same."""


@dataclass(frozen=True, eq=False)
class Compared:
    """An output and what it is compared with.

    Attributes:
        pairs: an output and its target, as a node or an array of the same shape: one pair, or one a
            sample or time step.
        users: the operations that compare them, if they are known.
        labels: whether the targets are the labels of margins.
    """

    pairs: tuple[tuple[Node, Any], ...]
    users: tuple[Node, ...] = ()
    labels: bool = False


def compared(
    nodes: Sequence[Node],
    goals: Sequence[Goal],
    output: Node | None,
    target: Node | None,
    ended: float = inf,
) -> list[Compared]:
    """What may be the output and the target, the likeliest first.

    Args:
        nodes: of the run.
        goals: the gradients.
        output: the output, if it is known.
        target: the target, if it is known.
        ended: the number of the first node that is none of the program's.
    """
    found = (
        _found(nodes, goals, output, target)
        or _found(nodes, goals, None, None)
        or _found(nodes, goals, None, None, "input")
        or _found(nodes, goals, None, None, "row")
    )
    if all(map(_is_product, found)):  # such as those of an output error and an input
        found = [*_found(nodes, goals, None, None, "even"), *found]
    elif bits(goals) & ~uses_of_nodes(output for each in found for output, _ in each.pairs):
        found += _apart(_found(nodes, goals, None, None, "even"), found, bits(goals))
    parameters = {each.parameter for each in goals}  # of one any gradient is right by itself
    found = [e for e in found if not (_of_zeros(e, parameters) or _is_chosen(e, parameters))]
    if all(e in parameters for each in found for e, _ in each.pairs):
        needed = uses_of_nodes(each.node for each in goals)
        beside = [each for each in nodes if not needed >> each.number & 1]
        told = [Compared(*each, labels=True) for each in margins(beside, bits(goals), ended)]
        if told:
            return told
    if output is not None and target is not None:
        known = (Compared(((output, e),)) for e in targets(np.shape(output.value), target))
        found = [*known, *found]
    found = [before for each in found for before in (*_unscaled(each), each)]
    return [alike for each in found for alike in (each, *_others(each, bits(goals)))]


def _of_zeros(found: Compared, parameters: Collection[Node]) -> bool:
    """Whether parameters are compared with zeros: they decay, and it is no output error."""
    return all(
        output in parameters and not np.any(value_of(target)) for output, target in found.pairs
    )


def _is_chosen(found: Compared, parameters: set[Node]) -> bool:
    """Whether parameters choose the outputs, as by the place of the largest, and none goes in."""
    way = walk((output for output, _ in found.pairs), lambda e: [*filter(is_float, e.inputs)])
    return parameters.isdisjoint(way)


def _found(
    nodes: Sequence[Node],
    goals: Sequence[Goal],
    output: Node | None,
    target: Node | None,
    also: Also = None,
) -> list[Compared]:
    """Those that the step's operations compare, also with an unusual target of one kind.

    Where a function that takes one thing off another is called for other things too, its calls are
    told apart.
    """
    parameters = bits(goals)
    needed, given = uses_of_nodes(each.node for each in goals), (output, target)
    within = [e for e in nodes if needed >> e.number & 1 and e.uses & parameters]
    made = (
        [_of_group(each.nodes, parameters, given, also) for each in grouped(within, calls=calls)]
        for calls in (False, True)
    )
    pairs = next((found for each in made if (found := [e for e in each if e is not None])), [])
    found = [each for one in pairs for each in (one, *_of_further_terms(one, parameters))]
    most = max((_count(each, parameters) for each in found), default=0)
    likely = [each for each in found if _count(each, parameters) == most]
    return sorted([*likely, *_apart(found, likely, parameters)], key=_is_product)


def _apart(
    found: Sequence[Compared], others: Sequence[Compared], parameters: int
) -> list[Compared]:
    """Those whose outputs depend on no parameters that others do, as of a critic of a policy."""
    used = parameters & uses_of_nodes(output for each in others for output, _ in each.pairs)
    return [each for each in found if not any(o.uses & used for o, _ in each.pairs)]


def _is_product(found: Compared) -> bool:
    """Whether what an output is compared with multiplies it, or is added to it."""
    return found.users[0].operation in ("add", "multiply")


def _of_further_terms(found: Compared, parameters: int) -> Iterator[Compared]:
    """The error y − b − w x, compared with 0, where y − b alone was taken for one."""
    errors = [_with_further_terms(each, parameters) for each in found.users]
    more = all(
        error.uses & parameters & ~output.uses
        for error, (output, _) in zip(errors, found.pairs, strict=True)
    )
    if found.users[0].operation in ("add", "subtract") and more:
        pairs = ((error, np.zeros(np.shape(error.value))) for error in errors)
        yield Compared(tuple(pairs), tuple(errors))


def _with_further_terms(node: Node, parameters: int) -> Node:
    """A value with all that is added to it or taken off it and depends on parameters."""
    for user in node.consumers:
        if user.operation in ("add", "subtract") and len(user.inputs) > 1:
            (other,) = (each for each in user.inputs if each is not node)
            alike = np.size(user.value) == np.size(node.value)
            if alike and other.uses & parameters and not _is_decay(other, parameters):
                return _with_further_terms(user, parameters)
    return node


def _count(found: Compared, parameters: int) -> int:
    """How many parameters the output depends on."""
    return min((output.uses & parameters).bit_count() for output, _ in found.pairs)


Given = tuple[Node | None, Node | None]
"""The output and the target, as far as they are known."""


def _of_group(nodes: Sequence[Node], parameters: int, given: Given, also: Also) -> Compared | None:
    """The pairs that all executions of an operation compare; None if it compares nothing."""
    pairs = [_pair(each, parameters, given, also) for each in nodes]
    some = [(pair, user) for pair, user in zip(pairs, nodes, strict=True) if pair is not None]
    numbers = {np.asarray(value_of(target)).tobytes() for (_, target), _ in some}
    constant = len(some) > 1 and len(numbers) == 1 and also != "even"
    if len(some) < len(nodes) or constant:
        return None
    return Compared(tuple(pair for pair, _ in some), tuple(user for _, user in some))


def _pair(node: Node, parameters: int, given: Given, also: Also) -> tuple[Node, Any] | None:
    """An output and what it is compared with by an operation."""
    output, target = given
    allowed = None if also == "input" else parameters
    even = also == "even" and node.operation == "subtract"
    if node.operation in (FILLED, "subtract.at", "add.at"):
        return _labelled(node, parameters)
    if node.operation not in COMPARING or len(node.args) < 2:  # noqa: PLR2004 - of two operands
        return None
    for place, (one, other) in ((1, node.args[:2]), (0, node.args[1::-1])):
        if not _depends(one, parameters) or (type(other) is Node and other.uses & parameters):
            continue
        if (output is not None and plain(one) is not plain(output)) or _is_decay(one, parameters):
            continue
        if isinstance(other, int | float) and node.operation != "subtract":
            continue  # such as the 1 of 1 / (1 + e^−z)
        own = target is not None and type(other) is Node and other.depends_on(target)
        stated = type(other) in (int, float) and is_literal(node, place)
        if own or (target is None and not stated and _is_target(other, one, allowed, even=even)):
            return plain(one), other
        if (
            also == "row"
            and node.operation == "subtract"
            and np.shape(node.value) == np.shape(one.value)
        ):
            rows = np.broadcast_to(np.asarray(value_of(other)), np.shape(one.value))
            if np.size(value_of(other)) > 1 and _is_target(rows, one, allowed):
                return plain(one), rows
    return None


def _depends(value: Any, parameters: int) -> bool:
    return type(value) is Node and bool(value.uses & parameters) and is_float(value)


def _is_decay(node: Node, parameters: int) -> bool:
    """Whether a value is a parameter, or a part of it, times a number, as in λw − yx."""
    at = node
    while at.operation in ("multiply", "divide") and np.shape(at.value):
        alike = [e for e in at.inputs if np.shape(e.value) == np.shape(at.value)]
        if len(alike) != 1 or any(e.uses & parameters for e in at.inputs if e not in alike):
            return False
        (at,) = alike
    whole = at
    while whole.operation in ("getitem", "copy"):  # of a row of it
        whole = whole.inputs[0]
    return at is not node and whole.function is None and bool(at.uses & parameters)


def _is_target(value: Any, output: Node, parameters: int | None, *, even: bool = False) -> bool:
    """Whether it may be what an output is compared with; no input, if parameters are given.

    Its entries are not all the same, such as those of `np.ones` in 1 − a, unless they may be even.
    """
    array = np.asarray(value_of(value))
    alike = array.shape == np.shape(output.value) or array.size == 1 == np.size(output.value)
    if array.dtype.kind not in "biuf" or not alike:
        return False
    if type(value) is Node and parameters is not None and _is_input(value, output, parameters):
        return False
    numbers = array.ravel()  # which may be none
    return even or array.size == 1 or bool(np.any(numbers != numbers[:1]))


def _is_input(value: Node, output: Node, parameters: int) -> bool:
    """Whether an output was computed from a value, and not only from a number of several data.

    Such is the mean of all targets.
    """

    def further(node: Node) -> list[Node]:
        several = sum(np.size(each.value) for each in node.inputs) > 1
        number = several and np.size(node.value) == 1 and not node.uses & parameters
        return [] if number else [e for e in node.inputs if e is value or e.depends_on(value)]

    return output.depends_on(value) and value in walk([output], further)


def plain(node: Node) -> Node:
    """The value that a copy was made of."""
    while node.operation in ("copy", "array", "asarray", "astype") and len(node.inputs) == 1:
        if np.shape(node.inputs[0].value) != np.shape(node.value):
            break
        node = node.inputs[0]
    return node


def _labelled(node: Node, parameters: int) -> tuple[Node, Any] | None:
    """A copy of the output, or minus it, that is written into at the label of each sample."""
    before = node.args[0]
    if type(before) is not Node or not _depends(before, parameters):
        return None
    keys = [index for index, _ in node.args[1]] if node.operation == FILLED else [node.args[1]]
    for key in keys:
        hot = np.zeros(np.shape(before.value))
        (hot.reshape(-1) if node.operation == FILLED else hot)[... if key is None else key] = 1
        samples = (
            np.all(hot.sum(axis=axis) == 1) and hot.shape[axis] > 1 for axis in range(hot.ndim)
        )
        if any(samples) and np.sum(hot) < hot.size:
            return plain(before.inputs[0] if before.operation == "negative" else before), hot
    return None


def targets(shape: tuple[int, ...], target: Any) -> Iterator[Array]:
    """A target under the shapes that an output may have: values, one-hot, integer labels."""
    array = np.asarray(value_of(target))
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


def _unscaled(found: Compared) -> Iterator[Compared]:
    """The same with p and y where p / m is compared with y / m."""
    pairs = [_before_number(*each) for each in found.pairs]
    if None not in pairs:
        yield Compared(tuple(each for each in pairs if each is not None), found.users)


def _before_number(output: Node, target: Any) -> tuple[Node, Any] | None:
    """What is multiplied, or divided, by one and the same number in both; None if nothing is."""
    if type(target) is not Node or output.operation != target.operation:
        return None
    for place in {"multiply": (0, 1), "divide": (0,)}.get(output.operation, ()):
        one, other = (np.asarray(value_of(e.args[1 - place])) for e in (output, target))
        if one.size == other.size == 1 and one.item() == other.item():
            inner = output.args[place]
            return (plain(inner), target.args[place]) if type(inner) is Node else None
    return None


def _others(found: Compared, parameters: int) -> Iterator[Compared]:
    """The same with what a target was computed from: y for −y and for 1 − y; and for scores.

    Of labels the output may be what is written into, or the first value of its shape before it.
    """
    sources = [list(_sources(target)) for _, target in found.pairs]
    for chosen in zip(*sources, strict=False):
        pairs = [(o, each) for (o, _), each in zip(found.pairs, chosen, strict=True)]
        yield Compared(tuple(pairs), found.users)
    if found.users and found.users[0].operation not in COMPARING:
        scores = [(_first(output, parameters), target) for output, target in found.pairs]
        yield Compared(tuple(scores), found.users)


def _first(output: Node, parameters: int) -> Node:
    """The first value of an output's shape that depends on as many parameters."""
    alike = (
        each
        for each in ancestors(output)
        if np.shape(each.value) == np.shape(output.value)
        and is_float(each)
        and each.uses & parameters == output.uses & parameters
    )
    return min(alike, key=lambda each: each.number, default=output)


def _sources(target: Any) -> Iterator[Any]:
    if type(target) is Node:
        for each in target.inputs:
            if np.shape(each.value) == np.shape(target.value):
                yield each
    elif np.all(np.asarray(target) <= 0) and np.any(target):
        yield -np.asarray(target)
