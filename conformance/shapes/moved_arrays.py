"""What the trace tells of arrays that a program moves: what they were, and which only look so.

A parameter may be moved part by part: `w[1:] += …`, then `w[0] += …`. A gradient that is kept
within bounds is judged as it was before: where the bounds are is a convention. A running mean of
parameters, such as that of Polyak, becomes a linear function of itself and of what these have
become; another array is only written, or has nothing of the output. Left out: what moves parameters
(`gradients_of_updates.py`), and gradients that are clipped by their norm (`backward/own_pass.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.recorded_pass import Goal
from conformance.script.linear import ancestors, is_of_its_factor
from conformance.script.parameters import is_mixed, with_states
from conformance.script.rows import Carried
from conformance.shapes.attempts import Attempt
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import FILLED, Node, Write, bits_of_nodes, filled, flat, is_part
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


BOUNDS = ("clip", "maximum", "minimum")


def unbounded(node: Node) -> Node | None:
    """What was kept within bounds that are numbers, as a width above 0; None if nothing was."""
    arrays = [each for each in node.inputs if not each.constant]
    return arrays[0] if node.operation in BOUNDS and len(arrays) == 1 else None


def _within_a_norm(node: Node) -> Node | None:
    """What was multiplied by a number that is computed of it, as a bound of its norm is."""
    if node.operation not in ("multiply", "divide") or np.size(node.value) == 1:
        return None  # a number is computed of any other
    pairs = (node.args, node.args[::-1])[: 1 if node.operation == "divide" else 2]
    nodes = (pair for pair in pairs if all(type(each) is Node for each in pair))
    inner: Node | None = next((each for each, by in nodes if is_of_its_factor(by, each)), None)
    while inner is not None and (scaled := _scaled(inner)) is not None:
        inner = scaled[0]
    return inner


def unclipped(trace: Trace, goals: Sequence[Goal]) -> list[Goal]:
    """Gradients before they were clipped, where they were; else as they are.

    They are clipped to both sides of 0, or by their norm. What was clipped may be multiplied by
    numbers after that; no other gradient is made of it.
    """
    return [_unclipped(trace, each, [e.node for e in goals if e is not each]) for each in goals]


def _unclipped(trace: Trace, goal: Goal, others: Sequence[Node]) -> Goal:
    clipped, factor = goal.node, 1.0
    while (scaled := _scaled(clipped)) is not None:
        clipped, factor = scaled[0], scaled[1] * factor
    inner = unbounded(clipped) or _within_a_norm(clipped)
    if inner is None or any(each.depends_on(clipped) for each in others):
        return goal
    before, after = np.asarray(inner.value), np.asarray(clipped.value)
    if not np.all((before == after) | (before * after > 0)):
        return goal
    if clipped is goal.node:
        return replace(goal, node=inner)
    node = trace.node("multiply", np.multiply, (inner, factor), {}, before * factor)
    node.frames, node.calls = goal.node.frames, goal.node.calls
    return replace(goal, node=node)


def _scaled(node: Node) -> tuple[Node, float] | None:
    """What is multiplied by a number or divided by one, and by how much; None if nothing is."""
    if node.operation not in ("multiply", "divide"):
        return None
    for inner, by in (node.args, node.args[::-1])[: 1 if node.operation == "divide" else 2]:
        number = by.value if type(by) is Node and by.function is None else by
        plain = type(number) is not Node and np.ndim(number) == 0 and bool(number)
        if plain and type(inner) is Node and not inner.constant:
            return inner, float(number) if node.operation == "multiply" else 1 / float(number)
    return None


def goes_on(first: Sequence[Goal], versions: Collection[Node], second: Iterable[Node]) -> bool:
    """Whether second updates are made of what the first ones are made of, such as a velocity.

    Args:
        first: the parameters, and what is taken off them first.
        versions: what they are then.
        second: what is taken off these.
    """
    way = {*walk(second, short_of(versions))}
    began = [each.parameter for each in first]
    apart = {*began, *versions}
    made = (each for each in walk(e.node for e in first) if each in way and each not in apart)
    return any(each.depends_on(old) for each in made for old in began)


def origin(node: Node) -> Node | None:
    """What a parameter was before its updates; None if it was not updated."""
    updated = False
    while True:
        shape = np.shape(node.value)
        earlier = [e for e in node.args[:2] if type(e) is Node and np.shape(e.value) == shape]
        if node.operation == "subtract" and earlier and node.args[0] is earlier[0]:
            node, updated = earlier[0], True
        elif node.operation == "add" and earlier:
            node, updated = min(earlier, key=lambda e: e.number), True
        elif node.operation == FILLED and adds_to_a_part(node):
            node, updated = node.args[0], True
        else:
            return node if updated else None


def is_only_written(node: Node) -> bool:
    """Whether nothing is done with an array but to write into it, one part after another."""
    while True:
        used = [each for each in node.consumers if each.consumers or each.operation == FILLED]
        if not used:
            return True
        if len(used) > 1 or used[0].operation != FILLED or used[0].args[0] is not node:
            return False
        node = used[0]


def is_beside(run: Attempt, old: Node, new: Node) -> bool:
    """Whether an array and the output have nothing of each other, as the running mean of inputs."""
    output = run.scope.kinds.get("output")
    if not isinstance(output, np.ndarray):
        return False
    node = run.node(output)
    return not (node.depends_on(old) or new.depends_on(node))


def parameters_among(moved: Mapping[Node, Node]) -> list[Node]:
    """Those of some values that are no velocities or the like, and no means of others.

    All that is computed of single numbers is so entry by entry: of these a state is what goes into
    another one by its new value alone.

    Args:
        moved: what each one has become.
    """
    arrays = {e: new for e, new in moved.items() if np.ndim(e.value) and np.any(new.value)}
    single = {e: new for e, new in moved.items() if not np.ndim(e.value)}
    numbers = [each for each in single if not _is_carried(each, single)]
    ends = bits_of_nodes(arrays.values())
    if not any(each.uses & ends & ~bits_of_nodes([each]) for each in arrays.values()):
        return [*arrays, *numbers]  # none is made of what another has become
    found = with_states([Carried([old, *_versions(old, new)]) for old, new in arrays.items()])
    return [*(each.values[0] for each in found if not is_mixed(each, found)), *numbers]


def _is_carried(old: Node, moved: Mapping[Node, Node]) -> bool:
    """Whether a number is read for its new value alone, which goes into another number's.

    That may be a sum of multiples of both, as in the momentum of Nesterov.
    """
    new = moved[old]
    going = [each for each in moved.values() if each is not new and each.depends_on(new)]
    if not going:
        return False
    sums = ({each, *ancestors(each)} for each in going)
    left, seen = [old], {old, new}.union(*(each for each in sums if old in each and new in each))
    while left:
        later = [each for each in left.pop().consumers if each not in seen]
        if not all(map(new.depends_on, later)):
            return False
        seen.update(later)
        left += later
    return True


def _versions(old: Node, new: Node) -> Iterator[Node]:
    """What an array became, one update after another."""
    while old is not new:
        later = (e for e in old.consumers if e.operation in ("add", "subtract"))
        fitting = (e for e in later if e.args[0] is old and (e is new or new.depends_on(e)))
        found = max(fitting, key=lambda each: each.number, default=new)
        yield found
        old = found
