"""What values were computed from: one walk from operations back to their operands.

Left out: what is asked of a value on the way; the caller says which operands lead on.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from heapq import heapify, heappop, heappush

from conformance.tracing.node import Node

Operands = Callable[[Node], Iterable[Node]]
"""The operands of a node at which a walk goes on."""


def all_operands(node: Node) -> Iterable[Node]:
    """Whatever enters an operation."""
    return node.inputs


def short_of(ends: Container[Node]) -> Operands:
    """The operands at which a walk goes on that goes up to some nodes, and not beyond."""

    def operands(node: Node) -> Iterable[Node]:
        return () if node in ends else node.inputs

    return operands


def walk(starts: Iterable[Node], operands: Operands = all_operands) -> Iterator[Node]:
    """Some values and what they were computed from, each once, the latest first.

    So a value comes after all that was computed from it.
    """
    return (node for node, _ in ways(starts, operands))


def ancestors(node: Node) -> Iterator[Node]:
    """What a value was computed from, without itself, the latest first."""
    return (each for each in walk([node]) if each is not node)


def ways(starts: Iterable[Node], operands: Operands) -> Iterator[tuple[Node, Node]]:
    """As `walk`, each with the latest value that it is an operand of; a start with itself."""
    begun = {node.number: node for node in starts}
    waiting = [(-number, node, node) for number, node in begun.items()]  # no nodes are compared
    heapify(waiting)
    seen = {*begun}
    while waiting:
        _, node, through = heappop(waiting)
        yield node, through
        for each in operands(node):
            if each.number not in seen:  # what comes first is the latest that it is an operand of
                seen.add(each.number)
                heappush(waiting, (-each.number, each, node))


def between(old: Node, new: Node, others: Container[Node]) -> set[Node]:
    """A value and all on the way to one that is made of it, past no others; nothing if none is."""
    inner = walk([new], lambda e: [i for i in e.inputs if i.depends_on(old) and i not in others])
    way = {old}
    for node in reversed([*inner]):
        if not way.isdisjoint(node.inputs):
            way.add(node)
    return way if new in way else set()
