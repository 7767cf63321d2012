"""Values that are means of what they were and of something new, as a baseline of rewards is.

Left out: means of parameters, such as a copy that follows them slowly (`parameters.py`).
"""

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
    found: dict[Node, float] = {}
    waiting = [(new, 1.0)]
    for node, times in waiting:
        parts = [*links(node)] if node is not old and node.depends_on(old) else []
        if parts:
            waiting += ((each, times * factor) for each, factor in parts)
        else:
            found[node] = found.get(node, 0.0) + times
    return found
