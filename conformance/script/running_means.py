"""Values that are means of what they were and of something new, as a baseline of rewards is.

Left out: means of parameters, such as a copy that follows them slowly (`parameters.py`).
"""

from heapq import heappop, heappush

from conformance.script.linear import alike, links
from conformance.tracing.node import Node


def is_running_mean(old: Node, new: Node) -> bool:
    """Whether a new value is a mean of the old one and of what was computed without it."""
    found = _shares(new, old)
    own = found.pop(old, 0.0)
    apart = found and not any(each.depends_on(old) for each in found)
    return bool(apart) and 0 < own < 1 and alike(1.0, own + sum(found.values()))


def _shares(new: Node, old: Node) -> dict[Node, float]:
    """How many times a new value is the old one, and values that are not made of that one."""
    found, times = dict[Node, float](), {new: 1.0}
    waiting = [(-new.number, new)]
    while waiting:  # the latest first: what is computed of a value is later than it
        node = heappop(waiting)[1]
        share = times.pop(node)
        parts = [*links(node)] if node is not old and node.depends_on(old) else []
        for each, factor in parts:
            if each not in times:
                heappush(waiting, (-each.number, each))
            times[each] = times.get(each, 0.0) + share * factor
        if not parts:
            found[node] = found.get(node, 0.0) + share
    return found
