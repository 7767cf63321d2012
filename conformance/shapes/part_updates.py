"""Updates of a parameter part by part: `w[1:] += …`, then `w[0] += …`.

Left out: updates of a whole parameter (`gradients_of_updates.py`).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from conformance.tracing.node import FILLED, Node, Write, filled, flat, is_part
from conformance.tracing.trace import Trace


def taken_off_parts(trace: Trace, before: Node, after: Node) -> tuple[Node, Node] | None:
    """What was first taken off the parts of a parameter, as one array, and what it became.

    None if something else than a sum was written into it.
    """
    states = _first_states(before, after)
    writes: list[Write] = []
    for state in states:
        notes = state.writes or tuple((*each, (), ()) for each in state.args[1])
        for index, value, frames, calls in notes:
            term = _taken_off(trace, value)
            if term is None or index is None:
                return None
            writes.append((index, term, frames, calls))
    places = [i for index, *_ in writes for i in np.ravel(np.asarray(index)).tolist()]
    if not states or len(places) != len(set(places)):
        return None  # an entry that is moved twice
    nothing = trace.node("constant", None, (), {}, np.zeros_like(before.value))
    pairs = tuple((index, term) for index, term, *_ in writes)
    value = filled(nothing.value, [(i, e.value if type(e) is Node else e) for i, e in pairs])
    made = trace.node(FILLED, filled, (nothing, pairs), {}, value)
    made.frames, made.calls, made.writes = states[-1].frames, states[-1].calls, tuple(writes)
    return made, states[-1]


def _first_states(before: Node, after: Node) -> list[Node]:
    """What a parameter is after each write of its first update.

    A part that a forward pass has read since is moved by the next update.
    """
    found: list[Node] = []
    made = before
    while made is not after:
        writes = (e for e in made.consumers if e.operation == FILLED and e.args[0] is made)
        following = next((e for e in writes if e is after or after.depends_on(e)), None)
        if following is None or not adds_to_a_part(following):
            break
        if found and any(
            e is not following and not goes_into(e, following) for e in made.consumers
        ):
            break
        found.append(made := following)
    return found


def adds_to_a_part(node: Node) -> bool:
    """Whether a part of an array was written that is itself with something added, `w[1:] += d`."""
    written = [e for e in flat(node.args[1:]) if type(e) is Node]
    return type(node.args[0]) is Node and any(
        is_part(part)
        for each in written
        for part in (each, *(each.inputs if each.operation in ("add", "subtract") else ()))
    )


def _taken_off(trace: Trace, written: Any) -> Any:
    """What was taken off a part that is written again; None if it is no part less something."""
    if type(written) is not Node or written.operation not in ("add", "subtract"):
        return None
    for part, term in _operands(written):
        if type(part) is Node and is_part(part) and np.shape(part.value) == np.shape(written.value):
            if written.operation == "subtract":
                return term
            if type(term) is not Node:
                return -term
            return trace.node("negative", np.negative, (term,), {}, -np.asarray(term.value))
    return None


def _operands(node: Node) -> Iterator[tuple[Any, Any]]:
    """What may be the part and what may be the term of a sum."""
    yield node.args[0], node.args[1]
    if node.operation == "add":
        yield node.args[1], node.args[0]


def goes_into(node: Node, update: Node) -> bool:
    """Whether all that is made of a number is multiplied by constants on the way to an update."""
    if node is update:
        return True
    scalars = [
        e
        for e in node.args
        if type(e) is not Node or (e.function is None and np.size(e.value) == 1)
    ]
    if node.operation != "getitem" and (
        node.operation not in ("multiply", "subtract", "add")
        or not (scalars or update in node.consumers)
    ):
        return False
    return bool(node.consumers) and all(goes_into(each, update) for each in node.consumers)
