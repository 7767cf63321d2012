"""Operations that put arrays together or take them apart, and where the entries were computed.

Left out: which of them holds a quantity (`traced_run.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

import numpy as np

from conformance.tracing.index import Location
from conformance.tracing.node import FILLED, Node, holds_records
from reference.step import Array

MOST = 2**32  # entries of an array: more than any has

SCALING = ("multiply", "divide", "power")
"""What may multiply by a number."""

ARRANGING = {
    "append", "array", "asarray", "block", "column_stack", "concatenate", "copy", "copyto",
    "flatten", "getitem", "hstack", "insert", "pad", "ravel", "repeat", "reshape", "row_stack",
    "squeeze", "stack", "swapaxes", "transpose", "vstack", FILLED,
}  # fmt: skip

LIMITING = ("absolute", "fabs", "maximum", "minimum", "clip")
"""Operations that give back what they are given, where its numbers allow it."""

SUMS = {"add", "sum", "add.reduce", "add.reduceat", "mean", "average", "nansum"}
PRODUCTS = {"multiply", "matmul", "dot", "einsum", "outer", "inner", "tensordot", "vdot", "kron"}


def only_arranges(node: Node) -> bool:
    """Whether an operation only puts numbers in another order, and takes none of them out."""
    sizes = [np.size(each.value) for each in node.inputs]
    return node.operation in ARRANGING and np.size(node.value) >= max(sizes, default=0)


def consumers_of(node: Node) -> Iterator[Node]:
    """What computed with a value, as it is or arranged."""
    return _past_arranging(node, attrgetter("consumers"))


def _past_arranging(node: Node, beside: Callable[[Node], Iterable[Node]]) -> Iterator[Node]:
    for each in beside(node):
        if each.operation in ARRANGING:
            yield from _past_arranging(each, beside)
        else:
            yield each


def given_back(node: Node) -> list[Node]:
    """The operands that an operation gave back, such as a clip those that are small enough."""
    if holds_records(node.value):
        return []
    one = (each for each in node.inputs if np.asarray(each.value).dtype != object)  # not several
    return [each for each in one if np.array_equal(each.value, node.value)]


def kind_of(operation: str) -> str:
    """The kind of an operation: all products are one."""
    return "product" if operation in PRODUCTS else operation


def whole(node: Node) -> Location:
    """Where all entries of a node are."""
    places = np.arange(np.size(node.value)).reshape(np.shape(node.value))
    return Location(np.full(places.shape, node.number), places)


def before_arranging(at: Location, nodes: Sequence[Node], stop: int = -1) -> Location:
    """Where a quantity was computed, of what was only put together or taken apart since.

    Args:
        at: where it is.
        nodes: of the run.
        stop: the number of a node, past which nothing is followed.
    """
    while True:
        found = [(n, _sources_of(nodes[n], nodes)) for n in at.numbers if n > stop]
        sources = {number: codes for number, codes in found if codes is not None}
        if not sources:
            return at
        numbers, places = at.nodes.copy(), at.places.copy()
        for number, codes in sources.items():
            mask = at.nodes == number
            numbers[mask], places[mask] = np.divmod(codes.reshape(-1)[at.places[mask]], MOST)
        at = Location(numbers, places, at.factor)


def places_in(node: Node, at: Location, nodes: Sequence[Node]) -> Array | slice:
    """Where in a node the entries are of which a quantity was put together; all if it was not."""
    found = before_arranging(at, nodes, node.number)
    return found.places[found.nodes == node.number] if node.number in found.numbers else slice(None)


def source_of(
    node: Node, nodes: Sequence[Node], places: Array | slice
) -> tuple[Node, Array] | None:
    """The only operation of a line that gave some entries of an arrangement, or None.

    It comes with the places of the entries in it.
    """
    codes = _sources_of(node, nodes)
    numbers, inner = np.divmod(np.zeros(0, int) if codes is None else codes.ravel()[places], MOST)
    found = [nodes[number] for number in sorted(set(numbers.tolist()))]
    if len({(each.operation, each.frames) for each in found}) != 1 or found[0].function is None:
        return None
    return found[0], inner[numbers == found[0].number]


def written(node: Node, places: Array | slice) -> Node:
    """A node as what wrote some of its entries, if that is one line."""
    last = np.full(np.size(node.value), -1)
    for i, (index, *_) in enumerate(node.writes):
        last[slice(None) if index is None else index] = i
    lines = {node.writes[i][2:] for i in set(last[places].tolist()) if i >= 0}
    if len(lines) != 1:
        return node
    ((frames, calls),) = lines
    return replace(node, frames=frames, calls=calls) if frames else node


def _sources_of(node: Node, nodes: Sequence[Node]) -> Array | None:
    """The node and place that each entry of an arrangement is from; None if it is none."""
    if node.operation not in ARRANGING or node.function is None:
        return None
    if any(holds_records(each.value) for each in (node, *node.inputs)):
        return None

    def coded(each: Node) -> Array:
        size = np.size(each.value)
        return (each.number * MOST + np.arange(size)).reshape(np.shape(each.value))

    try:
        codes = np.asarray(node.again(coded))
    except (ValueError, TypeError, IndexError, AttributeError):
        return None
    if codes.shape != np.shape(node.value) or codes.dtype.kind != "i":
        return None
    numbers, places = np.divmod(codes.reshape(-1), MOST)
    held = zip(numbers.tolist(), places.tolist(), np.ravel(node.value).tolist(), strict=True)
    same = all(np.ravel(nodes[n].value)[place] == value for n, place, value in held)
    return codes if same else None


def arranged_last(node: Node) -> Node:
    """What was copied or turned last, and not computed."""
    while node.operation in ARRANGING and len(node.inputs) == 1 and not node.inputs[0].given:
        before = node.inputs[0]
        if before.constant or before.value.size != node.value.size:
            break
        node = before
    return node


def is_handed(node: Node) -> bool:
    """Whether a node is what the program was handed, put together: no equation's result."""
    return node.given or (
        node.operation in ARRANGING and bool(node.inputs) and all(map(is_handed, node.inputs))
    )
