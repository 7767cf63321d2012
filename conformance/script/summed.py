"""A gradient of which the parts are added one by one: in `v = μ v + A + B` it is A + B.

Left out: which values are its parts (`update_reader.py`).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from conformance.script.linear import Link, alike
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


def summed(
    trace: Trace, parts: Sequence[Sequence[Link]], like: Node
) -> list[tuple[Link, tuple[Node, ...]]]:
    """The sums of parts of a gradient, each with how many times it is added, and its parts.

    Each is that of arrays which are added the same number of times, but for signs; if there are
    none, it is that of the parts as they are added.

    Args:
        trace: of the run, at whose end they are noted.
        parts: each with what it is a multiple of.
        like: on whose line they are noted.
    """
    found = []
    for one in parts[0]:
        chosen = [next((e for e in each if _are_alike(e, one)), None) for each in parts]
        whole = [each for each in chosen if each is not None]
        if len(whole) == len(parts):
            found.append(whole)
    chosen_of = found or [[each[0] for each in parts]]
    return [((_sum(trace, e, like), e[0][1]), tuple(node for node, _ in e)) for e in chosen_of]


def _are_alike(one: Link, other: Link) -> bool:
    return alike(abs(one[1]), abs(other[1]))


def _sum(trace: Trace, parts: Sequence[Link], like: Node) -> Node:
    """A node of the sum of some arrays, as often as they are added, as a multiple of the first."""
    (made, by), *rest = parts

    def noted(name: str, function: np.ufunc, other: Node | float, one: Node = made) -> Node:
        values = (e.value if type(e) is Node else e for e in (one, other))
        node = trace.node(name, function, (one, other), {}, np.asarray(function(*values)))
        node.frames, node.calls, node.sites = like.frames, like.calls, ()
        return node

    for node, factor in rest:
        ratio = abs(factor / by)
        other = node if alike(1.0, ratio) else noted("multiply", np.multiply, ratio, node)
        name, function = ("add", np.add) if factor * by > 0 else ("subtract", np.subtract)
        made = noted(name, function, other, made)
    return made


def others_in(node: Node, below: Node) -> Iterator[Link]:
    """What else a sum is made of; a number, or one of another shape, too."""
    if node.operation not in ("add", "subtract"):
        return
    first = node.args[0] is below
    if type(other := node.args[1 if first else 0]) is Node:
        yield other, -1.0 if first and node.operation == "subtract" else 1.0
