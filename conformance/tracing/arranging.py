"""Operations that put arrays together or take them apart, and where the entries were computed.

Left out: which of them is to blame (`blame.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

import numpy as np

from conformance.tracing.index import Location
from conformance.tracing.node import FILLED, Node
from reference.step import Array

MOST = 2**32  # entries of an array: more than any has

ARRANGING = {
    "append", "array", "asarray", "block", "column_stack", "concatenate", "copy", "copyto",
    "flatten", "getitem", "hstack", "insert", "pad", "ravel", "repeat", "reshape", "row_stack",
    "squeeze", "stack", "swapaxes", "transpose", "vstack", FILLED,
}  # fmt: skip

LIMITING = ("absolute", "fabs", "maximum", "minimum", "clip")
"""Operations that give back what they are given, where its numbers allow it."""

PRODUCTS = {"multiply", "matmul", "dot", "einsum", "outer", "inner", "tensordot", "vdot", "kron"}


def only_arranges(node: Node) -> bool:
    """Whether an operation only puts numbers in another order, and takes none of them out."""
    sizes = [np.size(each.value) for each in node.inputs]
    return node.operation in ARRANGING and np.size(node.value) >= max(sizes, default=0)


def consumers_of(node: Node) -> Iterator[Node]:
    """What computed with a value, as it is or arranged."""
    return _past_arranging(node, attrgetter("consumers"))


def operands_of(node: Node) -> Iterator[Node]:
    """What an operation was given, before it was arranged."""
    return _past_arranging(node, attrgetter("inputs"))


def _past_arranging(node: Node, beside: Callable[[Node], Iterable[Node]]) -> Iterator[Node]:
    for each in beside(node):
        if each.operation in ARRANGING:
            yield from _past_arranging(each, beside)
        else:
            yield each


def given_back(node: Node) -> list[Node]:
    """The operands that an operation gave back, such as a clip those that are small enough."""
    one = (each for each in node.inputs if np.asarray(each.value).dtype != object)  # not several
    return [each for each in one if np.array_equal(each.value, node.value)]


def kind_of(operation: str) -> str:
    """The kind of an operation: all products are one."""
    return "product" if operation in PRODUCTS else operation


def before_arranging(at: Location, nodes: Sequence[Node]) -> Location:
    """Where a quantity was computed, of what was only put together or taken apart since."""
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


def source_of(node: Node, nodes: Sequence[Node]) -> Node | None:
    """The only operation of a line that gave the entries of an arrangement, or None."""
    codes = _sources_of(node, nodes)
    numbers: list[int] = [] if codes is None else sorted(set((codes.ravel() // MOST).tolist()))
    found = [nodes[number] for number in numbers]
    if len({(each.operation, each.frames) for each in found}) != 1 or found[0].function is None:
        return None
    return found[0]


def _sources_of(node: Node, nodes: Sequence[Node]) -> Array | None:
    """The node and place that each entry of an arrangement is from; None if it is none."""
    if node.operation not in ARRANGING or node.function is None:
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
