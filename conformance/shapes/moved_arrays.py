"""What the trace tells of arrays that a program moves: what they were, and which only look so.

A gradient that is kept within bounds is judged as it was before: where the bounds are is a
convention. A running mean of parameters, such as that of Polyak, becomes a linear function of
itself and of what these have become; another array is only written, or has nothing of the output.
Left out: what moves parameters (`gradients_of_updates.py`), and gradients that are clipped by their
norm (`backward/own_pass.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.recorded_pass import Goal
from conformance.script.parameters import is_mixed, with_states
from conformance.script.rows import Carried
from conformance.shapes.attempts import Attempt
from conformance.shapes.part_updates import adds_to_a_part
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, bits_of_nodes

BOUNDS = ("clip", "maximum", "minimum")


def unbounded(node: Node) -> Node | None:
    """What was kept within bounds that are numbers, as a width above 0; None if nothing was."""
    arrays = [each for each in node.inputs if not each.constant]
    return arrays[0] if node.operation in BOUNDS and len(arrays) == 1 else None


def unclipped(goal: Goal) -> Goal:
    """A gradient before it was clipped to both sides of 0, where it was; else itself."""
    inner = unbounded(goal.node)
    if inner is None:
        return goal
    before, after = np.asarray(inner.value), np.asarray(goal.node.value)
    two_sided = np.all((before == after) | (before * after > 0))
    return replace(goal, node=inner) if two_sided else goal


def goes_on(first: Sequence[Goal], versions: Collection[Node], second: Iterable[Node]) -> bool:
    """Whether second updates are made of what the first ones are made of, such as a velocity.

    Args:
        first: the parameters, and what is taken off them first.
        versions: what they are then.
        second: what is taken off these.
    """
    way = {*walk(second, lambda each: () if each in versions else each.inputs)}
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

    All that is computed of single numbers is so entry by entry, so these are parameters.

    Args:
        moved: what each one has become.
    """
    arrays = {e: new for e, new in moved.items() if np.ndim(e.value) and np.any(new.value)}
    numbers = [each for each in moved if not np.ndim(each.value)]
    ends = bits_of_nodes(arrays.values())
    if not any(each.uses & ends & ~bits_of_nodes([each]) for each in arrays.values()):
        return [*arrays, *numbers]  # none is made of what another has become
    found = with_states([Carried([old, *_versions(old, new)]) for old, new in arrays.items()])
    return [*(each.values[0] for each in found if not is_mixed(each, found)), *numbers]


def _versions(old: Node, new: Node) -> Iterator[Node]:
    """What an array became, one update after another."""
    while old is not new:
        later = (e for e in old.consumers if e.operation in ("add", "subtract"))
        fitting = (e for e in later if e.args[0] is old and (e is new or new.depends_on(e)))
        found = max(fitting, key=lambda each: each.number, default=new)
        yield found
        old = found
