"""The executions of an operation: which there are, and what each should have given.

A value is put into an array of another size, too. Left out: whether that mends anything
(`repair.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from conformance.arithmetic.exact import to_exact
from conformance.tracing.arranging import ARRANGING
from conformance.tracing.node import Node
from reference.step import Array

REDUCING = {"sum", "mean", "average", "reduce", "add.reduce", "nansum", "einsum", "tensordot"}
"""Operations whose arguments say which axes their result has."""

BEGINNING, END = 2, 3  # where a value is put that is a part of an array


def groups(path: Iterable[Node], samples: int) -> list[list[Node]]:
    """The executions of each operation of a line, the earliest first.

    An operation that stands on a line several times, or is done for each of several entries, is
    one each time, and then all of them together; of running sums, the last of each.

    Args:
        path: the operations.
        samples: the bits of the nodes of all samples.
    """
    lines: dict[Any, list[Node]] = defaultdict(list)
    for node in path:
        real = np.asarray(node.value).dtype.kind not in "cO"  # else complex, or several arrays
        if node.frames and real:  # as called from one line, and from all
            kind = node.operation, bool(node.uses & samples)
            lines[*kind, node.frames].append(node)
            lines[*kind, node.frames[0]].append(node)
    found: list[list[Node]] = []
    seen = set[tuple[int, ...]]()
    for nodes in lines.values():
        numbers = tuple(node.number for node in nodes)
        if numbers in seen:
            continue
        seen.add(numbers)
        places: dict[int, list[Node]] = defaultdict(list)
        owned: dict[int, list[Node]] = defaultdict(list)  # by the samples that it was computed from
        for node in nodes:
            of_one = owned[node.uses & samples]
            places[len(of_one)].append(node)
            of_one.append(node)
        found += places.values()
        ends = [each for of_one in owned.values() for each in _ends(of_one)]
        if len(places) > 1 and len(ends) > len(owned):
            found.append(sorted(ends, key=lambda each: each.number))
    return sorted(found, key=lambda each: (each[0].number, len(each)))


def _ends(nodes: Sequence[Node]) -> Iterator[Node]:
    """Those of some nodes that no other was made of, the last first."""
    used = 0
    for node in reversed(nodes):
        if not used >> node.number & 1:
            yield node
        used |= node.uses


def handed_out(
    executions: Sequence[Node],
    owners: Sequence[tuple[int, ...]],
    values: Mapping[tuple[int, ...], Array],
    turned: int,
) -> dict[int, Array] | None:
    """The value of each execution: that of its samples, or one entry of it after the other.

    Args:
        executions: of one operation.
        owners: the samples of each.
        values: of each group of samples.
        turned: which way they are put; see `_fitted`.
    """
    given: dict[int, Array] = {}
    for owner, value in values.items():
        nodes = [n for n, each in zip(executions, owners, strict=True) if each == owner]
        single = all(np.size(node.value) == 1 for node in nodes)
        if single and value.size == len(nodes) > 1:
            entries = (value.T if turned % 2 else value).reshape(-1)
            given |= {n.number: _one(e, n) for n, e in zip(nodes, entries, strict=True)}
            continue
        for node in nodes:
            fitted = _fitted(value, node, turned)
            if fitted is None:
                return None
            given[node.number] = fitted
    return given


def beside(values: Sequence[Array], shape: tuple[int, ...]) -> Iterator[Array]:
    """The values of the samples in one array of a shape, each straight or turned."""
    for axis, turned in product((0, -1), (False, True)):
        made = np.stack([each.T if turned else each for each in values], axis)
        if made.shape == shape:
            yield made


def _one(entry: Any, node: Node) -> Array:
    made = np.empty(np.shape(node.value), dtype=object)
    made[...] = entry
    return made


def _fitted(value: Array, node: Node, turned: int) -> Array | None:
    """A value in the shape of a node; None if it does not fit.

    A part of a larger array, such as biases beside weights, is at one of its ends. What was
    arranged wrongly may have another shape.

    Args:
        value: what the equation has.
        node: what takes it.
        turned: which way it is put: 0 straight, 1 turned, 2 at the beginning, 3 at the end.
    """
    shape = np.shape(node.value)
    if turned >= BEGINNING:
        return _part(value, node, at_end=turned == END)
    made = value.T if turned else value
    if turned and (value.ndim < 2 or 1 in value.shape):  # noqa: PLR2004 - the same once more
        return None
    if made.shape == shape:
        return made
    if made.size == np.size(node.value):
        return made.reshape(shape)
    free = node.operation in ARRANGING and value.ndim == len(shape)
    return made if free or node.operation in REDUCING else None


def _part(value: Array, node: Node, *, at_end: bool) -> Array | None:
    """What a node has, but for a value that is a part of it."""
    shape = np.shape(node.value)
    if value.ndim != 2 or len(shape) != 2 or value.size >= np.size(node.value):  # noqa: PLR2004
        return None
    for part in (value, value.T):
        if all(n <= most for n, most in zip(part.shape, shape, strict=True)) and (
            part.shape[0] == shape[0] or part.shape[1] == shape[1]
        ):
            made = np.array(to_exact(node.value))
            starts = [most - n if at_end else 0 for n, most in zip(part.shape, shape, strict=True)]
            made[starts[0] : starts[0] + part.shape[0], starts[1] : starts[1] + part.shape[1]] = (
                part
            )
            return made
    return None
