"""Operations that put arrays together or take them apart, and where the entries were computed.

Left out: which of them holds a quantity (`traced_run.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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


def consumers_of(node: Node) -> Iterator[Node]:
    """What computed with a value, as it is or arranged."""
    return _past_arranging(node, attrgetter("consumers"))


def _past_arranging(node: Node, beside: Callable[[Node], Iterable[Node]]) -> Iterator[Node]:
    for each in beside(node):
        if each.operation in ARRANGING:
            yield from _past_arranging(each, beside)
        else:
            yield each


def whole(node: Node, factor: float = 1.0) -> Location:
    """Where all entries of a node are, which may hold so many times a quantity."""
    places = np.arange(np.size(node.value)).reshape(np.shape(node.value))
    return Location(np.full(places.shape, node.number), places, factor)


def before_arranging(at: Location, nodes: Sequence[Node]) -> Location:
    """Where a quantity was computed, of what was only put together or taken apart since.

    Args:
        at: where it is.
        nodes: of the run.
    """
    while True:
        found = [(n, _sources_of(nodes[n], nodes)) for n in at.numbers]
        sources = {number: codes for number, codes in found if codes is not None}
        if not sources:
            return at
        numbers, places = at.nodes.copy(), at.places.copy()
        for number, codes in sources.items():
            mask = at.nodes == number
            numbers[mask], places[mask] = np.divmod(codes.reshape(-1)[at.places[mask]], MOST)
        at = Location(numbers, places, at.factor)


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
