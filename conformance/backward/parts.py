"""What an entry of a vector of all parameters is called where the program takes the vector apart.

Left out: whether its gradient is right.
"""

from collections.abc import Iterator

import numpy as np

from conformance.backward.source import MOVES, operand_name, places
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node


def entry_in_a_part(parameter: Node, at: tuple[int, ...]) -> str:
    """The entry of a matrix or vector that an entry of a parameter is: `W1[0, 3]`; else nothing.

    The gradient of a row may be a vector: its entries are at other places then.
    """
    if np.ndim(parameter.value) != 1 or len(at) != 1:
        return ""
    entry = np.asarray(parameter.value)[at]
    for part in _parts(parameter):
        found = np.argwhere(np.asarray(part.value) == entry)
        names = (operand_name(each, place) for each, place in _uses(part))
        name = next((each for each in names if each.replace(".", "_").isidentifier()), "")
        if name and len(found) == 1:
            return f"{name.removeprefix('self.')}[{', '.join(map(str, found[0]))}]"
    return ""


def _parts(parameter: Node) -> Iterator[Node]:
    """What is taken out of a vector, the last first."""
    size = np.size(parameter.value)
    moved = walk([parameter], lambda each: [e for e in each.consumers if e.operation in MOVES])
    parts = (each for each in moved if 0 < np.size(each.value) < size)
    yield from sorted(parts, key=lambda each: -each.number)


def _uses(part: Node) -> Iterator[tuple[Node, int]]:
    """What computes with a part, and at which place it stands there."""
    for each in part.consumers:
        if each.operation not in MOVES:
            yield from ((each, place) for place in places(each, part))
